"""PgDog's pgdog.toml, and the users.toml beside it, told as our configuration."""

from collections.abc import Mapping
from pathlib import Path

from articdbm.importing.foreign import Login, Reading, Tree, fit, users
from articdbm.importing.pgbouncer_settings import ATTEMPTS, LOGIN_ATTEMPTS, Taken
from articdbm.importing.references import References
from articdbm.importing.remark import Imported, Remark
from articdbm.importing.tree import Table, toml
from articdbm.importing.verdicts import CHECKS, METRICS, MIRROR, REPLICAS, SHARDS, THREADS, YEAR, Verdict
from config.positions import KeyPath

_LEVEL: Taken = {
    "pool_size": ("size", "count", 1, 100_000),
    "min_pool_size": ("min_size", "count", 0, 100_000),
    "idle_timeout": ("server_idle", "time", 0, YEAR),
    "server_lifetime": ("server_lifetime", "time", 1, YEAR),
}
_POOL: Taken = {
    **{name: value for name, value in _LEVEL.items() if name != "pool_size"},
    "default_pool_size": ("size", "count", 1, 100_000),
    "checkout_timeout": ("wait", "time", 0, YEAR),
    "query_timeout": ("statement", "time", 0, YEAR),
    "client_idle_timeout": ("client_idle", "time", 0, YEAR),
    "client_idle_in_transaction_timeout": ("idle_transaction", "time", 0, YEAR),
    "prepared_statements_limit": ("prepared", "count", 1, 100_000),
}
_DEFAULTS: Table = {"size": 10, "min_size": 1, "wait": "5s", "server_idle": "1m", "server_lifetime": "1d"}
_CLUSTER: Taken = {"connect_timeout": ("connect_timeout", "time", 1, YEAR)}
_LIMITS: Taken = {
    "client_login_timeout": ("login", "time", 1, YEAR),
    "shutdown_timeout": ("drain", "time", 0, YEAR),
}
_TCP: Taken = {
    "time": ("keepalive_idle", "time", 0, 32_767_000),
    "interval": ("keepalive_interval", "time", 1_000, 32_767_000),
    "retries": ("keepalive_count", "count", 1, 127),
    "user_timeout": ("user_timeout", "time", 0, 2_147_483_647),
}
_CONGESTION: Verdict = ("no equivalent", "the system's own is used")
_TLS = {
    "none": "disable",
    "disabled": "disable",
    "prefer": "prefer",
    "verify_ca": "verify-ca",
    "verify_full": "verify-full",
}
_READ = {"host", "port", "pooler_mode", "auth_type", "tls_certificate", "tls_private_key", "tls_client_required",
         "tls_client_ca_certificate", "tls_verify", "tls_server_ca_certificate"}  # fmt: skip

_SERVER: Verdict = (
    "to do",
    "name it in parameters of the user or the database (read_only is default_transaction_read_only)",
)
_GENERAL: Mapping[str, Verdict] = {
    **dict.fromkeys(
        ("healthcheck_interval", "idle_healthcheck_interval", "idle_healthcheck_delay", "healthcheck_timeout",
         "ban_timeout", "connect_attempts", "connect_attempt_delay", "rollback_timeout", "connection_recovery"),
        CHECKS,
    ),
    **dict.fromkeys(
        ("load_balancing_strategy", "read_write_strategy", "read_write_split", "ban_replica_lag",
         "ban_replica_lag_bytes"),
        REPLICAS,
    ),
    **dict.fromkeys(("dry_run", "cross_shard_disabled", "two_phase_commit", "two_phase_commit_auto"), SHARDS),
    **dict.fromkeys(("mirror_queue", "mirror_exposure"), MIRROR),
    **dict.fromkeys(("openmetrics_port", "openmetrics_namespace", "healthcheck_port"), METRICS),
    "workers": THREADS,
    "passthrough_auth": (
        "no equivalent",
        "users that the file does not name are looked up by an auth_query, and keys of a SCRAM proof go to the servers",
    ),
    "prepared_statements": ("not needed", "prepared statements always work"),
    "pub_sub_channel_size": ("not needed", "LISTEN keeps no server connection"),
    "query_cache_limit": ("not needed", "limits.max_plans bounds what is kept of statements"),
    "query_parser": ("not needed", "every statement is understood"),
}  # fmt: skip
_DATABASE: Mapping[str, Verdict] = {
    **dict.fromkeys(("statement_timeout", "lock_timeout", "read_only"), _SERVER), "lb_weight": REPLICAS,
}  # fmt: skip
_USER: Mapping[str, Verdict] = {
    **dict.fromkeys(("statement_timeout", "lock_timeout"), _SERVER),
    **dict.fromkeys(("two_phase_commit", "two_phase_commit_auto"), SHARDS),
    "replication_mode": ("to do", "set replication = true for users that may replicate"),
}
_SECTIONS: Mapping[str, Verdict] = {
    **dict.fromkeys(("sharded_tables", "sharded_mappings", "sharded_schemas", "omnisharded_tables"), SHARDS),
    "mirroring": MIRROR,
    "plugins": ("no equivalent", "plugins of this proxy are written in Python"),
    "admin": ("to do", "the console is for users of the configuration: name them in admin.users"),
}


