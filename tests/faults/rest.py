"""What a proxy holds when nobody asks anything of it: sockets, server connections, memory. And what of it is left
behind by trouble.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.strangers import resident
from tests.load import wire
from tests.load.house import pools, quiet, totals, until
from tests.load.wire import Wire
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

LOST = frozenset({"08006", "08001", "08004", "08P01", "57014", "57P01", "57P02", "57P03", "58000"})
"""Classes a client can act upon: connection lost or not to be had, out of time, server going down."""
MARGIN = 48 << 20
"""So much more memory may be held after any trouble than before: plans, caches and buffers that are kept to be used
again are far below it, and what is lost a little of with each statement is soon above it."""
OURS = "SELECT query, state FROM pg_stat_activity WHERE usename = 'app' AND query !~ '^(-- )?(UN)?LISTEN|pg_sleep'"
"""Without the sessions that listen for a pool, which stay once there are some, and without what a client that left had
asked for: that runs to its end, as without a proxy."""


@dataclass(frozen=True)
class Rest:
    """What is held at rest."""

    sockets: list[str]
    memory: int


async def at_rest(proxy: Proxy, databases: Sequence[str] = ("shop",)) -> Rest:
    """When it has served somebody in each database, and its server connections are ended."""
    for database in databases:
        fresh = await Wire.open(proxy.port, database=database)
        assert (await fresh.ask(wire.query("SELECT 'fresh'"))).rows == [["fresh"]]
        for text in ("LISTEN fresh", "UNLISTEN fresh"):
            assert (await fresh.ask(wire.query(text))).error is None
        fresh.leave()
    console = await Wire.open(proxy.port, database="articdbm")
    assert (await console.ask(wire.query("RECONNECT"))).error is None
    console.leave()

    async def without_servers() -> bool:
        return all(pool["servers_idle"] == "0" for pool in (await pools(proxy.port)).values())

    await quiet(proxy.port, 60)
    assert await until(without_servers)
    await asyncio.sleep(0.2)  # the question itself came over a connection
    return Rest(_sockets(proxy), resident(proxy))


async def nothing_left(
    proxy: Proxy, before: Rest, server: PostgresServer, databases: Sequence[str] = ("shop",)
) -> None:
    """Pools at rest, a fresh client served, no socket kept, no server connection forgotten, no memory lost."""
    after = before

    async def as_before() -> bool:
        nonlocal after
        after = await at_rest(proxy, databases)
        few = len(after.sockets) <= len(before.sockets)
        return few and await asyncio.to_thread(server.execute, OURS) == []

    assert await until(as_before), (
        f"{len(before.sockets)} sockets were open, {len(after.sockets)} are; servers: {server.execute(OURS)}"
    )
    assert (await totals(proxy.port))["panics"] == 0
    grown = after.memory - before.memory
    print(f"memory: {before.memory >> 20} MiB before, {after.memory >> 20} MiB after")
    assert grown < MARGIN, f"{grown >> 20} MiB more than before"


def _sockets(proxy: Proxy) -> list[str]:
    """Its sockets; what else it has open belongs to the process."""
    targets = []
    for file in Path(f"/proc/{proxy.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(str(file.readlink()))
    return sorted(target for target in targets if target.startswith("socket:"))
