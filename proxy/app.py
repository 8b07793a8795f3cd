"""The process: event loop, core, signals, and its beginning and end.

It starts everything in order and stops everything in order, and decides nothing. What answers an event
is in `proxy/brain.py`; what the rooms are given, in `proxy/house.py`; how a successor takes over, in
`proxy/handover.py`.
"""

import asyncio
import contextlib
import enum
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
from plugins.registry import Registry
from proxy import handover, liveness, log, monitoring, notify, sockets
from proxy.admin.place import Ending
from proxy.garbage import settle
from proxy.handover import HandoverError, Relief, Station
from proxy.house import Rooms, build
from proxy.native import Command, Core, Drain, Listen, TellStrays
from proxy.outside import Loop
from proxy.pages import Server
from proxy.planner import guard
from proxy.reload import slow_after, warn
from proxy.sockets import BindError
from proxy.watch import EVERY, Mark, marks

logger = logging.getLogger(__name__)

TURN_EVERY = 0.02
"""With `carriers = 0`: how late a deadline may be noticed while nothing else happens."""
NO_LISTENER = 0
"""Nobody logs in there: for cancel requests alone."""
LAST_WORDS = 2.0
"""Seconds that clients who are told to go have to take it in."""
SETTLING = 1.0
"""Seconds after which no client that was accepted before we were relieved can still be unknown."""
LOOK = 0.05


class BadConfiguration(Exception):
    """The configuration cannot be used. The text is every problem, a line each."""


class CannotStart(Exception):
    """Something outside the configuration is in the way. The text says what."""


class Phase(enum.IntEnum):
    """How far the process is. It only ever goes forward."""

    SERVING = 0
    RELIEVED = 1
    """Another has the listeners; who is here stays until it leaves by itself."""
    DRAINING = 2
    """Nothing new begins."""
    ENDING = 3
    GONE = 4


def run(
    path: Path,
    ready: Callable[[list[str]], None],
    take_over: Path | None = None,
    registry: Registry | None = None,
) -> None:
    """Serve until told to stop. `ready` gets the addresses listened at; `take_over` is where an old process waits;
    `registry`: where plugins are found."""
    try:
        registry = registry if registry is not None else Registry()
        loaded = load(path, plugins=registry)
    except ConfigError as why:
        raise BadConfiguration(str(why)) from why
    log.configure(loaded.snapshot.log.level)
    warn(loaded.problems)
    activated = notify.activated(os.environ)
    try:
        relief = Relief(take_over) if take_over is not None else None
    except HandoverError as why:
        raise CannotStart(str(why)) from why
    given = sockets.Given([("", one) for one in activated] + (relief.sockets if relief is not None else []))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Process(path, loaded, given, relief, registry).serve(ready))


