"""Expressions as PostgreSQL writes them back: what a default, a check or an index says, in the catalogue's words.

The server keeps no text but a tree whose literals have types and whose casts are all there: `price > 0` comes back as
`(price > (0)::numeric)`. Tools compare these texts, so they are made here by the same rules, plainly or with fewer
brackets (`pretty`). What these rules do not know is given as it was written. Past 400 lines because each rule is met
twice, as the tree is made and as it is said. It knows no connection and no catalogue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlglot import exp

from protocols.postgres.datatypes import ARRAY_OF, Malformed, from_text, spelled, to_text
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import calls, functions, reading
from proxy.answers.sqlite.catalogue import Relation
from proxy.answers.sqlite.converting import Typed, unify
from proxy.answers.sqlite.expressions import named
from proxy.answers.sqlite.kinds import (
    BOOL,
    BPCHAR,
    DATE,
    FLOAT4,
    FLOAT8,
    INT4,
    INT8,
    INTEGERS,
    INTERVAL,
    MOMENTS,
    NAME,
    NUMBERS,
    NUMERIC,
    REGCLASS,
    TEXT,
    TIMESTAMPTZ,
    UNKNOWN,
    VARCHAR,
    Kind,
    element,
    is_array,
    wanted,
)  # fmt: skip
from proxy.answers.sqlite.texts import quote_ident


class _Beyond(Exception):
    """These rules do not know it."""


@dataclass(frozen=True)
class _Part:
    """A node of the server's tree. `shape`: column, constant, call, cast, operator, test, both, not, array, word."""

    shape: str
    kind: Kind
    text: str = ""
    """A name, a constant's text, an operator."""
    parts: tuple["_Part", ...] = ()
    implicit: bool = False
    relabels: bool = False
    """A cast that changes no bytes."""

    @property
    def oid(self) -> int:
        return self.kind.oid


@lru_cache(4096)
def written(relation: Relation | None, text: str, to: Kind | None = None, *, pretty: bool = False) -> str:
    """`text`, over the columns of `relation`, as a value of the type `to`."""
    tree = reading.tree("SELECT " + text, functions.names()).expressions[0]
    try:
        part = _part(tree, relation)
        if to is not None and (part.oid == UNKNOWN or part.shape == "constant"):
            part = _as(part, to.oid) if part.oid == UNKNOWN else part
        return _said(part, pretty=pretty, implicit=False)
    except (_Beyond, StoreError, Malformed):
        return as_written(tree)


def is_call(relation: Relation | None, text: str) -> bool:
    """An index' key that needs no brackets of its own."""
    try:
        return _part(reading.tree("SELECT " + text, functions.names()).expressions[0], relation).shape in (
            "call",
            "word",
            "within",
            "zone",
        )
    except (_Beyond, StoreError, Malformed):
        return False


def as_written(node: exp.Expr) -> str:
    said = node.sql(dialect=reading.Spoken, normalize_functions=False)
    return said.replace(reading.MARK.upper(), "").replace(reading.MARK, "")


# --- the tree ------------------------------------------------------------------------------------


def _part(node: exp.Expr, relation: Relation | None) -> _Part:
    handler = _NODES.get(type(node))
    if handler is None:
        raise _Beyond
    return handler(node, relation)


def _column(node: exp.Expr, relation: Relation | None) -> _Part:
    field = relation.field(named(node.this)) if relation is not None else None
    if field is None:
        word = named(node.this)
        if word in _WORDS and not node.this.args.get("quoted"):
            return _Part("word", Kind(_WORDS[word]), word.upper())
        raise _Beyond
    return _Part("column", Kind(field.oid, field.typmod), field.name)


_WORDS = {
    "current_timestamp": TIMESTAMPTZ, "current_date": DATE, "current_user": NAME, "session_user": NAME,
    "localtimestamp": 1114,
}  # fmt: skip


def _word(name: str) -> Callable[[exp.Expr, Relation | None], _Part]:
    def one(node: exp.Expr, relation: Relation | None) -> _Part:
        return _Part("word", Kind(_WORDS[name]), name.upper())

    return one


def _boolean(node: exp.Expr, relation: Relation | None) -> _Part:
    return _Part("constant", Kind(BOOL), "true" if node.this else "false")


def _null(node: exp.Expr, relation: Relation | None) -> _Part:
    return _Part("null", Kind(UNKNOWN), "NULL")


def _paren(node: exp.Expr, relation: Relation | None) -> _Part:
    return _part(node.this, relation)


