"""Where a statement's values stand: from nodes of its tree to the literals and parameters the core counts.

A plan is made for all texts that differ in literals only, so a plugin asks here for places, never for values. What has
no place of its own (a sum, a function's result, a column) is `UNREADABLE`: the core knows it as in doubt.
"""

from bisect import bisect_right
from collections.abc import Sequence

from sqlglot import exp

from plugins import tokens as tk
from plugins.conditions import UNREADABLE, Slot, Values
from plugins.parsing import tree_of
from plugins.scope import Scope
from plugins.shortening import LONG, rejoined
from plugins.statement import QUERIES, WRITES, Part, Statement, part, word
from plugins.tokens import STRINGS, Kind, Token

_COUNTED = STRINGS | {Kind.NUMBER}
_WHOLE = frozenset({exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.SMALLINT})
_PLAIN = frozenset(
    {exp.DataType.Type.DECIMAL, exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR, exp.DataType.Type.BOOLEAN}
)
_UTF8 = frozenset({"utf8", "utf-8", "unicode"})


class Places:
    """Of one statement. Cheap to make; what it works out it remembers."""

    def __init__(self, statement: Statement, scope: Scope) -> None:
        self._counted, self._of = _count([token for part in statement.parts for token in part.tokens])
        encoding = (scope.setting("client_encoding") or "utf8").strip("'\"").lower()
        self._utf8 = encoding in _UTF8
        self._known: dict[int, tuple[exp.Expr | None, list[int], Sequence[Token]]] = {}

    def tree(self, part: Part) -> exp.Expr | None:
        """The whole of a part's tree, its long lists too; None where there is none."""
        return self._read(part)[0]

    def of(self, part: Part, *nodes: exp.Expr | None) -> Values:
        """The values of these nodes of `tree(part)`. None stands for one that is not known at all."""
        return Values(tuple(self._slot(part, node) for node in nodes), utf8=self._utf8)

    def _read(self, part: Part) -> tuple[exp.Expr | None, list[int], Sequence[Token]]:
        begin = part.tokens[0].start if part.tokens else -1
        if begin not in self._known:
            tree = part.tree
            if tree is not None and len(part.tokens) > LONG:
                found = tree_of(part.tokens, whole=True)
                tree = None if isinstance(found, str) else found
            _, starts = rejoined(part.tokens)
            self._known[begin] = (tree, starts, part.tokens)
        return self._known[begin]

    def _slot(
        self, part: Part, node: exp.Expr | None, *, negative: bool = False, whole: bool = False
    ) -> Slot:
        match node:
            case exp.Paren():
                return self._slot(part, node.this, negative=negative, whole=whole)
            case exp.Neg():
                inner = node.this.unnest()
                # What the sign of an unknown string makes of it is the server's to say.
                bare = isinstance(inner, exp.Literal) and inner.is_string
                return UNREADABLE if bare else self._slot(part, inner, negative=not negative, whole=whole)
            case exp.Cast() if not whole and not node.to.expressions:
                if node.to.this in _PLAIN:
                    return self._slot(part, node.this, negative=negative)
                if node.to.this in _WHOLE and isinstance(
                    node.this, exp.Literal | exp.Parameter | exp.HexString | exp.BitString
                ):
                    return self._slot(part, node.this, negative=negative, whole=True)
                return UNREADABLE
            case exp.Parameter():
                number = node.this
                is_number = isinstance(number, exp.Literal) and str(number.this).isdecimal()
                return Slot("parameter", int(number.this), negative=negative) if is_number else UNREADABLE
            case exp.Null():
                return Slot("fixed")
            case exp.Boolean():
                return UNREADABLE if negative else Slot("fixed", text="true" if node.this else "false")
            case exp.Alias() if _spelt(node):
                return self._slot(part, node.this, negative=negative, whole=whole)
            case exp.Literal() | exp.HexString() | exp.BitString() | exp.ByteString() | exp.National():
                return self._literal(part, node, negative=negative, whole=whole)
            case _:
                return UNREADABLE

    def _literal(self, part: Part, node: exp.Expr, *, negative: bool, whole: bool) -> Slot:
        start = node.meta.get("start")
        if not isinstance(start, int):
            return UNREADABLE
        _, starts, tokens = self._read(part)
        at = bisect_right(starts, start) - 1
        if at < 0:
            return UNREADABLE
        token = tokens[at]
        if isinstance(node, exp.National) and token.name == "n" and at + 1 < len(tokens):
            token = tokens[at + 1]
        place = self._counted.get(token.start)
        if place is None or not _is_of(node, token):
            return UNREADABLE
        # `1.5::int` is rounded; a string that is no whole number the server refuses.
        if whole and token.kind is Kind.NUMBER and not token.text.replace("_", "").isdecimal():
            return UNREADABLE
        return Slot("literal", place, self._of, negative=negative)


