"""A cancel request reaches the statement it is for: not a neighbour's, and not the same client's next one."""

import asyncio

import pytest

from tests.conftest import StartProxy
from tests.load import wire
from tests.load.house import ENVIRONMENT, config, quiet
from tests.load.house import waiting as until_waiting
from tests.load.wire import Wire
from tests.servers.postgres import PostgresServer


@pytest.mark.parametrize("carriers", [0, 1, 2])
@pytest.mark.parametrize("sharing", [True, False])
def test_what_follows_an_acknowledged_request_is_never_hit(
    carriers: int, sharing: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """The server closes a cancel request's connection when the request was carried out, so clients wait for that."""
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 3, "sharing": sharing}), ENVIRONMENT
    )

    async def client() -> int:
        line = await Wire.open(proxy.port)
        hit = 0
        for number in range(50):
            if number % 2:
                await line.ask(wire.query("BEGIN"))
            line.send(wire.query(f"SELECT {number}"))
            await wire.cancel(proxy.port, line.key)
            (first,) = await line.replies()
            if number % 2 and first.error is not None:
                await line.ask(wire.query("ROLLBACK; BEGIN"))
            for _ in range(3):
                answer = await line.ask(wire.query(f"SELECT {number}, pg_sleep(0.002)"))
                hit += answer.error is not None
                if answer.error is not None and number % 2:
                    await line.ask(wire.query("ROLLBACK; BEGIN"))
            if number % 2:
                await line.ask(wire.query("COMMIT"))
        line.leave()
        return hit

    async def run() -> int:
        hits = await asyncio.gather(*(client() for _ in range(10)))
        await quiet(proxy.port)
        return sum(hits)

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_who_waits_for_a_connection_is_cancelled_at_once(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """However many wait: the request needs no server connection, and takes no one else's place."""
    proxy = start_proxy(config(postgres_server, carriers=carriers, pool={"size": 1}), ENVIRONMENT)

    async def run() -> None:
        holder, *waiting = [await Wire.open(proxy.port) for _ in range(11)]
        await holder.ask(wire.query("BEGIN"))
        for number, line in enumerate(waiting):
            line.send(wire.query(f"SELECT {number}"))
        await until_waiting(proxy.port, len(waiting))
        for line in waiting[::2]:
            await wire.cancel(proxy.port, line.key)
        for line in waiting[::2]:
            (answer,) = await line.replies()
            assert answer.error is not None
            assert answer.error.code == "57014"
        await holder.ask(wire.query("COMMIT"))
        for number, line in list(enumerate(waiting))[1::2]:
            (answer,) = await line.replies()
            assert answer.rows == [[str(number)]]
        for line in waiting[::2]:
            assert (await line.ask(wire.query("SELECT 'alive'"))).rows == [["alive"]]
        for line in (holder, *waiting):
            line.leave()
        await quiet(proxy.port)

    asyncio.run(run())


def test_a_request_with_the_wrong_key_does_nothing(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    proxy = start_proxy(config(postgres_server), ENVIRONMENT)

    async def run() -> None:
        line = await Wire.open(proxy.port)
        await line.ask(wire.query("BEGIN"))
        line.send(wire.query("SELECT 'done', pg_sleep(0.5)"))
        pid, secret = line.key
        for key in (
            (pid, bytes(4)),
            (pid, b""),
            (pid, secret * 8),
            (pid, bytes(252)),
            (pid ^ 1, secret),
            (0xFFFF_FFFF, secret),
        ):
            await wire.cancel(proxy.port, key)
        (answer,) = await line.replies()
        assert answer.rows == [["done", ""]]
        line.leave()
        await quiet(proxy.port)

    asyncio.run(run())
