"""PostgreSQL's types: their numbers, and how values of them look on the wire, as text and in binary.

Past 400 lines because a type is one thing: its text and its binary form are read beside each other. In the house a
value has one plain form, whatever store it comes from: bool, int, float and str as they are; numeric as its digits;
bytea as bytes; a date as days, a time or timestamp as microseconds since 2000-01-01; an interval as "months days
microseconds"; uuid and json as text; an array as a list of these. None is NULL. No SQL and no store is known here.
"""

import json
import math
import re
import struct
import uuid
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

Value = object
DAY: Final = 86_400_000_000
EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock's, what `timestamp` counts from
INFINITE: Final = (1 << 63) - 1
INFINITE_DATE: Final = (1 << 31) - 1


class DataType(msgspec.Struct, frozen=True):
    """A type: its number, its name, how many bytes a value takes (-1: it varies), and of an array its elements'."""

    oid: int
    name: str
    size: int = -1
    element: int = 0
    category: str = "U"


class Named(str):
    """What a regclass or regtype is called; in binary it is its number."""

    __slots__ = ("oid",)
    oid: int

    @classmethod
    def of(cls, oid: int, name: str) -> "Named":
        made = cls(name)
        made.oid = oid
        return made


class Malformed(Exception):
    """A value cannot be one of its type: SQLSTATE and what is wrong with it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


_BASIC = (
    (16, "bool", 1, "B", 1000), (17, "bytea", -1, "U", 1001), (18, "char", 1, "Z", 1002), (19, "name", 64, "S", 1003),
    (20, "int8", 8, "N", 1016), (21, "int2", 2, "N", 1005), (23, "int4", 4, "N", 1007), (24, "regproc", 4, "N", 1008),
    (25, "text", -1, "S", 1009), (26, "oid", 4, "N", 1028), (114, "json", -1, "U", 199), (700, "float4", 4, "N", 1021),
    (701, "float8", 8, "N", 1022), (1042, "bpchar", -1, "S", 1014), (1043, "varchar", -1, "S", 1015),
    (1082, "date", 4, "D", 1182), (1083, "time", 8, "D", 1183), (1114, "timestamp", 8, "D", 1115),
    (1184, "timestamptz", 8, "D", 1185), (1186, "interval", 16, "T", 1187), (1700, "numeric", -1, "N", 1231),
    (4089, "regnamespace", 4, "N", 4090), (2205, "regclass", 4, "N", 2210), (2206, "regtype", 4, "N", 2211),
    (2950, "uuid", 16, "U", 2951), (3802, "jsonb", -1, "U", 3807),
)  # fmt: skip
BY_OID: Final = {
    **{oid: DataType(oid, name, size, 0, category) for oid, name, size, category, _ in _BASIC},
    **{array: DataType(array, "_" + name, -1, oid, "A") for oid, name, _, _, array in _BASIC},
    22: DataType(22, "int2vector", -1, 21, "A"),
    30: DataType(30, "oidvector", -1, 26, "A"),
    705: DataType(705, "unknown", -2, 0, "X"),
    2278: DataType(2278, "void", 4, 0, "P"),
    2249: DataType(2249, "record", -1, 0, "P"),
}
BY_NAME: Final = {one.name: one for one in BY_OID.values()}
ARRAY_OF: Final = {oid: array for oid, _, _, _, array in _BASIC}
_TEXTUAL = {4089, 18, 19, 25, 114, 705, 1042, 1043, 2205, 2206, 24, 2278}
_INTS = {20: ("!q", 8), 21: ("!h", 2), 23: ("!i", 4), 26: ("!I", 4)}
_NAMED_INT = {20: "bigint", 21: "smallint", 23: "integer", 26: "oid"}
NAMES: Final = {
    "bool": "boolean", "int8": "bigint", "int2": "smallint", "int4": "integer", "float4": "real",
    "float8": "double precision", "bpchar": "character", "varchar": "character varying",
    "time": "time without time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "char": '"char"',
}  # fmt: skip
"""What SQL calls them, where that is not their own name."""


def spelled(oid: int, typmod: int = -1) -> str:
    """As format_type() writes it."""
    kind = BY_OID.get(oid)
    if kind is None:
        return "???"
    if kind.element:
        return spelled(kind.element, typmod) + "[]"
    name = NAMES.get(kind.name, kind.name)
    if typmod >= 4 and kind.name in ("varchar", "bpchar"):
        return f"{name}({typmod - 4})"
    if typmod >= 4 and kind.name == "numeric":
        return f"numeric({(typmod - 4) >> 16},{(typmod - 4) & 0x7FF})"
    if typmod >= 0 and kind.name in ("time", "timestamp", "timestamptz"):
        first, _, rest = name.partition(" ")
        return f"{first}({typmod}) {rest}"
    return name


# --- text ----------------------------------------------------------------------------------------


def to_text(oid: int, value: Value, zone: tzinfo = UTC) -> str:
    """A value, not NULL, as the server writes it."""
    kind = BY_OID.get(oid)
    if oid in (22, 30) and isinstance(value, list):
        return " ".join(map(str, value))
    if kind is not None and kind.element:
        return _array_out(kind.element, value, zone)
    match oid:
        case 16:
            return "t" if value else "f"
        case 17 if isinstance(value, bytes):
            return "\\x" + value.hex()
        case 700 | 701 if isinstance(value, (int, float)):
            return float_text(float(value), single=oid == 700)
        case 1082 if isinstance(value, int):
            return date_text(value)
        case 1083 if isinstance(value, int):
            return time_text(value)
        case 1114 | 1184 if isinstance(value, int):
            return timestamp_text(value, zone if oid == 1184 else None)
        case 1186 if isinstance(value, str):
            return interval_text(value)
        case _:
            return value if isinstance(value, str) else str(value)


def from_text(oid: int, text: str, zone: tzinfo = UTC) -> Value:
    """What a text means as a value of this type. Raises Malformed."""
    kind = BY_OID.get(oid)
    if kind is not None and kind.element:
        return _array_in(kind.element, text, zone)
    if oid in _INTS:
        return _int_in(oid, text)
    match oid:
        case 16:
            return _bool_in(text)
        case 17:
            return _bytes_in(text)
        case 700 | 701:
            return _float_in(oid, text)
        case 1700:
            return numeric_in(text)
        case 1082 | 1083 | 1114 | 1184:
            return _time_in(oid, text, zone)
        case 1186:
            return interval_in(text)
        case 2950:
            return _uuid_in(text)
        case 114:
            _json(text, "json")
            return text
        case 3802:
            return jsonb_text(_json(text, "json"))
        case 1042:
            return text.rstrip(" ")
        case _:
            return text


def _time_in(oid: int, text: str, zone: tzinfo) -> int:
    if oid == 1082:
        return date_in(text)
    if oid == 1083:
        return time_in(text)
    return timestamp_in(text, zone if oid == 1184 else None)


def _wrong(name: str, text: str) -> Malformed:
    return Malformed("22P02", f'invalid input syntax for type {name}: "{text}"')


def _int_in(oid: int, text: str) -> int:
    said = text.strip(" \t\n\r\f\v")
    if not re.fullmatch(r"[+-]?[0-9]+", said, re.ASCII):
        raise _wrong(_NAMED_INT[oid], text)
    found = int(said)
    return in_range(oid, found, f'value "{text}" is out of range for type {_NAMED_INT[oid]}')


def in_range(oid: int, value: int, said: str = "") -> int:
    """The integer, if its type can hold it."""
    low, high = (
        (0, 0xFFFF_FFFF)
        if oid == 26
        else (-(1 << (8 * _INTS[oid][1] - 1)), (1 << (8 * _INTS[oid][1] - 1)) - 1)
    )
    if not low <= value <= high:
        raise Malformed("22003", said or f"{_NAMED_INT[oid]} out of range")
    return value


def _bool_in(text: str) -> bool:
    said = text.strip().lower()
    if said:
        if "true".startswith(said) or "yes".startswith(said) or said in ("on", "1"):
            return True
        if "false".startswith(said) or "no".startswith(said) or said in ("of", "off", "0"):
            return False
    raise _wrong("boolean", text)


def _bytes_in(text: str) -> bytes:
    try:
        if text.startswith("\\x"):
            wrong = re.search(r"[^0-9A-Fa-f\s]", text[2:], re.ASCII)
            if wrong is not None:
                raise Malformed("22023", f'invalid hexadecimal digit: "{wrong[0]}"')
            return bytes.fromhex(text[2:])
        found = re.sub(r"\\(\\|[0-3][0-7]{2})|\\", lambda m: _octal(m, text), text)
        return found.encode("latin-1") if found.isascii() or "\\" in text else text.encode()
    except ValueError as error:
        raise Malformed("22023", "invalid hexadecimal data: odd number of digits") from error


def _octal(found: re.Match[str], text: str) -> str:
    if found[1] is None:
        raise _wrong("bytea", text)
    return "\\" if found[1] == "\\" else chr(int(found[1], 8))


def float_text(value: float, *, single: bool = False) -> str:
    """The shortest digits that are this number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits = repr(value)
    if single:
        digits = next(
            short
            for short in (f"{value:.{n}e}" for n in range(10))
            if _single(float(short)) == _single(value)
        )
    sign, number, exponent = Decimal(digits).normalize().as_tuple()
    text = "".join(map(str, number))
    point = len(text) + int(exponent)
    most = 6 if single else 15
    head = "-" if sign else ""
    if -4 < point <= most:
        if point <= 0:
            return f"{head}0.{'0' * -point}{text}"
        if len(text) <= point:
            return head + text + "0" * (point - len(text))
        return f"{head}{text[:point]}.{text[point:]}"
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{head}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1):02d}"


