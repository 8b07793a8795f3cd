"""What becomes of a server's state."""

import pytest

from config.address import address
from protocols.postgres.types import Problem
from proxy.servers import Servers
from proxy.target import Target, TlsRule
from tests.proxy.world import Hand

SERVER = address("10.0.0.1:5432")
TARGET = Target(
    cluster="main", servers=(SERVER,), database="shop", user="app", password=None, tls=TlsRule(),
    connect_timeout=1, login_retry=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("3D000", "up"), ("42501", "up"), ("28P01", "refused"), ("53300", "full"), ("57P03", "starting"),
        ("08006", "unreachable"),
    ],
)  # fmt: skip
def test_what_a_refused_log_in_says_of_the_server(code: str, state: str) -> None:
    """Whom it tells that there is no such database, it has let in: one client's slip is no server that is down."""
    servers = Servers(Hand().now)
    servers.failed(TARGET, SERVER, Problem("FATAL", code, "no"), silent=False)
    ((cluster, server, found),) = servers.all()
    assert (cluster, server, found.state) == ("main", str(SERVER), state)
