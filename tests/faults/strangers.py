"""Bytes sent to the proxy by somebody who is no client, and what that costs it."""

import asyncio
from pathlib import Path

from protocols.postgres import messages
from protocols.postgres.types import Problem
from tests.servers.proxy import Proxy

STARTUP = messages.startup({"user": "app", "database": "shop"})


async def talk(port: int, data: bytes, *, eof: bool = False) -> bytes:
    """Send it, and give everything that comes back until the proxy hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if eof:
            writer.write_eof()
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


def errors_in(data: bytes) -> list[Problem]:
    found, at = [], 0
    while at + 5 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 5], "big") + 1
        if data[at : at + 1] == b"E":
            found.append(messages.parse_error(data[at + 5 : at + size]))
        at += size
    return found


def resident(proxy: Proxy) -> int:
    """Bytes of memory the process holds."""
    pages = int(Path(f"/proc/{proxy.process.pid}/statm").read_text().split()[1])
    return pages * 4096
