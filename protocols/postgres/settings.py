"""A setting's value as a startup packet gives it, written as the SQL that sets the same.

Needed because the two are read differently: in a startup packet `search_path=a, "B"` is a list, in
`SET search_path = 'a, "B"'` the same text is one name. Knows which settings are such lists, no more.
"""

import re
from string import ascii_lowercase, ascii_uppercase

from protocols.postgres.errors import Known, PeerError, problem

NAME_LISTS = frozenset({"search_path", "temp_tablespaces"})
"""Lists of identifiers: folded to lower case unless quoted."""
PATH_LISTS = frozenset({"local_preload_libraries", "session_preload_libraries", "shared_preload_libraries"})
"""Lists of file names: case is kept."""

_PART = r"[a-z_\u0080-\U0010ffff][a-z0-9_$\u0080-\U0010ffff]*"
_NAME = re.compile(rf"{_PART}(\.{_PART})*")
_MAX_NAME = 512
_FOLDED = str.maketrans(ascii_uppercase, ascii_lowercase)
_SPACE = " \t\n\r\f\v"


def setting_sql(name: str, value: str) -> str:
    """The whole statement, `SET name = …`. Raises PeerError where the name or a list is not well formed."""
    parts = checked_name(name).split(".")
    target = ".".join(f'"{part}"' for part in parts)
    return f"SET {target} = {value_sql(name, value)}"


def value_sql(name: str, value: str) -> str:
    """What stands behind `SET name =`. Raises PeerError."""
    known = checked_name(name)
    if known not in NAME_LISTS | PATH_LISTS:
        return literal(value)
    try:
        elements = _elements(value, fold=known in NAME_LISTS)
    except ValueError:
        detail = "List syntax is invalid."
        raise PeerError(problem(Known.BAD_SETTING, name=known, value=value, detail=detail)) from None
    return ", ".join(map(literal, elements)) if elements else "''"


def checked_name(name: str) -> str:
    """The name in lower case, if it could be one at all; else it would be SQL of the client's own."""
    lower = folded(name)
    if len(name) > _MAX_NAME or not _NAME.fullmatch(lower):
        raise PeerError(problem(Known.UNKNOWN_SETTING, name=name))
    return lower


def folded(name: str) -> str:
    """Lower case as PostgreSQL knows it for names: ASCII letters only."""
    return name.translate(_FOLDED)


def literal(value: str) -> str:
    """A string constant that means the same whatever `standard_conforming_strings` is."""
    quoted = value.replace("\0", "").replace("'", "''")
    if "\\" not in quoted:
        return f"'{quoted}'"
    return "E'" + quoted.replace("\\", "\\\\") + "'"


def _elements(value: str, *, fold: bool) -> list[str]:
    """A list as PostgreSQL reads it from a setting; ValueError where it is none."""
    elements: list[str] = []
    at = _skip(value, 0)
    if at == len(value):
        return elements
    while True:
        element, at = _quoted(value, at) if value[at : at + 1] == '"' else _bare(value, at, fold=fold)
        elements.append(element)
        at = _skip(value, at)
        if at == len(value):
            return elements
        if value[at] != ",":
            raise ValueError(value)
        at = _skip(value, at + 1)


def _skip(value: str, at: int) -> int:
    while at < len(value) and value[at] in _SPACE:
        at += 1
    return at


def _quoted(value: str, at: int) -> tuple[str, int]:
    element = ""
    while True:
        end = value.find('"', at + 1)
        if end < 0:
            raise ValueError(value)
        element += value[at + 1 : end]
        if value[end + 1 : end + 2] != '"':
            return element, end + 1
        element += '"'
        at = end + 1


def _bare(value: str, at: int, *, fold: bool) -> tuple[str, int]:
    """An identifier ends at a comma or at white space, a file name at a comma only."""
    end = at
    while end < len(value) and value[end] != "," and not (fold and value[end] in _SPACE):
        end += 1
    element = value[at:end].rstrip(_SPACE)
    if not element:
        raise ValueError(value)
    return (folded(element) if fold else element), end
