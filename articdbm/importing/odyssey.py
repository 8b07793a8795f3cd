"""Odyssey's odyssey.conf told as our configuration: its rules (a user on a database), storages and listeners."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from articdbm.importing.foreign import Login, Reading, Tree, fit, users
from articdbm.importing.pgbouncer_settings import ATTEMPTS, LOGIN_ATTEMPTS, Taken
from articdbm.importing.references import References
from articdbm.importing.remark import Imported, Remark
from articdbm.importing.text import refusal, text
from articdbm.importing.tree import Table, toml
from articdbm.importing.verdicts import LOG, REPLICAS, SERVICE, SOCKETS, THREADS, YEAR, Verdict
from config.positions import KeyPath

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}])|#[^\n]*|(\n)|[^\S\n]+|([^\s{}"#]+)|(.)', re.DOTALL)
_PLACE = re.compile(r"(?:tcp://)?(?:\[([^\]]+)\]|([^:\[\]/]+))(?::(\d{1,5}))?(?::[\w-]*)?")
_MOST_INCLUDES = 10
_SECONDS = ("pool_ttl", "server_lifetime", "pool_client_idle_timeout", "pool_idle_in_transaction_timeout")
_USER: Taken = {
    "pool_size": ("size", "count", 1, 100_000),
    "min_pool_size": ("min_size", "count", 0, 100_000),
    "pool_timeout": ("wait", "time", 0, YEAR),
    "pool_ttl": ("server_idle", "time", 0, YEAR),
    "server_lifetime": ("server_lifetime", "time", 1, YEAR),
    "pool_client_idle_timeout": ("client_idle", "time", 0, YEAR),
    "pool_idle_in_transaction_timeout": ("idle_transaction", "time", 0, YEAR),
}
_LIMITS: Taken = {
    "client_max": ("max_clients", "count", 1, 1_000_000),
    "client_login_timeout": ("login", "time", 1, YEAR),
}
_TCP: Taken = {
    "keepalive": ("keepalive_idle", "time", 0, 32_767_000),
    "keepalive_keep_interval": ("keepalive_interval", "time", 1_000, 32_767_000),
    "keepalive_probes": ("keepalive_count", "count", 1, 127),
}
_TLS = {"disable": "disable", "allow": "allow", "prefer": "prefer", "require": "require", "verify_ca": "verify-ca",
        "verify_full": "verify-full"}  # fmt: skip

_QUERY: Verdict = (
    "to do",
    'write auth_query in the cluster (user, password, dbname, query); [[users]] name = "*" is everybody it knows',
)
_PASSED: Verdict = (
    "no equivalent",
    "a client's password goes on to servers with ldap or pam alone (pass_password); keys of a SCRAM proof always do",
)
_CLEAN: Verdict = (
    "not needed",
    "what a client leaves behind is known and cleaned, with DISCARD ALL at last",
)
_METHODS: Verdict = ("to do", "set ldap or pam in the listener, and auth in a rule")
_UPGRADE: Verdict = ("not needed", "`articdbm upgrade` takes over without downtime")
_OTHERS: Mapping[str, Verdict] = {
    **dict.fromkeys(("auth_query", "auth_query_db", "auth_query_user"), _QUERY),
    "password_passthrough": _PASSED,
    **dict.fromkeys(("auth_pam_service", "ldap_endpoint", "ldap_endpoint_name"), _METHODS),
    **dict.fromkeys(
        ("pool_discard", "pool_smart_discard", "pool_discard_string", "pool_cancel", "pool_rollback"), _CLEAN
    ),
    **dict.fromkeys(("target_session_attrs", "catchup_timeout", "catchup_checks", "watchdog", "balancing"), REPLICAS),
    **dict.fromkeys(
        ("log_file", "log_format", "log_to_stdout", "log_syslog", "log_syslog_ident", "log_syslog_facility",
         "log_debug", "log_config", "log_session", "log_query", "log_stats", "stats_interval"), LOG,
    ),
    **dict.fromkeys(("daemonize", "pid_file", "locks_dir", "priority"), SERVICE),
    **dict.fromkeys(
        ("readahead", "nodelay", "backlog", "cache_coroutine", "coroutine_stack_size", "resolvers",
         "bindwith_reuseport"), SOCKETS,
    ),
    **dict.fromkeys(
        ("unix_socket_dir", "unix_socket_mode"),
        ("to do", 'add a listener with address = "/directory:port" and unix_mode'),
    ),
    **dict.fromkeys(("graceful_die_on_errors", "enable_online_restart"), _UPGRADE),
    "keepalive_usr_timeout": ("to do", "set tcp.user_timeout"),
    "workers": THREADS,
    "tls_protocols": ("no equivalent", "TLS 1.2 and 1.3 with what is safe today"),
    "auth_common_name": ("not yet", "a certificate holds its user's name"),
    "application_name_add_host": ("not yet", "application_name is passed on as the client gave it"),
    "pool_reserve_prepared_statement": ("not needed", "prepared statements always work"),
    "maintain_params": ("not needed", "every setting follows its client"),
    "client_fwd_error": ("not needed", "clients are told why a server refused"),
    "client_max": ("to do", "max_clients in the user, or in the database, bounds its clients"),
    "server_max_routing": ("no equivalent", "servers that fail are tried again at growing intervals"),
}  # fmt: skip


def read(file: Path, secrets: Path | None = None) -> Imported:
    """The whole of it. With `secrets`, a folder, passwords become files there; without, environment variables."""
    remarks: list[Remark] = []
    references = References(secrets)
    tree: Tree = {}
    lines: dict[KeyPath, int] = {}
    _fill(_statements(file, 0), file, tree, (), lines)
    reading = Reading(file, remarks, tree, lines)
    reading.rest(tree, (), ("listen", "storage", "database", *_LIMITS, *_TCP), _OTHERS)
    clusters: list[Table] = []
    databases: list[Table] = []
    logins: list[Login] = []
    methods: set[str] = set()
    for path, table in reading.tables(tree, (), "database"):
        _database(reading, path, table, (clusters, databases, logins, methods))
    names = [str(database["name"]) for database in databases]
    everyone = users(logins, names, reading, references)
    fit([own for login in everyone if isinstance(own := login.get("pool"), dict)], [], 20)
    listeners = _listeners(reading, "trust" if methods == {"none"} else "scram-sha-256")
    if methods - {"scram-sha-256"} and methods != {"none"}:
        reading.say(
            ("database",),
            "differs",
            "every user logs in with scram-sha-256: rules in the listener give users other methods",
        )
    tables = {"listeners": listeners, "clusters": clusters, "databases": databases, "users": everyone}
    limits = reading.taken({name: value for name, value in tree.items() if value != 0}, (), _LIMITS)
    reading.say(("limits", "login_attempts"), *ATTEMPTS)
    seconds = {
        name: value * 1000 if name != "keepalive_probes" and isinstance(value, int) else value
        for name, value in tree.items()
    }
    single = {"limits": {**limits, "login_attempts": LOGIN_ATTEMPTS}, "tcp": reading.taken(seconds, (), _TCP)}
    written = toml(tables, single, f"From {file.name}, by `articdbm import`.")
    return Imported(
        toml=written, remarks=tuple(sorted(remarks, key=lambda one: one.line)), secrets=references.files
    )


def _statements(file: Path, depth: int) -> Iterator[tuple[int, list[str], str]]:
    """Line, words, and what ends them: an end of line, `{` or `}`."""
    line, words, at = 1, list[str](), 1
    for found in _TOKEN.finditer(text(file) + "\n"):
        quoted, brace, end, word, wrong = found.groups()
        if wrong is not None:
            raise refusal(file, line, "a quote does not end", 'write "text"')
        if quoted is not None or word is not None:
            at = at if words else line
            words.append(quoted if quoted is not None else word)
        elif words and words[0] == "include" and (end or brace):
            if depth == _MOST_INCLUDES or len(words) != 2:
                raise refusal(
                    file, at, "files include each other without end, or none is named", 'write include "file"'
                )
            # To the reader all of it stands where it is included.
            yield from (
                (at, inside, how) for _, inside, how in _statements(file.parent / words[1], depth + 1)
            )
            words = []
        elif brace or (end and words):
            yield at if words else line, words, brace or end
            words = []
        line += found[0].count("\n")


def _fill(
    statements: Iterator[tuple[int, list[str], str]],
    file: Path,
    tree: Tree,
    path: KeyPath,
    lines: dict[KeyPath, int],
) -> None:
    """Read one block into a tree: `storage "x" { … }` is tree["storage"]["x"], of two of one name the last counts."""
    for line, words, end in statements:
        if words and end != "{":
            lines[*path, words[0]] = line
            tree[words[0]] = _value(words[1]) if len(words) == 2 else " ".join(words[1:])
        if end == "}":
            if not path:
                raise refusal(file, line, "a } has no {", "remove it")
            return
        if end == "{":
            if not words or len(path) > 8:
                raise refusal(
                    file, line, "this block has no name, or too many are around it", "write name { … }"
                )
            # A listener has no name, a rule may have more (addresses, which are not translated).
            name = words[1] if len(words) > 1 else str(line)
            inner = tree.setdefault(words[0], {})
            block: Tree = {}
            if not isinstance(inner, dict):
                raise refusal(
                    file, line, f"{words[0]} is a block here and a value elsewhere", "write one of them"
                )
            inner[name] = block
            lines[*path, words[0], name] = line
            _fill(statements, file, block, (*path, words[0], name), lines)
    if path:
        raise refusal(file, lines[path], "this block does not end", "write } behind it")


def _value(word: str) -> object:
    if word in ("yes", "no"):
        return word == "yes"
    return int(word) if re.fullmatch(r"-?\d{1,15}", word, re.ASCII) else word


def _database(
    reading: Reading, path: KeyPath, table: Tree, into: tuple[list[Table], list[Table], list[Login], set[str]]
) -> None:
    clusters, databases, logins, methods = into
    name = str(path[-1])
    reading.rest(table, path, ("user",), _OTHERS)
    if (
        name == "default"
        or not 1 <= len(name.encode()) <= 63
        or not name.isprintable()
        or name in ("articdbm", "pgbouncer")
    ):
        reading.say(
            path,
            "to do",
            'it is left out: give it a name of its own; [[databases]] name = "*" is every other one',
        )
        return
    place: tuple[str, str] | None = None
    for at, rule in reading.tables(table, path, "user"):
        user, method = str(at[-1]), _word(rule, "authentication")
        here = _word(rule, "storage"), _word(rule, "storage_db") or name
        if user == "default":
            reading.say(
                at,
                "to do",
                'it is left out: [[users]] name = "*" is every other one, with an auth_query to prove it',
            )
        elif method == "block":
            reading.say(at, "not needed", "who is not among the users does not get in")
        elif place is not None and here != place:
            reading.say(at, "not yet", "a database has one place: this user goes elsewhere, and is left out")
        elif place is not None or (cluster := _cluster(reading, at, here[0], clusters)):
            if place is None:
                database: Table = {"name": name, "cluster": cluster}
                databases.append(database | ({"dbname": here[1]} if here[1] != name else {}))
            place = here
            methods.add(method)
            logins.append(_login(reading, at, rule, user, name))


def _word(table: Tree, name: str) -> str:
    """A word, whatever it looks like: a password may be a number."""
    value = table.get(name, "")
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else str(value)
        if isinstance(value, (str, int))
        else ""
    )


def _login(reading: Reading, path: KeyPath, rule: Tree, user: str, database: str) -> Login:
    known = {"authentication", "password", "storage", "storage_db", "storage_user", "storage_password", "pool",
             "pool_routing", *_USER}  # fmt: skip
    reading.rest(rule, path, known, _OTHERS)
    if rule.get("pool_size") == 0:
        reading.say(
            (*path, "pool_size"), "differs", "every pool has a size: 20, where pool.size does not say another"
        )
    given = {
        name: value * 1000 if name in _SECONDS and isinstance(value, int) else value
        for name, value in rule.items()
        if (name, value) != ("pool_size", 0)
    }
    pool = reading.mode(rule, path, "pool") | reading.taken(given, path, _USER)
    return Login(
        path, user, (database,), _word(rule, "password") or None, _word(rule, "storage_user") or None,
        _word(rule, "storage_password") or None, pool,
    )  # fmt: skip


def _cluster(reading: Reading, at: KeyPath, storage: str, clusters: list[Table]) -> str:
    """The name of the storage's cluster, made now if it is the first time; empty where it cannot be had."""
    if any(cluster["name"] == storage for cluster in clusters):
        return storage
    path: KeyPath = ("storage", storage)
    table = reading.table(reading.table(reading.tree, (), "storage"), ("storage",), storage)
    if table.get("type") == "local":
        reading.say(at, "to do", "the console is for users of the configuration: name them in admin.users")
        return ""
    reading.rest(
        table, path, ("type", "host", "port", "tls", "tls_ca_file", "tls_cert_file", "tls_key_file"), _OTHERS
    )
    servers = list(_places(reading, path, table, 5432))
    if not servers or not 1 <= len(storage.encode()) <= 63 or not storage.isprintable():
        reading.say(at, "unknown", "its storage is none that can be reached by TCP: the database is left out")
        return ""
    if len(servers) > 1:
        reading.say(path, "differs", "of several servers the primary is found and used")
    mode = _TLS.get(_word(table, "tls") or "disable", "verify-full")
    names = (("ca", "tls_ca_file"), ("certificate", "tls_cert_file"), ("key", "tls_key_file"))
    files = {ours: found for ours, theirs in names if (found := reading.path_of(table, path, theirs))}
    if not mode.startswith("verify"):
        files.pop("ca", None)
    clusters.append(
        {"name": storage, "protocol": "postgres", "servers": [{"address": one} for one in servers],
         "tls": {"mode": mode, **files}}
    )  # fmt: skip
    return storage


