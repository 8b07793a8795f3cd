"""Logging in to a server with passwords that a command makes, and that expire."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import StartProxy
from tests.servers import ports
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy


@pytest.fixture(params=["15", "17"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    found: PostgresServer = request.getfixturevalue(
        "postgres_server" if request.param == "15" else "postgres17_server"
    )
    found.execute("CREATE ROLE cloud LOGIN PASSWORD 'first token'")
    yield found
    found.execute("DROP ROLE cloud")


def configuration(server: PostgresServer, token: str) -> str:
    return (
        '[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:@port@"\nauth = "trust"\n'
        '[[clusters]]\nname = "main"\nprotocol = "postgres"\n'
        f'servers = [{{ address = "{server.host}:{server.port}" }}]\n'
        + "".join(f'[[databases]]\nname = "{name}"\ncluster = "main"\n' for name in ("shop", "postgres"))
        + f'[[users]]\nname = "app"\nserver_user = "cloud"\nserver_token = {token}\n'
    )


def who(proxy: Proxy, database: str) -> str:
    with psycopg.connect(proxy.dsn(database, "app"), autocommit=True) as line:
        row = line.execute("SELECT session_user").fetchone()
        assert row is not None
        return str(row[0])


@pytest.mark.parametrize("how", ["command", "file"])
def test_a_token_that_expired_is_got_anew_and_nobody_notices(
    server: PostgresServer, start_proxy: StartProxy, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "token"
    file.write_text("first token\n")
    token = f'{{ command = ["/bin/cat", "{file}"] }}' if how == "command" else f'{{ file = "{file}" }}'
    proxy = start_proxy(configuration(server, token))
    assert who(proxy, "shop") == "cloud"
    server.execute("ALTER ROLE cloud PASSWORD 'second token'")
    file.write_text("second token\n")
    # A new connection: the one that is there needs no password any more.
    assert who(proxy, "postgres") == "cloud"
    assert "log-in failed" not in proxy.log_text()
    assert 'token"' not in proxy.log_text().replace("server_token", "")


def test_tokens_that_expire_under_load(
    server: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    """Connections are renewed all the time, and each token is refused from one moment to the next."""
    file = tmp_path / "token"
    file.write_text("first token\n")
    text = configuration(server, f'{{ command = ["/bin/cat", "{file}"] }}')
    proxy = start_proxy(text + 'pool = { size = 1, server_lifetime = "100ms", sharing = false }\n')
    done, trouble, stop = [0], [], threading.Event()

    def work() -> None:
        try:
            with psycopg.connect(proxy.dsn("shop", "app"), autocommit=True) as line:
                while not stop.is_set():
                    assert line.execute("SELECT session_user").fetchone() == ("cloud",)
                    done[0] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            trouble.append(f"{type(error).__name__}: {error}")

    clients = [threading.Thread(target=work) for _ in range(8)]
    for one in clients:
        one.start()
    try:
        for number in range(10):
            file.write_text(f"token {number}\n")
            server.execute(f"ALTER ROLE cloud PASSWORD 'token {number}'")
            moment = server.execute("SELECT now()::text")[0][0]
            newer = f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'cloud' AND backend_start > '{moment}'"
            # Somebody has logged in with this very token.
            assert ports.wait(lambda newer=newer: bool(trouble or server.execute(newer)[0][0]), 20)  # type: ignore[misc]
    finally:
        stop.set()
        for one in clients:
            one.join(30)
    assert trouble == []
    assert done[0] > 100
    assert "token 9" not in proxy.log_text()


def test_no_token_is_told_with_its_source_and_without_what_it_said(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    token = '{ command = ["/bin/sh", "-c", "echo hunter2; exit 7"] }'
    config = configuration(postgres_server, token).replace(
        "[[databases]]", 'pool = { wait = "1s" }\n[[databases]]', 1
    )
    proxy = start_proxy(config)
    with pytest.raises(psycopg.OperationalError, match="command /bin/sh ended with status 7"):
        psycopg.connect(proxy.dsn("shop", "app"))
    assert "hunter2" not in proxy.log_text()


def test_who_looks_users_up_may_have_a_token_too(
    server: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first token")
    server.execute("GRANT pg_read_all_data TO cloud")
    query = "SELECT name, secret FROM people WHERE name = $1"
    server.execute(
        "CREATE TABLE people AS SELECT rolname::text AS name, rolpassword AS secret FROM pg_authid"
    )
    try:
        lookup = f'auth_query = {{ user = "cloud", token = {{ file = "{file}" }}, query = "{query}" }}\n'
        config = (
            '[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:@port@"\n'
            '[[clusters]]\nname = "main"\nprotocol = "postgres"\n'
            f'servers = [{{ address = "{server.host}:{server.port}" }}]\n'
            f'[[databases]]\nname = "shop"\ncluster = "main"\n{lookup}[[users]]\nname = "*"\n'
        )
        proxy = start_proxy(config)
        with psycopg.connect(proxy.dsn("shop", "app", "app-password")) as line:
            assert line.execute("SELECT session_user").fetchone() == ("app",)
    finally:
        server.execute("DROP TABLE people")
        server.execute("REVOKE pg_read_all_data FROM cloud")
