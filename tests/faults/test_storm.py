"""Connections break, stall and come in pieces: each client gets its own rows or a clear error, and nothing is left."""

import asyncio
import os
import random
import ssl

import pytest

from tests.conftest import StartProxy
from tests.faults import relay
from tests.faults.relay import Relay
from tests.faults.rest import LOST, at_rest, nothing_left
from tests.load import trouble, work
from tests.load.house import ENVIRONMENT, Settings, config
from tests.load.storm import Tally, Weather, storm
from tests.servers import certificates
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import PostgresServer

STATEMENTS = int(os.environ.get("ARTICDBM_SOAK_STATEMENTS", "24000")) // 12
POOL: Settings = {"size": 4, "statement": "1s", "wait": "20s", "prepared": 20, "server_lifetime": "500ms"}
CLUSTER: Settings = {"connect_timeout": "1s", "login_retry": "50ms"}
ACTS = work.ACTS | {work.notified: 2, trouble.cancel_running: 1, trouble.cancel_short: 2}
ALONE = frozenset(
    {work.transaction, work.broken_transaction, work.change_label, work.local_zone, work.several}
)
"""Acts that need more than a statement at a time."""
IN_STATEMENT_MODE = {act: weight for act, weight in ACTS.items() if act not in ALONE}
WAYS = [(0, "transaction", False), (1, "transaction", False), (2, "transaction", False),
        (2, "session", False), (2, "statement", False), (1, "transaction", True)]  # fmt: skip
"""Carriers, the pool's mode, and whether TLS is on."""


@pytest.fixture
def identity(authority: Authority) -> Identity:
    return certificates.issue(authority, "storm")


def _house(
    server: PostgresServer | int,
    way: tuple[int, str, bool],
    pool: Settings,
    cluster: Settings,
    identity: Identity,
) -> str:
    carriers, mode, tls = way
    # In session mode a client keeps its connection: there have to be as many.
    size: Settings = {"size": 60} if mode == "session" else {}
    text = config(server, carriers=carriers, pool={**POOL, **pool, "mode": mode, **size}, cluster=cluster)
    if tls:
        files = f'certificate = "{identity.certificate_file}"\nkey = "{identity.key_file}"'
        text = text.replace("\n[[clusters]]", f'\n[listeners.tls]\nmode = "allow"\n{files}\n[[clusters]]', 1)
        text = text.replace('tls = { mode = "disable" }', 'tls = { mode = "require" }')
    return text


def _trusting(authority: Authority, way: tuple[int, str, bool]) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=str(authority.certificate_file)) if way[2] else None


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("way", WAYS)
def test_towards_servers(
    way: tuple[int, str, bool],
    spare_postgres: PostgresServer,
    start_proxy: StartProxy,
    authority: Authority,
    identity: Identity,
) -> None:
    """Nobody is cut off without a word: the proxy still has the client, and says what happened."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")

    async def run() -> Tally:
        async with Relay(spare_postgres.port, random.Random(seed)) as between:
            proxy = start_proxy(_house(between.port, way, {}, CLUSTER, identity), ENVIRONMENT)
            before = await at_rest(proxy)
            between.choose = relay.anything(random.Random(seed))
            tally = await storm(
                proxy.port,
                clients=50,
                statements=STATEMENTS,
                acts=IN_STATEMENT_MODE if way[1] == "statement" else ACTS,
                seed=seed,
                weather=Weather(LOST),
                tls=_trusting(authority, way),
            )
            between.choose = relay.nothing
            between.end_all()
            await nothing_left(proxy, before, spare_postgres)
            assert len({fault.kind for fault in between.injected}) == len(relay.KINDS)
            return tally

    tally = asyncio.run(run())
    print(tally.excused)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("way", WAYS)
def test_towards_clients(
    way: tuple[int, str, bool],
    spare_postgres: PostgresServer,
    start_proxy: StartProxy,
    authority: Authority,
    identity: Identity,
) -> None:
    """Half of the clients come through the relay; the other half must not feel it at all."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    # A stalled client holds what it has until its statement's or its transaction's time is over.
    pool: Settings = {"idle_transaction": "1s", "statement": "5s"}
    ours = IN_STATEMENT_MODE if way[1] == "statement" else ACTS
    # Who is stalled in session mode keeps its connection for as long as it is there.
    waits = "57P05" if way[1] == "session" else "25P03"
    if way[1] == "session":
        pool = {**pool, "client_idle": "2s"}

    async def run() -> None:
        proxy = start_proxy(_house(spare_postgres, way, pool, {}, identity), ENVIRONMENT)
        before = await at_rest(proxy)
        leaving = {trouble.leave_waiting: 3, trouble.leave_reading: 2}
        tls = _trusting(authority, way)
        async with Relay(proxy.port, random.Random(seed), relay.anything(random.Random(seed))) as between:
            spoilt = asyncio.create_task(
                storm(
                    between.port,
                    clients=20 if way[1] == "session" else 40,
                    statements=10**9,
                    acts=ours | leaving,
                    seed=seed,
                    weather=Weather(LOST | {"25P03", waits}, silence=True),
                    tls=tls,
                )
            )
            calm = asyncio.create_task(
                storm(proxy.port, clients=20, statements=STATEMENTS, acts=ours, seed=seed + 1, tls=tls)
            )
            done, _ = await asyncio.wait([spoilt, calm], return_when=asyncio.FIRST_COMPLETED)
            assert calm in done, spoilt.result()
            await calm
            spoilt.cancel()
            await asyncio.gather(spoilt, return_exceptions=True)
            assert len({fault.kind for fault in between.injected}) == len(relay.KINDS)
        await nothing_left(proxy, before, spare_postgres)

    asyncio.run(run())