def _places(reading: Reading, path: KeyPath, table: Tree, port: int) -> Iterator[str]:
    port = reading.get(table, path, "port", int, port)
    seen = set()
    for part in _word(table, "host").split(","):
        found = _PLACE.fullmatch(part.strip())
        if found is None:
            reading.say(
                (*path, "host"),
                "not yet" if "unix" in part or not part else "unknown",
                "this is no TCP address",
            )
            continue
        host = found[1] or found[2]
        place = reading.place("0.0.0.0" if host == "*" else host, int(found[3] or port), (*path, "host"))
        if place and place not in seen:
            seen.add(place)
            yield place


def _listeners(reading: Reading, auth: str) -> list[Table]:
    found: list[Table] = []
    for path, table in reading.tables(reading.tree, (), "listen"):
        known = ("host", "port", "tls", "tls_ca_file", "tls_cert_file", "tls_key_file")
        reading.rest(table, path, known, _OTHERS)
        mode = _TLS.get(_word(table, "tls") or "disable", "require")
        names = (("certificate", "tls_cert_file"), ("key", "tls_key_file"), ("client_ca", "tls_ca_file"))
        files = {ours: file for ours, theirs in names if (file := reading.path_of(table, path, theirs))}
        if mode.startswith("verify"):
            reading.say(
                (*path, "tls"),
                "differs",
                'a certificate is checked where one is shown; auth = "cert" demands it',
            )
        else:
            files.pop("client_ca", None)
        tls: Table = {"mode": {"prefer": "allow", "allow": "allow"}.get(mode, "require"), **files}
        for place in _places(reading, path, table, 6432):
            trusted = auth == "trust" and re.match(r"127\.|\[::1\]|localhost:", place)
            if auth == "trust" and not trusted:
                reading.say(path, "differs", "nobody is trusted beyond this machine: scram-sha-256")
            listener: Table = {
                "protocol": "postgres", "address": place, "auth": "trust" if trusted else "scram-sha-256",
            }  # fmt: skip
            if all(place != one["address"] for one in found):
                found.append(listener | ({} if mode == "disable" else {"tls": tls}))
    if not found:
        reading.say(("listen",), "differs", "nothing listens at TCP: 127.0.0.1:6432 instead")
        found = [{"protocol": "postgres", "address": "127.0.0.1:6432", "auth": "scram-sha-256"}]
    return found
