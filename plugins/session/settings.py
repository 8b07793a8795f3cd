"""SET, RESET, DISCARD and set_config(): which settings they change, and to what, as text for `SET name =`.

What cannot be said again in those words on another connection pins. Knows nothing of when or whether it will be.
"""

import re
from collections.abc import Sequence

import msgspec

from plugins.plan import Change, Point
from plugins.session.effect import MEANING, NONE, Effect
from plugins.session.values import Unfollowed, arguments, listed, value_of
from plugins.statement import Part, word
from plugins.tokens import NAMES, Kind, Token, closing, literal

MAX_VALUE = 8_192
UNFOLLOWED = "unfollowed setting"
TEMPORARY = "temporary table"
TEMPORARY_PATH = "pg_temp in search_path"

LEXICAL = frozenset({"client_encoding", "names", "standard_conforming_strings"})
"""Settings, and a word for one, that change where in a text a string ends."""
_PASSES = "ends with the transaction"
_LOCAL = frozenset({"role", "search_path"})
"""Those of them that are followed where they are set until the transaction ends."""
_TRANSACTION = frozenset({"transaction_isolation", "transaction_read_only", "transaction_deferrable"})
_OLD_NAMES = {"sort_mem": "work_mem", "vacuum_mem": "maintenance_work_mem"}
_NAME = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*")
_STYLES = frozenset({"iso", "sql", "postgres", "german"})
_ORDERS = frozenset({"dmy", "mdy", "ymd", "euro", "european", "us", "noneuro", "noneuropean"})


def effect_of_setting(part: Part) -> Effect:
    """SET, RESET, SHOW or DISCARD."""
    try:
        match part.word(0):
            case "set":
                return _set(part.tokens[1:])
            case "reset":
                return _reset(part.tokens[1:])
            case "discard" if part.word(1) == "all":
                return Effect(
                    "discard all",
                    "starts the session anew",
                    sets=(("role", None),),
                    resets_all=True,
                    forgets_prepared=True,
                    discards=True,
                )
            case "discard" if part.word(1) in ("temp", "temporary"):
                return Effect("discard temp", "drops what is temporary", frees=True)
            case _:
                return NONE
    except Unfollowed as unfollowed:
        return Effect("set", unfollowed.reason, pin=UNFOLLOWED, blurs=_blurs(part.tokens[1:]))


def _set(tokens: Sequence[Token]) -> Effect:
    # `SET local.x = 1` names a setting; only a word that nothing assigns to is a keyword.
    def keyword(*words: str) -> bool:
        plain = all(word(tokens, at) == expected for at, expected in enumerate(words))
        return plain and word(tokens, len(words)) not in (".", "=", "to")

    if keyword("local"):
        return _set_local(tokens[1:])
    while keyword("session"):
        tokens = tokens[1:]
    if keyword("transaction") or keyword("constraints"):
        return Effect("set transaction", "ends with the transaction")
    if keyword("characteristics", "as", "transaction"):
        return _changes(_characteristics(tokens[3:]))
    if keyword("authorization"):
        return _authorization()
    if keyword("time", "zone"):
        return _changes([("timezone", _zone(tokens[2:]))])
    if keyword("names"):
        value = None if len(tokens) == 1 else value_of(tokens[1:], alike=True)
        return _changes([("client_encoding", value)])
    if keyword("schema"):
        return _assign("search_path", tokens[1:])
    if keyword("role"):
        return _changes([("role", value_of(tokens[1:], alike=True))])
    if keyword("xml", "option"):
        return _changes([("xmloption", value_of(tokens[2:]))])
    name, rest = _name(tokens)
    if word(rest, 0) not in ("=", "to"):
        raise Unfollowed("is no form of SET known here")
    return _assign(name, rest[1:])


def begins_with(tokens: Sequence[Token]) -> bool:
    """Whether ALTER ROLE or ALTER DATABASE sets or resets what gives statements their meaning."""
    words = [word(tokens, at) for at in range(min(len(tokens), 8))]
    if words[:2] not in (["alter", "role"], ["alter", "user"], ["alter", "database"]):
        return False
    # Behind the name, which may itself be a word like these.
    at = 6 if words[3:5] == ["in", "database"] else 3
    if words[at : at + 1] not in (["set"], ["reset"]):
        return False
    return words[at + 1 :] == ["all"] or _blurs(tokens[at + 1 :])


def _set_local(tokens: Sequence[Token]) -> Effect:
    if _blurs(tokens):
        # How the next text has to be cut would be another, and nobody would be told in time.
        if not LEXICAL.isdisjoint(token.name.lower() for token in tokens[:2]):
            return Effect("set local", _PASSES, pin=UNFOLLOWED, blurs=True, point=("passes", ""))
        try:
            followed = _until_the_end(_set(tokens))
        except Unfollowed:
            followed = ()
        return Effect("set local", _PASSES, local_sets=followed, blurs=not followed, point=("passes", ""))
    return Effect("set local", _PASSES, point=("passes", ""))


