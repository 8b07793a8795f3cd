"""The configuration changes under load: nobody notices a good one, and a broken one changes nothing."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import StartProxy
from tests.load import wire
from tests.load.house import ENVIRONMENT, config, quiet, until, waiting
from tests.load.storm import storm
from tests.load.wire import Wire
from tests.load.work import ACTS
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

BROKEN = ("listeners = [", "[[listeners]]\nprotocol = 'mysql'\n", "", "\0\0\0")


async def _said(proxy: Proxy, text: str, times: int) -> None:
    async def so_often() -> bool:
        return proxy.log_text().count(text) >= times

    assert await until(so_often), f"{text!r} is not in the log {times} times:\n{proxy.log_text()[-3000:]}"


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_reloads_under_load(carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    def text(size: int, sharing: bool) -> str:
        return config(postgres_server, carriers=carriers, pool={"size": size, "sharing": sharing})

    proxy = start_proxy(text(4, True), ENVIRONMENT)

    async def run() -> None:
        load = asyncio.create_task(storm(proxy.port, clients=50, statements=10**9, acts=ACTS, seed=carriers))
        bad = 0
        for good, (size, sharing) in enumerate(
            [(8, True), (2, False), (6, False), (1, True), (5, True)], start=1
        ):
            for broken in BROKEN[:2] if size % 2 else BROKEN[2:]:
                bad += 1
                proxy.reload(broken)
                await _said(proxy, "the new configuration is refused", bad)
            proxy.reload(text(size, sharing))
            await _said(proxy, "the new configuration is in force", good)
            await asyncio.sleep(0.3)
            assert not load.done(), load.result()
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await quiet(proxy.port)

    asyncio.run(run())


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_the_new_size_is_in_force(
    carriers: int, spare_postgres: PostgresServer, start_proxy: StartProxy
) -> None:
    """Larger at once; smaller as transactions end, without breaking any."""

    def text(size: int) -> str:
        return config(spare_postgres, carriers=carriers, pool={"size": size, "sharing": False})

    proxy = start_proxy(text(2), ENVIRONMENT)

    async def run() -> None:
        lines = [await Wire.open(proxy.port) for _ in range(6)]
        for line in lines[:2]:
            await line.ask(wire.query("BEGIN"))
        lines[2].send(wire.query("BEGIN"))
        await waiting(proxy.port, 1)
        proxy.reload(text(5))
        assert (await lines[2].replies())[0].status == b"T"
        for line in lines[3:5]:
            await line.ask(wire.query("BEGIN"))

        proxy.reload(text(1))
        await _said(proxy, "the new configuration is in force", 2)
        for number, line in enumerate(lines[:5]):
            assert (await line.ask(wire.query(f"SELECT {number}"))).rows == [[str(number)]]
            await line.ask(wire.query("COMMIT"))
        for number, line in enumerate(lines):
            assert (await line.ask(wire.query(f"SELECT {number}"))).rows == [[str(number)]]
        await quiet(proxy.port)
        count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"

        async def one() -> bool:
            return await asyncio.to_thread(spare_postgres.execute, count) == [(1,)]

        assert await until(one)
        for line in lines:
            line.leave()

    asyncio.run(run())


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_only_the_plans_of_whom_it_concerns_are_made_anew(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """Prepared statements too, which keep their plan: each is judged by what holds now."""
    text = config(postgres_server, carriers=carriers)
    proxy = start_proxy(text, ENVIRONMENT)

    def line(user: str, database: str = "shop") -> psycopg.Connection[Any]:
        return psycopg.connect(proxy.dsn(database, user), autocommit=True, prepare_threshold=0)

    def planned() -> set[str]:
        shown = console.execute(b"SHOW PLANS").fetchall()
        return {row["user"] for row in shown if row["database"] == "shop" and "?::text" in row["statement"]}

    with line("app") as app, line("other") as other, line("app", "articdbm") as console:
        console.row_factory = dict_row

        def ask(one: psycopg.Connection[Any]) -> object:
            return one.execute("SELECT %s, 'mine'::text", ["same"], prepare=True).fetchone()

        assert ask(app) == ask(other) == ("same", "mine")
        assert planned() == {"app", "other"}
        proxy.reload(text.replace('name = "other"', 'name = "other"\ndatabases = ["shop"]'))
        asyncio.run(_said(proxy, "the new configuration is in force", 1))
        assert planned() == {"app"}
        assert ask(app) == ask(other) == ("same", "mine")
        assert planned() == {"app", "other"}
        proxy.reload(text.replace('name = "other"', 'name = "another"'))
        asyncio.run(_said(proxy, "the new configuration is in force", 2))
        with pytest.raises(psycopg.Error, match="no longer"):
            ask(other)
        assert ask(app) == ("same", "mine")
