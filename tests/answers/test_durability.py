"""What was acknowledged is there after the power is cut; readers go on beside a writer; a file that cannot be used is told."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from tests.answers.conftest import CONFIG
from tests.servers import proxy


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    config = CONFIG.format(path=tmp_path / "shop.db", pool="")
    acknowledged = 0
    running = proxy._launch(config, tmp_path, {})
    with psycopg.connect(running.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (n int PRIMARY KEY)")

        def cut() -> None:
            os.kill(running.process.pid, signal.SIGKILL)

        timer = threading.Timer(1.0, cut)
        timer.start()
        with pytest.raises(psycopg.OperationalError):
            while True:
                connection.execute("INSERT INTO t VALUES (%s)", (acknowledged + 1,))
                acknowledged += 1
        timer.join()
    running.process.wait(10)
    assert acknowledged
    with proxy.start(config, tmp_path, {}) as again, psycopg.connect(again.dsn()) as connection:
        (found,) = connection.execute("SELECT count(*) FROM t").fetchone() or (0,)
        assert found in (acknowledged, acknowledged + 1)


def test_readers_beside_a_writer_see_whole_transactions(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        connection.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        with psycopg.connect(store.dsn(), autocommit=True) as connection:
            while not stop.is_set():
                row = connection.execute("SELECT min(n), max(n) FROM t").fetchone()
                if row is None or row[0] != row[1]:
                    wrong.append(row)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for one in readers:
        one.start()
    with psycopg.connect(store.dsn()) as connection:
        for _ in range(50):
            connection.execute("UPDATE t SET n = n + 1 WHERE id = 1")
            connection.execute("UPDATE t SET n = n + 1 WHERE id = 2")
            connection.commit()
    stop.set()
    for one in readers:
        one.join()
    assert not wrong


def test_writers_wait_for_each_other_and_lose_no_change(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.execute("INSERT INTO t VALUES (0)")

    def write() -> None:
        with psycopg.connect(store.dsn()) as connection:
            for _ in range(20):
                connection.execute("UPDATE t SET n = n + 1")
                connection.commit()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    with psycopg.connect(store.dsn()) as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (80,)


def test_who_waits_too_long_to_write_hears_so(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn()) as one, psycopg.connect(store.dsn(), autocommit=True) as other:
        one.execute("CREATE TABLE t (n int)")
        one.commit()
        one.execute("INSERT INTO t VALUES (1)")
        other.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("INSERT INTO t VALUES (2)")
        one.commit()
        other.execute("INSERT INTO t VALUES (2)")


def test_a_statement_is_cancelled(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(
                "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
            )
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.execute("SET statement_timeout = '100ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"this is no database" * 1_000)
    config = CONFIG.format(path=tmp_path / "shop.db", pool='pool = { wait = "2s" }')
    with proxy.start(config, tmp_path, {}) as running:
        with pytest.raises(psycopg.OperationalError, match="no database of SQLite, or is damaged"):
            psycopg.connect(running.dsn())


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    try:
        config = CONFIG.format(path=disk / "shop.db", pool="")
        with proxy.start(config, tmp_path, {}) as running:
            with psycopg.connect(running.dsn(), autocommit=True) as connection:
                connection.execute("CREATE TABLE t (x text)")
                connection.execute("INSERT INTO t VALUES ('kept')")
                with pytest.raises(psycopg.errors.DiskFull):
                    connection.execute(
                        "INSERT INTO t SELECT repeat('x', 10000) FROM generate_series(1, 1000)"
                    )
                assert connection.execute("SELECT x FROM t").fetchall() == [("kept",)]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
