"""PostgreSQL's wire over a blocking socket: just enough to talk to a real server, and to be one for a real client."""

import socket
import ssl
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from protocols.postgres import messages
from protocols.postgres.errors import WireError
from protocols.postgres.types import Problem

PATIENCE = 60
"""Seconds until a silent peer is a failure; nothing waits this long when all is well."""


class Line:
    """One connection, whichever side of it we are on."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE)
        self._socket = connected

    @classmethod
    def to(cls, port: int, tls: ssl.SSLContext | None = None) -> Self:
        line = cls(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        if tls is not None:
            line.send(messages.SSL_REQUEST)
            assert line.exactly(1) == b"S"
            line.encrypt(tls, server_side=False)
        return line

    def encrypt(self, context: ssl.SSLContext, *, server_side: bool) -> None:
        name = None if server_side else "localhost"
        self._socket = context.wrap_socket(self._socket, server_side=server_side, server_hostname=name)

    @property
    def certificate(self) -> bytes | None:
        """The peer's, DER."""
        return self._socket.getpeercert(binary_form=True) if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def tls(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self) -> tuple[int, bytes]:
        kind, length = struct.unpack("!Bi", self.exactly(5))
        return kind, self.exactly(length - 4)

    def receive_unframed(self) -> tuple[int, bytes]:
        """A packet of the time before log-in: its number and what follows."""
        length, number = struct.unpack("!ii", self.exactly(8))
        return number, self.exactly(length - 8)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def fault(attempt: Callable[[], object], kind: type[WireError]) -> Problem | None:
    """What went wrong, if it was that kind of fault; nothing, if nothing did; any other error is the test's."""
    try:
        attempt()
    except kind as error:
        return error.problem
    return None


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """Whole messages in a row."""
    found = []
    while data:
        kind, length = struct.unpack_from("!Bi", data)
        assert len(data) >= length + 1, "half a message"
        found.append((kind, data[5 : length + 1]))
        data = data[length + 1 :]
    return found
