"""Failed log-ins by address: who guesses passwords is turned away unheard for a while, in bounded memory.

It knows addresses and time, and no user. Whoever succeeds is not counted.
"""

from collections import OrderedDict
from collections.abc import Callable

from protocols.postgres.types import Problem

MOST = 10_000
"""Addresses remembered; the one whose first failure is oldest is forgotten first."""


class Attempts:
    """How often each address failed within the window that began with its first failure."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, peer: str, limit: int, window: float) -> float:
        """Seconds until this address is heard again; 0 when it is now. A limit of 0 is none."""
        count, since = self._failures.get(host(peer), (0, 0.0))
        if not limit or count < limit:
            return 0.0
        return max(0.0, since + window - self._now())

    def refusal(self, peer: str, limit: int, window: float) -> Problem | None:
        """What this address is told instead of being heard."""
        pause = self.wait(peer, limit, window)
        if not pause:
            return None
        what = f"too many failed log-ins from this address; try again in {pause:.0f} s"
        return Problem("FATAL", "28000", what)

    def failed(self, peer: str, window: float) -> int:
        """How often it has failed in its window by now."""
        address, now = host(peer), self._now()
        count, since = self._failures.get(address, (0, now))
        if now - since >= window:
            self._failures.pop(address)
            count, since = 0, now
        self._failures[address] = (count + 1, since)
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)
        return count + 1


def host(peer: str) -> str:
    """The address without its port."""
    return peer.rpartition(":")[0] or peer