def _single(value: float) -> float:
    try:
        return float(struct.unpack("!f", struct.pack("!f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _float_in(oid: int, text: str) -> float:
    name = "real" if oid == 700 else "double precision"
    said = text.strip().lower()
    if said in ("infinity", "inf", "+infinity", "+inf"):
        return math.inf
    if said in ("-infinity", "-inf"):
        return -math.inf
    if said == "nan":
        return math.nan
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", said, re.ASCII):
        raise _wrong(name, text)
    found = float(said)
    if math.isinf(found):
        raise Malformed("22003", f'"{text}" is out of range for type {name}')
    if oid == 700:
        narrow = _single(found)
        if math.isinf(narrow):
            raise Malformed("22003", f'"{text}" is out of range for type {name}')
        return narrow
    return found


def numeric_in(text: str) -> str:
    """The digits, none lost."""
    said = text.strip()
    if said.lower() == "nan":
        return "NaN"
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", said, re.ASCII):
        raise _wrong("numeric", text)
    try:
        return plain(Decimal(said))
    except InvalidOperation as error:
        raise _wrong("numeric", text) from error


def plain(number: Decimal) -> str:
    """Digits without an exponent; zero has no sign."""
    text = f"{number:f}"
    return text[1:] if text.startswith("-") and not number else text


def date_text(days: int) -> str:
    if days >= INFINITE_DATE:
        return "infinity"
    if days <= -INFINITE_DATE - 1:
        return "-infinity"
    return (date(2000, 1, 1) + timedelta(days)).isoformat()


def time_text(micros: int) -> str:
    seconds, part = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text + (f".{part:06d}".rstrip("0") if part else "")


def timestamp_text(micros: int, zone: tzinfo | None) -> str:
    if micros == INFINITE:
        return "infinity"
    if micros == -INFINITE - 1:
        return "-infinity"
    moment = EPOCH + timedelta(microseconds=micros)
    tail = ""
    if zone is not None:
        local = moment.replace(tzinfo=UTC).astimezone(zone)
        offset = local.utcoffset() or timedelta()
        seconds = int(offset.total_seconds())
        tail = f"{'-' if seconds < 0 else '+'}{abs(seconds) // 3600:02d}"
        if seconds % 3600:
            tail += f":{abs(seconds) // 60 % 60:02d}" + (f":{abs(seconds) % 60:02d}" if seconds % 60 else "")
        moment = local.replace(tzinfo=None)
    part = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}{part}{tail}"


_DATE = r"(?P<year>\d{4,5})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d*))?)?"
_ZONE = r"\s*(?P<zone>[+-]\d{1,2}(?::?\d{2})?(?::?\d{2})?|Z|UTC|[A-Za-z]+(?:/[A-Za-z_/+-]+)?)?"
_STAMP = re.compile(rf"{_DATE}(?:[ T]+{_TIME}{_ZONE})?|(?P<compact>\d{{8}})", re.ASCII | re.IGNORECASE)
_OF_DAY = re.compile(_TIME, re.ASCII)


def zone_named(name: str) -> tzinfo:
    """A time zone by the name or offset SQL gives it. Raises Malformed."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise Malformed("22023", f'time zone "{name}" not recognized') from error


def _offset(text: str) -> int | None:
    """Microseconds to take off for UTC; None where it is a name."""
    if text[:1] not in "+-":
        return None
    digits = text[1:].replace(":", "")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4] or 0), int(digits[4:6] or 0)
    found = (hours * 3600 + minutes * 60 + seconds) * 1_000_000
    return -found if text[0] == "-" else found


def _micros(found: re.Match[str], text: str) -> int:
    hour, minute = int(found["hour"] or 0), int(found["minute"] or 0)
    second, part = int(found["second"] or 0), round(float("0." + (found["part"] or "0")) * 1_000_000)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second or part)):
        raise Malformed("22008", f'date/time field value out of range: "{text}"')
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + part


def date_in(text: str) -> int:
    return (
        timestamp_in(text, None, "date") // DAY
        if not _infinite(text)
        else _infinite(text) * INFINITE_DATE - (_infinite(text) < 0)
    )


def _infinite(text: str) -> int:
    said = text.strip().lower()
    return 1 if said in ("infinity", "+infinity") else -1 if said == "-infinity" else 0


def timestamp_in(text: str, zone: tzinfo | None, what: str = "") -> int:
    """Microseconds since 2000-01-01; in UTC where `zone` says what time it is where none is written."""
    name = what or ("timestamp" if zone is None else "timestamp with time zone")
    said = text.strip()
    if _infinite(said):
        return INFINITE if _infinite(said) > 0 else -INFINITE - 1
    if said.lower() == "epoch":
        return -946_684_800_000_000
    if said.lower() in ("now", "today", "tomorrow", "yesterday"):
        raise Malformed(
            "0A000", f'the embedded store does not read "{said}" as a time; use now() or current_date'
        )
    found = _STAMP.fullmatch(said)
    if found is None:
        raise Malformed("22007", f'invalid input syntax for type {name}: "{text}"')
    compact = found["compact"]
    fields = (
        (int(compact[:4]), int(compact[4:6]), int(compact[6:]))
        if compact
        else (int(found["year"]), int(found["month"]), int(found["day"]))
    )
    try:
        days = (date(*fields) - date(2000, 1, 1)).days
    except ValueError as error:
        raise Malformed("22008", f'date/time field value out of range: "{text}"') from error
    micros = days * DAY + (_micros(found, text) if found["hour"] else 0)
    if zone is None:
        return micros
    written = found["zone"]
    offset = _offset(written) if written else None
    if offset is not None:
        return micros - offset
    return to_utc(micros, zone_named(written) if written else zone)


def to_utc(micros: int, zone: tzinfo) -> int:
    """A wall clock's time as UTC."""
    if abs(micros) >= INFINITE:
        return micros
    local = (EPOCH + timedelta(microseconds=micros)).replace(tzinfo=zone)
    return micros - int((local.utcoffset() or timedelta()) / timedelta(microseconds=1))


def to_local(micros: int, zone: tzinfo) -> int:
    """UTC as a wall clock's time."""
    if abs(micros) >= INFINITE:
        return micros
    local = (EPOCH + timedelta(microseconds=micros)).replace(tzinfo=UTC).astimezone(zone)
    return micros + int((local.utcoffset() or timedelta()) / timedelta(microseconds=1))


def time_in(text: str) -> int:
    found = _OF_DAY.fullmatch(text.strip())
    if found is None:
        raise Malformed("22007", f'invalid input syntax for type time: "{text}"')
    return _micros(found, text)


# --- intervals -----------------------------------------------------------------------------------

_UNITS = {
    "microsecond": (0, 0, 1), "us": (0, 0, 1), "millisecond": (0, 0, 1_000), "ms": (0, 0, 1_000),
    "second": (0, 0, 1_000_000), "sec": (0, 0, 1_000_000), "s": (0, 0, 1_000_000), "minute": (0, 0, 60_000_000),
    "min": (0, 0, 60_000_000), "m": (0, 0, 60_000_000), "hour": (0, 0, 3_600_000_000), "h": (0, 0, 3_600_000_000),
    "hr": (0, 0, 3_600_000_000), "day": (0, 1, 0), "d": (0, 1, 0), "week": (0, 7, 0), "w": (0, 7, 0),
    "month": (1, 0, 0), "mon": (1, 0, 0), "year": (12, 0, 0), "y": (12, 0, 0), "yr": (12, 0, 0),
    "decade": (120, 0, 0), "century": (1200, 0, 0), "centurie": (1200, 0, 0), "millennium": (12000, 0, 0),
}  # fmt: skip
_PIECE = re.compile(
    r"\s*([+-]?\d+(?:\.\d+)?)\s*([a-z]+)|\s*([+-]?)(\d+):(\d{2})(?::(\d{2})(?:\.(\d+))?)?", re.ASCII
)


def interval(months: int, days: int, micros: int) -> str:
    if not (abs(months) < 1 << 31 and abs(days) < 1 << 31 and abs(micros) < 1 << 63):
        raise Malformed("22008", "interval out of range")
    return f"{months} {days} {micros}"


def interval_parts(value: str) -> tuple[int, int, int]:
    months, days, micros = value.split(" ")
    return int(months), int(days), int(micros)


def interval_in(text: str) -> str:
    said = text.strip().lower()
    ago = said.endswith(" ago")
    rest = said.removesuffix(" ago").removeprefix("@")
    total = [Decimal(0), Decimal(0), Decimal(0)]
    at = 0
    while rest[at:].strip():
        found = _PIECE.match(rest, at)
        if found is None:
            bare = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)\s*", rest[at:], re.ASCII)
            if bare is None:
                raise Malformed("22007", f'invalid input syntax for type interval: "{text}"')
            total[2] += Decimal(bare[1]) * 1_000_000
            break
        at = found.end()
        if found[2]:
            unit = _UNITS.get(found[2]) or _UNITS.get(found[2].removesuffix("s"))
            if unit is None:
                raise Malformed("22007", f'invalid input syntax for type interval: "{text}"')
            _add(total, Decimal(found[1]), unit)
        else:
            sign = -1 if found[3] == "-" else 1
            seconds = (int(found[4]) * 60 + int(found[5])) * 60 + int(found[6] or 0)
            total[2] += sign * (seconds * 1_000_000 + Decimal("0." + (found[7] or "0")) * 1_000_000)
    if not said:
        raise Malformed("22007", f'invalid input syntax for type interval: "{text}"')
    sign = -1 if ago else 1
    return interval(sign * int(total[0]), sign * int(total[1]), sign * round(total[2]))


def _add(total: list[Decimal], amount: Decimal, unit: tuple[int, int, int]) -> None:
    """A fraction of a month is days of 30, a fraction of a day its hours."""
    if not unit[2] and abs(amount) >= 1 << 31:
        raise Malformed("22015", "interval field value out of range")
    months, days, micros = (amount * part for part in unit)
    whole = months.to_integral_value("ROUND_DOWN")
    total[0] += whole
    days += (months - whole) * 30
    whole = days.to_integral_value("ROUND_DOWN")
    total[1] += whole
    total[2] += micros + (days - whole) * DAY


def interval_text(value: str) -> str:
    months, days, micros = interval_parts(value)
    years, months = (
        abs(months) // 12 * (1 if months >= 0 else -1),
        abs(months) % 12 * (1 if months >= 0 else -1),
    )
    said: list[str] = []
    negative = False
    for amount, unit in ((years, "year"), (months, "mon"), (days, "day")):
        if amount:
            plus = "+" if negative and amount > 0 else ""
            said.append(f"{plus}{amount} {unit}" + ("" if amount == 1 else "s"))
            negative = amount < 0
    if micros or not said:
        seconds, part = divmod(abs(micros), 1_000_000)
        sign = "-" if micros < 0 else "+" if negative else ""
        text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        said.append(text + (f".{part:06d}".rstrip("0") if part else ""))
    return " ".join(said)


# --- uuid, json, arrays --------------------------------------------------------------------------


def _uuid_in(text: str) -> str:
    said = text.strip().strip("{}").replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{32}", said, re.ASCII):
        raise _wrong("uuid", text)
    return str(uuid.UUID(said))


class _Number(str):
    """A number of a JSON text, digit by digit."""

    __slots__ = ()


def _json(text: str, name: str) -> object:
    try:
        return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("22P02", f"invalid input syntax for type {name}") from error


def _no_constant(name: str) -> object:
    raise ValueError(name)


def json_value(text: str) -> object:
    """A JSON text as Python's values; numbers keep their digits. Raises Malformed."""
    return _json(text, "json")


def jsonb_text(value: object) -> str:
    """As jsonb is written: a key once, short keys first, a blank after colon and comma."""
    match value:
        case dict():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return "{" + ", ".join(f"{_quoted(key)}: {jsonb_text(value[key])}" for key in keys) + "}"
        case list():
            return "[" + ", ".join(map(jsonb_text, value)) + "]"
        case _Number():
            return plain(Decimal(value))
        case str():
            return _quoted(value)
        case True | False:
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _array_out(element: int, value: Value, zone: tzinfo) -> str:
    items = value if isinstance(value, list) else []
    return "{" + ",".join(_item_out(element, item, zone) for item in items) + "}"


def _item_out(element: int, item: Value, zone: tzinfo) -> str:
    if item is None:
        return "NULL"
    if isinstance(item, list):
        return _array_out(element, item, zone)
    text = to_text(element, item, zone)
    if not text or text.upper() == "NULL" or re.search(r'[{},"\\\s]', text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^{},"\\\s]|\\.|[ \t]+(?=[^{},"\s]))+))\s*', re.DOTALL)


