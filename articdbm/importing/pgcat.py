"""PgCat's pgcat.toml told as our configuration."""

from collections.abc import Mapping
from pathlib import Path

from articdbm.importing.foreign import Login, Reading, Tree, fit, users
from articdbm.importing.pgbouncer_file import nameable
from articdbm.importing.pgbouncer_settings import ATTEMPTS, LOGIN_ATTEMPTS, Taken
from articdbm.importing.references import References
from articdbm.importing.remark import Imported, Remark
from articdbm.importing.tree import Table, toml
from articdbm.importing.verdicts import CHECKS, LOG, METRICS, MIRROR, REPLICAS, SHARDS, THREADS, YEAR, Verdict
from config.positions import KeyPath

_LEVEL: Taken = {
    # How long a client waits for a connection, which it may have to make.
    "connect_timeout": ("wait", "time", 1, YEAR),
    "idle_timeout": ("server_idle", "time", 0, YEAR),
    "server_lifetime": ("server_lifetime", "time", 1, YEAR),
}
_POOL: Taken = {**_LEVEL, "prepared_statements_cache_size": ("prepared", "count", 1, 100_000)}
_GENERAL_POOL: Taken = {**_POOL, "idle_client_in_transaction_timeout": ("idle_transaction", "time", 0, YEAR)}
_USER: Taken = {
    **_LEVEL,
    "pool_size": ("size", "count", 1, 100_000),
    "min_pool_size": ("min_size", "count", 0, 100_000),
    "statement_timeout": ("statement", "time", 0, YEAR),
}

_READ = {"host", "port", "pool_mode", "tls_certificate", "tls_private_key", "server_tls", "verify_server_certificate",
         "autoreload"}  # fmt: skip
_TCP: Taken = {
    "tcp_keepalives_idle": ("keepalive_idle", "time", 0, 32_767_000),
    "tcp_keepalives_interval": ("keepalive_interval", "time", 1_000, 32_767_000),
    "tcp_keepalives_count": ("keepalive_count", "count", 1, 127),
    "tcp_user_timeout": ("user_timeout", "time", 0, 2_147_483_647),
}
_LIMITS: Taken = {"shutdown_timeout": ("drain", "time", 0, YEAR)}
_QUERY_PARTS = ("auth_query", "auth_query_user", "auth_query_password")
_ADMIN: Verdict = (
    "to do",
    "the console is for users of the configuration: name them in admin.users",
)
_OTHERS: Mapping[str, Verdict] = {
    **dict.fromkeys(("healthcheck_timeout", "healthcheck_delay", "ban_time"), CHECKS),
    **dict.fromkeys(("enable_prometheus_exporter", "prometheus_exporter_port"), METRICS),
    **dict.fromkeys(("admin_username", "admin_password"), _ADMIN),
    **dict.fromkeys(("log_client_connections", "log_client_disconnections"), LOG),
    **dict.fromkeys(
        ("default_role", "query_parser_enabled", "query_parser_read_write_splitting", "primary_reads_enabled",
         "replica_to_primary_failover_enabled", "load_balancing_mode"), REPLICAS,
    ),
    **dict.fromkeys(("sharding_function", "automatic_sharding_key", "shard_id_regex", "sharding_key_regex"), SHARDS),
    "worker_threads": THREADS,
    "cleanup_server_connections": ("not needed", "what a client leaves behind is known and cleaned"),
    "mirrors": MIRROR,
    "plugins": ("no equivalent", "plugins of this proxy are written in Python"),
    "user": _ADMIN,
}  # fmt: skip


