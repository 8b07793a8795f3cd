"""What the console shows from figures: pools, statistics, databases, users, memory, plans, waits.

PgBouncer's columns have its names, types and order; what the proxy has no such thing for is 0 or empty, never made up.
"""

import hashlib
from collections.abc import Iterable, Mapping

from config.sections.admin import ADMIN_DATABASE
from proxy.admin.averages import Averages
from proxy.admin.place import House, Row, columns, figures_by_database, table
from proxy.native import PlanFigures, PoolFigures
from proxy.settings import shown

BOUNCER = "1.18.0"
"""The PgBouncer whose console this is like. Monitoring reads a version to know the columns."""

POOLS = columns(
    "database user cl_active:int4 cl_waiting:int4 cl_active_cancel_req:int4 cl_waiting_cancel_req:int4 sv_active:int4 "
    "sv_active_cancel:int4 sv_being_canceled:int4 sv_idle:int4 sv_used:int4 sv_tested:int4 sv_login:int4 maxwait:int4 "
    "maxwait_us:int4 pool_mode"
)
_TOTALS = ("xact_count", "query_count", "received", "sent", "xact_time", "query_time", "wait_time")
_AVERAGES = ("xact_count", "query_count", "recv", "sent", "xact_time", "query_time", "wait_time")
STATS = columns(
    "database "
    + " ".join(f"total_{name}:numeric" for name in _TOTALS)
    + " "
    + " ".join(f"avg_{name}:numeric" for name in _AVERAGES)
)
HALF_STATS = columns(
    "database xact_count:numeric query_count:numeric bytes_received:numeric bytes_sent:numeric xact_time:numeric "
    "query_time:numeric wait_time:numeric"
)
TOTALS = columns("name value:numeric")
DATABASES = columns(
    "name host port:int4 database force_user pool_size:int4 min_pool_size:int4 reserve_pool:int4 pool_mode "
    "max_connections:int4 current_connections:int4 paused:int4 disabled:int4"
)
USERS = columns("name pool_mode")
LISTS = columns("list items:int4")
MEM = columns("name size:int4 used:int4 free:int4 memtotal:int4")
CONFIG = columns("key value default changeable")
STATE = columns("key value")
VERSION = columns("version")
PEERS = columns("peer_id:int4 host port:int4 pool_size:int4")
DNS_HOSTS = columns("hostname ttl:int8 addrs")
DNS_ZONES = columns("zonename serial:int8 count:int4")

HEALTH = columns("cluster server state seconds:int8 failures:int8 slow_start_percent:int4 reason")
PINS = columns("reason connections:int8 ended:int8 alive:int8")
SHARING = columns(
    "database user pool_mode sharing share_depth:int4 statements:int8 shared_statements:int8 shared_percent:numeric "
    "servers_shared:int4 clients_active:int4 clients_waiting:int4 clients_idle:int4 servers_active:int4 "
    "servers_idle:int4 servers_opening:int4"
)
CARRIERS = columns(
    "carrier:int4 clients:int8 held:int8 shared:int8 statements:int8 bytes_in:int8 bytes_out:int8 logins:int8 "
    "panics:int8 inbox:int8"
)
PLANS = columns(
    "user database action shareable shares pin mean_us:int8 mean_bytes:int8 branches scope:int8 fingerprint statement"
)
SNAPSHOT = columns("key value")
WAITS = columns(
    "database user waiting:int8 oldest_us:int8 waits:int8 total_us:int8 p50_us:int8 p90_us:int8 p99_us:int8 max_us:int8"
)
SLOWEST = 50


def _sums(pools: Iterable[PoolFigures]) -> tuple[int, ...]:
    """In the order of _TOTALS."""
    sums = [0] * len(_TOTALS)
    for pool in pools:
        figures = (
            pool.transactions, pool.statements, pool.received, pool.sent,
            pool.transaction_us, pool.served_us, pool.waited_us,
        )  # fmt: skip
        sums = [one + other for one, other in zip(sums, figures, strict=True)]
    return tuple(sums)


