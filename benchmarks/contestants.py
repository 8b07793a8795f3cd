"""The contestants: what each is, how it is configured and started, and what it cannot do.

Every proxy gets what its operators would give it for this job: no logging of connections, one thread where it may have
several (ArticDBM's two-carrier variant apart), TLS towards clients only in the variants that are named after it.
PgBouncer and ArticDBM pool; HAProxy passes bytes, one server connection for each client.
"""

import hashlib
import hmac
import json
import os
import resource
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, measure
from benchmarks.backends import Backend
from benchmarks.generator import Account
from tests.articdbm.offering import offer
from tests.servers import certificates, ports, proxy

POOL = 20
MAX_CLIENTS = 12_000
SALT = b"articdbm-bench-1"
ROUNDS = 4096
PREPARED = "prepared"
GUARD = """
from plugins.api import Plugin
class {name}(Plugin):
    name, stage, guards = "{name}", "limits", True
    def plan(self, statement, scope, plan):
        return plan.because(self.name, "seen", "it is a " + statement.kind)
"""


@dataclass(frozen=True)
class Contestant:
    """Who takes part. `kind` is the program; the name tells variants of one apart."""

    name: str
    kind: str
    pool: int = POOL
    carriers: int = 1
    tls: bool = False
    """Clients have to speak TLS; the line to the server stays plain."""
    plugins: int = 0
    """Guards of another package in its chain."""
    verifier: bool = False
    """It knows what the server stores of the password, and not the password."""


CATALOGUE = {
    one.name: one
    for one in (
        Contestant("direct", "direct"),
        Contestant("articdbm", "articdbm"),
        Contestant("articdbm-2", "articdbm", carriers=2),
        Contestant("articdbm-chain", "articdbm", plugins=8),
        Contestant("articdbm-tls", "articdbm", tls=True),
        Contestant("articdbm-verifier", "articdbm", verifier=True),
        Contestant("articdbm-pool-4", "articdbm", pool=4),
        Contestant("articdbm-pool-64", "articdbm", pool=64),
        Contestant("pgbouncer", "pgbouncer", verifier=True),
        Contestant("pgbouncer-tls", "pgbouncer", verifier=True, tls=True),
        Contestant("pgbouncer-password", "pgbouncer"),
        Contestant("haproxy", "haproxy"),
    )
}


class StartError(Exception):
    """A contestant did not start. Carries the end of its log."""


@dataclass(frozen=True)
class Running:
    """A contestant that accepts clients."""

    contestant: Contestant
    backend: Backend
    port: int
    process: int | None
    authority: Path | None = None
    """Who signed its certificate, where clients speak TLS to it."""

    def database(self, mode: str) -> str:
        """The database clients name: PgBouncer's session pool is reached by a name of its own."""
        in_session = self.contestant.kind == "pgbouncer" and mode == PREPARED
        return f"{self.backend.database}_session" if in_session else self.backend.database

    def watched(self) -> list[int]:
        """The processes whose CPU it costs."""
        return [] if self.process is None else measure.tree(self.process)

    def obstacle(self, mode: str, clients: int) -> str | None:
        """Why it has no figure in a cell; None: nothing speaks against it."""
        kind = self.contestant.kind
        if kind in ("direct", "haproxy") and clients > self.backend.capacity:
            return f"needs {clients} server connections, the server allows {self.backend.capacity}"
        if kind == "haproxy" and clients > _haproxy_clients():
            return f"needs two descriptors a client, and the limit here is {_descriptors()}"
        if kind == "pgbouncer" and mode == PREPARED and clients > self.contestant.pool:
            return f"prepared statements in session mode only, for as many clients as its pool of {POOL}"
        return None


@contextmanager
def start(
    contestant: Contestant, backend: Backend, account: Account, directory: Path, cores: frozenset[int] | None
) -> Iterator[Running]:
    """A contestant in front of a server, until the block ends."""
    home = Path(tempfile.mkdtemp(prefix=f"{contestant.name}-", dir=directory))
    home.chmod(0o755)
    starter = {"direct": _direct, "articdbm": _articdbm, "pgbouncer": _pgbouncer, "haproxy": _haproxy}[
        contestant.kind
    ]
    with starter(contestant, backend, account, home) as (port, process):
        if process is not None:
            machine.pin(process, cores)
        yield Running(contestant, backend, port, process, home / "authority.crt" if contestant.tls else None)


