"""What the tests of TLS on either side have in common: a listener with a certificate, and libpq in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.servers import certificates
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import USERS
from tests.servers.proxy import Proxy


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return certificates.issue(authority, "listener")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority nobody here trusts."""
    return certificates.create(tmp_path_factory.mktemp("stranger"), "stranger")


def listener(
    identity: Identity, mode: str, *, auth: str = "scram-sha-256", ca: Authority | None = None
) -> str:
    client_ca = f', client_ca = "{ca.certificate_file}"' if ca else ""
    return (
        f'auth = "{auth}"\ntls = {{ mode = "{mode}", certificate = "{identity.certificate_file}", '
        f'key = "{identity.key_file}"{client_ca} }}'
    )


@contextmanager
def connected(
    running: Proxy, user: str = "app", database: str = "shop", **options: str
) -> Iterator[psycopg.Connection]:
    given: dict[str, str | int] = {"gssencmode": "disable", **options}
    password = options.pop("password", USERS.get(user, ""))
    given.pop("password", None)
    with psycopg.connect(running.dsn(database, user, password, **given), autocommit=True) as connection:
        yield connection


def encrypted(running: Proxy, user: str = "app", **options: str) -> bool:
    """Whether the client's side is; that it works at all is checked on the way."""
    with connected(running, user, **options) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        return connection.pgconn.ssl_in_use


def refused(running: Proxy, user: str = "app", **options: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught, connected(running, user, **options):
        pass
    return str(caught.value)
