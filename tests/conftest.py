"""What every test may ask for: real servers, started when first needed and once a test process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import certificates, postgres, proxy

# How long one example takes says more about the machine than about the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """PostgreSQL as apt has it. Shared: a test leaves it as it found it."""
    with postgres.start(postgres.from_apt()) as server:
        yield server


@pytest.fixture(scope="session")
def postgres17_server() -> Iterator[postgres.PostgresServer]:
    """PostgreSQL 17. Shared: a test leaves it as it found it."""
    with postgres.start(postgres.from_cache()) as server:
        yield server


@pytest.fixture
def spare_postgres() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL for one test, which may stop it, fill it, or kill it."""
    with postgres.start(postgres.from_apt()) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Authority:
    """Signs the certificates of the proxy's listeners and of its clients."""
    return certificates.create(tmp_path_factory.mktemp("authority"))


StartProxy = Callable[..., proxy.Proxy]


@pytest.fixture
def start_proxy(tmp_path: Path) -> Iterator[StartProxy]:
    """`start_proxy(config, environment={}, defects_expected=False)`; each is stopped when the test ends."""
    count = 0
    with ExitStack() as running:

        def begin(
            config: str, environment: Mapping[str, str] | None = None, *, defects_expected: bool = False
        ) -> proxy.Proxy:
            nonlocal count
            count += 1
            directory = tmp_path / f"proxy-{count}"
            directory.mkdir()
            return running.enter_context(
                proxy.start(config, directory, environment or {}, defects_expected=defects_expected)
            )

        yield begin
