"""The configuration a process runs on: all sections, immutable, with look-ups by name.

Two are equal when every value, secret and certificate in them is.

A reload makes a new one and puts it in the old one's place whole; nothing ever changes inside one.
"""

from functools import cached_property
from typing import Annotated

import msgspec

from config.sections.admin import CONSOLE_NAMES, Admin
from config.sections.auth_query import AuthQuery
from config.sections.clusters import Cluster
from config.sections.databases import WILDCARD, Database
from config.sections.limits import Limits
from config.sections.listeners import Listener
from config.sections.log import Log
from config.sections.metrics import Metrics
from config.sections.pool import PoolSettings, merge
from config.sections.tcp import Tcp
from config.sections.upgrade import Upgrade
from config.sections.users import User
from config.setting import Section, setting
from config.values import LONGEST_NAME


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
        named = {database.name: database for database in self.databases}
        return {alias: one for one in self.databases for alias in one.aliases} | named

    @cached_property
    def _users(self) -> dict[str, User]:
        return {user.name: user for user in self.users}

    def cluster(self, name: str) -> Cluster | None:
        return self._clusters.get(name)

    def database(self, name: str) -> Database | None:
        """The database of this name or alias; else what `*` makes of the name."""
        known = self._databases.get(name)
        if known is not None and not known.wild:
            return known
        wild = self._databases.get(WILDCARD)
        if wild is None or name in CONSOLE_NAMES or not _nameable(name):
            return None
        return msgspec.structs.replace(wild, name=name)

    def wanted(self, name: str) -> Database | None:
        """As `database`; also `*` itself, as it stands in the file."""
        return self._databases.get(name) or self.database(name)

    def named_database(self, name: str) -> bool:
        """Some database has this name or alias, not as one of `*`."""
        return name in self._databases

    def user(self, name: str) -> User | None:
        """The user of this name; else what `*` makes of the name."""
        known = self._users.get(name)
        if known is not None and not known.wild:
            return known
        wild = self._users.get(WILDCARD)
        return msgspec.structs.replace(wild, name=name) if wild is not None and _nameable(name) else None

    def lookup(self, database: Database) -> AuthQuery | None:
        """How users without a password are looked up there."""
        cluster = self.cluster(database.cluster)
        return database.auth_query or (cluster.auth_query if cluster is not None else None)

    def section(self, name: str) -> Database | None:
        """The database as it stands in the file under this name or alias, or the `*` it falls under."""
        return self._databases.get(name) or self._databases.get(WILDCARD)

    def is_admin(self, user: str) -> bool:
        """May connect to the admin database."""
        return user in self.admin.users and user in self._users

    def is_watcher(self, user: str) -> bool:
        """May connect to the admin database, to look."""
        return user in self.admin.stats_users

    def pool_of(self, database: Database) -> PoolSettings:
        """The settings of its pools, where a user's own do not win over them."""
        return merge(self._clusters[database.cluster].pool, database.pool)

    def pool_for(self, database: Database, user: User) -> PoolSettings:
        """The settings of their pool: the cluster's, over them the database's, over them the user's."""
        cluster = self._clusters[database.cluster]
        return merge(cluster.pool, database.pool, user.pool)


def _nameable(name: str) -> bool:
    """What a section could be called too; `*` itself is nobody's name."""
    return (
        name != WILDCARD
        and 0 < len(name.encode("utf-8", "surrogateescape")) <= LONGEST_NAME
        and name.isprintable()
    )