_NEXT = re.compile(r"\S")


def _next(text: str, at: int) -> str:
    found = _NEXT.search(text, at)
    return "" if found is None else found[0]


def _array_in(element: int, text: str, zone: tzinfo) -> list[Value]:
    items, at = _items(text.strip(), 0, element, zone, text)
    if text.strip()[at:]:
        raise Malformed("22P02", f'malformed array literal: "{text}"')
    return items


def _items(said: str, at: int, element: int, zone: tzinfo, whole: str) -> tuple[list[Value], int]:
    wrong = Malformed("22P02", f'malformed array literal: "{whole}"')
    if said[at : at + 1] != "{":
        raise wrong
    at += 1
    items: list[Value] = []
    if _next(said, at) == "}":
        return items, said.index("}", at) + 1
    while True:
        if _next(said, at) == "{":
            inner, at = _items(said, said.index("{", at), element, zone, whole)
            items.append(inner)
        else:
            found = _ITEM.match(said, at)
            if found is None:
                raise wrong
            at = found.end()
            if found[1] is not None:
                items.append(from_text(element, re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), zone))
            elif found[2].upper() == "NULL":
                items.append(None)
            else:
                items.append(from_text(element, re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL), zone))
        mark = said[at : at + 1]
        at += 1
        if mark == "}":
            return items, at
        if mark != ",":
            raise wrong


