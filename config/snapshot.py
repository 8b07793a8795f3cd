"""The configuration a process runs on: all sections, immutable, with look-ups by name.

Two are equal when every value, secret and certificate in them is.

A reload makes a new one and puts it in the old one's place whole; nothing ever changes inside one.
"""

from functools import cached_property
from typing import Annotated

from config.sections.admin import Admin
from config.sections.clusters import Cluster
from config.sections.databases import Database
from config.sections.limits import Limits
from config.sections.listeners import Listener
from config.sections.log import Log
from config.sections.metrics import Metrics
from config.sections.pool import PoolSettings, merge
from config.sections.tcp import Tcp
from config.sections.upgrade import Upgrade
from config.sections.users import User
from config.setting import Section, setting


class Snapshot(Section, frozen=True, dict=True):
    """The whole file, with its sections."""

    listeners: Annotated[tuple[Listener, ...], setting("Where clients come in.", "at once", fewest=1)]
    clusters: Annotated[tuple[Cluster, ...], setting("The servers, in groups.", "at once")] = ()
    databases: Annotated[tuple[Database, ...], setting("The databases clients may name.", "at once")] = ()
    users: Annotated[tuple[User, ...], setting("Who may come in.", "at once")] = ()
    admin: Annotated[Admin, setting("The admin database.", "at once")] = Admin()
    limits: Annotated[Limits, setting("Bounds of the whole process.", "restart")] = Limits()
    log: Annotated[Log, setting("What the process says about itself.", "at once")] = Log()
    metrics: Annotated[Metrics, setting("What monitoring can read.", "restart")] = Metrics()
    upgrade: Annotated[Upgrade, setting("How a new process takes over.", "at once")] = Upgrade()
    tcp: Annotated[Tcp, setting("How vanished peers are found.", "new connections")] = Tcp()
    watch: Annotated[
        bool,
        setting(
            "Reload by itself when this file, or a secret or certificate file it names, changes.", "at once"
        ),
    ] = False

    @cached_property
    def _clusters(self) -> dict[str, Cluster]:
        return {cluster.name: cluster for cluster in self.clusters}

    @cached_property
    def _databases(self) -> dict[str, Database]:
        return {database.name: database for database in self.databases}

    @cached_property
    def _users(self) -> dict[str, User]:
        return {user.name: user for user in self.users}

    def cluster(self, name: str) -> Cluster | None:
        return self._clusters.get(name)

    def database(self, name: str) -> Database | None:
        return self._databases.get(name)

    def user(self, name: str) -> User | None:
        return self._users.get(name)

    def is_admin(self, user: str) -> bool:
        """May connect to the admin database."""
        return user in self.admin.users

    def pool_for(self, database: Database, user: User) -> PoolSettings:
        """The settings of their pool: the cluster's, over them the database's, over them the user's."""
        cluster = self._clusters[database.cluster]
        return merge(cluster.pool, database.pool, user.pool)
