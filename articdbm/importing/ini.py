"""PgBouncer's way of writing: sections, `key = value` to the end of the line, `%include`, connection strings.

Knows no setting. As PgBouncer reads it: a comment has a line of its own, and quotes mean something in connection
strings and in the names of databases only.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from articdbm.importing.text import refusal, text

_SECTION = re.compile(r"\[([^\]]*)\]\s*", re.ASCII)
_KEY = re.compile(r'("(?:[^"]|"")*"|[^\s="]+)\s*=\s*(.*)', re.DOTALL)
_MOST_INCLUDES = 10


class Entry(msgspec.Struct, frozen=True):
    """One `key = value`. Its value may hold a password, and is not shown."""

    file: Path
    line: int
    section: str
    key: str
    value: str

    def __repr__(self) -> str:
        return f"Entry({self.file}:{self.line}, [{self.section}] {self.key})"


def entries(file: Path) -> Iterator[Entry]:
    """All of a file, and of what it includes, in order."""
    yield from _entries(file, [""], 0)


def _entries(file: Path, section: list[str], depth: int) -> Iterator[Entry]:
    for number, line in enumerate(text(file).split("\n"), start=1):
        said = line.strip()
        if not said or said[0] in ";#":
            continue
        if said.startswith("%include"):
            if depth == _MOST_INCLUDES:
                raise refusal(file, number, "files include each other without end", "remove one %include")
            yield from _entries(file.parent / said.removeprefix("%include").strip(), section, depth + 1)
            continue
        if said[0] == "[":
            found = _SECTION.fullmatch(said)
            if found is None:
                raise refusal(file, number, "this section has no end", "write [name]")
            section[0] = found[1].strip()
            continue
        found = _KEY.fullmatch(said)
        if found is None:
            raise refusal(file, number, "this is neither a section nor a setting", "write key = value")
        key = found[1][1:-1].replace('""', '"') if found[1].startswith('"') else found[1]
        yield Entry(file, number, section[0], key, found[2])


def pairs(entry: Entry) -> dict[str, str]:
    """The parts of a connection string: `host=… password='it''s'`. The last of two of one name counts."""
    found: dict[str, str] = {}
    rest = entry.value.strip()
    while rest:
        name = re.match(r"([^\s=]+)\s*=\s*", rest)
        if name is None:
            raise refusal(
                entry.file, entry.line, f"{entry.key}: this is no connection string", "write key=value …"
            )
        rest = rest[name.end() :]
        value = re.match(r"'((?:[^']|'')*)'(?=\s|$)" if rest.startswith("'") else r"(\S*)", rest)
        if value is None:
            what = f"{entry.key}: the quotes of {name[1]} do not end"
            raise refusal(entry.file, entry.line, what, "write key='value'; a quote in it is written twice")
        found[name[1]] = value[1].replace("''", "'") if rest.startswith("'") else value[1]
        rest = rest[value.end() :].lstrip()
    return found