# --- binary --------------------------------------------------------------------------------------


def to_binary(oid: int, value: Value) -> bytes:
    """A value, not NULL, in the type's binary form."""
    kind = BY_OID.get(oid)
    if kind is not None and kind.element:
        return _array_to_binary(kind.element, value, 0 if oid in (22, 30) else 1)
    if isinstance(value, int) and (found := _integer_binary(oid, value)) is not None:
        return found
    if isinstance(value, (int, float)) and oid in (700, 701):
        return struct.pack("!f" if oid == 700 else "!d", value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, Named):
        return struct.pack("!I", value.oid)
    text = str(value)
    match oid:
        case 18:
            # One byte, that of "" too.
            return text.encode("utf-8", "replace")[:1] or b"\0"
        case 1186:
            months, days, micros = interval_parts(text)
            return struct.pack("!qii", micros, days, months)
        case 1700:
            return numeric_binary(text)
        case 2950:
            return uuid.UUID(text).bytes
        case 3802:
            return b"\1" + text.encode()
        case _:
            return text.encode("utf-8", "replace")


def _integer_binary(oid: int, value: int) -> bytes | None:
    """Of the types whose plain values are integers."""
    if oid in _INTS:
        return struct.pack(_INTS[oid][0], value)
    match oid:
        case 16:
            return b"\1" if value else b"\0"
        case 1082:
            return struct.pack("!i", value)
        case 1083 | 1114 | 1184:
            return struct.pack("!q", value)
        case _:
            return None


