"""Results on PostgreSQL's wire: what a portal has read, how columns and rows are written, piece by piece."""

import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from protocols.postgres import messages
from protocols.postgres.datatypes import BY_OID, Value, to_binary, to_text
from protocols.postgres.types import Problem
from proxy.answers.copying import Writer
from proxy.answers.executor import Column, Prepared, Result, Row

PIECE = 32_768
"""Bytes of rows that are put together before they are given out."""
_LENGTH = struct.Struct("!i")
_NULL = b"\xff\xff\xff\xff"
_TEXT_AS_IS = frozenset({18, 19, 20, 21, 23, 25, 26, 114, 1043, 1700, 2205, 2206, 2950, 3802})
"""Types whose plain form, as str() writes it, is their text."""


class Portal:
    """A statement that was bound, or a cursor that was declared, and how far its rows are read."""

    def __init__(
        self, prepared: Prepared, parameters: Sequence[Value], formats: Sequence[int], level: int = 0
    ) -> None:
        self.prepared = prepared
        self.parameters = parameters
        self.formats = formats
        self.level = level
        """How many savepoints there were."""
        self.once = self.binary = False
        """It was declared with NO SCROLL, as BINARY."""
        self.result: Result | None = None
        self.position = 0
        self.here = False
        """At a row, neither before the first nor after the last."""
        self._ahead: Row | None = None
        """A row that was read to see whether there is one."""

    def next(self) -> Row | None:
        """The next row, None after the last."""
        row, self._ahead = self._ahead, None
        if row is None and self.result is not None:
            row = next(self.result.rows, None)
        self.here = row is not None
        self.position += self.here
        return row

    def ended(self) -> bool:
        if self._ahead is None and self.result is not None:
            self._ahead = next(self.result.rows, None)
        return self._ahead is None

    def some(self, count: int | None) -> Iterator[Row]:
        """So many of the next rows; None: all."""
        while count is None or count > 0:
            row = self.next()
            if row is None:
                return
            yield row
            count = None if count is None else count - 1


def described(columns: Sequence[Column], formats: Sequence[int]) -> bytes:
    """RowDescription."""
    cells = (
        messages.text(one.name)
        + struct.pack(
            "!IhIhih",
            one.table,
            one.number,
            one.oid,
            BY_OID[one.oid].size,
            one.typmod,
            format_of(formats, place),
        )
        for place, one in enumerate(columns)
    )
    return messages.frame(b"T", struct.pack("!h", len(columns)) + b"".join(cells))


def written(
    result: Result, formats: Sequence[int], zone: tzinfo, limit: int = 0, portal: Portal | None = None
) -> Iterator[bytes]:
    """A result, up to its tag; of a portal at most `limit` rows, where it is not 0."""
    out = bytearray()
    for notice in result.notices:
        out += messages.notice(Problem("NOTICE", notice.code, notice.message))
    columns = result.columns
    count = 0
    if columns is not None:
        line = _line(columns, formats, zone)
        if result.gives is not None:
            writer = Writer(result.gives)
            line = _copied(columns, zone, writer)
            out += messages.copy_response(b"H", len(columns))
            head = writer.header([one.name for one in columns])
            out += messages.frame(b"d", head) if head else b""
            limit = 0
        for row in result.rows if portal is None else portal.some(limit or None):
            count += 1
            out += line(row)
            if len(out) >= PIECE:
                yield bytes(out)
                out.clear()
        if limit and count == limit and portal is not None and not portal.ended():
            yield bytes(out) + messages.frame(b"s", b"")
            return
        out += messages.frame(b"c", b"") if result.gives is not None else b""
    for name, value in result.reported.items():
        out += messages.parameter_status(name, value)
    tag = result.tag.format(count)
    out += messages.command_complete(tag) if tag else messages.frame(b"I", b"")
    yield bytes(out)


def _line(columns: Sequence[Column], formats: Sequence[int], zone: tzinfo) -> Callable[[Row], bytes]:
    """What writes a row as DataRow."""
    plan = [(one.oid, format_of(formats, place), one.typmod) for place, one in enumerate(columns)]
    head = struct.pack("!h", len(columns))

    def line(row: Row) -> bytes:
        cells = head + b"".join([_cell(value, how, zone) for value, how in zip(row, plan, strict=True)])
        return b"D" + _LENGTH.pack(len(cells) + 4) + cells

    return line


def _copied(columns: Sequence[Column], zone: tzinfo, writer: Writer) -> Callable[[Row], bytes]:
    """What writes a row as CopyData."""
    plan = [(one.oid, one.typmod) for one in columns]

    def line(row: Row) -> bytes:
        cells = [
            None if value is None else _text(value, oid, typmod, zone)
            for value, (oid, typmod) in zip(row, plan, strict=True)
        ]
        return messages.frame(b"d", writer.line(cells))

    return line


def _cell(value: Value, how: tuple[int, int, int], zone: tzinfo) -> bytes:
    if value is None:
        return _NULL
    oid, binary, typmod = how
    padded = oid == 1042 and typmod > 4
    data = to_binary(oid, value) if binary and not padded else _text(value, oid, typmod, zone)
    return _LENGTH.pack(len(data)) + data


def _text(value: Value, oid: int, typmod: int, zone: tzinfo) -> bytes:
    if oid == 1042 and typmod > 4:
        return str(value).ljust(typmod - 4).encode("utf-8", "replace")
    said = str(value) if oid in _TEXT_AS_IS else to_text(oid, value, zone)
    return said.encode("utf-8", "replace")


def format_of(formats: Sequence[int], at: int) -> int:
    """As Bind says it: none is text, one is for all."""
    if len(formats) <= 1:
        return formats[0] if formats else 0
    return formats[at] if at < len(formats) else 0
