"""Tokens to log in to servers with: got from a command or a file, once for all who need one, and kept for a while.

No shell, no inherited standard input, a bound on time and on size. A token, and what a command says while failing, is
in no log and no error.
"""

import asyncio
import asyncio.subprocess
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

MOST_BYTES = 64 << 10


class NoToken(Exception):
    """There is none. The text says why, and holds nothing of what a command said."""


class TokenRule(msgspec.Struct, frozen=True):
    """How one is got."""

    command: tuple[str, ...]
    file: str
    lifetime: float
    """Seconds."""
    timeout: float

    @property
    def source(self) -> str:
        """For people. Not the arguments: they may hold a secret."""
        return f"command {self.command[0]}" if self.command else f"file {self.file}"

    def __repr__(self) -> str:
        return f"TokenRule({self.source})"


class Tokens:
    """Those got so far."""

    def __init__(self, now: Callable[[], float], get: "Get | None" = None) -> None:
        self._now = now
        self._get = get or obtain
        self._kept: dict[TokenRule, tuple[float, str]] = {}
        self._asked: dict[TokenRule, asyncio.Task[str]] = {}

    async def token(self, rule: TokenRule) -> tuple[str, bool]:
        """A token, and whether it is a new one. Raises NoToken."""
        since, kept = self._kept.get(rule, (0.0, ""))
        if kept and self._now() - since < rule.lifetime:
            return kept, False
        task = self._asked.get(rule)
        if task is None:
            task = asyncio.create_task(self._renew(rule))
            self._asked[rule] = task
            task.add_done_callback(partial(self._asked_for, rule))
        # Whoever waits no longer leaves the others their answer.
        return await asyncio.shield(task), True

    def _asked_for(self, rule: TokenRule, task: asyncio.Task[str]) -> None:
        self._asked.pop(rule, None)
        if not task.cancelled():
            # Looked at also where nobody waits any more: else the loop complains of it.
            task.exception()

    def forget(self, rule: TokenRule, token: str) -> None:
        """A server refused this one."""
        if self._kept.get(rule, (0.0, ""))[1] == token:
            del self._kept[rule]

    async def _renew(self, rule: TokenRule) -> str:
        self._kept.pop(rule, None)
        # Old from the moment it was asked for: that is when it may have been made.
        since = self._now()
        token = await self._get(rule)
        self._kept[rule] = (since, token)
        return token


Get = Callable[[TokenRule], Awaitable[str]]
"""`obtain`, or what a test puts in its place."""


async def obtain(rule: TokenRule) -> str:
    """Run the command or read the file."""
    try:
        async with asyncio.timeout(rule.timeout):
            data = await (_run(rule) if rule.command else asyncio.to_thread(_read, rule.file))
    except TimeoutError:
        raise NoToken(f"{rule.source} gave no token within {rule.timeout:g} s") from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "an error of the system"
        raise NoToken(f"{rule.source} gave no token: {why}") from None
    try:
        token = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        token = ""
    if not token or len(data) > MOST_BYTES or not token.isprintable():
        raise NoToken(f"{rule.source} gave something else than one line of text")
    return token


async def _run(rule: TokenRule) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *rule.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        data = b""
        while process.stdout is not None and len(data) <= MOST_BYTES:
            piece = await process.stdout.read(MOST_BYTES)
            if not piece:
                break
            data += piece
        if len(data) <= MOST_BYTES and await process.wait() != 0:
            raise NoToken(f"{rule.source} ended with status {process.returncode}")
        return data
    finally:
        # It, and whatever it started: a session of its own is a group of its own.
        if process.returncode is None:
            _kill(process.pid)
            await process.wait()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MOST_BYTES + 1)
