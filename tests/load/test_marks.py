"""Far more clients than server connections: every row carries the mark of who asked, and not one is wrong.

`make soak` raises the number of statements to a million.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest
import uvloop

from tests.conftest import StartProxy
from tests.load.house import ENVIRONMENT, config, quiet, totals
from tests.load.storm import Tally, storm
from tests.load.trouble import TROUBLE
from tests.load.work import ACTS, WRITES
from tests.servers.postgres import PostgresServer

CLIENTS, POOL = 200, 6
STATEMENTS = int(os.environ.get("ARTICDBM_SOAK_STATEMENTS", "50000"))
WAYS = [(carriers, sharing) for carriers in (0, 1, 2) for sharing in (True, False)]


@pytest.fixture
def marks(postgres_server: PostgresServer) -> Iterator[None]:
    """A table for marks that nobody commits."""
    postgres_server.execute("CREATE TABLE marks (x text)")
    postgres_server.execute("GRANT ALL ON marks TO PUBLIC")
    yield
    postgres_server.execute("DROP TABLE marks")


@pytest.mark.soak
@pytest.mark.usefixtures("marks")
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("carriers", "sharing"), WAYS)
def test_every_row_is_for_who_asked(
    carriers: int, sharing: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    pool = {"size": POOL, "sharing": sharing, "prepared": 20}
    proxy = start_proxy(config(postgres_server, carriers=carriers, pool=pool), ENVIRONMENT)
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")

    async def run() -> tuple[Tally, dict[str, dict[str, str]], dict[str, int]]:
        tally = await storm(
            proxy.port,
            clients=CLIENTS,
            statements=STATEMENTS // len(WAYS),
            acts={act: 10 * weight for act, weight in (ACTS | WRITES).items()} | TROUBLE,
            seed=seed,
        )
        return tally, await quiet(proxy.port), await totals(proxy.port)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tally, held, figures = runner.run(run())
    assert tally.statements >= STATEMENTS // len(WAYS)
    assert figures["panics"] == 0
    assert int(held["shop/app"]["servers_idle"]) <= POOL
