"""PostgreSQL's conversation, from the server's side, for one executor: messages in, messages out.

Past 400 lines because the simple and the extended protocol, COPY and the statements about names share one state.

It owns prepared statements and portals, by whichever protocol or SQL they are named, and the rule that an error skips
to Sync. It reads no socket: `hear` takes whole
messages and yields what answers them piece by piece, so that whoever sends it decides how fast rows are made.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from protocols.postgres import messages
from protocols.postgres.datatypes import Malformed, Value, from_binary, from_text
from protocols.postgres.types import Problem
from proxy.answers.executor import Column, Executor, Prepared, Result, StoreError, Taking
from proxy.answers.orders import Close, Deallocate, Declare, Discard, Execute, Fetch, Prepare
from proxy.answers.rows import PIECE, Portal, described, format_of, written

MOST_STATEMENTS = 10_000
MOST_PORTALS = 1_000
_LENGTH = struct.Struct("!i")
_STATUS = {"idle": b"I", "open": b"T", "failed": b"E"}
_LOST = "terminating connection because protocol synchronization was lost"
_INTERNAL = Problem("ERROR", "XX000", "internal error: the store could not answer this statement")


class Incoming(msgspec.Struct, frozen=True):
    """A COPY that waits for rows, and the statements that follow it in its text."""

    taking: Taking
    tag: str
    simple: bool
    rest: Sequence[str] = ()


class Conversation:
    """One client of a store; or rather, what its pool sends for many of them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Portal] = {}
        self._skipping = False
        self._copy: Incoming | None = None
        self.over = False
        """Nothing more is answered."""
        self._several = False
        """The text has more statements than one: they are a transaction."""

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
        simple = kind == b"Q" or (self._copy is not None and self._copy.simple)
        self._copy = None
        self._executor.end_implicit(failed=True)
        # What was there before the last savepoint comes back with it.
        depth = self._executor.depth if self._executor.status == "failed" else 0
        self._portals = {name: one for name, one in self._portals.items() if one.level < depth}
        if simple:
            return messages.error(said) + self._ready()
        self._skipping = kind != b"S"
        return messages.error(said) + (self._ready() if kind == b"S" else b"")

    def _ready(self) -> bytes:
        return messages.ready(_STATUS[self._executor.status])

    def _answer(self, kind: bytes, body: bytes) -> Iterator[bytes]:
        if self._copy is not None:
            yield from self._copied(self._copy, kind, body)
            return
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
                pass  # what is left of a COPY that failed
            case b"F":
                raise StoreError("0A000", "the embedded store takes no function calls by the protocol")
            case _:
                raise StoreError("08P01", "this message is not known")

    # --- COPY from the client --------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """A statement has begun and waits for its rows."""
        return self._copy is not None

    def look(self) -> bytes:
        """While it waits: the error, where it was cancelled or is too late."""
        if self._copy is None:
            return b""
        try:
            self._copy.taking.look()
        except StoreError as why:
            return self._failed(b"d", _problem(why))
        return b""

    def _copied(self, copy: "Incoming", kind: bytes, body: bytes) -> Iterator[bytes]:
        match kind:
            case b"d":
                copy.taking.take(body)
            case b"c":
                count = copy.taking.end()
                self._copy = None
                if copy.simple and not copy.rest:
                    self._end_query()
                yield messages.command_complete(copy.tag.format(count))
                if copy.simple:
                    yield from self._parts(copy.rest)
            case b"f":
                why = _text(body.rstrip(b"\0"))
                raise copy.taking.broken("57014", f"COPY from stdin failed: {why}")
            case b"S" | b"H":
                pass
            case _:
                # As the server, which does not trust what follows.
                what = f"unexpected message type 0x{kind[0]:02X} during COPY from stdin"
                yield messages.error(_problem(copy.taking.broken("08P01", what)))
                yield messages.error(Problem("FATAL", "08P01", _LOST))
                self.over = True

    # --- the simple protocol ---------------------------------------------------------------------

    def _query(self, text: str) -> Iterator[bytes]:
        parts = list(self._executor.split(text))
        self._several = len(parts) > 1
        self._executor.begin_implicit()
        if not parts:
            self._end_query()
            yield messages.frame(b"I", b"")
        yield from self._parts(parts)

    def _parts(self, parts: Sequence[str]) -> Iterator[bytes]:
        """The statements of one text, up to one that waits for rows."""
        yield from self._each(parts)
        if self._copy is None:
            yield self._ready()

    def _each(self, parts: Sequence[str]) -> Iterator[bytes]:
        for at, part in enumerate(parts, 1):
            self._executor.begin_implicit()
            prepared = self._executor.prepare(part)
            if prepared.shape.parameters:
                raise StoreError("42P02", "there is no parameter $1")
            result, formats = self._carry_out(prepared, (), None)
            if result.takes is not None:
                self._copy = Incoming(result.takes, result.tag, simple=True, rest=parts[at:])
                yield messages.copy_response(b"G", result.takes.columns)
                return
            if result.columns is not None and result.gives is None:
                yield described(result.columns, formats)
            done = b""
            for rows in written(result, formats, self._executor.zone()):
                done = rows
                if len(done) >= PIECE:
                    yield done
                    done = b""
            if at == len(parts):
                # Committed before the client hears that it is done.
                self._end_query()
            yield done

    def _end_query(self) -> None:
        self._executor.end_implicit(failed=False)
        if self._executor.status == "idle":
            self._portals.clear()

    # --- the extended protocol -------------------------------------------------------------------

    def _parse(self, body: bytes) -> bytes:
        name, text, rest = body.split(b"\0", 2)
        (count,) = struct.unpack_from("!h", rest)
        types = struct.unpack_from(f"!{count}I", rest, 2)
        parts = self._executor.split(_text(text))
        if len(parts) > 1:
            raise StoreError("42601", "cannot insert multiple commands into a prepared statement")
        self._named(name, self._executor.prepare(parts[0] if parts else "", types))
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
            binary = format_of(given, place)
            values.append(from_binary(oid, cell) if binary else from_text(oid, _text(cell), zone))
        (count,) = struct.unpack_from("!h", rest, at)
        formats = struct.unpack_from(f"!{count}h", rest, at + 2)
        self._room_for(portal)
        self._portals[portal] = Portal(prepared, values, formats, self._executor.depth)
        return messages.frame(b"2", b"")

    def _room_for(self, portal: bytes) -> None:
        if portal and portal in self._portals:
            raise StoreError("42P03", f'cursor "{portal.decode(errors="replace")}" already exists')
        if len(self._portals) >= MOST_PORTALS:
            raise StoreError("54000", f"more than {MOST_PORTALS} portals in a transaction")

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
        columns = self._shown(prepared)
        return head + (messages.frame(b"n", b"") if columns is None else described(columns, formats))

    def _shown(self, prepared: Prepared) -> Sequence[Column] | None:
        """The columns of the rows it gives, as far as it is known now."""
        match prepared.order:
            case Execute(name=name):
                named = self._statements.get(name.encode())
                return None if named is None else named.shape.columns
            case Fetch(name=name, moves=False):
                portal = self._portals.get(name.encode())
                return None if portal is None else portal.prepared.shape.columns
            case _:
                return prepared.shape.columns

    def _portal(self, name: bytes, what: str = "portal") -> Portal:
        found = self._portals.get(name)
        if found is None:
            raise StoreError("34000", f'{what} "{name.decode(errors="replace")}" does not exist')
        return found

    def _execute(self, body: bytes) -> Iterator[bytes]:
        name, rest = body.split(b"\0", 1)
        (limit,) = _LENGTH.unpack(rest)
        portal = self._portal(name)
        if portal.result is None:
            self._several = False
            self._executor.begin_implicit()
            result, portal.formats = self._carry_out(portal.prepared, portal.parameters, portal.formats)
            portal.result = result
            if result.takes is not None:
                self._copy = Incoming(result.takes, result.tag, simple=False)
                yield messages.copy_response(b"G", result.takes.columns)
                return
        yield from written(portal.result, portal.formats, self._executor.zone(), limit, portal)

    # --- any statement ---------------------------------------------------------------------------

    def _carry_out(
        self, prepared: Prepared, parameters: Sequence[Value], asked: Sequence[int] | None
    ) -> tuple[Result, Sequence[int]]:
        """Run it, or do what it says about others; and in which formats its rows go out, which the simple protocol does
        not ask for."""
        formats = asked or ()
        order = prepared.order
        if order is None:
            before = self._executor.status
            result = self._executor.execute(prepared, parameters)
            self._keep_portals(before, result.tag)
            return result, formats
        # Whatever it is: not in a transaction that failed.
        if self._executor.status == "failed":
            raise StoreError(
                "25P02", "current transaction is aborted, commands ignored until end of transaction block"
            )
        done = ""
        match order:
            case Execute():
                named = self._statement(order.name.encode())
                if named.order is not None:
                    raise StoreError("0A000", "EXECUTE takes a query or a change, no statement about others")
                return self._carry_out(named, self._arguments(order, named), asked)
            case Fetch():
                return self._fetched(order, asked)
            case Prepare():
                query = self._executor.prepare(order.text, self._executor.types(order.types))
                self._named(order.name.encode(), query)
                done = "PREPARE"
            case Deallocate(name=None):
                self._statements.clear()
                done = "DEALLOCATE ALL"
            case Deallocate():
                self._statement((order.name or "").encode())
                del self._statements[(order.name or "").encode()]
                done = "DEALLOCATE"
            case Discard():
                result = self._executor.execute(prepared, parameters)
                if order.what == "all":
                    self._statements.clear()
                    self._portals.clear()
                return result, formats
            case Declare():
                self._declared(order, parameters)
                done = "DECLARE CURSOR"
            case Close(name=None):
                self._portals.clear()
                done = "CLOSE CURSOR ALL"
            case Close():
                self._portal((order.name or "").encode(), "cursor")
                del self._portals[(order.name or "").encode()]
                done = "CLOSE CURSOR"
        return Result(None, iter(()), done), formats

    def _keep_portals(self, before: str, tag: str) -> None:
        """Portals end with what they were made in."""
        depth = self._executor.depth
        if self._executor.status == "idle":
            if before != "idle":
                self._portals.clear()
        elif tag == "ROLLBACK":
            self._portals = {name: one for name, one in self._portals.items() if one.level < depth}
        elif tag == "RELEASE":
            for one in self._portals.values():
                one.level = min(one.level, depth)

    def _named(self, name: bytes, prepared: Prepared) -> None:
        if name and name in self._statements:
            raise StoreError("42P05", f'prepared statement "{name.decode(errors="replace")}" already exists')
        if len(self._statements) >= MOST_STATEMENTS:
            raise StoreError("54000", f"more than {MOST_STATEMENTS} prepared statements in a session")
        self._statements[name] = prepared

    def _arguments(self, order: Execute, named: Prepared) -> Sequence[Value]:
        types = named.shape.parameters
        values = self._executor.evaluate(order.arguments, types) if order.arguments else ()
        if len(values) != len(types):
            raise StoreError(
                "42601",
                f'wrong number of parameters for prepared statement "{order.name}"',
                f"Expected {len(types)} parameters but got {len(values)}.",
            )
        return values

    # --- cursors ---------------------------------------------------------------------------------

    def _declared(self, order: Declare, parameters: Sequence[Value]) -> None:
        if self._executor.status == "idle" and not self._several:
            raise StoreError("25P01", "DECLARE CURSOR can only be used in transaction blocks")
        if order.query is None:
            raise TypeError("a cursor without a query")
        name = order.name.encode()
        self._room_for(name)
        portal = Portal(order.query, parameters, (), self._executor.depth)
        portal.once, portal.binary = order.once, order.binary
        portal.result = self._executor.execute(order.query, parameters)
        self._portals[name] = portal

    def _fetched(self, order: Fetch, asked: Sequence[int] | None) -> tuple[Result, Sequence[int]]:
        portal = self._portal(order.name.encode(), "cursor")
        if portal.result is None:
            portal.result = self._executor.execute(portal.prepared, portal.parameters)
        columns = portal.result.columns
        if columns is None:
            raise StoreError("55000", f'cursor "{order.name}" gives no rows')
        skip = order.skip if order.place is None else order.place - portal.position - 1
        if order.moves and order.count == 0:
            return Result(None, iter(()), f"MOVE {int(portal.here)}"), ()
        if order.back or skip < 0:
            if portal.once:
                raise StoreError(
                    "55000",
                    "cursor can only scan forward",
                    hint="Declare it with SCROLL option to enable backward scan.",
                )
            raise StoreError("0A000", "the embedded store does not support going backwards in a cursor")
        for _ in portal.some(skip):
            pass
        rows = portal.some(order.count)
        if not order.moves:
            binary = asked is None and portal.binary
            return Result(columns, rows, "FETCH {}"), (1,) if binary else asked or ()
        return Result(None, iter(()), f"MOVE {sum(1 for _ in rows)}"), ()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise StoreError("22021", 'invalid byte sequence for encoding "UTF8"') from error


def _problem(why: StoreError | Malformed) -> Problem:
    if isinstance(why, Malformed):
        return Problem("ERROR", why.code, why.message)
    return Problem("ERROR", why.code, why.message, why.detail, why.hint, why.where)
