"""Pools: which there are, their numbers, and what the configuration says of each.

A pool is one client user on one database name, or whoever looks users up there. Its number is given once and means the
same for the life of the process, over every reload. It knows neither clients nor connections.
"""

from collections import Counter
from pathlib import Path

import msgspec

from config.address import Address
from config.quantities import Duration
from config.sections.clusters import Cluster
from config.sections.databases import Database
from config.sections.pool import PoolSettings
from config.sections.token import Token
from config.sections.users import User
from config.snapshot import Snapshot
from proxy import native
from proxy.answers import lines
from proxy.holds import Hold, Holds
from proxy.native import OpenPool, Recycle
from proxy.outside import Commands
from proxy.target import GREETINGS, Target, TlsRule
from proxy.tokens import TokenRule

EARS = 1 << 30
"""Pools that listen for others have their numbers from here."""


LINES = 1 << 31
"""What replication connections are counted under has numbers from here. They are in no pool: each is its client's."""


def listens_for(number: int) -> int:
    """The pool that this one listens for; itself, where it listens for none."""
    return number - EARS if EARS <= number < LINES else number


Key = tuple[str, str]
"""Database and user, as the configuration or `*` names them."""
LOOKUP_SIZE = 2
"""Connections of a pool that asks an auth_query."""
NOBODY = ""
"""In a user's place: the pool asks an auth_query, and the database is the section's name."""


class Pool(msgspec.Struct, frozen=True):
    """What one pool runs on."""

    label: str
    settings: PoolSettings
    group_size: int
    target: Target
    lines: bool = False
    """For replication connections."""

    @property
    def group(self) -> str:
        """Whose connections are counted together. Servers count replication apart, too."""
        return f"{self.target.cluster} (replication)" if self.lines else self.target.cluster


