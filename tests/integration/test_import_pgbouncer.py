"""A real PgBouncer, and the proxy with what `articdbm import` makes of its file: clients see the same of both."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from articdbm.importing import pgbouncer
from tests.conftest import StartProxy
from tests.servers import ports
from tests.servers.postgres import USERS, PostgresServer

Connect = Callable[..., psycopg.Connection[tuple[object, ...]]]
Seen = list[object]

INI = """\
[databases]
plain = {server} dbname=shop
renamed = {server} dbname=postgres
session = {server} dbname=shop pool_mode=session
statement = {server} dbname=shop pool_mode=statement
single = {server} dbname=shop pool_size=1
shop = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = {auth}
auth_file = userlist.txt
auth_hba_file = hba.conf
admin_users = admin
pool_mode = transaction
query_wait_timeout = 1
ignore_startup_parameters = extra_float_digits
server_tls_sslmode = disable
log_connections = 0

[users]
other = pool_mode=session
"""
HBA = """\
host plain,session app 127.0.0.1/32 scram-sha-256
host all other 127.0.0.1/32 reject
host all admin 127.0.0.1/32 scram-sha-256
"""


@contextmanager
def running(ini: str, hba: str, port: int, folder: Path) -> Iterator[None]:
    """PgBouncer, which refuses to be root."""
    (folder / "pgbouncer.ini").write_text(ini)
    (folder / "hba.conf").write_text(hba)
    users = ("app", "other", "admin")
    (folder / "userlist.txt").write_text("".join(f'"{user}" "{USERS[user]}"\n' for user in users))
    command = ["setpriv", "--pdeathsig", "TERM", "--", "pgbouncer", "pgbouncer.ini"]
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        for place in (folder, *folder.iterdir()):
            os.chown(place, account.pw_uid, account.pw_gid)
        command[1:1] = ["--reuid", account.pw_name, "--regid", str(account.pw_gid), "--clear-groups"]
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        ports.wait(lambda: process.poll() is not None or ports.listens(port), 20)
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def connecting(port: int) -> Connect:
    def connect(
        database: str = "plain", user: str = "app", password: str | None = None
    ) -> psycopg.Connection[tuple[object, ...]]:
        dsn = make_conninfo(
            "", host="127.0.0.1", port=port, dbname=database, user=user, password=password or USERS.get(user, "x"),
            connect_timeout=10, sslmode="disable",
        )  # fmt: skip
        return psycopg.connect(dsn, autocommit=True, prepare_threshold=None)

    return connect


@contextmanager
def both(
    server: PostgresServer, start_proxy: StartProxy, auth: str, text: str = INI, hba: str = HBA
) -> Iterator[tuple[Connect, Connect]]:
    """Ways to connect to PgBouncer, and to the proxy that does as its file says."""
    with tempfile.TemporaryDirectory(prefix="articdbm-pgbouncer-") as place:
        folder, port = Path(place), ports.free()
        ini = text.format(server=f"host={server.host} port={server.port}", port=port, auth=auth)
        with running(ini, hba, port, folder):
            imported = pgbouncer.read(folder / "pgbouncer.ini", folder / "secrets")
            (folder / "secrets").mkdir()
            for name, secret in imported.secrets.items():
                (folder / "secrets" / name).write_text(secret)
            told = imported.toml.replace(f'"127.0.0.1:{port}"', '"127.0.0.1:@port@"')
            proxy = start_proxy(told)
            yield connecting(port), connecting(proxy.port)


def gets_in(connect: Connect, *who: str) -> bool:
    try:
        connect(*who).close()
    except psycopg.OperationalError:
        return False
    return True


def one(connection: psycopg.Connection[tuple[object, ...]], text: str) -> object:
    row = connection.execute(text.encode()).fetchone()
    return row and row[0]


def who_and_where(connect: Connect) -> Seen:
    seen: Seen = []
    for database in ("plain", "renamed", "session", "shop"):
        with closing(connect(database)) as connection:
            seen.append(
                one(connection, "SELECT current_database() || ' ' || current_user || ' ' || session_user")
            )
    return seen


def who_gets_in(connect: Connect) -> Seen:
    return [
        gets_in(connect, *who)
        for who in (
            ("plain", "app"), ("plain", "app", "wrong"), ("plain", "stranger"), ("nowhere", "app"), ("plain", "other"),
            ("pgbouncer", "admin"), ("pgbouncer", "app"),
        )
    ]  # fmt: skip


def how_connections_are_kept(connect: Connect) -> Seen:
    """Whether another client gets the connection that one leaves between two statements."""
    seen: Seen = []
    for database, user in (("single", "app"), ("session", "app"), ("single", "other"), ("statement", "app")):
        with closing(connect(database, user)) as mine, closing(connect(database, user)) as its:
            before = one(mine, "SELECT pg_backend_pid()")
            seen.append(told(lambda its=its, before=before: one(its, "SELECT pg_backend_pid()") == before))  # type: ignore[misc]
    return seen


def what_is_refused(connect: Connect) -> Seen:
    seen: Seen = []
    with closing(connect("statement")) as connection:
        seen.append(told(lambda: connection.execute("BEGIN")))
    with closing(connect("single")) as holder, closing(connect("single")) as waiting:
        holder.execute("BEGIN")
        seen.append(told(lambda: waiting.execute("SELECT 1")))
        seen.append(waiting.closed)
    return seen


def told(run: Callable[[], object]) -> object:
    try:
        return run()
    except psycopg.Error as error:
        return error.sqlstate, str(error.diag.message_primary)


@pytest.mark.parametrize(
    "observe",
    [who_and_where, who_gets_in, how_connections_are_kept, what_is_refused],
    ids=lambda one: one.__name__,
)
def test_clients_see_the_same(
    postgres_server: PostgresServer, start_proxy: StartProxy, observe: Callable[[Connect], Seen]
) -> None:
    with both(postgres_server, start_proxy, "scram-sha-256") as (theirs, ours):
        expected = observe(theirs)
        assert observe(ours) == expected


def test_an_hba_file_lets_the_same_in(postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    asked = [
        (database, user) for database in ("plain", "session", "single") for user in ("app", "other", "admin")
    ]
    with both(postgres_server, start_proxy, "hba") as (theirs, ours):
        seen = [gets_in(ours, *who) for who in asked]
        assert seen == [gets_in(theirs, *who) for who in asked]
        assert {True, False} == set(seen)


@pytest.mark.parametrize("password", ["", " password=other-password"], ids=["of the userlist", "of the line"])
def test_servers_see_the_user_of_the_database(
    postgres_server: PostgresServer, start_proxy: StartProxy, password: str
) -> None:
    text = f"[databases]\nshop = {{server}} user=other{password}\n{INI[INI.index('[pgbouncer]') :]}"
    with both(postgres_server, start_proxy, "scram-sha-256", text) as (theirs, ours):
        for connect in (theirs, ours):
            with closing(connect("shop")) as connection:
                assert one(connection, "SELECT current_user") == "other"


KNOWN = "known to the server only"


@pytest.fixture
def tenant(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server with roles and a database that PgBouncer's file does not name."""
    for role in ("ada", "bob"):
        postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{KNOWN}'")
    postgres_server.execute("CREATE DATABASE tenant")
    yield postgres_server
    postgres_server.execute("DROP DATABASE tenant WITH (FORCE)")
    for role in ("ada", "bob"):
        postgres_server.execute(f"DROP ROLE {role}")


