"""Figures per second over the last period, from figures that only grow.

A sample is kept each time somebody asks, so the period is a minute or, where nobody asked for longer, the time since
then. Pure arithmetic: it knows neither what is counted nor for whom.
"""

from collections import deque
from collections.abc import Mapping

PERIOD = 60.0
"""Seconds; PgBouncer's stats_period."""
APART = 1.0
"""Seconds between two samples, at least: a bound on how many are kept."""

Totals = Mapping[str, tuple[int, ...]]


class Averages:
    """Samples of every database's totals."""

    def __init__(self, now: float) -> None:
        self._samples: deque[tuple[float, Totals]] = deque([(now, {})])

    def since(self, now: float, totals: Totals) -> tuple[float, Mapping[str, tuple[int, ...]]]:
        """Seconds, and by how much each total grew in them."""
        while len(self._samples) > 1 and now - self._samples[1][0] >= PERIOD:
            self._samples.popleft()
        then, before = self._samples[0]
        grown = {
            name: tuple(
                max(0, new - old)
                for new, old in zip(values, before.get(name, (0,) * len(values)), strict=True)
            )
            for name, values in totals.items()
        }
        if now - self._samples[-1][0] >= APART:
            self._samples.append((now, totals))
        return max(now - then, 0.001), grown
