"""Bounds of the whole process."""

from typing import Annotated, Literal

from config.quantities import Duration, Size
from config.setting import Section, setting


class Limits(Section, frozen=True):
    """`[limits]`: what one process holds and bears, whatever the number of its threads."""

    max_clients: Annotated[
        int,
        setting(
            "Most clients connected at a time; the next one is turned away.",
            "restart",
            least=1,
            most=1_000_000,
        ),
    ] = 10_000
    login: Annotated[
        Duration,
        setting("How long a client may take from connecting to being logged in.", "restart", least=1),
    ] = Duration(60_000)
    max_statement: Annotated[
        Size,
        setting(
            "The longest statement held in memory to be understood. A longer one passes through unread, in "
            "constant memory, and its client keeps the server connection it went to; where a plugin guards it is "
            "refused.",
            "restart",
            least=1 << 10,
            most=1 << 30,
        ),
    ] = Size(1 << 20)
    max_plans: Annotated[
        int,
        setting(
            "Most statement plans kept; beyond it those not used for longest go, and are made anew when needed.",
            "restart",
            least=16,
            most=10_000_000,
        ),
    ] = 10_000
    max_replication: Annotated[
        int,
        setting(
            "Most replication connections at a time, which count as clients too; the next one is turned away. The "
            "servers have limits of their own (`max_wal_senders`).",
            "new connections",
            least=0,
            most=100_000,
        ),
    ] = 10
    max_pools: Annotated[
        int,
        setting(
            "Most pools (a database and a user) there ever are; through a database named `*`, one user opens at most a "
            "tenth of them. Who needs one more is turned away.",
            "at once",
            least=10,
            most=1_000_000,
        ),
    ] = 10_000
    carriers: Annotated[
        int | Literal["auto"],
        setting(
            "Native threads that carry traffic: `auto` is one for each core this process may use, 0 leaves the work "
            "to the main thread.",
            "restart",
            least=0,
            most=256,
        ),
    ] = "auto"
    login_attempts: Annotated[
        int,
        setting(
            "Failed log-ins from one address within `login_window`; further ones are refused unheard until the window "
            "has passed. Successful ones do not count; 0 is without limit.",
            "at once",
            least=0,
            most=1_000_000,
        ),
    ] = 30
    login_window: Annotated[
        Duration, setting("The time over which failed log-ins are counted.", "at once", least=1_000)
    ] = Duration(60_000)

    drain: Annotated[
        Duration,
        setting(
            "How long clients may go on with the transaction they are in after SIGTERM. Who is in none is told "
            "(57P01) and let go at once, and so is everybody when the time is over.",
            "at once",
        ),
    ] = Duration(30_000)

    def carrier_threads(self, cores: int) -> int:
        """How many carriers to start on a machine that gives this process so many cores."""
        return cores if self.carriers == "auto" else self.carriers
