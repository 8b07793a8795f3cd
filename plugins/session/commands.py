"""Each sort of statement and what it leaves in the session: the table, and the sorts that need little reading.

Settings, functions and blocks have rooms of their own beside this one.
"""

import itertools
import re
from collections.abc import Sequence

import msgspec

from plugins.plan import Hearing
from plugins.scope import Scope
from plugins.session.blocks import effect_of_block
from plugins.session.effect import NAMED, NONE, Effect, pins
from plugins.session.functions import effect_of_calls
from plugins.session.settings import TEMPORARY, begins_with, effect_of_setting
from plugins.session.transactions import point_of
from plugins.statement import QUERIES, Part, part, word
from plugins.tokens import NAMES, Kind, Token, closing, shortened

UNREAD = "unread statement"
HELD = "held cursor"
LASTING = "prepared effect"

_TEMP = frozenset({"temp", "temporary"})
_TEMP_SCHEMA = re.compile(r"pg_temp(_\d+)?")
_BEFORE_OBJECT = frozenset(
    {
        "or",
        "replace",
        "unlogged",
        "recursive",
        "materialized",
        "foreign",
        "global",
        "local",
        "temp",
        "temporary",
    }
)
# Objects that decide what a name in a prepared statement stands for, or what type its result has.
_DECIDING = frozenset(
    {"table", "view", "type", "domain", "function", "procedure", "routine", "aggregate", "operator", "cast", "schema",
     "sequence", "extension", "collation", "rule", "owned"}
)  # fmt: skip


def effect_of(statement: Part, scope: Scope, *, exact: bool) -> Effect:
    """What `statement` leaves in the session when it succeeds."""
    match statement.kind:
        case "unknown":
            return Effect("unread", statement.trouble, pin=UNREAD)
        case "setting":
            return effect_of_setting(statement)
        case "transaction":
            return Effect(
                "transaction",
                "opens, divides or ends a transaction; the core follows it",
                point=point_of(statement),
            )
        case "block":
            return effect_of_block(statement, scope, exact=exact)
        case "explain":
            return _explain(statement, scope, exact=exact)
        case "definition" if begins_with(statement.tokens):
            return Effect("alter", "new connections may begin with other settings", outdates=True)
        case "load":
            return Effect("load", "loads a library into the server process", pin="load")
        case "channel":
            return _channel(statement)
        case "prepared" | "cursor":
            if statement.kind == "prepared":
                return _prepared(statement, scope, exact=exact)
            return _cursor(statement, exact=exact)
        case _:
            return _with_definition(statement, scope, exact=exact)


def _with_definition(statement: Part, scope: Scope, *, exact: bool) -> Effect:
    """A statement that may call functions, and may create something."""
    effect = _made(statement, scope, exact=exact)
    if word(statement.tokens, 0) != "create":
        return effect
    words = [token.word for token in statement.tokens]
    return _running(effect) if ("as", "execute") in itertools.pairwise(words) else effect


def _made(statement: Part, scope: Scope, *, exact: bool) -> Effect:
    temporary = _temporary(statement, scope)
    inner = effect_of_calls(statement.tokens, statement.said, exact=exact, runs=statement.kind == "query")
    if temporary:
        words = [token.word for token in statement.tokens]
        # Outside a transaction it is gone at once.
        drops = ("on", "commit", "drop") in zip(words, words[1:], words[2:], strict=False)
        inner = inner or NONE
        pin = pins(TEMPORARY, inner.pin)
        return Effect("temporary", temporary, pin=pin, frees=drops or inner.frees, blurs=inner.means)
    schema = _changes_schema(statement)
    drops = word(statement.tokens, 0) == "drop"
    if inner is not None:
        return msgspec.structs.replace(inner, changes_schema=schema, frees=inner.frees or drops)
    if not schema and not drops:
        return NONE
    return Effect(
        "definition", "may change what names and types stand for", changes_schema=schema, frees=drops
    )


def _explain(statement: Part, scope: Scope, *, exact: bool) -> Effect:
    tokens = statement.tokens
    at = 1
    if word(tokens, 1) == "(" and word(tokens, 2) not in QUERIES | {"("}:
        at = closing(tokens, 1) + 1
    while word(tokens, at) in ("analyze", "analyse", "verbose"):
        at += 1
    options = {token.name.lower() for token in tokens[1:at]}
    if not options & {"analyze", "analyse"}:
        explained = Effect("explain", "explains without running")
        return _running(explained) if word(tokens, at) == "execute" else explained
    if at >= len(tokens):
        return Effect("unread", "EXPLAIN ANALYZE of nothing", pin=UNREAD)
    inner = effect_of(part(tokens[at:]), scope, exact=exact)
    if inner.sets or inner.resets_all:
        return Effect(
            "explain", "EXPLAIN ANALYZE of what changes settings", pin="set_config", blurs=inner.means
        )
    if inner.local_sets:
        return Effect("explain", "EXPLAIN ANALYZE of what is set for a transaction", blurs=True)
    return inner


