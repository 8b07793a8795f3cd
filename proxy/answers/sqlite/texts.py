"""Text, bytes and JSON as PostgreSQL's functions and operators treat them.

The functions are called by SQLite for each row, with values that are not NULL.
"""

import hashlib
import json
import re
from functools import lru_cache

from protocols.postgres.datatypes import Malformed, json_value, jsonb_text


@lru_cache(512)
def _like(pattern: str, escape: str, fold: bool) -> re.Pattern[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == escape and escape:
            at += 1
            if at == len(pattern):
                raise Malformed("22025", "LIKE pattern must not end with escape character")
            out.append(re.escape(pattern[at]))
        elif letter == "%":
            out.append(".*")
        elif letter == "_":
            out.append(".")
        else:
            out.append(re.escape(letter))
        at += 1
    return re.compile("".join(out), re.DOTALL | (re.IGNORECASE if fold else 0))


def like(text: str, pattern: str, escape: str = "\\", fold: int = 0) -> bool:
    if len(escape) > 1:
        raise Malformed("22025", "invalid escape string")
    return _like(pattern, escape, bool(fold)).fullmatch(text) is not None


_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "word": r"\w",
}  # fmt: skip


@lru_cache(512)
def regex(pattern: str, flags: str = "") -> re.Pattern[str]:
    """The server's expression as Python's. What the two read differently is refused."""
    if re.search(r"\\[ABaeGkKpPQRuUXzZmMyY]|\(\?(?!:|=|!)|\[\[[.=]|\*\*\*", pattern) and not re.search(
        r"\\[mMyY]", pattern
    ):
        raise Malformed("0A000", "the embedded store does not know this construct of regular expressions")
    said = pattern
    for name, members in _CLASSES.items():
        said = said.replace(f"[:{name}:]", members)
    said = (
        said.replace("\\m", r"\b(?=\w)")
        .replace("\\M", r"\b(?<=\w)")
        .replace("\\y", r"\b")
        .replace("\\Y", r"\B")
    )
    said = re.sub(r"(?<!\\)\$", r"\\Z", said) if "$" in said else said
    kind = re.DOTALL | (re.IGNORECASE if "i" in flags else 0) | re.ASCII * 0
    try:
        return re.compile(said, kind)
    except re.error as error:
        raise Malformed("2201B", "invalid regular expression") from error


def matches(text: str, pattern: str, fold: int = 0) -> bool:
    return regex(pattern, "i" if fold else "").search(text) is not None


def _unambiguous(pattern: str) -> None:
    """Where alternatives stand beside each other the server takes the longest match, Python the first."""
    if "|" in pattern:
        raise Malformed(
            "0A000", "the embedded store takes no alternatives (|) where the matched text matters"
        )


def regexp_replace(text: str, pattern: str, new: str, flags: str = "") -> str:
    _unambiguous(pattern)
    if set(flags) - set("gi"):
        raise Malformed("0A000", "the embedded store knows the flags g and i of regexp_replace()")
    said = re.sub(r"\\([1-9])", r"\\g<\1>", new.replace("\\&", "\\g<0>"))
    said = re.sub(r"\\(?!g<|\\)", r"\\\\", said)
    return regex(pattern, flags).sub(said, text, count=0 if "g" in flags else 1)


def regexp_match(text: str, pattern: str, flags: str = "") -> str | None:
    _unambiguous(pattern)
    found = regex(pattern, flags).search(text)
    if found is None:
        return None
    return json.dumps(list(found.groups()) or [found.group()], ensure_ascii=False)


def substring_regex(text: str, pattern: str) -> str | None:
    _unambiguous(pattern)
    found = regex(pattern).search(text)
    return None if found is None else found.group(1) if found.groups() else found.group()


def regexp_split(text: str, pattern: str) -> str:
    _unambiguous(pattern)
    return json.dumps(regex(pattern).split(text), ensure_ascii=False)


def substring(text: str, start: int, length: int | None = None) -> str:
    if length is None:
        return text[max(0, start - 1) :]
    if length < 0:
        raise Malformed("22011", "negative substring length not allowed")
    return text[max(0, start - 1) : max(0, start - 1 + length)]


def pad(text: str, length: int, fill: str = " ", left: int = 1) -> str:
    if length <= len(text) or not fill:
        return text[: max(0, length)]
    _bounded(length)
    more = (fill * (length - len(text)))[: length - len(text)]
    return more + text if left else text + more


def repeat(text: str, count: int) -> str:
    _bounded(len(text) * max(0, count))
    return text * max(0, count)


def _bounded(length: int) -> None:
    if length > 64 << 20:
        raise Malformed("54000", "requested length too large")


def left(text: str, count: int) -> str:
    return text[:count] if count >= 0 else text[: max(0, len(text) + count)]


def right(text: str, count: int) -> str:
    return text[max(0, len(text) - count) :] if count >= 0 else text[-count:]


def split_part(text: str, mark: str, place: int) -> str:
    if not place:
        raise Malformed("22023", "field position must not be zero")
    parts = text.split(mark) if mark else [text]
    at = place - 1 if place > 0 else len(parts) + place
    return parts[at] if 0 <= at < len(parts) else ""


def translate(text: str, old: str, new: str) -> str:
    table = {
        ord(letter): (new[at] if at < len(new) else None) for at, letter in reversed(list(enumerate(old)))
    }
    return text.translate(table)


def initcap(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda word: word.group()[:1].upper() + word.group()[1:].lower(), text)


def overlay(text: str, new: str, start: int, length: int | None = None) -> str:
    if start <= 0:
        raise Malformed("22011", "negative substring length not allowed")
    length = len(new) if length is None else length
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


def format_text(form: str, *args: str | None) -> str:
    out: list[str] = []
    at, used = 0, 0
    for found in re.finditer(r"%(?:(\d+)\$)?(%|[sIL])|%", form):
        out.append(form[at : found.start()])
        at = found.end()
        kind = found[2]
        if kind is None:
            raise Malformed("22023", "unrecognized format() type specifier")
        if kind == "%":
            out.append("%")
            continue
        place = int(found[1]) - 1 if found[1] else used
        used = place + 1
        if place >= len(args):
            raise Malformed("22023", "too few arguments for format()")
        value = args[place]
        if kind == "s":
            out.append(value or "")
        elif kind == "I":
            if value is None:
                raise Malformed("22004", "null values cannot be formatted as an SQL identifier")
            out.append(quote_ident(value))
        else:
            out.append("NULL" if value is None else quote_literal(value))
    return "".join(out) + form[at:]


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
