"""A proxy in front of an embedded store, a real PostgreSQL beside it to compare with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import proxy
from tests.servers.postgres import PostgresServer

CONFIG = """
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
auth = "trust"

[[clusters]]
name = "embedded"
protocol = "sqlite"
path = "{path}"

[[databases]]
name = "shop"
cluster = "embedded"
{pool}
[[users]]
name = "app"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[proxy.Proxy]:
    """A proxy with an empty store behind it."""
    with proxy.start(CONFIG.format(path=tmp_path / "shop.db", pool=""), tmp_path, {}) as running:
        yield running


@pytest.fixture
def real(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of a real PostgreSQL that orders texts by their bytes, as the embedded store does."""
    name = "embedded_compared"
    postgres_server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    postgres_server.execute(
        f"CREATE DATABASE {name} OWNER app TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    )
    yield postgres_server.dsn(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


Begin = Callable[[str], proxy.Proxy]
