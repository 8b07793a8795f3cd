"""From an old process to a new one: the listening sockets, over a Unix socket in a private directory.

The new one asks, gets every socket (SCM_RIGHTS), and says when clients can connect to it; only then does the old one
stop accepting. Whatever goes wrong before that changes nothing for the old one. It knows descriptors and their names;
what a process does when it is relieved is `proxy/app.py`'s.

Each message is a line of JSON:

    articdbm upgrade → old   {"want": "upgrade", "python": "/…/python3"}
    old → articdbm upgrade   {"done": true, "pid": 4711}    or {"done": false, "why": "…"}
    new → old                {"want": "sockets"}
    old → new                {"sockets": ["127.0.0.1:6432", …], "more": false}   with as many descriptors
    new → old                {"ready": 4711}
    old → new                {"yours": true, "cancels": ["…"]}     sockets where cancel requests for older clients go
"""

import array
import asyncio
import contextlib
import json
import logging
import os
import socket
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from proxy.log import note

logger = logging.getLogger(__name__)

NAME = "articdbm.sock"
PRIVATE = 0o700
LINE = 64 * 1024
"""The longest message."""
AT_ONCE = 100
"""Descriptors in one message; the kernel takes 253."""
CALLERS = 4
"""Connections at a time; one more is hung up on."""
PATIENCE = 10.0
"""Seconds for what the other side answers without having to do anything for it."""

Named = tuple[str, int]


class HandoverError(Exception):
    """It did not come to that. The text says what was in the way, and what to do."""


class Old(Protocol):
    """The process that may be relieved."""

    def sockets(self) -> list[Named]:
        """Every listening socket, by the address it was made for."""
        ...

    def relieved(self) -> list[str]:
        """Another accepts clients now: stop accepting. The names of sockets for cancel requests."""
        ...

    async def upgrade(self, python: str, relieved: asyncio.Event) -> int:
        """Start a successor with this interpreter and wait for it to take over; its number. Raises HandoverError."""
        ...


# --- the private directory -----------------------------------------------------------------------


@contextlib.contextmanager
def private(directory: Path) -> Iterator[Path]:
    """The directory, under a name that stays the same whatever is renamed, and is short enough for a socket."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise HandoverError(f"cannot use {directory} as upgrade.directory: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        # Root may speak with anybody's process; it is the process that must not be cheated.
        ours = os.geteuid() == 0 or found.st_uid in (os.geteuid(), 0)
        if not ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise HandoverError(
                f"{directory} is not private: whoever enters it could take the clients over. It must belong to the "
                f"user of the process and be closed to others: chmod 700 {directory}"
            )
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


# --- the old process -----------------------------------------------------------------------------


class Station:
    """Waits for a successor, and for the command that starts one."""

    def __init__(self, directory: Path, old: Old) -> None:
        self.directory = directory
        self._old = old
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._relieved = asyncio.Event()
        self._upgrading = False
        self._serving = False
        self._cancels = f"{NAME}.{os.getpid()}.cancel"
        self._socket = self._bind(NAME)
        self._mark = self._inode()
        self._loop.add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Hear nobody any more. The file is removed unless a successor has put its own in place."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        if self._inode() == self._mark:
            (self.directory / NAME).unlink(missing_ok=True)
        (self.directory / self._cancels).unlink(missing_ok=True)

    def for_cancels(self) -> tuple[str, int]:
        """A socket of our own, where a successor sends cancel requests on: its name, and the descriptor."""
        return self._cancels, self._bind(self._cancels).detach()

    def _bind(self, name: str) -> socket.socket:
        with contextlib.suppress(FileExistsError):
            try:
                self.directory.mkdir(PRIVATE, parents=True)
            except FileExistsError:
                raise
            except OSError as error:
                raise HandoverError(
                    f"cannot make {self.directory} (upgrade.directory): {error.strerror}"
                ) from error
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            with private(self.directory) as place:
                # In two steps, so that there is never a moment without a socket, nor one that is not listened at.
                fresh = place / f"{name}.{os.getpid()}"
                fresh.unlink(missing_ok=True)
                one.bind(str(fresh))
                fresh.chmod(0o600)
                one.listen(CALLERS)
                fresh.rename(place / name)
        except OSError as error:
            one.close()
            raise HandoverError(f"cannot listen in {self.directory}: {error.strerror}") from error
        except BaseException:
            one.close()
            raise
        return one

    def _inode(self) -> int:
        try:
            return (self.directory / NAME).stat().st_ino
        except OSError:
            return 0

    def _accept(self) -> None:
        try:
            peer, _ = self._socket.accept()
        except OSError:
            return
        peer.setblocking(False)
        if len(self._tasks) >= CALLERS or _user_of(peer) not in (os.geteuid(), 0):
            peer.close()
            return
        task = self._loop.create_task(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: socket.socket) -> None:
        with peer:
            try:
                said = await _hear(peer, PATIENCE)
                match said.get("want"):
                    case "sockets":
                        await self._hand_over(peer)
                    case "upgrade":
                        await self._upgrade(peer, str(said.get("python", "")))
                    case _:
                        raise HandoverError("it asked for what there is not")
            except (HandoverError, OSError) as why:
                note(logger, logging.WARNING, "a caller on the upgrade socket failed", reason=str(why))

    async def _upgrade(self, peer: socket.socket, python: str) -> None:
        if self._upgrading:
            return await _say(peer, {"done": False, "why": "another upgrade is under way"})
        self._upgrading = True
        try:
            number = await self._old.upgrade(python, self._relieved)
        except HandoverError as why:
            note(logger, logging.ERROR, "the upgrade failed, this process goes on", reason=str(why))
            return await _say(peer, {"done": False, "why": str(why)})
        finally:
            self._upgrading = False
        return await _say(peer, {"done": True, "pid": number})

    async def _hand_over(self, peer: socket.socket) -> None:
        if self._serving:
            raise HandoverError("another process is just taking over")
        self._serving = True
        try:
            named = self._old.sockets()
            for at in range(0, max(1, len(named)), AT_ONCE):
                part, more = named[at : at + AT_ONCE], at + AT_ONCE < len(named)
                line = {"sockets": [name for name, _ in part], "more": more}
                socket.send_fds(peer, [_line(line)], [one for _, one in part])
                # One at a time: descriptors of two messages would come together.
                if more and (await _hear(peer, PATIENCE)).get("got") is None:
                    raise HandoverError("it did not take the sockets")
            # As long as it takes: who is not ready is given up by whoever started it.
            ready = await _hear(peer, None)
            if not isinstance(ready.get("ready"), int):
                raise HandoverError("the successor did not say that it is ready")
            note(logger, logging.INFO, "another process has taken over", pid=ready["ready"])
            names = self._old.relieved()
            self._relieved.set()
            await _say(peer, {"yours": True, "cancels": names})
        finally:
            self._serving = False


def _user_of(peer: socket.socket) -> int:
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user)


# --- the new process, and the command ------------------------------------------------------------


class Relief:
    """The new process's end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._socket = _connect(directory, PATIENCE)
        self.sockets: list[Named] = []
        """What the old process listened at."""
        try:
            self._socket.sendall(_line({"want": "sockets"}))
            while self._receive():
                self._socket.sendall(_line({"got": len(self.sockets)}))
        except OSError as error:
            raise HandoverError(f"the old process hung up: {error.strerror or error}") from error

    def _receive(self) -> bool:
        data, descriptors = b"", array.array("i")
        while not data.endswith(b"\n"):
            part, found, flags, _ = socket.recv_fds(self._socket, LINE, AT_ONCE)
            descriptors.extend(found)
            data += part
            if not part or flags & socket.MSG_CTRUNC or len(data) > LINE:
                for one in descriptors:
                    os.close(one)
                raise HandoverError("the old process hung up, or sent sockets we cannot take; see its log")
        said = json.loads(data)
        for one in descriptors:
            os.set_inheritable(one, False)
        self.sockets += zip(said["sockets"], descriptors, strict=True)
        return bool(said["more"])

    def ready(self) -> list[str]:
        """Clients can connect to us: the old one may stop. Its silence then changes nothing for them. The names of
        sockets for cancel requests."""
        with self._socket:
            try:
                self._socket.sendall(_line({"ready": os.getpid()}))
                said = json.loads(self._socket.recv(LINE) or b"{}")
            except (OSError, ValueError) as error:
                note(logger, logging.WARNING, "the old process said nothing more", reason=str(error))
                return []
        # Names in the directory, and nothing that leads out of it.
        return [str(name) for name in said.get("cancels", []) if "/" not in str(name)]