def _literal(node: exp.Expr, relation: Relation | None) -> _Part:
    said = str(node.this)
    if node.args.get("is_string"):
        return _Part("constant", Kind(UNKNOWN), said)
    if not said.isdigit():
        return _Part("constant", Kind(NUMERIC), said if said[:1] != "." else "0" + said)
    number = int(said)
    return _Part("constant", Kind(INT4 if number < 1 << 31 else INT8 if number < 1 << 63 else NUMERIC), said)


def _negated(node: exp.Expr, relation: Relation | None) -> _Part:
    one = _part(node.this, relation)
    if one.shape == "constant" and one.oid in NUMBERS:
        return replace(one, text="-" + one.text)
    raise _Beyond


def _cast(node: exp.Expr, relation: Relation | None) -> _Part:
    to = wanted(node.args.get("to")).kind
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Array) and is_array(to.oid):
        # The cast goes to each element.
        each = Kind(element(to.oid), to.typmod)
        return _Part(
            "array",
            Kind(to.oid),
            parts=tuple(_cast_part(_part(one, relation), each) for one in inner.expressions),
        )
    return _cast_part(_part(inner, relation), to)


def _cast_part(one: _Part, to: Kind) -> _Part:
    if one.oid == UNKNOWN:
        one = _as(one, to.oid)
        return one if to.typmod == -1 else _Part("cast", to, parts=(one,))
    if one.kind == to:
        return one
    return _Part("cast", to, parts=(one,), relabels=_relabels(one.oid, to.oid))


def _relabels(source: int, target: int) -> bool:
    return {source, target} <= {TEXT, VARCHAR}


def _as(one: _Part, oid: int) -> _Part:
    """As the operand of this type."""
    if one.oid == oid:
        return one
    if one.oid == UNKNOWN:
        if one.shape != "constant":
            return replace(one, kind=Kind(oid))
        text = one.text
        if oid not in (REGCLASS, TEXT, VARCHAR, BPCHAR, NAME):
            text = to_text(oid, from_text(oid, text))
        return _Part("constant", Kind(oid), text)
    return _Part("cast", Kind(oid), parts=(one,), implicit=True, relabels=_relabels(one.oid, oid))


def _operands(sign: str, one: _Part, other: _Part) -> tuple[_Part, _Part]:
    """With the casts that the operator's types ask for."""
    if UNKNOWN in (one.oid, other.oid):
        known = other.oid if one.oid == UNKNOWN else one.oid
        known = TEXT if known in (UNKNOWN, VARCHAR) or (sign == "||" and not is_array(known)) else known
        if known in MOMENTS and sign in "+-":
            raise _Beyond
        if is_array(known) and sign == "||":
            raise _Beyond
        return _as(one, known), _as(other, known)
    pair = {one.oid, other.oid}
    if pair <= {TEXT, VARCHAR}:
        return _as(one, TEXT), _as(other, TEXT)
    if (
        len(pair) == 1
        or (pair <= set(INTEGERS) and sign != "%")
        or pair <= {FLOAT4, FLOAT8}
        or pair <= set(MOMENTS)
    ):
        return one, other
    if pair <= set(INTEGERS):
        oid = max(pair, key=INTEGERS.index)
        return _as(one, oid), _as(other, oid)
    if pair <= {*INTEGERS, NUMERIC}:
        return _as(one, NUMERIC), _as(other, NUMERIC)
    if pair <= set(NUMBERS):
        first, second = (each if each.oid == FLOAT4 else _as(each, FLOAT8) for each in (one, other))
        return first, second
    if (one.oid in (*MOMENTS, INTERVAL) and other.oid == INTERVAL) or (one.oid == DATE and other.oid == INT4):
        return one, other
    raise _Beyond


_LOGICAL = ("=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*")


def _operator(sign: str) -> Callable[[exp.Expr, Relation | None], _Part]:
    def one(node: exp.Expr, relation: Relation | None) -> _Part:
        right = node.expression
        if isinstance(right, exp.Any) and sign in ("=", "<>"):
            many = right.this
            while isinstance(many, exp.Paren):
                many = many.this
            return _any_of(_part(node.this, relation), _part(many, relation), f"{sign} ANY")
        if isinstance(right, exp.Anonymous) and right.name.lower() == "all" and sign in ("=", "<>"):
            return _any_of(_part(node.this, relation), _part(right.expressions[0], relation), f"{sign} ALL")
        if isinstance(node, (exp.Like, exp.ILike)) and node.args.get("negate"):
            return _built(_NOT_LIKE[sign], _part(node.this, relation), _part(right, relation))
        return _built(sign, _part(node.this, relation), _part(right, relation))

    return one


_NOT_LIKE = {"~~": "!~~", "~~*": "!~~*"}


