"""PgBouncer's clients: where they come in, how they prove themselves, and who they are."""

from collections.abc import Iterable

from articdbm.importing import hba, ways
from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, pairs
from articdbm.importing.pgbouncer_file import SOCKETS, Ini, nameable, number
from articdbm.importing.remark import State
from articdbm.importing.tree import Table, Value
from articdbm.importing.userlist import Account
from articdbm.importing.ways import Door, Known
from config.address import Address, address
from config.errors import RefusedError
from config.sections.databases import WILDCARD

_TLS = {
    "disable": "disable", "allow": "allow", "prefer": "allow", "require": "require", "verify-ca": "require",
    "verify-full": "require",
}  # fmt: skip
_MODES = ("0777", "0770", "0700", "0666", "0660", "0600")
_USER_HERE = tuple(known.OF_USER)


# --- who they are --------------------------------------------------------------------------------


def users(ini: Ini, databases: list[Table], looked_up: bool) -> list[Table]:
    """The userlist; with a look-up, or PAM, also whom [users] names, and `*` for everybody else."""
    if not ini.setting("auth_file") and not looked_up:
        ini.say(
            None, "to do", "there is no auth_file, and so nobody who may come in: add [[users]]", "auth_file"
        )
    every = {name: value for name, value in ini.taken(known.OF_USER).items() if value}
    asks = any("auth_query" in database for database in databases)
    found: list[Table] = []
    keyed = False
    for account in ini.accounts.values():
        at = ini.at(account)
        if not nameable(account.name) or account.name == WILDCARD:
            ini.say(at, "no equivalent", "no user has such a name: it is left out", f"{account.name!r}")
            continue
        user: Table = {"name": account.name} | _password(ini, at, account)
        if account.kind == "scram" and not keyed:
            ini.say(at, *known.KEYS, "server_password")
            keyed = True
        if account.kind == "none" and looked_up and asks:
            why = "without a password here it is looked up, as if it were not in the file"
            ini.say(at, "differs", why, f"{account.name}: password")
        found.append(user | every | _own(ini, account.name))
    for name, entry in ini.users.items():
        if name in ini.accounts:
            continue
        if looked_up and nameable(name) and name != WILDCARD:
            found.append({"name": name} | every | _own(ini, name))
        else:
            why = "this user is not in auth_file, and nobody is looked up: it cannot come in"
            ini.say(entry, "no equivalent", why)
    return [*found, {"name": WILDCARD} | every] if looked_up else found


def _password(ini: Ini, at: Entry, account: Account) -> Table:
    if account.kind == "none":
        return {}
    secret = None if account.kind == "md5" else account.secret
    why = {"md5": known.MD5, "scram": "a SCRAM verifier"}.get(account.kind, "a password")
    reference, todo = ini.references.refer(account.name, "password", secret)
    if todo:
        ini.say(at, "to do", f"{why}; {todo}", f"{account.name}: password")
    return {"password": reference}


def _own(ini: Ini, name: str) -> Table:
    """What [users] says of this one."""
    if name not in ini.users:
        return {}
    entry = ini.users[name]
    line = pairs(entry)
    own = ini.level(entry, line, known.USER_OTHERS, _USER_HERE)
    if "size" in own or "min_size" in own:
        # It may be merged with any of them.
        sizes = _written(ini, "default_pool_size", "pool_size")
        sizes += [] if "default_pool_size" in ini.settings else [20]
        least = max(_written(ini, "min_pool_size", "min_pool_size"), default=0)
        ini.fit(own, max(min(sizes), 1), ({"min_size": least},))
    most = ini.in_line(known.OF_USER, entry, line)
    return most | ({"pool": own} if own else {})


def _written(ini: Ini, name: str, in_databases: str) -> list[int]:
    """Every value of a setting above the users', as far as it is a number."""
    found = [
        ini.setting(name),
        *(pairs(entry).get(in_databases, "") for entry in ini.databases.values()),
    ]
    return [min(int(one), 100_000) for one in found if one.isdecimal()]


