"""A very small HTTP server: a fixed table of pages for GET and HEAD, one answer a connection, everything bounded.

It knows nothing of what the pages say. It is for monitoring, on a listener of its own, and must never be able to hold
up the process it tells of.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

import msgspec

logger = logging.getLogger(__name__)

HEAD = 8 * 1024
"""The longest request that is read; bodies never are."""
SECONDS = 5.0
"""For a whole connection."""
CALLERS = 32
"""Connections at a time; one more is hung up on."""


class Answer(msgspec.Struct, frozen=True):
    """A page."""

    text: str
    status: int = 200
    kind: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Answer]]
_WORDS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error",
    503: "Service Unavailable",
}  # fmt: skip


class Server:
    """Serves `pages` on listening sockets until closed."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._callers = 0
        self._servers: list[asyncio.Server] = []

    async def open(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            one = socket.socket(fileno=os.dup(descriptor))
            self._servers.append(await asyncio.start_server(self._serve, sock=one, limit=HEAD))

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self._servers = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._callers >= CALLERS:
            writer.close()
            return
        self._callers += 1
        try:
            async with asyncio.timeout(SECONDS):
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._callers -= 1
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        words = request.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _bytes(Answer("this is not an HTTP request\n", 400))
        page = self._pages.get(words[1].partition("?")[0])
        if words[0] not in ("GET", "HEAD"):
            return _bytes(Answer("only GET and HEAD\n", 405), more="Allow: GET, HEAD\r\n")
        if page is None:
            return _bytes(Answer("there are: " + " ".join(self._pages) + "\n", 404))
        try:
            answer = page()
        except Exception:
            logger.exception("a defect: a page of the metrics listener failed")
            answer = Answer("internal error; see the log\n", 500)
        return _bytes(answer, bare=words[0] == "HEAD")


def _bytes(answer: Answer, *, bare: bool = False, more: str = "") -> bytes:
    body = answer.text.encode()
    head = (
        f"HTTP/1.1 {answer.status} {_WORDS[answer.status]}\r\nContent-Type: {answer.kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if bare else body)
