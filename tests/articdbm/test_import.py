"""`articdbm import`: what it makes of PgBouncer's files can be used, says what was meant, and tells what was not."""

import json
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articdbm.importing import hba, pgbouncer, userlist
from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, entries, pairs
from articdbm.importing.remark import Imported
from articdbm.main import main
from config.errors import ConfigError
from config.loader import load
from tests.servers.certificates import Authority, issue

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="
MD5 = "md5" + "0" * 32
INI = """\
; a comment
[databases]
shop = host=db.internal port=5433 dbname=shop_2 pool_size=7 pool_mode=transaction
stock = host=db.internal port=5433 connect_query='SELECT ''seen'''
"odd ""name" = host=::1

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6543
auth_type = scram-sha-256
auth_file = userlist.txt
admin_users = app
pool_mode = statement
default_pool_size = 11
min_pool_size = 9
query_wait_timeout = 0.5
server_idle_timeout = 90
max_client_conn = 333

[users]
app = pool_mode=session max_user_connections=3
"""
USERLIST = f'"app" "hunter2"\n"told" "{VERIFIER}" ignored\n; "nobody" "x"\n"old" "{MD5}"\n"nothing" ""\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(ini: str = INI, users: str = USERLIST, **others: str) -> Path:
        for name, text in {"pgbouncer.ini": ini, "userlist.txt": users, **others}.items():
            (tmp_path / name).write_text(text)
        return tmp_path / "pgbouncer.ini"

    return written


def tree(imported: Imported) -> dict[str, Any]:
    return tomllib.loads(imported.toml)


def told(imported: Imported) -> dict[str, str]:
    return {remark.setting: remark.state for remark in imported.remarks}


def usable(imported: Imported, folder: Path) -> None:
    """`articdbm check` finds no error in it, once each environment variable it names holds something."""
    file = folder / "imported.toml"
    file.write_text(imported.toml)
    load(file, dict.fromkeys(re.findall(r'"env://(\w+)"', imported.toml), "something"))


