"""Programs on asyncpg see the same, run on the server and through the proxy.

asyncpg prepares everything under names of its own, which every process counts from one: two clients give the same
name to different statements all the time.
"""

import asyncio
import datetime as dt
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.integration.house import Side
from tests.servers.postgres import USERS
from tests.servers.proxy import Proxy

Seen = list[Any]
Where = tuple[str, int, str]
Program = Callable[[Where], Awaitable[Seen]]
USER = "app"


async def connect(where: Where, **options: Any) -> Any:
    host, port, database = where
    return await asyncpg.connect(
        host=host, port=port, database=database, user=USER, password=USERS[USER], ssl=False, **options
    )


@asynccontextmanager
async def connected(where: Where, **options: Any) -> AsyncIterator[Any]:
    connection = await connect(where, **options)
    try:
        yield connection
    finally:
        await connection.close()


async def told(awaitable: Awaitable[object]) -> object:
    """What it returns, or the server's error."""
    try:
        return await awaitable
    except asyncpg.PostgresError as error:
        return type(error).__name__, error.sqlstate, str(error)


# --- programs ------------------------------------------------------------------------------------


async def values(where: Where) -> Seen:
    sent = {
        "int": 1, "bigint": -(2**40), "float8": 1.5, "numeric": Decimal("12.3400"), "bool": True, "text": "ünï\n'",
        "bytea": b"\0\xff", "date": dt.date(2024, 2, 29), "timestamptz": dt.datetime(2024, 6, 1, tzinfo=dt.UTC),
        "interval": dt.timedelta(days=1, seconds=2), "int[]": [1, 2, None], "text[]": ["a", "b"], "json": '{"a": [1]}',
    }  # fmt: skip
    columns = ", ".join(f"${place}::{name}" for place, name in enumerate(sent, 1))
    async with connected(where) as connection:
        row = await connection.fetchrow(f"SELECT {columns}", *sent.values())
        nulls = await connection.fetchrow(f"SELECT {columns}", *[None] * len(sent))
        return [list(row.values()), list(nulls.values())]


async def prepared_cache(where: Where) -> Seen:
    """The cache turns over, statements are used by name, and closed."""
    seen: Seen = []
    async with connected(where, statement_cache_size=5) as connection:
        seen += [await connection.fetchval(f"SELECT $1::int + {n % 9}", n) for n in range(60)]
        statement = await connection.prepare("SELECT $1::text || $2::text AS both")
        seen += [await statement.fetchval("a", str(n)) for n in range(5)]
        seen.append([(one.name, one.type.name) for one in statement.get_attributes()])
        seen.append(await told(statement.fetchval("a", None)))
        seen.append(await told(connection.fetchval("SELECT 1 / $1::int", 0)))
        seen.append(await told(connection.prepare("SELECT nothing")))
        seen.append(await statement.fetchval("still", "here"))
        seen.append(await told(connection.execute("DEALLOCATE ALL")))
    return seen


async def own_types(where: Where) -> Seen:
    """asyncpg looks types up behind our back; a type made anew has another number under the same name."""
    seen: Seen = []
    async with connected(where) as connection:
        for labels in ("'sad', 'happy'", "'happy', 'new'"):
            await connection.execute(f"CREATE TYPE asyncpg_mood AS ENUM ({labels})")
            seen.append(await connection.fetchval("SELECT $1::asyncpg_mood", "happy"))
            await connection.execute("DROP TYPE asyncpg_mood")
            await connection.reload_schema_state()
        await connection.execute("CREATE TYPE asyncpg_pair AS (a int, b text)")
        seen.append(tuple(await connection.fetchval("SELECT ROW(1, 'x')::asyncpg_pair")))
        await connection.execute("DROP TYPE asyncpg_pair")
        await connection.reload_schema_state()
        await connection.set_type_codec(
            "json", encoder=str, decoder=lambda text: ("decoded", text), schema="pg_catalog"
        )
        seen.append(await connection.fetchval("SELECT '[1]'::json"))
    return seen