def order(directory: Path, python: str, seconds: float) -> int:
    """Have the process that waits in `directory` start its successor. The successor's number, or HandoverError."""
    with _connect(directory, seconds) as one:
        try:
            one.sendall(_line({"want": "upgrade", "python": python}))
            data = b""
            while not data.endswith(b"\n"):
                part = one.recv(LINE)
                if not part or len(data) > LINE:
                    raise HandoverError("the process hung up; see its log")
                data += part
        except TimeoutError as error:
            raise HandoverError(f"no answer within {seconds:g} s; see the log of the process") from error
        except OSError as error:
            raise HandoverError(f"the process hung up: {error.strerror}") from error
    said = json.loads(data)
    if not said.get("done"):
        raise HandoverError(str(said.get("why", "the process refused")))
    return int(said["pid"])


def _connect(directory: Path, seconds: float) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    one.settimeout(seconds)
    try:
        with private(directory) as place:
            one.connect(str(place / NAME))
    except OSError as error:
        one.close()
        raise HandoverError(
            f"no process waits for a successor in {directory} ({error.strerror}); is one running with this "
            "upgrade.directory?"
        ) from error
    except BaseException:
        one.close()
        raise
    return one


# --- lines ---------------------------------------------------------------------------------------


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"


async def _say(peer: socket.socket, said: dict[str, Any]) -> None:
    await asyncio.get_running_loop().sock_sendall(peer, _line(said))


async def _hear(peer: socket.socket, seconds: float | None) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    data = b""
    try:
        async with asyncio.timeout(seconds):
            while not data.endswith(b"\n"):
                part = await loop.sock_recv(peer, LINE)
                if not part:
                    raise HandoverError("it hung up")
                data += part
                if len(data) > LINE:
                    raise HandoverError("it said too much")
        said = json.loads(data)
    except TimeoutError as error:
        raise HandoverError("it said nothing") from error
    except (ValueError, RecursionError) as error:
        raise HandoverError("it said what cannot be read") from error
    if not isinstance(said, dict):
        raise HandoverError("it said what cannot be read")
    return said


async def start_successor(
    command: Sequence[str], environment: dict[str, str], relieved: asyncio.Event, seconds: float
) -> int:
    """Run `command` and wait until it has relieved us; its number. It does not outlive a failure."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise HandoverError(f"cannot run {command[0]}: {error.strerror}") from error
    ended, done = asyncio.ensure_future(process.wait()), asyncio.ensure_future(relieved.wait())
    try:
        await asyncio.wait((ended, done), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if relieved.is_set():
            return process.pid
        if ended.done():
            raise HandoverError(
                f"the new process ended with status {ended.result()} before it was ready; its words are in the log"
            )
        process.kill()
        await process.wait()
        raise HandoverError(
            f"the new process was not ready within {seconds:g} s (upgrade.ready) and was ended"
        )
    finally:
        ended.cancel()
        done.cancel()