def _built(sign: str, left: _Part, right: _Part) -> _Part:
    left, right = _operands(sign, left, right)
    if sign in _LOGICAL:
        return _Part("operator", Kind(BOOL), sign, (left, right))
    if left.oid in NUMBERS and right.oid in NUMBERS:
        oid = max((left.oid, right.oid), key=NUMBERS.index)
    elif sign == "||" and left.oid == right.oid == TEXT:
        oid = TEXT
    elif left.oid in (TIMESTAMPTZ, 1114) and right.oid == INTERVAL:
        oid = left.oid
    elif left.oid == DATE and right.oid == INT4:
        oid = DATE
    else:
        raise _Beyond
    return _Part("operator", Kind(oid), sign, (left, right))


def _listed(left: _Part, many: Sequence[_Part], sign: str, word: str) -> _Part:
    if len(many) == 1 and word != "ANY ":
        return _built(sign, left, many[0])
    kind = unify([Typed("", Kind(one.oid)) for one in (left, *many)], "IN")
    oid = (
        left.oid
        if left.oid in (BPCHAR, VARCHAR, NAME) and all(one.oid in (UNKNOWN, left.oid) for one in many)
        else kind.oid
    )
    array = _Part("array", Kind(ARRAY_OF[oid]), parts=tuple(_as(one, oid) for one in many))
    if oid == VARCHAR:
        left, array = _as(left, TEXT), _as(array, ARRAY_OF[TEXT])
    elif not (left.oid in INTEGERS and oid in INTEGERS):
        left = _as(left, oid)
    return _Part("any", Kind(BOOL), f"{sign} {word.strip()}", (left, array))


def _any_of(left: _Part, array: _Part, words: str) -> _Part:
    pair = {left.oid, element(array.oid)}
    if not is_array(array.oid) or not (len(pair) == 1 or pair <= set(INTEGERS) or pair <= {TEXT, VARCHAR}):
        raise _Beyond
    if VARCHAR in pair:
        left, array = _as(left, TEXT), _as(array, ARRAY_OF[TEXT])
    return _Part("any", Kind(BOOL), words, (left, array))


def _in(node: exp.Expr, relation: Relation | None) -> _Part:
    if node.args.get("query") is not None or isinstance(node.this, exp.Tuple):
        raise _Beyond
    return _listed(_part(node.this, relation), [_part(one, relation) for one in node.expressions], "=", "ANY")


def _not(node: exp.Expr, relation: Relation | None) -> _Part:
    inner = node.this
    if (
        isinstance(inner, exp.In)
        and inner.args.get("query") is None
        and not isinstance(inner.this, exp.Tuple)
    ):
        return _listed(
            _part(inner.this, relation), [_part(one, relation) for one in inner.expressions], "<>", "ALL"
        )
    if isinstance(inner, (exp.RegexpLike, exp.RegexpILike)):
        sign = "!~" if isinstance(inner, exp.RegexpLike) else "!~*"
        return _built(sign, _part(inner.this, relation), _part(inner.expression, relation))
    if isinstance(inner, exp.Between):
        raise _Beyond
    return _Part("not", Kind(BOOL), "NOT", (_part(inner, relation),))


def _both(word: str) -> Callable[[exp.Expr, Relation | None], _Part]:
    def one(node: exp.Expr, relation: Relation | None) -> _Part:
        return _Part(
            "both", Kind(BOOL), word, tuple(_part(each, relation) for each in node.flatten(unnest=False))
        )

    return one


def _between(node: exp.Expr, relation: Relation | None) -> _Part:
    left = _part(node.this, relation)
    low, high = (_part(node.args[name], relation) for name in ("low", "high"))
    return _Part("both", Kind(BOOL), "AND", (_built(">=", left, low), _built("<=", left, high)))


def _is(node: exp.Expr, relation: Relation | None) -> _Part:
    word = "IS NOT" if node.args.get("negate") else "IS"
    what = node.expression
    if isinstance(what, exp.Null):
        return _Part("test", Kind(BOOL), f"{word} NULL", (_part(node.this, relation),))
    if isinstance(what, exp.Boolean):
        return _Part(
            "test", Kind(BOOL), f"{word} {'TRUE' if what.this else 'FALSE'}", (_part(node.this, relation),)
        )
    raise _Beyond