def _is_of(node: exp.Expr, token: Token) -> bool:
    """Whether the parser made `node` of `token`: it had better be so."""
    if token.kind is Kind.NUMBER:
        said = str(node.this)
        # `0x1F` and `1_000` are one literal to the core, and to newer servers.
        return isinstance(node, exp.HexString | exp.BitString) or (
            isinstance(node, exp.Literal) and token.text.startswith(said)
        )
    if token.kind is Kind.STRING:
        return isinstance(node, exp.Literal | exp.National) and node.name.startswith(token.name)
    return (token.kind in STRINGS and not isinstance(node, exp.Literal)) or token.kind is Kind.ESCAPED


def _spelt(node: exp.Alias) -> bool:
    """`1_000`, which the parser takes for a number and a name close behind it."""
    number, name = node.this, node.args.get("alias")
    end = number.meta.get("end") if isinstance(number, exp.Literal) and not number.is_string else None
    return isinstance(name, exp.Identifier) and end is not None and name.meta.get("start") == end + 1


def _count(tokens: Sequence[Token]) -> tuple[dict[int, int], int]:
    """The place of each literal among all of a text, by where it begins; and how many there are."""
    places: dict[int, int] = {}
    count = 0
    before: Token | None = None
    for token in tokens:
        if token.kind in _COUNTED:
            # A string that goes on in the next line is one.
            goes_on = before is not None and before.kind in STRINGS and token.kind in STRINGS
            places[token.start] = count - 1 if goes_on else count
            count += 0 if goes_on else 1
        before = token
    return places, count


def inside(outer: Part) -> Part | None:
    """The statement that a PREPARE, EXPLAIN, DECLARE, COPY (…) or CREATE … AS has in it."""
    tokens = outer.tokens
    match outer.kind:
        case "prepared" if word(tokens, 0) == "prepare":
            begins = 2 if word(tokens, 2) != "(" else tk.closing(tokens, 2) + 1
            begins = begins + 1 if word(tokens, begins) == "as" else len(tokens)
            ends = len(tokens)
        case "copy" if word(tokens, 1) == "(":
            begins, ends = 2, tk.closing(tokens, 1)
        case "explain":
            begins, ends = 1, len(tokens)
            if word(tokens, 1) == "(" and word(tokens, 2) not in QUERIES | {"("}:
                begins = tk.closing(tokens, 1) + 1
            while word(tokens, begins) in ("analyze", "analyse", "verbose"):
                begins += 1
        case "cursor" if word(tokens, 0) == "declare":
            begins, ends = _behind(tokens, "for"), len(tokens)
        case "definition":
            begins, ends = _behind(tokens, "as"), len(tokens)
        case _:
            return None
    found = part(tokens[begins:ends]) if begins < ends else None
    return found if found is not None and word(found.tokens, 0) in QUERIES | WRITES | {"("} else None


def _behind(tokens: Sequence[Token], name: str) -> int:
    """Behind the first such word outside brackets with a query behind it; the end when there is none."""
    depth = 0
    for at in range(len(tokens)):
        sign = word(tokens, at)
        depth += (sign == "(") - (sign == ")")
        if sign == name and depth == 0 and word(tokens, at + 1) in QUERIES | {"("}:
            return at + 1
    return len(tokens)
