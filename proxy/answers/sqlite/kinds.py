"""Types as the translator sees them: which an expression has, which convert into which, and how a value is stored.

A kind is a type's number and its modifier. What SQLite holds: booleans and integers as INTEGER, floats as REAL,
numerics as their digits in TEXT, times as INTEGER microseconds or days, arrays as JSON in TEXT, everything else as
TEXT, bytea as BLOB.
"""

import json
from typing import NamedTuple

from sqlglot import exp

from protocols.postgres.datatypes import ARRAY_OF, BY_NAME, BY_OID, Value
from proxy.answers.executor import StoreError

BOOL, BYTEA, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 19, 20, 21, 23, 25, 26
JSON, FLOAT4, FLOAT8, UNKNOWN, BPCHAR, VARCHAR = 114, 700, 701, 705, 1042, 1043
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, NUMERIC, UUID, JSONB, VOID = (
    1082,
    1083,
    1114,
    1184,
    1186,
    1700,
    2950,
    3802,
    2278,
)
CHAR, REGCLASS, REGTYPE, REGPROC, REGNAMESPACE = 18, 2205, 2206, 24, 4089

INTEGERS = (INT2, INT4, INT8)
FLOATS = (FLOAT4, FLOAT8)
NUMBERS = (INT2, INT4, INT8, NUMERIC, FLOAT4, FLOAT8)
"""In the order in which one becomes another."""
TEXTS = (TEXT, VARCHAR, BPCHAR, NAME, CHAR)
MOMENTS = (DATE, TIMESTAMP, TIMESTAMPTZ)
RECORD = 2249
"""Its modifier here is the type of its first part: the only ones there are come from _pg_expandarray()."""
VECTORS = (22, 30)
"""int2vector and oidvector: arrays whose first element is number 0."""
REGS = (REGCLASS, REGTYPE, REGPROC, REGNAMESPACE)


class Kind(NamedTuple):
    oid: int
    typmod: int = -1


class Wanted(NamedTuple):
    """A type as it is written in a definition or a cast."""

    kind: Kind
    serial: bool = False


_NAMES = {
    "BOOLEAN": BOOL, "SMALLINT": INT2, "INT": INT4, "BIGINT": INT8, "DECIMAL": NUMERIC, "FLOAT": FLOAT4,
    "DOUBLE": FLOAT8, "TEXT": TEXT, "VARCHAR": VARCHAR, "CHAR": BPCHAR, "BPCHAR": BPCHAR, "NAME": NAME,
    "VARBINARY": BYTEA, "DATE": DATE, "TIME": TIME, "TIMESTAMP": TIMESTAMP, "TIMESTAMPTZ": TIMESTAMPTZ,
    "INTERVAL": INTERVAL, "UUID": UUID, "JSON": JSON, "JSONB": JSONB,
}  # fmt: skip
_SERIAL = {"SERIAL": INT4, "BIGSERIAL": INT8, "SMALLSERIAL": INT2}
_OTHERS = {
    "oid": OID,
    "regclass": REGCLASS,
    "regtype": REGTYPE,
    "regproc": REGPROC,
    "regnamespace": REGNAMESPACE,
    "bpchar": BPCHAR,
    "name": NAME,
    "char": CHAR,
}


def wanted(node: exp.Expr | None) -> Wanted:
    """The type a definition or cast names."""
    if isinstance(node, exp.ObjectIdentifier):
        name = str(node.this).lower()
        if name in _OTHERS:
            return Wanted(Kind(_OTHERS[name]))
        raise unsupported(f"type {name}")
    if not isinstance(node, exp.DataType):
        raise unsupported("this type")
    name = node.this.name if hasattr(node.this, "name") else str(node.this)
    sizes = [one for one in node.expressions if isinstance(one, exp.DataTypeParam)]
    if name == "ARRAY" and len(node.expressions) == 1:
        inner = wanted(node.expressions[0]).kind
        return Wanted(Kind(ARRAY_OF.get(inner.oid, inner.oid), inner.typmod))
    if name in _SERIAL:
        return Wanted(Kind(_SERIAL[name]), serial=True)
    if name == "USERDEFINED":
        kind = node.args.get("kind")
        said = (
            (kind.sql() if isinstance(kind, exp.Expr) else str(kind))
            .lower()
            .replace("pg_catalog.", "")
            .strip('"')
        )
        if said in _OTHERS:
            return Wanted(Kind(_OTHERS[said]))
        if said in BY_NAME and (not said.startswith("_") or BY_NAME[said].element):
            return Wanted(Kind(BY_NAME[said].oid))
        raise StoreError("42704", f'type "{said}" does not exist')
    if name == "INTERVAL" and (sizes or node.args.get("unit")):
        raise unsupported("interval with fields or a precision")
    if name == "DOUBLE" and sizes:
        return Wanted(Kind(FLOAT4 if int(sizes[0].this.name) <= 24 else FLOAT8))
    if name not in _NAMES:
        raise unsupported(f"type {name.lower()}")
    return Wanted(Kind(_NAMES[name], _typmod(_NAMES[name], [int(one.this.name) for one in sizes])))


def _typmod(oid: int, sizes: list[int]) -> int:
    if oid == NUMERIC and sizes:
        precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
        if not 1 <= precision <= 1000:
            raise StoreError("22023", f"NUMERIC precision {precision} must be between 1 and 1000")
        if not 0 <= scale <= precision:
            raise unsupported("numeric with a scale below zero or above its precision")
        return (precision << 16 | scale) + 4
    if oid == BPCHAR:
        return (sizes[0] if sizes else 1) + 4
    if oid == VARCHAR and sizes:
        return sizes[0] + 4
    if oid in (TIME, TIMESTAMP, TIMESTAMPTZ) and sizes:
        return min(6, sizes[0])
    return -1


def unsupported(what: str) -> StoreError:
    return StoreError("0A000", f"the embedded store does not support {what}")


def element(oid: int) -> int:
    """Of an array, what it is made of; 0 of anything else."""
    kind = BY_OID.get(oid)
    return kind.element if kind is not None else 0


def is_array(oid: int) -> bool:
    return bool(element(oid))


def affinity(oid: int) -> str:
    """The type of a column in a STRICT table."""
    if oid in (BOOL, OID, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, *INTEGERS):
        return "INT"
    if oid in FLOATS:
        return "REAL"
    return "BLOB" if oid == BYTEA else "TEXT"


def stored(oid: int, value: Value) -> Value:
    """A plain value as SQLite holds it."""
    if value is None:
        return None
    if is_array(oid):
        if element(oid) in (BYTEA, JSON, JSONB, INTERVAL):
            raise unsupported(f"arrays of {BY_OID[element(oid)].name}")
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if isinstance(value, bool):
        return int(value)
    if oid in FLOATS and value != value:
        raise unsupported("NaN in floating-point types: SQLite would take it for NULL")
    return value


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def constant(value: Value) -> str:
    """A stored value as SQLite's SQL."""
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(int(value)) if value != -(1 << 63) else "(-9223372036854775807-1)"
        case float():
            return "9e999" if value == float("inf") else "-9e999" if value == float("-inf") else repr(value)
        case bytes():
            return f"x'{value.hex()}'"
        case _:
            return "'" + str(value).replace("'", "''").replace("\0", "") + "'"