def _until_the_end(effect: Effect) -> tuple[tuple[str, str], ...]:
    """What `effect` changes for the session, as what holds for a transaction only; empty where it is not followed."""
    followed = tuple((name, value) for name, value in effect.sets if value is not None and name in _LOCAL)
    return followed if len(followed) == len(effect.sets) and not effect.blurs else ()


def _blurs(tokens: Sequence[Token]) -> bool:
    """Whether what is set here may change what statements mean, by the words behind SET or RESET."""
    words = [word(tokens, at) for at in range(4)]
    while words[0] in ("session", "local") and words[1] not in (".", "=", "to", "authorization"):
        tokens, words = tokens[1:], [*words[1:], ""]
    if words[:2] in (["time", "zone"], ["xml", "option"]) or words[0] in (
        "transaction",
        "constraints",
        "characteristics",
    ):
        return False
    if words[0] in ("names", "schema", "role") and words[1] not in (".", "=", "to"):
        return True
    try:
        name, rest = _name(tokens)
    except Unfollowed:
        return True
    return name in MEANING or word(rest, 0) not in ("=", "to", "")


def _reset(tokens: Sequence[Token]) -> Effect:
    if len(tokens) == 1 and word(tokens, 0) == "all":
        return Effect("reset all", "puts every setting back but the role", resets_all=True)
    words = tuple(word(tokens, at) for at in range(len(tokens)))
    if words == ("time", "zone"):
        return _changes([("timezone", None)])
    if words == ("transaction", "isolation", "level"):
        return Effect("set transaction", "ends with the transaction")
    if words == ("session", "authorization"):
        return _authorization()
    name, rest = _name(tokens)
    if rest:
        raise Unfollowed("is no form of RESET known here")
    return _assign(name, None)


