"""What log-ins and plans ask of the configuration: doors, users, databases, and the pool that joins the last two.

It owns which Snapshot is in force. A reload swaps it whole; nobody else keeps one.
"""

import msgspec

from config.sections.admin import ADMIN_DATABASE, CONSOLE_NAMES
from config.sections.databases import Database
from config.snapshot import Snapshot
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.bases import Base
from proxy.doors import Door, Doors
from proxy.lookups import Where
from proxy.outside import Commands
from proxy.pools import Pools
from proxy.seats import Seats


class Place(msgspec.Struct, frozen=True):
    """Where a client goes once it is in."""

    pool: int
    wait: float
    """Seconds it may wait for a server; 0 is without limit."""
    database: str
    """Its own name, whatever alias the client used."""
    keyed: bool
    """The keys that the client proved itself with serve at the servers."""
    fixed: frozenset[str]
    """Settings that a client's startup packet cannot have otherwise."""


class Directory:
    """The configuration in force, by name."""

    def __init__(self, snapshot: Snapshot, pools: Pools, doors: Doors) -> None:
        self._pools = pools
        self._doors = doors
        self._most_clients = snapshot.limits.max_clients
        self.snapshot = snapshot
        self.seats = Seats()

    def swap(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @property
    def most_clients(self) -> int:
        """As it was at the start: the core keeps to that too."""
        return self._most_clients

    def door(self, listener: int) -> Door | None:
        return self._doors.door(listener)

    def knows(self, user: str) -> bool:
        return self.snapshot.user(user) is not None

    def stored(self, user: str) -> str | None:
        """A user's password or verifier; None for one without, and for one that does not exist."""
        known = self.snapshot.user(user)
        return known.password.reveal() if known is not None and known.password is not None else None

    def lookup(self, database: str, user: str, *, physical: bool = False) -> tuple[Where | None, Commands]:
        """Where to ask what proves this user; None where that is known, or nobody could say."""
        known = self._source(database, user) if physical else self.snapshot.database(database)
        person = self.snapshot.user(user)
        if known is None or person is None or person.password is not None:
            return None, []
        section, said = self.snapshot.section(known.name), self.snapshot.lookup(known)
        if section is None or said is None:
            return None, []
        pool, commands = self._pools.open_lookup(self.snapshot, section)
        return Where(section.name, pool, said), commands

    def called(self, database: str) -> str:
        """The one name that rules know a database by, whatever a client calls it."""
        if self.is_console(database):
            return ADMIN_DATABASE
        known = self.snapshot.database(database)
        return known.name if known is not None else database

    def is_console(self, database: str) -> bool:
        return database in CONSOLE_NAMES and not self.snapshot.named_database(database)

    def administers(self, user: str) -> bool:
        return self.knows(user) and self.snapshot.is_admin(user)

    def watches(self, user: str) -> bool:
        """May look at the console's figures."""
        return self.administers(user) or (self.knows(user) and self.snapshot.is_watcher(user))

    def permits(self, base: Base) -> bool:
        """Whether who logged in at some time would be let in now."""
        if base.admin:
            return self.watches(base.user)
        user, known = self.snapshot.user(base.user), self.snapshot.database(base.database)
        return user is not None and known is not None and user.may_use(known.name)

    def pool_of(self, base: Base) -> int | None:
        """The pool of clients who speak so; None when the configuration has it no longer."""
        known, person = self.snapshot.database(base.database), self.snapshot.user(base.user)
        if known is None or person is None or not person.may_use(known.name):
            return None
        return self._pools.number(known, person)

    def _source(self, asked: str, user: str) -> Database | None:
        """Whose cluster physical replication is from. It names no database: most programs say `replication`, and
        PostgreSQL reads over it. A name or alias of the configuration counts, and else the user's only cluster."""
        if self.snapshot.named_database(asked):
            return self.snapshot.wanted(asked)
        person = self.snapshot.user(user)
        usable = [one for one in self.snapshot.databases if person is not None and person.may_use(one.name)]
        # One of its own name before `*`.
        usable.sort(key=lambda one: one.wild)
        return usable[0] if len({one.cluster for one in usable}) == 1 else None

    def replicates(self, database: str, user: str, *, physical: bool) -> Database | Problem:
        """Where an authenticated user may replicate from, or why not."""
        person = self.snapshot.user(user)
        if person is None:
            return problem(Known.UNKNOWN_ROLE, user=user)
        if not person.replication:
            detail = (
                "Only users that the configuration gives replication = true may replicate through this proxy."
            )
            return problem(Known.NO_REPLICATION, detail=detail)
        known = self._source(database, user) if physical else self.snapshot.database(database)
        if known is None and physical:
            hint = 'Name a database of the cluster, or give one of its databases the alias "replication".'
            return problem(Known.NO_SOURCE, hint=hint)
        if known is None:
            return problem(Known.UNKNOWN_DATABASE, database=database)
        if not person.may_use(known.name):
            return problem(Known.NO_ACCESS, database=database)
        return known

    def line(
        self, conn: int, database: str, user: str, *, physical: bool
    ) -> tuple[Place | Problem, Commands]:
        """As `place`, for a client that replicates."""
        known = self.replicates(database, user, physical=physical)
        person = self.snapshot.user(user)
        if isinstance(known, Problem) or person is None:
            return known if isinstance(known, Problem) else problem(Known.UNKNOWN_ROLE, user=user), []
        closed = self._closed(known, database)
        if closed is not None:
            return closed, []
        full = self.seats.take(
            conn, known.name, user, of_database=known.max_clients, of_user=person.max_clients
        )
        if full is not None:
            return full, []
        pool, commands = self._pools.line(self.snapshot, known, person)
        to = self._pools.target(pool) if pool is not None else None
        if pool is None or to is None:
            return problem(Known.TOO_MANY_FOR_DATABASE, database=database), []
        return Place(pool, 0.0, known.name, to.keyed, frozenset(name for name, _ in to.parameters)), commands

    def _closed(self, known: Database, asked: str) -> Problem | None:
        """An administrator keeps it from being used. A replication connection cannot wait for the end of that."""
        if self._pools.holds.disabled(known.name):
            hint = "An administrator disabled it; ENABLE in the console lets clients in again."
            return problem(Known.DISABLED, database=asked, hint=hint)
        if self._pools.holds.of(known.name) != "none":
            hint = "An administrator paused it; RESUME in the console ends that."
            return problem(Known.DISABLED, database=asked, hint=hint)
        return None

    def place(self, conn: int, database: str, user: str) -> tuple[Place | Problem, Commands]:
        """The pool for an authenticated user, opened if need be, and a seat; or why there is none."""
        known, person = self.snapshot.database(database), self.snapshot.user(user)
        if person is None:
            return problem(Known.UNKNOWN_ROLE, user=user), []
        if known is None:
            return problem(Known.UNKNOWN_DATABASE, database=database), []
        if not person.may_use(known.name):
            return problem(Known.NO_ACCESS, database=database), []
        if self._pools.holds.disabled(known.name):
            hint = "An administrator disabled it; ENABLE in the console lets clients in again."
            return problem(Known.DISABLED, database=database, hint=hint), []
        full = self.seats.take(
            conn, known.name, user, of_database=known.max_clients, of_user=person.max_clients
        )
        if full is not None:
            return full, []
        pool, commands = self._pools.open(self.snapshot, known, person)
        if pool is None:
            hint = "Raise limits.max_pools, or use fewer databases."
            return problem(Known.TOO_MANY_FOR_DATABASE, hint=hint, database=database), []
        to = self._pools.target(pool)
        place = Place(
            pool,
            self._pools.settings(pool).wait.seconds,
            known.name,
            keyed=to is not None and to.keyed,
            fixed=frozenset(name for name, _ in to.parameters) if to is not None else frozenset(),
        )
        return place, commands
