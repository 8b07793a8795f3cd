"""The state of one server log-in, and of one pool's wish for connections.

Data that `proxy/upstream.py` alone changes.
"""

from collections.abc import Callable, Mapping

import msgspec

from config.address import Address
from protocols.postgres.auth import ServerAuth
from protocols.postgres.scram import Keys
from protocols.postgres.types import Problem
from proxy.outside import Commands, Timer
from proxy.target import Target

Verdict = Callable[[Problem | None, bool], Commands]
"""What a check found: what is wrong, if anything, and whether that is that nothing was heard."""


class Made(msgspec.Struct, frozen=True):
    """A server connection that is logged in and belongs to no pool."""

    conn: int
    pid: int
    secret: bytes
    reported: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Made({self.conn})"


class Own(msgspec.Struct, frozen=True):
    """A client that a connection is made for: what it is to be like, and who waits for it."""

    client: int
    parameters: Mapping[str, str]
    """What the startup packet says, where the configuration says nothing else."""
    physical: bool
    """It is no session: SQL cannot be said there."""
    keys: Keys | None
    password: str | None
    """What the client proved itself with, where servers are to have it."""
    then: Callable[[Made | Problem], Commands]

    def __repr__(self) -> str:
        return f"Own({self.client})"


class Demand:
    """What one pool wants, and how it has gone."""

    __slots__ = ("asked", "failures", "paced", "running")

    def __init__(self) -> None:
        self.asked = 0
        self.running = 0
        self.failures = 0
        self.paced = False
        """It waits until one more connection may be opened."""


class LogIn:
    """One server log-in, over all the servers and TLS choices it may try."""

    __slots__ = (
        "asked",
        "auth",
        "conn",
        "key",
        "own",
        "parameters",
        "passing",
        "password",
        "pool",
        "preparing",
        "seconds",
        "target",
        "then",
        "ticket",
        "timer",
        "token_is_new",
        "tries",
    )

    def __init__(self, pool: int, to: Target, tries: list[tuple[Address, bool]]) -> None:
        self.pool = pool
        self.own: Own | None = None
        self.target = to
        self.tries = tries
        self.ticket = 0
        self.conn: int | None = None
        self.auth: ServerAuth | None = None
        self.timer: Timer | None = None
        self.passing: Problem | None = None
        """What went wrong with one of the servers and may mend itself."""
        self.password = to.password
        self.token_is_new = True
        """It was got for this log-in, so that another one would be no better."""
        self.preparing = False
        """It is logged in, and the connect_query runs."""
        self.parameters: dict[str, str] = {}
        self.key = (0, b"")
        self.seconds = to.connect_timeout
        self.then: Verdict | None = None
        """It is a check: whom to tell of its outcome. No pool gets the connection."""
        self.asked = False
        """The check has asked its question."""