async def transactions(where: Where) -> Seen:
    seen: Seen = []
    async with connected(where) as connection:
        await connection.execute("CREATE TABLE asyncpg_t (a int UNIQUE)")
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO asyncpg_t VALUES ($1)", 1)
                seen.append(await told(nested(connection, 1)))
                seen.append(await told(nested(connection, 2)))
            seen.append(await connection.fetch("SELECT a FROM asyncpg_t ORDER BY a"))
            transaction = connection.transaction(isolation="serializable", readonly=True, deferrable=True)
            await transaction.start()
            seen.append(await told(connection.execute("INSERT INTO asyncpg_t VALUES (5)")))
            seen.append(await told(connection.fetchval("SELECT 1")))
            await transaction.rollback()
            seen.append(
                await told(connection.executemany("INSERT INTO asyncpg_t VALUES ($1)", [(7,), (8,), (7,)]))
            )
            seen.append(
                await told(
                    connection.executemany(
                        "INSERT INTO asyncpg_t VALUES ($1)", [(n,) for n in range(20, 300)]
                    )
                )
            )
            seen.append(await connection.fetchval("SELECT count(*) FROM asyncpg_t"))
            seen.append(
                await connection.execute("DELETE FROM asyncpg_t; SELECT 1; INSERT INTO asyncpg_t VALUES (1)")
            )
            seen.append(connection.is_in_transaction())
        finally:
            await connection.execute("DROP TABLE asyncpg_t")
    return seen


async def nested(connection: Any, value: int) -> object:
    async with connection.transaction():
        return await connection.execute("INSERT INTO asyncpg_t VALUES ($1)", value)


async def cursors(where: Where) -> Seen:
    seen: Seen = []
    async with connected(where) as connection:
        async with connection.transaction():
            seen.append(
                [
                    row[0]
                    async for row in connection.cursor("SELECT generate_series(1, $1::int)", 120, prefetch=7)
                ]
            )
            cursor = await connection.cursor("SELECT generate_series(1, 20)")
            seen += [
                await cursor.fetchrow(),
                await cursor.fetch(3),
                await cursor.forward(5),
                await cursor.fetch(100),
            ]
            another = await connection.cursor("SELECT generate_series(1, 3)")
            seen += [await another.fetch(1), await cursor.fetch(1), await another.fetch(5)]
        async with connection.transaction():
            async for row in connection.cursor("SELECT generate_series(1, 1000)"):
                if row[0] == 3:
                    break
            seen.append(await connection.fetchval("SELECT 'in between'"))
        seen.append(await told(connection.fetch("SELECT 10 / (5 - i) FROM generate_series(1, 10) i")))
    return seen


async def copying(where: Where) -> Seen:
    seen: Seen = []
    async with connected(where) as connection:
        await connection.execute("CREATE TABLE asyncpg_c (a int, b text)")
        try:
            rows = [(n, None if n % 7 == 0 else f"row\t{n}") for n in range(3_000)]
            seen.append(await connection.copy_records_to_table("asyncpg_c", records=rows))
            out = io.BytesIO()
            seen.append(
                await connection.copy_from_query(
                    "SELECT * FROM asyncpg_c WHERE a < $1 ORDER BY a", 20, output=out
                )
            )
            seen.append(out.getvalue())
            seen.append(await told(connection.copy_to_table("asyncpg_c", source=io.BytesIO(b"x\ty\n"))))
            seen.append(await told(connection.copy_to_table("asyncpg_c", source=io.BytesIO(b"1\ty\n"))))
            seen.append(await told(connection.copy_from_query("SELECT 1/0", output=io.BytesIO())))

            async def failing() -> AsyncIterator[bytes]:
                yield b"5\tfive\n"
                raise asyncpg.DataError("given up")

            seen.append(await told(connection.copy_to_table("asyncpg_c", source=failing())))
            seen.append(await connection.fetchrow("SELECT count(*), sum(a) FROM asyncpg_c"))
        finally:
            await connection.execute("DROP TABLE asyncpg_c")
    return seen


async def pools(where: Where) -> Seen:
    """Many tasks on a pool of the client's own; each release resets the session."""
    host, port, database = where
    pool: Any = asyncpg.create_pool(
        host=host,
        port=port,
        database=database,
        user=USER,
        password=USERS[USER],
        ssl=False,
        min_size=2,
        max_size=6,
    )

    async def task(number: int) -> object:
        async with pool.acquire() as connection:
            await connection.execute(f"SELECT set_config('my.mark', '{number}', false)")
            async with connection.transaction():
                inside = await connection.fetchval("SELECT $1::int", number)
                mark = await connection.fetchval("SELECT current_setting('my.mark')")
            return inside, mark, await connection.fetchval(f"SELECT {number % 4}, $1::text", "x")

    async with pool:
        tasks = await asyncio.gather(*map(task, range(60)))
        async with pool.acquire() as connection:
            left = await connection.fetchval("SELECT coalesce(current_setting('my.mark', true), '')")
    return [*tasks, left]


