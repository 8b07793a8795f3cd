"""A client that says exactly what a test wrote, and keeps every message of the answer.

It owns one socket and the builders of a client's messages. It knows no rule of the protocol beyond framing, so that
a test may break any.
"""

import socket
import ssl
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

from protocols.postgres import messages

PATIENCE = 20
"""Seconds until silence is a failure; nothing waits this long when all is well."""
CHUNK = 1 << 18
FIRST_OF_USERS = 16_384
"""OIDs below are the system's own, the same in every database."""

FLUSH = messages.frame(b"H", b"")
SYNC = messages.frame(b"S", b"")
COPY_DONE = messages.frame(b"c", b"")
END = "end"
"""In place of a message: the peer closed the connection."""


class Message(NamedTuple):
    """One message of a server: its kind as a letter (or END), and its body."""

    kind: str
    body: bytes

    def __repr__(self) -> str:
        shown = self.body if len(self.body) < 200 else self.body[:100] + b"..." + self.body[-20:]
        return f"{self.kind} {shown!r}"


class SilenceError(AssertionError):
    """The peer said less than was expected of it. Carries what it did say."""


# --- what a client says --------------------------------------------------------------------------


def query(text: str) -> bytes:
    return messages.frame(b"Q", text.encode() + b"\0")


def parse(name: str, text: str, types: Sequence[int] = ()) -> bytes:
    oids = struct.pack(f"!h{len(types)}I", len(types), *types)
    return messages.frame(b"P", messages.text(name) + text.encode() + b"\0" + oids)


def bind(
    portal: str = "",
    name: str = "",
    values: Sequence[bytes | None] = (),
    *,
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    """Values in text format unless `formats` says otherwise."""
    cells = [
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in values
    ]
    body = [
        messages.text(portal),
        messages.text(name),
        struct.pack(f"!h{len(formats)}h", len(formats), *formats),
        struct.pack("!h", len(values)),
        *cells,
        struct.pack(f"!h{len(results)}h", len(results), *results),
    ]
    return messages.frame(b"B", b"".join(body))


def describe_statement(name: str = "") -> bytes:
    return messages.frame(b"D", b"S" + messages.text(name))


def describe_portal(name: str = "") -> bytes:
    return messages.frame(b"D", b"P" + messages.text(name))


def execute(portal: str = "", rows: int = 0) -> bytes:
    return messages.frame(b"E", messages.text(portal) + struct.pack("!i", rows))


def close_statement(name: str = "") -> bytes:
    return messages.frame(b"C", b"S" + messages.text(name))


def close_portal(name: str = "") -> bytes:
    return messages.frame(b"C", b"P" + messages.text(name))


def copy_data(data: bytes) -> bytes:
    return messages.frame(b"d", data)


def copy_fail(why: str) -> bytes:
    return messages.frame(b"f", messages.text(why))


def function_call(oid: int, values: Sequence[bytes], formats: Sequence[int] = (1,), result: int = 1) -> bytes:
    cells = b"".join(struct.pack("!i", len(value)) + value for value in values)
    head = struct.pack(f"!ih{len(formats)}hh", oid, len(formats), *formats, len(values))
    return messages.frame(b"F", head + cells + struct.pack("!h", result))


# --- the connection ------------------------------------------------------------------------------


class Line:
    """One connection to a server or to the proxy."""

    def __init__(self, host: str, port: int, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.socket = socket.create_connection((host, port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self.key = b""
        self.told: dict[str, str] = {}
        """The settings as the server last reported them."""

    def encrypt(self, context: ssl.SSLContext, name: str = "localhost") -> None:
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def log_in(
        self, user: str, database: str, parameters: Mapping[str, str] | None = None, version: int = 3 << 16
    ) -> list[Message]:
        """Send a start packet and take the answer up to ReadyForQuery. Only for users who prove nothing."""
        asked = {"user": user, "database": database, **(parameters or {})}
        self.send(messages.startup(asked, version))
        said = self.until("Z")
        self.key = next((message.body for message in said if message.kind == "K"), b"")
        return said

    def send(self, data: bytes) -> None:
        """A peer that closed is noticed when its answer is read, not here."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def drip(self, data: bytes) -> None:
        """One byte a system call."""
        for at in range(len(data)):
            self.send(data[at : at + 1])

    def ask(self, data: bytes, until: str = "Z") -> list[Message]:
        """Send, and take the answer: see `until`."""
        self.send(data)
        return self.until(until)

    def until(self, kinds: str) -> list[Message]:
        """All messages until each of `kinds` was there, in that order, or the end of the connection."""
        said: list[Message] = []
        missing = list(kinds)
        while missing:
            try:
                message = self.receive()
            except TimeoutError:
                raise SilenceError(f"waited for {''.join(missing)} after {said!r}") from None
            said.append(message)
            self.told |= parameters([message])
            if message.kind == END:
                return said
            if message.kind == missing[0]:
                del missing[0]
        return said

    def receive(self) -> Message:
        while True:
            message = self._whole()
            if message is not None:
                return message
            try:
                data = self.socket.recv(CHUNK)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                return Message(END, bytes(self._received))
            self._received += data

    def is_silent(self, seconds: float = 0.1) -> bool:
        """Nothing comes in that time, and nothing had come."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError:
            return not self._received
        else:
            self._received += data
            return False
        finally:
            self.socket.settimeout(self.patience)

    def exactly(self, count: int) -> bytes:
        """Bytes that are no message, as the answer to an SSLRequest."""
        while len(self._received) < count:
            data = self.socket.recv(count - len(self._received))
            if not data:
                break
            self._received += data
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _whole(self) -> Message | None:
        if len(self._received) < 5:
            return None
        kind, length = struct.unpack_from("!ci", self._received)
        if len(self._received) < length + 1:
            return None
        message = Message(kind.decode("latin-1"), bytes(self._received[5 : length + 1]))
        del self._received[: length + 1]
        return message

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# --- reading an answer ---------------------------------------------------------------------------


def rows(said: Iterable[Message]) -> list[tuple[str | None, ...]]:
    """The cells of every DataRow, as text."""
    return [tuple(_cells(message.body)) for message in said if message.kind == "D"]


def error(said: Iterable[Message]) -> dict[str, str]:
    """The fields of the first ErrorResponse; empty without one."""
    for message in said:
        if message.kind == "E":
            return fields(message.body)
    return {}


def fields(body: bytes) -> dict[str, str]:
    """An ErrorResponse's or NoticeResponse's fields by letter."""
    return {chr(field[0]): field[1:].decode() for field in body.split(b"\0") if field}


def parameters(said: Iterable[Message]) -> dict[str, str]:
    """What every ParameterStatus told, the last one last."""
    told: dict[str, str] = {}
    for message in said:
        if message.kind == "S":
            name, value, _ = message.body.decode().split("\0")
            told[name] = value
    return told


def without_tables(described: bytes) -> bytes:
    """A RowDescription with one number for every table that is not the system's own."""
    body = bytearray(described)
    at = 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        at = body.index(0, at) + 1
        if struct.unpack_from("!I", body, at)[0] >= FIRST_OF_USERS:
            struct.pack_into("!I", body, at, FIRST_OF_USERS)
        at += 18
    return bytes(body)


def kinds(said: Iterable[Message]) -> str:
    return "".join(message.kind for message in said)


def _cells(body: bytes) -> Iterable[str | None]:
    (count,) = struct.unpack_from("!h", body)
    at = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        if length < 0:
            yield None
        else:
            yield body[at : at + length].decode()
            at += length
