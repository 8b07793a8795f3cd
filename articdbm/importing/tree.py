"""Writes our configuration as TOML: tables in the order of the reference page, nothing that is at its default."""

import json
from collections.abc import Iterable, Mapping, Sequence

ORDER = ("listeners", "clusters", "databases", "users", "admin", "limits", "log", "tcp")

Value = str | int | bool | Mapping[str, object] | Sequence[object]
Table = dict[str, Value]


def toml(tables: Mapping[str, Sequence[Table]], single: Mapping[str, Table], head: str) -> str:
    """`tables` are written `[[name]]`, `single` ones `[name]`."""
    parts = [f"# {head}\n"]
    for name in ORDER:
        parts += ["\n".join((f"[[{name}]]", *_lines(table), "")) for table in tables.get(name, ())]
        if single.get(name):
            parts.append("\n".join((f"[{name}]", *_lines(single[name]), "")))
    return "\n".join(parts)


def _lines(table: Mapping[str, object]) -> Iterable[str]:
    return (f"{key} = {_value(value)}" for key, value in table.items())


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(_lines(value)) + " }"
        case [Mapping(), Mapping(), *_]:
            return "[\n" + "".join(f"    {_value(one)},\n" for one in value) + "]"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a configuration")


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