def test_users_and_databases_that_the_file_does_not_name(
    tenant: PostgresServer, start_proxy: StartProxy
) -> None:
    """Looked up, by `*`, under a database's user, by address rules, as one who may only look."""
    text = INI.replace(
        "\n[pgbouncer]\n",
        "forced = {server} dbname=shop user=other password=other-password\n* = {server}\n"
        "\n[pgbouncer]\nauth_user = admin\nstats_users = other\n",
    ).replace("other = pool_mode=session\n", "")
    hba = (
        "host all bob 127.0.0.1/32 reject\nhost tenant app 127.0.0.1/32 reject\n"
        "host all all 10.0.0.0/8 trust\nhost all all 127.0.0.1/32 md5\n"
    )
    who = (
        ("plain", "ada", KNOWN), ("tenant", "ada", KNOWN), ("forced", "app"),
        ("plain", "ada", "wrong"), ("plain", "bob", KNOWN), ("tenant", "app"), ("tenant", "other"), ("nowhere", "ada", KNOWN),
        ("plain", "stranger", KNOWN), ("session", "ada", KNOWN),
    )  # fmt: skip

    def seen(connect: Connect) -> Seen:
        found: Seen = []
        for one_of in who:
            try:
                with closing(connect(*one_of)) as connection:
                    found.append(one(connection, "SELECT session_user || ' ' || current_database()"))
            except psycopg.OperationalError:
                found.append("refused")
        return found

    with both(tenant, start_proxy, "hba", text, hba) as (theirs, ours):
        expected = seen(theirs)
        assert seen(ours) == expected
        assert expected[:3] == ["ada shop", "ada tenant", "other shop"]
        for connect in (theirs, ours):
            with closing(connect("pgbouncer", "other")) as connection:
                assert connection.execute("SHOW POOLS").fetchall()
                with pytest.raises(psycopg.Error):
                    connection.execute("PAUSE")