def _averages(grown: tuple[int, ...], seconds: float) -> tuple[int, ...]:
    """Counts, bytes and waits per second; the times of a transaction and of a statement each."""
    count, queries, received, sent, in_transaction, served, waited = grown
    per_second = [int(one / seconds) for one in (count, queries, received, sent)]
    return (*per_second, in_transaction // max(1, count), served // max(1, queries), int(waited / seconds))


class Statistics:
    """SHOW STATS and its kin. It owns the samples that averages are made from."""

    def __init__(self, now: float) -> None:
        self._averages = Averages(now)

    def _rows(self, house: House) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
        totals = {name: _sums(pools) for name, pools in figures_by_database(house).items()}
        seconds, grown = self._averages.since(house.outside.now(), totals)
        return [(name, sums, _averages(grown[name], seconds)) for name, sums in sorted(totals.items())]

    def stats(self, house: House) -> bytes:
        return table(STATS, [(name, *sums, *means) for name, sums, means in self._rows(house)])

    def totals_only(self, house: House) -> bytes:
        return table(HALF_STATS, [(name, *sums) for name, sums, _ in self._rows(house)])

    def averages_only(self, house: House) -> bytes:
        return table(HALF_STATS, [(name, *means) for name, _, means in self._rows(house)])

    def totals(self, house: House) -> bytes:
        """PgBouncer's over all databases, then the process's own."""
        rows: list[Row] = []
        found = self._rows(house)
        names = ("xact_count", "query_count", "client_bytes", "server_bytes", *_TOTALS[4:])
        for prefix, place in (("total", 1), ("avg", 2)):
            sums = [sum(column) for column in zip(*(row[place] for row in found), strict=True)]
            rows += zip((f"{prefix}_{name}" for name in names), sums or [0] * len(names), strict=True)
        figures = house.source.figures()
        own = (
            "clients", "logins", "servers", "statements", "plans", "plan_misses", "bytes_in", "bytes_out", "panics",
        )  # fmt: skip
        rows += [(name, getattr(figures, name)) for name in own]
        rows += [(f"plan_p{share}_us", quantile(figures.plan_us, share / 100)) for share in (50, 99)]
        return table(TOTALS, rows)


def pools(house: House) -> bytes:
    rows: list[Row] = []
    lines = _lines(house)
    for key, pool in _keyed(house):
        seconds, rest = divmod(pool.oldest_wait_us, 1_000_000)
        own = lines.pop(key, None)
        clients, servers, cancelling = _replicating(own)
        rows.append(
            (
                *key, pool.clients_active + pool.clients_idle + clients, pool.clients_waiting,
                pool.cancelling + cancelling, 0, pool.servers_active + servers, pool.cancelling + cancelling, 0,
                pool.servers_idle, 0, 0, pool.servers_opening, seconds, rest, pool.mode,
            )
        )  # fmt: skip
    for key, own in sorted(lines.items()):
        clients, servers, cancelling = _replicating(own)
        rows.append((*key, clients, 0, cancelling, 0, servers, cancelling, *(0,) * 7, own.mode))
    return table(POOLS, rows)


def _lines(house: House) -> dict[tuple[str, str], PoolFigures]:
    """Replication connections: a pool of the same names has them in its row, as PgBouncer does it."""
    keyed = ((house.pools.line_key(pool.pool), pool) for pool in house.source.pools())
    return {key: pool for key, pool in keyed if key is not None}


def _replicating(lines: PoolFigures | None) -> tuple[int, int, int]:
    return (lines.clients_active, lines.servers_active, lines.cancelling) if lines is not None else (0, 0, 0)


def databases(house: House) -> bytes:
    snapshot, holds = house.directory.snapshot, house.pools.holds
    found = figures_by_database(house)
    door = snapshot.listeners[0].address.port
    own = (ADMIN_DATABASE, None, door, ADMIN_DATABASE, None, 0, 0, 0, "statement", 0, 0, 0, 0)
    rows: list[Row] = [own]
    # After those of the file what `*` became: names in use since the start, and those that are held.
    others = sorted({*found, *holds.named} - {one.name for one in snapshot.databases})
    made = [one for name in others if (one := snapshot.database(name)) is not None and one.name == name]
    for one in (*snapshot.databases, *made):
        cluster = snapshot.cluster(one.cluster)
        if cluster is None:
            continue
        servers = [server.address for server in cluster.servers]
        pool = snapshot.pool_of(one)
        live = sum(each.servers_active + each.servers_idle for each in found.get(one.name, []))
        rows.append(
            (
                one.name, ",".join(server.host for server in servers), servers[0].port, one.remote, None,
                pool.size, pool.min_size, pool.reserve, pool.mode, cluster.max_connections, live,
                int(holds.paused(one.name)), int(holds.disabled(one.name)),
            )
        )  # fmt: skip
    return table(DATABASES, rows)


def users(house: House) -> bytes:
    said = ((user.name, user.pool.mode) for user in house.directory.snapshot.users)
    return table(USERS, [(name, mode if isinstance(mode, str) else None) for name, mode in said])


def lists(house: House) -> bytes:
    snapshot, figures = house.directory.snapshot, house.source.figures()
    rows: list[Row] = [
        ("databases", len(snapshot.databases)),
        ("users", len(snapshot.users)),
        ("pools", len(house.source.pools())),
        ("free_clients", 0),
        ("used_clients", figures.clients),
        ("login_clients", house.logging_in()),
        ("free_servers", 0),
        ("used_servers", figures.servers),
        ("dns_names", 0),
        ("dns_zones", 0),
        ("dns_queries", 0),
        ("dns_pending", 0),
    ]
    return table(LISTS, rows)


def memory(house: House) -> bytes:
    """What one of each takes and how many there are; nothing is kept for those that are gone."""
    figures = house.source.figures()
    kinds = (
        ("client_cache", figures.client_bytes, figures.clients),
        ("server_cache", figures.server_bytes, figures.servers),
        ("pool_cache", figures.pool_bytes, len(house.source.pools())),
        ("plan_cache", figures.plan_bytes, figures.plans),
    )
    return table(MEM, [(name, size, count, 0, size * count) for name, size, count in kinds])


def config(house: House) -> bytes:
    """Ours, then the few of PgBouncer's names that mean exactly the same here and that monitoring asks for."""
    snapshot = house.directory.snapshot
    rows: list[Row] = [
        (one.key, one.value, one.default, "yes" if one.changeable else "no") for one in shown(snapshot)
    ]
    rows += [
        ("max_client_conn", snapshot.limits.max_clients, "10000", "no"),
        ("max_db_connections", 0, "0", "no"),
        ("max_user_connections", 0, "0", "no"),
    ]
    return table(CONFIG, rows)


def state(house: House) -> bytes:
    now = house.pools.holds.everything
    names = (("active", "none"), ("paused", "paused"), ("suspended", "suspended"))
    return table(STATE, [(name, "yes" if now == hold else "no") for name, hold in names])


def version(house: House) -> bytes:
    return table(VERSION, [(f"PgBouncer {BOUNCER} console of ArticDBM {house.version}",)])


def peers(_house: House) -> bytes:
    """There are none: cancel requests find their process by themselves."""
    return table(PEERS, [])


def dns_hosts(house: House) -> bytes:
    """The names that are looked up again and again; `ttl` is how often."""
    known = sorted(house.names.known.items())
    return table(DNS_HOSTS, [(host, int(every), ",".join(found)) for host, (every, found) in known])


def dns_zones(_house: House) -> bytes:
    return table(DNS_ZONES, [])


def pins(house: House) -> bytes:
    found = sorted(house.source.figures().pins, key=lambda pin: (-pin[1], pin[0]))
    return table(PINS, found)


def sharing(house: House) -> bytes:
    rows: list[Row] = []
    for (database, user), pool in _keyed(house):
        said = house.pools.settings(pool.pool)
        percent = round(100 * pool.shared_statements / pool.statements, 1) if pool.statements else 0
        rows.append(
            (
                database, user, pool.mode, "yes" if said.sharing and pool.mode != "session" else "no",
                said.share_depth, pool.statements, pool.shared_statements, str(percent), pool.servers_shared,
                pool.clients_active, pool.clients_waiting, pool.clients_idle,
                pool.servers_active, pool.servers_idle, pool.servers_opening,
            )
        )  # fmt: skip
    return table(SHARING, rows)


def carriers(house: House) -> bytes:
    names = [name for name, _ in CARRIERS]
    return table(CARRIERS, [[getattr(one, name) for name in names] for one in house.source.carriers()])


def plans(house: House) -> bytes:
    found = [_plan(house, plan) for plan in house.source.plans()]
    return table(PLANS, sorted(found, key=lambda row: (row[0] or "", row[1] or "", row[-2] or "")))


def slow(house: House) -> bytes:
    """The plans whose last executions took the servers longest."""
    timed = sorted((plan for plan in house.source.plans() if plan.mean_us), key=lambda plan: -plan.mean_us)
    return table(PLANS, [_plan(house, plan) for plan in timed[:SLOWEST]])


def _plan(house: House, plan: PlanFigures) -> tuple[str | int | None, ...]:
    base = house.bases.base(plan.base)
    return (
        base.user if base is not None else None,
        base.database if base is not None else None,
        plan.action,
        _yes(plan.shareable),
        _yes(plan.shares),
        plan.pin,
        plan.mean_us,
        plan.mean_bytes,
        _branches(plan),
        plan.scope,
        plan.key.hex(),
        house.texts(plan.scope, plan.key),
    )


def _branches(plan: PlanFigures) -> str | None:
    """What is left to each execution: how often it was taken, and how often in doubt."""
    each = (f"{name} ({taken} taken, {doubted} in doubt)" for name, taken, doubted in plan.branches)
    return "; ".join(each) or None


def snapshot(house: House) -> bytes:
    """Which configuration is in force. The digest tells whether two proxies run on the same one."""
    now, reloader = house.directory.snapshot, house.reloader
    digest = hashlib.sha256(repr(shown(now)).encode()).hexdigest()[:16]
    rows: list[Row] = [
        ("digest", digest),
        ("reloads", reloader.count),
        *(
            (section, len(getattr(now, section)))
            for section in ("listeners", "clusters", "databases", "users")
        ),
        *((f"set {key}", value) for key, value in reloader.changed.items()),
        *(("file", str(file)) for file in reloader.files),
    ]
    return table(SNAPSHOT, rows)


def waits(house: House) -> bytes:
    rows: list[Row] = []
    for (database, user), pool in _keyed(house):
        histogram = pool.wait_us
        rows.append(
            (
                database, user, pool.clients_waiting, pool.oldest_wait_us,
                sum(count for _, count in histogram), pool.waited_us,
                *(quantile(histogram, share) for share in (0.5, 0.9, 0.99, 1)),
            )
        )  # fmt: skip
    return table(WAITS, rows)


def quantile(histogram: Iterable[tuple[int, int]], share: float) -> int | None:
    """The upper bound of the bucket that the given share of all lies at or below."""
    found = sorted(histogram)
    total = sum(count for _, count in found)
    seen = 0
    for bound, count in found:
        seen += count
        if seen >= total * share:
            return bound
    return None


def _keyed(house: House) -> list[tuple[tuple[str, str], PoolFigures]]:
    """Pools by database and user."""
    found: Mapping[int, PoolFigures] = {pool.pool: pool for pool in house.source.pools()}
    keyed = ((house.pools.key(number), pool) for number, pool in found.items())
    return sorted(((key, pool) for key, pool in keyed if key is not None), key=lambda pair: pair[0])


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def health(house: House) -> bytes:
    """How each server was found last, by log-ins and checks."""
    now, servers = house.outside.now(), house.upstream.servers
    slow = {one.name: one.slow_start.seconds for one in house.directory.snapshot.clusters}
    return table(
        HEALTH,
        [
            (
                cluster,
                server,
                one.state,
                int(now - one.since),
                one.failures,
                servers.ramp(cluster, slow.get(cluster, 0.0)),
                one.reason,
            )
            for cluster, server, one in servers.all()
        ],
    )
