"""What could go on without an end is told to stop, and lets others go on meanwhile."""

import threading
from pathlib import Path

import psycopg
import pytest

from tests.answers.conftest import CONFIG
from tests.servers import proxy

ENDLESS = {
    "LIKE": "SELECT repeat('a', 5000000) LIKE '%' || repeat('a_', 200) || 'b%' FROM generate_series(1, 100000)",
    "regular expressions": "SELECT sum(((repeat('a', 2500) || n) ~ '.*x')::int) FROM generate_series(1, 1000000) n",
    "translate": "SELECT sum(length(translate(repeat('ä', 60000000), 'ä', 'ö' || n))) FROM generate_series(1, 100000) n",
    "repeat": "SELECT sum(length(repeat('a', 60000000 + n % 2))) FROM generate_series(1, 1000000) n",
    "numerics": "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(a::numeric, 900000) b",
    "json_agg": "SELECT length((SELECT json_agg(b) FROM generate_series(a, 900000) b)::text) FROM generate_series(1, 99) a",
}


@pytest.mark.parametrize("statement", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_deadline_is_kept_and_others_are_served(store: proxy.Proxy, statement: str) -> None:
    with (
        psycopg.connect(store.dsn(), autocommit=True) as one,
        psycopg.connect(store.dsn(), autocommit=True) as other,
    ):
        one.execute("SET statement_timeout = '2s'")
        ended = threading.Event()
        served: list[bool] = []

        def run() -> None:
            with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
                one.execute(statement)
            ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        while not ended.is_set() and thread.is_alive():
            assert other.execute("SELECT 1").fetchone() == (1,)
            served.append(not ended.is_set())
        thread.join()
        assert ended.is_set()
        assert served.count(True) > 1
        assert one.execute("SELECT 1").fetchone() == (1,)


def test_what_runs_is_cancelled_where_it_is_in_a_function(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            connection.execute(ENDLESS["LIKE"])
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_proxy_that_is_told_to_end_ends(tmp_path: Path) -> None:
    config = CONFIG.format(path=tmp_path / "shop.db", pool="") + '[limits]\ndrain = "1s"\n'
    begun = threading.Event()

    def run(dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection, pytest.raises(psycopg.Error):
            begun.set()
            connection.execute(ENDLESS["LIKE"])

    # It must end with status 0 when the block does.
    with proxy.start(config, tmp_path, {}) as running:
        thread = threading.Thread(target=run, args=(running.dsn(),))
        thread.start()
        assert begun.wait(10)
        with psycopg.connect(running.dsn(), autocommit=True) as other:
            other.execute("SELECT pg_sleep(0.5)")
    thread.join()
