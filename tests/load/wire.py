"""A client that speaks the raw protocol: it can do what drivers never do, and sees exactly what it is sent.

Needs a listener with `auth = "trust"`. Knows nothing of what statements mean.
"""

import asyncio
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Self, cast

from protocols.postgres import messages
from protocols.postgres.types import Problem

Message = tuple[bytes, bytes]
"""Kind and body."""

SYNC = messages.frame(b"S", b"")
FLUSH = messages.frame(b"H", b"")


class Gone(Exception):
    """The connection ended. `said` is the FATAL error it ended with, `heard` what came since the last ReadyForQuery,
    `half` the beginning of a message whose end did not come.
    """

    def __init__(
        self, said: Problem | None, heard: list[Message], half: bytes = b"", why: Exception | None = None
    ) -> None:
        words = f"no word after {len(heard)} messages and {half[:50]!r} ({why!r})"
        super().__init__(f"{said.severity} {said.code} {said.message}" if said else words)
        self.said = said
        self.heard = heard
        self.half = half


@dataclass(frozen=True)
class Parsed:
    """The answer to one statement or unit: everything up to ReadyForQuery."""

    messages: list[Message]
    status: bytes

    @property
    def rows(self) -> list[list[str | None]]:
        return [row(body) for kind, body in self.messages if kind == b"D"]

    @property
    def error(self) -> Problem | None:
        return next((messages.parse_error(body) for kind, body in self.messages if kind == b"E"), None)

    @property
    def tags(self) -> list[str]:
        return [body[:-1].decode() for kind, body in self.messages if kind == b"C"]


def row(body: bytes) -> list[str | None]:
    """The columns of a DataRow in text format. Raises ValueError where it is not one."""
    (count,) = struct.unpack_from("!h", body)
    at = 2
    columns: list[str | None] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        if length < 0:
            columns.append(None)
            continue
        columns.append(body[at : at + length].decode())
        at += length
    if at != len(body):
        raise ValueError(f"a row of {len(body)} bytes has {at} in its columns")
    return columns


def query(text: str) -> bytes:
    return messages.frame(b"Q", messages.text(text))


def parse(name: str, text: str) -> bytes:
    return messages.frame(b"P", messages.text(name) + messages.text(text) + b"\0\0")


def bind(name: str, values: list[str], portal: str = "") -> bytes:
    cells = b"".join(struct.pack("!i", len(value.encode())) + value.encode() for value in values)
    head = messages.text(portal) + messages.text(name) + b"\0\0"
    return messages.frame(b"B", head + struct.pack("!h", len(values)) + cells + b"\0\0")


def describe(kind: bytes, name: str = "") -> bytes:
    return messages.frame(b"D", kind + messages.text(name))


def execute(portal: str = "", most: int = 0) -> bytes:
    return messages.frame(b"E", messages.text(portal) + struct.pack("!i", most))


def close(kind: bytes, name: str) -> bytes:
    return messages.frame(b"C", kind + messages.text(name))


