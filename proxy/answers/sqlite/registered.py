"""What SQLite calls back for: our functions, aggregates and collations, put into a connection.

A function that fails leaves its error with the session, for SQLite only says that some function failed. Without a
word to the contrary one gives NULL for a NULL. It owns the list, which is why it is past 400 lines: what they compute is in the rooms beside it.
"""

import itertools
import json
import math
import random
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import tzinfo
from decimal import Decimal
from functools import cmp_to_key, partial
from typing import Any, Protocol

from protocols.postgres.datatypes import (
    DAY,
    Malformed,
    Value,
    from_text,
    in_range,
    interval,
    interval_parts,
    json_value,
    jsonb_text,
    plain,
    spelled,
    to_local,
    to_text,
    to_utc,
    zone_named,
)
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import kinds, numbers, patterns, texts, times
from proxy.answers.sqlite.texts import MOST_ITEMS


class Around(Protocol):
    """What the functions ask of the session."""

    error: StoreError | Malformed | None

    def zone(self) -> tzinfo: ...
    def now(self) -> int: ...
    def ask(self, name: str, *args: Value) -> Value: ...
    def stopped(self) -> bool: ...
    def look(self) -> None: ...


def micros_now() -> int:
    return time.time_ns() // 1000 - times.UNIX * 1_000_000


_LONG = 100_000
"""Letters: whoever makes many such texts is asked more often than SQLite asks whether to go on."""


def read_in(oid: int, text: str, zone: tzinfo) -> Value:
    if kinds.is_array(oid) and text.count(",") >= MOST_ITEMS:
        raise StoreError("54000", "an array has a million elements at most in the embedded store")
    if oid in (kinds.JSON, kinds.JSONB) and text.count(",") >= 2 * MOST_ITEMS:
        raise StoreError("54000", "a JSON value has two million parts at most in the embedded store")
    return kinds.stored(oid, from_text(oid, text, zone))


def array_out(oid: int, value: Value, zone: tzinfo) -> str:
    plain_value = json.loads(value) if kinds.is_array(oid) and isinstance(value, str) else value
    return to_text(oid, plain_value, zone)


def varchar(text: str, most: int, explicit: int, name: str) -> str:
    """Too long a text is cut where a cast says so; blanks at its end never matter."""
    if len(text) <= most:
        return text
    if explicit or not text[most:].strip(" "):
        return text[:most]
    raise Malformed("22001", f"value too long for type {name}({most})")