class Pools:
    """The pools opened so far. One is opened when the first client comes, or at the start to keep it warm."""

    def __init__(self) -> None:
        self.holds = Holds()
        self._keys: dict[int, Key] = {}
        self._numbers: dict[Key, int] = {}
        self._pools: dict[int, Pool | None] = {}
        self._groups: dict[str, int] = {}
        self._wild: Counter[str] = Counter()
        self._lines: dict[Key, int] = {}
        self._line_keys: list[Key] = []

    def open(self, snapshot: Snapshot, database: Database, user: User) -> tuple[int | None, Commands]:
        """The pool's number, and what makes it if it is new; None where there is room for no other."""
        key = (database.name, user.name)
        number = self._numbers.get(key)
        if number is not None and self._pools.get(number) is not None:
            return number, []
        if number is None:
            most = snapshot.limits.max_pools
            if len(self._numbers) >= most or not self._room(snapshot, key, most // 10):
                return None, []
        return self._open(key, describe(snapshot, database, user))

    def number(self, database: Database, user: User) -> int | None:
        """The pool that was opened for this user on this database."""
        number = self._numbers.get((database.name, user.name))
        return number if number is not None and self._pools.get(number) is not None else None

    def open_lookup(self, snapshot: Snapshot, section: Database) -> tuple[int, Commands]:
        """The pool that asks the section's auth_query. There are no more of them than databases in the file."""
        pool = describe_lookup(snapshot, section)
        if pool is None:
            raise ValueError(f"database {section.name} has no auth_query")
        return self._open((section.name, NOBODY), pool)

    def _open(self, key: Key, pool: Pool) -> tuple[int, Commands]:
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        if self._pools.get(number) is not None:
            return number, []
        self._keys[number] = key
        return number, self._put(number, pool)

    def _room(self, snapshot: Snapshot, key: Key, most: int) -> bool:
        """Names that any user may think of must not take the room of all others."""
        database, user = key
        if snapshot.named_database(database):
            return True
        self._wild[user] += 1
        return self._wild[user] <= most

    def ear(self, number: int, snapshot: Snapshot) -> tuple[int, Commands]:
        """The pool for the session that listens for this pool's clients. Opened anew each time: it follows the pool.
        What is said there has its answer at once, or from nobody."""
        pool = self._pools[number]
        if pool is None:
            raise ValueError(f"pool {number} is configured no longer")
        cluster = snapshot.cluster(pool.target.cluster)
        settings = msgspec.structs.replace(
            pool.settings,
            mode="session",
            size=1,
            min_size=0,
            reserve=0,
            sharing=False,
            client_idle=Duration(0),
            idle_transaction=Duration(0),
            statement=cluster.check_timeout if cluster is not None and cluster.check else Duration(0),
        )
        own = msgspec.structs.replace(pool, label=f"{pool.label} (listening)", settings=settings)
        return number + EARS, self._put(number + EARS, own)

    def check(self, number: int, snapshot: Snapshot) -> Duration:
        """After how long a silence this pool's servers are asked whether they are there; 0: never."""
        pool = self._pools.get(number)
        cluster = snapshot.cluster(pool.target.cluster) if pool is not None else None
        return cluster.check if cluster is not None else Duration(0)

    def line(self, snapshot: Snapshot, database: Database, user: User) -> tuple[int | None, Commands]:
        """Where this user's replication connections to the database's cluster are counted; None where there is no room
        for another. Nothing is ever taken from there, and nothing given back."""
        key = (database.name, user.name)
        number = self._lines.get(key)
        if number is None:
            most = snapshot.limits.max_pools
            if len(self._lines) >= most or not self._room(snapshot, key, most // 10):
                return None, []
            number = self._lines[key] = LINES + len(self._line_keys)
            self._line_keys.append(key)
        pool = _describe_line(snapshot, database, user)
        return number, self._put(number, pool) if self._pools.get(number) != pool else []

    def lines_of(self, database: str) -> list[int]:
        """Where replication connections to the cluster of this database are counted."""
        return [number for (name, _), number in self._lines.items() if name == database]

    def line_key(self, number: int) -> Key | None:
        """Whose replication connections are counted there: database and user."""
        place = number - LINES
        return self._line_keys[place] if 0 <= place < len(self._line_keys) else None

    def key(self, number: int) -> Key | None:
        """Whose it is: database and user."""
        return self._keys.get(number)

    def of(self, database: str | None = None) -> list[int]:
        """The pools opened so far of one database, or of all."""
        return [number for (name, _), number in self._numbers.items() if database in (None, name)]

    def held(self, number: int) -> Hold:
        return self.holds.of(self._keys[number][0]) if number in self._keys else "none"

    def target(self, number: int) -> Target | None:
        """Where its connections go; None for a pool that is configured no longer."""
        pool = self._pools.get(number)
        return pool.target if pool is not None else None

    def reaching(self, cluster: str) -> list[int]:
        """The pools whose connections go there."""
        return [
            number
            for number, pool in self._pools.items()
            if pool is not None and pool.target.cluster == cluster and not pool.lines
        ]

    def settings(self, number: int) -> PoolSettings:
        pool = self._pools.get(number)
        return pool.settings if pool is not None else PoolSettings()

    def warm(self, snapshot: Snapshot) -> Commands:
        """Open every pool that keeps connections without being asked."""
        commands: Commands = []
        for database in snapshot.databases:
            for user in snapshot.users:
                if database.wild or user.wild:
                    continue
                if user.may_use(database.name) and describe(snapshot, database, user).settings.min_size:
                    commands += self.open(snapshot, database, user)[1]
        return commands

    def adopt(self, snapshot: Snapshot) -> tuple[Commands, list[int]]:
        """Follow a new configuration: commands, and the pools whose servers are other ones now."""
        commands: Commands = []
        moved: list[int] = []
        for (database_name, user_name), number in self._numbers.items():
            before = self._pools[number]
            after = _described(snapshot, database_name, user_name)
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
        for (database_name, user_name), number in self._lines.items():
            # Who may replicate no longer, or to elsewhere, is ended by `proxy/lines.py`.
            database, user = snapshot.wanted(database_name), snapshot.user(user_name)
            pool = (
                _describe_line(snapshot, database, user)
                if database is not None and user is not None
                else None
            )
            if pool is not None and pool != self._pools.get(number):
                commands += self._put(number, pool)
            self._pools[number] = pool
        return commands + self.warm(snapshot), moved

    def _put(self, number: int, pool: Pool) -> Commands:
        self._pools[number] = pool
        held = self.held(number)
        holding: Commands = [native.Hold(number, held)] if held != "none" else []
        group = self._groups.setdefault(pool.group, len(self._groups) + 1)
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
            ),
            *holding,
        ]