def test_what_is_written(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(write())
    pool = {"mode": "statement", "size": 11, "wait": "500ms", "server_idle": "90s", "min_size": 9}
    cluster = {"protocol": "postgres", "connect_timeout": "15s", "login_retry": "15s", "pool": pool}
    found = tree(imported)
    assert found == {
        "listeners": [{"protocol": "postgres", "address": "127.0.0.1:6543", "auth": "scram-sha-256"}],
        "clusters": [
            {"name": "cluster1", "servers": [{"address": "db.internal:5433"}], **cluster},
            {"name": "cluster2", "servers": [{"address": "[::1]:5432"}], **cluster},
        ],
        "databases": [
            {
                "name": "shop",
                "cluster": "cluster1",
                "dbname": "shop_2",
                "pool": {"mode": "transaction", "size": 7, "min_size": 7},
            },
            {"name": "stock", "cluster": "cluster1", "connect_query": "SELECT 'seen'"},
            {"name": 'odd "name', "cluster": "cluster2"},
        ],
        "users": [
            {"name": "app", "password": "env://APP_PASSWORD", "pool": {"mode": "session"}},
            {
                "name": "told",
                "password": "env://TOLD_PASSWORD",
            },
            {"name": "old", "password": "env://OLD_PASSWORD"},
            {"name": "nothing"},
        ],
        "admin": {"users": ["app"]},
        "limits": {"max_clients": 333, "login_attempts": 30},
    }
    usable(imported, tmp_path)
    assert told(imported) == {
        "[databases] stock: connect_query": "differs",
        "min_pool_size": "differs",
        "min_pool_size: at the start": "differs",
        "limits.login_attempts": "differs",
        "unix_socket_dir": "differs",
        "[users] app: max_user_connections": "no equivalent",
        "app: password": "to do",
        "told: password": "to do",
        "server_password": "differs",
        "old: password": "to do",
    }


@pytest.mark.parametrize(
    ("setting", "remark", "state"),
    [
        ("auth_query = SELECT 1", "[pgbouncer] auth_query", "not needed"),
        ("auth_user = app\nauth_query = SELECT 1", "[pgbouncer] auth_query", "unknown"),
        ("auth_user = old", "[pgbouncer] auth_user", "to do"),
        ("auth_user = told", "[pgbouncer] auth_user", "differs"),
        ("auth_user = app\nauth_dbname = nowhere", "[pgbouncer] auth_dbname", "no equivalent"),
        ("tcp_keepidle = 0", "[pgbouncer] tcp_keepidle", "differs"),
        ("unix_socket_dir = @x", "[pgbouncer] unix_socket_dir", "no equivalent"),
        ("unix_socket_dir = here", "[pgbouncer] unix_socket_dir", "no equivalent"),
        ("unix_socket_dir = /run\nunix_socket_mode = 0755", "[pgbouncer] unix_socket_mode", "differs"),
        ("auth_type = hba", "[pgbouncer] auth_type", "differs"),
        ("auth_type = cert", "[pgbouncer] auth_type", "differs"),
        ("auth_type = any", "[pgbouncer] auth_type", "differs"),
        ("max_user_connections = 3", "[pgbouncer] max_user_connections", "no equivalent"),
        ("server_round_robin = 1", "[pgbouncer] server_round_robin", "no equivalent"),
        (
            "ignore_startup_parameters = extra_float_digits",
            "[pgbouncer] ignore_startup_parameters",
            "not needed",
        ),
        ("no_such_thing = 1", "[pgbouncer] no_such_thing", "unknown"),
        ("server_lifetime = 0", "[pgbouncer] server_lifetime", "differs"),
        ("default_pool_size = many", "[pgbouncer] default_pool_size", "unknown"),
        ("listen_addr = *", "[pgbouncer] listen_addr", "differs"),
        ("listen_addr = *, 127.0.0.1", "[pgbouncer] listen_addr", "differs"),
        ("listen_addr =", "[pgbouncer] listen_addr", "differs"),
        ("auth_type = pam\nlisten_addr = *", "[pgbouncer] auth_type", "differs"),
        ("auth_type = md5", "[pgbouncer] auth_type", "differs"),
        ("admin_users = stranger", "[pgbouncer] admin_users", "no equivalent"),
        ("max_prepared_statements = 0", "[pgbouncer] max_prepared_statements", "differs"),
        (
            "[databases]\n* = host=127.0.0.1 auth_user=app",
            "[databases] *: auth_dbname",
            "differs",
        ),
        (
            "[databases]\n* = host=127.0.0.1 max_db_connections=3",
            "[databases] *: max_db_connections",
            "differs",
        ),
        ("[databases]\npgbouncer = host=127.0.0.1", "[databases] pgbouncer", "no equivalent"),
        ("[databases]\nx = port=5432", "[databases] x: host", "differs"),
        ("[databases]\nx = host=127.0.0.1,127.0.0.2", "[databases] x: host", "differs"),
        ("[databases]\nx = host=127.0.0.1 timezone=UTC", "[databases] x: timezone", "differs"),
        ("[databases]\nx = host=127.0.0.1 user=joe", "[databases] x: user", "differs"),
        ("[databases]\nx = host=127.0.0.1 port=99999", "[databases] x: host, port", "unknown"),
        ("[users]\nstranger = pool_mode=session", "[users] stranger", "no equivalent"),
        ("[elsewhere]\na = b", "[elsewhere] a", "unknown"),
    ],
)
def test_what_is_told(write: Write, tmp_path: Path, setting: str, remark: str, state: str) -> None:
    if not setting.startswith("["):
        setting = f"[pgbouncer]\n{setting}"
    imported = pgbouncer.read(write(f"{INI}\n{setting}\n"))
    assert told(imported)[remark] == state
    usable(imported, tmp_path)


def test_every_setting_that_is_known_is_told_once_in_one_way() -> None:
    taken = [known.POOL, known.CLUSTER, known.LIMITS, known.PREPARED, known.KEEPALIVE, known.SILENCE]
    assert sum(map(len, taken)) == len(set().union(*taken))
    assert not set().union(*taken) & set(known.OTHERS)
    assert not set(known.LEVEL) & set(known.DATABASE_OTHERS)


def test_how_many_connections_are_opened_at_the_start_is_told(write: Write) -> None:
    ini = "[databases]\na = host=h min_pool_size=3\nb = host=h\n* = host=h min_pool_size=4\n"
    users = "[pgbouncer]\nauth_file = userlist.txt\n[users]\napp = min_pool_size=5\n"
    said = {remark.setting: remark.why for remark in pgbouncer.read(write(ini + users)).remarks}
    assert "5 pools, 19 connections" in said["min_pool_size: at the start"]


def test_a_place_is_listened_at_once(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(write(f"{INI}\n[pgbouncer]\nlisten_addr = localhost, 127.0.0.1, ::1\n"))
    assert [one["address"] for one in tree(imported)["listeners"]] == ["localhost:6543", "[::1]:6543"]
    usable(imported, tmp_path)


def test_a_bound_on_a_database_is_its_clusters(write: Write) -> None:
    ini = "[databases]\na = host=h\nb = host=h max_db_connections=5\nc = host=h\n"
    found = tree(pgbouncer.read(write(ini)))
    assert [database["cluster"] for database in found["databases"]] == ["cluster1", "cluster2", "cluster1"]
    assert [cluster.get("max_connections") for cluster in found["clusters"]] == [None, 5]


def test_databases_log_in_as_their_own_users(write: Write, tmp_path: Path) -> None:
    ini = (
        "[databases]\na = host=h user=joe password=hunter3\nb = host=h user=joe password=hunter3\n"
        "c = host=h user=joe password=hunter4\nd = host=h\n* = host=h user=jim\n"
        "[pgbouncer]\nauth_file = userlist.txt\n"
    )
    imported = pgbouncer.read(write(ini))
    found = {one["name"]: one for one in tree(imported)["databases"]}
    assert {name: (one.get("server_user"), one.get("server_password")) for name, one in found.items()} == {
        "a": ("joe", "env://JOE_SERVER_PASSWORD"),
        "b": ("joe", "env://JOE_SERVER_PASSWORD"),
        "c": ("joe", "env://JOE_SERVER_PASSWORD_2"),
        "d": (None, None),
        "*": ("jim", None),
    }
    todo = [remark.why for remark in imported.remarks if remark.state == "to do"]
    assert len(todo) == len(set(todo)) == 5  # each variable once
    usable(imported, tmp_path)


@pytest.mark.parametrize(
    ("user", "reference"),
    [
        ("app", "env://APP_PASSWORD"),
        ("old", "env://OLD_PASSWORD"),
        ("told", None),
        ("nothing", None),
        ("joe", None),
    ],
)
def test_a_server_user_without_a_password_has_that_of_the_userlist(
    write: Write, tmp_path: Path, user: str, reference: str | None
) -> None:
    """A verifier logs in nowhere, with PgBouncer as here."""
    imported = pgbouncer.read(
        write(f"[databases]\na = host=h user={user}\n[pgbouncer]\nauth_file = userlist.txt\n")
    )
    (database,) = tree(imported)["databases"]
    assert (database["server_user"], database.get("server_password")) == (user, reference)
    usable(imported, tmp_path)


LOOKUP = """\
[databases]
a = host=h
b = host=h dbname=real auth_user=stats auth_query='SELECT n, p FROM f($1)'
c = host=other
* = host=h
[pgbouncer]
auth_file = userlist.txt
auth_user = app
"""


def test_users_are_looked_up(write: Write, tmp_path: Path) -> None:
    users = "[users]\nnobody = pool_mode=session\n"
    found = tree(pgbouncer.read(write(f"{LOOKUP}max_user_client_connections = 7\n{users}")))
    app = {"user": "app", "password": "env://APP_PASSWORD"}
    assert [one.get("auth_query") for one in found["databases"]] == [
        app,
        {"user": "stats", "query": "SELECT n, p FROM f($1)"},
        None,  # the same for all of its cluster
        app | {"dbname": "postgres"},
    ]
    assert [one.get("auth_query") for one in found["clusters"]] == [None, app]
    assert found["users"][-2:] == [
        {"name": "nobody", "max_clients": 7, "pool": {"mode": "session"}},
        {"name": "*", "max_clients": 7},
    ]
    usable(pgbouncer.read(write(LOOKUP)), tmp_path)


def test_a_database_to_ask_in_is_one_of_the_file(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(write(f"{LOOKUP}auth_dbname = b\n"))
    found = tree(imported)
    assert [one.get("auth_query", {}).get("dbname") for one in found["databases"]] == [
        "real",
        "real",
        None,
        "real",
    ]
    # It is not on the servers of c, and so nobody is looked up for c.
    assert told(imported)["[pgbouncer] auth_dbname"] == "no equivalent"
    assert "auth_query" not in found["clusters"][1]
    usable(imported, tmp_path)


@pytest.mark.parametrize(
    ("auth", "rules"),
    [
        ("trust", [{"auth": "trust", "users": ["app", "told", "old", "nothing"]}, {"auth": "scram-sha-256"}]),
        ("cert", [{"auth": "reject"}]),
        ("scram-sha-256", None),
    ],
)
def test_who_is_looked_up_is_never_let_in_without_a_proof(
    write: Write, tmp_path: Path, auth: str, rules: list[dict[str, object]] | None
) -> None:
    imported = pgbouncer.read(write(f"{LOOKUP}listen_addr = 127.0.0.1\nauth_type = {auth}\n"))
    assert tree(imported)["listeners"][0].get("rules") == rules
    usable(imported, tmp_path)


def test_sockets_limits_and_silence(write: Write, tmp_path: Path) -> None:
    ini = (
        "[databases]\na = host=/var/run/postgresql port=5433 max_db_client_connections=3 timezone=UTC\nb =\n"
        "[pgbouncer]\nunix_socket_dir = /run/bouncer\nunix_socket_mode = 0770\nauth_type = trust\n"
        "auth_file = userlist.txt\nadmin_users = app\nstats_users = told, app, nobody\n"
        "max_db_client_connections = 9\nmax_user_client_connections = 8\n"
        "tcp_keepidle = 30\ntcp_keepintvl = 5\ntcp_keepcnt = 3\ntcp_user_timeout = 1500\ndns_max_ttl = 7\n"
        "[users]\napp = max_user_client_connections=0\n"
    )
    imported = pgbouncer.read(write(ini))
    found = tree(imported)
    assert found["listeners"] == [
        {"protocol": "postgres", "address": "/run/bouncer:6432", "auth": "trust", "unix_mode": "0770"}
    ]
    assert [one["servers"] for one in found["clusters"]] == [
        [{"address": "/var/run/postgresql:5433"}],
        [{"address": "/run/bouncer:5432"}],
    ]
    assert {one["resolve"] for one in found["clusters"]} == {"7s"}
    assert [one["max_clients"] for one in found["databases"]] == [3, 9]
    assert found["databases"][0]["parameters"] == [{"name": "timezone", "value": "UTC"}]
    assert [one.get("max_clients") for one in found["users"]] == [0, 8, 8, 8]
    assert found["admin"] == {"users": ["app"], "stats_users": ["told", "app"]}
    assert found["tcp"] == {
        "keepalive_idle": "30s", "keepalive_interval": "5s", "keepalive_count": 3, "user_timeout": "1500ms",
    }  # fmt: skip
    usable(imported, tmp_path)


def test_pam_asks_as_pgbouncer_does(write: Write, tmp_path: Path) -> None:
    imported = pgbouncer.read(
        write("[databases]\na = host=h\n[pgbouncer]\nlisten_addr = ::1\nauth_type = pam\n")
    )
    (listener,) = tree(imported)["listeners"]
    assert (listener["auth"], listener["pam"]) == ("pam", {"service": "pgbouncer", "pass_password": True})
    assert tree(imported)["users"] == [{"name": "*"}]
    usable(imported, tmp_path)


RULED = """\
[databases]
a = host=h
told = host=h
pgbouncer = host=h
{more}
[pgbouncer]
listen_addr = 127.0.0.1,10.0.0.1
unix_socket_dir = /run/bouncer
auth_type = hba
auth_file = userlist.txt
auth_hba_file = hba.conf
"""


def ruled(write: Write, tmp_path: Path, rules: str, more: str = "") -> list[list[dict[str, Any]]]:
    """What the listeners at loopback, beyond it, and at the Unix socket say."""
    imported = pgbouncer.read(write(RULED.format(more=more), **{"hba.conf": rules}))
    usable(imported, tmp_path)
    listeners = tree(imported)["listeners"]
    assert [one["auth"] for one in listeners] == ["scram-sha-256"] * 3
    return [one["rules"] for one in listeners]


REJECT = [{"auth": "reject"}]
SCRAM = "scram-sha-256"


@pytest.mark.parametrize(
    ("rule", "tcp", "unix"),
    [
        ("host all all 0.0.0.0/0 md5", [{"auth": SCRAM, "hosts": ["0.0.0.0/0"]}], REJECT),
        ("host all all all scram-sha-256 # all", [{"auth": SCRAM}], REJECT),
        (
            "host a, pgbouncer app,nobody 10.0.0.0 255.0.0.0 reject",
            [{"auth": "reject", "hosts": ["10.0.0.0/8"], "databases": ["a", "articdbm"], "users": ["app"]}],
            REJECT,
        ),
        ('host "all" app all md5', REJECT, REJECT),
        ("hostssl all all all md5", REJECT, REJECT),
        ("hostnossl all app all md5", [{"auth": SCRAM, "users": ["app"], "tls": "none"}], REJECT),
        ("host all all 10.0.0.1/8 md5", REJECT, REJECT),
        ("host all +group all md5", REJECT, REJECT),
        ("host all all samenet md5", REJECT, REJECT),
        ("host all all all cert", REJECT, REJECT),
        ("host all all all peer", REJECT, REJECT),
        ("host sameuser all all md5", [{"auth": SCRAM, "databases": ["told"], "users": ["told"]}], REJECT),
        (
            "host replication app all md5",
            [{"auth": SCRAM, "databases": ["replication"], "users": ["app"]}],
            REJECT,
        ),
        ("host all @names all md5", [{"auth": SCRAM, "users": ["old", "app"]}], REJECT),
        ("local all all peer", REJECT, [{"auth": "peer"}]),
        ("local a app trust", REJECT, [{"auth": "trust", "databases": ["a"], "users": ["app"]}]),
        ("local all all password", REJECT, [{"auth": SCRAM}]),
    ],
)
def test_hba_rules_are_each_listeners_own(
    write: Write,
    tmp_path: Path,
    rule: str,
    tcp: list[dict[str, object]],
    unix: list[dict[str, object]],
) -> None:
    (tmp_path / "names").write_text("old # once\n\napp\n")
    here, beyond, socket = ruled(write, tmp_path, f"# who\n{rule}\n")
    assert (here, beyond, socket) == (tcp, tcp, unix)


def test_nobody_is_trusted_beyond_this_machine(write: Write, tmp_path: Path) -> None:
    rules = "host a all 127.0.0.1/32 trust\nhost all all 10.0.0.0/8 trust\n"
    here, beyond, _ = ruled(write, tmp_path, rules)
    first = {"auth": "trust", "hosts": ["127.0.0.1/32"], "databases": ["a"]}
    assert here == [first, {"auth": "trust", "hosts": ["10.0.0.0/8"]}]
    assert beyond == [first, {"auth": SCRAM, "hosts": ["10.0.0.0/8"]}]


def test_rules_for_users_that_are_looked_up(write: Write, tmp_path: Path) -> None:
    """Names that the file does not have stay in rules; what asks for no secret is for those of the file."""
    rules = "host a ann,app 127.0.0.1/32 trust\nhost sameuser all all reject\nhost all ann all md5\n"
    here, _, _ = ruled(write, tmp_path, rules, "* = host=h auth_user=app")
    where = {"hosts": ["127.0.0.1/32"], "databases": ["a"]}
    assert here == [
        {"auth": "trust", **where, "users": ["app"]},
        {"auth": SCRAM, **where, "users": ["ann", "app"]},
        {"auth": "reject"},  # more than was said
        *(
            {"auth": "reject", "databases": [name], "users": [name]}
            for name in ("app", "told", "old", "nothing")
        ),
        {"auth": SCRAM, "users": ["ann"]},
    ]


def test_a_certificate_is_demanded_of_those_it_is_for(
    write: Write, tmp_path: Path, authority: Authority
) -> None:
    server = issue(authority, "server")
    ini = RULED.format(more="") + (
        f"client_tls_sslmode = verify-full\nclient_tls_ca_file = {authority.certificate_file}\n"
        f"client_tls_cert_file = {server.certificate_file}\nclient_tls_key_file = {server.key_file}\n"
    )
    rules = "hostssl all app all cert\nhost all old all password\n"
    imported = pgbouncer.read(write(ini, **{"hba.conf": rules}))
    usable(imported, tmp_path)
    here, beyond, socket = tree(imported)["listeners"]
    assert here["rules"] == beyond["rules"] == [
        {"auth": "cert", "users": ["app"], "tls": "required"}, {"auth": "password", "users": ["old"]},
    ]  # fmt: skip
    assert socket["rules"] == REJECT
    assert "tls" not in socket


@pytest.mark.parametrize(
    ("ini", "line", "what"),
    [
        ("[databases]\nnonsense\n", 2, "neither a section nor a setting"),
        ("[databases\n", 1, "this section has no end"),
        ("[databases]\na = host='x\n", 2, "a: the quotes of host do not end"),
        ("[databases]\na = hunter2\n", 2, "a: this is no connection string"),
        ("%include pgbouncer.ini\n", 1, "files include each other without end"),
        ("%include elsewhere.ini\n", 0, "cannot read it: No such file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(write: Write, ini: str, line: int, what: str) -> None:
    with pytest.raises(ConfigError) as raised:
        pgbouncer.read(write(ini))
    (problem,) = raised.value.problems
    assert problem.line == line
    assert what in problem.what
    assert "hunter2" not in str(problem)


def test_the_command(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output, secrets = write(), tmp_path / "articdbm.toml", tmp_path / "secrets"
    command = ["import", str(file), "-o", str(output), "--secrets", str(secrets)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{file}:4: differs: [databases] stock: connect_query: " in said.err
    assert "hunter2" not in said.err + output.read_text()
    assert {one.name: one.read_text() for one in secrets.iterdir()} == {
        "app_password": "hunter2\n", "told_password": f"{VERIFIER}\n",
    }  # fmt: skip
    assert {stat.S_IMODE(one.stat().st_mode) for one in secrets.iterdir()} == {0o600}
    assert main(["check", str(output)]) == 1  # one password is nowhere to be had
    checked = capsys.readouterr().out
    assert "OLD_PASSWORD is not set" in checked
    assert checked.count("error") == 1
    before = output.read_text()
    assert main(command) == 1  # nothing is overwritten
    assert "nothing is overwritten" in capsys.readouterr().err
    assert output.read_text() == before


def test_for_programs_and_for_pipes(write: Write) -> None:
    file = write()
    for more in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-m", "articdbm", "import", *more, file],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "hunter2" not in done.stdout + done.stderr
        if more:
            said = json.loads(done.stdout)
            assert "no equivalent" in {remark["state"] for remark in said["remarks"]}
            tomllib.loads(said["configuration"])
            assert done.stderr == ""
        else:
            tomllib.loads(done.stdout)
            assert done.stderr.count("\n") == 10


# --- properties ----------------------------------------------------------------------------------

LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)


@given(st.dictionaries(WORD, LINE, max_size=5))
def test_connection_strings_are_read_as_they_were_written(written: dict[str, str]) -> None:
    text = " ".join(f"{key} = '" + value.replace("'", "''") + "'" for key, value in written.items())
    assert pairs(Entry(Path("x"), 1, "databases", "x", text)) == written


@given(st.dictionaries(LINE.filter(bool), LINE, max_size=5))
def test_userlists_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("userlist") / "userlist.txt"
    quoted = ((part.replace('"', '""') for part in pair) for pair in written.items())
    file.write_text("".join(f'  "{name}"\t"{secret}" more\n' for name, secret in quoted))
    assert {account.name: account.secret for account in userlist.accounts(file)} == written


NUMBERS = st.sampled_from(["0", "1", "2.5", "7", "50", "100000", "9999999999", "-1", "x", ""])
HOSTS = st.sampled_from(
    ["127.0.0.1", "::1", "h", "*", "", "localhost", "/tmp", "a b", "h,127.0.0.1", "*,127.0.0.1"]
)
SETTINGS = st.one_of(
    st.tuples(
        st.sampled_from([*known.POOL, *known.CLUSTER, *known.LIMITS, *known.PREPARED, "max_db_connections"]),
        NUMBERS,
    ),
    st.tuples(st.sampled_from(sorted(known.OTHERS)), LINE),
    st.tuples(st.just("pool_mode"), st.sampled_from(["session", "transaction", "statement", "none"])),
    st.tuples(
        st.just("auth_type"),
        st.sampled_from(["md5", "scram-sha-256", "plain", "trust", "any", "cert", "pam", "hba"]),
    ),
    st.tuples(st.just("listen_addr"), HOSTS),
    st.tuples(
        st.sampled_from(["auth_user", "auth_dbname"]), st.sampled_from(["app", "old", "shop", "x", ""])
    ),
    st.tuples(st.just("auth_query"), st.sampled_from(["SELECT $1", "SELECT 1", ""])),
    st.tuples(st.just("unix_socket_dir"), st.sampled_from(["/tmp", "@x", "", "tmp", "/" + "x" * 200])),
    st.tuples(
        st.sampled_from([*known.KEEPALIVE, *known.SILENCE, *known.OF_DATABASE, *known.OF_USER]), NUMBERS
    ),
    st.tuples(
        st.sampled_from(["tcp_keepalive", "unix_socket_mode"]),
        st.sampled_from(["0", "1", "0750", "x", "777"]),
    ),
    st.tuples(
        st.sampled_from(["admin_users", "stats_users"]), st.sampled_from(["app", "app, app", "old,x", ","])
    ),
)
LEVELS = st.dictionaries(
    st.sampled_from([*known.LEVEL, *known.DATABASE_OTHERS, "max_db_connections"]),
    NUMBERS.filter(bool),
    max_size=3,
)
DATABASES = st.dictionaries(
    st.sampled_from(["shop", "*", "articdbm", "a.b", "ünï", "x" * 70]),
    st.tuples(
        HOSTS.filter(lambda host: " " not in host),
        st.sampled_from(
            ["", " user=joe", " user=jim password=p", " auth_user=app", " timezone=UTC user=told"]
        ),
        LEVELS,
    ),
    max_size=3,
)


RULES = st.builds(
    " ".join,
    st.tuples(
        st.sampled_from(["host", "hostssl", "hostnossl"]),
        st.sampled_from(["all", "shop", "sameuser", "replication", "x,pgbouncer", "samerole", '"a.b",shop']),
        st.sampled_from(["all", "app", "x", "app,x", "+g"]),
        st.sampled_from(["all", "127.0.0.1/32", "10.0.0.0 255.0.0.0", "10.0.0.1/8", "::1/128", "samehost"]),
        st.sampled_from(
            ["md5", "trust", "cert", "peer", "pam", "ldap ldapserver=x", "password", "reject", "x"]
        ),
    )
    | st.tuples(
        st.just("local all"),
        st.sampled_from(["all", "app"]),
        st.sampled_from(["peer", "trust", "cert", "pam"]),
    ),
)


@given(st.lists(SETTINGS, max_size=8), DATABASES, LEVELS, st.lists(RULES, max_size=4).map("\n".join))
def test_whatever_is_asked_for_what_is_written_can_be_used(
    tmp_path_factory: pytest.TempPathFactory,
    settings: list[tuple[str, str]],
    databases: dict[str, tuple[str, str, dict[str, str]]],
    user: dict[str, str],
    rules: str,
) -> None:
    def level(values: dict[str, str]) -> str:
        return "".join(f" {name}={value}" for name, value in values.items())

    folder = tmp_path_factory.mktemp("import")
    (folder / "userlist.txt").write_text(USERLIST)
    (folder / "hba.conf").write_text(rules)
    lines = [
        "[pgbouncer]",
        *(f"{name} = {value}" for name, value in settings),
        "auth_file = userlist.txt",
        "auth_hba_file = hba.conf",
        "[databases]",
    ]
    lines += [f'"{name}" = host={host}{who}{level(own)}' for name, (host, who, own) in databases.items()]
    lines += ["[users]", f"app ={level(user)}"]
    (folder / "pgbouncer.ini").write_text("\n".join(lines))
    imported = pgbouncer.read(folder / "pgbouncer.ini")
    usable(imported, folder)
    assert "hunter2" not in imported.toml + str(imported.remarks)


@given(st.text(st.sampled_from("[]databsepgounr=\"'; %#\n\t*,.1/ü"), max_size=80))
def test_any_text_at_all_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "pgbouncer.ini"
    file.write_text(text)
    try:
        found = list(entries(file))
    except ConfigError:
        return
    assert all(entry.key and 0 < entry.line <= text.count("\n") + 1 for entry in found)


@given(st.text(st.sampled_from('hostlca md5/,"#0.: \n'), max_size=60))
def test_any_hba_file_at_all_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "hba.conf"
    file.write_text(text)
    try:
        found = tuple(hba.rules(file))
    except ConfigError:
        return
    assert all(rule.method for rule in found)