def _call(node: exp.Expr, relation: Relation | None) -> _Part:
    name = calls.name_of(node)
    given = [_part(one, relation) for one in node.expressions]
    if name in ("coalesce", "greatest", "least"):
        kind = unify([Typed("", Kind(one.oid)) for one in given], name)
        return _Part("call", Kind(kind.oid), name.upper(), tuple(_as(one, kind.oid) for one in given))
    signature = calls.chosen(name, [Typed("", one.kind) for one in given])
    if signature is None or any(one.startswith("any") for one in (*signature.arguments, signature.result)):
        raise _Beyond
    parts = tuple(
        _as(one, functions.oid_of(want)) for one, want in zip(given, signature.arguments, strict=True)
    )
    return _Part("call", Kind(functions.oid_of(signature.result)), quote_ident(name), parts)


def _distinct(*, negated: bool) -> Callable[[exp.Expr, Relation | None], _Part]:
    def one(node: exp.Expr, relation: Relation | None) -> _Part:
        pair = _operands("=", _part(node.this, relation), _part(node.expression, relation))
        found = _Part("distinct", Kind(BOOL), "IS DISTINCT FROM", pair)
        return _Part("not", Kind(BOOL), "NOT", (found,)) if negated else found

    return one


def _extract(node: exp.Expr, relation: Relation | None) -> _Part:
    one = _part(node.expression, relation)
    if one.oid not in (*MOMENTS, INTERVAL):
        raise _Beyond
    return _Part("within", Kind(NUMERIC), f"EXTRACT({node.this.name.lower()} FROM ", (one,))


def _trim(node: exp.Expr, relation: Relation | None) -> _Part:
    letters = node.args.get("expression")
    side = str(node.args.get("position") or "BOTH").upper()
    said = "" if letters is None else _said(_as(_part(letters, relation), TEXT), pretty=False) + " "
    if letters is not None and not isinstance(letters, exp.Literal):
        raise _Beyond
    return _Part("within", Kind(TEXT), f"TRIM({side} {said}FROM ", (_as(_part(node.this, relation), TEXT),))


def _case(node: exp.Expr, relation: Relation | None) -> _Part:
    if node.args.get("this") is not None:
        raise _Beyond
    tests = [_part(one.this, relation) for one in node.args["ifs"]]
    values = [_part(one.args["true"], relation) for one in node.args["ifs"]]
    default = node.args.get("default")
    values.append(_part(default, relation) if default is not None else _Part("null", Kind(UNKNOWN), "NULL"))
    kind = unify([Typed("", Kind(one.oid)) for one in values], "CASE")
    return _Part("case", Kind(kind.oid), parts=(*tests, *(_as(one, kind.oid) for one in values)))


def _zoned(node: exp.Expr, relation: Relation | None) -> _Part:
    one, zone = _part(node.this, relation), _as(_part(node.args["zone"], relation), TEXT)
    if one.oid not in (TIMESTAMPTZ, 1114):
        raise _Beyond
    return _Part("zone", Kind(1114 if one.oid == TIMESTAMPTZ else TIMESTAMPTZ), "AT TIME ZONE", (one, zone))


def _array(node: exp.Expr, relation: Relation | None) -> _Part:
    given = [_part(one, relation) for one in node.expressions]
    if not given:
        raise _Beyond
    kind = unify([Typed("", Kind(one.oid)) for one in given], "ARRAY")
    return _Part("array", Kind(ARRAY_OF[kind.oid]), parts=tuple(_as(one, kind.oid) for one in given))


_NODES: dict[type, Callable[[exp.Expr, Relation | None], _Part]] = {
    exp.Column: _column, exp.Literal: _literal, exp.Neg: _negated, exp.Cast: _cast, exp.In: _in, exp.Not: _not,
    exp.Boolean: _boolean, exp.Null: _null, exp.Paren: _paren,
    exp.And: _both("AND"), exp.Or: _both("OR"), exp.Between: _between, exp.Is: _is, exp.Anonymous: _call,
    exp.EQ: _operator("="), exp.NEQ: _operator("<>"), exp.GT: _operator(">"), exp.GTE: _operator(">="),
    exp.LT: _operator("<"), exp.LTE: _operator("<="), exp.Add: _operator("+"), exp.Sub: _operator("-"),
    exp.Mul: _operator("*"), exp.Div: _operator("/"), exp.Mod: _operator("%"), exp.DPipe: _operator("||"),
    exp.Like: _operator("~~"), exp.ILike: _operator("~~*"), exp.RegexpLike: _operator("~"),
    exp.RegexpILike: _operator("~*"), exp.CurrentTimestamp: _word("current_timestamp"),
    exp.CurrentDate: _word("current_date"), exp.CurrentUser: _word("current_user"),
    exp.SessionUser: _word("session_user"), exp.Localtimestamp: _word("localtimestamp"), exp.AtTimeZone: _zoned,
    exp.Array: _array, exp.NullSafeNEQ: _distinct(negated=False), exp.NullSafeEQ: _distinct(negated=True),
    exp.Extract: _extract, exp.Trim: _trim, exp.Case: _case,
}  # fmt: skip


