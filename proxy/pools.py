"""Pools: which there are, their numbers, and what the configuration says of each.

A pool is one client user on one database name. Its number is given once and means the same for the life of the
process, over every reload. It knows neither clients nor connections.
"""

import msgspec

from config.sections.clusters import Cluster
from config.sections.databases import Database
from config.sections.pool import PoolSettings
from config.sections.users import User
from config.snapshot import Snapshot
from proxy.native import OpenPool, Recycle
from proxy.outside import Commands
from proxy.target import Target, TlsRule

Key = tuple[str, str]
"""Database and user, as clients name them."""


class Pool(msgspec.Struct, frozen=True):
    """What one pool runs on."""

    label: str
    settings: PoolSettings
    group_size: int
    target: Target


class Pools:
    """The pools opened so far. One is opened when the first client comes, or at the start to keep it warm."""

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._pools: dict[int, Pool | None] = {}
        self._groups: dict[str, int] = {}

    def open(self, snapshot: Snapshot, database: Database, user: User) -> tuple[int, Commands]:
        """The pool's number, and what makes it if it is new."""
        key = (database.name, user.name)
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        if self._pools.get(number) is not None:
            return number, []
        return number, self._put(number, describe(snapshot, database, user))

    def target(self, number: int) -> Target | None:
        """Where its connections go; None for a pool that is configured no longer."""
        pool = self._pools.get(number)
        return pool.target if pool is not None else None

    def of(self, cluster: str) -> list[int]:
        """The pools whose connections go there."""
        return [
            number
            for number, pool in self._pools.items()
            if pool is not None and pool.target.cluster == cluster
        ]

    def settings(self, number: int) -> PoolSettings:
        pool = self._pools.get(number)
        return pool.settings if pool is not None else PoolSettings()

    def warm(self, snapshot: Snapshot) -> Commands:
        """Open every pool that keeps connections without being asked."""
        commands: Commands = []
        for database in snapshot.databases:
            for user in snapshot.users:
                if user.may_use(database.name) and describe(snapshot, database, user).settings.min_size:
                    commands += self.open(snapshot, database, user)[1]
        return commands

    def adopt(self, snapshot: Snapshot) -> tuple[Commands, list[int]]:
        """Follow a new configuration: commands, and the pools whose servers are other ones now."""
        commands: Commands = []
        moved: list[int] = []
        for (database_name, user_name), number in self._numbers.items():
            database, user = snapshot.database(database_name), snapshot.user(user_name)
            before = self._pools[number]
            after = None
            if database is not None and user is not None and user.may_use(database_name):
                after = describe(snapshot, database, user)
            if after == before:
                continue
            if after is not None:
                commands += self._put(number, after)
            else:
                self._pools[number] = None
            if before is not None and (after is None or after.target != before.target):
                # Yesterday's connections: each closes when it falls idle.
                commands.append(Recycle(number))
                moved.append(number)
        return commands + self.warm(snapshot), moved

    def _put(self, number: int, pool: Pool) -> Commands:
        self._pools[number] = pool
        group = self._groups.setdefault(pool.target.cluster, len(self._groups) + 1)
        said = pool.settings
        return [
            OpenPool(
                number,
                label=pool.label,
                group=group,
                group_size=pool.group_size,
                mode=said.mode,
                size=said.size,
                min_size=said.min_size,
                reserve=said.reserve,
                reserve_after_ms=said.reserve_after.ms,
                wait_ms=said.wait.ms,
                max_waiting=said.max_waiting,
                statement_ms=said.statement.ms,
                idle_transaction_ms=said.idle_transaction.ms,
                client_idle_ms=said.client_idle.ms,
                server_lifetime_ms=said.server_lifetime.ms,
                server_idle_ms=said.server_idle.ms,
                sharing=said.sharing,
                share_depth=said.share_depth,
                prepared=said.prepared,
            )
        ]


def describe(snapshot: Snapshot, database: Database, user: User) -> Pool:
    """What the configuration says of one user on one database."""
    cluster = snapshot.cluster(database.cluster)
    if cluster is None:
        raise ValueError(f"database {database.name} names a cluster that is not there")
    secret = user.server_secret
    return Pool(
        label=f"{database.name}/{user.name}",
        settings=snapshot.pool_for(database, user),
        group_size=cluster.max_connections,
        target=Target(
            cluster=cluster.name,
            servers=tuple(server.address for server in cluster.servers),
            database=database.remote,
            user=user.server_name,
            password=secret.reveal() if secret is not None else None,
            tls=_tls(cluster),
            connect_timeout=cluster.connect_timeout.seconds,
            login_retry=cluster.login_retry.seconds,
        ),
    )


def _tls(cluster: Cluster) -> TlsRule:
    said = cluster.tls
    return TlsRule(
        mode=said.mode,
        ca=said.ca.data if said.ca is not None else None,
        certificate=said.certificate.data if said.certificate is not None else None,
        key=said.key.data if said.key is not None else None,
    )
