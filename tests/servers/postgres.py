"""A real PostgreSQL for the tests, from apt or from the cache, in a directory of its own.

The server is a child of the test process and is told to stop when that process dies, however it dies. Run as root, it
runs as `postgres`, since PostgreSQL refuses root. Each log-in method has a user of its own (see `USERS`).
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.servers import certificates, ports
from tests.servers.certificates import Authority

SUPERUSER = "admin"
DATABASE = "shop"
VERSION_17 = "17.5.0"

USERS: Mapping[str, str] = MappingProxyType(
    {
        SUPERUSER: "admin-password",
        "app": "app-password",  # scram-sha-256
        "other": "other-password",  # scram-sha-256
        "app_md5": "md5-password",
        "app_clear": "clear-password",
        "app_trust": "",
        "app_cert": "",  # TLS with a certificate of that name
    }
)

_HBA = """\
local    all          all                                  trust
hostssl  all          app_cert    127.0.0.1/32             cert
host     all          app_cert    127.0.0.1/32             reject
host     all          app_trust   127.0.0.1/32             trust
host     all          app_md5     127.0.0.1/32             md5
host     all          app_clear   127.0.0.1/32             password
host     all          all         127.0.0.1/32             scram-sha-256
host     replication  all         127.0.0.1/32             scram-sha-256
"""


class NoServerError(Exception):
    """The server cannot be had or will not start. A test that needs it fails with this, it is never skipped."""


@dataclass(frozen=True)
class Binaries:
    """Where one version of PostgreSQL is installed."""

    version: str
    directory: Path


@dataclass(frozen=True)
class PostgresServer:
    """A running server. `password` is the superuser's; the others' are in `USERS`."""

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)
    version: str
    data: Path
    sockets: Path
    log: Path
    psql: Path
    authority: Authority
    process: subprocess.Popen[bytes] = field(repr=False)

    def dsn(self, database: str = DATABASE, user: str = "app", **options: str | int) -> str:
        """A libpq connection string for one of `USERS`, or with `password=…` for anybody."""
        known: dict[str, str | int] = {"password": USERS[user]} if USERS.get(user) else {}
        return make_conninfo(
            "", **{"host": self.host, "port": self.port, "dbname": database, "user": user, **known, **options}
        )

    def execute(self, statement: str, database: str = DATABASE) -> list[tuple[object, ...]]:
        """Run a statement as the superuser, outside any transaction, past the network."""
        with psycopg.connect(self.local(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def local(self, database: str = DATABASE) -> str:
        """The superuser's connection string through the unix socket."""
        return make_conninfo("", host=str(self.sockets), port=self.port, dbname=database, user=self.superuser)


def from_apt() -> Binaries:
    """The newest PostgreSQL that apt installed."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if not found:
        raise NoServerError("no PostgreSQL in /usr/lib/postgresql: run deploy/dev/install.sh")
    newest = max(found, key=lambda path: int(path.parent.name))
    return Binaries(newest.parent.name, newest)


def from_cache() -> Binaries:
    """PostgreSQL 17 as deploy/dev/postgres17.sh leaves it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "articdbm" / f"postgres-{VERSION_17}" / "bin"
    if not (directory / "postgres").exists():
        raise NoServerError(f"no PostgreSQL {VERSION_17} in {directory}: run deploy/dev/install.sh")
    return Binaries(VERSION_17, directory)