def _name(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """A setting's name, parts joined by dots, and what follows it."""
    parts: list[str] = []
    at = 0
    while at < len(tokens) and tokens[at].kind in NAMES:
        parts.append(tokens[at].name.lower())
        at += 1
        if word(tokens, at) != ".":
            break
        at += 1
    name = ".".join(parts)
    if not _NAME.fullmatch(name):
        raise Unfollowed("sets something whose name cannot be said again")
    return name, tokens[at:]


def _assign(name: str, value: Sequence[Token] | None) -> Effect:
    """One setting to a value of the general form; None is RESET."""
    if name == "session_authorization":
        return _authorization()
    said = None if value is None else value_of(value, alike=name in MEANING)
    return _changes([(name, said)], elements=_elements(value or ()))


def _changes(changes: Sequence[Change], elements: frozenset[str] = frozenset()) -> Effect:
    """These settings, unless one of them is of those that SET alone does not bring back."""
    lasting: list[Change] = []
    for old, value in changes:
        name = _OLD_NAMES.get(old, old)
        if name in _TRANSACTION:
            continue
        if not _NAME.fullmatch(name) or len(value or "") > MAX_VALUE:
            raise Unfollowed("has a name or value that is too long or odd to be said again")
        if name == "seed":
            return Effect("set", "seeds random()", pin="random seed")
        if name == "search_path" and value is not None and "pg_temp" in value.lower():
            # What is created next may be temporary without saying so.
            return Effect("set", "pg_temp in search_path", pin=TEMPORARY_PATH, blurs=True)
        if name == "datestyle" and value is not None and not _complete(elements):
            raise Unfollowed("changes a part of DateStyle only")
        lasting.append((name, value))
    names = ", ".join(name for name, _ in lasting)
    if not lasting:
        return Effect("set transaction", "ends with the transaction")
    return Effect("set", f"changes {names}", sets=tuple(lasting))


def _complete(elements: frozenset[str]) -> bool:
    if not elements <= _STYLES | _ORDERS:
        return False
    return "german" in elements or (bool(elements & _STYLES) and bool(elements & _ORDERS))


def _elements(tokens: Sequence[Token]) -> frozenset[str]:
    """The words of a list, however it is quoted."""
    texts = (token.name for token in tokens if token.kind is not Kind.SIGN)
    return frozenset(piece.strip().lower() for text in texts for piece in text.split(","))


def _authorization() -> Effect:
    # It takes the role with it, in either direction, so the order of the two would have to be kept as well.
    return Effect("set", "changes who the session is", pin="session authorization", blurs=True)


def _characteristics(tokens: Sequence[Token]) -> list[Change]:
    """The modes of SET SESSION CHARACTERISTICS AS TRANSACTION, with or without commas between them."""
    words = [word(tokens, at) for at in range(len(tokens)) if word(tokens, at) != ","]
    changes: dict[str, str] = {}
    while words:
        match words:
            case ["isolation", "level", ("serializable") as level, *words]:
                changes["default_transaction_isolation"] = literal(level)
            case ["isolation", "level", "repeatable", "read", *words]:
                changes["default_transaction_isolation"] = "'repeatable read'"
            case ["isolation", "level", "read", ("committed" | "uncommitted") as which, *words]:
                changes["default_transaction_isolation"] = f"'read {which}'"
            case ["read", ("only" | "write") as which, *words]:
                changes["default_transaction_read_only"] = "on" if which == "only" else "off"
            case ["not", "deferrable", *words]:
                changes["default_transaction_deferrable"] = "off"
            case ["deferrable", *words]:
                changes["default_transaction_deferrable"] = "on"
            case _:
                raise Unfollowed("is no transaction mode known here")
    if not changes:
        raise Unfollowed("names no transaction mode")
    return list(changes.items())


def _zone(tokens: Sequence[Token]) -> str | None:
    if len(tokens) == 1 and word(tokens, 0) in ("default", "local"):
        return None
    if word(tokens, 0) != "interval":
        return value_of(tokens)
    # INTERVAL cannot follow `SET timezone =`, but as a string it can, for hours and minutes that say so themselves.
    words = tuple(word(tokens, at) for at in range(2, len(tokens)))
    plain = len(tokens) > 1 and tokens[1].kind is Kind.STRING
    if plain and words in ((), ("hour", "to", "minute")) and re.fullmatch(r"[+-]?\d\d?:\d\d", tokens[1].name):
        return literal(f"INTERVAL '{tokens[1].name}'")
    raise Unfollowed("sets the time zone to an interval")


def set_config(tokens: Sequence[Token], places: Sequence[int], *, exact: bool, runs: bool) -> Effect:
    """Every set_config(), at `places`. Followed only where all is written out: name, value, and nothing beside
    it that could keep it from running."""
    called = [arguments(tokens, at + 1) for at in places]
    named = [given[0].text.lower() for given in called if len(given) == 3 and given[0].text is not None]
    # Another text with other literals has this plan too, unless it is exact.
    blurs = not exact or len(named) < len(called) or not MEANING.isdisjoint(named)
    pinned = Effect(
        "set_config", "calls set_config() with what is not known here", pin="set_config", blurs=blurs
    )
    changes: list[Change] = []
    passing: list[Change] = []
    lasting = meant = False
    for given in called:
        if len(given) != 3:
            return pinned
        setting, value, local = given
        name = (setting.text or "").lower()
        if local.word == "true":
            # One that changes no meaning ends with the transaction, and nothing is to be done about it.
            if setting.text is None or name in MEANING:
                meant = True
                passing.append((name, value.text))
            continue
        lasting = True
        if (
            not exact
            or local.flag is not False
            or setting.text is None
            or (value.text is None and not value.null)
        ):
            return pinned
        changes.append((name, value.text))
    certain = exact and runs and _only_calls(tokens, places)
    if not lasting:
        followed = _passing(passing) if certain else ()
        reason = "calls set_config() for this transaction only"
        return Effect(
            "set_config", reason, local_sets=followed, blurs=blurs and not followed, point=("passes", "")
        )
    if not certain:
        return pinned
    try:
        effect = _followed(changes)
    except Unfollowed:
        return pinned
    passes: Point | None = ("passes", "") if passing or meant else None
    return msgspec.structs.replace(effect, blurs=effect.blurs or meant, point=passes)


def _passing(changes: Sequence[Change]) -> tuple[tuple[str, str], ...]:
    try:
        return _until_the_end(_followed(changes)) if changes else ()
    except Unfollowed:
        return ()


def _followed(changes: Sequence[Change]) -> Effect:
    said: list[Change] = []
    elements: frozenset[str] = frozenset()
    for name, value in changes:
        if name == "session_authorization":
            raise Unfollowed("changes who the session is")
        if name == "datestyle":
            elements = frozenset(piece.strip().lower() for piece in (value or "").split(","))
        said.append((name, None if value is None else listed(name, value)))
    return _changes(said, elements)


def _only_calls(tokens: Sequence[Token], places: Sequence[int]) -> bool:
    """Whether the statement is SELECT and these calls, each perhaps with an alias, and nothing else."""
    if word(tokens, 0) != "select":
        return False
    at = 1
    for index, place in enumerate(places):
        if index:
            if word(tokens, at) != ",":
                return False
            at += 1
        if place not in (at, at + 2) or (place == at + 2 and word(tokens, at + 1) != "."):
            return False
        at = closing(tokens, place + 1) + 1
        if word(tokens, at) == "as":
            at += 1
        if at < len(tokens) and tokens[at].kind in NAMES and word(tokens, at + 1) in (",", ""):
            at += 1
    return at == len(tokens)