async def same_names(where: Where) -> Seen:
    """Two clients, the same names, other texts, taking turns."""
    async with connected(where) as first, connected(where) as second:
        one = await first.prepare("SELECT 'first ' || $1::text", name="shared")
        two = await second.prepare("SELECT $1::int * 2", name="shared")
        seen = [(await one.fetchval(str(n)), await two.fetchval(n)) for n in range(5)]
        async with first.transaction():
            seen.append((await one.fetchval("in a transaction"), 0))
        return [*seen, await two.fetchval(21)]


async def cancelling(where: Where) -> Seen:
    seen: Seen = []
    async with connected(where) as connection:
        for _ in range(2):
            try:
                await connection.fetchval("SELECT pg_sleep(20)", timeout=0.2)
            except TimeoutError:
                seen.append("timed out")
            seen.append(await connection.fetchval("SELECT 'alive'"))
        task = asyncio.create_task(connection.fetchval("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        seen.append(await connection.fetchval("SELECT 'still alive'"))
    return seen


async def settings(where: Where) -> Seen:
    given = {
        "application_name": "asyncpg test",
        "timezone": "Asia/Tokyo",
        "search_path": "pg_catalog",
        "jit": "off",
    }
    seen: Seen = []
    async with connected(where, server_settings=given) as connection:
        for name in (*given, "work_mem"):
            seen.append(await connection.fetchval(f"SHOW {name}"))
        seen.append(connection.get_settings().application_name)
        await connection.execute("SET work_mem = '7MB'; SET timezone = 'UTC'")
        seen.append(await connection.fetchval("SHOW work_mem"))
        await connection.reset()
        for name in (*given, "work_mem"):
            seen.append(await connection.fetchval(f"SHOW {name}"))
        seen.append(tuple(connection.get_server_version())[:1])
    return seen


async def listening(where: Where) -> Seen:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with connected(where) as ear, connected(where) as mouth:
        await ear.add_listener(
            "asyncpg_channel", lambda _c, _p, channel, payload: heard.put_nowait((channel, payload))
        )
        for number in range(3):
            await mouth.execute("SELECT pg_notify('asyncpg_channel', $1)", str(number))
        seen: Seen = [await asyncio.wait_for(heard.get(), 20) for _ in range(3)]
        seen.append(await ear.fetchval("SELECT 'and answers'"))
        await ear.execute("UNLISTEN *")
        await ear.reset()
        return seen


async def notices(where: Where) -> Seen:
    seen: Seen = []
    async with connected(where) as connection:
        connection.add_log_listener(
            lambda _connection, message: seen.append((message.severity, str(message)))
        )
        await connection.execute("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END$$")
        await connection.fetchval("SELECT 1")
        await asyncio.sleep(0)
    return seen


PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        values, prepared_cache, own_types, transactions, cursors, copying, pools, cancelling, settings, notices,
    )
}  # fmt: skip
PAIRS: dict[str, Program] = {program.__name__: program for program in (same_names, listening)}
"""They hold two connections at a time, one of them for good."""


@cache
def expected(program: Program, where: Where) -> Seen:
    return seen(program, where)


def seen(program: Program, where: Where) -> Seen:
    async def bounded() -> Seen:
        async with asyncio.timeout(60):
            return await program(where)

    return asyncio.run(bounded())


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_the_same(direct: Side, proving: Proxy, database: str, name: str) -> None:
    program = PROGRAMS[name]
    assert seen(program, (proving.host, proving.port, database)) == expected(
        program, (direct.host, direct.port, "shop")
    )


@pytest.mark.parametrize("database", ["shop", "shop_session"])
@pytest.mark.parametrize("name", PAIRS)
def test_two_clients_see_the_same(direct: Side, proving: Proxy, database: str, name: str) -> None:
    program = PAIRS[name]
    assert seen(program, (proving.host, proving.port, database)) == expected(
        program, (direct.host, direct.port, "shop")
    )


def test_one_connection_serves_two_clients_with_the_same_names(direct: Side, proving: Proxy) -> None:
    where = (proving.host, proving.port, "shop_one")
    assert seen(same_names, where) == expected(same_names, (direct.host, direct.port, "shop"))