@contextmanager
def start(binaries: Binaries, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[PostgresServer]:
    """A new server, gone with its directory when the block ends. `settings` go to postgresql.conf."""
    # pytest's own temporary directories are closed to other users, and the server may have to be one.
    home = Path(tempfile.mkdtemp(prefix="articdbm-postgres-"))
    try:
        home.chmod(0o755)
        binaries = _reachable(binaries, home)
        authority = certificates.create(home)
        _initialise(binaries, home, authority, settings)
        server = _launch(binaries, home, authority)
        try:
            _populate(server)
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoServerError("no user `postgres` to run the server as: run deploy/dev/install.sh") from None


def _as_server(*command: str | Path) -> list[str | Path]:
    account = _account()
    who = ["--reuid", "postgres", "--regid", str(account.pw_gid), "--clear-groups"] if account else []
    # SIGINT is PostgreSQL's fast shutdown: it comes when the test process dies, too.
    return ["setpriv", *who, "--pdeathsig", "INT", "--", *command]


def _reachable(binaries: Binaries, home: Path) -> Binaries:
    """Root's cache is closed to `postgres`: then the binaries are copied beside the data."""
    if (
        subprocess.run(
            _as_server("test", "-x", binaries.directory / "postgres"), cwd="/", check=False
        ).returncode
        == 0
    ):
        return binaries
    copy = home / "binaries"
    shutil.copytree(binaries.directory.parent, copy, symlinks=True)
    return Binaries(binaries.version, copy / "bin")


def _initialise(binaries: Binaries, home: Path, authority: Authority, settings: Mapping[str, str]) -> None:
    account = _account()
    data, sockets = home / "data", home / "sockets"
    for directory in (data, sockets):
        directory.mkdir()
        directory.chmod(0o700 if directory == data else 0o755)
        if account:
            os.chown(directory, account.pw_uid, account.pw_gid)
    command = _as_server(
        binaries.directory / "initdb", "--pgdata", data, "--username", SUPERUSER, "--auth", "trust", "--no-sync",
        "--encoding", "UTF8", "--locale", "C",
    )  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if made.returncode != 0:
        raise NoServerError(f"initdb failed:\n{made.stdout}{made.stderr}")

    identity = certificates.issue(authority, "server")
    for source, name in ((identity.certificate_file, "server.crt"), (identity.key_file, "server.key")):
        target = data / name
        shutil.copy(source, target)
        target.chmod(0o600)
        if account:
            os.chown(target, account.pw_uid, account.pw_gid)
    chosen = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(sockets),
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "password_encryption": "scram-sha-256",
        "wal_level": "logical",
        "timezone": "UTC",
        "ssl": "on",
        "ssl_cert_file": "server.crt",
        "ssl_key_file": "server.key",
        "ssl_ca_file": str(authority.certificate_file),
        **settings,
    }
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
    (data / "pg_hba.conf").write_text(_HBA)


def _launch(binaries: Binaries, home: Path, authority: Authority) -> PostgresServer:
    """Start on a free port; again with another when somebody was quicker to take it."""
    log = home / "server.log"
    psql = from_apt().directory / "psql"
    for _ in range(5):
        port = ports.free()
        command = _as_server(binaries.directory / "postgres", "-D", home / "data", "-p", str(port))
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
            )
        server = PostgresServer(
            host="127.0.0.1", port=port, superuser=SUPERUSER, password=USERS[SUPERUSER], version=binaries.version,
            data=home / "data", sockets=home / "sockets", log=log, psql=psql, authority=authority, process=process,
        )  # fmt: skip
        if ports.wait(lambda server=server: _settled(server), 60) and process.poll() is None:  # type: ignore[misc]
            return server
        _stop(process)
        if "Address already in use" not in log.read_text():
            break
    raise NoServerError(f"PostgreSQL {binaries.version} did not start:\n{log.read_text()[-4000:]}")


def _settled(server: PostgresServer) -> bool:
    """It has ended, or says in its PID file, as it says to pg_ctl, that it is ready."""
    if server.process.poll() is not None:
        return True
    try:
        lines = (server.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _populate(server: PostgresServer) -> None:
    with psycopg.connect(server.local("postgres"), autocommit=True) as connection:
        for user, password in USERS.items():
            method = "md5" if user == "app_md5" else "scram-sha-256"
            connection.execute(sql.SQL("SET password_encryption = {}").format(method))
            verb = sql.SQL("ALTER" if user == SUPERUSER else "CREATE")
            connection.execute(
                sql.SQL("{} USER {} PASSWORD {}").format(verb, sql.Identifier(user), password or None)
            )
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with psycopg.connect(server.local(), autocommit=True) as connection:
        # As it was before PostgreSQL 15: the tests' users make their tables in `public`.
        connection.execute("GRANT ALL ON SCHEMA public TO PUBLIC")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; immediate when that takes too long (a test's stopped backend, say)."""
    for number, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
