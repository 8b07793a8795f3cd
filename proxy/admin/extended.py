"""The console in the extended protocol: Parse, Bind, Describe, Execute, Close, as drivers send them for one command.

It owns the statements that connections have prepared, within bounds, and says what goes around a command's reply. It
knows no command beyond the columns it shows, and no portal but the last one bound.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from protocols.postgres import messages
from protocols.postgres.errors import Known, problem
from proxy.admin.place import INT4, INT8, NUMERIC

MOST_CONSOLES = 256
"""Connections whose statements are kept; those of the one unheard for longest go first."""
MOST_STATEMENTS = 100
MOST_COMMANDS = 64

Columns = Sequence[tuple[str, int]]
_NO_DATA = messages.frame(b"n", b"")
_DONE = {b"P": messages.frame(b"1", b""), b"B": messages.frame(b"2", b""), b"C": messages.frame(b"3", b"")}


class Broken(Exception):
    """The unit ends with this error."""

    def __init__(self, known: Known, what: str) -> None:
        super().__init__(what)
        self.error = messages.error(problem(known, what=what))


class Extended:
    """Statements by connection and name."""

    def __init__(self, columns_of: Callable[[bytes], Columns | None]) -> None:
        self._columns_of = columns_of
        self._statements: OrderedDict[int, dict[bytes, bytes]] = OrderedDict()

    def unit(self, conn: int, data: bytes) -> "Unit":
        """A unit of this connection."""
        known = self._statements.setdefault(conn, {})
        self._statements.move_to_end(conn)
        while len(self._statements) > MOST_CONSOLES:
            self._statements.popitem(last=False)
        return Unit(known, self._columns_of, data)


class Unit:
    """One way through a unit: `after` what was said so far, the next command to run."""

    def __init__(
        self, known: dict[bytes, bytes], columns_of: Callable[[bytes], Columns | None], data: bytes
    ) -> None:
        self._known = known
        self._columns_of = columns_of
        self._frames = _frames(data)
        self._synced = data[-5:] == b"S\0\0\0\4"
        self._portal: tuple[bytes, tuple[int, ...]] | None = None
        self._ran = 0
        self.said = b""
        """What the client hears, once there is no further command."""

    def after(self, reply: bytes = b"") -> bytes | None:
        """The text of the next command, after the reply of the last one; None at the end."""
        failed = False
        for kind, body in _frames(reply):
            if kind == b"D" and self._portal is not None:
                columns = self._columns_of(self._portal[0]) or ()
                self.said += messages.frame(kind, _row(body, columns, self._portal[1]))
            elif kind not in (b"T", b"Z"):
                self.said += messages.frame(kind, body)
            failed |= kind == b"E"
        text = None if failed else self._go_on()
        if text is None and self._synced:
            self.said += messages.ready()
        return text

    def _go_on(self) -> bytes | None:
        """Up to a command (its text) or to the end (None)."""
        try:
            for kind, body in self._frames:
                text = self._take(kind, body)
                if text is not None:
                    return text
        except Broken as broken:
            self.said += broken.error
            self._frames = iter(())
        except (ValueError, struct.error):
            self.said += Broken(Known.BAD_COMMAND, "this message is malformed").error
            self._frames = iter(())
        return None

    def _take(self, kind: bytes, body: bytes) -> bytes | None:
        match kind:
            case b"P":
                name, text, _ = body.split(b"\0", 2)
                if name not in self._known and len(self._known) >= MOST_STATEMENTS:
                    raise Broken(Known.COMMAND_FAILED, f"a console may prepare {MOST_STATEMENTS} commands")
                self._known[name] = text
            case b"B":
                self._portal = self._bind(body)
            case b"D":
                self.said += self._describe(body)
            case b"C":
                if body[:1] == b"S":
                    self._known.pop(body[1:-1], None)
            case b"E":
                if self._portal is None:
                    raise Broken(Known.UNKNOWN_OBJECT, "there is no such portal")
                if self._ran >= MOST_COMMANDS:
                    what = f"the console runs {MOST_COMMANDS} commands between two Syncs"
                    raise Broken(Known.COMMAND_FAILED, what)
                self._ran += 1
                return self._portal[0]
            case _:
                pass  # Sync and Flush: what ends the unit
        self.said += _DONE.get(kind, b"")
        return None

    def _bind(self, body: bytes) -> tuple[bytes, tuple[int, ...]]:
        _, name, rest = body.split(b"\0", 2)
        (parameter_formats,) = struct.unpack_from("!h", rest)
        at = 2 + 2 * max(0, parameter_formats)
        (parameters,) = struct.unpack_from("!h", rest, at)
        if parameters:
            raise Broken(Known.COMMAND_FAILED, "commands of the console have no parameters")
        (count,) = struct.unpack_from("!h", rest, at + 2)
        return self._text(name), struct.unpack_from(f"!{max(0, count)}h", rest, at + 4)

    def _describe(self, body: bytes) -> bytes:
        head = b""
        formats: tuple[int, ...] = ()
        if body[:1] == b"S":
            text, head = self._text(body[1:-1]), messages.frame(b"t", b"\0\0")
        elif self._portal is not None:
            text, formats = self._portal
        else:
            raise Broken(Known.UNKNOWN_OBJECT, "there is no such portal")
        columns = self._columns_of(text)
        if not columns:
            return head + _NO_DATA
        return head + messages.row_description(columns, [_format(formats, at) for at in range(len(columns))])

    def _text(self, name: bytes) -> bytes:
        text = self._known.get(name)
        if text is None:
            raise Broken(Known.UNKNOWN_OBJECT, "there is no such prepared statement")
        return text


def _frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("!i", data, at + 1)
        yield data[at : at + 1], data[at + 5 : at + 1 + length]
        at += 1 + length


def _format(formats: tuple[int, ...], at: int) -> int:
    """As Bind says it: none is text, one is for all."""
    if len(formats) <= 1:
        return formats[0] if formats else 0
    return formats[at] if at < len(formats) else 0


def _row(body: bytes, columns: Columns, formats: tuple[int, ...]) -> bytes:
    """A row in text as a row in the formats asked for."""
    if not any(formats):
        return body
    cells: list[bytes] = [body[:2]]
    at = 2
    for place, (_, kind) in enumerate(columns):
        (length,) = struct.unpack_from("!i", body, at)
        cell = body[at + 4 : at + 4 + max(0, length)]
        at += 4 + max(0, length)
        if length >= 0 and _format(formats, place):
            cell = _binary(kind, cell)
        cells.append(struct.pack("!i", len(cell) if length >= 0 else -1) + cell)
    return b"".join(cells)


def _binary(kind: int, cell: bytes) -> bytes:
    match kind:
        case _ if kind == INT4:
            return struct.pack("!i", int(cell))
        case _ if kind == INT8:
            return struct.pack("!q", int(cell))
        case _ if kind == NUMERIC:
            return _numeric(cell.decode())
        case _:
            return cell


def _numeric(text: str) -> bytes:
    """PostgreSQL's numeric: groups of four digits, the first one's power of 10000, sign, digits after the point."""
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    behind = -(-scale // 4)
    left = int(abs(number).scaleb(4 * behind))
    groups: list[int] = []
    while left:
        left, group = divmod(left, 10_000)
        groups.insert(0, group)
    weight = len(groups) - 1 - behind if groups else 0
    while groups and not groups[-1]:
        groups.pop()
    sign = 0x4000 if number < 0 else 0
    return struct.pack(f"!hhHH{len(groups)}h", len(groups), weight, sign, scale, *groups)
