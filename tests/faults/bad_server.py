"""A PostgreSQL server that misbehaves as it is told: by the text of the statement, or already while it is logged in to.

Real servers cannot be made to do this. Its good behaviour is no more than what its clients need: every other
statement is answered with its own text.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from protocols.postgres import messages

Greet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Logs a client in; False: leave it at that, and hang up."""

KEY = messages.frame(b"K", struct.pack("!iI", 4711, 815))
WELCOME = (
    messages.authentication_ok()
    + b"".join(
        messages.parameter_status(name, value)
        for name, value in {
            "server_version": "15.0",
            "server_encoding": "UTF8",
            "client_encoding": "UTF8",
            "standard_conforming_strings": "on",
            "DateStyle": "ISO, MDY",
            "TimeZone": "UTC",
            "IntervalStyle": "postgres",
            "integer_datetimes": "on",
            "application_name": "",
            "is_superuser": "off",
            "session_authorization": "app",
        }.items()
    )
    + KEY
    + messages.ready()
)


async def politely(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(WELCOME)
    return True


def table(*rows: str) -> bytes:
    """A whole result up to its CommandComplete."""
    data = b"".join(messages.data_row([row]) for row in rows)
    return messages.row_description(["text"]) + data + messages.command_complete(f"SELECT {len(rows)}")


@dataclass
class BadServer:
    """Listens at `port`. `deeds` are what it answers to statements that name one: bytes, and whether it hangs up."""

    deeds: dict[str, tuple[bytes, bool]]
    greet: Greet = politely
    port: int = 0
    connections: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            (size,) = struct.unpack("!i", await reader.readexactly(4))
            startup = await reader.readexactly(size - 4)
            if startup[:4] == struct.pack("!i", 80877102):
                return
            if await self.greet(reader, writer):
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind = await reader.readexactly(1)
            (size,) = struct.unpack("!i", await reader.readexactly(4))
            body = await reader.readexactly(size - 4)
            if kind != b"Q":
                return
            text = body[:-1].decode()
            deed = next((deed for name, deed in self.deeds.items() if name in text), None)
            if deed is None:
                writer.write(table(text) + messages.ready())
            else:
                data, hangs_up = deed
                writer.write(data)
                await writer.drain()
                if hangs_up:
                    writer.close()
                    await writer.wait_closed()
                    return
