"""TLS and log-in towards PostgreSQL: each of libpq's modes, certificates, cancel requests, and what is never logged."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.tls import connected, identity, listener, refused, stranger
from tests.servers import certificates, ports, postgres
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import Proxy

__all__ = ["identity", "stranger"]

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
ME = "SELECT ssl, version, (SELECT session_user) FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def towards(server: PostgresServer, wait: str = "1s", **tls: str) -> str:
    inside = ", ".join(f'{name} = "{value}"' for name, value in tls.items())
    return house.configuration(
        server, listener="", cluster=f"tls = {{ {inside} }}", pools={"shop": f'{{ wait = "{wait}" }}'}
    )


@pytest.mark.parametrize("mode", SSLMODES)
def test_the_modes_towards_a_server_with_tls(server: PostgresServer, front: Front, mode: str) -> None:
    ca = {"ca": str(server.authority.certificate_file)} if mode.startswith("verify") else {}
    running = front(towards(server, mode=mode, **ca))
    with connected(running) as connection:
        row = connection.execute(ME.encode()).fetchone()
        assert row is not None
        assert row[0] is (mode not in ("disable", "allow"))


@pytest.mark.parametrize("mode", SSLMODES)
def test_the_modes_towards_a_server_without_tls(
    postgres_server: PostgresServer, plain: PostgresServer, front: Front, mode: str
) -> None:
    ca = {"ca": str(plain.authority.certificate_file)} if mode.startswith("verify") else {}
    running = front(towards(plain, mode=mode, **ca))
    if mode in ("disable", "allow", "prefer"):
        with connected(running) as connection:
            assert connection.execute(ME.encode()).fetchone() == (False, None, "app")
    else:
        assert "TLS" in refused(running)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that offers no TLS."""
    with postgres.start(postgres.from_apt(), {"ssl": "off"}) as running:
        yield running


def test_a_server_that_is_not_the_one_meant(
    server: PostgresServer, front: Front, stranger: Authority
) -> None:
    for mode in ("verify-ca", "verify-full", "require"):
        running = front(towards(server, mode=mode, wait="20s", ca=str(stranger.certificate_file)))
        assert "tls.ca of cluster main has to hold the authority" in refused(running)
    running = front(towards(server, mode="require"))
    with connected(running) as connection:
        row = connection.execute(ME.encode()).fetchone()
        assert row is not None
        assert row[:2] == (True, "TLSv1.3")


def test_a_server_under_a_name_its_certificate_lacks(front: Front) -> None:
    """It is told at once, not when `pool.wait` is over, to who logs in and to who is in already; and tried again."""
    with postgres.start(postgres.from_apt()) as server:
        ca = str(server.authority.certificate_file)
        running = front(towards(server, mode="verify-full", wait="20s", ca=ca))
        with connected(running) as early:
            assert early.execute("SELECT 1").fetchone() == (1,)
            present(server, certificates.issue(server.authority, "elsewhere", hosts=("elsewhere.test",)))
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
            assert ports.wait(lambda: "a server connection was lost" in running.log_text(), 10)
            with pytest.raises(psycopg.OperationalError, match="by a name it is for") as caught:
                early.execute("SELECT 1")
            assert caught.value.sqlstate == "08001"
        present(server, certificates.issue(server.authority, "here"))
        assert ports.wait(lambda: answers(running), 20)


def answers(running: Proxy) -> bool:
    try:
        with connected(running) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def present(server: PostgresServer, identity: Identity) -> None:
    """The server shows another certificate from now on."""
    (server.data / "server.crt").write_bytes(identity.certificate)
    (server.data / "server.key").write_bytes(identity.key)
    before = verified(server)
    server.execute("SELECT pg_reload_conf()")
    assert ports.wait(lambda: verified(server) != before, 10)


def verified(server: PostgresServer) -> bool:
    """Whether libpq takes the server for the one meant."""
    ca = str(server.authority.certificate_file)
    try:
        psycopg.connect(server.dsn(sslmode="verify-full", sslrootcert=ca)).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_certificate_towards_the_server(server: PostgresServer, front: Front) -> None:
    """The server asks this user for nothing else; nor does it let the user in without TLS."""
    mine = certificates.issue(server.authority, "app_cert", hosts=())
    more = '[[users]]\nname = "by_cert"\npassword = "env://BY_CERT"\nserver_user = "app_cert"\n'
    secrets = {**house.environment(), "BY_CERT": "mine"}
    tls = (
        f'tls = {{ mode = "verify-full", ca = "{server.authority.certificate_file}", '
        f'certificate = "{mine.certificate_file}", key = "{mine.key_file}" }}'
    )
    running = front(house.configuration(server, listener="", cluster=tls, more=more), secrets)
    with connected(running, "by_cert", password="mine") as connection:
        assert connection.execute("SELECT session_user").fetchone() == ("app_cert",)
    without = front(house.configuration(server, listener="", more=more), secrets)
    assert "server login failed" in refused(without, "by_cert", password="mine")


def test_a_cancel_request_goes_the_way_of_its_connection(
    server: PostgresServer, front: Front, identity: Identity
) -> None:
    """Through TLS on both sides, with both kinds of request that libpq has."""
    running = front(
        house.configuration(
            server,
            listener=listener(identity, "require"),
            cluster=f'tls = {{ mode = "verify-full", ca = "{server.authority.certificate_file}" }}',
        )
    )
    with connected(running, sslmode="require") as connection:
        for cancel in (connection.cancel, connection.cancel_safe):
            with pytest.raises(psycopg.errors.QueryCanceled):
                sleep_and_cancel(connection, cancel)
            assert connection.execute("SELECT 'alive'").fetchone() == ("alive",)


def sleep_and_cancel(connection: psycopg.Connection, cancel: Callable[[], object]) -> None:
    timer = threading.Timer(0.3, cancel)
    timer.start()
    try:
        connection.execute("SELECT pg_sleep(20)")
    finally:
        timer.join()


def test_no_password_and_no_key_is_ever_logged(
    server: PostgresServer, front: Front, identity: Identity
) -> None:
    text = house.configuration(
        server, listener=listener(identity, "require"), more='[log]\nlevel = "debug"\n'
    )
    running = front(text)
    with connected(running, sslmode="require") as connection:
        connection.execute("SELECT 1")
    refused(running, sslmode="require", password="a wrong password")
    log = running.log_text()
    for secret in (*filter(None, USERS.values()), "a wrong password", identity.key.decode().splitlines()[1]):
        assert secret not in log
