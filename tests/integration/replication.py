"""Servers to replicate from, a proxy in front of them, and the programs that do it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers import postgres
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER, PASSWORD = "repl", "repl-password"
"""May replicate, at the server and at the proxy."""
PLAIN = "plain"
"""May replicate at the proxy, and not at the server; the same password."""
ADMIN = "app_trust"
"""Proves nothing to the proxy, which logs it in as `USER`. It has the console, too."""
SENDERS = 6
PATIENCE = 90.0
"""Seconds; a busy machine takes a while to fill and sync whole segments. Nothing waits this long when all is well."""
ENVIRONMENT = {"REPL_PASSWORD": PASSWORD, "APP_PASSWORD": postgres.USERS["app"]}
RULES = f"""rules = [
    {{ users = ["{ADMIN}"], databases = ["shop", "articdbm", "replication"], auth = "trust" }},
    {{ auth = "scram-sha-256" }},
    {{ databases = ["replication"], auth = "scram-sha-256" }},
]"""
_SETTINGS = {
    "wal_keep_size": "1GB",
    "max_wal_senders": str(SENDERS),
    "wal_retrieve_retry_interval": "200ms",
    # What is asked for right after a change is to be there.
    "synchronous_commit": "on",
}


@contextmanager
def server(version: str) -> Iterator[PostgresServer]:
    """One whose WAL stays, with roles for the tests."""
    binaries = postgres.from_apt() if version == "15" else postgres.from_cache()
    with postgres.start(binaries, _SETTINGS) as found:
        with psycopg.connect(found.local(), autocommit=True) as line:
            for role, right in ((USER, "REPLICATION"), (PLAIN, "NOREPLICATION")):
                line.execute(
                    sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                        sql.Identifier(role), sql.SQL(right), PASSWORD
                    )
                )
            line.execute("CREATE TABLE items (id int PRIMARY KEY, what text)")
            line.execute("GRANT ALL ON items TO PUBLIC")
            line.execute("CREATE PUBLICATION everything FOR ALL TABLES")
        yield found


def configuration(
    server: PostgresServer,
    *,
    listener: str = RULES,
    cluster: str = "",
    databases: str = '[[databases]]\nname = "shop"\ncluster = "main"\n',
    right: str = "replication = true",
    more: str = "",
) -> str:
    users = "".join(
        f'[[users]]\nname = "{name}"\npassword = "env://REPL_PASSWORD"\n{right}\n' for name in (USER, PLAIN)
    )
    return f"""
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
{listener}
[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "{server.host}:{server.port}" }}]
{cluster}
{databases}
{users}
[[users]]
name = "app"
password = "env://APP_PASSWORD"
[[users]]
name = "{ADMIN}"
server_user = "{USER}"
server_password = "env://REPL_PASSWORD"
{right}
[admin]
users = ["{ADMIN}"]
{more}
"""


def dsn(proxy: Proxy, **options: str | int) -> str:
    return proxy.dsn(**{"database": "shop", "user": USER, "password": PASSWORD, **options})  # type: ignore[arg-type]


def program(name: str) -> Path:
    """One of PostgreSQL's own, which take servers up to their own version."""
    return postgres.from_apt().directory / name


def run(name: str, *arguments: str | Path, fails: bool = False) -> str:
    """To its end; what it says."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, timeout=120, check=False, cwd="/"
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def running(name: str, *arguments: str | Path, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Until the block ends; then SIGINT, which it has to obey."""
    with output.open("wb") as file:
        process = subprocess.Popen([program(name), *arguments], stdout=file, stderr=file, cwd="/")
    try:
        yield process
        assert process.poll() is None, output.read_text()
        process.send_signal(2)
        assert process.wait(PATIENCE) == 0, output.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(holds: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Ask until it holds (True) or the patience is at its end (False)."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def one(server: PostgresServer, statement: str) -> object:
    """The one value it gives."""
    ((value,),) = server.execute(statement)
    return value


def senders(server: PostgresServer) -> int:
    found = one(server, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'")
    assert isinstance(found, int)
    return found


@contextmanager
def copy_of(server: PostgresServer, *arguments: str) -> Iterator[PostgresServer]:
    """A server started from what pg_basebackup made with these arguments."""
    home = Path(tempfile.mkdtemp(prefix="articdbm-replica-"))
    try:
        home.chmod(0o755)
        run("pg_basebackup", *arguments, "--pgdata", home / "data", "--checkpoint", "fast")
        (home / "sockets").mkdir()
        with (home / "data" / "postgresql.conf").open("a") as file:
            file.write(f"unix_socket_directories = '{home / 'sockets'}'\n")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "postgres", home / "data", home / "sockets"], check=True)
        copy = postgres._launch(postgres.from_apt(), home, server.authority)
        try:
            yield copy
        finally:
            postgres._stop(copy.process)
    finally:
        shutil.rmtree(home, ignore_errors=True)
