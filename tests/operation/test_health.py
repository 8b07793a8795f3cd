"""Servers that are there and do nothing: a real PostgreSQL, stopped by a signal while its kernel goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.operation.house import House, running, until
from tests.servers.postgres import PostgresServer

CHECK = {"check": "300ms", "check_timeout": "500ms", "connect_timeout": "500ms"}


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """All its processes, the postmaster first."""
    postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
    children = [
        int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    ]
    for pid in (postmaster, *children):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in (*children, postmaster):
            os.kill(pid, signal.SIGCONT)


def ask(house: House, said: list[BaseException | int]) -> None:
    try:
        with psycopg.connect(house.proxy.dsn(), autocommit=True, prepare_threshold=None) as connection:
            row = connection.execute("SELECT 7").fetchone()
            assert row is not None
            said.append(row[0])
    except psycopg.Error as error:
        said.append(error)


def shared(house: House, statement: str) -> bool:
    """Whether it would ride with others now."""
    console = psycopg.connect(house.proxy.dsn("articdbm"), autocommit=True, row_factory=dict_row)
    with closing(console):
        return any(
            row["shares"] == "yes" and row["statement"] == statement for row in console.execute("SHOW PLANS")
        )


@pytest.mark.parametrize("sharing", [False, True])
def test_a_server_that_stops_is_given_up_in_time(
    sharing: bool, spare_postgres: PostgresServer, tmp_path: Path
) -> None:
    with running(spare_postgres, tmp_path, cluster=CHECK, pool={"sharing": sharing, "wait": "4s"}) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True, prepare_threshold=None) as connection:
            for _ in range(3):
                connection.execute("SELECT 7")
            # A statement that took long lately has a connection of its own: on a busy machine this one may have.
            while sharing and not shared(house, "SELECT ?"):
                connection.execute("SELECT 7")
            said: list[BaseException | int] = []
            with stopped(spare_postgres):
                # A shared read is asked again elsewhere, and waits for a server as long as it may.
                words = "query_wait_timeout" if sharing else "does not answer"
                with pytest.raises(psycopg.OperationalError, match=words):
                    connection.execute("SELECT 7")
                assert "a server does not answer and is given up" in house.text()
                # Who comes now waits for it, as for one that is down.
                late = Thread(target=ask, args=(house, said))
                late.start()
                assert until(lambda: "cannot connect to a server" in house.text())
            late.join(30)
            assert said == [7]


def test_a_long_statement_is_no_dead_server(spare_postgres: PostgresServer, tmp_path: Path) -> None:
    with running(spare_postgres, tmp_path, cluster=CHECK) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            assert connection.execute("SELECT 8, pg_sleep(3)").fetchone() == (8, "")
        assert "does not answer" not in house.text()


def test_who_listens_hears_of_a_server_that_stops(spare_postgres: PostgresServer, tmp_path: Path) -> None:
    with running(spare_postgres, tmp_path, cluster=CHECK) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            connection.execute("LISTEN news")
            time.sleep(1)  # It is asked again and again, and answers.
            connection.execute("NOTIFY news, 'there'")
            assert [told.payload for told in connection.notifies(timeout=5, stop_after=1)] == ["there"]
            with (
                stopped(spare_postgres),
                pytest.raises(psycopg.OperationalError, match="closed the connection"),
            ):
                list(connection.notifies(timeout=30))
        assert "a session that listened ended" in house.text()


def test_no_check_no_end(spare_postgres: PostgresServer, tmp_path: Path) -> None:
    with running(spare_postgres, tmp_path, cluster={**CHECK, "check": "0"}) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            connection.execute("SELECT 7")
            said: list[BaseException | int] = []
            with stopped(spare_postgres):
                waiting = Thread(target=ask, args=(house, said))
                waiting.start()
                waiting.join(3)
                assert said == []
            waiting.join(30)
            assert said == [7]
