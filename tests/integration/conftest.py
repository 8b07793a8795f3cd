"""Servers of both versions, and a proxy for each test module in front of each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import StartProxy
from tests.integration import console, house
from tests.integration.console import Console, opened
from tests.integration.house import Side
from tests.servers import proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy


@pytest.fixture(scope="module", params=["15", "17"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A real PostgreSQL of either version, where users may make schemas. Shared: a test leaves it as it found it."""
    name = "postgres_server" if request.param == "15" else "postgres17_server"
    found: PostgresServer = request.getfixturevalue(name)
    found.execute("GRANT CREATE ON DATABASE shop TO PUBLIC")
    yield found
    found.execute("REVOKE CREATE ON DATABASE shop FROM PUBLIC")


Front = Callable[..., proxy.Proxy]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """`front(config, environment)`: a proxy until the module is through; the same text gives the same proxy."""
    known: dict[str, proxy.Proxy] = {}
    with ExitStack() as running:

        def begin(config: str, environment: dict[str, str] | None = None) -> proxy.Proxy:
            if config not in known:
                directory = tmp_path_factory.mktemp("proxy")
                started = proxy.start(config, directory, environment or house.environment())
                known[config] = running.enter_context(started)
            return known[config]

        yield begin


@pytest.fixture(scope="module")
def trusting(server: PostgresServer, front: Front) -> proxy.Proxy:
    """In front of `server`, with every pool of `house.POOLS`, and no proof asked."""
    return front(house.configuration(server))


@pytest.fixture(scope="module")
def proving(server: PostgresServer, front: Front) -> proxy.Proxy:
    """The same, and a password asked (SCRAM)."""
    return front(house.configuration(server, listener=""))


@pytest.fixture(scope="module")
def direct(server: PostgresServer) -> Side:
    """The server itself."""
    return Side(server.host, server.port, "shop", direct=True)


@pytest.fixture(params=[0, 2], ids=["no carrier", "two carriers"])
def running(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, start_proxy: StartProxy
) -> Proxy:
    """A proxy that is ordered about, of this test alone."""
    return start_proxy(console.configuration(postgres_server, carriers=request.param), house.environment())


@pytest.fixture
def ours(running: Proxy) -> Iterator[Console]:
    """Its console."""
    with opened(running.port) as own:
        yield own
