"""The process: event loop, core, signals.

It starts everything in order and stops everything in order, and decides nothing. What answers an event
is in `proxy/brain.py`; what the rooms are given, in `proxy/house.py`.
"""

import asyncio
import logging
import os
import random
import secrets
import signal
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import uvloop

from config.errors import ConfigError
from config.loader import Loaded, load
from proxy import log
from proxy.admin.place import Ending
from proxy.house import Rooms, build
from proxy.native import Command, Core
from proxy.outside import Loop
from proxy.reload import warn
from proxy.sockets import BindError
from proxy.watch import EVERY, marks

logger = logging.getLogger(__name__)

TURN_EVERY = 0.02
"""With `carriers = 0`: how late a deadline may be noticed while nothing else happens."""
GRACE = 30.0
"""Seconds that connected clients have after SIGTERM before they are cut off. SIGINT, or a second one, cuts at once."""


class BadConfiguration(Exception):
    """The configuration cannot be used. The text is every problem, a line each."""


class CannotStart(Exception):
    """Something outside the configuration is in the way. The text says what."""


def run(path: Path, ready: Callable[[list[str]], None]) -> None:
    """Serve until told to stop. `ready` gets the addresses listened at."""
    try:
        loaded = load(path)
    except ConfigError as why:
        raise BadConfiguration(str(why)) from why
    log.configure(loaded.snapshot.log.level)
    warn(loaded.problems)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Process(path, loaded).serve(ready))


class _Process:
    """What lives as long as the process does."""

    def __init__(self, path: Path, loaded: Loaded) -> None:
        self._path = path
        self._snapshot = loaded.snapshot
        self._files = loaded.files
        limits = loaded.snapshot.limits
        self._carriers = limits.carrier_threads(len(os.sched_getaffinity(0)))
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._ending: Ending | None = None
        self._core = Core(
            self._carriers,
            max_clients=limits.max_clients,
            login_ms=limits.login.ms,
            max_statement=limits.max_statement,
            max_plans=limits.max_plans,
        )

    async def serve(self, ready: Callable[[list[str]], None]) -> None:
        loop = asyncio.get_running_loop()
        outside = Loop(self._apply)
        rooms = build(
            self._snapshot,
            partial(load, self._path),
            outside,
            self._core,
            nonce=secrets.token_bytes,
            chance=random.random,
            version=metadata.version("articdbm"),
            today=time.time,
            end=self._end,
            sockets_each=max(1, self._carriers),
        )
        try:
            # Before anybody can see that we are here, and send one that would still end the process.
            for number, call in (
                (signal.SIGHUP, lambda: self._apply(rooms.reloader.quietly())),
                (signal.SIGTERM, self._stop),
                (signal.SIGINT, self._stop_at_once),
            ):
                loop.add_signal_handler(number, call)
            listening = self._open(rooms)
            loop.add_reader(self._core.fileno(), self._drain, rooms)
            turning = self._turn_by_hand(loop)
            watching = asyncio.create_task(self._watch(rooms))
            ready(listening)
            await self._stopping.wait()
            await self._leave(rooms)
            watching.cancel()
            if turning is not None:
                turning.cancel()
        finally:
            await outside.close()
            loop.remove_reader(self._core.fileno())
            if not self._carriers:
                loop.remove_reader(self._core.epoll())
            self._core.stop()

    def _open(self, rooms: Rooms) -> list[str]:
        try:
            change = rooms.doors.prepare(self._snapshot)
        except (BindError, ValueError) as why:
            raise CannotStart(str(why)) from why
        listening = rooms.doors.adopt(change)
        self._apply([*rooms.pools.warm(self._snapshot), *change.commands])
        return listening

    def _apply(self, commands: list[Command]) -> None:
        if commands:
            self._core.apply(commands)

    def _drain(self, rooms: Rooms) -> None:
        commands: list[Command] = []
        for event in self._core.drain():
            commands += rooms.brain.handle(event)
        self._apply(commands)

    def _turn_by_hand(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
        if self._carriers:
            return None
        loop.add_reader(self._core.epoll(), self._core.turn)

        async def tick() -> None:
            while True:
                self._core.turn()
                await asyncio.sleep(TURN_EVERY)

        return asyncio.create_task(tick())

    async def _watch(self, rooms: Rooms) -> None:
        seen = marks(self._files)
        while True:
            await asyncio.sleep(EVERY)
            if marks(self._files) == seen:
                continue
            # Looked at before loading: what changes meanwhile shows the next time.
            seen = marks(self._files)
            if rooms.directory.snapshot.watch:
                log.note(logger, logging.INFO, "a file of the configuration changed")
                self._apply(rooms.reloader.quietly())
            if rooms.reloader.files and rooms.reloader.files != self._files:
                self._files = rooms.reloader.files
                seen = marks(self._files)

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._at_once.set()
        self._stopping.set()

    def _stop_at_once(self) -> None:
        self._at_once.set()
        self._stopping.set()

    def _end(self, how: Ending) -> None:
        """SHUTDOWN in the console. The second one is as a second signal."""
        self._ending = how
        if how == "now":
            self._stop_at_once()
        else:
            self._stop()

    def _staying(self) -> int:
        """Who is waited for at the end: clients (without consoles, where one ordered the end), or connections."""
        pools = self._core.pools()
        match self._ending:
            case "clients":
                return sum(one.clients_active + one.clients_waiting + one.clients_idle for one in pools)
            case "servers":
                return sum(one.servers_active + one.servers_idle for one in pools)
            case _:
                return self._core.figures().clients

    async def _leave(self, rooms: Rooms) -> None:
        """No new clients; those that are there may finish: for a while, or as long as the console's order says."""
        self._apply(rooms.doors.close())
        if (staying := self._staying()) and not self._at_once.is_set():
            log.note(logger, logging.INFO, "stopping when clients have left", clients=staying)
        deadline = asyncio.get_running_loop().time() + GRACE
        while self._staying() and not self._at_once.is_set():
            if self._ending is None and asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.05)
        log.note(logger, logging.INFO, "stopped")
