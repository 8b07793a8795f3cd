"""A new process takes over under load: nobody's connect fails, nobody's statement fails, and the old process ends."""

import asyncio
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from proxy import handover
from tests.load import wire
from tests.load.wire import Wire
from tests.operation.house import get, lives, running, until
from tests.servers import ports
from tests.servers.postgres import PostgresServer

PRIVATE = '\n[upgrade]\ndirectory = "private"\ndrain = "20s"\n'


class Load:
    """Clients that come, ask, check and go, over and over; whatever goes wrong ends in `trouble`."""

    def __init__(self, port: int, dsn: str) -> None:
        self.port, self.dsn = port, dsn
        self.done = 0
        self.stopping = False
        self.trouble: list[str] = []

    async def run(self) -> None:
        await asyncio.gather(
            *(self._guarded(self._raw(n)) for n in range(12)),
            *(self._guarded(self._driver(n)) for n in range(4)),
        )

    async def _guarded(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.trouble.append(f"{type(error).__name__}: {error}")
            self.stopping = True

    async def _raw(self, number: int) -> None:
        count = 0
        while not self.stopping:
            line = await Wire.open(self.port)
            for _ in range(1 + number % 5):
                count += 1
                mark = f"r{number}n{count}"
                if number % 3 == 0:
                    await line.ask(wire.query("BEGIN"))
                answer = await line.ask(wire.query(f"SELECT '{mark}'"))
                assert answer.rows == [[mark]], answer
                if number % 3 == 0:
                    assert (await line.ask(wire.query("COMMIT"))).tags == ["COMMIT"]
                self.done += 1
            line.leave()

    async def _driver(self, number: int) -> None:
        count = 0
        while not self.stopping:
            async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
                for _ in range(3):
                    count += 1
                    found = await (
                        await connection.execute("SELECT %s::text", [f"d{number}n{count}"])
                    ).fetchone()
                    assert found == (f"d{number}n{count}",)
                    self.done += 1

    async def goes_on(self, statements: int = 300) -> None:
        """Until so many more were answered."""
        until_ = self.done + statements
        while self.done < until_ and not self.stopping:  # noqa: ASYNC110 - it counts, there is no event
            await asyncio.sleep(0.01)
        assert self.trouble == []


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 1), (1, 3), (0, 2), (2, 0)])
def test_under_load_nobody_notices(
    before: int, after: int, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with running(postgres_server, tmp_path, PRIVATE, carriers=before, pool={"size": 4}) as house:
        text = house.proxy.config.read_text()
        house.proxy.config.write_text(text.replace(f"carriers = {before}", f"carriers = {after}"))

        async def run() -> None:
            load = Load(house.port, house.proxy.dsn())
            running_ = asyncio.create_task(load.run())
            staying = await Wire.open(house.port)
            await staying.ask(wire.query("BEGIN"))
            await load.goes_on()
            for generation in range(1, 4):
                old = house.pids[-1]
                done = await asyncio.to_thread(house.upgrade)
                assert done.returncode == 0, (done.stderr, house.text()[-3000:])
                assert house.pids[-1] != old
                await load.goes_on()
                # Who was there before stays with the old process, transaction and all.
                assert (await staying.ask(wire.query(f"SELECT {generation}"))).rows == [[str(generation)]]
                assert lives(house.pids[0])
            await staying.ask(wire.query("COMMIT"))
            staying.leave()
            for pid in house.pids[:-1]:
                assert await asyncio.to_thread(house.ends, pid), house.text()[-3000:]
            await load.goes_on()
            load.stopping = True
            await running_
            assert load.trouble == []

        asyncio.run(run())
        os.kill(house.pids[-1], signal.SIGTERM)
        assert house.ends(house.pids[-1])
        assert "cut off" not in house.text()


def test_clients_that_never_leave_are_told_at_the_end_of_the_time(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with running(postgres_server, tmp_path, PRIVATE.replace("20s", "1s")) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as staying:
            staying.execute("SELECT 1")
            assert house.upgrade().returncode == 0
            assert house.ends(house.pids[0])
            with pytest.raises(psycopg.errors.AdminShutdown):
                staying.execute("SELECT 2")
        with psycopg.connect(house.proxy.dsn()) as fresh:
            assert fresh.execute("SELECT 3").fetchone() == (3,)


def test_a_successor_that_cannot_start_changes_nothing(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with running(postgres_server, tmp_path, PRIVATE) as house:
        good = house.proxy.config.read_text()
        house.proxy.config.write_text("nonsense = [")
        done = house.upgrade("--directory", str(tmp_path / "private"))
        assert done.returncode == 1
        assert "ended with status 2 before it was ready" in done.stderr
        house.proxy.config.write_text(good)
        with psycopg.connect(house.proxy.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert house.upgrade().returncode == 0, house.text()


def test_a_successor_that_is_never_ready_is_given_up(postgres_server: PostgresServer, tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o700)
    with running(postgres_server, tmp_path, PRIVATE + 'ready = "300ms"\n') as house:
        assert until((tmp_path / "private" / "articdbm.sock").exists)
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(tmp_path / "private" / "articdbm.sock"))
            line.sendall(b'{"want": "upgrade", "python": "%s"}\n' % str(slow).encode())
            assert b"was not ready within 0.3 s" in line.recv(4096)
        assert not [pid for pid in Path("/proc").iterdir() if _runs(pid, f"{slow}")]
        with psycopg.connect(house.proxy.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def _runs(process: Path, word: str) -> bool:
    try:
        return word in (process / "cmdline").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"null\n",
        b'{"want": "all"}\n',
        b"\xff\xfe\n",
        b"x" * 100_000,
        b'{"want": "sockets"}\n',
        b"[" * 60_000 + b"\n",
    ],
)
def test_nonsense_on_the_socket_is_the_callers_own(
    said: bytes, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with running(postgres_server, tmp_path, PRIVATE) as house:
        assert until((tmp_path / "private" / "articdbm.sock").exists)
        for _ in range(6):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(tmp_path / "private" / "articdbm.sock"))
                try:
                    line.sendall(said)
                    line.shutdown(socket.SHUT_WR)
                    line.recv(1)
                except OSError:
                    pass
        assert house.upgrade().returncode == 0, house.text()


def test_a_directory_that_others_may_enter_is_refused(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    open_to_all = tmp_path / "private"
    open_to_all.mkdir(mode=0o755)
    open_to_all.chmod(0o755)
    with running(postgres_server, tmp_path, PRIVATE) as house:
        done = house.upgrade()
        assert done.returncode == 1
        assert "is not private" in done.stderr
        assert "no successor will be able to take over" in house.text()
        assert not list(open_to_all.iterdir())


def test_no_process_there(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(handover.HandoverError, match="no process waits for a successor"):
        handover.order(private, sys.executable, 1)


def test_the_metrics_listener_goes_over_too(postgres_server: PostgresServer, tmp_path: Path) -> None:
    port = ports.free()
    more = f'{PRIVATE}\n[metrics]\naddress = "127.0.0.1:{port}"\n'
    with running(postgres_server, tmp_path, more) as house:
        with psycopg.connect(house.proxy.dsn()) as before:
            before.execute("SELECT 1")
            assert "articdbm_clients 1\n" in get(port, "/metrics")[1].replace(".0", "")
            assert house.upgrade().returncode == 0
            for _ in range(10):
                assert get(port, "/readyz") == (200, "ready\n")
                assert "articdbm_clients 0\n" in get(port, "/metrics")[1].replace(".0", "")
        assert house.ends(house.pids[0])
        assert get(port, "/readyz") == (200, "ready\n")
        assert (tmp_path / "private" / "articdbm.sock").exists()


@pytest.mark.parametrize("carriers", [(1, 1), (2, 1)])
def test_statements_of_older_processes_can_still_be_cancelled(
    carriers: tuple[int, int], postgres_server: PostgresServer, tmp_path: Path
) -> None:
    before, after = carriers
    with running(postgres_server, tmp_path, PRIVATE, carriers=before) as house:
        text = house.proxy.config.read_text()
        # As many as may land on any carrier.
        oldest = [psycopg.connect(house.proxy.dsn(), autocommit=True) for _ in range(3)]
        house.proxy.config.write_text(text.replace(f"carriers = {before}", f"carriers = {after}"))
        assert house.upgrade().returncode == 0
        middle = psycopg.connect(house.proxy.dsn(), autocommit=True)
        assert house.upgrade().returncode == 0
        newest = psycopg.connect(house.proxy.dsn(), autocommit=True)
        for number, connection in enumerate((*oldest, middle, newest)):
            with ThreadPoolExecutor(1) as pool:
                running_ = pool.submit(connection.execute, f"SELECT {number}, pg_sleep(30)")
                asleep = f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT {number}, pg_sleep%' AND state = 'active'"
                assert until(lambda asleep=asleep: postgres_server.execute(asleep) == [(1,)])  # type: ignore[misc]
                connection.cancel_safe(timeout=10)
                with pytest.raises(psycopg.errors.QueryCanceled):
                    running_.result(20)
            assert connection.execute("SELECT 1").fetchone() == (1,)
        for connection in (*oldest, middle, newest):
            connection.close()
        for pid in house.pids[:-1]:
            assert house.ends(pid), house.text()[-2000:]
        assert [one.name for one in (tmp_path / "private").iterdir()] == ["articdbm.sock"]
