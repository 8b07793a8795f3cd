"""Who may give orders to the proxy itself."""

from typing import Annotated

from config.setting import Section, setting

ADMIN_DATABASE = "articdbm"
CONSOLE_ALIAS = "pgbouncer"
"""For old habits and monitoring; a database configured under that name wins."""
CONSOLE_NAMES = frozenset({ADMIN_DATABASE, CONSOLE_ALIAS})


class Admin(Section, frozen=True):
    """`[admin]`: the admin database, which a client reaches by connecting to `articdbm`, or to `pgbouncer`."""

    users: Annotated[
        tuple[str, ...],
        setting(
            "The users who may connect to the admin database. Without any, nobody may.", "new connections"
        ),
    ] = ()
    stats_users: Annotated[
        tuple[str, ...],
        setting(
            "The users who may connect to the admin database to look: all of `SHOW` but `SHOW FDS`.",
            "new connections",
        ),
    ] = ()
