"""COPY's data, in text and in csv: bytes to rows and rows to bytes, a piece at a time. It knows no store and no wire.

A Reader keeps what is not yet a whole line, and nothing else, so that rows cost no memory before they are asked for.
Where PostgreSQL takes a file with one kind of line's end, so does this: the first one decides.
"""

import re
from collections.abc import Iterator, Sequence

from proxy.answers.executor import CopyFormat, StoreError

LONGEST = 64 << 20
"""Bytes of one row that comes in."""
SHOWN = 100
"""Characters of a value that an error shows."""
_BAD = "22P04"
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPES = {8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}
_ESCAPED = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.|$)", re.DOTALL)
_PLAIN = re.compile(rb"(?:[^\\\r\n]++|\\.)*+(?:\\)?", re.DOTALL)
"""A line of text without an end of line that no backslash hides."""


class Reader:
    """Bytes as they come, rows as they are whole."""

    def __init__(self, said: CopyFormat) -> None:
        self._format = said
        self._buffer = bytearray()
        self._searched = 0
        """Up to here it is known what is in quotes."""
        self._looked = 0
        """Up to here no line ends."""
        self._inside = False
        """In a quoted value, at `_searched`."""
        self._end = b""
        """What ends a line; empty: no line has ended yet."""
        self.over = False
        """The line that ends the data was read."""
        self.number = 0
        self.line: bytes | None = None
        """The row that was read last, for errors."""
        delimiter, quote, escape = (re.escape(one) for one in (said.delimiter, said.quote, said.escape))
        inner = rb"[^%b]" % quote if quote == escape else rb"[^%b%b]" % (quote, escape)
        lone = rb"" if quote == escape else rb"|%b(?![%b%b])" % (escape, quote, escape)
        self._quoted = re.compile(
            rb"((?:%b++|%b[%b%b]%b)*+)%b" % (inner, escape, quote, escape, lone, quote), re.DOTALL
        )
        self._undo = re.compile(rb"%b([%b%b])" % (escape, quote, escape), re.DOTALL)
        self._outside = re.compile(rb"[^%b%b]*+" % (delimiter, quote), re.DOTALL)
        same = quote == escape
        self._flips = re.compile(quote if same else rb"%b." % escape + rb"|" + quote, re.DOTALL)

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[list[bytes | None]]:
        """The rows that are whole with this; `last`: nothing more comes."""
        if self.over:
            return
        self._buffer += data
        at = 0
        try:
            while not self.over:
                self.line = None
                # What the server counts within quotes, which is not always the end of a line.
                counted = b"\n" if self._end == b"\n" else b"\r"
                found = self._whole(at, last=last)
                if found is None:
                    break
                line, at = found
                self.line = line
                self.number += 1 + (line.count(counted) if self._format.csv else 0)
                if line == b"\\.":
                    self.over = True
                    break
                yield self._csv(line) if self._format.csv else self._text(line)
        finally:
            del self._buffer[:at]
            self._searched, self._looked = max(0, self._searched - at), max(0, self._looked - at)
        if last or self.over:
            self._buffer.clear()
        elif len(self._buffer) > LONGEST:
            raise StoreError("54000", f"a row of COPY is longer than {LONGEST} bytes")

    def where(self, table: str, column: str = "", value: bytes | None = None) -> str:
        """As an error tells it."""
        said = f"COPY {table}, line {self.number}"
        if column:
            return f"{said}, column {column}: " + ("null input" if value is None else f'"{_shown(value)}"')
        return said if self.line is None else f'{said}: "{_shown(self.line)}"'

    # --- lines -----------------------------------------------------------------------------------

    def _whole(self, begin: int, *, last: bool) -> tuple[bytes, int] | None:
        """The line that begins there and where the next one does."""
        buffer = self._buffer
        at = max(begin, self._searched)
        while (end := self._ending(at, last=last)) >= 0:
            hidden = self._quotes(at, end) if self._format.csv else self._escapes(begin, end) % 2 == 1
            at = self._searched = end + 1
            if not hidden:
                return self._ended(begin, end), at
        if not last or begin >= len(buffer):
            return None
        rest = bytes(buffer[begin:])
        if self._format.csv and self._quotes(at, len(buffer)):
            self.number, self.line = self.number + 1, rest
            raise StoreError(_BAD, "unterminated CSV quoted field")
        self._searched = len(buffer)
        self._check(rest)
        return rest, len(buffer)

    def _ended(self, begin: int, end: int) -> bytes:
        """The line whose end's last byte this is; the first one says what ends the others."""
        buffer = self._buffer
        crlf = (
            end > begin
            and buffer[end - 1 : end + 1] == b"\r\n"
            and (self._format.csv or not self._escapes(begin, end - 1) % 2)
        )
        if not self._end:
            self._end = b"\r\n" if crlf else bytes(buffer[end : end + 1])
        if self._end == b"\r\n" and not crlf:
            self.number += 1
            raise self._stray("newline", "n")
        line = bytes(buffer[begin : end + 1 - len(self._end)])
        self._check(line)
        return line

    def _ending(self, at: int, *, last: bool) -> int:
        """Where the last byte of the next possible end of a line is; -1: not here."""
        buffer = self._buffer
        at = max(at, self._looked)
        if self._end:
            found = buffer.find(self._end[-1:], at)
            self._looked = found if found >= 0 else len(buffer)
            return found
        new, back = buffer.find(b"\n", at), buffer.find(b"\r", at)
        if new < 0 and back < 0:
            self._looked = len(buffer)
        if back < 0 or 0 <= new <= back + 1:
            return new
        return back if back + 1 < len(buffer) or last else -1

    def _escapes(self, begin: int, end: int) -> int:
        """How many backslashes stand before `end`."""
        at = end
        while at > begin and self._buffer[at - 1] == 92:
            at -= 1
        return end - at

    def _quotes(self, at: int, end: int) -> bool:
        """Whether `end` is in a quoted value."""
        quote = self._format.quote
        for found in self._flips.finditer(self._buffer, at, end):
            # Outside of quotes the escape means nothing.
            if found.group() == quote or (not self._inside and found.group()[1:] == quote):
                self._inside = not self._inside
        return self._inside

    def _check(self, line: bytes) -> None:
        """No other kind of line's end in it."""
        if b"\r" not in line and b"\n" not in line:
            return
        if self._format.csv:
            rest = re.sub(rb"%b(?:%b)" % (re.escape(self._format.quote), self._quoted.pattern), b"", line)
            found = re.search(rb"[\r\n]", rest)
            stray = found.group() if found is not None else b""
        else:
            plain = _PLAIN.match(line)
            at = plain.end() if plain is not None else 0
            stray = line[at : at + 1]
        if stray:
            self.number += 1
            raise self._stray(*(("newline", "n") if stray == b"\n" else ("carriage return", "r")))

    def _stray(self, name: str, letter: str) -> StoreError:
        if self._format.csv:
            return StoreError(
                _BAD, f"unquoted {name} found in data", hint=f"Use quoted CSV field to represent {name}."
            )
        return StoreError(
            _BAD, f"literal {name} found in data", hint=f'Use "\\{letter}" to represent {name}.'
        )

    # --- values ----------------------------------------------------------------------------------

    def _text(self, line: bytes) -> list[bytes | None]:
        cells = line.split(self._format.delimiter)
        null = self._format.null
        if b"\\" not in line:
            return [None if cell == null else cell for cell in cells]
        whole: list[bytes] = []
        open_ = False
        for cell in cells:
            if open_:
                whole[-1] += self._format.delimiter + cell
            else:
                whole.append(cell)
            open_ = (len(whole[-1]) - len(whole[-1].rstrip(b"\\"))) % 2 == 1
        return [None if cell == null else _ESCAPED.sub(_unescaped, cell) for cell in whole]

    def _csv(self, line: bytes) -> list[bytes | None]:
        said = self._format
        if said.quote not in line:
            return [None if cell == said.null else cell for cell in line.split(said.delimiter)]
        cells: list[bytes | None] = []
        at = 0
        while True:
            value, quoted = bytearray(), False
            while True:
                plain = self._outside.match(line, at)
                end = plain.end() if plain is not None else at
                value += line[at:end]
                at = end
                if line[at : at + 1] != said.quote:
                    break
                found = self._quoted.match(line, at + 1)
                if found is None:
                    raise StoreError(_BAD, "unterminated CSV quoted field")
                quoted = True
                value += self._undo.sub(rb"\1", found[1])
                at = found.end()
            cell = bytes(value)
            cells.append(None if cell == said.null and not quoted else cell)
            if at >= len(line):
                return cells
            at += 1