def from_binary(oid: int, data: bytes) -> Value:
    """A value from its binary form. Raises Malformed."""
    kind = BY_OID.get(oid)
    try:
        if kind is not None and kind.element:
            return _array_from_binary(data)
        if oid in _INTS:
            return int(struct.unpack(_INTS[oid][0], data)[0])
        match oid:
            case 16:
                return data != b"\0"
            case 17:
                return data
            case 700 | 701:
                return float(struct.unpack("!f" if oid == 700 else "!d", data)[0])
            case 1082:
                return int(struct.unpack("!i", data)[0])
            case 1083 | 1114 | 1184:
                return int(struct.unpack("!q", data)[0])
            case 1186:
                micros, days, months = struct.unpack("!qii", data)
                return interval(months, days, micros)
            case 1700:
                return _numeric_from_binary(data)
            case 2950:
                return str(uuid.UUID(bytes=data))
            case 3802 if data[:1] == b"\1":
                return jsonb_text(_json(data[1:].decode(), "json"))
            case _ if oid in _TEXTUAL:
                text = data.decode()
                return from_text(oid, text)
            case _:
                raise Malformed("0A000", f"no binary form of type {spelled(oid)} is known")
    except (struct.error, ValueError, IndexError) as error:
        raise Malformed("22P03", "incorrect binary data format") from error


