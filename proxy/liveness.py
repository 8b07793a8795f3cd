"""Whether the carriers still turn. The loop's own life needs no proof: it is what asks.

It knows counters of turns; who acts on a stuck one is others' affair.
"""

from collections.abc import Callable, Sequence

EVERY = 1.0
"""Seconds between two looks."""
PATIENCE = 5
"""Looks in a row without a turn after which a carrier is stuck."""


class Liveness:
    """Looks again and again."""

    def __init__(self, pulse: Callable[[], Sequence[int]]) -> None:
        self._pulse = pulse
        self._seen: Sequence[int] = ()
        self._silent: list[int] = []

    def look(self) -> None:
        """Who has not turned since the last look, though it was woken then?"""
        now = self._pulse()
        before = self._seen or [-1] * len(now)
        silent = self._silent or [0] * len(now)
        pairs = zip(now, before, silent, strict=True)
        self._silent = [count + 1 if turns == seen else 0 for turns, seen, count in pairs]
        self._seen = now

    @property
    def stuck(self) -> list[int]:
        """The carriers that are stuck."""
        return [carrier for carrier, count in enumerate(self._silent) if count >= PATIENCE]