def read(file: Path, secrets: Path | None = None) -> Imported:
    """The whole of it. With `secrets`, a folder, passwords become files there; without, environment variables."""
    remarks: list[Remark] = []
    references = References(secrets)
    reading = Reading(file, remarks)
    general = reading.table(reading.tree, (), "general")
    at: KeyPath = ("general",)
    reading.rest(general, at, {*_READ, *_POOL, *_CLUSTER, *_LIMITS}, _GENERAL)
    reading.rest(reading.tree, (), ("general", "databases", "tcp"), _SECTIONS)
    tcp = reading.table(reading.tree, (), "tcp")
    reading.rest(tcp, ("tcp",), ("keepalive", *_TCP), {"congestion_control": _CONGESTION})
    pool = (
        {"mode": "transaction"}
        | reading.mode(general, at, "pooler_mode")
        | _DEFAULTS
        | reading.taken(general, at, _POOL)
    )
    shared = reading.taken(general, at, _CLUSTER) | _server_tls(reading, general)
    clusters, databases, own_users = _places(reading, pool, shared)
    logins = Reading(file.parent / "users.toml", remarks)
    names = [str(database["name"]) for database in databases]
    everyone = users(_logins(logins, names, own_users), names, logins, references)
    pools = [level["pool"] for level in (*databases, *everyone) if isinstance(level.get("pool"), dict)]
    fit([one for one in pools if isinstance(one, dict)], [pool], 100_000)
    listener = reading.listener(general, _client_tls(reading, general), _auth(reading, general))
    tables = {"listeners": [listener], "clusters": clusters, "databases": databases, "users": everyone}
    reading.say(("limits", "login_attempts"), *ATTEMPTS)
    silence = reading.taken(tcp, ("tcp",), _TCP)
    if not reading.get(tcp, ("tcp",), "keepalive", bool, True):
        silence["keepalive_idle"] = "0s"
    limits = {**reading.taken(general, at, _LIMITS), "login_attempts": LOGIN_ATTEMPTS}
    text = toml(tables, {"limits": limits, "tcp": silence}, f"From {file.name}, by `articdbm import`.")
    return Imported(
        toml=text,
        remarks=tuple(sorted(remarks, key=lambda one: (one.file, one.line))),
        secrets=references.files,
    )


