"""A question of the proxy's own to a server: what start settings make of a connection, or what proves a user.

It goes through the core as a client's statement would, waits in the pool's queue as one, and leaves nothing behind on
the connection it was asked on. It knows the text of the question and how an answer is read, not who waits for it.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from protocols.postgres import messages
from protocols.postgres.errors import Known, UpstreamError, problem, server_broke
from protocols.postgres.session import literal, setting_sql
from protocols.postgres.types import Problem
from proxy.profiles import Outcome, Settings

MOST_BYTES = messages.MAX_LOGIN_REPLY
"""Of an answer, in all: it is a row of settings."""
LIMITS = frozenset({"statement_timeout", "transaction_timeout"})
"""Tried last, so that they do not cut short the reading of the others."""

MOST_ROWS = 2
"""Of an answer about one user: a second row already is one too many."""

Row = list[str | None]
Ask = Callable[[socket.socket, bytes, float], Awaitable[Row | Problem]]
"""`ask`, or what a test puts in its place."""


def question(settings: Settings, own: Mapping[str, str]) -> bytes:
    """The statement that tries `settings` and reads what a pool's connections report, in `own`'s order.

    Several statements in one Query are one transaction: SET LOCAL ends with it, and an error ends it. Raises PeerError.
    """
    sets = {name: "SET LOCAL" + setting_sql(name, value).removeprefix("SET") for name, value in settings}
    # Qualified: one of the settings may be search_path.
    read = ", ".join(f"pg_catalog.current_setting({literal(name)}, true)" for name in own)
    first = [sql for name, sql in sets.items() if name not in LIMITS]
    last = [sql for name, sql in sets.items() if name in LIMITS]
    return "; ".join([*first, f"SELECT {read}", *last]).encode()


def reported(own: Mapping[str, str], row: list[str | None]) -> Outcome:
    """What a connection reports under the settings, by the answer to `question`."""
    if len(row) != len(own):
        return problem(Known.SERVER_PROTOCOL, what="the row has another number of columns than was asked for")
    return {name: own[name] if value is None else value for name, value in zip(own, row, strict=True)}


LookUp = Callable[[socket.socket, str, str, float], Awaitable[list[Row] | Problem]]
"""`look_up`, or what a test puts in its place."""


async def ask(line: socket.socket, text: bytes, seconds: float) -> Row | Problem:
    """Send one Query and give the last row of its answer, or what is wrong. `line` is closed in the end."""
    answer = await _asked(line, messages.frame(b"Q", text + b"\0"), seconds)
    if isinstance(answer, Problem):
        return answer
    return (
        answer[-1] if answer else problem(Known.SERVER_PROTOCOL, what="settings were tried and no row came")
    )


async def look_up(line: socket.socket, text: str, value: str, seconds: float) -> list[Row] | Problem:
    """Send one statement with `value` as its parameter, and give the rows or what is wrong. `line` is closed."""
    given = value.encode("utf-8", "surrogateescape")
    said = (
        messages.frame(b"P", b"\0" + text.encode() + b"\0" + struct.pack("!h", 0))
        + messages.frame(b"B", struct.pack("!2xhhi", 0, 1, len(given)) + given + struct.pack("!h", 0))
        + messages.frame(b"E", b"\0" + struct.pack("!i", MOST_ROWS))
        + messages.frame(b"S", b"")
    )
    return await _asked(line, said, seconds)


Rows = Callable[[socket.socket, bytes, float, int], Awaitable[list[Row] | Problem]]
"""`rows`, or what a test puts in its place."""


async def rows(line: socket.socket, text: bytes, seconds: float, most_bytes: int) -> list[Row] | Problem:
    """Send one Query and give all rows of its answer, or what is wrong. `line` is closed in the end."""
    return await _asked(line, messages.frame(b"Q", text + b"\0"), seconds, most_bytes)


async def _asked(
    line: socket.socket, said: bytes, seconds: float, most_bytes: int = MOST_BYTES
) -> list[Row] | Problem:
    try:
        with line:
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_sendall(line, said)
                return await _answer(line, most_bytes)
    except TimeoutError:
        return problem(Known.POOL_WAIT_TIMEOUT)
    except UpstreamError as error:
        return error.problem
    except (OSError, EOFError):
        return problem(Known.SERVER_DOWN, what="the connection ended while a question was asked on it")


async def _answer(line: socket.socket, room: int) -> list[Row] | Problem:
    """Read up to ReadyForQuery: whoever leaves before is taken for one who gives up."""
    rows: list[Row] = []
    outcome: Problem | None = None
    while True:
        try:
            kind, length = struct.unpack("!ci", await _exactly(line, 5))
        except EOFError:
            if outcome is None:
                raise
            return outcome  # a fatal one
        room -= length
        if length < 4 or room < 0:
            raise server_broke("the answer to a question has an impossible length")
        body = await _exactly(line, length - 4)
        match kind:
            case b"E":
                outcome = messages.parse_error(body)
            case b"D":
                rows.append(messages.parse_data_row(body))
            case b"Z":
                return rows if outcome is None else outcome
            case _:
                pass  # the frame around the row, and notices


async def _exactly(line: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        piece = await asyncio.get_running_loop().sock_recv(line, count - len(read))
        if not piece:
            raise EOFError
        read += piece
    return read
