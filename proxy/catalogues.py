"""The catalogues of the databases in use: read when a plugin first needs one, again on a timer and after definitions.

Each is asked for over a pool's own connection, as any user of that database could. It owns what is known, who waits for
it, and when it is asked for again; the questions themselves are `proxy/catalogue.py`'s.
"""

import logging
import operator
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from config.sections.catalogue import CatalogueSettings
from plugins.catalogue import Catalogue, Names, path_of
from plugins.scope import plain
from plugins.tokens import literal
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy import catalogue
from proxy.bases import OWN, Base, Bases
from proxy.catalogue import Sight
from proxy.inquiry import Rows, rows
from proxy.log import note
from proxy.native import Adopt, ForgetPlans, Recycle
from proxy.outside import Commands, Outside
from proxy.target import Target

logger = logging.getLogger(__name__)

AFTER = (0.3, 2.0, 15.0)
"""Seconds after a definition was seen, before it ran: a transaction may hold it back for longer."""
MOST = 64
"""Catalogues kept; the one unused longest goes first."""
MOST_SIGHTS = 10_000
AGAIN = 5.0
"""Seconds until a catalogue that could not be read is tried anew."""

Key = tuple[str, str]
"""Cluster, and the database's name on its servers."""
Then = Callable[[], Commands]
Answer = list[list[str | None]] | Problem
NEVER = -1e9


class _Kept:
    """One database's catalogue."""

    def __init__(self) -> None:
        self.catalogue: Catalogue | None = None
        self.reading = False
        self.failed = NEVER
        self.timers = 0
        self.more = False
        """A definition was seen since they were set."""
        self.outdates = False
        """One that was seen may outdate connections."""
        self.used: set[int] = set()
        """Pools that asked since it was last read."""