class Wire(asyncio.Protocol):
    """One connection. `replies` waits for as many ReadyForQuery as are asked for."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._heard: list[Message] = []
        self._answers: list[Parsed] = []
        self._wanted = 0
        self._some = False
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._agreed: asyncio.Future[bytes] | None = None
        self._why: Exception | None = None
        self.parameters: dict[str, str] = {}
        self.key: tuple[int, bytes] = (0, b"")

    @classmethod
    async def open(
        cls,
        port: int,
        user: str = "app",
        database: str = "shop",
        tls: ssl.SSLContext | None = None,
        **settings: str,
    ) -> Self:
        """Log in. Raises Gone, or OSError when nobody listens or TLS breaks."""
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(cls, "127.0.0.1", port)
        if tls is not None:
            await wire.encrypt(tls)
        wire.send(messages.startup({"user": user, "database": database, **settings}))
        try:
            (greeting,) = await wire.replies()
        except BaseException:
            wire.abort()
            raise
        for kind, body in greeting.messages:
            if kind == b"S":
                name, value = messages.parse_parameter_status(body)
                wire.parameters[name] = value
            elif kind == b"K":
                wire.key = messages.parse_key_data(body)
        return wire

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Ask for TLS and begin it. Raises OSError."""
        self._agreed = asyncio.get_running_loop().create_future()
        self.send(messages.SSL_REQUEST)
        try:
            answer = await self._agreed
        finally:
            self._agreed = None
        assert self._transport is not None
        if answer != b"S":
            self.abort()
            raise ConnectionError(f"no TLS: {answer!r}")
        try:
            secure = await asyncio.get_running_loop().start_tls(
                self._transport, self, context, server_hostname="localhost"
            )
        except BaseException:
            self.abort()
            raise
        self._transport = cast("asyncio.Transport", secure)

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no asyncio class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._agreed is not None and not self._agreed.done():
            self._agreed.set_result(data)
            return
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 5:
            size = 1 + int.from_bytes(data[at + 1 : at + 5], "big")
            if at + size > end:
                break
            kind, body = data[at : at + 1], data[at + 5 : at + size]
            at += size
            if kind == b"Z":
                self._answers.append(Parsed(self._heard, body))
                self._heard = []
            else:
                self._heard.append((kind, body))
        self._rest = data[at:]
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._why = True, exc
        if self._agreed is not None and not self._agreed.done():
            self._agreed.set_exception(ConnectionError("gone before TLS"))
        self._tell()

    def _tell(self) -> None:
        enough = self._ended or len(self._answers) >= self._wanted or (self._some and self.heard_anything)
        if enough and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- what tests call ---

    @property
    def heard_anything(self) -> bool:
        """Something of an answer is here."""
        return bool(self._answers or self._heard or self._rest)

    @property
    def state(self) -> str:
        """What came of the answer that is waited for."""
        kinds = b"".join(kind for kind, _ in self._heard[-8:]).decode()
        return f"{len(self._answers)} of {self._wanted} answers, then ..{kinds} and {len(self._rest)} bytes"

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._ended:
            self._transport.write(data)

    async def replies(self, count: int = 1) -> list[Parsed]:
        """The next so many answers. Raises Gone if the connection ends before."""
        await self._wait(count, some=False)
        if len(self._answers) < count:
            raise self._gone()
        answers = self._answers[:count]
        del self._answers[:count]
        return answers

    async def ask(self, data: bytes) -> Parsed:
        """Send what has one ReadyForQuery as its end, and wait for it."""
        self.send(data)
        return (await self.replies())[0]

    async def something(self) -> list[Message]:
        """Wait until anything came, and look at the messages so far without taking them."""
        await self._wait(1, some=True)
        if self._ended and not self.heard_anything:
            raise self._gone()
        return list(self._heard)

    async def ended(self) -> Gone:
        """Wait until the other side has closed; what it said."""
        while not self._ended:
            await self._wait(len(self._answers) + 1, some=False)
        return self._gone()

    async def _wait(self, count: int, *, some: bool) -> None:
        self._wanted, self._some = count, some
        if self._ended or len(self._answers) >= count or (some and self.heard_anything):
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _gone(self) -> Gone:
        errors = [messages.parse_error(body) for kind, body in self._heard if kind == b"E"]
        fatal = [error for error in errors if error.severity in {"FATAL", "PANIC"}]
        return Gone(fatal[-1] if fatal else None, self._heard, self._rest, self._why)

    def pause(self) -> None:
        """Read no more until `resume`."""
        if self._transport is not None and not self._ended:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._ended:
            self._transport.resume_reading()

    def narrow(self, size: int) -> None:
        """Set how much the kernel takes in for us: little, and it hides less how slowly we read."""
        assert self._transport is not None
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def abort(self) -> None:
        """Gone without a word."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Terminate, as a good client does."""
        self.send(messages.TERMINATE)
        if self._transport is not None:
            self._transport.close()


async def cancel(port: int, key: tuple[int, bytes]) -> None:
    """Ask for the statement of the connection with that key to be cancelled; returns when the request is taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(messages.cancel_request(*key))
        await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