def _places(
    reading: Reading, pool: Table, shared: Table
) -> tuple[list[Table], list[Table], dict[str, tuple[str | None, str | None]]]:
    """Clusters, databases, and as whom each database wants to log in."""
    grouped: dict[str, list[tuple[KeyPath, Tree]]] = {}
    for path, table in reading.tables(reading.tree, (), "databases"):
        grouped.setdefault(reading.get(table, path, "name", str, ""), []).append((path, table))
    clusters: list[Table] = []
    databases: list[Table] = []
    own_users: dict[str, tuple[str | None, str | None]] = {}
    for name, members in grouped.items():
        path, first = members[0]
        if not 1 <= len(name.encode()) <= 63 or not name.isprintable() or name in ("articdbm", "pgbouncer"):
            reading.say(path, "no equivalent", "no database can have this name here: it is left out")
            continue
        if len({reading.get(table, at, "shard", int, 0) for at, table in members}) > 1:
            reading.say(path, "not yet", "there is no sharding: the database is left out")
            continue
        servers = [
            place
            for at, table in members
            if (
                place := reading.place(
                    reading.get(table, at, "host", str, ""), reading.get(table, at, "port", int, 5432), at
                )
            )
        ]
        if not servers:
            continue
        if len(servers) > 1:
            reading.say(
                path,
                "differs",
                "of several servers the primary is found and used; replicas are not read from yet",
            )
        cluster = f"cluster{len(clusters) + 1}"
        clusters.append(
            {"name": cluster, "protocol": "postgres", **shared,
             "servers": [{"address": place} for place in dict.fromkeys(servers)], "pool": pool}
        )  # fmt: skip
        known = {
            "name",
            "host",
            "port",
            "role",
            "shard",
            "database_name",
            "user",
            "password",
            "pooler_mode",
            *_LEVEL,
        }
        for at, table in members:
            reading.rest(table, at, known, _DATABASE)
        own = reading.mode(first, path, "pooler_mode") | reading.taken(first, path, _LEVEL)
        database: Table = {"name": name, "cluster": cluster}
        remote = reading.get(first, path, "database_name", str, name)
        databases.append(
            database | ({"dbname": remote} if remote != name else {}) | ({"pool": own} if own else {})
        )
        if "user" in first or "password" in first:
            own_users[name] = reading.optional(first, path, "user"), reading.optional(first, path, "password")
    return clusters, databases, own_users


def _logins(
    reading: Reading, databases: list[str], own_users: Mapping[str, tuple[str | None, str | None]]
) -> list[Login]:
    found: list[Login] = []
    known = {"name", "database", "databases", "all_databases", "password", "server_user", "server_password",
             "pooler_mode", *_LEVEL}  # fmt: skip
    for path, table in reading.tables(reading.tree, (), "users"):
        reading.rest(table, path, known, _USER)
        listed = table.get("databases")
        may = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
        if table.get("all_databases") is True:
            may = databases
        elif one := reading.optional(table, path, "database"):
            may.append(one)
        pool = reading.mode(table, path, "pooler_mode") | reading.taken(table, path, _LEVEL)
        for name in may:
            user, password = own_users.get(name, (None, None))
            found.append(
                Login(
                    path, reading.get(table, path, "name", str, ""), (name,), reading.optional(table, path, "password"),
                    user or reading.optional(table, path, "server_user"),
                    password or reading.optional(table, path, "server_password"), pool,
                )
            )  # fmt: skip
    reading.rest(reading.tree, (), ("users",), _SECTIONS)
    return found


def _client_tls(reading: Reading, general: Tree) -> Table:
    at: KeyPath = ("general",)
    names = (
        ("certificate", "tls_certificate"),
        ("key", "tls_private_key"),
        ("client_ca", "tls_client_ca_certificate"),
    )
    files = {ours: path for ours, theirs in names if (path := reading.path_of(general, at, theirs))}
    if "certificate" not in files:
        return {}
    if "client_ca" in files:
        reading.say(
            (*at, "tls_client_ca_certificate"),
            "differs",
            'checked where one is shown; auth = "cert" demands it',
        )
    required = reading.get(general, at, "tls_client_required", bool, False)
    return {"mode": "require" if required else "allow", **files}


def _server_tls(reading: Reading, general: Tree) -> Table:
    written = reading.get(general, ("general",), "tls_verify", str, "prefer")
    mode = _TLS.get(written)
    if mode is None:
        reading.say(("general", "tls_verify"), "unknown", "this is no way to verify; verify-full is taken")
        mode = "verify-full"
    ca = reading.path_of(general, ("general",), "tls_server_ca_certificate")
    return {"tls": {"mode": mode} | ({"ca": ca} if ca and mode.startswith("verify") else {})}


def _auth(reading: Reading, general: Tree) -> str:
    match reading.get(general, ("general",), "auth_type", str, "scram"):
        case "scram" | "scram-sha-256":
            return "scram-sha-256"
        case "trust":
            return "trust"
        case "md5":
            why = 'scram-sha-256 instead: drivers since 2017 speak it; for older ones set auth = "md5"'
        case _:
            why = "there is no such method: scram-sha-256 instead"
    reading.say(("general", "auth_type"), "differs", why)
    return "scram-sha-256"
