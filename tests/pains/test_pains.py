"""Pains of other proxies, one test each, where no other test is the proof: see docs/pains.md."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import psycopg
import pytest

from tests.conftest import StartProxy
from tests.faults.strangers import resident
from tests.integration.test_memory import highest
from tests.integration.wire import Line, query, rows
from tests.load import wire
from tests.load.house import ENVIRONMENT, config, pools, quiet, until
from tests.load.storm import storm
from tests.load.wire import Wire
from tests.load.work import ACTS
from tests.servers.postgres import USERS, PostgresServer
from tests.servers.proxy import Proxy

SOAK = "ARTICDBM_SOAK_STATEMENTS" in os.environ
MIB = 1 << 20


async def _asked(port: int, command: str) -> list[list[str | None]]:
    """What the console answers."""
    line = await Wire.open(port, database="articdbm")
    answer = await line.ask(wire.query(command))
    line.leave()
    assert answer.error is None, answer.error
    return answer.rows


async def _each(lines: list[Wire], work: Callable[[Wire, int], Coroutine[object, object, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for number, line in enumerate(lines):
            group.create_task(work(line, number))


def _threads(proxy: Proxy) -> dict[str, float]:
    """CPU seconds of every thread of the process."""
    spent = {}
    for task in Path(f"/proc/{proxy.process.pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        spent[task.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def test_pain_02_a_crowd_costs_no_more_per_statement(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """A hundred times as many clients as connections: each is served, and a statement costs the proxy about as much
    of its processors as with few."""
    # Alone on its connection, or the crowd would be the cheaper for sharing.
    proxy = start_proxy(config(postgres_server, pool={"size": 4, "sharing": False}), ENVIRONMENT)

    async def spent(clients: int, each: int) -> float:
        lines = [await Wire.open(proxy.port) for _ in range(clients)]

        async def work(line: Wire, number: int) -> None:
            for count in range(each):
                answer = await line.ask(wire.query(f"SELECT 'c{number}n{count}'"))
                assert answer.rows == [[f"c{number}n{count}"]]

        before = sum(_threads(proxy).values())
        await _each(lines, work)
        cost = sum(_threads(proxy).values()) - before
        for line in lines:
            line.leave()
        await quiet(proxy.port)
        return cost / (clients * each)

    async def run() -> tuple[float, float]:
        await spent(4, 500)
        return await spent(4, 5_000), await spent(400, 50)

    few, many = asyncio.run(run())
    print(f"{few * 1e6:.0f} µs with 4 clients, {many * 1e6:.0f} µs with 400")
    assert many < 3 * few + 20e-6


def test_pain_08_a_server_that_refuses_log_ins_is_not_there(
    spare_postgres: PostgresServer, start_proxy: StartProxy
) -> None:
    """It accepts connections and greets: that is not health. Who asks hears at once why not, nothing says that it is
    back before it is, and then everybody is served."""
    cluster = {"login_retry": "50ms"}
    proxy = start_proxy(config(spare_postgres, pool={"size": 2, "wait": "20s"}, cluster=cluster), ENVIRONMENT)

    async def ask() -> str:
        try:
            line = await Wire.open(proxy.port)
            answer = await line.ask(wire.query("SELECT 'served'"))
        except wire.Gone as gone:
            return gone.said.message if gone.said else str(gone)
        line.leave()
        return str(answer.rows)

    async def run() -> None:
        assert await ask() == "[['served']]"
        await asyncio.to_thread(spare_postgres.execute, "ALTER ROLE app NOLOGIN")
        await _asked(proxy.port, "RECONNECT")
        await quiet(proxy.port)

        async def refused() -> bool:
            return "not permitted to log in" in await ask()

        assert await until(refused)
        for _ in range(5):
            assert await refused()
        assert "connected to a server again" not in proxy.log_text()
        await asyncio.to_thread(spare_postgres.execute, "ALTER ROLE app LOGIN")

        async def served() -> bool:
            return await ask() == "[['served']]"

        assert await until(served)
        assert "connected to a server again" in proxy.log_text()

    asyncio.run(run())


def test_pain_11_every_carrier_works_and_they_count_as_one(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(config(postgres_server, carriers=3, pool={"size": 5, "sharing": False}), ENVIRONMENT)
    clients, each = 60, 300
    most = 0

    async def run() -> None:
        nonlocal most
        lines = [await Wire.open(proxy.port) for _ in range(clients)]
        before = _threads(proxy)

        async def work(line: Wire, number: int) -> None:
            nonlocal most
            for count in range(each):
                assert (await line.ask(wire.query(f"SELECT 'c{number}n{count}'"))).rows
                if number == 0 and count % 50 == 0:
                    (held,) = await asyncio.to_thread(
                        postgres_server.execute, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
                    )
                    assert isinstance(held[0], int)
                    most = max(most, held[0])

        await _each(lines, work)
        busy = [name for name, spent in _threads(proxy).items() if spent - before.get(name, 0) >= 0.05]
        assert len(busy) >= 3, "fewer threads than carriers did anything"
        for line in lines:
            line.leave()
        await quiet(proxy.port)
        (stats,) = [row for row in await _asked(proxy.port, "SHOW STATS_TOTALS") if row[0] == "shop"]
        assert int(stats[2] or 0) == clients * each

    asyncio.run(run())
    assert 0 < most <= 5


def test_pain_12_set_keeps_no_connection_and_what_does_is_told(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(config(postgres_server, pool={"size": 1}), ENVIRONMENT)
    settings = ("TimeZone = 'Asia/Tokyo'", "search_path = pg_catalog", "statement_timeout = '7s'", "work_mem = '9MB'",
                "application_name = 'a'", "DateStyle = 'German, DMY'", "app.user_id = '42'", "ROLE NONE")  # fmt: skip

    async def run() -> None:
        one, two = await Wire.open(proxy.port), await Wire.open(proxy.port)
        shown = "SELECT current_setting('TimeZone'), current_setting('work_mem'), current_setting('app.user_id', true)"
        theirs = (await two.ask(wire.query(shown))).rows
        for setting in settings:
            assert (await one.ask(wire.query(f"SET {setting}"))).error is None, setting
            # The pool's only connection is free again.
            assert (await two.ask(wire.query(shown))).rows in (theirs, [[*theirs[0][:2], ""]]), setting
        assert (await one.ask(wire.query(shown))).rows == [["Asia/Tokyo", "9MB", "42"]]
        assert [row for row in await _asked(proxy.port, "SHOW PINS") if row[-1] != "0"] == []
        assert (await one.ask(wire.query("CREATE TEMP TABLE t (a int)"))).error is None
        (pin,) = [row for row in await _asked(proxy.port, "SHOW PINS") if row[-1] != "0"]
        assert "temporary" in str(pin)
        one.leave()
        assert (await two.ask(wire.query("SELECT 'free again'"))).rows == [["free again"]]
        two.leave()

    asyncio.run(run())


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_pain_14_any_number_of_different_statements_in_constant_memory(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """Twelve times as many as are kept; a million in the soak."""
    count = 1_000_000 if SOAK else 12_000
    limits: dict[str, str | int | bool] = {"max_plans": 10_000 if SOAK else 1_000}
    text = config(postgres_server, carriers=2, limits=limits, pool={"prepared": 50})
    proxy = start_proxy(text.replace("[admin]", '[log]\nslow = "1h"\n[admin]'), ENVIRONMENT)

    async def run() -> list[int]:
        lines = [await Wire.open(proxy.port) for _ in range(8)]
        marks = []
        for quarter in range(4):

            async def work(line: Wire, number: int, quarter: int = quarter) -> None:
                for at in range(count // 4 // len(lines)):
                    name = f"q{quarter}n{number}a{at}"
                    if at % 2:
                        answer = await line.ask(wire.query(f"SELECT 1 AS {name}"))
                    else:
                        unit = wire.parse(name, f"SELECT 1 AS {name}") + wire.bind(name, []) + wire.execute()
                        answer = await line.ask(unit + wire.close(b"S", name) + wire.SYNC)
                    assert answer.rows == [["1"]], answer.error

            await _each(lines, work)
            marks.append(resident(proxy))
        kept = await _asked(proxy.port, "SHOW PLANS")
        assert len(kept) <= int(limits["max_plans"])
        held = await lines[0].ask(wire.query("SELECT count(*) FROM pg_prepared_statements"))
        assert int(held.rows[0][0] or 0) <= 50
        for line in lines:
            line.leave()
        return marks

    marks = asyncio.run(run())
    print("MiB after each quarter:", [mark // MIB for mark in marks])
    assert marks[3] - marks[0] < (32 * MIB if SOAK else 12 * MIB)


def test_pain_16_a_password_changes_under_load_without_an_error(
    spare_postgres: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    """The role's own password, and then another role altogether; each by a reload."""
    secret = tmp_path / "secret"
    secret.write_text(USERS["app"])
    spare_postgres.execute("CREATE ROLE app_next LOGIN PASSWORD 'next-password' IN ROLE app")
    first = config(spare_postgres, carriers=2, pool={"size": 4, "wait": "30s"}).replace(
        'password = "env://APP_PASSWORD"', f'password = "file://{secret}"', 1
    )
    proxy = start_proxy(first, ENVIRONMENT)
    users = "SELECT usename::text FROM pg_stat_activity WHERE usename LIKE 'app%' GROUP BY 1"

    async def reload(text: str, times: int) -> None:
        proxy.reload(text)

        async def said() -> bool:
            return proxy.log_text().count("the new configuration is in force") == times

        assert await until(said), proxy.log_text()[-2000:]

    async def run() -> None:
        load = asyncio.create_task(storm(proxy.port, clients=30, statements=10**9, acts=ACTS, seed=1))
        for times in range(1, 4):
            await asyncio.sleep(0.3)
            # Clients prove nothing here (`trust`), so the password is the server's alone.
            await asyncio.to_thread(spare_postgres.execute, f"ALTER ROLE app PASSWORD 'changed {times}'")
            secret.write_text(f"changed {times}")
            await reload(first, times)
            await asyncio.sleep(0.3)
            assert not load.done(), load.result()
        second = first.replace(
            f'password = "file://{secret}"',
            f'password = "file://{secret}"\nserver_user = "app_next"\nserver_password = "env://NEXT"',
            1,
        ).replace("env://NEXT", f"file://{tmp_path}/next")
        (tmp_path / "next").write_text("next-password")
        await reload(second, 4)

        async def only_the_next() -> bool:
            return await asyncio.to_thread(spare_postgres.execute, users) == [("app_next",)]

        assert await until(only_the_next)
        assert not load.done(), load.result()
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await quiet(proxy.port)

    asyncio.run(run())
    # New connections were opened with each of them: the old ones ended.
    assert "log-in" not in proxy.log_text()


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_pain_17_a_huge_row_to_a_slow_reader_in_constant_memory(
    spare_postgres: PostgresServer, start_proxy: StartProxy
) -> None:
    """One row of 256 MiB, in the soak nearly the most that PostgreSQL sends. The neighbour is served meanwhile."""
    size = 1_000_000_000 if SOAK else 256 * MIB
    proxy = start_proxy(config(spare_postgres, pool={"size": 2}), ENVIRONMENT)
    with Line("127.0.0.1", proxy.port, 300) as slow, Line("127.0.0.1", proxy.port) as other:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.log_in("app", "shop")
        other.log_in("app", "shop")
        assert rows(other.ask(query("SELECT 'warm'"))) == [("warm",)]
        before = resident(proxy)
        Path(f"/proc/{proxy.process.pid}/clear_refs").write_text("5")
        slow.send(query(f"SELECT repeat('0123456789abcdef', {size // 16})"))
        seen = 0
        for at in range(20):
            seen += len(slow.socket.recv(16_384))
            time.sleep(0.05)
            assert rows(other.ask(query(f"SELECT 'served {at}'"))) == [(f"served {at}",)]
        while seen < size:
            data = slow.socket.recv(1 << 20)
            assert data
            seen += len(data)
        assert highest(proxy.process.pid) - before < 24 * MIB
    with psycopg.connect(proxy.dsn(), autocommit=True) as after:
        assert after.execute("SELECT 'alive'").fetchone() == ("alive",)
    assert asyncio.run(pools(proxy.port))["shop/app"]["clients_waiting"] == "0"