def kept_open(ini: Ini, clusters: list[Table], databases: list[Table], everyone: list[Table]) -> None:
    """Tell how many connections are opened at the start, where PgBouncer opened none."""
    above = {cluster["name"]: _least(cluster, 0) for cluster in clusters}
    asked = [
        _least(user, _least(database, above[database["cluster"]]))
        for database in databases
        for user in everyone
        if WILDCARD not in (database["name"], user["name"])
    ]
    if pools := sum(map(bool, asked)):
        why = (
            f"PgBouncer fills a pool after its first client; here those of users and databases are full at the start: "
            f"{pools} pools, {sum(asked)} connections (of users with a verifier alone after their first client). "
            "users.databases says which are whose"
        )
        ini.say(ini.settings.get("min_pool_size"), "differs", why, "min_pool_size: at the start")


def _least(level: Table, above: int) -> int:
    pool = level.get("pool")
    return number(pool, "min_size", above) if isinstance(pool, dict) else above


def admin(ini: Ini, everyone: list[Table]) -> Table:
    """Of the console."""
    there = {str(user["name"]) for user in everyone if user["name"] != WILDCARD}
    found: Table = {}
    for theirs, ours in (("admin_users", "users"), ("stats_users", "stats_users")):
        asked = ini.names(theirs)
        for name in asked:
            if name not in there:
                why = f"{name!r} is not among the users and is left out: nobody is looked up for the console"
                ini.say(ini.settings[theirs], "no equivalent", why)
        named: list[Value] = [name for name in asked if name in there]
        found |= {ours: named} if named else {}
    return found


# --- where they come in, and how -----------------------------------------------------------------


def listeners(ini: Ini, databases: list[Table], everyone: list[Table]) -> list[Table]:
    names = [str(database["name"]) for database in databases]
    people = [str(user["name"]) for user in everyone]
    whom = Known(
        tuple(name for name in names if name != WILDCARD), tuple(name for name in people if name != WILDCARD),
        WILDCARD in names, WILDCARD in people,
    )  # fmt: skip
    tls, rules = _tls(ini), _rules(ini)
    ini.setting("unix_socket_mode")
    found: list[Table] = []
    for place in _places(ini):
        door = Door(place.unix is not None, place.loopback, {} if place.unix else tls)
        listener: Table = {"protocol": "postgres", "address": str(place), **_ways(ini, door, whom, rules)}
        if door.tls:
            listener["tls"] = door.tls
        found.append(listener | (_unix_mode(ini) if place.unix else {}))
    return found or [{"protocol": "postgres", "address": "127.0.0.1:6432", "auth": "scram-sha-256"}]


def _ways(ini: Ini, door: Door, whom: Known, rules: tuple[hba.Rule, ...] | None) -> Table:
    if rules is None:
        said, why = ways.everywhere(ini.setting("auth_type", "md5"), door, whom)
        if why:
            ini.say(ini.settings.get("auth_type"), "differs", why, "[pgbouncer] auth_type")
        return said
    file = ini.file.parent / ini.setting("auth_hba_file")

    def say(rule: hba.Rule, state: State, why: str) -> None:
        if why == ways.MD5:
            # Once for all rules.
            ini.say(Entry(file, 0, "hba", "", ""), state, why, "md5")
        else:
            ini.say(Entry(file, rule.line, "hba", "", ""), state, why, str(rule))

    written = ways.translate(rules, door, whom, say)
    return {"auth": "scram-sha-256", "rules": written}


def _rules(ini: Ini) -> tuple[hba.Rule, ...] | None:
    """The HBA rules, where they are in force."""
    written, asked = ini.setting("auth_hba_file"), ini.setting("auth_type", "md5") == "hba"
    if not asked:
        if written:
            ini.say(ini.settings["auth_hba_file"], "not needed", "rules are for auth_type = hba alone")
        return None
    if not written:
        ini.say(
            ini.settings["auth_type"],
            "differs",
            "there is no auth_hba_file: nobody gets in, as with PgBouncer",
        )
        return ()
    return tuple(hba.rules(ini.file.parent / written))


