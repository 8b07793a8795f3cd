"""SIGTERM: what is under way is finished, what is new is refused, and it does not last for ever."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.operation.house import House, running, until
from tests.servers.postgres import PostgresServer

STOPPED = "57P01"


@pytest.fixture(params=[0, 2])
def house(request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path: Path) -> Iterator[House]:
    with running(postgres_server, tmp_path, carriers=request.param, limits={"drain": "20s"}) as found:
        yield found


def connect(house: House, **options: object) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(house.proxy.dsn(), autocommit=True, **options)  # type: ignore[arg-type]


def stop(house: House) -> None:
    house.proxy.process.send_signal(signal.SIGTERM)
    assert until(lambda: "what is under way may finish" in house.text()), house.text()


def test_who_is_idle_goes_at_once_and_the_process_with_it(house: House) -> None:
    with connect(house) as idle:
        idle.execute("SELECT 1")
        house.proxy.process.send_signal(signal.SIGTERM)
        assert house.proxy.process.wait(15) == 0
        with pytest.raises(psycopg.errors.AdminShutdown) as said:
            idle.execute("SELECT 2")
        assert said.value.sqlstate == STOPPED


def test_a_transaction_is_finished_and_nothing_new_begins(house: House) -> None:
    with connect(house) as inside:
        inside.execute("BEGIN")
        stop(house)
        with pytest.raises(
            psycopg.OperationalError, match="terminating connection due to administrator command"
        ):
            connect(house)
        assert inside.execute("SELECT 3").fetchone() == (3,)
        inside.execute("COMMIT")
        assert house.proxy.process.wait(15) == 0
        # libpq may have read the reason together with the answer to COMMIT, as a notice.
        with pytest.raises(psycopg.OperationalError):
            inside.execute("SELECT 4")


def test_a_long_statement_still_gets_its_answer(house: House, postgres_server: PostgresServer) -> None:
    with connect(house) as working:
        found: list[object] = []
        thread = threading.Thread(
            target=lambda: found.append(working.execute("SELECT 5, pg_sleep(2)").fetchone())
        )
        thread.start()
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT 5, %' AND state = 'active'"
        assert until(lambda: postgres_server.execute(asleep) == [(1,)])
        stop(house)
        thread.join(20)
        assert found == [(5, "")]
        assert house.proxy.process.wait(15) == 0


def test_it_does_not_wait_for_ever(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with running(postgres_server, tmp_path, limits={"drain": "500ms"}) as house, connect(house) as inside:
        inside.execute("BEGIN")
        house.proxy.process.send_signal(signal.SIGTERM)
        assert house.proxy.process.wait(15) == 0
        with pytest.raises(psycopg.errors.AdminShutdown):
            inside.execute("SELECT 1")
        assert "clients are cut off" in house.text()


def test_a_second_signal_means_at_once(house: House) -> None:
    with connect(house) as inside:
        inside.execute("BEGIN")
        stop(house)
        house.proxy.process.send_signal(signal.SIGTERM)
        assert house.proxy.process.wait(15) == 0
        with pytest.raises(psycopg.errors.AdminShutdown):
            inside.execute("SELECT 1")