def scram_verifier(password: str) -> str:
    """The password as PostgreSQL and PgBouncer store it: the same for both, so that one can log in to the other."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, ROUNDS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (b64encode(part).decode() for part in (SALT, stored, server))
    return f"SCRAM-SHA-256${ROUNDS}:{salt64}${stored64}:{server64}"


Started = Iterator[tuple[int, int | None]]


@contextmanager
def _direct(_contestant: Contestant, backend: Backend, _account: Account, _home: Path) -> Started:
    yield backend.port, None


@contextmanager
def _articdbm(contestant: Contestant, backend: Backend, account: Account, home: Path) -> Started:
    tls = ""
    if contestant.tls:
        identity = certificates.issue(certificates.create(home), "proxy")
        files = f'certificate = "{identity.certificate_file}", key = "{identity.key_file}"'
        tls = f'tls = {{ mode = "require", {files} }}'
    password = scram_verifier(account.password) if contestant.verifier else account.password
    names = [f"guard{number}" for number in range(contestant.plugins)]
    environment = {"BENCH_PASSWORD": password}
    if names:
        text = "".join(GUARD.format(name=name) for name in names)
        entries = "\n".join(f"{name} = bench_guards:{name}" for name in names)
        environment["PYTHONPATH"] = f"{offer(home / 'site', 'bench_guards', entries, text=text)}:{proxy.ROOT}"
    config = f"""\
[limits]
carriers = {contestant.carriers}
max_clients = {MAX_CLIENTS}

[plugins]
load = {json.dumps(names)}

[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
{tls}

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:{backend.port}" }}]
pool = {{ size = {contestant.pool} }}

[[databases]]
name = "{backend.database}"
cluster = "main"

[[users]]
name = "{account.user}"
password = "env://BENCH_PASSWORD"
"""
    try:
        with proxy.start(config, home, environment) as running:
            yield running.port, running.process.pid
    except proxy.ProxyError as error:
        raise StartError(str(error)) from error


@contextmanager
def _pgbouncer(contestant: Contestant, backend: Backend, account: Account, home: Path) -> Started:
    users = home / "users.txt"
    password = scram_verifier(account.password) if contestant.verifier else account.password
    users.write_text(f'"{account.user}" "{password}"\n')
    tls = ""
    if contestant.tls:
        identity = certificates.issue(certificates.create(home), "proxy")
        identity.key_file.chmod(0o644)  # another user reads it, and nobody else can reach it for long
        tls = (
            f"client_tls_sslmode = require\nclient_tls_cert_file = {identity.certificate_file}\n"
            f"client_tls_key_file = {identity.key_file}"
        )
    server = f"host=127.0.0.1 port={backend.port} dbname={backend.database} pool_size={contestant.pool}"
    port, config = ports.free(), home / "pgbouncer.ini"
    config.write_text(f"""\
[databases]
{backend.database} = {server}
{backend.database}_session = {server} pool_mode=session

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
listen_backlog = 4096
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
max_client_conn = {MAX_CLIENTS}
server_tls_sslmode = disable
ignore_startup_parameters = extra_float_digits
{tls}
log_connections = 0
log_disconnections = 0
stats_period = 3600
""")
    with _process([*_unprivileged(), "pgbouncer", str(config)], port, home / "pgbouncer.log") as process:
        yield port, process


@contextmanager
def _haproxy(_contestant: Contestant, backend: Backend, _account: Account, home: Path) -> Started:
    port, config = ports.free(), home / "haproxy.cfg"
    config.write_text(f"""\
global
    nbthread 1
    maxconn {_haproxy_clients()}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen postgres
    bind 127.0.0.1:{port} backlog 4096
    server one 127.0.0.1:{backend.port}
""")
    with _process(["haproxy", "-db", "-f", str(config)], port, home / "haproxy.log") as process:
        yield port, process


@contextmanager
def _process(command: list[str], port: int, log: Path) -> Iterator[int]:
    """A program that listens on a port, ended with the block, and with us however we end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
        )  # fmt: skip
    try:
        ports.wait(lambda: process.poll() is not None or ports.listens(port), 20)
        if process.poll() is not None or not ports.listens(port):
            raise StartError(f"{Path(log).stem} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _unprivileged() -> list[str]:
    """PgBouncer refuses to run as root. What setpriv is told when we are."""
    if os.geteuid() != 0:
        return ["--"]
    return ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]


def _descriptors() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _haproxy_clients() -> int:
    return min(MAX_CLIENTS, (_descriptors() - 200) // 2)
