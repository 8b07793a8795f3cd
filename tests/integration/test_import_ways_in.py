"""What `articdbm import` makes of a pgbouncer.ini as companies have it, run in front of a real PostgreSQL.

The proxy knows no password of `ada` (looked up) and of `app` (a SCRAM verifier): both reach the server by their keys.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import StartProxy
from tests.servers import ports
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import ROOT, Proxy

PASSWORD = "known to the server only"
INI = """\
[databases]
plain = host={host} port={server} dbname=shop
session = host={host} port={server} dbname=shop pool_mode=session pool_size=1
forced = host={host} port={server} dbname=shop user=other password={other} connect_query='SELECT 1'
socket = host={sockets} port={server} dbname=shop timezone=Asia/Tokyo
* = host={host} port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {directory}
unix_socket_mode = 0777
auth_type = hba
auth_file = userlist.txt
auth_hba_file = hba.conf
auth_user = admin
auth_query = SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin
auth_dbname = postgres
admin_users = admin
stats_users = monitor
pool_mode = transaction
max_db_client_connections = 50
max_user_client_connections = 50
query_wait_timeout = 5
server_tls_sslmode = disable
tcp_keepalive = 1
tcp_keepidle = 30
ignore_startup_parameters = extra_float_digits
server_reset_query = DISCARD ALL

[users]
ada = pool_mode=session
"""
HBA = """\
local   all       app                 scram-sha-256
host    all       bob   127.0.0.1/32  reject
host    tenant    app   127.0.0.1/32  reject
host    all       all   127.0.0.1/32  md5
"""

Running = tuple[Proxy, str]


@pytest.fixture
def imported(postgres_server: PostgresServer, start_proxy: StartProxy, tmp_path: Path) -> Iterator[Running]:
    """The proxy that runs on it, and the directory of its Unix socket."""
    with contextlib.ExitStack() as stack:
        for role in ("ada", "bob"):
            postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
            stack.callback(postgres_server.execute, f"DROP ROLE {role}")
        postgres_server.execute("CREATE DATABASE tenant")
        stack.callback(postgres_server.execute, "DROP DATABASE tenant WITH (FORCE)")
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="articdbm-"))
        ((verifier,),) = postgres_server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
        userlist = {
            "admin": USERS["admin"],
            "app": verifier,
            "monitor": "monitor-password",
            "app_md5": "md5" + "0" * 32,
        }
        (tmp_path / "userlist.txt").write_text(
            "".join(f'"{user}" "{known}"\n' for user, known in userlist.items())
        )
        (tmp_path / "hba.conf").write_text(HBA)
        port = ports.free()
        ini = INI.format(
            host=postgres_server.host, server=postgres_server.port, sockets=postgres_server.sockets, port=port,
            directory=directory, other=USERS["other"],
        )  # fmt: skip
        (tmp_path / "pgbouncer.ini").write_text(ini)
        output = tmp_path / "articdbm.toml"
        done = articdbm("import", tmp_path / "pgbouncer.ini", "-o", output, "--secrets", tmp_path / "secrets")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("to do:") == 5  # four files, and the password behind the MD5 hash
        environment = {"APP_MD5_PASSWORD": USERS["app_md5"]}
        checked = articdbm("check", output, **environment)
        assert checked.returncode == 0, checked.stdout
        assert "error" not in checked.stdout
        proxy = start_proxy(output.read_text().replace(f':{port}"', ':@port@"'), environment)
        yield proxy, directory
        assert not any(USERS["app"] in one.read_text() for one in (tmp_path / "secrets").iterdir())


def articdbm(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "articdbm", *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip


def ask(
    proxy: Proxy, statement: str, database: str, user: str, password: str, **options: str
) -> tuple[object, ...]:
    dsn = make_conninfo(proxy.dsn(database, user, password), connect_timeout=20, **options)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as line:
        row = line.execute(statement.encode()).fetchone()
        assert row is not None
        return row


WHO = "SELECT session_user::text, current_database()::text"


def test_an_imported_file_lets_in_whom_pgbouncer_would(imported: Running) -> None:
    proxy, directory = imported
    app = USERS["app"]
    # By auth_query, on a database of the file and on one that only `*` has.
    assert ask(proxy, WHO, "plain", "ada", PASSWORD) == ("ada", "shop")
    assert ask(proxy, WHO, "tenant", "ada", PASSWORD) == ("ada", "tenant")
    # By a verifier, and its own keys at the server; through a Unix socket on either side too.
    assert ask(proxy, WHO, "plain", "app", app) == ("app", "shop")
    assert ask(proxy, WHO, "plain", "app", app, host=directory) == ("app", "shop")
    assert ask(proxy, "SELECT session_user::text, current_setting('TimeZone')", "socket", "app", app) == (
        "app",
        "Asia/Tokyo",
    )
    # Whoever comes, the database's user; and who had an MD5 hash, with the password that was asked for.
    assert ask(proxy, WHO, "forced", "ada", PASSWORD) == ("other", "shop")
    assert ask(proxy, WHO, "session", "app_md5", USERS["app_md5"]) == ("app_md5", "shop")
    assert len(ask(proxy, "SHOW POOLS", "pgbouncer", "monitor", "monitor-password")) > 5


@pytest.mark.parametrize(
    ("database", "user", "password", "unix", "why"),
    [
        ("plain", "bob", PASSWORD, False, "a rule of this listener rejects"),
        ("tenant", "app", USERS["app"], False, "a rule of this listener rejects"),
        ("plain", "ada", PASSWORD, True, "no rule of this listener admits"),
        ("plain", "ada", "wrong", False, "password authentication failed"),
        ("plain", "stranger", PASSWORD, False, "password authentication failed"),
        ("pgbouncer", "app", USERS["app"], False, "permission denied"),
    ],
)
def test_an_imported_file_keeps_out_whom_pgbouncer_would(
    imported: Running, database: str, user: str, password: str, unix: bool, why: str
) -> None:
    proxy, directory = imported
    with pytest.raises(psycopg.OperationalError, match=why):
        ask(proxy, "SELECT 1", database, user, password, **({"host": directory} if unix else {}))


def test_who_may_only_look_gives_no_orders(imported: Running) -> None:
    proxy, _ = imported
    with pytest.raises(psycopg.Error, match="only"):
        ask(proxy, "PAUSE", "pgbouncer", "monitor", "monitor-password")
