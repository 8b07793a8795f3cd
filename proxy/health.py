"""Whether servers that let somebody wait for a reply still answer at all.

A machine that is gone, a network that swallows everything, a server that is stopped but whose kernel still accepts:
each would keep who waits for a reply waiting for ever. Where one is awaited for long, the proxy logs in once more, as
the pool does, and asks for a row: who gets one, or is refused, knows that what takes long is the statement.
"""

import logging
from collections.abc import Callable
from functools import partial

from config.address import address as parse
from config.sections.clusters import Cluster
from config.snapshot import Snapshot
from protocols.postgres.types import Problem
from proxy.log import note
from proxy.native import Break, Silent, Survey
from proxy.outside import Commands, Outside
from proxy.pools import Pools
from proxy.target import Target
from proxy.upstream import Upstream

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
        upstream: Upstream,
        *,
        chance: Callable[[], float],
    ) -> None:
        self._outside = outside
        self._snapshot = snapshot
        self._pools = pools
        self._upstream = upstream
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
        if target is None or cluster is None or event.address in self._asking:
            return []
        self._asking.add(event.address)
        verdict = partial(self._told, target, cluster, event.address)
        return self._upstream.check(event.pool, parse(event.address), cluster.check_timeout.seconds, verdict)

    def _told(
        self, target: Target, cluster: Cluster, address: str, why: Problem | None, silent: bool
    ) -> Commands:
        self._asking.discard(address)
        servers = self._upstream.servers
        if why is None:
            servers.up(target, parse(address))
            return []
        servers.failed(target, parse(address), why, silent=silent)
        if not silent:
            # It answers, or its kernel speaks for it: who waits will hear of it by themselves.
            return []
        note(
            logger,
            logging.WARNING,
            "a server does not answer and is given up",
            cluster=cluster.name,
            address=address,
            seconds=cluster.check_timeout.seconds,
            reason=why.message,
        )
        return [Break(pool, address) for pool in self._pools.reaching(cluster.name)]