# --- the text ------------------------------------------------------------------------------------


def _said(part: _Part, *, pretty: bool, implicit: bool = True) -> str:
    """A node's text; `implicit`: casts that nobody wrote are shown."""

    def inner(one: _Part) -> str:
        said = _said(one, pretty=pretty)
        return f"({said})" if pretty and not _simple(one, part) else said

    def own(said: str) -> str:
        return said if pretty else f"({said})"

    match part.shape:
        case "column":
            return quote_ident(part.text)
        case "constant":
            return _constant(part)
        case "null":
            return "NULL" if part.oid == UNKNOWN else f"NULL::{_type(part.kind)}"
        case "word":
            return part.text
        case "call":
            return f"{part.text}({', '.join(_said(one, pretty=pretty) for one in part.parts)})"
        case "array":
            suffix = "" if part.parts else f"::{_type(part.kind)}"
            return f"ARRAY[{', '.join(_said(one, pretty=pretty) for one in part.parts)}]{suffix}"
        case "within":
            return f"{part.text}{_said(part.parts[0], pretty=pretty)})"
        case "case":
            middle = len(part.parts) // 2
            *values, last = part.parts[middle:]
            lines = [
                f"    WHEN {_said(test, pretty=pretty)} THEN {_said(value, pretty=pretty)}\n"
                for test, value in zip(part.parts[:middle], values, strict=True)
            ]
            return f"\nCASE\n{''.join(lines)}    ELSE {_said(last, pretty=pretty)}\nEND"
        case "cast":
            (one,) = part.parts
            if part.implicit and not implicit:
                return _said(one, pretty=pretty, implicit=False)
            name = _type(part.kind)
            if one.shape == "constant" and one.oid == part.oid:
                return f"{_quoted(one.text)}::{name}"
            return f"{inner(one) if pretty else '(' + _said(one, pretty=False) + ')'}::{name}"
        case "any":
            left, array = part.parts
            return own(f"{inner(left)} {part.text} ({inner(array)})")
        case "test":
            return own(f"{inner(part.parts[0])} {part.text}")
        case "not":
            return own(f"NOT {inner(part.parts[0])}")
        case "both":
            return own(f" {part.text} ".join(inner(one) for one in part.parts))
        case "zone":
            return f"({inner(part.parts[0])} AT TIME ZONE {inner(part.parts[1])})"
        case _:
            return own(f"{inner(part.parts[0])} {part.text} {inner(part.parts[1])}")


def _type(kind: Kind) -> str:
    """`character` alone would mean `character(1)`."""
    return (
        spelled(kind.oid, kind.typmod)
        if kind not in ((BPCHAR, -1), (ARRAY_OF[BPCHAR], -1))
        else ("bpchar" if kind.oid == BPCHAR else "bpchar[]")
    )


def _constant(part: _Part) -> str:
    text, oid = part.text, part.oid
    if oid == BOOL:
        return "true" if text in ("true", "t") else "false"
    if (oid == INT4 and text[:1] != "-") or (oid == NUMERIC and text[:1].isdigit() and "." in text):
        return text
    return _quoted(text) if oid == UNKNOWN else f"{_quoted(text)}::{_type(Kind(oid))}"


def _quoted(text: str) -> str:
    said = text.replace("'", "''")
    return "E'" + said.replace("\\", "\\\\") + "'" if "\\" in said else f"'{said}'"


def _simple(one: _Part, parent: _Part) -> bool:
    """Whether it stands inside `parent` without brackets."""
    match one.shape:
        case "column" | "constant" | "null" | "word" | "call" | "array" | "zone" | "within" | "case":
            return True
        case "cast":
            return _simple(one.parts[0], parent) if one.relabels else True
        case "operator" if parent.shape == "operator":
            high, low = one.text in ("*", "/", "%"), one.text in ("+", "-")
            parent_high, parent_low = parent.text in ("*", "/", "%"), parent.text in ("+", "-")
            if not (high or low) or not (parent_high or parent_low) or (low and parent_high):
                return False
            return (high and parent_low) or one is parent.parts[0]
        case "operator" | "test" | "distinct":
            return parent.shape in ("both", "not", "array", "case")
        case "not":
            return parent.shape in ("both", "array", "case")
        case "both":
            return parent.shape in ("array", "case") or (
                parent.shape == "both" and (one.text == "AND" or parent.text == "OR")
            )
        case _:
            return False
