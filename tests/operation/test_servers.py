"""Servers that come, go, move and want to be greeted: real ones, found as they are and told apart."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.operation.house import ENVIRONMENT, House, config, running, until
from tests.operation.test_health import stopped
from tests.servers import ports, postgres, proxy
from tests.servers.postgres import PostgresServer


def console(port: int, command: str) -> list[dict[str, object]]:
    dsn = f"host=127.0.0.1 port={port} dbname=articdbm user=app"
    with psycopg.connect(dsn, autocommit=True, row_factory=psycopg.rows.dict_row) as line:
        return line.execute(command.encode()).fetchall()


# --- a header in front -------------------------------------------------------------------------------


@contextmanager
def haproxy(server: PostgresServer, folder: Path) -> Iterator[int]:
    """A load balancer in front of `server` that takes no connection without a PROXY protocol header."""
    port, file = ports.free(), folder / "haproxy.cfg"
    file.write_text(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
        f"listen front\n bind 127.0.0.1:{port} accept-proxy\n server one 127.0.0.1:{server.port}\n"
    )
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", "haproxy", "-f", file, "-db"])
    try:
        assert ports.wait(lambda: ports.listens(port), 20)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_balancer_that_asks_for_a_header_gets_one(
    version: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with haproxy(postgres_server, tmp_path) as port:
        said = config(port, cluster={"proxy_protocol": version})  # no address of ours is in it
        with proxy.start(said, tmp_path, ENVIRONMENT) as front:
            with psycopg.connect(front.dsn(), autocommit=True) as line:
                assert line.execute("SELECT session_user").fetchone() == ("app",)
                # A cancel request is a connection of its own.
                late = threading.Timer(0.5, line.cancel)
                late.start()
                with pytest.raises(psycopg.errors.QueryCanceled):
                    line.execute("SELECT pg_sleep(60)")
                late.join()


def test_and_without_one_nobody_comes_through(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with haproxy(postgres_server, tmp_path) as port:
        with proxy.start(config(port, pool={"wait": "1s"}), tmp_path, ENVIRONMENT) as front:
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(front.dsn())


# --- names that move ---------------------------------------------------------------------------------

WRAPPER = "libnss_wrapper.so"


def test_a_name_that_moves_takes_its_connections_along(tmp_path: Path) -> None:
    """The system's resolver reads a hosts file of the test (nss_wrapper)."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.2 db.test\n")
    resolver = {"LD_PRELOAD": WRAPPER, "NSS_WRAPPER_HOSTS": str(hosts)}
    both = {"listen_addresses": "127.0.0.1,127.0.0.2"}
    where = "SELECT host(inet_server_addr())"
    with postgres.start(postgres.from_apt(), both) as server:
        text = config(server, cluster={"resolve": "200ms"}, pool={"sharing": False}).replace(
            f'"127.0.0.1:{server.port}"', f'"db.test:{server.port}"'
        )
        with proxy.start(text, tmp_path, {**ENVIRONMENT, **resolver}) as front:
            with psycopg.connect(front.dsn(), autocommit=True) as one, psycopg.connect(front.dsn()) as other:
                assert other.execute(where).fetchone() == ("127.0.0.2",)  # in a transaction
                assert one.execute(where).fetchone() == ("127.0.0.2",)
                replaced = tmp_path / "new"
                replaced.write_text("127.0.0.1 db.test\n")
                replaced.rename(hosts)
                assert until(lambda: one.execute(where).fetchone() == ("127.0.0.1",))
                # What was begun there ends there, and nothing else happens there.
                assert other.execute(where).fetchone() == ("127.0.0.2",)
                other.commit()
                assert other.execute(where).fetchone() == ("127.0.0.1",)
                other.commit()
                assert {row["addr"] for row in console(front.port, "SHOW SERVERS")} == {"127.0.0.1"}
                (known,) = console(front.port, "SHOW DNS_HOSTS")
                assert known["hostname"] == "db.test"
                assert known["addrs"] == f"127.0.0.1:{server.port}"


# --- how a server is found ---------------------------------------------------------------------------


def health(house: House) -> tuple[object, str]:
    (row,) = console(house.port, "SHOW HEALTH")
    return row["state"], str(row["reason"])


def test_servers_are_told_apart(spare_postgres: PostgresServer, tmp_path: Path) -> None:
    cluster = {"connect_timeout": "500ms", "login_retry": "200ms", "check": "300ms", "check_timeout": "500ms"}
    server = spare_postgres
    with running(server, tmp_path, cluster=cluster, pool={"wait": "1s"}) as house:

        def comes(state: str, reason: str) -> None:
            """A client wants something, over a new connection, and hears what is wrong, or not."""
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
            assert until(lambda: tries(house, state)), (health(house), house.text()[-2000:])
            assert reason in health(house)[1]

        comes("up", "")
        server.execute("ALTER ROLE app CONNECTION LIMIT 0")
        comes("full", "too many connections")
        server.execute("ALTER ROLE app CONNECTION LIMIT -1 PASSWORD 'another'")
        comes("refused", "password authentication failed")
        server.execute("ALTER ROLE app PASSWORD 'app-password'")
        comes("up", "")
        # With a connection in the midst of a statement it is the check that finds out.
        with psycopg.connect(house.proxy.dsn(), autocommit=True, prepare_threshold=None) as line:
            line.execute("SELECT 7")
            with stopped(server):
                with pytest.raises(psycopg.OperationalError):
                    line.execute("CREATE TABLE never (again int)")
                assert health(house)[0] == "silent"
        assert until(lambda: tries(house, "up"))
        os.kill(server.process.pid, signal.SIGINT)
        assert until(lambda: tries(house, "unreachable")), health(house)


def tries(house: House, state: str) -> bool:
    try:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as line:
            line.execute("SELECT 7")
    except psycopg.OperationalError:
        pass
    return health(house)[0] == state


def test_a_check_is_a_log_in_and_a_statement(spare_postgres: PostgresServer, tmp_path: Path) -> None:
    spare_postgres.execute("ALTER SYSTEM SET log_statement = 'all'")
    spare_postgres.execute("SELECT pg_reload_conf()")
    cluster = {"check": "300ms", "check_timeout": "5s"}
    with running(spare_postgres, tmp_path, cluster=cluster) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as line:
            line.execute("SELECT pg_sleep(1.5)")
        assert until(lambda: "statement: SELECT 1\n" in spare_postgres.log.read_text())
        assert "does not answer" not in house.text()


# --- what is said ------------------------------------------------------------------------------------


def test_every_line_of_the_log_is_for_machines_too(postgres_server: PostgresServer, tmp_path: Path) -> None:
    more = '\n[log]\nlevel = "debug"\nslow = "1ms"\n'
    with running(postgres_server, tmp_path, more) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as line:
            line.execute("SELECT pg_sleep(0.05)")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(house.proxy.dsn(user="nobody"))
        assert until(lambda: "log-in refused" in house.text())
        lines = [
            json.loads(one) for one in house.text().splitlines() if not one.startswith(("articdbm", " "))
        ]
    known = {"time", "level", "logger", "message"}
    assert lines
    assert all(known <= one.keys() for one in lines)
    of = {one["message"]: one for one in lines}
    assert {"connection", "peer", "user", "database", "code", "reason"} <= of["log-in refused"].keys()
    assert {"connection", "peer", "user", "database"} <= of["client admitted"].keys()
    slow = of["a slow statement"]
    assert {"connection", "user", "database", "fingerprint", "client_ms", "failed"} <= slow.keys()