def describe(snapshot: Snapshot, database: Database, user: User) -> Pool:
    """What the configuration says of one user on one database."""
    cluster = snapshot.cluster(database.cluster)
    if cluster is None:
        raise ValueError(f"database {database.name} names a cluster that is not there")
    name, secret = user.at_servers(database)
    token = user.token(database)
    parameters = {one.name.lower(): str(one.value) for one in (*database.parameters, *user.parameters)}
    return Pool(
        label=f"{database.name}/{user.name}",
        settings=snapshot.pool_for(database, user),
        group_size=cluster.max_connections,
        target=Target(
            cluster=cluster.name,
            servers=_places(cluster),
            database=database.remote,
            user=name,
            password=secret.reveal() if secret is not None else None,
            tls=_tls(cluster),
            connect_timeout=cluster.connect_timeout.seconds,
            login_retry=cluster.login_retry.seconds,
            greeting=GREETINGS[cluster.proxy_protocol],
            slow_start=cluster.slow_start.seconds,
            keyed=secret is None and token is None and name == user.name,
            token=_token_rule(token) if token is not None else None,
            parameters=tuple(parameters.items()),
            connect_query=database.connect_query or "",
        ),
    )


def _describe_line(snapshot: Snapshot, database: Database, user: User) -> Pool:
    pool = describe(snapshot, database, user)
    settings = PoolSettings(
        mode="session",
        min_size=0,
        reserve=0,
        sharing=False,
        server_lifetime=Duration(0),
        server_idle=Duration(0),
    )
    return msgspec.structs.replace(
        pool, label=f"{pool.label} (replication)", settings=settings, group_size=0, lines=True
    )


def describe_lookup(snapshot: Snapshot, section: Database) -> Pool | None:
    """What the configuration says of asking about users; None where it says nothing."""
    cluster, said = snapshot.cluster(section.cluster), snapshot.lookup(section)
    if cluster is None or said is None:
        return None
    return Pool(
        label=f"{section.name}/(auth_query)",
        settings=PoolSettings(size=LOOKUP_SIZE, wait=Duration(said.timeout), sharing=False),
        group_size=cluster.max_connections,
        target=Target(
            cluster=cluster.name,
            servers=_places(cluster),
            database=said.dbname or section.remote,
            user=said.user,
            password=said.password.reveal() if said.password is not None else None,
            tls=_tls(cluster),
            connect_timeout=cluster.connect_timeout.seconds,
            login_retry=cluster.login_retry.seconds,
            greeting=GREETINGS[cluster.proxy_protocol],
            slow_start=cluster.slow_start.seconds,
            token=_token_rule(said.token) if said.token is not None else None,
        ),
    )


def _places(cluster: Cluster) -> tuple[Address, ...]:
    if cluster.path is not None:
        return (lines.place(Path(cluster.path)),)
    return tuple(server.address for server in cluster.servers)


def _described(snapshot: Snapshot, database_name: str, user_name: str) -> Pool | None:
    """The pool of these names as it is now, if it still is."""
    if user_name == NOBODY:
        section = snapshot.section(database_name)
        return describe_lookup(snapshot, section) if section is not None else None
    database, user = snapshot.database(database_name), snapshot.user(user_name)
    if database is None or user is None or database.name != database_name or not user.may_use(database_name):
        return None
    return describe(snapshot, database, user)


def _token_rule(said: Token) -> TokenRule:
    command = tuple(str(part) for part in said.command)
    return TokenRule(command, str(said.file or ""), said.lifetime.seconds, said.timeout.seconds)


def _tls(cluster: Cluster) -> TlsRule:
    said = cluster.tls
    return TlsRule(
        mode=said.mode,
        ca=said.ca.data if said.ca is not None else None,
        certificate=said.certificate.data if said.certificate is not None else None,
        key=said.key.data if said.key is not None else None,
    )
