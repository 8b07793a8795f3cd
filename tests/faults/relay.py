"""A relay that spoils connections: it splits, gathers, delays, stalls, cuts and resets what passes through.

It stands between a client and the proxy, or between the proxy and a server. It forwards bytes and counts messages;
what they mean it does not know.
"""

import asyncio
import itertools
import random
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self

Kind = Literal["split", "gather", "cut", "reset", "stall"]
Direction = Literal["up", "down"]
KINDS: tuple[Kind, ...] = ("split", "gather", "cut", "reset", "stall")


@dataclass(frozen=True)
class Fault:
    """What happens to one connection. `split` and `gather` spoil nothing, the others end it or hold it for ever."""

    kind: Kind
    direction: Direction
    """`up`: what the client sends; `down`: what it is sent."""
    after: int = 0
    """So many messages (or bytes) pass first."""
    in_messages: bool = True


Choose = Callable[[], Fault | None]


def anything(chance: random.Random) -> Choose:
    """Of each kind the same number, in any place; one connection in six is spared."""
    kinds: Iterator[Kind | None] = itertools.cycle(("cut", "stall", "split", "reset", "gather", None))

    def choose() -> Fault | None:
        kind = next(kinds)
        if kind is None:
            return None
        in_messages = chance.random() < 0.5
        after = chance.randint(1, 150) if in_messages else chance.randint(1, 20_000)
        direction: Direction = "up" if chance.random() < 0.5 else "down"
        return Fault(kind, direction, after, in_messages)

    return choose


def nothing() -> Fault | None:
    return None


@dataclass
class _Marks:
    """Where messages end in one direction of a connection."""

    first: bool
    """The next packet is a client's first and has no kind."""
    head: bytes = b""
    rest: int = 0
    passed: int = 0

    def take(self, data: bytes, most: int) -> int:
        """How much of `data` passes until so many messages have, counted from the start."""
        at = 0
        while at < len(data) and self.passed < most:
            if self.rest:
                step = min(self.rest, len(data) - at)
                self.rest -= step
                at += step
                self.passed += self.rest == 0
                continue
            size = 4 if self.first else 5
            step = min(size - len(self.head), len(data) - at)
            self.head += data[at : at + step]
            at += step
            if len(self.head) == size:
                (length,) = struct.unpack("!i", self.head[-4:])
                self.rest = max(0, length - 4)
                self.passed += self.rest == 0
                self.head, self.first = b"", False
        return at


@dataclass
class Passed:
    """How many messages went through a connection each way."""

    up: int = 0
    down: int = 0


@dataclass
class Relay:
    """Listens at `port`, forwards to `target`. `choose` is asked for each connection's fault, and may be changed."""

    target: int
    chance: random.Random
    choose: Choose = nothing
    port: int = 0
    injected: list[Fault] = field(default_factory=list)
    passed: list[Passed] | None = None
    """Of each connection, when a list is put here."""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def end_all(self) -> None:
        """Every connection of now ends."""
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(far_writer)
            fault = self.choose()
            if fault is not None:
                self.injected.append(fault)
            passed = Passed()
            if self.passed is not None:
                self.passed.append(passed)
            await _first(
                self._pass(reader, far_writer, fault, passed, "up"),
                self._pass(far_reader, writer, fault, passed, "down"),
            )
        except _Reset:
            for one in writers:
                _linger(one)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for one in writers:
                one.transport.abort()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault | None,
        counts: Passed,
        direction: Direction,
    ) -> None:
        marks, passed, counted = _Marks(direction == "up"), 0, _Marks(direction == "up")
        if fault is not None and fault.direction != direction:
            fault = None
        if fault is not None and fault.kind in {"cut", "reset", "stall"} and fault.after == 0:
            await _strike(fault, writer)
        while data := await reader.read(65_536):
            here = len(data)
            if self.passed is not None:
                counted.take(data, 1 << 60)
                setattr(counts, direction, counted.passed)
            if fault is not None and fault.kind in {"cut", "reset", "stall"}:
                here = marks.take(data, fault.after) if fault.in_messages else min(here, fault.after - passed)
            passed += here
            await self._write(writer, data[:here], fault)
            over = fault is not None and (marks.passed if fault.in_messages else passed) >= fault.after
            if fault is not None and over:
                await _strike(fault, writer)
        if writer.can_write_eof():
            writer.write_eof()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "split" and len(data) < 4_096:
            at = 0
            while at < len(data):
                size = self.chance.choice((1, 1, 2, 3, 5, 50))
                writer.write(data[at : at + size])
                at += size
                await asyncio.sleep(0)
        else:
            if fault is not None and fault.kind == "gather":
                await asyncio.sleep(0.005)
            writer.write(data)
        await writer.drain()


class _Reset(Exception):
    pass


class _Cut(ConnectionError):
    pass


async def _strike(fault: Fault, writer: asyncio.StreamWriter) -> None:
    match fault.kind:
        case "cut":
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()
            raise _Cut
        case "reset":
            raise _Reset
        case "stall":
            await asyncio.Event().wait()
        case "split" | "gather":
            pass


async def _first(*ways: Coroutine[object, object, None]) -> None:
    """Until one direction breaks, or both are at their end."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _linger(writer: asyncio.StreamWriter) -> None:
    """The connection will end with a reset."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
