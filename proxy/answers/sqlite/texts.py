"""Text, bytes and JSON as PostgreSQL's functions and operators treat them.

The functions are called by SQLite for each row, with values that are not NULL.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection

from protocols.postgres.datatypes import Malformed, json_value, jsonb_text

MOST = 64 << 20
"""Letters of what a function makes."""
MOST_ITEMS = 1_000_000
"""Elements of an array, rows of what an aggregate has to collect."""
_AT_ONCE = 1 << 20


def bounded(length: int) -> None:
    if length > MOST:
        raise Malformed("54000", "requested length too large")


class Parts:
    """A text that is put together piece by piece, with an end to it; `look` raises where the statement is to stop."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._parts: list[str] = []
        self._length = 0

    def add(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)
        bounded(self._length)
        if len(self._parts) % 10_000 == 0:
            self._look()

    def joined(self) -> str:
        return "".join(self._parts)


def joined(mark: str, parts: Collection[str]) -> str:
    bounded(sum(map(len, parts)) + len(mark) * len(parts))
    return mark.join(parts)


def _cased(text: str, change: Callable[[str], str]) -> str:
    """A letter at a time, each to one letter: the server goes by the C library."""
    if text.isascii():
        return change(text)
    return text.translate({ord(one): new for one in set(text) if len(new := change(one)) == 1})


def lower(text: str) -> str:
    return _cased(text, str.lower)


def upper(text: str) -> str:
    return _cased(text, str.upper)


def substring(text: str, start: int, length: int | None = None) -> str:
    if length is None:
        return text[max(0, start - 1) :]
    if length < 0:
        raise Malformed("22011", "negative substring length not allowed")
    return text[max(0, start - 1) : max(0, start - 1 + length)]


def pad(text: str, length: int, fill: str = " ", left: int = 1) -> str:
    if length <= len(text) or not fill:
        return text[: max(0, length)]
    bounded(length)
    more = (fill * (length - len(text)))[: length - len(text)]
    return more + text if left else text + more


def repeat(text: str, count: int) -> str:
    bounded(len(text) * max(0, count))
    return text * max(0, count)


def left(text: str, count: int) -> str:
    return text[:count] if count >= 0 else text[: max(0, len(text) + count)]


def right(text: str, count: int) -> str:
    return text[max(0, len(text) - count) :] if count >= 0 else text[-count:]


def split_part(look: Callable[[], None], text: str, mark: str, place: int) -> str:
    if not place:
        raise Malformed("22023", "field position must not be zero")
    if not mark:
        return text if place in (1, -1) else ""
    if place < 0:
        place += text.count(mark) + 2
    if place < 1:
        return ""
    start = 0
    for passed in range(1, place):
        found = text.find(mark, start)
        if found < 0:
            return ""
        start = found + len(mark)
        if passed % 10_000 == 0:
            look()
    end = text.find(mark, start)
    return text[start : end if end >= 0 else None]


def split(text: str, mark: str) -> list[str]:
    """string_to_array(), with an end to it."""
    if mark and text.count(mark) >= MOST_ITEMS:
        raise Malformed("54000", "an array has a million elements at most in the embedded store")
    return (text.split(mark) if mark else [text]) if text else []