class Catalogues:
    """All that are known."""

    def __init__(
        self,
        outside: Outside,
        pool_of: Callable[[Base], int | None],
        target: Callable[[int], Target | None],
        said: Callable[[], CatalogueSettings],
        bases: Bases,
        *,
        ask: Rows = rows,
    ) -> None:
        self._outside = outside
        self._pool_of = pool_of
        self._target = target
        self._said = said
        self._bases = bases
        self._ask = ask
        self._kept: dict[Key, _Kept] = {}
        self._sights: dict[int, Sight] = {}
        self._era = 0
        """Counts how often connections, or what is known of them, were given up: what was asked before is of no use."""
        self._begins: dict[int, tuple[str, ...]] = {}
        """What a pool's connections begin with, by the last look: those that are open are of then or later."""
        self._waiting: dict[int, list[Then]] = {}
        self._without: set[int] = set()
        """Pools for which plans were made without a catalogue."""

    def names(self, base: Base, settings: Sequence[tuple[str, str]]) -> Names | None:
        """What a session with these settings sees; None where it is not known."""
        pool, kept = self._find(base)
        sight = self._sights.get(pool)
        if kept is None or kept.catalogue is None or sight is None:
            self._without.add(pool)
            return None
        kept.used.add(pool)
        given = dict(settings)
        path, role = given.get("search_path"), given.get("role")
        if path is None and role is None:
            return catalogue.names_of(kept.catalogue, sight)
        user = plain(role) if role is not None else sight.user
        if path is None:
            # Whether "$user" is in the path it began with is not known: a name of that schema is in doubt.
            return Names(
                kept.catalogue, path_of(", ".join(_quoted(one) for one in (user, *sight.path)), user), False
            )
        usable = sight.usable if role is None else None
        # One constant with a comma in it is a list or a name, and nobody here knows which.
        sure = role is None and not ("," in plain(path) and path == literal(plain(path)))
        return Names(kept.catalogue, path_of(path, user, usable), sure)

    def need(self, base: Base, then: Then) -> Commands | None:
        """Call `then` when the catalogue is there or cannot be had for now; None where that is so already."""
        pool, kept = self._find(base)
        if kept is None or (kept.catalogue is not None and pool in self._sights):
            return None
        if self._outside.now() - kept.failed < AGAIN:
            return None
        first = pool not in self._waiting
        self._waiting.setdefault(pool, []).append(then)
        if not first:
            return []
        self._outside.later(self._said().wait.seconds, partial(self._released, pool))
        return self._look(kept, [pool])

    def changes(self, base: Base, *, outdates: bool = False) -> None:
        """A definition is on its way to this database. `outdates`: it may change what new connections begin with, all
        over the cluster."""
        _, kept = self._find(base)
        if kept is None or kept.catalogue is None:
            return
        kept.outdates |= outdates
        if kept.timers:
            kept.more = True
        else:
            self._set_timers(kept)

    def _set_timers(self, kept: _Kept) -> None:
        for seconds in AFTER:
            kept.timers += 1
            self._outside.later(seconds, partial(self._after, kept))

    def forget(self, clusters: Iterable[str], pools: Iterable[int]) -> None:
        """These lead elsewhere since the configuration changed."""
        gone = frozenset(clusters)
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] not in gone}
        for pool in pools:
            self._sights.pop(pool, None)
            self._begins.pop(pool, None)

    def _find(self, base: Base) -> tuple[int, _Kept | None]:
        pool = self._pool_of(base)
        key = self._key(pool) if pool is not None else None
        if pool is None or key is None:
            return 0, None
        kept = self._kept.pop(key, None) or _Kept()
        self._kept[key] = kept
        while len(self._kept) > MOST:
            self._kept.pop(next(iter(self._kept)))
        return pool, kept

    def _key(self, pool: int) -> Key | None:
        target = self._target(pool)
        return (target.cluster, target.database) if target is not None else None

    def _current(self, kept: _Kept) -> bool:
        return any(one is kept for one in self._kept.values())

    # --- asking ------------------------------------------------------------------------------------

    def _begin(self, pool: int, text: str, learn: Callable[[Answer], Commands]) -> Commands:
        try:
            ours, cores = socket.socketpair()
        except OSError:
            return learn(problem(Known.TOO_MANY_CLIENTS))
        ours.setblocking(False)
        cores.setblocking(False)

        async def work() -> Commands:
            return learn(await self._ask(ours, text.encode(), catalogue.SECONDS, catalogue.MOST_BYTES))

        self._outside.start(work())
        return [Adopt(pool, base=OWN, fd=cores.detach())]

    def _look(self, kept: _Kept, pools: list[int]) -> Commands:
        """What the connections of these pools see by themselves, one after the other; then the catalogue."""
        pool, rest = pools[0], pools[1:]
        return self._begin(pool, catalogue.PATH_QUESTION, partial(self._looked, kept, pool, rest, self._era))

    def _looked(self, kept: _Kept, pool: int, rest: list[int], era: int, said: Answer) -> Commands:
        if era != self._era:
            again = [one for one in (pool, *rest) if self._key(one) is not None]
            return self._look(kept, again) if again else []
        sight = _sight(said)
        commands: Commands = []
        if isinstance(sight, Problem):
            self._sights.pop(pool, None)
            commands += self._failed(kept, pool, sight)
        else:
            if len(self._sights) >= MOST_SIGHTS:
                self._sights.clear()
                self._begins.clear()
            begins = self._begins.get(pool)
            self._begins[pool] = sight.begins
            if begins not in (None, sight.begins):
                # Those that are open see something else than those opened from now on: only these are of any use.
                self._sights.pop(pool, None)
                self._era += 1
                anew = self._anew(partial(operator.eq, pool))
                return [*anew, Recycle(pool), *self._look(kept, [pool, *rest])]
            before = self._sights.get(pool)
            self._sights[pool] = sight
            if before not in (None, sight):
                commands += self._anew(partial(operator.eq, pool))
            commands += self._read(kept, pool) if kept.catalogue is None else self._ready(kept)
        rest = [one for one in rest if self._key(one) is not None]
        return [*commands, *(self._look(kept, rest) if rest else [])]

    def _read(self, kept: _Kept, pool: int) -> Commands:
        if kept.reading:
            return []
        kept.reading = True
        return self._begin(pool, catalogue.QUESTION, partial(self._learn, kept, pool))

    def _learn(self, kept: _Kept, pool: int, said: Answer) -> Commands:
        kept.reading = False
        found = _catalogue(said)
        if isinstance(found, Problem):
            return self._failed(kept, pool, found)
        before = kept.catalogue
        kept.failed = NEVER
        commands: Commands = []
        if found != before:
            kept.catalogue = found
            commands += self._anew(lambda one: self._is(kept, one)) if before is not None else []
            if found.partial:
                note(logger, logging.WARNING, "a catalogue is not complete", reason=found.partial)
        if before is None:
            self._outside.later(self._said().refresh.seconds, partial(self._tick, kept))
        return [*commands, *self._ready(kept)]

    def _failed(self, kept: _Kept, pool: int, why: Problem) -> Commands:
        kept.failed = self._outside.now()
        note(logger, logging.WARNING, "a catalogue could not be read", code=why.code, reason=why.message)
        self._outside.later(AGAIN, partial(self._retry, kept, pool))
        return [command for one in self._pools(kept) for command in self._released(one)]

    def _retry(self, kept: _Kept, pool: int) -> Commands:
        if not self._current(kept) or kept.reading or (kept.catalogue is not None and pool in self._sights):
            return []
        return self._look(kept, [pool]) if self._key(pool) is not None else []

    def _after(self, kept: _Kept) -> Commands:
        kept.timers -= 1
        commands = self._doubted(kept) if kept.outdates else []
        if not kept.timers:
            if kept.more:
                # One that came late in these may still be held back.
                self._set_timers(kept)
            kept.outdates &= kept.more
            kept.more = False
        return [*commands, *self._again(kept)]

    def _doubted(self, kept: _Kept) -> Commands:
        """Whoever says something on the cluster next has its pool looked at first."""
        cluster = next((key[0] for key, one in self._kept.items() if one is kept), None)
        pools = {pool for pool in self._sights if (key := self._key(pool)) is not None and key[0] == cluster}
        for pool in pools:
            del self._sights[pool]
        self._era += 1
        return self._anew(pools.__contains__)

    def _tick(self, kept: _Kept) -> Commands:
        if not self._current(kept):
            return []
        self._outside.later(self._said().refresh.seconds, partial(self._tick, kept))
        return self._again(kept)

    def _again(self, kept: _Kept) -> Commands:
        """All of it anew, and what the pools see that asked since the last time."""
        pools = [one for one in sorted(kept.used) if self._key(one) is not None]
        if not self._current(kept) or kept.catalogue is None or kept.reading or not pools:
            return []
        kept.used.clear()
        return [*self._read(kept, pools[0]), *self._look(kept, pools)]

    # --- those who wait ----------------------------------------------------------------------------

    def _ready(self, kept: _Kept) -> Commands:
        """Those of its pools that have all they need go on; plans that were made without are made anew."""
        commands: Commands = []
        if kept.catalogue is None:
            return commands
        for pool in [one for one in self._pools(kept) if one in self._sights]:
            if pool in self._without:
                self._without.discard(pool)
                commands += self._anew(partial(operator.eq, pool))
            commands += self._released(pool)
        return commands

    def _pools(self, kept: _Kept) -> list[int]:
        """Those that wait for it, or did without."""
        concerned = sorted({*self._waiting, *self._without})
        return [one for one in concerned if self._key(one) is None or self._is(kept, one)]

    def _is(self, kept: _Kept, pool: int) -> bool:
        key = self._key(pool)
        return key is not None and self._kept.get(key) is kept

    def _anew(self, concerns: Callable[[int], bool]) -> Commands:
        """Plans of those whose pool it concerns are made anew."""
        bases = [
            number
            for number, base in self._bases.all()
            if (pool := self._pool_of(base)) is not None and concerns(pool)
        ]
        return [ForgetPlans(bases)] if bases else []

    def _released(self, pool: int) -> Commands:
        return [command for then in self._waiting.pop(pool, []) for command in then()]


def _sight(said: Answer) -> Sight | Problem:
    if isinstance(said, Problem):
        return said
    try:
        return catalogue.sight_of(said[-1][0] or "")
    except (ValueError, LookupError):
        return problem(Known.SERVER_PROTOCOL, what="the answer about the search_path cannot be read")


def _catalogue(said: Answer) -> Catalogue | Problem:
    if isinstance(said, Problem):
        return said
    try:
        return catalogue.catalogue_of(row[0] or "" for row in said if row)
    except (ValueError, msgspec.MsgspecError):
        return problem(Known.SERVER_PROTOCOL, what="the answer about the catalogue cannot be read")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
