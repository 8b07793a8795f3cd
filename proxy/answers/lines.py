"""Lines to stores: each is one end of a socket pair, with a thread at the other that answers as a server would.

So a store is to the core what a server is: pools, deadlines, cancel requests, statistics and everything a plan says
hold for it as they are. A thread is blocked where a server's process would be: it waits for its peer to read, never
the loop. It owns the stores that are open; what is said over a line is `conversation.py`'s.
"""

import asyncio
import hmac
import itertools
import logging
import secrets
import select
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.address import Address
from protocols.postgres import messages
from protocols.postgres.types import Problem
from proxy import dial
from proxy.answers.executor import Executor, Store, StoreError
from proxy.log import note

if TYPE_CHECKING:
    from proxy.answers.conversation import Conversation

logger = logging.getLogger(__name__)

LOOKS = 0.25
"""Seconds between two looks whether a COPY that gets no rows was cancelled."""
LONGEST = 64 << 20
"""Bytes of one message: of a parameter, say."""
GREETED = 10.0
"""Seconds for the startup message."""
SCHEME = "sqlite!"
"""How the address of a file begins inside the house; nobody can write it in a configuration."""


def place(path: Path) -> Address:
    """The address by which a cluster's file is known."""
    return Address(SCHEME + str(path), 1)


def is_store(address: Address | str) -> bool:
    return str(address).lstrip("[").startswith(SCHEME)


class StoreLines:
    """Every store of the process, and who talks with it."""

    def __init__(self) -> None:
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()
        self._running: dict[int, tuple[bytes, Executor]] = {}
        self._numbers = itertools.count(1)

    async def connect(
        self,
        address: Address,
        *,
        ask_tls: bool,
        needs_tls: bool,
        seconds: float,
        other: dial.Connect,
        **more: Any,
    ) -> dial.Line:
        """A line to the store at `address`, or what `other` makes of it."""
        if not is_store(address):
            return await other(address, ask_tls=ask_tls, needs_tls=needs_tls, seconds=seconds, **more)
        path = address.host.removeprefix(SCHEME)
        try:
            store = await asyncio.get_running_loop().run_in_executor(None, self._open, path)
        except StoreError as why:
            raise dial.Unreachable(why.message) from why
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        threading.Thread(target=self._serve, args=(ours, store), name="store").start()
        return dial.Line(fd=theirs.detach(), address=address, tls=False)

    def cancel(self, pid: int, secret: bytes) -> None:
        """Stop what runs there, if this is its key."""
        found = self._running.get(pid)
        if found is not None and hmac.compare_digest(found[0], secret):
            found[1].cancel()

    def close(self) -> None:
        """What runs is stopped; the lines end with the core's, and their threads with them."""
        for _, executor in list(self._running.values()):
            executor.cancel()
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()

    def _open(self, path: str) -> Store:
        from proxy.answers import sqlite  # noqa: PLC0415 - a process without a store never loads it

        with self._lock:
            if path not in self._stores:
                self._stores[path] = sqlite.Database(Path(path))
            return self._stores[path]

    # --- on the line's own thread ----------------------------------------------------------------

    def _serve(self, line: socket.socket, store: Store) -> None:
        from proxy.answers.conversation import Conversation  # noqa: PLC0415 - as the store

        number, secret = next(self._numbers), secrets.token_bytes(4)
        executor: Executor | None = None
        try:
            with line:
                line.settimeout(GREETED)
                asked = _startup(line)
                line.settimeout(None)
                try:
                    executor = store.open(asked.pop("user", ""), asked)
                except StoreError as why:
                    line.sendall(
                        messages.error(Problem("FATAL", why.code, why.message, why.detail, why.hint))
                    )
                    return
                self._running[number] = (secret, executor)
                conversation = Conversation(executor)
                line.sendall(conversation.greeting(executor.reported(), number, secret))
                _talk(line, conversation)
        except (OSError, EOFError):
            pass  # the pool closed it
        except Exception:
            logger.exception("a defect: a line to a store ended")
        finally:
            self._running.pop(number, None)
            if executor is not None:
                with suppress(Exception):
                    executor.close()


def _talk(line: socket.socket, conversation: "Conversation") -> None:
    buffer = bytearray()
    out = bytearray()
    while True:
        while len(buffer) < 5 or len(buffer) < 1 + struct.unpack_from("!I", buffer, 1)[0]:
            if out:
                line.sendall(out)
                out.clear()
            while conversation.waits and not select.select([line], [], [], LOOKS)[0]:
                line.sendall(conversation.look())
            _more(line, buffer)
        (length,) = struct.unpack_from("!I", buffer, 1)
        if not 4 <= length <= LONGEST:
            line.sendall(
                messages.error(Problem("FATAL", "54000", f"a message is longer than {LONGEST} bytes"))
            )
            return
        kind, body = bytes(buffer[:1]), bytes(buffer[5 : 1 + length])
        del buffer[: 1 + length]
        if kind == b"X":
            return
        try:
            for piece in conversation.hear(kind, body):
                out += piece
                if len(out) > 65_536:
                    line.sendall(out)
                    out.clear()
        except Exception as error:
            if isinstance(error, OSError):
                raise
            note(logger, logging.ERROR, "a defect: a store failed on a statement", error=type(error).__name__)
            logger.debug("its trace", exc_info=True)
            out += conversation.defect(kind)
        if conversation.over:
            line.sendall(out)
            return


def _more(line: socket.socket, buffer: bytearray) -> None:
    data = line.recv(65_536)
    if not data:
        raise EOFError
    buffer += data


def _startup(line: socket.socket) -> dict[str, str]:
    buffer = bytearray()
    while len(buffer) < 4 or len(buffer) < struct.unpack_from("!I", buffer)[0]:
        _more(line, buffer)
    return messages.parse_startup(bytes(buffer[8:]))
