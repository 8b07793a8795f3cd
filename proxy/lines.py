"""Replication connections: who has one, how many there are, and who may keep theirs.

A client that replicates gets a server connection of its own; the core ties the two, and neither sees a pool. Here is
what the brain knows of them: the names the client came with, and where its server connection went.
"""

from collections.abc import Callable, Mapping

import msgspec

from protocols.postgres import messages
from protocols.postgres.errors import Known, problem
from protocols.postgres.scram import Keys
from protocols.postgres.session import Startup
from protocols.postgres.types import Problem
from proxy.directory import Directory, Place
from proxy.native import Close
from proxy.outside import Commands
from proxy.pools import Pools
from proxy.serverlogin import Made, Own
from proxy.target import Target
from proxy.upstream import Upstream

PHYSICAL = "replication"
"""The database a physical connection names to the server, as libpq does. The server reads over it."""


class _Line(msgspec.Struct):
    database: str
    user: str
    physical: bool
    to: tuple[object, ...]
    logging_in: bool = True
    left: bool = False
    """The client is gone, and its server connection is still being made."""


class Lines:
    """Every replication connection of the process, and those that are being made."""

    def __init__(self, directory: Directory, pools: Pools, upstream: Upstream) -> None:
        self._directory = directory
        self._pools = pools
        self._upstream = upstream
        self._lines: dict[int, _Line] = {}

    def kind(self, conn: int | None) -> str:
        """What a client's connection is, in PgBouncer's words."""
        line = self._lines.get(conn) if conn is not None else None
        return "none" if line is None else "physical" if line.physical else "logical"

    def open(
        self,
        conn: int,
        asked: Startup,
        place: Place,
        keys: Keys | None,
        password: str | None,
        then: Callable[[Made | Problem], Commands],
    ) -> Commands:
        """Make a server connection for this client, and tell `then`."""
        most = self._directory.snapshot.limits.max_replication
        to = self._pools.target(place.pool)
        if len(self._lines) >= most or to is None:
            return then(problem(Known.TOO_MANY_REPLICATIONS, most=most))
        physical = asked.replication == "physical"
        line = self._lines[conn] = _Line(asked.database, asked.user, physical, _where(to))

        def made(outcome: Made | Problem) -> Commands:
            line.logging_in = False
            if line.left:
                self._lines.pop(conn, None)
                return [Close(outcome.conn, messages.TERMINATE)] if isinstance(outcome, Made) else []
            return then(outcome)

        own = Own(conn, _parameters(asked), physical, keys, password, made)
        return self._upstream.dedicate(place.pool, own)

    def left(self, conn: int) -> None:
        """The client is gone; it may never have had a line."""
        line = self._lines.get(conn)
        if line is not None and line.logging_in:
            line.left = True
        else:
            self._lines.pop(conn, None)

    def adopt(self) -> Commands:
        """The configuration changed: who may replicate no longer, or is tied to a server that is another one now, goes.
        A changed password is no reason: the server has let the connection in."""
        commands: Commands = []
        for conn, line in self._lines.items():
            known = self._directory.replicates(line.database, line.user, physical=line.physical)
            person = self._directory.snapshot.user(line.user)
            to = None
            if not isinstance(known, Problem) and person is not None:
                number, opened = self._pools.line(self._directory.snapshot, known, person)
                commands += opened
                to = self._pools.target(number) if number is not None else None
            if to is None or _where(to) != line.to:
                commands.append(Close(conn, messages.error(problem(Known.STOPPED))))
        return commands


def _where(to: Target) -> tuple[object, ...]:
    return to.cluster, to.servers, to.database, to.user


def _parameters(asked: Startup) -> Mapping[str, str]:
    """The session is the client's alone, so its settings need not be understood: the server judges them."""
    if asked.replication == "physical":
        return {**asked.settings, "database": PHYSICAL, "replication": "true"}
    return {**asked.settings, "replication": "database"}
