"""A new configuration takes the place of the old one: all of it, or nothing and the reasons.

It knows the order in which things have to change, and no client is touched by any of it. What became of a setting
after a reload is written at the setting itself (`config/sections/`).
"""

import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path

from config.errors import ConfigError, Problem
from config.loader import Loaded
from config.sections.log import Log
from config.snapshot import Snapshot
from plugins.chain import Chain
from plugins.registry import BadPluginError, Registry
from proxy import bearings
from proxy.bases import Bases
from proxy.catalogues import Catalogues
from proxy.directory import Directory
from proxy.doors import Doors
from proxy.lines import Lines
from proxy.listening import Listening
from proxy.log import note, set_level
from proxy.lookups import Lookups
from proxy.native import ForgetPlans, SlowAfter
from proxy.outside import Commands
from proxy.planner import Planner, guard
from proxy.plans import report
from proxy.pools import Pools
from proxy.sockets import BindError
from proxy.upstream import Upstream

logger = logging.getLogger(__name__)

FIXED = (
    *(f"limits.{name}" for name in ("max_clients", "login", "max_statement", "max_plans", "carriers")),
    "metrics.address",
    "upgrade.directory",
)
"""Settings that are as they were at the start."""


class Refused(Exception):
    """The new configuration cannot be had; the old one stays. The text holds every reason."""


class Reloader:
    """Swaps the Snapshot."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        directory: Directory,
        doors: Doors,
        pools: Pools,
        upstream: Upstream,
        lookups: Lookups,
        listening: Listening,
        lines: Lines,
        planner: Planner,
        registry: Registry,
        catalogues: Catalogues,
        bases: Bases,
    ) -> None:
        self._load = load
        self._directory = directory
        self._doors = doors
        self._pools = pools
        self._upstream = upstream
        self._lookups = lookups
        self._listening = listening
        self._lines = lines
        self._planner = planner
        self._registry = registry
        self._catalogues = catalogues
        self._bases = bases
        self._started_with = directory.snapshot
        self.count = 0
        """How often the configuration was replaced since the start."""
        self.changed: dict[str, str] = {}
        """What SET has changed since the configuration was last read."""
        self.files: tuple[Path, ...] = ()
        """What the configuration in force was read from, where a reload brought it."""

    def reload(self) -> Commands:
        """The commands that carry a new configuration out. Raises Refused."""
        try:
            loaded = self._load()
        except ConfigError as why:
            warn(why.warnings)
            raise _refused(why.told) from why
        except (ValueError, OSError) as why:
            raise _refused(str(why)) from why
        commands = self._adopt(loaded.snapshot)
        warn(loaded.problems)
        self.files = loaded.files
        self.changed = {}
        return commands

    def change(self, key: str, snapshot: Snapshot, written: str) -> Commands:
        """As `reload`, with a Snapshot in which the console changed one setting. It holds until the next reload."""
        commands = self._adopt(snapshot)
        self.changed[key] = written
        return commands

    def _adopt(self, snapshot: Snapshot) -> Commands:
        before = self._directory.snapshot
        try:
            plugins = self._registry.chain(snapshot.plugins) if snapshot.plugins != before.plugins else None
            change = self._doors.prepare(snapshot)
        except (BadPluginError, BindError, ValueError, OSError) as why:
            raise _refused(str(why)) from why
        commands, moved = self._pools.adopt(snapshot)
        for address in self._doors.adopt(change):
            note(logger, logging.INFO, "listening", address=address)
        slow = [slow_after(snapshot.log)] if self._directory.snapshot.log != snapshot.log else []
        self._directory.swap(snapshot)
        self._lookups.forget()
        self.count += 1
        for pool in moved:
            self._upstream.forget(pool)
            self._listening.moved(pool)
        set_level(snapshot.log.level)
        for name in self._waiting_for_restart(snapshot):
            note(logger, logging.WARNING, "this setting changes with the next start", setting=name)
        note(logger, logging.INFO, "the new configuration is in force")
        judges: Commands = []
        if plugins is not None:
            self._planner.chain = Chain(plugins, report=report)
            judges = [guard(self._planner.chain)]
        self._catalogues.forget(bearings.moved(before, snapshot), moved)
        concerned = bearings.concerned(before, snapshot, self._bases)
        forget = [ForgetPlans(concerned)] if concerned != [] else []
        return [*change.commands, *commands, *self._lines.adopt(), *slow, *judges, *forget]

    def quietly(self) -> Commands:
        """As `reload`, for signals and watching: what is refused is in the log, and nothing happens."""
        try:
            return self.reload()
        except Refused:
            return []

    def _waiting_for_restart(self, snapshot: Snapshot) -> list[str]:
        return [name for name in FIXED if attrgetter(name)(self._started_with) != attrgetter(name)(snapshot)]


def slow_after(said: Log) -> SlowAfter:
    """What the core is to tell of."""
    return SlowAfter(said.slow.ms, said.slow_parameters == "masked")


def _refused(why: str) -> Refused:
    note(logger, logging.ERROR, "the new configuration is refused, the old one stays", reason=why)
    return Refused(f"the new configuration is refused, the old one stays: {why}")


def warn(problems: Iterable[Problem]) -> None:
    """What the check found doubtful, line by line."""
    for one in problems:
        note(logger, logging.WARNING, "the configuration is doubtful", problem=str(one))
