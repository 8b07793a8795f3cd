"""Whether servers that let somebody wait for a reply still answer at all.

A machine that is gone, a network that swallows everything, a server that is stopped but whose kernel still accepts:
each would keep who waits for a reply waiting for ever. Where one is awaited for long, the server is asked for TLS on a
connection of its own: one that answers has started a process for it, so that what takes long is the statement. No
password and no connection of a pool is needed. It knows nothing of roles or log-ins.
"""

import logging
import os
from collections.abc import Callable
from functools import partial

from config.address import address as parse
from config.sections.clusters import Cluster
from config.snapshot import Snapshot
from proxy import dial
from proxy.log import note
from proxy.native import Break, Silent, Survey
from proxy.outside import Commands, Outside
from proxy.pools import Pools

logger = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at what there is to ask, where nothing is."""


class Health:
    """Asks where to ask, and acts on what is not answered."""

    def __init__(
        self,
        outside: Outside,
        snapshot: Callable[[], Snapshot],
        pools: Pools,
        *,
        connect: dial.Connect,
        chance: Callable[[], float],
    ) -> None:
        self._outside = outside
        self._snapshot = snapshot
        self._pools = pools
        self._connect = connect
        self._chance = chance
        self._surveyed: set[str] = set()
        self._asking: set[str] = set()

    def begin(self) -> Commands:
        """See to it that every cluster is surveyed, those that a reload brings too."""
        for cluster in self._snapshot().clusters:
            if cluster.check and cluster.path is None and cluster.name not in self._surveyed:
                self._surveyed.add(cluster.name)
                self._again(cluster)
        self._outside.later(LOOK, self.begin)
        return []

    def _again(self, cluster: Cluster) -> None:
        # Never later than was said, and not all at the same moment.
        pause = cluster.check.seconds * (0.75 + self._chance() / 4)
        self._outside.later(pause, partial(self._survey, cluster.name))

    def _survey(self, name: str) -> Commands:
        cluster = self._snapshot().cluster(name)
        if cluster is None or not cluster.check or cluster.path is not None:
            self._surveyed.discard(name)
            return []
        self._again(cluster)
        return [Survey(pool, cluster.check.ms) for pool in self._pools.reaching(name)]

    def silent(self, event: Silent) -> Commands:
        """A reply has been awaited there for long."""
        target = self._pools.target(event.pool)
        cluster = self._snapshot().cluster(target.cluster) if target is not None else None
        if cluster is not None and event.address not in self._asking:
            self._asking.add(event.address)
            self._outside.start(self._ask(event.address, cluster))
        return []

    async def _ask(self, address: str, cluster: Cluster) -> Commands:
        seconds = cluster.check_timeout.seconds
        try:
            line = await self._connect(parse(address), ask_tls=True, needs_tls=False, seconds=seconds)
        except dial.Unreachable as error:
            if not isinstance(error.__cause__, TimeoutError):
                # Its kernel speaks for it: who waits will hear of it by themselves.
                return []
            note(
                logger,
                logging.WARNING,
                "a server does not answer and is given up",
                cluster=cluster.name,
                address=address,
                seconds=seconds,
            )
            return [Break(pool, address) for pool in self._pools.reaching(cluster.name)]
        finally:
            self._asking.discard(address)
        os.close(line.fd)
        return []
