"""Connections break, stall and come in pieces: each client gets its own rows or a clear error, and nothing is left."""

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import StartProxy
from tests.faults import relay
from tests.faults.relay import Relay
from tests.load import wire
from tests.load.house import ENVIRONMENT, Settings, config, quiet, totals, until
from tests.load.storm import Tally, Weather, storm
from tests.load.trouble import leave_reading, leave_waiting
from tests.load.wire import Wire
from tests.load.work import ACTS
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

STATEMENTS = int(os.environ.get("ARTICDBM_SOAK_STATEMENTS", "24000")) // 6
POOL: Settings = {"size": 4, "statement": "1s", "wait": "20s", "prepared": 20, "server_lifetime": "500ms"}
CLUSTER: Settings = {"connect_timeout": "1s", "login_retry": "50ms"}
LOST = frozenset({"08006", "08001", "08004", "08P01", "57014", "57P01", "57P02", "57P03", "58000"})
"""Classes a client can act upon: connection lost or not to be had, out of time, server going down."""


def _sockets(proxy: Proxy) -> list[str]:
    """Those it has open."""
    targets = []
    for file in Path(f"/proc/{proxy.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(str(file.readlink()))
    return sorted(target for target in targets if target.startswith("socket:"))


async def _at_rest(proxy: Proxy) -> list[str]:
    """Its sockets when it has served somebody and its server connections have ended for their age."""

    async def without_servers() -> bool:
        return (await quiet(proxy.port))["shop/app"]["servers_idle"] == "0"

    fresh = await Wire.open(proxy.port)
    assert (await fresh.ask(wire.query("SELECT 'fresh'"))).rows == [["fresh"]]
    fresh.leave()
    assert await until(without_servers)
    await asyncio.sleep(0.2)  # the question itself came over a connection
    return _sockets(proxy)


async def _nothing_left(proxy: Proxy, before: list[str], server: PostgresServer) -> None:
    """Pools at rest, a fresh client served, no socket kept and no server connection forgotten."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
    after: list[str] = []

    async def as_before() -> bool:
        nonlocal after
        after = await _at_rest(proxy)
        return len(after) <= len(before) and await asyncio.to_thread(server.execute, count) == [(0,)]

    assert await until(as_before), f"sockets were {before}, are {after}; servers: {server.execute(count)}"
    assert (await totals(proxy.port))["panics"] == 0


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_towards_servers(carriers: int, spare_postgres: PostgresServer, start_proxy: StartProxy) -> None:
    """Nobody is cut off without a word: the proxy still has the client, and says what happened."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")

    async def run() -> Tally:
        async with Relay(spare_postgres.port, random.Random(seed)) as between:
            proxy = start_proxy(
                config(between.port, carriers=carriers, pool=POOL, cluster=CLUSTER), ENVIRONMENT
            )
            before = await _at_rest(proxy)
            between.choose = relay.anything(random.Random(seed))
            tally = await storm(
                proxy.port, clients=50, statements=STATEMENTS, acts=ACTS, seed=seed, weather=Weather(LOST)
            )
            between.choose = relay.nothing
            between.end_all()
            await _nothing_left(proxy, before, spare_postgres)
            assert len({fault.kind for fault in between.injected}) == len(relay.KINDS)
            return tally

    tally = asyncio.run(run())
    print(tally.excused)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_towards_clients(carriers: int, spare_postgres: PostgresServer, start_proxy: StartProxy) -> None:
    """Half of the clients come through the relay; the other half must not feel it at all."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    # A stalled client holds what it has until its statement's or its transaction's time is over.
    pool: Settings = {**POOL, "idle_transaction": "1s", "statement": "5s"}

    async def run() -> None:
        proxy = start_proxy(config(spare_postgres, carriers=carriers, pool=pool), ENVIRONMENT)
        before = await _at_rest(proxy)
        acts = ACTS | {leave_waiting: 3, leave_reading: 2}
        async with Relay(proxy.port, random.Random(seed), relay.anything(random.Random(seed))) as between:
            spoilt = asyncio.create_task(
                storm(
                    between.port,
                    clients=40,
                    statements=10**9,
                    acts=acts,
                    seed=seed,
                    weather=Weather(LOST | {"25P03", "57P05"}, silence=True),
                )
            )
            calm = asyncio.create_task(
                storm(proxy.port, clients=40, statements=STATEMENTS, acts=ACTS, seed=seed + 1)
            )
            done, _ = await asyncio.wait([spoilt, calm], return_when=asyncio.FIRST_COMPLETED)
            assert calm in done, spoilt.result()
            await calm
            spoilt.cancel()
            await asyncio.gather(spoilt, return_exceptions=True)
            assert len({fault.kind for fault in between.injected}) == len(relay.KINDS)
        await _nothing_left(proxy, before, spare_postgres)

    asyncio.run(run())
