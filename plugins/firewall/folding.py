"""What a predicate comes to without any row: constant folding, over literals and the words that join them.

A literal that is compared with another is part of a statement's fingerprint, so that a plan may go by its value. One
that stands alone is not; nor is what a function makes of constants worked out. Such a predicate is `FIXED`: it is the
same for every row, and which of the two is not known.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Literal

from sqlglot import exp

from plugins.firewall.names import IMMUTABLE

Value = Literal["true", "false", "fixed", "open"]
TRUE: Value = "true"
FALSE: Value = "false"
FIXED: Value = "fixed"
OPEN: Value = "open"
"""`open`: the row decides, or a parameter. NULL is taken for false."""
Constant = tuple[Literal["number", "text", "null", "boolean", "unknown"], Decimal | str | bool | None]
UNKNOWN: Constant = ("unknown", None)
_ORDERS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "is", exp.NullSafeNEQ: "is not",
}  # fmt: skip
_TRUE_WORDS = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE_WORDS = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})
_VOLATILE = (exp.Anonymous, exp.Rand, exp.Select)
_LITERALS = (exp.Literal, exp.HexString, exp.BitString, exp.ByteString, exp.National)
_BOOLEAN = exp.DataType.Type.BOOLEAN
MOST = 20_000
"""Nodes looked at for one predicate. What is longer is `FIXED`."""


class Folding:
    """Of the predicates of one statement. `exact`: the plan is for this very text. `whole`: no list in its tree was
    shortened."""

    def __init__(self, *, exact: bool, whole: bool) -> None:
        self._exact = exact
        self._whole = whole
        self._left = MOST

    def of(self, node: exp.Expr) -> Value:
        self._left -= 1
        if self._left < 0:
            return FIXED
        value = self._of(node)
        return _not(value) if node.args.get("negate") else value

    def _of(self, node: exp.Expr) -> Value:
        match node:
            case exp.Paren() | exp.Where() | exp.Having():
                return self.of(node.this)
            case exp.Or():
                return TRUE if self._either(node) else self._any([self.of(one) for one in operands(node)])
            case exp.And():
                return self._all([self.of(one) for one in operands(node)])
            case exp.Not():
                return _not(self.of(node.this))
            case exp.Is():
                return self._is(node)
            case exp.In():
                return self._in(node)
            case exp.Between():
                return self._all([
                    self._order(">=", node.this, node.args["low"]), self._order("<=", node.this, node.args["high"])
                ])  # fmt: skip
            case exp.Exists() | exp.Subquery() | exp.Select():
                return self._query(node)
            case _ if type(node) in _ORDERS:
                return self._order(_ORDERS[type(node)], node.this, node.expression)
            case exp.Like() | exp.ILike() | exp.SimilarTo() | exp.RegexpLike() | exp.RegexpILike():
                return self._match(node)
            case exp.Cast() if node.to.this == _BOOLEAN:
                inner = node.this.unnest()
                if isinstance(inner, exp.Literal | exp.Boolean | exp.Null):
                    return self._alone(inner)
                return self.of(inner)
            case exp.Case():
                return FIXED if constant(node) else OPEN
            case _:
                return self._alone(node)

    def _alone(self, node: exp.Expr) -> Value:
        """What is no comparison."""
        match node:
            case exp.Boolean():
                return TRUE if node.this else FALSE
            case exp.Null():
                return FALSE
            case exp.Literal() if self._exact:
                said = str(node.this).strip().lower()
                return TRUE if said in _TRUE_WORDS else FALSE if said in _FALSE_WORDS else FIXED
            case _:
                return FIXED if constant(node) else OPEN

    def _any(self, values: list[Value]) -> Value:
        if TRUE in values:
            return TRUE
        return FIXED if FIXED in values else OPEN if OPEN in values else FALSE

    def _all(self, values: list[Value]) -> Value:
        if FALSE in values:
            return FALSE
        return OPEN if OPEN in values else FIXED if FIXED in values else TRUE

    def _is(self, node: exp.Is) -> Value:
        wanted = node.expression
        match wanted:
            case exp.Null():
                value = self.value(node.this)
                return OPEN if value is None else FIXED if value[0] == "unknown" else (
                    TRUE if value[0] == "null" else FALSE
                )  # fmt: skip
            case exp.Boolean():
                said = self.of(node.this)
                return said if wanted.this else _not(said)
            case _:
                return OPEN

    def _in(self, node: exp.In) -> Value:
        if node.args.get("query") is not None or not node.expressions:
            return OPEN
        if self.value(node.this) is None:
            return (
                TRUE
                if any(self._same(node.this, one) for one in node.expressions if _is_column(one))
                else OPEN
            )
        found = self._any([self._order("=", node.this, one) for one in node.expressions])
        return FIXED if found == FALSE and not self._whole else found

    def _query(self, node: exp.Expr) -> Value:
        """A subquery of constants: `(SELECT true)`, `EXISTS (SELECT 1)`."""
        inner = node.this if isinstance(node, exp.Exists | exp.Subquery) else node
        if not isinstance(inner, exp.Select) or any(
            inner.args.get(name)
            for name in ("from_", "where", "having", "group", "limit", "offset", "with_", "joins")
        ):
            return OPEN
        if isinstance(node, exp.Exists):
            return TRUE
        return self.of(inner.expressions[0].unalias()) if len(inner.expressions) == 1 else OPEN

    def _match(self, node: exp.Expr) -> Value:
        if not constant(node.this) or not constant(node.expression):
            return OPEN
        left, pattern = self.value(node.this), self.value(node.expression)
        plain = isinstance(node, exp.Like | exp.ILike)
        if plain and left is not None and pattern is not None and left[0] == pattern[0] == "text":
            said, letters = str(left[1]), str(pattern[1])
            if letters.strip("%") == "" and letters:
                return TRUE
            if not set(letters) & set("%_\\"):
                alike = said == letters if isinstance(node, exp.Like) else said.lower() == letters.lower()
                return TRUE if alike else FALSE
        return FIXED

    def _order(self, sign: str, one: exp.Expr, other: exp.Expr) -> Value:
        left, right = self.value(one), self.value(other)
        if left is None or right is None:
            if self._same(one, other):
                return TRUE if sign in ("=", "<=", ">=", "is") else FALSE
            return OPEN
        return _compared(sign, left, right)

    def _same(self, one: exp.Expr, other: exp.Expr) -> bool:
        """Two expressions that are the same in each row: a column and itself, with its table or without."""
        one, other = one.unnest(), other.unnest()
        if isinstance(one, exp.Column) and isinstance(other, exp.Column):
            left, right = [_folded(part) for part in one.parts], [_folded(part) for part in other.parts]
            shared = min(len(left), len(right))
            return left[-shared:] == right[-shared:]
        return self._equal(one, other)

    def _equal(self, one: exp.Expr, other: exp.Expr) -> bool:
        """The same tree. Literals in it are not in the fingerprint, so that others may stand there another time."""
        values = not self._exact and any(
            not isinstance(node.parent, exp.Parameter) for node in one.find_all(*_LITERALS)
        )
        return type(one) is type(other) and not values and one.find(*_VOLATILE) is None and bool(one == other)

    def _either(self, node: exp.Or) -> bool:
        """One of them is the opposite of another: `a IS NULL OR a IS NOT NULL`."""
        chain = list(operands(node))[:16]
        return any(self._opposite(one, other) for one in chain for other in chain)

    def _opposite(self, one: exp.Expr, other: exp.Expr) -> bool:
        if isinstance(one, exp.Not):
            return self._equal(one.this.unnest(), other)
        return (
            isinstance(one, exp.Is)
            and isinstance(other, exp.Is)
            and bool(one.args.get("negate")) != bool(other.args.get("negate"))
            and self._same(one.this, other.this)
            and self._equal(one.expression, other.expression)
        )

    def value(self, node: exp.Expr) -> Constant | None:
        """A constant's; None for what is none."""
        self._left -= 1
        if self._left < 0:
            return UNKNOWN
        match node:
            case exp.Paren() | exp.Alias():
                return self.value(node.this)
            case exp.Literal() if node.is_string:
                return ("text", str(node.this))
            case exp.Literal():
                return _number(str(node.this))
            case exp.Boolean():
                return ("boolean", bool(node.this))
            case exp.Null():
                return ("null", None)
            case exp.Neg():
                inner = self.value(node.this)
                if inner is not None and inner[0] == "number" and isinstance(inner[1], Decimal):
                    return ("number", -inner[1])
                return inner if inner is None or inner[0] == "null" else UNKNOWN
            case exp.Cast() if node.to.this in exp.DataType.TEXT_TYPES | exp.DataType.INTEGER_TYPES:
                inner = self.value(node.this)
                text = node.to.this in exp.DataType.TEXT_TYPES
                if (
                    inner is None
                    or inner[0] == "null"
                    or (inner[0] == "text" and text and not node.to.expressions)
                ):
                    return inner
                whole = isinstance(inner[1], Decimal) and inner[1] == inner[1].to_integral_value()
                return inner if not text and inner[0] == "number" and whole else UNKNOWN
            case exp.Subquery():
                inner_value = self._query(node)
                if inner_value == OPEN:
                    return None
                return self.value(node.this.expressions[0].unalias())
            case _:
                return UNKNOWN if constant(node) else None


def operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """Of a chain of ORs, or of ANDs, from left to right; without recursion, for chains are long."""
    kind = type(node)
    todo: list[exp.Expr] = [node]
    while todo:
        one = todo.pop()
        inner = one.unnest() if isinstance(one, exp.Paren) else one
        if type(inner) is kind:
            todo += [inner.args["expression"], inner.this]
        else:
            yield inner


def constant(node: exp.Expr) -> bool:
    """It is made of literals, with nothing of a row, a parameter or a moment in it."""
    for one in node.walk():
        match one:
            case exp.Column() | exp.Parameter() | exp.Placeholder() | exp.Select() | exp.Star() | exp.Var():
                return False
            case exp.Anonymous() if one.name.lower() not in IMMUTABLE:
                return False
            case exp.Func() if not isinstance(
                one, exp.Anonymous | exp.Binary | exp.Cast | exp.Case | exp.Array | exp.If
            ):
                if not {name.lower() for name in type(one).sql_names()} & IMMUTABLE:
                    return False
    return True


def _is_column(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Column)


def _folded(name: exp.Expr) -> str:
    return name.name if name.args.get("quoted") else name.name.lower()


def _not(value: Value) -> Value:
    return FALSE if value == TRUE else TRUE if value == FALSE else value


def _number(text: str) -> Constant:
    try:
        return ("number", Decimal(text.replace("_", "")))
    except InvalidOperation:
        return UNKNOWN


def _compared(sign: str, left: Constant, right: Constant) -> Value:
    if "unknown" in (left[0], right[0]):
        return FIXED
    if "null" in (left[0], right[0]):
        if sign in ("is", "is not"):
            return TRUE if (left[0] == right[0]) == (sign == "is") else FALSE
        return FALSE
    if {left[0], right[0]} == {"number", "text"}:
        # The server makes a number of the text, where it can.
        left, right = (_number(str(one[1]).strip()) if one[0] == "text" else one for one in (left, right))
    if left[0] != right[0] or left[1] is None or right[1] is None:
        return FIXED
    one, other = left[1], right[1]
    if left[0] == "text" and sign not in ("=", "<>", "is", "is not") and one != other:
        # Which comes first is the collation's to say.
        return FIXED
    match sign:
        case "=" | "is":
            told = one == other
        case "<>" | "is not":
            told = one != other
        case "<":
            told = one < other  # type: ignore[operator]
        case "<=":
            told = one <= other  # type: ignore[operator]
        case ">":
            told = one > other  # type: ignore[operator]
        case _:
            told = one >= other  # type: ignore[operator]
    return TRUE if told else FALSE
