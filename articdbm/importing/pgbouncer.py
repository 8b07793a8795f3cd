"""PgBouncer's pgbouncer.ini, with its userlist and HBA file, told as our configuration.

What PgBouncer does by default and we would do otherwise is written out. Where something cannot be said here, what is
written lets in fewer rather than more, and a remark tells it.

Longer than most files: it is one pass over one file, in which every part says what it leaves out.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from articdbm.importing import hba
from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, entries, pairs
from articdbm.importing.references import References
from articdbm.importing.remark import Imported, Remark, State
from articdbm.importing.tree import Table, Value, toml
from articdbm.importing.userlist import Account, accounts
from config.address import Address, address
from config.errors import RefusedError
from config.quantities import Duration

_MODES = ("session", "transaction", "statement")
_CLIENT_TLS = {
    "disable": "disable", "allow": "allow", "prefer": "allow", "require": "require", "verify-ca": "require",
    "verify-full": "require",
}  # fmt: skip


def read(file: Path, secrets: Path | None = None) -> Imported:
    """The whole of it. With `secrets`, a folder, passwords become files there; without, environment variables."""
    return _Import(file, References(secrets)).done()


class _Import:
    """One import under way: what was read, and what there is to say of it."""

    def __init__(self, file: Path, references: References) -> None:
        self.file, self.references = file, references
        self.remarks: list[Remark] = []
        self.settings: dict[str, Entry] = {}
        self.databases: dict[str, Entry] = {}
        self.users: dict[str, Entry] = {}
        for entry in entries(file):
            match entry.section:
                case "pgbouncer":
                    self.settings[entry.key.lower()] = entry
                case "databases":
                    self.databases[entry.key] = entry
                case "users":
                    self.users[entry.key] = entry
                case "peers":
                    self.say(entry, "not needed", known.OTHERS["peer_id"][1])
                case _:
                    self.say(entry, "unknown", "PgBouncer has no such section")
        self._used: set[str] = set()

    def say(self, at: Entry | None, state: State, why: str, setting: str = "") -> None:
        where = (str(at.file), at.line) if at else (str(self.file), 0)
        name = setting or (f"[{at.section}] {at.key}" if at else "")
        self.remarks.append(Remark(file=where[0], line=where[1], setting=name, state=state, why=why))

    def setting(self, name: str, default: str = "") -> str:
        self._used.add(name)
        entry = self.settings.get(name)
        return entry.value.strip() if entry else default

    def done(self) -> Imported:
        clusters, databases, forced = self._places()
        listener = self._listener()
        users = self._users([str(database["name"]) for database in databases], forced)
        single = {"admin": self._admin(users), "limits": {"max_clients": 100, **self._taken(known.LIMITS)}}
        for name, entry in self.settings.items():
            if name not in self._used:
                self.say(entry, *known.OTHERS.get(name, ("unknown", "it is not known to this version")))
        tables = {"listeners": listener, "clusters": clusters, "databases": databases, "users": users}
        text = toml(tables, single, f"From {self.file.name}, by `articdbm import`.")
        ordered = sorted(self.remarks, key=lambda one: (one.file != str(self.file), one.file, one.line))
        return Imported(toml=text, remarks=tuple(ordered), secrets=self.references.files)

    # --- values ----------------------------------------------------------------------------------

    def _taken(self, names: known.Taken) -> Table:
        """Those of these settings of [pgbouncer] that are given."""
        self._used.update(names)
        given = {name: self.settings[name].value for name in names if name in self.settings}
        return self._values(names, given, self.settings)

    def _values(self, names: known.Taken, given: Mapping[str, str], at: Mapping[str, Entry]) -> Table:
        found: Table = {}
        for name, written in given.items():
            ours, kind, least, most = names[name]
            try:
                asked = int(written) if kind == "count" else round(float(written) * 1000)
            except (ValueError, OverflowError):
                self.say(at[name], "unknown", "this is not a number", self._told(at[name], name))
                continue
            value = min(max(asked, least), most)
            if value != asked:
                said = str(Duration(value)) if kind == "time" else str(value)
                self.say(at[name], "differs", f"{said} is the nearest there is", self._told(at[name], name))
            found[ours] = value if kind == "count" else _time(value)
        return found

    @staticmethod
    def _told(entry: Entry, name: str) -> str:
        return f"[{entry.section}] {name if entry.section == 'pgbouncer' else f'{entry.key}: {name}'}"

    def _mode(self, written: str, at: Entry | None) -> Table:
        if written in _MODES:
            return {"mode": written}
        if written:
            self.say(at, "unknown", "this is no pool mode; session is taken")
        return {"mode": "session"}

    # --- servers ---------------------------------------------------------------------------------

    def _places(self) -> tuple[list[Table], list[Table], dict[tuple[str, str | None], Entry]]:
        """Clusters and databases, and as whom databases want to log in whoever comes."""
        pool = {
            **self._mode(self.setting("pool_mode"), self.settings.get("pool_mode")),
            **self._taken(known.POOL),
        }
        prepared = self.settings.get("max_prepared_statements")
        if prepared and prepared.value.strip() == "0":
            self.say(
                prepared, "differs", "prepared statements always work; pool.prepared says how many are kept"
            )
            self._used.add("max_prepared_statements")
        else:
            pool |= self._taken(known.PREPARED)
        self._fit(pool, 20, ())
        shared: Table = {
            "protocol": "postgres", "connect_timeout": "15s", "login_retry": "15s", **self._taken(known.CLUSTER),
            **self._server_tls(),
        }  # fmt: skip
        all_bound = self.setting("max_db_connections", "0")
        clusters: dict[tuple[str, ...], Table] = {}
        databases: list[Table] = []
        forced: dict[tuple[str, str | None], Entry] = {}
        lines = {name: pairs(entry) for name, entry in self.databases.items()}
        # Whom they log in as; None stands for whoever comes.
        owners = {
            (line["user"], line.get("password")) if "user" in line else None
            for name, line in lines.items()
            if name != "*"
        }
        for name, line in lines.items():
            entry = self.databases[name]
            if not self._usable(entry, "user" in line and len(owners) > 1):
                continue
            if "user" in line:
                forced[line["user"], line.get("password")] = entry
            elif "password" in line:
                self.say(
                    entry,
                    "no equivalent",
                    "a password without a user: server_password is a user's",
                    f"[databases] {name}: password",
                )
            servers = self._servers(entry, line)
            if not servers:
                continue
            bound = self._count(line.pop("max_db_connections", all_bound), entry, "max_db_connections")
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
            own = self._level(
                entry,
                line,
                known.LEVEL,
                known.DATABASE_OTHERS,
                {"host", "port", "dbname", "user", "password"},
            )
            self._fit(own, _number(pool, "size", 20), (pool,))
            databases.append(database | ({"pool": own} if own else {}))
        return list(clusters.values()), databases, forced

    def _usable(self, entry: Entry, own_user: bool) -> bool:
        """Whether this database can be had here; where it cannot, it is left out and told."""
        name = entry.key
        if name == "*":
            self.say(
                entry, "not yet", "databases have an entry each: add those that were reached by this one"
            )
        elif name in ("articdbm", "pgbouncer"):
            self.say(
                entry, "no equivalent", "this is the console's name, and the database is left out: rename it"
            )
        elif not 1 <= len(name.encode()) <= 63 or not name.isprintable():
            self.say(entry, "no equivalent", "no database has such a name: it is left out")
        elif own_user:
            self.say(
                entry, "not yet", "servers see one name per user (server_user), not per database: where databases "
                "differ in that, those with a user of their own are left out", f"[databases] {name}: user",
            )  # fmt: skip
        else:
            return True
        return False

    def _servers(self, entry: Entry, line: Mapping[str, str]) -> list[str]:
        hosts = [host.strip() for host in line.get("host", "").split(",")]
        ports = [port.strip() for port in line.get("port", "5432").split(",")]
        found: list[str] = []
        for index, host in enumerate(hosts):
            if not host or host.startswith(("/", "@")):
                self.say(
                    entry,
                    "differs",
                    "there are no Unix sockets: 127.0.0.1 instead, where the server has to listen",
                    f"[databases] {entry.key}: host",
                )
                host = "127.0.0.1"  # noqa: PLW2901
            try:
                written = address(
                    f"[{host}]:{ports[index % len(ports)]}"
                    if ":" in host
                    else f"{host}:{ports[index % len(ports)]}"
                )
            except RefusedError as why:
                self.say(
                    entry,
                    "unknown",
                    f"{why.what}: the database is left out",
                    f"[databases] {entry.key}: host, port",
                )
                return []
            if str(written) not in found:
                found.append(str(written))
        if len(found) > 1:
            self.say(
                entry,
                "differs",
                "of several servers the primary is found and used; they are not taken in turn",
                f"[databases] {entry.key}: host",
            )
        return found

    def _level(
        self, entry: Entry, line: Mapping[str, str], taken: known.Taken, others: Mapping[str, tuple[State, str]],
        elsewhere: Iterable[str] = (),
    ) -> Table:  # fmt: skip
        """A database's or a user's own pool settings; of the rest of its line, why not."""
        pool: Table = {}
        if "pool_mode" in line:
            pool |= self._mode(line["pool_mode"], entry)
        given = {name: value for name, value in line.items() if name in taken}
        pool |= self._values(taken, given, dict.fromkeys(given, entry))
        for name in line:
            if name not in taken and name not in elsewhere and name != "pool_mode":
                unknown: tuple[State, str] = ("unknown", "it is not known to this version")
                self.say(entry, *others.get(name, unknown), self._told(entry, name))
        return pool

    def _fit(self, pool: Table, size: int, above: tuple[Table, ...]) -> None:
        """No more connections are kept open than there may be, whatever was written."""
        size = _number(pool, "size", size)
        least = max((_number(level, "min_size", 0) for level in (pool, *above)), default=0)
        if least > size:
            pool["min_size"] = size
            self.say(None, "differs", f"never more than pool_size are kept open: {size}", "min_pool_size")

    def _count(self, written: str, entry: Entry, name: str) -> int:
        bounds: known.Taken = {name: (name, "count", 0, 1_000_000)}
        return _number(self._values(bounds, {name: written}, {name: entry}), name, 0)

    def _server_tls(self) -> Table:
        mode = self.setting("server_tls_sslmode")
        files = {
            ours: self._path(f"server_tls_{theirs}_file")
            for ours, theirs in (("ca", "ca"), ("certificate", "cert"), ("key", "key"))
        }
        if mode not in ("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"):
            self.say(
                self.settings["server_tls_sslmode"], "unknown", "this is no sslmode; verify-full is taken"
            )
            mode = "verify-full"
        if files["ca"] and not mode.startswith("verify"):
            self.say(
                self.settings["server_tls_ca_file"], "not needed", "this sslmode checks nothing against it"
            )
            files["ca"] = ""
        tls: Table = {"mode": mode} if mode else {}
        tls |= {name: path for name, path in files.items() if path}
        return {"tls": tls} if tls else {}

    def _path(self, name: str) -> str:
        written = self.setting(name)
        return str((self.file.parent / written).absolute()) if written else ""

    # --- clients ---------------------------------------------------------------------------------

    def _listener(self) -> list[Table]:
        port, hosts = self.setting("listen_port", "6432"), self.setting("listen_addr")
        at = self.settings.get("listen_addr")
        if not hosts:
            self.say(
                at,
                "differs",
                "it listens at a Unix socket alone, which there is not: 127.0.0.1 instead",
                "[pgbouncer] listen_addr",
            )
        tls = self._client_tls()
        found: list[Table] = []
        places: list[Address] = []
        for host in dict.fromkeys(
            part.strip() for part in ("*" if "*" in hosts else hosts or "127.0.0.1").split(",")
        ):
            if host == "*":
                self.say(at, "differs", 'every IPv4 interface; for IPv6 too write "[::]:…" instead')
                host = "0.0.0.0"  # noqa: PLW2901
            try:
                place = address(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            except RefusedError as why:
                self.say(
                    at,
                    "unknown",
                    f"{why.what}: nothing listens there",
                    "[pgbouncer] listen_addr, listen_port",
                )
                continue
            if any(_same(place, other) for other in places):
                continue
            places.append(place)
            listener: Table = {
                "protocol": "postgres",
                "address": str(place),
                "auth": self._auth(place.loopback, tls),
            }
            found.append(listener | ({"tls": tls} if tls else {}))
        return found or [{"protocol": "postgres", "address": "127.0.0.1:6432", "auth": "scram-sha-256"}]

    def _client_tls(self) -> Table:
        written = self.setting("client_tls_sslmode", "disable")
        mode = _CLIENT_TLS.get(written)
        if mode is None:
            self.say(self.settings["client_tls_sslmode"], "unknown", "this is no sslmode; require is taken")
            mode = "require"
        tls: Table = {"mode": mode}
        for ours, theirs in (("certificate", "cert"), ("key", "key"), ("client_ca", "ca")):
            path = self._path(f"client_tls_{theirs}_file")
            if path and (ours != "client_ca" or written.startswith("verify")):
                tls[ours] = path
        if written.startswith("verify") and self.setting("auth_type", "md5") != "cert":
            self.say(
                self.settings["client_tls_sslmode"],
                "differs",
                'a certificate is checked where one is shown; auth = "cert" demands it',
            )
        return {} if mode == "disable" else tls

    def _auth(self, loopback: bool, tls: Table) -> str:
        written, at = self.setting("auth_type", "md5"), self.settings.get("auth_type")
        why = ""
        match written:
            case "scram-sha-256":
                pass
            case "cert" if tls.get("mode") == "require" and "client_ca" in tls:
                return "cert"
            case "trust" if loopback:
                return "trust"
            case "trust":
                why = "nobody is trusted beyond this machine: scram-sha-256 instead"
            case "md5":
                why = 'scram-sha-256 instead: drivers since 2017 speak it; for older ones set auth = "md5"'
            case "plain" if tls.get("mode") == "require":
                return "password"
            case "plain":
                why = "passwords in clear text need TLS: scram-sha-256 instead"
            case "hba":
                why = "rules by address are not there yet: scram-sha-256 from everywhere; see the rules below"
            case _:
                why = "there is no such method: scram-sha-256 instead"
        if why and not any(remark.setting == "[pgbouncer] auth_type" for remark in self.remarks):
            self.say(at, "differs", why, "[pgbouncer] auth_type")
        return "scram-sha-256"

    def _users(self, databases: list[str], forced: Mapping[tuple[str, str | None], Entry]) -> list[Table]:
        written = self.setting("auth_file")
        file = self.file.parent / written
        found = {account.name: account for account in accounts(file)} if written else {}
        if not written:
            self.say(
                None,
                "to do",
                "there is no auth_file, and so nobody who may come in: add [[users]]",
                "auth_file",
            )
        rules = self._rules()
        users: list[Table] = []
        for account in found.values():
            at = Entry(file, account.line, "users", account.name, "")
            if not 1 <= len(account.name.encode()) <= 63 or not account.name.isprintable():
                self.say(at, "no equivalent", "no user has such a name: it is left out", f"{account.name!r}")
                continue
            user: Table = {"name": account.name}
            self._credentials(user, account, at, forced, found)
            if rules is not None:
                may = [name for name in databases if hba.allowed(rules, account.name, name)]
                if len(may) < len(databases):
                    user["databases"] = may
            users.append(user)
            if account.name in self.users:
                entry = self.users[account.name]
                own = self._level(entry, pairs(entry), known.LEVEL, known.USER_OTHERS)
                # It may be merged with any of them.
                sizes = self._written("default_pool_size", "pool_size")
                sizes += [] if "default_pool_size" in self.settings else [20]
                if "size" in own or "min_size" in own:
                    least = max(self._written("min_pool_size", "min_pool_size"), default=0)
                    self._fit(own, max(min(sizes), 1), ({"min_size": least},))
                user |= {"pool": own} if own else {}
        for name, entry in self.users.items():
            if name not in found:
                self.say(
                    entry, "not yet", "this user is not in auth_file, and passwords come from nowhere else"
                )
        return users

    def _written(self, name: str, in_databases: str) -> list[int]:
        """Every value of a setting above the users', as far as it is a number."""
        found = [
            self.setting(name),
            *(pairs(entry).get(in_databases, "") for entry in self.databases.values()),
        ]
        return [min(int(one), 100_000) for one in found if one.isdecimal()]

    def _credentials(
        self, user: Table, account: Account, at: Entry, forced: Mapping[tuple[str, str | None], Entry],
        everyone: Mapping[str, Account],
    ) -> None:  # fmt: skip
        def refer(what: str, secret: str | None, why: str) -> None:
            whose = account.name
            user[what], todo = self.references.refer(whose, what, secret)
            self.say(at, "to do", f"{why}; {todo}", f"{account.name}: {what}")

        match account.kind:
            case "md5":
                refer(
                    "password",
                    None,
                    "an MD5 hash proves nothing here: the password itself, or its SCRAM verifier, is needed",
                )
            case "scram":
                refer("password", account.secret, "a SCRAM verifier")
            case "password":
                refer("password", account.secret, "a password")
        for (name, password), entry in forced.items():
            user["server_user"] = name
            setting = f"[databases] {entry.key}: user, password"
            if password is None and name == account.name:
                break
            # Without a password of its own the server's user has that of the userlist.
            owner = everyone.get(name, Account(0, name, ""))
            secret = owner.secret if password is None and owner.kind == "password" else password
            if secret or owner.kind != "none":
                user["server_password"], todo = self.references.refer(name, "server_password", secret)
                self.say(entry, "to do", todo, setting)
            return
        if account.kind == "scram":
            why = "a verifier opens no server, where PgBouncer used what the client had proved: the password is needed"
            refer("server_password", None, why)

    def _rules(self) -> tuple[hba.Rule, ...] | None:
        """The HBA rules, where they are in force."""
        written = self.setting("auth_hba_file")
        if not written or self.setting("auth_type", "md5") != "hba":
            return None
        file = self.file.parent / written
        found = tuple(hba.rules(file))
        for rule in found:
            why = "its users and databases are taken over (users.databases); its address and method are not there yet"
            at = Entry(file, rule.line, "hba", "", "")
            if "replication" in rule.databases and rule.type != "local":
                why = "who may replicate has to be said at the user: replication = true"
                self.say(at, "to do", why, str(rule))
                continue
            self.say(
                at,
                "no equivalent" if rule.type == "local" else "not yet",
                "there are no Unix sockets" if rule.type == "local" else why,
                str(rule),
            )
        return found

    def _admin(self, users: list[Table]) -> Table:
        asked = [name.strip() for name in self.setting("admin_users").split(",") if name.strip()]
        there = {str(user["name"]) for user in users}
        for name in asked:
            if name not in there:
                self.say(
                    self.settings["admin_users"],
                    "no equivalent",
                    f"{name!r} is not among the users and is left out",
                )
        found: list[Value] = [name for name in dict.fromkeys(asked) if name in there]
        return {"users": found} if found else {}


def _same(one: Address, other: Address) -> bool:
    """Both cannot be listened at."""
    return one.ip == other.ip if one.ip else one.host == other.host


def _number(table: Mapping[str, object], name: str, default: int) -> int:
    value = table.get(name, default)
    return value if isinstance(value, int) else default


def _time(milliseconds: int) -> str:
    return str(Duration(milliseconds)) if milliseconds else "0s"
