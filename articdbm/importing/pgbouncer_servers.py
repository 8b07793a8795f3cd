"""PgBouncer's [databases], as clusters and databases: where they are, as whom they log in, and who looks users up."""

from collections.abc import Mapping

from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, pairs
from articdbm.importing.pgbouncer_file import SOCKETS, Ini, nameable, number, told
from articdbm.importing.tree import Table
from config.address import address
from config.errors import RefusedError
from config.sections.databases import WILDCARD
from config.text import MOST_BYTES

_HERE = {
    "host", "port", "dbname", "user", "password", "connect_query", "auth_user", "auth_query", "auth_dbname",
    *known.OF_DATABASE, *known.PARAMETERS,
}  # fmt: skip


def places(ini: Ini) -> tuple[list[Table], list[Table]]:
    """Clusters and databases."""
    for name in ("auth_user", "auth_query", "auth_dbname"):
        ini.setting(name)
    pool = _pool(ini)
    shared: Table = {
        "protocol": "postgres", "connect_timeout": "15s", "login_retry": "15s", **ini.taken(known.CLUSTER),
        **_tls(ini),
    }  # fmt: skip
    every = {name: value for name, value in ini.taken(known.OF_DATABASE).items() if value}
    all_bound = ini.setting("max_db_connections", "0")
    clusters: dict[tuple[str, ...], Table] = {}
    databases: list[Table] = []
    lines = {name: pairs(entry) for name, entry in ini.databases.items()}
    for name, line in lines.items():
        entry = ini.databases[name]
        servers = _servers(ini, entry, line) if _usable(ini, entry) else []
        if not servers:
            continue
        bound = ini.number(line.pop("max_db_connections", all_bound), entry, "max_db_connections")
        if bound and name == WILDCARD:
            why = "it bounds all databases that are reached by this one together"
            ini.say(entry, "differs", why, told(entry, "max_db_connections"))
        key = (*servers, name if bound else "")
        if key not in clusters:
            cluster: Table = {
                "name": f"cluster{len(clusters) + 1}", **shared,
                "servers": [{"address": server} for server in servers], "pool": dict(pool),
            }  # fmt: skip
            clusters[key] = cluster | ({"max_connections": bound} if bound else {})
        database: Table = {"name": name, "cluster": str(clusters[key]["name"])}
        if line.get("dbname", name) != name:
            database["dbname"] = line["dbname"]
        database |= (
            _login(ini, entry, line) | _beginning(ini, entry, line) | _lookup(ini, entry, lines, servers)
        )
        most = every | ini.in_line(known.OF_DATABASE, entry, line)
        database |= {ours: value for ours, value in most.items() if value}
        own = ini.level(entry, line, known.DATABASE_OTHERS, _HERE)
        ini.fit(own, number(pool, "size", 20), (pool,))
        databases.append(database | ({"pool": own} if own else {}))
    for cluster in clusters.values():
        _raise_lookup(cluster, [one for one in databases if one["cluster"] == cluster["name"]])
    return list(clusters.values()), databases


def _pool(ini: Ini) -> Table:
    pool = {**ini.mode(ini.setting("pool_mode"), ini.settings.get("pool_mode")), **ini.taken(known.POOL)}
    prepared = ini.settings.get("max_prepared_statements")
    if prepared and ini.setting("max_prepared_statements") == "0":
        ini.say(prepared, "differs", "prepared statements always work; pool.prepared says how many are kept")
    else:
        pool |= ini.taken(known.PREPARED)
    ini.fit(pool, 20, ())
    return pool


def _usable(ini: Ini, entry: Entry) -> bool:
    """Whether this database can be had here; where it cannot, it is left out and told."""
    if entry.key in ("articdbm", "pgbouncer"):
        ini.say(entry, "no equivalent", "this is the console's name, and the database is left out: rename it")
        return False
    if not nameable(entry.key):
        ini.say(entry, "no equivalent", "no database has such a name: it is left out")
        return False
    return True


def _servers(ini: Ini, entry: Entry, line: Mapping[str, str]) -> list[str]:
    ports = [port.strip() for port in line.get("port", "5432").split(",")]
    found: list[str] = []
    for index, host in enumerate(host.strip() for host in line.get("host", "").split(",")):
        place = host
        if not host:
            place = ini.setting("unix_socket_dir")
            if not place:
                place = SOCKETS
                why = f"without a host it is the Unix socket in PgBouncer's unix_socket_dir: {place} is taken"
                ini.say(
                    entry, "differs", f"{why} (Debian's package has /var/run/postgresql)", told(entry, "host")
                )
        port = ports[index % len(ports)]
        try:
            written = str(
                address(f"[{place}]:{port}" if ":" in place and place[0] != "/" else f"{place}:{port}")
            )
        except RefusedError as refused:
            ini.say(entry, "unknown", f"{refused.what}: the database is left out", told(entry, "host, port"))
            return []
        if written not in found:
            found.append(written)
    if len(found) > 1:
        why = "of several servers the primary is found and used; they are not taken in turn"
        ini.say(entry, "differs", why, told(entry, "host"))
    return found