def numeric_binary(text: str) -> bytes:
    """Groups of four digits, the first one's power of 10000, sign, digits after the point."""
    if text == "NaN":
        return struct.pack("!hhHH", 0, 0, 0xC000, 0)
    head, _, tail = text.lstrip("-").partition(".")
    head = head.lstrip("0")
    head = head.zfill(-(-len(head) // 4) * 4)
    padded = tail + "0" * (-len(tail) % 4)
    digits = head + padded
    groups = [int(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    weight = len(head) // 4 - 1
    while groups and not groups[0]:
        groups.pop(0)
        weight -= 1
    while groups and not groups[-1]:
        groups.pop()
    sign = 0x4000 if text.startswith("-") and groups else 0
    return struct.pack(f"!hhHH{len(groups)}h", len(groups), weight if groups else 0, sign, len(tail), *groups)


def _numeric_from_binary(data: bytes) -> str:
    count, weight, sign, scale = struct.unpack_from("!hhHH", data)
    if sign == 0xC000:
        return "NaN"
    groups = struct.unpack_from(f"!{count}h", data, 8)
    number = sum(Decimal(group).scaleb(4 * (weight - at)) for at, group in enumerate(groups))
    return plain(Decimal(-number if sign == 0x4000 else number).quantize(Decimal(1).scaleb(-scale)))


def _array_to_binary(element: int, value: Value, first: int = 1) -> bytes:
    items = value if isinstance(value, list) else []
    sizes: list[int] = []
    level: Value = items
    while isinstance(level, list) and level:
        sizes.append(len(level))
        level = level[0]
    flat: list[Value] = items
    for _ in sizes[1:]:
        flat = [inner for item in flat if isinstance(item, list) for inner in item]
    head = struct.pack("!iiI", len(sizes), any(item is None for item in flat), element)
    head += b"".join(struct.pack("!ii", size, first) for size in sizes)
    return head + b"".join(_cell(element, item) for item in flat)


def _cell(element: int, item: Value) -> bytes:
    if item is None:
        return b"\xff\xff\xff\xff"
    data = to_binary(element, item)
    return struct.pack("!i", len(data)) + data


def _array_from_binary(data: bytes) -> list[Value]:
    depth, _, element = struct.unpack_from("!iiI", data)
    if depth > 1:
        raise Malformed("0A000", "arrays of arrays are not taken in binary form")
    if not depth:
        return []
    (count,) = struct.unpack_from("!i", data, 12)
    at = 20
    items: list[Value] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", data, at)
        at += 4
        if length < 0:
            items.append(None)
            continue
        items.append(from_binary(element, data[at : at + length]))
        at += length
    return items