def round_micros(value: int, digits: int) -> int:
    step = 10 ** (6 - digits)
    return int((value + step // 2) // step * step)


def _pretty(value: int) -> str:
    size = float(value)
    if abs(value) < 10240:
        return f"{value} bytes"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1024
        if abs(size) < 10240 or unit == "TB":
            return f"{size:.0f} {unit}"
    return str(value)


def _items(text: str) -> list[Value]:
    found = json.loads(text)
    return found if isinstance(found, list) else []


def _array(items: list[Value]) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def series(look: Callable[[], None], first: int, last: int, step: int) -> str:
    if not step:
        raise Malformed("22023", "step size cannot equal zero")
    if abs(last - first) // abs(step) > 5_000_000:
        raise StoreError("54000", "generate_series() gives five million rows at most in the embedded store")
    numbered = range(first, last + (1 if step > 0 else -1), step)
    parts: list[str] = []
    for at in range(0, len(numbered), _LONG):
        # Others have their turn in between.
        look()
        parts.append(",".join(map(str, numbered[at : at + _LONG])))
    return f"[{','.join(parts)}]"


def series_numeric(look: Callable[[], None], first: str, last: str, step: str) -> str:
    for one, what in ((first, "start value"), (last, "stop value"), (step, "step size")):
        if one == "NaN":
            raise Malformed("22023", f"{what} cannot be NaN")
    start, end, by = Decimal(first), Decimal(last), Decimal(step)
    if not by:
        raise Malformed("22023", "step size cannot equal zero")
    out: list[Value] = []
    while start <= end if by > 0 else start >= end:
        if len(out) >= MOST_ITEMS:
            raise StoreError(
                "54000", "generate_series() gives a million numerics at most in the embedded store"
            )
        if len(out) % 10_000 == 0:
            look()
        out.append(plain(start))
        start = numbers.EXACT.add(start, by)
    return json.dumps(out)


def series_times(look: Callable[[], None], first: int, last: int, step: str, zone: tzinfo | None) -> str:
    key = times.span_key(step)
    if not key:
        raise Malformed("22023", "step size cannot equal zero")
    out: list[int] = []
    one = first
    while one <= last if key > 0 else one >= last:
        out.append(one)
        if len(out) % 10_000 == 0:
            look()
        if len(out) > MOST_ITEMS:
            raise StoreError("54000", "generate_series() gives a million times at most in the embedded store")
        one = times.plus(one, step, 1, zone)
    return json.dumps(out)


def _elements(text: str, as_text: int) -> str:
    value = json_value(text)
    if not isinstance(value, list):
        raise Malformed("22023", "cannot extract elements from a non-array")
    return json.dumps([_part(one, as_text) for one in value], ensure_ascii=False)


def _part(one: object, as_text: int) -> str | None:
    if as_text and (one is None or type(one) is str):
        return one
    return jsonb_text(one)


def _each(text: str, as_text: int) -> str:
    value = json_value(text)
    if not isinstance(value, dict):
        raise Malformed("22023", "cannot deconstruct a non-object")
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return json.dumps([[key, _part(value[key], as_text)] for key in keys], ensure_ascii=False)


def _keys(text: str) -> str:
    value = json_value(text)
    if not isinstance(value, dict):
        raise Malformed("22023", "cannot call jsonb_object_keys on a non-object")
    return json.dumps(sorted(value, key=lambda key: (len(key.encode()), key.encode())), ensure_ascii=False)


def as_json(oid: int, value: Value, zone: tzinfo) -> object:
    """A stored value as JSON has it; what jsonb_text() takes."""
    if value is None:
        return None
    if kinds.is_array(oid):
        return [as_json(kinds.element(oid), one, zone) for one in _items(str(value))]
    if oid in (kinds.JSON, kinds.JSONB):
        return json_value(str(value))
    if oid == kinds.BOOL:
        return bool(value)
    if oid in kinds.NUMBERS:
        return json_value(to_text(oid, value, zone))
    text = to_text(oid, value, zone)
    return (
        text.replace(" ", "T", 1)
        + (":00" if oid == kinds.TIMESTAMPTZ and len(text.rpartition("+")[2]) == 2 else "")
        if (oid in (kinds.TIMESTAMP, kinds.TIMESTAMPTZ))
        else text
    )


def json_text(value: object, *, binary: bool) -> str:
    """json_build_object() writes other blanks than jsonb does."""
    if binary:
        return jsonb_text(value)
    match value:
        case dict():
            return (
                "{"
                + ", ".join(
                    f"{json.dumps(k, ensure_ascii=False)} : {json_text(v, binary=False)}"
                    for k, v in value.items()
                )
                + "}"
            )
        case list():
            return "[" + ", ".join(json_text(one, binary=False) for one in value) + "]"
        case _:
            return jsonb_text(value)


def build(kind: str, binary: int, oids: str, zone: tzinfo, *args: Value) -> str:
    values = [
        as_json(int(oid), one, zone) for oid, one in zip(oids.split(",") if oids else [], args, strict=True)
    ]
    if kind == "array":
        return json_text(values, binary=bool(binary))
    if kind == "one":
        return json_text(values[0], binary=bool(binary))
    found: dict[str, object] = {}
    pairs: list[tuple[str, object]] = []
    for at in range(0, len(values), 2):
        key = values[at]
        if key is None:
            raise Malformed("22023", f"argument {at + 1}: key must not be null")
        pairs.append((key if isinstance(key, str) else jsonb_text(key), values[at + 1]))
    if not binary:
        return (
            "{"
            + ", ".join(
                f"{json.dumps(str(k), ensure_ascii=False)} : {json_text(v, binary=False)}" for k, v in pairs
            )
            + "}"
        )
    found.update(pairs)
    return jsonb_text(found)


def _leveled(value: object) -> object:
    """With numbers as their value, whatever digits they are written with."""
    match value:
        case dict():
            return {key: _leveled(one) for key, one in value.items()}
        case list():
            return [_leveled(one) for one in value]
        case str() if type(value) is not str:
            return type(value)(format(Decimal(value).normalize(), "f"))
        case _:
            return value


def compare_json(left: str, right: str) -> int:
    """For equality: the order is nobody's."""
    if left == right:
        return 0
    try:
        one, other = jsonb_text(_leveled(json_value(left))), jsonb_text(_leveled(json_value(right)))
    except (Malformed, ArithmeticError):
        one, other = left, right
    return (one > other) - (one < other)


class Collected:
    """An aggregate that needs all its values: string_agg(), array_agg(), json_agg(), in an order if one is said.

    It is called with `how` (what becomes of them), then value and mark, then pairs of order and key.
    """

    around: Around

    def __init__(self) -> None:
        self.length = 0
        self.rows: list[tuple[Value, Value, tuple[Value, ...]]] = []
        self.how = ""
        self.orders: list[str] = []

    def step(self, how: str, value: Value, mark: Value, *keys: Value) -> None:
        self.how = how
        self.orders = [str(one) for one in keys[::2]]
        self.rows.append((value, mark, keys[1::2]))
        self.length += sum(len(one) for one in (value, mark, *keys[1::2]) if isinstance(one, (str, bytes)))
        try:
            if len(self.rows) > MOST_ITEMS:
                raise StoreError(
                    "54000",
                    "an aggregate that collects its rows takes a million at most in the embedded store",
                )
            texts.bounded(self.length)
            if len(self.rows) % 10_000 == 0:
                self.around.look()
        except (StoreError, Malformed):
            # SQLite asks for the result of what was given up, too.
            self.rows = []
            raise

    def finalize(self) -> Value:
        if not self.rows:
            return None
        self.around.look()
        rows = self.rows
        for at in reversed(range(len(self.orders))):
            order = self.orders[at]
            present = [row for row in rows if row[2][at] is not None]
            absent = [row for row in rows if row[2][at] is None]
            present.sort(key=partial(_key, at, order), reverse="d" in order)
            rows = absent + present if "f" in order else present + absent
        kind, _, oid = self.how.partition(":")
        if "u" in kind:
            rows = list({row[0]: row for row in rows}.values())
        if kind.startswith("string"):
            present = [row for row in rows if row[0] is not None]
            if not present:
                return None
            out = str(present[0][0])
            return out + "".join(f"{row[1] or ''}{row[0]}" for row in present[1:])
        if kind.startswith("array"):
            return _array([row[0] for row in rows])
        zone = self.around.zone()
        binary = kind.endswith("b")
        if kind.startswith("object"):
            first, second = oid.split(",")
            pairs = (
                (
                    str(as_json(int(first), r[0], zone)),
                    json_text(as_json(int(second), r[1], zone), binary=binary),
                )
                for r in rows
            )
            if binary:
                found = dict(pairs)
                keys = sorted(found, key=lambda key: (len(key.encode()), key.encode()))
                return self._joined(
                    "{", (f"{json.dumps(k, ensure_ascii=False)}: {found[k]}" for k in keys), "}"
                )
            return self._joined("{ ", (f"{json.dumps(k, ensure_ascii=False)} : {v}" for k, v in pairs), " }")
        each = (json_text(as_json(int(oid), row[0], zone), binary=binary) for row in rows)
        return self._joined("[", each, "]")

    def _joined(self, before: str, parts: Iterable[str], after: str) -> str:
        out = texts.Parts(self.around.look)
        mark = before
        for one in parts:
            out.add(mark)
            out.add(one)
            mark = ", "
        out.add(after)
        return out.joined()


def _key(at: int, order: str, row: tuple[Value, Value, tuple[Value, ...]]) -> Any:
    value = row[2][at]
    if "n" in order:
        return cmp_to_key(numbers.compare)(str(value))
    if "i" in order:
        return times.span_key(str(value))
    return value.encode() if isinstance(value, str) else value


class Every:
    """bool_and() and bool_or()."""

    any_of_them = False

    def __init__(self) -> None:
        self.found: int | None = None

    def step(self, value: int | None) -> None:
        if value is not None:
            if self.found is None:
                self.found = value
            elif self.any_of_them:
                self.found |= value
            else:
                self.found &= value

    def finalize(self) -> int | None:
        return self.found


def install(connection: sqlite3.Connection, around: Around) -> None:
    """Everything, on one connection."""

    def guarded(call: Callable[..., Value]) -> Callable[..., Any]:
        def one(*args: Value) -> Any:
            try:
                found = call(*args)
                if isinstance(found, str) and len(found) > _LONG:
                    around.look()
            except (StoreError, Malformed) as why:
                around.error = why
                raise
            except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as why:
                around.error = StoreError(
                    "22000", f"a function was given what it cannot take ({type(why).__name__})"
                )
                raise
            except RecursionError:
                around.error = StoreError("54001", "a value is nested too deeply for the embedded store")
                raise
            except MemoryError:
                around.error = StoreError("53200", "out of memory")
                raise
            return found

        return one

    def add(name: str, call: Callable[..., Value], *, pure: bool = True, strict: bool = True) -> None:
        def one(*args: Value) -> Value:
            return None if None in args else call(*args)

        connection.create_function("pg_" + name, -1, guarded(one if strict else call), deterministic=pure)

    def telling(kind: type, **more: object) -> Any:
        """An aggregate whose errors are told as a function's are."""
        calls = {
            name: guarded(getattr(kind, name))
            for name in ("step", "inverse", "value", "finalize")
            if hasattr(kind, name)
        }
        return type(kind.__name__, (kind,), calls | more)

    def ask(name: str) -> Callable[..., Value]:
        return lambda *args: around.ask(name, *args)

    for name, compare in (
        ("pgnum", numbers.compare),
        ("pgspan", times.compare_spans),
        ("pgjson", compare_json),
    ):
        connection.create_collation(name, compare)
    _numbers(add)
    _times(add, around)
    _texts(add, around)
    _arrays(add, around)
    _conversions(add, around)
    for name in (
        "nextval", "currval", "setval", "lastval", "version", "current_database", "current_schema", "current_schemas",
        "pg_backend_pid", "current_setting", "set_config", "current_user", "pg_get_constraintdef", "pg_get_indexdef",
        "pg_get_viewdef", "pg_get_expr", "pg_get_function_arguments", "pg_get_function_result", "pg_get_serial_sequence", "pg_table_is_visible", "pg_relation_size", "pg_total_relation_size", "pg_indexes_size",
        "pg_database_size", "to_regclass",
        "to_regtype",
        "regnamespace_name", "regnamespace", "regproc", "regproc_name", "regclass", "regclass_name", "txid_current", "pg_sleep", "session_user",
    ):  # fmt: skip
        add(name, ask(name), pure=False)
        if name.startswith("pg_"):
            add(name.removeprefix("pg_"), ask(name), pure=False)
    for name, root, sample in (
        ("stddev", True, True), ("stddev_samp", True, True), ("stddev_pop", True, False), ("variance", False, True),
        ("var_samp", False, True), ("var_pop", False, False),
    ):  # fmt: skip
        connection.create_aggregate("pg_" + name, 1, telling(numbers.Spread, root=root, sample=sample))
    connection.create_window_function("pg_sum", 1, telling(numbers.Sum))
    connection.create_window_function("pg_avg", 1, telling(numbers.Average))
    connection.create_aggregate("pg_float_sum", 1, telling(numbers.FloatSum))
    connection.create_aggregate("pg_float_avg", 1, telling(numbers.FloatAverage))
    connection.create_window_function("pg_float_sum_over", 1, telling(numbers.FrameSum))
    connection.create_window_function("pg_float_avg_over", 1, telling(numbers.FrameAverage))
    connection.create_aggregate("pg_collect", -1, telling(Collected, around=around))
    connection.create_aggregate("pg_every", 1, telling(Every))
    connection.create_aggregate("pg_some", 1, telling(Every, any_of_them=True))


Add = Callable[..., None]


def _single(count: int, value: Value) -> Value:
    if count > 1:
        raise StoreError("21000", "more than one row returned by a subquery used as an expression")
    return value


def _count(value: int, what: str) -> int:
    if value < 0:
        raise StoreError("2201W" if what == "LIMIT" else "2201X", f"{what} must not be negative")
    return value


def _numbers(add: Add) -> None:
    add("num_add", numbers.add)
    add("num_sub", numbers.subtract)
    add("num_mul", numbers.multiply)
    add("num_div", numbers.divide)
    add("num_neg", numbers.negate)
    add("mod_numeric", numbers.modulo)
    add("abs_numeric", numbers.absolute)
    add("num_fit", numbers.fit)
    add("num_int", numbers.to_integer)
    add("num_float", lambda value: numbers.number(float(value)))
    add("float_num", numbers.from_float)
    add("float_int", numbers.float_to_integer)
    add("float4", lambda value: from_text(700, repr(value)))
    add("int", numbers.integer)
    add("int_range", lambda value, oid: in_range(oid, value))
    add("int_div", numbers.integer_divide)
    add("int_mod", numbers.integer_modulo)
    add("mod", numbers.integer_modulo)
    add("shift", numbers.shift)
    add("float_op", numbers.float_operation)
    add("round", numbers.round_to)
    add("trunc", numbers.truncate)
    add("ceil", numbers.ceiling)
    add("floor", numbers.floor)
    add("sign", lambda value: str((Decimal(value) > 0) - (Decimal(value) < 0)))
    add(
        "div",
        lambda left, right: numbers.truncate(numbers.divide(left, right)) if Decimal(right) else _zero(),
    )
    add("round_float", numbers.round_float)
    add("trunc_float", lambda value: float(math.trunc(value)))
    add("ceil_float", lambda value: float(math.ceil(value)))
    add("floor_float", lambda value: float(math.floor(value)))
    add("sign_float", lambda value: float((value > 0) - (value < 0)))
    add("power", lambda left, right: numbers.float_operation("^", left, right))
    add("sqrt", numbers.square_root)
    add("exp", lambda value: numbers.number(math.exp(value)))
    add("ln", numbers.logarithm)
    add("log", lambda value: numbers.logarithm(value, 10))
    add("gcd", math.gcd)
    add("random", random.random, pure=False)


def _zero() -> Value:
    raise numbers.ZERO


def _times(add: Add, around: Around) -> None:
    add("now", around.now, pure=False)
    add("clock_timestamp", micros_now, pure=False)
    add("date_add", times.date_plus)
    add("ts_add", lambda value, span, sign: times.plus(value, span, sign, None))
    add("tz_add", lambda value, span, sign: times.plus(value, span, sign, around.zone()))
    add("ts_sub", times.difference)
    add("span_add", times.span)
    add("span_mul", times.times)
    add("span_div", times.divided)
    add("span_neg", lambda value: times.span("0 0 0", value, -1))
    add("date_trunc", lambda unit, value: times.truncate(unit, value, None))
    add("date_trunc_tz", lambda unit, value: times.truncate(unit, value, around.zone()))
    add("extract", lambda unit, value, kind: _part_of(unit, value, kind, around))
    add("part", lambda unit, value, kind: float(_part_of(unit, value, kind, around)))
    add("age", times.age)
    add("age_tz", lambda a, b: times.age(to_local(a, around.zone()), to_local(b, around.zone())))
    add("make_date", times.make_date)
    add("to_char", lambda value, form, zoned: times.to_char(value, form, around.zone() if zoned else None))
    add("to_timestamp", lambda value: round((value - times.UNIX) * 1_000_000))
    add("justify_days", lambda value: _justified(value, days=True))
    add("justify_hours", lambda value: _justified(value, days=False))
    add("to_utc", lambda value: to_utc(value, around.zone()), pure=False)
    add("to_local", lambda value: to_local(value, around.zone()), pure=False)
    add("at_zone", lambda name, value: to_utc(value, zone_named(name)))
    add("in_zone", lambda name, value: to_local(value, zone_named(name)))
    add("time_add", lambda value, span, sign: (value + sign * interval_parts(span)[2]) % DAY)
    add("time_span", lambda value: interval(0, 0, value))
    add("micros", round_micros)


def _part_of(unit: str, value: Value, kind: str, around: Around) -> str:
    if kind == "i":
        return times.extract_span(unit, str(value))
    micros = int(str(value)) * (DAY if kind == "d" else 1)
    return times.extract(unit, micros, kind, around.zone() if kind == "z" else None)


def _justified(value: str, *, days: bool) -> str:
    months, some, micros = interval_parts(value)
    if days:
        whole = int(some / 30)
        return interval(months + whole, some - whole * 30, micros)
    whole = int(micros / DAY)
    return interval(months, some + whole, micros - whole * DAY)


def _texts(add: Add, around: Around) -> None:
    add("lower", texts.lower)
    add("upper", texts.upper)
    add("like", partial(patterns.like, around.look))
    add("regex", partial(patterns.matches, around.look))
    for name in ("regexp_match", "substring_regex", "regexp_replace", "regexp_split"):
        add(name, partial(getattr(patterns, name), around.look))
    add("split_part", partial(texts.split_part, around.look))
    add("translate", partial(texts.translate, around.look))
    add("reverse", lambda text: text[::-1])
    add("replace", texts.replace)
    add("starts_with", lambda text, head: text.startswith(head))
    add("ascii", lambda text: ord(text[0]) if text else 0)
    add("chr", _chr)
    add("to_hex", lambda value, bits: f"{value & (1 << bits) - 1:x}")
    add("concat", lambda *args: texts.joined("", [one for one in args if one is not None]), strict=False)
    add(
        "concat_ws",
        lambda mark, *args: (
            None if mark is None else texts.joined(mark, [one for one in args if one is not None])
        ),
        strict=False,
    )
    add(
        "format",
        lambda form, *args: None if form is None else texts.format_text(around.look, form, *args),
        strict=False,
    )
    for name in (
        "substring", "left", "right", "pad", "repeat", "initcap", "overlay", "encode", "decode", "md5",
        "quote_ident", "quote_literal",
        "json_get", "json_path", "json_contains", "json_has", "json_typeof", "jsonb_concat", "jsonb_delete", "jsonb_set",
    ):  # fmt: skip
        add(name, getattr(texts, name))
    add("json_array_length", texts.json_length)
    add("jsonb_pretty", _pretty_json)
    add("size_pretty", _pretty)
    add("pg_size_pretty", _pretty)
    add("gen_random_uuid", lambda: str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)), pure=False)