def _login(ini: Ini, entry: Entry, line: Mapping[str, str]) -> Table:
    """As whom it logs in, whoever comes."""
    user, password = line.get("user"), line.get("password")
    if not user:
        if password is not None:
            why = "a password without a user: server_password is that of server_user"
            ini.say(entry, "no equivalent", why, told(entry, "password"))
        return {}
    if not nameable(user):
        ini.say(entry, "unknown", "no user has such a name", told(entry, "user"))
        return {}
    why = "each user has a pool of its own here, of pool_size, where PgBouncer has one for all: max_connections of the"
    ini.say(entry, "differs", f"{why} cluster bounds them together", told(entry, "user"))
    if password is not None:
        if not password:
            return {"server_user": user}
        reference, todo = ini.references.refer(user, "server_password", password)
        if todo:
            ini.say(entry, "to do", todo, told(entry, "user, password"))
        return {"server_user": user, "server_password": reference}
    return {"server_user": user} | _password(ini, entry, user, "server_password", "user, password")


def _password(ini: Ini, entry: Entry, user: str, ours: str, theirs: str) -> Table:
    """What the userlist knows of somebody who logs in to servers; nothing, where they ask for none."""
    account = ini.accounts.get(user)
    if account is None or account.kind == "none":
        return {}
    if account.kind == "scram":
        why = f"the userlist has a SCRAM verifier for it, which logs in nowhere: set {ours} where the server asks"
        ini.say(entry, "differs", why, told(entry, theirs))
        return {}
    secret = account.secret if account.kind == "password" else None
    reference, todo = ini.references.refer(user, "password", secret)
    if todo:
        ini.say(entry, "to do", todo if secret else f"{known.MD5}; {todo}", told(entry, theirs))
    return {ours: reference}


def _beginning(ini: Ini, entry: Entry, line: Mapping[str, str]) -> Table:
    """How its server connections begin."""
    found: Table = {}
    given = {name: line[name] for name in known.PARAMETERS if line.get(name)}
    for name in given:
        why = "what a client's startup packet says of it is ignored; a later SET is not"
        ini.say(entry, "differs", why, told(entry, name))
    if given:
        found["parameters"] = [{"name": name, "value": value} for name, value in given.items()]
    if query := line.get("connect_query"):
        if len(query.encode()) > MOST_BYTES:
            ini.say(
                entry, "no equivalent", f"it is longer than {MOST_BYTES} bytes", told(entry, "connect_query")
            )
        else:
            why = "if it fails the connection is not used; what it SETs for good belongs into parameters"
            ini.say(entry, "differs", why, told(entry, "connect_query"))
            found["connect_query"] = query
    return found


# --- who looks users up ------------------------------------------------------------------------------


def _lookup(ini: Ini, entry: Entry, lines: Mapping[str, Mapping[str, str]], servers: list[str]) -> Table:
    line = lines[entry.key]

    def said(name: str) -> tuple[str, Entry, str]:
        """The line's own or everybody's, and where it stands."""
        everybody = ini.setting(name)
        if name in line:
            return line[name], entry, told(entry, name)
        return everybody, ini.settings.get(name, entry), f"[pgbouncer] {name}"

    user, query, of = said("auth_user"), said("auth_query"), said("auth_dbname")
    if not user[0]:
        if query[0]:
            ini.say(query[1], "not needed", "without an auth_user nobody is looked up", query[2])
        return {}
    if not nameable(user[0]):
        ini.say(user[1], "unknown", "no user has such a name: nobody is looked up", user[2])
        return {}
    if query[0] and ("$1" not in query[0] or len(query[0].encode()) > MOST_BYTES):
        ini.say(
            query[1], "unknown", "it does not ask about $1, or is too long: nobody is looked up", query[2]
        )
        return {}
    table: Table = {"user": user[0]} | _password(ini, user[1], user[0], "password", "auth_user")
    if of[0]:
        target = lines.get(of[0], lines.get(WILDCARD))
        if target is None or _servers(ini, entry, target) != servers:
            why = "users are looked up at the database's own servers, and it is on none of them: nobody is looked up"
            ini.say(of[1], "no equivalent", why, of[2])
            return {}
        table["dbname"] = target.get("dbname") or of[0]
    elif entry.key == WILDCARD:
        table["dbname"] = line.get("dbname") or "postgres"
        if not line.get("dbname"):
            why = "users are looked up in the database postgres, not in each: a function it calls has to be there"
            ini.say(entry, "differs", why, told(entry, "auth_dbname"))
    if line.get("user"):
        why = "who is looked up comes in here too, which PgBouncer 1.18 does not manage beside user"
        ini.say(entry, "differs", why, told(entry, "auth_query"))
    if query[0]:
        table["query"] = query[0]
    return {"auth_query": table}


def _raise_lookup(cluster: Table, databases: list[Table]) -> None:
    """What all databases of a cluster say of it, the cluster says."""
    first = databases[0].get("auth_query") if databases else None
    if first is not None and all(one.get("auth_query") == first for one in databases):
        cluster["auth_query"] = first
        for one in databases:
            del one["auth_query"]


def _tls(ini: Ini) -> Table:
    mode = ini.setting("server_tls_sslmode")
    files = {
        ours: ini.path(f"server_tls_{theirs}_file")
        for ours, theirs in (("ca", "ca"), ("certificate", "cert"), ("key", "key"))
    }
    if mode not in ("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"):
        ini.say(ini.settings["server_tls_sslmode"], "unknown", "this is no sslmode; verify-full is taken")
        mode = "verify-full"
    if files["ca"] and not mode.startswith("verify"):
        ini.say(ini.settings["server_tls_ca_file"], "not needed", "this sslmode checks nothing against it")
        files["ca"] = ""
    tls: Table = {"mode": mode} if mode else {}
    tls |= {name: path for name, path in files.items() if path}
    return {"tls": tls} if tls else {}
