"""Tricks that are a power used: time, files, other servers, programs, rights, and what the catalogue tells.

They go by names and words, from every token; `names.py` has the lists. What a program in a string does nobody sees.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlglot import exp

from plugins.firewall import names
from plugins.firewall.seen import MAYBE, NO, YES, Seen, is_own
from plugins.statement import Call, Part, word
from plugins.tokens import NAMES, STRINGS, Kind, Token, closing

_BETWEEN = frozenset({"or", "replace", "trusted", "procedural"})
_WHOM = frozenset({"role", "user", "group", "policy", "system", "default", "owned"})
_CONFINED = frozenset({("owner", "to"), ("security", "definer"), ("level", "security")})
_NAMING = frozenset({"copy", "utility", "unknown", "definition", "call"})
"""Kinds that name relations which no tree shows."""


def _calls(seen: Seen, own: frozenset[str], anybodys: frozenset[str] = frozenset()) -> int:
    """One of these is called: the server's own; in any schema, an extension's."""
    if seen.trouble or _opaque(seen):
        return MAYBE
    return (
        YES if any(one.name in anybodys or (one.ours and one.name in own) for one in seen.outer.calls) else NO
    )


def _opaque(seen: Seen) -> bool:
    """A program in a string: what it does nobody sees."""
    return seen.outer.kind == "block"


def delay(seen: Seen) -> int:
    return _calls(seen, names.DELAY)


def files(seen: Seen) -> int:
    found = _calls(seen, names.FILES)
    if seen.outer.kind == "copy":
        tokens = seen.outer.tokens
        at = _direction(tokens)
        if at + 1 < len(tokens) and tokens[at + 1].kind in STRINGS:
            return YES
    reaches = _made(seen) in ("server", "extension") and seen.has("file_fdw", "adminpack")
    return YES if reaches else found


def network(seen: Seen) -> int:
    made = _made(seen)
    outside = (
        made in ("server", "subscription", "foreign")
        or (made == "user" and seen.outer.word(2) == "mapping")
        or seen.starts("import", "foreign", "schema")
        or (made == "extension" and seen.has("dblink", "postgres_fdw"))
    )
    return YES if outside else _calls(seen, frozenset(), names.NETWORK)


def _made(seen: Seen) -> str:
    """What a CREATE or ALTER is about."""
    tokens = seen.outer.tokens
    at = 1
    while word(tokens, at) in _BETWEEN:
        at += 1
    return word(tokens, at) if word(tokens, 0) in ("create", "alter") else ""


def catalogue(seen: Seen) -> int:
    found = _calls(seen, names.CATALOGUE)
    if any(
        isinstance(one, exp.Table) and isinstance(one.this, exp.Identifier) and is_own(one)
        for one in seen.nodes()
    ):
        return YES
    if any(one.kind in _NAMING for one in seen.parts):
        found = max(found, MAYBE if any(map(_names_own, _named(seen.outer.tokens))) else NO)
    return found


def _named(tokens: Sequence[Token]) -> Iterator[str]:
    """Names that are no calls."""
    for at, token in enumerate(tokens):
        if token.kind in NAMES and word(tokens, at + 1) != "(":
            yield token.name


def _names_own(name: str) -> bool:
    return name == "information_schema" or (name.startswith("pg_") and name not in ("pg_catalog", "pg_temp"))


def server(seen: Seen) -> int:
    found = _calls(seen, names.SERVER)
    if found == NO and seen.has(*names.SERVER_WORDS):
        tokens = seen.outer.tokens
        for at, token in enumerate(tokens):
            before = word(tokens, at - 1)
            if token.word in names.SERVER_WORDS and before not in (
                ".",
                "as",
                "role",
                "to",
                "create",
                "alter",
                "drop",
            ):
                return YES if any(one.tree is not None for one in seen.parts) else NO
    return found


def program(seen: Seen) -> int:
    tokens = seen.outer.tokens
    if seen.trouble:
        return MAYBE
    if seen.outer.kind == "load" or (
        seen.outer.kind == "copy" and word(tokens, _direction(tokens) + 1) == "program"
    ):
        return YES
    made = _made(seen)
    if made in ("language", "extension") and seen.has(*names.UNTRUSTED):
        return YES
    found = MAYBE if _opaque(seen) else NO
    if made in ("function", "procedure") or _opaque(seen):
        for at, token in enumerate(tokens[:-1]):
            if token.word == "language":
                said = tokens[at + 1]
                if said.name.lower() in names.UNTRUSTED:
                    return YES
                found = MAYBE if said.kind is Kind.ESCAPED else found
    return found


def _direction(tokens: Sequence[Token]) -> int:
    """Where COPY says FROM or TO."""
    at = 1
    while at < len(tokens) and word(tokens, at) not in ("from", "to"):
        at = closing(tokens, at) + 1 if word(tokens, at) == "(" else at + 1
    return at


def dynamic(seen: Seen) -> int:
    if seen.outer.kind == "block":
        return YES
    return _calls(seen, names.DYNAMIC, names.DYNAMIC_MADE)


def privileges(seen: Seen) -> int:
    if seen.trouble:
        return MAYBE
    outer = seen.outer
    first = outer.word(0)
    if first in ("grant", "revoke", "reassign", "security"):
        return YES
    if first in ("set", "reset") and not names.CONFINING.isdisjoint(_settings(outer.tokens)):
        return YES
    if first in ("create", "alter", "drop"):
        if outer.word(1) in _WHOM and outer.word(2) != "mapping":
            return YES
        words = [token.word for token in outer.tokens]
        if not _CONFINED.isdisjoint(pairwise(words)):
            return YES
    # Writing to that view sets a setting.
    written = seen.has("pg_settings") and any(one.kind in ("write", "unknown") for one in seen.parts)
    return max(_set_config(outer), MAYBE if written or _opaque(seen) else NO)


def _settings(tokens: Sequence[Token]) -> set[str]:
    """The setting that SET or RESET is about."""
    at = 1
    while word(tokens, at) in ("session", "local") and word(tokens, at + 1) not in ("=", "to"):
        at += 1
    if word(tokens, at) == "authorization":
        return {"session_authorization"}
    return {tokens[at].name.lower()} if at < len(tokens) else set()


def _set_config(outer: Part) -> int:
    found = NO
    for call in outer.calls:
        if call.ours and call.name == "set_config":
            first = _argument(outer.tokens, call)
            plain = first is not None and first.kind is Kind.STRING
            if not plain or first is None:
                found = max(found, MAYBE)
            elif first.name.lower() in names.CONFINING:
                return YES
    return found


def _argument(tokens: Sequence[Token], call: Call) -> Token | None:
    """The first, where it is one token."""
    return tokens[call.at + 2] if word(tokens, call.at + 3) == "," else None
