"""Pools belong to the process: their limits hold whatever the number of carriers, and everybody is served in turn."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartProxy
from tests.load import wire
from tests.load.house import ENVIRONMENT, Settings, config, quiet, until, waiting
from tests.load.storm import storm
from tests.load.wire import Gone, Wire
from tests.load.work import ACTS
from tests.servers.postgres import PostgresServer

CARRIERS = pytest.mark.parametrize("carriers", [0, 1, 2])
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('app', 'other')"


async def _open(server: PostgresServer) -> int:
    """Connections the server has, by its own count."""
    ((count,),) = await asyncio.to_thread(server.execute, OPEN)
    assert isinstance(count, int)
    return count


async def _until_open(server: PostgresServer, count: int) -> None:
    async def so_many() -> bool:
        return await _open(server) == count

    assert await until(so_many), f"{await _open(server)} server connections instead of {count}"


async def _most_open(server: PostgresServer, over: asyncio.Future[Any]) -> int:
    most = 0
    while not over.done():
        most = max(most, await _open(server))
    return most


async def _pid(line: Wire) -> str:
    answer = await line.ask(wire.query("SELECT pg_backend_pid()"))
    assert answer.error is None
    pid = answer.rows[0][0]
    assert pid
    return pid


async def _leave(*lines: Wire) -> None:
    for line in lines:
        line.leave()
    await asyncio.sleep(0)


@pytest.fixture
def turns(postgres_server: PostgresServer) -> Iterator[None]:
    """A sequence that numbers the statements in the order they run."""
    postgres_server.execute("CREATE SEQUENCE turns; GRANT ALL ON SEQUENCE turns TO PUBLIC")
    yield
    postgres_server.execute("DROP SEQUENCE turns")


@pytest.fixture
def fresh(spare_postgres: PostgresServer) -> PostgresServer:
    """A server nobody else is connected to: its connections are counted."""
    return spare_postgres


@CARRIERS
@pytest.mark.parametrize("sharing", [True, False])
def test_size_is_the_process_size(
    carriers: int, sharing: bool, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(config(fresh, carriers=carriers, pool={"size": 3, "sharing": sharing}), ENVIRONMENT)

    async def run() -> int:
        load = asyncio.create_task(storm(proxy.port, clients=60, statements=4_000, acts=ACTS, seed=carriers))
        most = await _most_open(fresh, load)
        await load
        await quiet(proxy.port)
        return most

    assert asyncio.run(run()) == 3


@CARRIERS
def test_one_connection_serves_the_clients_of_every_carrier(
    carriers: int, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    """It moves to the carrier that needs it, idle or not."""
    proxy = start_proxy(config(fresh, carriers=carriers, pool={"size": 1}), ENVIRONMENT)

    async def run() -> None:
        lines = [await Wire.open(proxy.port) for _ in range(16)]
        one_by_one = {await _pid(line) for line in lines * 3}
        at_once = set(await asyncio.gather(*(_pid(line) for line in lines)))
        assert len(one_by_one | at_once) == 1
        await _leave(*lines)

    asyncio.run(run())


@CARRIERS
def test_the_minimum_is_kept_and_the_rest_goes_when_idle(
    carriers: int, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    pool: Settings = {"size": 6, "min_size": 2, "server_idle": "300ms", "sharing": False}
    proxy = start_proxy(config(fresh, carriers=carriers, pool=pool, other={"min_size": 0}), ENVIRONMENT)

    async def run() -> None:
        await _until_open(fresh, 2)
        lines = [await Wire.open(proxy.port) for _ in range(6)]
        await asyncio.gather(*(line.ask(wire.query("BEGIN")) for line in lines))
        assert await _open(fresh) == 6
        await asyncio.gather(*(line.ask(wire.query("COMMIT")) for line in lines))
        await _until_open(fresh, 2)
        await asyncio.sleep(1)
        assert await _open(fresh) == 2
        await _leave(*lines)

    asyncio.run(run())


@CARRIERS
def test_connections_are_renewed_at_their_age(
    carriers: int, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    pool: Settings = {"size": 1, "server_lifetime": "400ms"}
    proxy = start_proxy(config(fresh, carriers=carriers, pool=pool), ENVIRONMENT)

    async def run() -> None:
        line = await Wire.open(proxy.port)
        await line.ask(wire.query("BEGIN"))
        held = await _pid(line)
        await asyncio.sleep(1)
        assert await _pid(line) == held, "a transaction keeps its connection, however old"
        await line.ask(wire.query("COMMIT"))
        assert await _pid(line) != held
        await _leave(line)
        await _until_open(fresh, 0)

    asyncio.run(run())


@CARRIERS
def test_the_reserve_is_for_those_who_have_waited(
    carriers: int, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    pool: Settings = {"size": 1, "reserve": 1, "reserve_after": "300ms", "wait": "30s", "sharing": False}
    proxy = start_proxy(config(fresh, carriers=carriers, pool=pool), ENVIRONMENT)

    async def run() -> None:
        first, second, third = [await Wire.open(proxy.port) for _ in range(3)]
        await first.ask(wire.query("BEGIN"))
        begun = asyncio.get_running_loop().time()
        await second.ask(wire.query("BEGIN"))
        assert asyncio.get_running_loop().time() - begun >= 0.25, "the reserve was opened at once"
        third.send(wire.query("SELECT 'third'"))
        await waiting(proxy.port, 1)
        await asyncio.sleep(0.5)
        assert await _open(fresh) == 2
        await second.ask(wire.query("COMMIT"))
        assert (await third.replies())[0].rows == [["third"]]
        await first.ask(wire.query("COMMIT"))
        await _leave(first, second, third)

    asyncio.run(run())


@CARRIERS
def test_a_cluster_bounds_all_its_pools(
    carriers: int, fresh: PostgresServer, start_proxy: StartProxy
) -> None:
    """Two users, each with a pool of three, on a cluster of three: idle connections of one give way to the other."""
    settings = config(fresh, carriers=carriers, pool={"size": 3}, cluster={"max_connections": 3})
    proxy = start_proxy(settings, ENVIRONMENT)

    async def client(user: str, number: int) -> int:
        line = await Wire.open(proxy.port, user=user)
        for count in range(40):
            answer = await line.ask(wire.query(f"SELECT current_user, {number}, {count}"))
            assert answer.rows == [[user, str(number), str(count)]]
            if count % 10 == 0:
                await asyncio.sleep(0.05)
        line.leave()
        return 40

    async def run() -> tuple[int, int]:
        for user in ("app", "other"):
            # Each alone takes the whole cluster, so that the other finds it full of idle connections.
            lines = [await Wire.open(proxy.port, user=user) for _ in range(3)]
            await asyncio.gather(*(line.ask(wire.query("BEGIN")) for line in lines))
            await asyncio.gather(*(line.ask(wire.query("COMMIT")) for line in lines))
            await _leave(*lines)
        load = asyncio.gather(*(client(user, n) for n in range(10) for user in ("app", "other")))
        most = await _most_open(fresh, asyncio.ensure_future(load))
        served = sum(await load)
        await quiet(proxy.port)
        return most, served

    most, served = asyncio.run(run())
    assert served == 20 * 40
    assert most <= 3


@CARRIERS
@pytest.mark.usefixtures("turns")
def test_who_waits_longest_is_served_first(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 1, "sharing": False}), ENVIRONMENT
    )

    async def run() -> list[str | None]:
        holder, *lines = [await Wire.open(proxy.port) for _ in range(9)]
        await holder.ask(wire.query("BEGIN"))
        for number, line in enumerate(lines):
            line.send(wire.query("SELECT nextval('turns')"))
            await waiting(proxy.port, number + 1)
        await holder.ask(wire.query("COMMIT"))
        answers = [(await line.replies())[0] for line in lines]
        await _leave(holder, *lines)
        return [answer.rows[0][0] for answer in answers]

    order = asyncio.run(run())
    assert order == [str(number) for number in range(1, 9)]


@CARRIERS
@pytest.mark.usefixtures("turns")
def test_who_sends_much_at_once_does_not_shut_out_the_others(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """A client with three hundred statements under way takes turns with one that has one."""
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 1, "sharing": False}), ENVIRONMENT
    )

    async def run() -> tuple[int, int]:
        greedy, modest = await Wire.open(proxy.port), await Wire.open(proxy.port)
        greedy.send(wire.query("SELECT nextval('turns'), pg_sleep(0.005)") * 300)
        await greedy.something()
        before = await asyncio.to_thread(postgres_server.execute, "SELECT last_value FROM turns")
        answer = await modest.ask(wire.query("SELECT nextval('turns')"))
        await greedy.replies(300)
        await _leave(greedy, modest)
        assert isinstance(before[0][0], int)
        return before[0][0], int(answer.rows[0][0] or 0)

    asked, served = asyncio.run(run())
    assert asked < 150, "the greedy one was through before the other asked: nothing was shown"
    assert served < 270, f"asked at turn {asked}, served at {served} of 301"


@CARRIERS
@pytest.mark.parametrize("sharing", [True, False])
def test_clients_with_settings_of_their_own_are_served_too(
    carriers: int, sharing: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """A connection has to be made theirs first, which is no reason to take it away before they had their turn."""
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 2, "sharing": sharing}), ENVIRONMENT
    )

    async def client(number: int) -> None:
        own: dict[str, Any] = {"application_name": f"app{number}"} if number % 2 else {}
        line = await Wire.open(proxy.port, **own)
        for count in range(20):
            marks = [f"c{number}n{count}x{x}" for x in range(number % 5 + 1)]
            line.send(b"".join(wire.query(f"SELECT '{mark}'") for mark in marks))
            assert [answer.rows for answer in await line.replies(len(marks))] == [[[mark]] for mark in marks]
        line.leave()

    async def run() -> None:
        async with asyncio.timeout(60):
            await asyncio.gather(*(client(number) for number in range(30)))
        await quiet(proxy.port)

    asyncio.run(run())


@CARRIERS
@pytest.mark.parametrize(
    ("pool", "code"),
    [({"wait": "300ms"}, "08P01"), ({"max_waiting": 1}, "53300")],
    ids=["waited too long", "too many wait"],
)
def test_those_who_cannot_be_served_are_told(
    carriers: int,
    pool: Settings,
    code: str,
    postgres_server: PostgresServer,
    start_proxy: StartProxy,
) -> None:
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 1, "sharing": False, **pool}), ENVIRONMENT
    )

    async def run() -> None:
        holder, second, third = [await Wire.open(proxy.port) for _ in range(3)]
        await holder.ask(wire.query("BEGIN"))
        second.send(wire.query("SELECT 2"))
        await waiting(proxy.port, 1)
        with pytest.raises(Gone) as told:
            await third.ask(wire.query("SELECT 3"))
        assert told.value.said is not None
        assert told.value.said.code == code
        assert (await holder.ask(wire.query("SELECT 1"))).rows == [["1"]]
        await holder.ask(wire.query("COMMIT"))
        second.abort()
        await quiet(proxy.port)
        fresh = await Wire.open(proxy.port)
        assert (await fresh.ask(wire.query("SELECT 4"))).rows == [["4"]]
        await _leave(holder, fresh)

    asyncio.run(run())
