"""Host names of servers, looked up again and again: what goes to an address that a name has no more is let go.

New connections look their name up themselves. It knows connections only as what can be retired.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from config.address import Address
from config.sections.clusters import Cluster
from config.snapshot import Snapshot
from proxy.native import Retire
from proxy.outside import Commands, Outside
from proxy.pools import Pools

LOOK = 1.0
"""Seconds between two looks at which names there are."""
PATIENCE = 3
"""An address is gone when so many answers in a row were without it: some name servers give a part of them each time."""
TOLD = 20
"""How often connections to one that is gone are retired: one may have been under way."""

Resolve = Callable[[Address], Awaitable[list[str]]]
"""`resolve`, or what a test puts in its place."""


async def resolve(server: Address) -> list[str]:
    """The addresses of a name, as the system's resolver has them, written as connections are known by."""
    found = await asyncio.get_running_loop().getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    return [str(Address(str(place[0]), int(place[1]))) for *_, place in found]


class Names:
    """All names of the configuration, and where they led."""

    def __init__(
        self,
        outside: Outside,
        snapshot: Callable[[], Snapshot],
        pools: Pools,
        dialled: Callable[[str], list[str]],
        *,
        resolve: Resolve = resolve,
    ) -> None:
        self._outside = outside
        self._snapshot = snapshot
        self._pools = pools
        self._dialled = dialled
        self._resolve = resolve
        self._watched: set[tuple[str, Address]] = set()
        self._missing: dict[tuple[str, str], int] = {}
        self.known: dict[str, tuple[float, list[str]]] = {}
        """Each name with how often it is looked up (seconds), and its addresses."""

    def begin(self) -> Commands:
        """See to it that every name is watched, those that a reload brings too."""
        for cluster in self._snapshot().clusters:
            for server in cluster.servers:
                key = (cluster.name, server.address)
                named = server.address.unix is None and server.address.ip is None
                if named and cluster.resolve and key not in self._watched:
                    self._watched.add(key)
                    self._later(cluster, server.address)
        self._outside.later(LOOK, self.begin)
        return []

    def _later(self, cluster: Cluster, server: Address) -> None:
        look = partial(self._look, cluster.name, server)
        self._outside.later(cluster.resolve.seconds, look)

    def _look(self, name: str, server: Address) -> Commands:
        cluster = self._snapshot().cluster(name)
        if cluster is None or not cluster.resolve or server not in [one.address for one in cluster.servers]:
            self._watched.discard((name, server))
            self.known.pop(server.host, None)
            return []
        self._outside.start(self._ask(cluster, server))
        return []

    async def _ask(self, cluster: Cluster, server: Address) -> Commands:
        try:
            found = await self._resolve(server)
        except OSError:
            found = []
        self._later(cluster, server)
        if not found:
            # A resolver that fails takes no server away.
            return []
        self.known[server.host] = (cluster.resolve.seconds, sorted(set(found)))
        gone: list[str] = []
        for address in self._dialled(server.host):
            key = (cluster.name, address)
            if address in found:
                self._missing.pop(key, None)
                continue
            self._missing[key] = missing = self._missing.get(key, 0) + 1
            if PATIENCE <= missing < PATIENCE + TOLD:
                gone.append(address)
        return [Retire(pool, address) for address in gone for pool in self._pools.reaching(cluster.name)]
