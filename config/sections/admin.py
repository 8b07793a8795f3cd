"""Who may give orders to the proxy itself."""

from typing import Annotated

from config.setting import Section, setting

ADMIN_DATABASE = "articdbm"


class Admin(Section, frozen=True):
    """`[admin]`: the admin database, which a client reaches by connecting to `articdbm`."""

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