def replace(text: str, old: str, new: str) -> str:
    if not old:
        return text
    if len(new) > len(old):
        bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def translate(look: Callable[[], None], text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for at, letter in enumerate(old):
        table.setdefault(ord(letter), new[at] if at < len(new) else None)
    out = Parts(look)
    for at in range(0, len(text), _AT_ONCE):
        look()
        out.add(text[at : at + _AT_ONCE].translate(table))
    return out.joined()


def initcap(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda word: upper(word.group()[:1]) + lower(word.group()[1:]), text)


def overlay(text: str, new: str, start: int, length: int | None = None) -> str:
    if start <= 0:
        raise Malformed("22011", "negative substring length not allowed")
    length = len(new) if length is None else length
    bounded(2 * len(text) + len(new))
    return text[: start - 1] + new + text[max(0, start - 1 + length) :]


def encode(data: bytes, form: str) -> str:
    import base64  # noqa: PLC0415

    if form == "hex":
        return data.hex()
    if form == "base64":
        found = base64.b64encode(data).decode()
        return "\n".join(found[at : at + 76] for at in range(0, len(found), 76))
    if form == "escape":
        return "".join(
            chr(b) if 0 < b < 128 and b != 92 else "\\\\" if b == 92 else f"\\{b:03o}" for b in data
        )
    raise Malformed("22023", f'unrecognized encoding: "{form}"')


def decode(text: str, form: str) -> bytes:
    import base64  # noqa: PLC0415

    try:
        if form == "hex":
            return bytes.fromhex(text)
        if form == "base64":
            return base64.b64decode(text, validate=False)
    except ValueError as error:
        raise Malformed("22023", f"invalid {form} data") from error
    raise Malformed("22023", f'unrecognized encoding: "{form}"')


def md5(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


_KEYWORDS = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "between",
        "bigint",
        "binary",
        "bit",
        "boolean",
        "both",
        "case",
        "cast",
        "char",
        "character",
        "check",
        "coalesce",
        "collate",
        "collation",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "dec",
        "decimal",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "exists",
        "extract",
        "false",
        "fetch",
        "float",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "greatest",
        "group",
        "grouping",
        "having",
        "ilike",
        "in",
        "initially",
        "inner",
        "inout",
        "int",
        "integer",
        "intersect",
        "interval",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "least",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "national",
        "natural",
        "nchar",
        "none",
        "normalize",
        "not",
        "notnull",
        "null",
        "nullif",
        "numeric",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "out",
        "outer",
        "overlaps",
        "overlay",
        "placing",
        "position",
        "precision",
        "primary",
        "real",
        "references",
        "returning",
        "right",
        "row",
        "select",
        "session_user",
        "setof",
        "similar",
        "smallint",
        "some",
        "substring",
        "symmetric",
        "table",
        "tablesample",
        "then",
        "time",
        "timestamp",
        "to",
        "trailing",
        "treat",
        "trim",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "values",
        "varchar",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
        "xmlattributes",
        "xmlconcat",
        "xmlelement",
        "xmlexists",
        "xmlforest",
        "xmlnamespaces",
        "xmlparse",
        "xmlpi",
        "xmlroot",
        "xmlserialize",
        "xmltable",
    ]
)
"""Names that are quoted though their letters need it not."""


def quote_ident(text: str) -> str:
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", text) and text not in _KEYWORDS
    return text if plain else '"' + text.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    said = text.replace("'", "''")
    return f"E'{said}'".replace("\\", "\\\\") if "\\" in text else f"'{said}'"


def format_text(look: Callable[[], None], form: str, *args: str | None) -> str:
    out = Parts(look)
    at, used = 0, 0
    for found in re.finditer(r"%(?:(\d+)\$)?(%|[sIL])|%", form):
        out.add(form[at : found.start()])
        at = found.end()
        kind = found[2]
        if kind is None:
            raise Malformed("22023", "unrecognized format() type specifier")
        if kind == "%":
            out.add("%")
            continue
        place = int(found[1]) - 1 if found[1] else used
        used = place + 1
        if place >= len(args):
            raise Malformed("22023", "too few arguments for format()")
        value = args[place]
        if kind == "s":
            out.add(value or "")
        elif kind == "I":
            if value is None:
                raise Malformed("22004", "null values cannot be formatted as an SQL identifier")
            out.add(quote_ident(value))
        else:
            out.add("NULL" if value is None else quote_literal(value))
    out.add(form[at:])
    return out.joined()


# --- json ----------------------------------------------------------------------------------------


def _dump(value: object, binary: int) -> str:
    return jsonb_text(value)


