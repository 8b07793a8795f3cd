"""Where each key of a TOML text stands: its line, by key path.

Takes text that `tomllib` has accepted and so may lean on the grammar; knows nothing of what the keys mean.
"""

import re
import tomllib
from bisect import bisect_right
from itertools import count

KeyPath = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def locate(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table, key and array element, dotted and inline ones included."""
    return _Scan(text).document()


def nearest(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of `path`, or of what would hold it; 0 for the document itself."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def touches(one: KeyPath, other: KeyPath) -> bool:
    """They are the same, or one lies within the other."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


class _Scan:
    """One pass over one text. `at` only moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.tables: dict[KeyPath, int] = {}
        """How many elements each `[[array of tables]]` has so far."""
        self.breaks = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> dict[KeyPath, int]:
        here: KeyPath = ()
        while self.skip(_GAP) < len(self.text):
            if self.text.startswith("[", self.at):
                here = self.header()
            else:
                self.pair(here)
        return self.lines

    def header(self) -> KeyPath:
        start, double = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        *parents, last = self.key()
        self.at += 2 if double else 1
        path: KeyPath = ()
        for part in parents:
            path = self.newest(self.mark((*path, part), start))
        path = self.mark((*path, last), start)
        if double:
            self.tables[path] = self.tables.get(path, 0) + 1
        return self.mark(self.newest(path), start)

    def pair(self, here: KeyPath) -> None:
        start = self.at
        for part in self.key():
            here = self.mark((*here, part), start)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(here)

    def value(self, path: KeyPath) -> None:
        match self.text[self.at]:
            case "[":
                self.at += 1
                for index in count():
                    if self.ends("]"):
                        return
                    self.value(self.mark((*path, index), self.at))
            case "{":
                self.at += 1
                while not self.ends("}"):
                    self.pair(path)
            case '"' | "'":
                self.take(_STRING)
            case _:
                self.take(_SCALAR)

    def ends(self, bracket: str) -> bool:
        """Step to the next element, or past the closing bracket."""
        self.skip(_GAP)
        if self.text.startswith(",", self.at):
            self.at += 1
            self.skip(_GAP)
        if self.text.startswith(bracket, self.at):
            self.at += 1
            return True
        return False

    def key(self) -> list[str]:
        """A dotted key and the blanks around its parts."""
        parts: list[str] = []
        while True:
            self.skip(_SPACE)
            if self.text[self.at] in "\"'":
                parts.append(tomllib.loads(f"k={self.take(_STRING)}")["k"])
            else:
                parts.append(self.take(_BARE))
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def newest(self, path: KeyPath) -> KeyPath:
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def mark(self, path: KeyPath, offset: int) -> KeyPath:
        self.lines.setdefault(path, bisect_right(self.breaks, offset - 1) + 1)
        return path

    def skip(self, pattern: re.Pattern[str]) -> int:
        self.take(pattern)
        return self.at

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"not TOML at offset {self.at}")
        self.at = found.end()
        return found[0]