class _Process:
    """What lives as long as the process does."""

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        given: sockets.Given,
        relief: Relief | None,
        registry: Registry,
    ) -> None:
        self._registry = registry
        self._path = path
        self._snapshot = loaded.snapshot
        self._files = loaded.files
        self._given = given
        self._relief = relief
        limits = loaded.snapshot.limits
        self._carriers = limits.carrier_threads(len(os.sched_getaffinity(0)))
        self._phase = Phase.SERVING
        self._ending: Ending | None = None
        """What the console ordered to be waited for."""
        self._succeeded = False
        """The listeners, the watchdog and the name of the service are another process's now."""
        self._moved = asyncio.Event()
        self._notifier = notify.Notifier(os.environ)
        self._version = metadata.version("articdbm")
        self._core = Core(
            self._carriers,
            max_clients=limits.max_clients,
            login_ms=limits.login.ms,
            max_statement=limits.max_statement,
            max_plans=limits.max_plans,
        )
        self._liveness = liveness.Liveness(self._core.pulse)
        self._monitored: list[int] = []
        self._pages = Server(
            monitoring.pages(self._version, self._core, self._liveness, self._is_serving, lambda: self._rooms)
        )
        self._station: Station | None = None

    async def serve(self, ready: Callable[[list[str]], None]) -> None:
        loop = asyncio.get_running_loop()
        outside = Loop(self._apply)
        self._rooms = rooms = build(
            self._snapshot,
            partial(load, self._path, plugins=self._registry),
            outside,
            self._core,
            nonce=secrets.token_bytes,
            chance=random.random,
            version=self._version,
            today=time.time,
            end=self._end,
            sockets_each=max(1, self._carriers),
            given=self._given,
            registry=self._registry,
        )
        beside: list[asyncio.Task[None]] = []
        try:
            # Before anybody can see that we are here, and send one that would still end the process.
            for number, call in (
                (signal.SIGHUP, self._reload),
                (signal.SIGTERM, self._stop),
                (signal.SIGINT, partial(self._move, Phase.ENDING)),
            ):
                loop.add_signal_handler(number, call)
            listening = self._open(rooms)
            loop.add_reader(self._core.fileno(), self._drain, rooms)
            beside += self._turn_by_hand(loop)
            beside += [
                asyncio.create_task(self._watch(rooms, marks(self._files))),
                asyncio.create_task(self._live()),
            ]
            await self._pages.open(self._monitored)
            settle()
            ready(listening)
            self._stand_by()
            self._notifier.say("READY=1", f"MAINPID={os.getpid()}", "STATUS=serving")
            await self._leave(rooms)
        finally:
            for task in beside:
                task.cancel()
            self._pages.close()
            if self._station is not None:
                self._station.close()
            await outside.close()
            loop.remove_reader(self._core.fileno())
            if not self._carriers:
                loop.remove_reader(self._core.epoll())
            self._core.stop()
            rooms.stores.close()

    def _open(self, rooms: Rooms) -> list[str]:
        monitoring = self._snapshot.metrics.address
        try:
            if monitoring is not None:
                self._monitored = sockets.bind(monitoring, 1, self._given)
            change = rooms.doors.prepare(self._snapshot)
        except (BindError, ValueError) as why:
            raise CannotStart(str(why)) from why
        for name in self._given.left():
            note = "a socket that no listener of the configuration asks for was closed"
            log.note(logger, logging.WARNING, note, address=name)
        listening = rooms.doors.adopt(change)
        if monitoring is not None:
            port = sockets.port_of(self._monitored[0])
            log.note(logger, logging.INFO, "metrics are served", address=monitoring.host, port=port)
        slow = slow_after(self._snapshot.log)
        self._apply(
            [
                *rooms.health.begin(),
                *rooms.observing.begin(),
                *rooms.names.begin(),
                slow,
                guard(rooms.planner.chain),
                *rooms.pools.warm(self._snapshot),
                *change.commands,
            ]
        )
        return listening

    def _apply(self, commands: list[Command]) -> None:
        if commands:
            self._core.apply(commands)

    def _drain(self, rooms: Rooms) -> None:
        commands: list[Command] = []
        for event in self._core.drain():
            commands += rooms.brain.handle(event)
        self._apply(commands)

    def _turn_by_hand(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[None]]:
        if self._carriers:
            return []
        loop.add_reader(self._core.epoll(), self._core.turn)

        async def tick() -> None:
            while True:
                self._core.turn()
                await asyncio.sleep(TURN_EVERY)

        return [asyncio.create_task(tick())]

    def _reload(self) -> None:
        if self._phase is Phase.SERVING:
            self._apply(self._rooms.reloader.quietly())

    async def _watch(self, rooms: Rooms, seen: tuple[Mark, ...]) -> None:
        """`seen`: the files as they were before anybody knew that we are here."""
        while True:
            await asyncio.sleep(EVERY)
            if marks(self._files) == seen or self._phase is not Phase.SERVING:
                continue
            # Looked at before loading: what changes meanwhile shows the next time.
            seen = marks(self._files)
            if rooms.directory.snapshot.watch:
                log.note(logger, logging.INFO, "a file of the configuration changed")
                self._apply(rooms.reloader.quietly())
            if rooms.reloader.files and rooms.reloader.files != self._files:
                self._files = rooms.reloader.files
                seen = marks(self._files)

    # --- what others are told --------------------------------------------------------------------

    async def _live(self) -> None:
        """Signs of life, for as long as there is life in every thread."""
        # Twice as often as asked for, as sd_watchdog_enabled(3) recommends.
        every = min(liveness.EVERY, self._notifier.watchdog / 2 or liveness.EVERY)
        told: list[int] = []
        while True:
            self._liveness.look()
            stuck = self._liveness.stuck
            if stuck != told:
                log.note(logger, logging.ERROR, "carrier threads that are stuck", carriers=str(stuck))
                told = stuck
            if self._notifier.watchdog and not stuck and not self._succeeded:
                self._notifier.say("WATCHDOG=1")
            await asyncio.sleep(every)

    def _is_serving(self) -> bool:
        return self._phase is Phase.SERVING

    # --- a successor (handover.Old) --------------------------------------------------------------

    def _stand_by(self) -> None:
        """Ready ourselves: relieve the one before us, and wait for the one after us."""
        if self._relief is not None:
            strays = self._rooms.strays
            strays.directory, strays.names = self._relief.directory, self._relief.ready()
            self._apply([TellStrays()])
        directory = self._snapshot.upgrade.directory
        if directory is None and "RUNTIME_DIRECTORY" in os.environ:
            directory = Path(os.environ["RUNTIME_DIRECTORY"].partition(":")[0])
        if directory is None:
            return
        try:
            self._station = Station(directory.absolute(), self)
        except HandoverError as why:
            log.note(logger, logging.ERROR, "no successor will be able to take over", reason=str(why))

    def sockets(self) -> list[handover.Named]:
        named = self._rooms.doors.sockets()
        return named + [(str(self._snapshot.metrics.address), one) for one in self._monitored]

    def relieved(self) -> list[str]:
        self._apply(self._rooms.doors.leave())
        names: list[str] = []
        if self._station is not None:
            names = [name for name in self._rooms.strays.names if (self._station.directory / name).exists()]
            try:
                name, descriptor = self._station.for_cancels()
            except HandoverError as why:
                what = "statements of clients that stay here cannot be cancelled"
                log.note(logger, logging.WARNING, what, reason=str(why))
            else:
                self._apply([Listen(NO_LISTENER, [descriptor])])
                names.append(name)
        self._pages.close()
        sockets.close(self._monitored)
        self._monitored = []
        self._succeeded = True
        self._move(Phase.RELIEVED)
        return names

    async def upgrade(self, python: str, relieved: asyncio.Event) -> int:
        if self._phase is not Phase.SERVING:
            raise HandoverError("this process is stopping")
        directory = self._station.directory if self._station is not None else Path()
        command = [python, "-P", "-m", "articdbm", "serve", "--config", str(self._path.absolute())]
        command += ["--take-over", str(directory)]
        log.note(logger, logging.INFO, "starting a successor", python=python)
        seconds = self._rooms.directory.snapshot.upgrade.ready.seconds
        return await handover.start_successor(command, notify.for_successor(os.environ), relieved, seconds)

    # --- the end ---------------------------------------------------------------------------------

    def _stop(self) -> None:
        """SIGTERM: finish; a second one: do not."""
        self._move(Phase.ENDING if self._phase is Phase.DRAINING else Phase.DRAINING)

    def _move(self, to: Phase) -> None:
        if to > self._phase:
            self._phase = to
            self._moved.set()

    def _end(self, how: Ending) -> None:
        """SHUTDOWN in the console. The second one is as a second signal."""
        if how == "now":
            self._move(Phase.ENDING)
            return
        if self._phase < Phase.DRAINING:
            self._ending = how
        self._stop()

    def _staying(self) -> int:
        """Whom the console's order waits for: clients (without consoles), or connections."""
        if self._ending == "clients":
            return self._clients()
        return sum(one.servers_active + one.servers_idle for one in self._core.pools())

    async def _leave(self, rooms: Rooms) -> None:
        """Serve, then end phase by phase; each is bounded unless the console ordered otherwise, and every signal may
        skip some."""
        await self._until(Phase.RELIEVED)
        limits = rooms.directory.snapshot
        if self._succeeded:
            log.note(
                logger, logging.INFO, "relieved; clients may stay until they leave", clients=self._clients()
            )
            await self._until(Phase.DRAINING, min(SETTLING, limits.upgrade.drain.seconds))
            await self._until(Phase.DRAINING, limits.upgrade.drain.seconds, self._connected)
        else:
            if self._ending is None:
                rooms.doors.refuse()
            else:
                self._apply(rooms.doors.close())
            self._notifier.say("STOPPING=1", "STATUS=finishing what is under way")
        self._move(Phase.DRAINING)
        if self._phase is Phase.DRAINING and self._ending is not None:
            log.note(logger, logging.INFO, "stopping when clients have left", clients=self._staying())
            await self._until(Phase.ENDING, None, self._staying)
        elif self._phase is Phase.DRAINING:
            log.note(logger, logging.INFO, "stopping; what is under way may finish", clients=self._clients())
            self._apply([Drain()])
            await self._until(Phase.ENDING, limits.limits.drain.seconds, self._finishing)
            if self._finishing():
                log.note(logger, logging.WARNING, "clients are cut off", clients=self._clients())
        self._move(Phase.ENDING)
        self._apply([Drain(at_once=True)])
        await self._until(Phase.GONE, LAST_WORDS, self._connected)
        self._apply(rooms.doors.close())
        log.note(logger, logging.INFO, "stopped")

    async def _until(
        self, phase: Phase, seconds: float | None = None, left: Callable[[], int] | None = None
    ) -> None:
        """Until that phase is reached, the time is over, or nobody is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._phase < phase and (left is None or left()):
                    self._moved.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._moved.wait(), None if left is None else LOOK)

    def _connected(self) -> int:
        return self._core.figures().clients

    def _finishing(self) -> int:
        """Without those who stream WAL: they never finish, and can go on elsewhere from where they were."""
        return self._clients() - sum(one.clients_streaming for one in self._core.pools())

    def _clients(self) -> int:
        """Those who were admitted: who only knocks need not be waited for."""
        pools = self._core.pools()
        return sum(one.clients_active + one.clients_waiting + one.clients_idle for one in pools)
