"""The databases clients may name."""

from typing import Annotated

from config.sections.pool import PoolOptions
from config.setting import Section, setting


class Database(Section, frozen=True):
    """`[[databases]]`: a name clients connect to, and the cluster that answers."""

    name: Annotated[
        str,
        setting(
            "The name clients connect to. `articdbm` is the admin database's own; so is `pgbouncer`, unless a "
            "database here has that name.",
            "new connections",
        ),
    ]
    cluster: Annotated[str, setting("The cluster that holds it.", "new connections")]
    dbname: Annotated[
        str | None, setting("Its name on the servers, where that is another one.", "new connections")
    ] = None
    pool: Annotated[
        PoolOptions, setting("Pool settings for this database; they win over the cluster's.", "at once")
    ] = PoolOptions()

    @property
    def remote(self) -> str:
        """Its name on the servers."""
        return self.dbname or self.name
