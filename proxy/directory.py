"""What log-ins and plans ask of the configuration: doors, users, databases, and the pool that joins the last two.

It owns which Snapshot is in force. A reload swaps it whole; nobody else keeps one.
"""

import msgspec

from config.sections.admin import ADMIN_DATABASE
from config.snapshot import Snapshot
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.bases import Base
from proxy.doors import Door, Doors
from proxy.outside import Commands
from proxy.pools import Pools

CONSOLE_NAMES = frozenset({ADMIN_DATABASE, "pgbouncer"})
"""The second is for old habits and monitoring; a database configured under that name wins."""


class Place(msgspec.Struct, frozen=True):
    """Where a client goes once it is in."""

    pool: int
    wait: float
    """Seconds it may wait for a server; 0 is without limit."""


class Directory:
    """The configuration in force, by name."""

    def __init__(self, snapshot: Snapshot, pools: Pools, doors: Doors) -> None:
        self._pools = pools
        self._doors = doors
        self._most_clients = snapshot.limits.max_clients
        self.snapshot = snapshot

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

    def is_console(self, database: str) -> bool:
        return database in CONSOLE_NAMES and self.snapshot.database(database) is None

    def administers(self, user: str) -> bool:
        return self.knows(user) and self.snapshot.is_admin(user)

    def watches(self, user: str) -> bool:
        """May look at the console's figures."""
        return self.administers(user) or (self.knows(user) and self.snapshot.is_watcher(user))

    def permits(self, base: Base) -> bool:
        """Whether who logged in at some time would be let in now."""
        if base.admin:
            return self.watches(base.user)
        user = self.snapshot.user(base.user)
        return (
            user is not None
            and self.snapshot.database(base.database) is not None
            and user.may_use(base.database)
        )

    def place(self, database: str, user: str) -> tuple[Place | Problem, Commands]:
        """The pool for an authenticated user, opened if need be; or why there is none."""
        known, person = self.snapshot.database(database), self.snapshot.user(user)
        if person is None:
            return problem(Known.UNKNOWN_ROLE, user=user), []
        if known is None:
            return problem(Known.UNKNOWN_DATABASE, database=database), []
        if not person.may_use(database):
            return problem(Known.NO_ACCESS, database=database), []
        if self._pools.holds.disabled(database):
            hint = "An administrator disabled it; ENABLE in the console lets clients in again."
            return problem(Known.DISABLED, database=database, hint=hint), []
        pool, commands = self._pools.open(self.snapshot, known, person)
        return Place(pool, self._pools.settings(pool).wait.seconds), commands
