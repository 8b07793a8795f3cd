"""The servers behind the proxy, grouped by what they hold."""

from typing import Annotated, Literal

from config.address import Address
from config.quantities import Duration
from config.sections.auth_query import AuthQuery
from config.sections.listeners import StoreProtocol
from config.sections.pool import PoolOptions
from config.sections.tls import ClusterTls
from config.setting import Section, setting
from config.text import Text


class Server(Section, frozen=True):
    """One element of a cluster's `servers`."""

    address: Annotated[
        Address,
        setting("Where the server listens: `host:port`, an IPv6 address in brackets.", "new connections"),
    ]


class Cluster(Section, frozen=True):
    """`[[clusters]]`: servers that hold the same databases."""

    name: Annotated[str, setting("What databases call it by.", "at once")]
    protocol: Annotated[
        StoreProtocol,
        setting(
            "The wire protocol its servers speak; `sqlite`: none, a file of SQLite is behind PostgreSQL's wire.",
            "new connections",
        ),
    ]
    servers: Annotated[
        tuple[Server, ...],
        setting(
            "Its servers. When an address changes, connections to the old one close as they fall idle.",
            "new connections",
        ),
    ] = ()
    path: Annotated[
        Text | None,
        setting(
            "With `sqlite`: the file, from the folder the process was started in unless it begins with `/`. It is made "
            "when it is first used. Users log in as everywhere, and need no password for it.",
            "new connections",
        ),
    ] = None
    tls: Annotated[ClusterTls, setting("TLS towards its servers.", "new connections")] = ClusterTls()
    pool: Annotated[
        PoolOptions, setting("Pool settings for every database and user of this cluster.", "at once")
    ] = PoolOptions()
    auth_query: Annotated[
        AuthQuery | None,
        setting("Where to look up users without a `password`, for each database of this cluster.", "at once"),
    ] = None
    connect_timeout: Annotated[
        Duration,
        setting(
            "How long connecting and logging in to a server may take, all together.",
            "new connections",
            least=1,
        ),
    ] = Duration(5_000)
    check: Annotated[
        Duration,
        setting(
            "Where a reply has been awaited for so long, the proxy logs in once more, on a connection of its own, and "
            "asks `SELECT 1`; 0 never does. One that does not is given up: statements that wait for it end with an "
            "error (08006), after twice this time and once `check_timeout` at the latest.",
            "at once",
        ),
    ] = Duration(10_000)
    check_timeout: Annotated[
        Duration,
        setting("How long it may take for its answer.", "at once", least=10),
    ] = Duration(10_000)
    proxy_protocol: Annotated[
        Literal["off", "v1", "v2"],
        setting(
            "Begin every connection with a PROXY protocol header, for servers behind a load balancer that asks for "
            "one. It names nobody (`LOCAL`, `UNKNOWN`): a connection serves many clients, so it is the proxy's own.",
            "new connections",
        ),
    ] = "off"
    resolve: Annotated[
        Duration,
        setting(
            "How often the host names of its servers are looked up. Connections to an address that a name has no more "
            "close as they fall idle. 0 looks names up for new connections only.",
            "at once",
        ),
    ] = Duration(30_000)
    slow_start: Annotated[
        Duration,
        setting(
            "When a cluster that could not be reached is back: the time over which connections are opened, one at "
            "first, then ever more. 0 opens what is wanted at once.",
            "new connections",
        ),
    ] = Duration(0)
    max_connections: Annotated[
        int,
        setting(
            "Most connections that all pools of this cluster hold together; 0 is without limit.",
            "at once",
            least=0,
            most=1_000_000,
        ),
    ] = 0
    login_retry: Annotated[
        Duration,
        setting(
            "How long to leave a server alone after it could not be reached or refused the log-in.",
            "at once",
            least=1,
        ),
    ] = Duration(1_000)