def _chr(code: int) -> str:
    if not 0 < code < 0x110000:
        raise Malformed(
            "54000",
            "null character not permitted" if not code else "requested character too large for encoding",
        )
    return chr(code)


def _pretty_json(text: str) -> str:
    def lines(value: object, depth: int) -> str:
        inner = "    " * (depth + 1)
        if isinstance(value, dict) and value:
            body = ",\n".join(
                f"{inner}{json.dumps(k, ensure_ascii=False)}: {lines(v, depth + 1)}" for k, v in value.items()
            )
            return "{\n" + body + "\n" + "    " * depth + "}"
        if isinstance(value, list) and value:
            body = ",\n".join(f"{inner}{lines(one, depth + 1)}" for one in value)
            return "[\n" + body + "\n" + "    " * depth + "]"
        return jsonb_text(value)

    return lines(json_value(text), 0)


def _zip(*columns: str | None) -> str:
    """Several sets beside each other; those that end first go on with NULL."""
    sets = [_items(one) if one is not None else [] for one in columns]
    return _array([list(row) for row in itertools.zip_longest(*sets)])


def _arrays(add: Add, around: Around) -> None:
    add(
        "string_to_array",
        lambda text, mark: _array(list(texts.split(text, mark))),
    )
    add(
        "array_to_string",
        lambda value, mark: texts.joined(mark, [_as_text(one) for one in _items(value) if one is not None]),
    )
    add("array_length", lambda value, depth: len(_items(value)) or None if depth == 1 else None)
    add("array_lower", lambda value, depth: 1 if depth == 1 and _items(value) else None)
    add("cardinality", lambda value: len(_items(value)))
    add("array_position", lambda value, one: _items(value).index(one) + 1 if one in _items(value) else None)
    add("array_append", lambda value, one: _array([*(_items(value) if value else []), one]), strict=False)
    add("array_prepend", lambda one, value: _array([one, *(_items(value) if value else [])]), strict=False)
    add("array_remove", lambda value, one: _array([each for each in _items(value) if each != one]))
    add("array_cat", lambda left, right: _array(_items(left) + _items(right)))
    add("array_get", lambda value, at: _items(value)[at - 1] if 0 < at <= len(_items(value)) else None)
    add("array_contains", lambda left, right: set(_items(right)) <= set(_items(left)))
    add("array_overlaps", lambda left, right: not set(_items(right)).isdisjoint(_items(left)))
    add("zip", _zip, strict=False)
    add("expand", lambda value: _array([[one, at + 1] for at, one in enumerate(_items(value))]))
    add("subscripts", lambda value, first: _array(list(range(first, len(_items(value)) + first))))
    add("series", partial(series, around.look))
    add("series_numeric", partial(series_numeric, around.look))
    add("series_ts", lambda first, last, step: series_times(around.look, first, last, step, None))
    add("json_elements", _elements)
    add("json_each", _each)
    add("json_keys", _keys)


def _as_text(one: Value) -> str:
    return one if isinstance(one, str) else str(one)


def _format_type(oid: int | None, mod: int | None) -> str | None:
    if oid is None:
        return None
    if not oid:
        return "-"
    if mod == -1 and oid in (kinds.BPCHAR, 1014):
        # Without a length it is not `character`, which is one of length 1.
        return "bpchar" if oid == kinds.BPCHAR else "bpchar[]"
    return spelled(oid, -1 if mod is None else mod)


def _conversions(add: Add, around: Around) -> None:
    add("in", lambda oid, text: read_in(oid, text, around.zone()))
    add("out", lambda oid, value: array_out(oid, value, around.zone()))
    add("varchar", varchar)
    add(
        "format_type",
        _format_type,
        strict=False,
    )
    add("series_tz", lambda first, last, step: series_times(around.look, first, last, step, around.zone()))
    add(
        "build",
        lambda kind, binary, oids, *args: build(kind, binary, oids, around.zone(), *args),
        strict=False,
    )
    add("jsonb", lambda text: jsonb_text(json_value(text)))
    add("single", _single, strict=False)
    add("count", _count)
