"""PostgreSQL's conversation, from the server's side, for one executor: messages in, messages out.

It owns prepared statements, portals, and the rule that an error skips to Sync. It reads no socket: `hear` takes whole
messages and yields what answers them piece by piece, so that whoever sends it decides how fast rows are made.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from protocols.postgres import messages
from protocols.postgres.datatypes import BY_OID, Malformed, Value, from_binary, from_text, to_binary, to_text
from protocols.postgres.types import Problem
from proxy.answers.executor import Column, Executor, Prepared, Result, Row, StoreError

PIECE = 32_768
"""Bytes of rows that are put together before they are given out."""
MOST_STATEMENTS = 10_000
MOST_PORTALS = 1_000
_LENGTH = struct.Struct("!i")
_NULL = b"\xff\xff\xff\xff"
_STATUS = {"idle": b"I", "open": b"T", "failed": b"E"}
_TEXT_AS_IS = frozenset({18, 19, 20, 21, 23, 25, 26, 114, 1043, 1700, 2205, 2206, 2950, 3802})
"""Types whose plain form, as str() writes it, is their text."""
_INTERNAL = Problem("ERROR", "XX000", "internal error: the store could not answer this statement")


class Portal:
    """A statement that was bound, and how far its rows are read."""

    def __init__(self, prepared: Prepared, parameters: Sequence[Value], formats: Sequence[int]) -> None:
        self.prepared = prepared
        self.parameters = parameters
        self.formats = formats
        self.result: Result | None = None
        self.ahead: Row | None = None
        """A row that was read to see whether there is one."""


class Conversation:
    """One client of a store; or rather, what its pool sends for many of them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Portal] = {}
        self._skipping = False

    def greeting(self, parameters: Mapping[str, str], pid: int, secret: bytes) -> bytes:
        """The log-in was over before it began: whoever has this end of the line is the proxy."""
        said = b"".join(messages.parameter_status(name, value) for name, value in parameters.items())
        key = messages.frame(b"K", struct.pack("!I", pid) + secret)
        return messages.authentication_ok() + said + key + messages.ready()

    def hear(self, kind: bytes, body: bytes) -> Iterator[bytes]:
        """The answer to one message."""
        if self._skipping and kind not in (b"S", b"Q"):
            return
        try:
            yield from self._answer(kind, body)
        except (StoreError, Malformed) as why:
            yield self._failed(kind, _problem(why))
        except (struct.error, ValueError, IndexError):
            yield self._failed(kind, Problem("ERROR", "08P01", "this message is malformed"))

    def defect(self, kind: bytes) -> bytes:
        """Something of ours failed, and the session goes on."""
        return self._failed(kind, _INTERNAL)

    def _failed(self, kind: bytes, said: Problem) -> bytes:
        self._executor.end_implicit(failed=True)
        self._portals.clear()
        if kind == b"Q":
            return messages.error(said) + self._ready()
        self._skipping = kind != b"S"
        return messages.error(said) + (self._ready() if kind == b"S" else b"")

    def _ready(self) -> bytes:
        return messages.ready(_STATUS[self._executor.status])

    def _answer(self, kind: bytes, body: bytes) -> Iterator[bytes]:
        match kind:
            case b"Q":
                self._skipping = False
                yield from self._query(_text(body.rstrip(b"\0")))
            case b"P":
                yield self._parse(body)
            case b"B":
                yield self._bind(body)
            case b"D":
                yield self._describe(body)
            case b"E":
                yield from self._execute(body)
            case b"C":
                name = body[1:].rstrip(b"\0")
                self._statements.pop(name, None) if body[:1] == b"S" else self._portals.pop(name, None)
                yield messages.frame(b"3", b"")
            case b"S":
                self._skipping = False
                self._executor.end_implicit(failed=False)
                if self._executor.status == "idle":
                    self._portals.clear()
                yield self._ready()
            case b"H":
                pass
            case b"d" | b"c" | b"f":
                pass  # what is left of a COPY that was refused
            case b"F":
                raise StoreError("0A000", "the embedded store takes no function calls by the protocol")
            case _:
                raise StoreError("08P01", "this message is not known")

    # --- the simple protocol ---------------------------------------------------------------------

    def _query(self, text: str) -> Iterator[bytes]:
        parts = self._executor.split(text)
        if not parts:
            yield messages.frame(b"I", b"")
        self._executor.begin_implicit()
        for part in parts:
            forgotten = self._forgets(part)
            prepared = self._executor.prepare(part)
            if prepared.shape.parameters:
                raise StoreError("42P02", "there is no parameter $1")
            result = self._executor.execute(prepared)
            if result.columns is not None:
                yield self._columns(result.columns, ())
            last = part is parts[-1]
            done = b""
            for rows in self._rows(result, (), 0):
                done = rows
                if len(done) >= PIECE:
                    yield done
                    done = b""
            if last:
                # Committed before the client hears that it is done.
                self._executor.end_implicit(failed=False)
            yield done + forgotten
        if not parts:
            self._executor.end_implicit(failed=False)
        yield self._ready()

    def _forgets(self, text: str) -> bytes:
        words = text.lower().split()
        if words[:2] in (["deallocate", "all"], ["discard", "all"]):
            self._statements.clear()
        elif words[:1] == ["deallocate"]:
            name = words[-1].strip('"').encode()
            if self._statements.pop(name, None) is None:
                raise StoreError("26000", f'prepared statement "{words[-1]}" does not exist')
        return b""

    # --- the extended protocol -------------------------------------------------------------------

    def _parse(self, body: bytes) -> bytes:
        name, text, rest = body.split(b"\0", 2)
        (count,) = struct.unpack_from("!h", rest)
        types = struct.unpack_from(f"!{count}I", rest, 2)
        if name and name in self._statements:
            raise StoreError("42P05", f'prepared statement "{name.decode(errors="replace")}" already exists')
        if len(self._statements) >= MOST_STATEMENTS:
            raise StoreError("54000", f"more than {MOST_STATEMENTS} prepared statements in a session")
        parts = self._executor.split(_text(text))
        if len(parts) > 1:
            raise StoreError("42601", "cannot insert multiple commands into a prepared statement")
        self._statements[name] = self._executor.prepare(parts[0] if parts else "", types)
        return messages.frame(b"1", b"")

    def _statement(self, name: bytes) -> Prepared:
        found = self._statements.get(name)
        if found is None:
            said = name.decode(errors="replace")
            what = (
                f'prepared statement "{said}" does not exist'
                if said
                else "unnamed prepared statement does not exist"
            )
            raise StoreError("26000", what)
        return found

    def _bind(self, body: bytes) -> bytes:
        portal, name, rest = body.split(b"\0", 2)
        prepared = self._statement(name)
        (count,) = struct.unpack_from("!h", rest)
        given = struct.unpack_from(f"!{count}h", rest, 2)
        at = 2 + 2 * count
        (many,) = struct.unpack_from("!h", rest, at)
        at += 2
        types = prepared.shape.parameters
        if many != len(types):
            what = f"bind message supplies {many} parameters, but prepared statement requires {len(types)}"
            raise StoreError("08P01", what)
        zone = self._executor.zone()
        values: list[Value] = []
        for place in range(many):
            (length,) = _LENGTH.unpack_from(rest, at)
            at += 4
            if length < 0:
                values.append(None)
                continue
            cell = rest[at : at + length]
            at += length
            oid = types[place]
            binary = _format(given, place)
            values.append(from_binary(oid, cell) if binary else from_text(oid, _text(cell), zone))
        (count,) = struct.unpack_from("!h", rest, at)
        formats = struct.unpack_from(f"!{count}h", rest, at + 2)
        if portal and portal in self._portals:
            raise StoreError("42P03", f'cursor "{portal.decode(errors="replace")}" already exists')
        if len(self._portals) >= MOST_PORTALS:
            raise StoreError("54000", f"more than {MOST_PORTALS} portals in a transaction")
        self._portals[portal] = Portal(prepared, values, formats)
        return messages.frame(b"2", b"")

    def _describe(self, body: bytes) -> bytes:
        name = body[1:].rstrip(b"\0")
        if body[:1] == b"S":
            prepared = self._statement(name)
            types = prepared.shape.parameters
            head = messages.frame(b"t", struct.pack(f"!h{len(types)}I", len(types), *types))
            formats: Sequence[int] = ()
        else:
            portal = self._portal(name)
            prepared, head, formats = portal.prepared, b"", portal.formats
        columns = prepared.shape.columns
        return head + (messages.frame(b"n", b"") if columns is None else self._columns(columns, formats))

    def _portal(self, name: bytes) -> Portal:
        found = self._portals.get(name)
        if found is None:
            raise StoreError("34000", f'portal "{name.decode(errors="replace")}" does not exist')
        return found

    def _execute(self, body: bytes) -> Iterator[bytes]:
        name, rest = body.split(b"\0", 1)
        (limit,) = _LENGTH.unpack(rest)
        portal = self._portal(name)
        if portal.result is None:
            self._executor.begin_implicit()
            portal.result = self._executor.execute(portal.prepared, portal.parameters)
        yield from self._rows(portal.result, portal.formats, limit, portal)

    # --- rows ------------------------------------------------------------------------------------

    def _columns(self, columns: Sequence[Column], formats: Sequence[int]) -> bytes:
        cells = (
            messages.text(one.name)
            + struct.pack(
                "!IhIhih",
                one.table,
                one.number,
                one.oid,
                BY_OID[one.oid].size,
                one.typmod,
                _format(formats, place),
            )
            for place, one in enumerate(columns)
        )
        return messages.frame(b"T", struct.pack("!h", len(columns)) + b"".join(cells))

    def _rows(
        self, result: Result, formats: Sequence[int], limit: int, portal: Portal | None = None
    ) -> Iterator[bytes]:
        out = bytearray()
        for notice in result.notices:
            out += messages.notice(Problem("NOTICE", notice.code, notice.message))
        columns = result.columns or ()
        plan = [(one.oid, _format(formats, place), one.typmod) for place, one in enumerate(columns)]
        zone = self._executor.zone()
        count = 0
        if result.columns is not None:
            head = struct.pack("!h", len(columns))
            rows = result.rows
            ahead = portal.ahead if portal is not None else None
            while True:
                if ahead is not None:
                    row, ahead = ahead, None
                else:
                    found = next(rows, None)
                    if found is None:
                        break
                    row = found
                if limit and count == limit:
                    if portal is not None:
                        portal.ahead = row
                    yield bytes(out) + messages.frame(b"s", b"")
                    return
                count += 1
                cells = head + b"".join(
                    [_cell(value, how, zone) for value, how in zip(row, plan, strict=True)]
                )
                out += b"D" + _LENGTH.pack(len(cells) + 4) + cells
                if len(out) >= PIECE:
                    yield bytes(out)
                    out.clear()
            if portal is not None:
                portal.ahead = None
        for name, value in result.reported.items():
            out += messages.parameter_status(name, value)
        tag = result.tag.format(count)
        out += messages.command_complete(tag) if tag else messages.frame(b"I", b"")
        yield bytes(out)


def _cell(value: Value, how: tuple[int, int, int], zone: tzinfo) -> bytes:
    if value is None:
        return _NULL
    oid, binary, typmod = how
    if oid == 1042 and typmod > 4:
        data = str(value).ljust(typmod - 4).encode("utf-8", "replace")
    elif binary:
        data = to_binary(oid, value)
    elif oid in _TEXT_AS_IS:
        data = str(value).encode("utf-8", "replace")
    else:
        data = to_text(oid, value, zone).encode("utf-8", "replace")
    return _LENGTH.pack(len(data)) + data


def _format(formats: Sequence[int], at: int) -> int:
    """As Bind says it: none is text, one is for all."""
    if len(formats) <= 1:
        return formats[0] if formats else 0
    return formats[at] if at < len(formats) else 0


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise StoreError("22021", 'invalid byte sequence for encoding "UTF8"') from error


def _problem(why: StoreError | Malformed) -> Problem:
    if isinstance(why, Malformed):
        return Problem("ERROR", why.code, why.message)
    return Problem("ERROR", why.code, why.message, why.detail, why.hint)