def _unescaped(found: re.Match[bytes]) -> bytes:
    what = found[1]
    if what[:1] == b"x" and len(what) > 1:
        return bytes([int(what[1:], 16)])
    if what.isdigit() and what < b"8":
        return bytes([int(what, 8) & 0xFF])
    if what == b".":
        raise StoreError(_BAD, "end-of-copy marker corrupt")
    return _LETTERS.get(what, what)


def _shown(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


class Writer:
    """Rows to lines."""

    def __init__(self, said: CopyFormat) -> None:
        self._format = said
        if said.csv:
            marks = b"".join(re.escape(one) for one in (said.delimiter, said.quote))
            self._special = re.compile(rb"[%b\r\n]" % marks)
            self._within = re.compile(rb"[%b%b]" % (re.escape(said.quote), re.escape(said.escape)))
        else:
            self._special = re.compile(rb"[\x08-\x0d\\%b]" % re.escape(said.delimiter))

    def line(self, cells: Sequence[bytes | None]) -> bytes:
        said = self._format
        put = self._quoted if said.csv else self._escaped
        single = len(cells) == 1
        return (
            said.delimiter.join([said.null if cell is None else put(cell, single) for cell in cells]) + b"\n"
        )

    def header(self, names: Sequence[str]) -> bytes:
        return self.line([name.encode() for name in names]) if self._format.header else b""

    def _escaped(self, cell: bytes, _: bool) -> bytes:
        return self._special.sub(lambda found: _ESCAPES.get(found.group()[0], b"\\" + found.group()), cell)

    def _quoted(self, cell: bytes, single: bool) -> bytes:
        said = self._format
        if cell != said.null and not self._special.search(cell) and not (single and cell == b"\\."):
            return cell
        return said.quote + self._within.sub(lambda found: said.escape + found.group(), cell) + said.quote