def read(file: Path, secrets: Path | None = None) -> Imported:
    """The whole of it. With `secrets`, a folder, passwords become files there; without, environment variables."""
    remarks: list[Remark] = []
    references = References(secrets)
    reading = Reading(file, remarks)
    at: KeyPath = ("general",)
    general = reading.table(reading.tree, (), "general")
    reading.rest(general, at, {*_READ, *_GENERAL_POOL, *_TCP, *_LIMITS, *_QUERY_PARTS}, _OTHERS)
    reading.rest(reading.tree, (), ("general", "pools"), _OTHERS)
    pool = (
        {"mode": "transaction"}
        | reading.mode(general, at, "pool_mode")
        | reading.taken(general, at, _GENERAL_POOL)
    )
    clusters: list[Table] = []
    databases: list[Table] = []
    logins: list[Login] = []
    for path, table in reading.tables(reading.tree, (), "pools"):
        place = _place(reading, path, table)
        if place is None:
            continue
        name, (servers, remote) = str(path[-1]), place
        clusters.append(
            {"name": f"cluster{len(clusters) + 1}", "protocol": "postgres", **_server_tls(reading, general),
             "servers": [{"address": server} for server in servers], "pool": pool,
             **_lookup(reading, general, path, table, references)}
        )  # fmt: skip
        own = reading.mode(table, path, "pool_mode") | reading.taken(table, path, _POOL)
        database: Table = {"name": name, "cluster": f"cluster{len(clusters)}"}
        databases.append(
            database | ({"dbname": remote} if remote != name else {}) | ({"pool": own} if own else {})
        )
        logins += (_login(reading, at, user, name) for at, user in reading.tables(table, path, "users"))
    names = [str(database["name"]) for database in databases]
    everyone = users(logins, names, reading, references)
    fit([level for login in everyone if isinstance(level := login.get("pool"), dict)], [pool], 20)
    names_of = (("certificate", "tls_certificate"), ("key", "tls_private_key"))
    tls = {ours: reading.path_of(general, at, theirs) for ours, theirs in names_of}
    offered: Table = {"mode": "allow", **tls} if tls["certificate"] else {}
    reading.say(
        at, "differs", "clients log in with scram-sha-256 instead of md5: drivers since 2017 speak it"
    )
    tables = {
        "listeners": [reading.listener(general, offered, "scram-sha-256")], "clusters": clusters,
        "databases": databases, "users": everyone,
    }  # fmt: skip
    reading.say(("limits", "login_attempts"), *ATTEMPTS)
    seconds = {
        name: value * 1000 if name.startswith("tcp_keepalives_") and name[-5:] != "count" and isinstance(value, int)
        else value
        for name, value in general.items()
    }  # fmt: skip
    single: dict[str, Table] = {
        "limits": {**reading.taken(general, at, _LIMITS), "login_attempts": LOGIN_ATTEMPTS},
        "tcp": reading.taken(seconds, at, _TCP),
    }
    text = toml(tables, single, f"From {file.name}, by `articdbm import`.")
    if reading.get(general, at, "autoreload", bool, False):
        head, _, rest = text.partition("\n")
        text = f"{head}\n\nwatch = true\n{rest}"
    return Imported(
        toml=text, remarks=tuple(sorted(remarks, key=lambda one: one.line)), secrets=references.files
    )


def _place(reading: Reading, path: KeyPath, table: Tree) -> tuple[list[str], str] | None:
    """A pool's servers, and the database's name there; None where it cannot be had."""
    name = str(path[-1])
    reading.rest(table, path, {"pool_mode", "users", "shards", *_POOL, *_QUERY_PARTS}, _OTHERS)
    if not 1 <= len(name.encode()) <= 63 or not name.isprintable() or name in ("articdbm", "pgbouncer"):
        reading.say(path, "no equivalent", "no database can have this name here: it is left out")
        return None
    shards = reading.tables(table, path, "shards")
    if len(shards) != 1:
        reading.say((*path, "shards"), "not yet", "one shard is what can be served: the database is left out")
        return None
    at, shard = shards[0]
    reading.rest(shard, at, ("servers", "database"), _OTHERS)
    found: list[str] = []
    listed = shard.get("servers")
    for index, server in enumerate(listed if isinstance(listed, list) else ()):
        match server:
            case [str(host), int(port), *_] | {"host": str(host), "port": int(port)}:
                place = reading.place(host, port, (*at, "servers", index))
                found += [place] if place and place not in found else []
            case _:
                reading.say((*at, "servers", index), "unknown", "this is no server: it is left out")
    if not found:
        reading.say(at, "unknown", "there is no server: the database is left out")
        return None
    if len(found) > 1:
        reading.say(
            at, "differs", "of several servers the primary is found and used; replicas are not read from yet"
        )
    return found, reading.get(shard, at, "database", str, name) or name


def _login(reading: Reading, path: KeyPath, user: Tree, database: str) -> Login:
    known = {"username", "password", "server_username", "server_password", "pool_mode", *_USER}
    reading.rest(user, path, known, _OTHERS)
    return Login(
        path, reading.get(user, path, "username", str, ""), (database,), reading.optional(user, path, "password"),
        reading.optional(user, path, "server_username"), reading.optional(user, path, "server_password"),
        reading.mode(user, path, "pool_mode") | reading.taken(user, path, _USER),
    )  # fmt: skip


def _server_tls(reading: Reading, general: Tree) -> Table:
    if not reading.get(general, ("general",), "server_tls", bool, False):
        return {}
    if reading.get(general, ("general",), "verify_server_certificate", bool, False):
        # Incomplete on purpose: less than was asked for would be written otherwise.
        why = "name the authority in tls.ca: until then the configuration is not usable"
        reading.say(("general", "verify_server_certificate"), "to do", why)
        return {"tls": {"mode": "verify-full"}}
    return {"tls": {"mode": "require"}}


def _lookup(reading: Reading, general: Tree, path: KeyPath, table: Tree, references: References) -> Table:
    """Who looks up the users that have no password; the pool's own or everybody's."""
    where, source = (path, table) if "auth_query" in table else (("general",), general)
    query, user, password = (reading.optional(source, where, name) for name in _QUERY_PARTS)
    if query is None or user is None or not nameable(user):
        return {}
    # There the name is put into the text; here it is a parameter.
    query = query.replace("'$1'", "$1")
    if "$1" not in query:
        reading.say((*where, "auth_query"), "unknown", "it does not ask about $1: nobody is looked up")
        return {}
    found: Table = {"user": user, "query": query}
    if password is not None:
        found["password"], todo = references.refer(user, "auth_query_password", password)
        if todo:
            reading.say((*where, "auth_query_password"), "to do", todo)
    return {"auth_query": found}