def _places(ini: Ini) -> Iterable[Address]:
    port, hosts, directory = (
        ini.setting("listen_port", "6432"),
        ini.setting("listen_addr"),
        ini.setting("unix_socket_dir"),
    )
    at = ini.settings.get("listen_addr")
    found: list[Address] = []
    written = ("*" if "*" in hosts else hosts).split(",") if hosts else []
    for host in dict.fromkeys(part.strip() for part in written):
        if host == "*":
            ini.say(at, "differs", 'every IPv4 interface; for IPv6 too write "[::]:…" instead')
        place = "0.0.0.0" if host == "*" else f"[{host}]" if ":" in host else host
        try:
            asked = address(f"{place}:{port}")
        except RefusedError as refused:
            ini.say(
                at,
                "unknown",
                f"{refused.what}: nothing listens there",
                "[pgbouncer] listen_addr, listen_port",
            )
            continue
        if not any(_same(asked, other) for other in found):
            found.append(asked)
    if "unix_socket_dir" not in ini.settings:
        if hosts:
            why = "PgBouncer has a Unix socket too, in /tmp (Debian's package: /var/run/postgresql): add a listener"
            ini.say(None, "differs", f"{why} for who comes there", "unix_socket_dir")
        else:
            directory = SOCKETS
            why = "it listens at a Unix socket alone: in /tmp, where Debian's package has /var/run/postgresql"
            ini.say(at, "differs", why, "[pgbouncer] listen_addr")
    if directory:
        found += _socket(ini, directory, port)
    if not found:
        ini.say(at, "differs", "it listens nowhere: 127.0.0.1:6432 instead", "[pgbouncer] listen_addr")
    return found


def _socket(ini: Ini, directory: str, port: str) -> list[Address]:
    at = ini.settings.get("unix_socket_dir")
    try:
        found = address(f"{directory}:{port}")
    except RefusedError as refused:
        ini.say(at, "no equivalent", f"{refused.what}: nothing listens there", "[pgbouncer] unix_socket_dir")
        return []
    if found.unix is None:
        ini.say(at, "no equivalent", "write the whole path of the directory: nothing listens there")
        return []
    console = "its console is for admin.users alone, whoever's process it is that comes as pgbouncer"
    ini.say(at, "differs", console, "[pgbouncer] unix_socket_dir")
    return [found]


def _unix_mode(ini: Ini) -> Table:
    written = ini.setting("unix_socket_mode", "0777")
    at = ini.settings.get("unix_socket_mode")
    try:
        asked = int(written, 8)
    except ValueError:
        ini.say(at, "unknown", "this is no mode; 0600 is taken")
        return {"unix_mode": "0600"}
    # To connect one has to be allowed to write.
    mode = next((one for one in _MODES if int(one, 8) & ~asked == 0), "0600")
    if int(mode, 8) != asked:
        ini.say(at, "differs", f"{mode} is the nearest there is")
    return {"unix_mode": mode}


def _tls(ini: Ini) -> Table:
    written = ini.setting("client_tls_sslmode", "disable")
    mode = _TLS.get(written)
    if mode is None:
        ini.say(ini.settings["client_tls_sslmode"], "unknown", "this is no sslmode; require is taken")
        mode = "require"
    tls: Table = {"mode": mode}
    for ours, theirs in (("certificate", "cert"), ("key", "key"), ("client_ca", "ca")):
        path = ini.path(f"client_tls_{theirs}_file")
        if path and (ours != "client_ca" or written.startswith("verify")):
            tls[ours] = path
    if written.startswith("verify") and ini.setting("auth_type", "md5") != "cert":
        why = 'a certificate is checked where one is shown; auth = "cert" demands it'
        ini.say(ini.settings["client_tls_sslmode"], "differs", why)
    return {} if mode == "disable" else tls


def tcp(ini: Ini) -> Table:
    """What the kernel does about silence. What PgBouncer leaves to the system stays at our defaults."""
    zero = {
        name for name in known.KEEPALIVE if (entry := ini.settings.get(name)) and entry.value.strip() == "0"
    }
    found = ini.taken({name: what for name, what in known.KEEPALIVE.items() if name not in zero})
    for name in zero:
        ini.setting(name)
        ini.say(ini.settings[name], "differs", "the system's own there, the default of [tcp] here")
    if ini.setting("tcp_keepalive", "1") == "0":
        found["keepalive_idle"] = "0s"
    return found | ini.taken(known.SILENCE)


def _same(one: Address, other: Address) -> bool:
    """Both cannot be listened at."""
    return one.ip == other.ip if one.ip else one.host == other.host
