"""Ways in that are no plain TCP: Unix sockets, load balancers that speak the PROXY protocol, and rules for all of them."""

import os
import pwd
import socket
import stat
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.conftest import StartProxy
from tests.integration.tls import identity, listener
from tests.integration.wire import END, Line, error
from tests.servers import ports
from tests.servers.certificates import Identity
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy, start

__all__ = ["identity"]

SECRETS = {"APP_PASSWORD": "app-password"}
ME = pwd.getpwuid(os.geteuid()).pw_name
V2 = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's has to fit into 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="articdbm-") as name:
        yield Path(name)


def configuration(
    server: PostgresServer, *listeners: str, server_address: str = "", cluster: str = ""
) -> str:
    doors = "".join(f'[[listeners]]\nprotocol = "postgres"\n{one}\n' for one in listeners)
    return (
        f'{doors}[[clusters]]\nname = "main"\nprotocol = "postgres"\n{cluster}\n'
        f'servers = [{{ address = "{server_address or f"{server.host}:{server.port}"}" }}]\n'
        '[[databases]]\nname = "shop"\ncluster = "main"\naliases = ["store"]\n'
        '[[users]]\nname = "app"\npassword = "env://APP_PASSWORD"\n'
        f'[[users]]\nname = "{ME}"\nserver_user = "app"\nserver_password = "env://APP_PASSWORD"\n'
    )


TCP = 'address = "127.0.0.1:@port@"'


def ask(dsn: str) -> tuple[object, ...] | None:
    with psycopg.connect(dsn, autocommit=True) as line:
        return line.execute("SELECT session_user, current_database()").fetchone()


def refusal(dsn: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(dsn)
    return str(caught.value)


def socket_dsn(folder: Path, user: str = "app", password: str = "", number: int = 6432) -> str:
    secret = f" password={password}" if password else ""
    return f"host={folder} port={number} dbname=shop user={user}{secret}"


# --- Unix sockets -----------------------------------------------------------------------------------


def test_a_unix_socket_with_a_password_and_a_file_of_its_own(
    postgres_server: PostgresServer, start_proxy: StartProxy, folder: Path, tmp_path: Path
) -> None:
    file = folder / ".s.PGSQL.6432"
    # A socket that somebody left behind.
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(file))
    door = f'address = "{folder}:6432"\nunix_mode = "0600"'
    config = configuration(postgres_server, TCP, door)
    with start(config, tmp_path, SECRETS) as proxy:
        # It opens its doors one after the other, and the other one was seen to be open.
        assert ports.wait(lambda: file.exists() and stat.S_IMODE(file.stat().st_mode) == 0o600, 10)
        for _ in range(8):
            assert ask(socket_dsn(folder, password="app-password")) == ("app", "shop")
        assert "password authentication failed" in refusal(socket_dsn(folder, password="wrong"))
        # Another process cannot take it, and does not take it away.
        with pytest.raises(AssertionError, match="stop the program that holds it"):
            start_proxy(configuration(postgres_server, door, TCP), SECRETS)
        assert ask(socket_dsn(folder, password="app-password")) == ("app", "shop")
        # A reload without it takes the file away, and one with it brings it back.
        proxy.reload(configuration(postgres_server, TCP))
        assert ports.wait(lambda: not file.exists(), 10)
        proxy.reload(config)
        assert ports.wait(file.exists, 10)
    assert not file.exists()


def test_what_is_no_socket_is_left_alone(
    postgres_server: PostgresServer, start_proxy: StartProxy, folder: Path
) -> None:
    file = folder / ".s.PGSQL.6432"
    file.write_text("precious")
    with pytest.raises(AssertionError, match="is there"):
        start_proxy(configuration(postgres_server, f'address = "{folder}:6432"', TCP), SECRETS)
    assert file.read_text() == "precious"