def _step(value: object, key: object) -> object:
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, _MISSING)
    if isinstance(value, list):
        try:
            at = int(str(key))
        except ValueError:
            return _MISSING
        return value[at] if -len(value) <= at < len(value) else _MISSING
    return _MISSING


_MISSING = object()


def json_get(text: str, key: str | int, as_text: int, binary: int) -> str | None:
    """-> and ->>."""
    value = json_value(text)
    if isinstance(key, int) != isinstance(value, list):
        return None
    return _given(_step(value, key), as_text, binary)


def _given(value: object, as_text: int, binary: int) -> str | None:
    if value is _MISSING or (as_text and value is None):
        return None
    if as_text and isinstance(value, str):
        return str(value)
    if not binary and isinstance(value, (dict, list)):
        raise Malformed("0A000", "the embedded store keeps no parts of json as they were written; use jsonb")
    return _dump(value, binary)


def json_path(text: str, path: str, as_text: int, binary: int) -> str | None:
    """#> and #>>; the path is an array's plain form."""
    value = json_value(text)
    for key in json.loads(path):
        value = _step(value, key)
    return _given(value, as_text, binary)


def json_contains(left: str, right: str) -> bool:
    return _contains(json_value(left), json_value(right), top=True)


def _contains(one: object, other: object, *, top: bool = False) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(key in one and _contains(one[key], value) for key, value in other.items())
    if isinstance(one, list):
        if isinstance(other, list):
            return all(any(_contains(mine, yours) for mine in one) for yours in other)
        return top and not isinstance(other, dict) and any(_same(mine, other) for mine in one)
    return _same(one, other)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and jsonb_text(one) == jsonb_text(other)


def json_has(text: str, keys: str, every: int) -> bool:
    """?, ?| and ?&; the keys are an array's plain form."""
    value = json_value(text)
    wanted = json.loads(keys)
    found = [
        key in value if isinstance(value, dict) else type(value) is str and value == key
        if not isinstance(value, list) else any(type(one) is str and one == key for one in value)
        for key in wanted
    ]  # fmt: skip
    return all(found) if every else any(found)


def json_typeof(text: str) -> str:
    value = json_value(text)
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return "string" if type(value) is str else "number"


def json_length(text: str) -> int:
    value = json_value(text)
    if not isinstance(value, list):
        raise Malformed("22023", "cannot get array length of a non-array")
    return len(value)


def jsonb_concat(left: str, right: str) -> str:
    one, other = json_value(left), json_value(right)
    if isinstance(one, dict) and isinstance(other, dict):
        return jsonb_text(one | other)
    ones = one if isinstance(one, list) else [one]
    others = other if isinstance(other, list) else [other]
    return jsonb_text(ones + others)


def jsonb_delete(text: str, key: str | int) -> str:
    value = json_value(text)
    if isinstance(value, dict):
        value.pop(key, None)
    elif isinstance(value, list):
        if isinstance(key, int):
            if -len(value) <= key < len(value):
                del value[key]
        else:
            value = [one for one in value if not (type(one) is str and one == key)]
    else:
        raise Malformed("22023", "cannot delete from scalar")
    return jsonb_text(value)


def jsonb_set(text: str, path: str, new: str, create: int = 1) -> str:
    value, keys, put = json_value(text), json.loads(path), json_value(new)
    if not isinstance(value, (dict, list)):
        raise Malformed("22023", "cannot set path in scalar")
    here: object = value
    for at, key in enumerate(keys):
        last = at == len(keys) - 1
        if isinstance(here, dict):
            if last and (key in here or create):
                here[key] = put
            here = here.get(key)
        elif isinstance(here, list):
            place = int(key)
            if last:
                if -len(here) <= place < len(here):
                    here[place] = put
                elif create:
                    here.insert(0 if place < 0 else len(here), put)
            here = here[place] if -len(here) <= place < len(here) else None
    return jsonb_text(value)
