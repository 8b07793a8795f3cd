"""Tells plugins that observe what became of planned statements: now and then, from the core's own figures."""

from collections.abc import Callable
from typing import Protocol

from plugins.api import Executions
from plugins.chain import Chain
from proxy.bases import Bases
from proxy.native import PlanFigures
from proxy.outside import Commands, Outside

EVERY = 10.0
MOST = 512
"""Plans told of at a time: those that took the servers longest."""


class Source(Protocol):
    """The core, as far as it is asked."""

    def plans(self) -> list[PlanFigures]: ...
    def busiest(self, most: int) -> list[tuple[bytes, int, int, int]]: ...


class Observing:
    """The timer."""

    def __init__(self, outside: Outside, source: Source, chain: Callable[[], Chain], bases: Bases) -> None:
        self._outside = outside
        self._source = source
        self._chain = chain
        self._bases = bases

    def begin(self) -> Commands:
        self._outside.later(EVERY, self._tick)
        return []

    def _tick(self) -> Commands:
        self._outside.later(EVERY, self._tick)
        chain = self._chain()
        if chain.observes:
            chain.observe(self._executions())
        return []

    def _executions(self) -> tuple[Executions, ...]:
        busy = {
            key: (count, us / 1e6, longest / 1e3) for key, count, us, longest in self._source.busiest(MOST)
        }
        plans = [one for one in self._source.plans() if one.mean_us]
        plans.sort(key=lambda one: one.mean_us * busy.get(one.key, (0, 0.0, 0.0))[0], reverse=True)
        found: list[Executions] = []
        for one in plans[:MOST]:
            base = self._bases.base(one.base)
            if base is not None and not base.admin:
                found.append(
                    Executions(
                        one.key.hex(),
                        base.listener,
                        base.user,
                        base.database,
                        one.action,
                        one.mean_us,
                        one.mean_bytes,
                        *busy.get(one.key, (0, 0.0, 0.0)),
                    )
                )
        return tuple(found)
