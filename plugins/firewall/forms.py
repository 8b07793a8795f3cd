"""The statements inside a statement, and what kinds it is of: an EXPLAIN ANALYZE DELETE is a deletion, too.

It reads tokens and trees; what is allowed is not its business. A program in a string (DO, a function's body) is none
that it sees: what it does is not known.
"""

from collections.abc import Iterator, Sequence

import msgspec
from sqlglot import exp

from plugins.firewall.settings import FAMILIES
from plugins.lineage import without_tail
from plugins.statement import QUERIES, WRITES, Part, part, word
from plugins.tokens import Token, closing

DEEPEST = 4
"""Statements in each other. The server knows three: EXPLAIN, DECLARE, a query."""
_STARTS = QUERIES | WRITES | {"("}
_SAME = {
    "start": "begin", "end": "commit", "abort": "rollback", "release": "savepoint", "analyse": "analyze",
    "move": "fetch", "close": "fetch",
}  # fmt: skip
_OF = {verb: family for family, verbs in FAMILIES.items() for verb in verbs}
_WRITING: dict[type[exp.Expr], str] = {
    exp.Insert: "insert", exp.Update: "update", exp.Delete: "delete", exp.Merge: "merge",
}  # fmt: skip


class Kinds(msgspec.Struct, frozen=True):
    """What a statement is: particular words. Where it is not `whole` it may be anything besides."""

    items: frozenset[str]
    whole: bool = True

    @property
    def said(self) -> frozenset[str]:
        """With the general words."""
        return self.items | {_OF[one] for one in self.items if one in _OF}


def unfolded(outer: Part, deep: int = 0) -> Iterator[Part]:
    """A statement and those inside, outermost first."""
    yield outer
    inside = tuple(_inside(outer))
    if inside and deep == DEEPEST:
        yield Part("unknown", inside, trouble="statements in statements, deeper than the server knows them")
    elif inside:
        yield from unfolded(part(inside), deep + 1)


def kinds(parts: Sequence[Part]) -> Kinds:
    """Of an unfolded statement."""
    found: set[str] = set()
    for one in parts:
        found |= _kinds(one)
    return Kinds(frozenset(found), all(one.kind not in ("unknown", "block") for one in parts))


def _kinds(one: Part) -> set[str]:
    match one.kind:
        case "query" | "write" | "definition" if one.tree is not None:
            return _of_tree(one)
        case "copy":
            return {"copy-from" if _copies_in(one.tokens) else "copy-to"}
        case "setting" | "definition" | "utility" | "transaction" | "prepared" | "cursor" | "channel":
            return {_verb(one)}
        case "block":
            return {"do"}
        case kind:
            return {kind}


def _verb(one: Part) -> str:
    if one.kind == "transaction" and one.word(0) == "prepare":
        return "commit"
    return _SAME.get(one.word(0), one.word(0))


def _of_tree(one: Part) -> set[str]:
    found = {verb for node in one.nodes for verb in [_WRITING.get(type(node))] if verb}
    if any(
        isinstance(node, exp.OnConflict) and "UPDATE" in str(node.args.get("action")).upper()
        for node in one.nodes
    ):
        found.add("update")
    if "merge" in found:
        found |= {"insert", "update", "delete"} & one.said
    if isinstance(one.tree, exp.Query | exp.Values):
        found.add("select")
    return found | {"create"} if one.kind == "definition" else found


def _copies_in(tokens: Sequence[Token]) -> bool:
    at = closing(tokens, 1) + 1 if word(tokens, 1) == "(" else 1
    while at < len(tokens) and word(tokens, at) not in ("from", "to"):
        at = closing(tokens, at) + 1 if word(tokens, at) == "(" else at + 1
    return word(tokens, at) == "from"


def _inside(outer: Part) -> Sequence[Token]:
    """The tokens of the statement in a PREPARE, EXPLAIN, DECLARE, COPY (…), CREATE … AS or DO INSTEAD."""
    tokens = outer.tokens
    match outer.kind:
        case "prepared" if word(tokens, 0) == "prepare":
            return _behind(tokens, "as")
        case "cursor" if word(tokens, 0) == "declare":
            return _behind(tokens, "for")
        case "copy" if word(tokens, 1) == "(":
            return tokens[2 : closing(tokens, 1)]
        case "explain":
            at = 1
            if word(tokens, 1) == "(" and word(tokens, 2) not in _STARTS:
                at = closing(tokens, 1) + 1
            while word(tokens, at) in ("analyze", "analyse", "verbose"):
                at += 1
            return tokens[at:]
        case "definition" if outer.tree is None and word(tokens, 0) == "create":
            return without_tail(tuple(_behind(tokens, "as", _STARTS | {"execute"})))
        case _:
            return ()


def _behind(tokens: Sequence[Token], name: str, starts: frozenset[str] | None = None) -> Sequence[Token]:
    """Behind the first such word outside brackets; with one of `starts` next, where they are given."""
    at = 0
    while at < len(tokens):
        if word(tokens, at) == "(":
            at = closing(tokens, at)
        elif word(tokens, at) == name and (starts is None or word(tokens, at + 1) in starts):
            return tokens[at + 1 :]
        at += 1
    return ()