def _prepared(statement: Part, scope: Scope, *, exact: bool) -> Effect:
    tokens = statement.tokens
    if statement.word(0) == "prepare":
        opening = 2 if statement.word(2) == "(" else None
        begins = 2 if opening is None else closing(tokens, opening) + 1
        inner = (
            effect_of(part(tokens[begins + 1 :]), scope, exact=exact)
            if word(tokens, begins) == "as"
            else None
        )
        if inner is None or inner.lasting:
            # Whenever it is run: that is not looked at again.
            return Effect(
                "prepare",
                "names a statement that leaves something in the session",
                pin=pins(NAMED, LASTING),
                blurs=inner is None or inner.means,
            )
        reason = "names a statement, which is then known by its content"
        return Effect("prepare", reason, names="makes", blurs=inner.means)
    if statement.word(0) == "deallocate":
        last = statement.word(2 if statement.word(1) == "prepare" and len(tokens) > 2 else 1)
        if last == "all":
            return Effect(
                "deallocate all", "forgets every prepared statement", forgets_prepared=True, frees=True
            )
        return Effect("deallocate", "forgets a prepared statement", names="drops", frees=True)
    return _running(effect_of_calls(tokens, statement.said, exact=exact, runs=False) or NONE)


def _running(effect: Effect) -> Effect:
    """The same of a statement that runs a prepared one."""
    return msgspec.structs.replace(effect, names="runs")


def _cursor(statement: Part, *, exact: bool) -> Effect:
    words = [token.word for token in statement.tokens]
    if words[0] == "close":
        return Effect("close", "ends a cursor", frees=True)
    head = words[: words.index("for")] if "for" in words else words
    inner = effect_of_calls(statement.tokens, statement.said, exact=exact, runs=False) or NONE
    if words[0] in ("fetch", "move"):
        return msgspec.structs.replace(inner, rule="fetch", point=("fetches", ""))
    if words[0] == "declare" and ("with", "hold") in itertools.pairwise(head):
        pin = pins(HELD, inner.pin)
        return Effect("cursor", "the cursor outlives its transaction", pin=pin, blurs=inner.means)
    return inner


def _channel(statement: Part) -> Effect:
    verb = statement.word(0)
    if verb == "notify":
        return NONE
    match statement.tokens[1:]:
        case [Token(kind=Kind.WORD | Kind.QUOTED, name=name)]:
            channels: tuple[Hearing, ...] = ((verb == "listen", shortened(name)),)
        case [Token(text="*")] if verb == "unlisten":
            channels = ((False, None),)
        case _:
            return Effect(verb, "is no form of it known here", pin="listen")
    if verb == "listen":
        return Effect("listen", "a session of the proxy's own listens", channels=channels, aside=True)
    return Effect("unlisten", "ends what LISTEN began", channels=channels, aside=True, frees=True)


def _temporary(statement: Part, scope: Scope) -> str:
    """Why the statement makes something temporary; empty when it does not."""
    if statement.kind != "definition":
        return ""
    tokens = statement.tokens
    first = word(tokens, 0)
    into = next((at for at, token in enumerate(tokens) if token.word == "into"), None)
    selects = first not in ("insert", "merge", "create")
    if first == "create":
        at = 3 if word(tokens, 1) == "or" else 1
        at += word(tokens, at) in ("local", "global")
        if word(tokens, at) in _TEMP:
            return "creates something temporary"
        if word(tokens, at) == "schema" and any(token.word in _TEMP for token in tokens):
            return "may create something temporary"
    elif selects and into is not None:
        at = into + 1 + (word(tokens, into + 1) in ("local", "global"))
        if word(tokens, at) in _TEMP:
            return "selects into something temporary"
    if first != "drop":
        if any(_names_temp_schema(tokens, at) for at in range(len(tokens))):
            return "names the temporary schema"
        if "pg_temp" in (scope.setting("search_path") or "").lower():
            return "creates where search_path names the temporary schema"
    return ""


def _names_temp_schema(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    return (
        token.kind in NAMES
        and _TEMP_SCHEMA.fullmatch(token.name) is not None
        and (word(tokens, at + 1) == "." or word(tokens, at - 1) in ("schema", "into"))
    )


def _changes_schema(statement: Part) -> bool:
    if statement.kind != "definition":
        return False
    words = [statement.word(at) for at in range(min(len(statement.tokens), 8))]
    if words[0] not in ("create", "alter", "drop"):
        return True  # SELECT INTO, IMPORT FOREIGN SCHEMA
    target = next((each for each in words[1:] if each not in _BEFORE_OBJECT), "")
    return target in _DECIDING