def test_peer_takes_the_systems_word_for_who_it_is(
    postgres_server: PostgresServer, start_proxy: StartProxy, folder: Path
) -> None:
    folder.chmod(0o755)
    door = f'address = "{folder}:6432"\nauth = "peer"\nunix_mode = "0666"'
    proxy = start_proxy(configuration(postgres_server, TCP, door), SECRETS)
    assert ask(socket_dsn(folder, ME)) == ("app", "shop")
    assert 'peer authentication failed for user "app"' in refusal(socket_dsn(folder, "app", "app-password"))
    assert 'peer authentication failed for user "nobody"' in refusal(socket_dsn(folder, "nobody"))
    if os.geteuid() == 0:
        # Another process of this machine is not me.
        command = [
            "setpriv",
            "--reuid",
            "nobody",
            "--clear-groups",
            "psql",
            socket_dsn(folder, ME),
            "-c",
            "SELECT 1",
        ]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        assert "peer authentication failed" in made.stderr
    assert f"unix/{os.geteuid()}" in proxy.log_text()


def test_a_server_behind_a_unix_socket(postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    address = f"{postgres_server.sockets}:{postgres_server.port}"
    config = configuration(postgres_server, TCP, server_address=address, cluster='tls = { mode = "require" }')
    proxy = start_proxy(config, SECRETS)
    with psycopg.connect(proxy.dsn("shop", "app", "app-password"), autocommit=True) as line:
        assert line.execute("SELECT inet_server_addr() IS NULL, session_user").fetchone() == (True, "app")
        canceller = threading.Timer(0.3, line.cancel)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            line.execute("SELECT pg_sleep(30)")
        canceller.join()


# --- rules ------------------------------------------------------------------------------------------


def test_rules_decide_in_their_order_and_who_fits_none_is_refused(
    postgres_server: PostgresServer, start_proxy: StartProxy, folder: Path
) -> None:
    rules = (
        f'rules = [{{ hosts = ["local"], users = ["{ME}"], auth = "peer" }}, '
        '{ hosts = ["local"], auth = "trust" }]'
    )
    inside = 'rules = [{ databases = ["shop"], auth = "reject" }, { auth = "trust" }]'
    proxy = start_proxy(
        configuration(postgres_server, f"{TCP}\n{inside}", f'address = "{folder}:6432"\n{rules}'), SECRETS
    )
    assert ask(socket_dsn(folder, ME)) == ("app", "shop")
    assert ask(socket_dsn(folder, "app")) == ("app", "shop")
    # By its alias too.
    for name in ("shop", "store"):
        said = refusal(proxy.dsn(name, "app"))
        assert 'a rule of this listener rejects user "app" on database "shop" from host "127.0.0.1"' in said


def test_rules_tell_those_with_tls_from_those_without(
    postgres_server: PostgresServer, start_proxy: StartProxy, identity: Identity
) -> None:
    offer = listener(identity, "allow").partition("\n")[2]
    rules = (
        'rules = [{ tls = "required", auth = "password" }, { tls = "none", users = ["app"], auth = "md5" }]'
    )
    proxy = start_proxy(configuration(postgres_server, f"{TCP}\n{offer}\n{rules}"), SECRETS)
    assert ask(proxy.dsn("shop", "app", "app-password", sslmode="require")) == ("app", "shop")
    assert ask(proxy.dsn("shop", "app", "app-password", sslmode="disable")) == ("app", "shop")
    assert "no rule of this listener admits" in refusal(proxy.dsn("shop", ME, "x", sslmode="disable"))


# --- the PROXY protocol -------------------------------------------------------------------------------


def v1(client: str, port: int = 50_000) -> bytes:
    family = "TCP6" if ":" in client else "TCP4"
    here = "::1" if ":" in client else "127.0.0.1"
    return f"PROXY {family} {client} {here} {port} 6432\r\n".encode()


def v2(client: str, port: int = 50_000, more: bytes = b"") -> bytes:
    place = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", port, 6432) + more
    return V2 + b"\x21\x11" + struct.pack("!H", len(place)) + place


@contextmanager
def balancer(proxy: Proxy, header: bytes) -> Iterator[int]:
    """A load balancer's port: each connection goes on to the proxy, behind `header`."""
    held: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(target: Callable[..., None], *given: socket.socket) -> None:
        threads.append(threading.Thread(target=target, args=given))
        threads[-1].start()

    def serve(door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                held.append(door.accept()[0])
                held.append(socket.create_connection((proxy.host, proxy.port)))
                held[-1].sendall(header)
                begin(pump, held[-2], held[-1])
                begin(pump, held[-1], held[-2])

    held.append(socket.create_server(("127.0.0.1", 0)))
    begin(serve, held[0])
    try:
        yield held[0].getsockname()[1]
    finally:
        for one in held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for one in held:
            one.close()


def pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


BEHIND = 'proxy_from = ["127.0.0.1"]\nrules = [{ hosts = ["192.0.2.0/24", "2001:db8::/32"], auth = "scram-sha-256" }]'


@pytest.mark.parametrize(
    "header",
    [v1("192.0.2.7"), v1("2001:db8::7"), v2("192.0.2.7"), v2("192.0.2.7", more=b"\x04\0\x02xx")],
    ids=["v1", "v1, IPv6", "v2", "v2 with extensions"],
)
@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
def test_the_client_is_whom_the_balancer_names(
    postgres_server: PostgresServer, start_proxy: StartProxy, identity: Identity, header: bytes, tls: bool
) -> None:
    offer = listener(identity, "allow").partition("\n")[2]
    proxy = start_proxy(configuration(postgres_server, f"{TCP}\n{offer}\n{BEHIND}"), SECRETS)
    mode = "require" if tls else "disable"
    with balancer(proxy, header) as port:
        dsn = proxy.dsn("shop", "app", "app-password", port=port, sslmode=mode)
        assert ask(dsn) == ("app", "shop")
        with psycopg.connect(dsn, autocommit=True) as line:
            canceller = threading.Timer(0.3, line.cancel_safe)
            canceller.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                line.execute("SELECT pg_sleep(30)")
            canceller.join()
    with balancer(proxy, v1("198.51.100.1")) as port:
        said = refusal(proxy.dsn("shop", "app", "app-password", port=port, sslmode=mode))
        assert 'from host "198.51.100.1"' in said


@pytest.mark.parametrize(
    "sent",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY TCP4 1.2.3.4\r\n",
        b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2" + b" " * 200,
        V2 + b"\x21\x00\0\0",
        V2 + b"\x21\x31\0\xd8" + b"x" * 216,
        V2 + b"\x21\x11\xff\xff" + b"x" * 100,
        struct.pack("!ii", 8, 80877103),
        b"\x16\x03\x01\x02\0\x01",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_header_is_refused(
    postgres_server: PostgresServer, start_proxy: StartProxy, sent: bytes
) -> None:
    proxy = start_proxy(configuration(postgres_server, f"{TCP}\n{BEHIND}"), SECRETS)
    with Line(proxy.host, proxy.port) as line:
        line.send(sent)
        said = line.until("EZ")
        assert [one.kind for one in said] == ["E", END]
        assert "PROXY protocol header" in error(said)["M"]


def test_a_header_comes_in_pieces_and_only_once(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(configuration(postgres_server, f"{TCP}\n{BEHIND}"), SECRETS)
    with Line(proxy.host, proxy.port) as line:
        line.drip(v2("192.0.2.7"))
        line.send(v2("192.0.2.8"))
        assert error(line.until("EZ"))["C"] == "08P01"


def test_a_header_of_somebody_else_is_not_believed(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    elsewhere = BEHIND.replace("127.0.0.1", "10.9.9.9/32")
    proxy = start_proxy(configuration(postgres_server, f"{TCP}\n{elsewhere}"), SECRETS)
    with Line(proxy.host, proxy.port) as line:
        line.send(v1("192.0.2.7"))
        assert error(line.until("EZ"))["C"] == "08P01"
    said = refusal(proxy.dsn("shop", "app", "app-password"))
    assert 'from host "127.0.0.1"' in said
    # A reload that trusts it is for those who come then.
    proxy.reload(configuration(postgres_server, f"{TCP}\n{BEHIND}"))
    with balancer(proxy, v1("192.0.2.7")) as port:
        dsn = proxy.dsn("shop", "app", "app-password", port=port)

        def in_now() -> bool:
            with suppress(psycopg.OperationalError):
                return ask(dsn) == ("app", "shop")
            return False

        assert ports.wait(in_now, 10)
