"""How each server of each cluster was found last, and how fast connections to one that comes back may be opened.

It is told of every log-in's outcome, and of checks; it asks nobody anything itself.
"""

from collections.abc import Callable, Iterator

import msgspec

from config.address import Address
from protocols.postgres.errors import Known
from protocols.postgres.types import Problem
from proxy.target import Target

UP, SILENT, UNREACHABLE = "up", "silent", "unreachable"
STATES = (UP, "standby", "starting", "full", "refused", "untrusted", SILENT, UNREACHABLE)
MOST = 10_000
LOOK_AGAIN = 0.1
"""Seconds until it is asked again whether a connection may be opened."""


class Found(msgspec.Struct):
    """One server of a cluster, as it was found last."""

    state: str
    since: float
    reason: str = ""
    failures: int = 0


ADMITTED = frozenset({"3D000", "42501"})
"""No such database, or no right to it: so a server answers whom it has let in, and others may be served."""


class Ramp(msgspec.Struct):
    """A cluster that has come back."""

    since: float
    opened: int = 0


class Servers:
    """All servers that were ever spoken to."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._found: dict[tuple[str, str], Found] = {}
        self._down: set[str] = set()
        self._ramps: dict[str, Ramp] = {}

    def up(self, to: Target, server: Address, state: str = UP) -> None:
        """It took a log-in and answered."""
        self._note(to.cluster, server, state, "")
        if to.cluster in self._down:
            self._down.discard(to.cluster)
            if to.slow_start:
                self._ramps[to.cluster] = Ramp(self._now(), opened=1)

    def failed(self, to: Target, server: Address, why: Problem, *, silent: bool) -> None:
        if why.code in ADMITTED:
            self.up(to, server)
            return
        state = SILENT if silent else _state(why)
        self._note(to.cluster, server, state, why.message)
        if state in ("starting", SILENT, UNREACHABLE):
            self._down.add(to.cluster)
            self._ramps.pop(to.cluster, None)

    def pause(self, to: Target, running: int, wanted: int) -> float:
        """Seconds until one more log-in may begin; 0 now. `running` and `wanted` are all pools' of the cluster."""
        if not to.slow_start:
            return 0.0
        if to.cluster in self._down:
            return LOOK_AGAIN if running else 0.0
        ramp = self._ramps.get(to.cluster)
        if ramp is None:
            return 0.0
        share = (self._now() - ramp.since) / to.slow_start
        if share >= 1:
            del self._ramps[to.cluster]
            return 0.0
        if ramp.opened < 1 + share * (ramp.opened + wanted):
            ramp.opened += 1
            return 0.0
        return LOOK_AGAIN

    def ramp(self, cluster: str, slow_start: float) -> int:
        """Per cent of the way back that are behind it; 100 where it is on none."""
        ramp = self._ramps.get(cluster)
        if ramp is None or not slow_start:
            return 100
        return min(100, int(100 * (self._now() - ramp.since) / slow_start))

    def all(self) -> Iterator[tuple[str, str, Found]]:
        for (cluster, server), found in sorted(self._found.items()):
            yield cluster, server, found

    def _note(self, cluster: str, server: Address, state: str, reason: str) -> None:
        key = (cluster, str(server))
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= MOST:
                self._found.pop(next(iter(self._found)))
            found = self._found[key] = Found(state, self._now())
        if found.state != state:
            found.since = self._now()
        found.state, found.reason = state, reason
        found.failures = 0 if state in (UP, "standby") else found.failures + 1


def _state(why: Problem) -> str:
    if why.code == "57P03":
        return "starting"
    if why.code.startswith("53"):
        return "full"
    if why.code == Known.SERVER_UNVERIFIED.code:
        return "untrusted"
    if why.code == Known.SERVER_DOWN.code or why.code.startswith("57"):
        return "standby" if "is a standby" in why.message else UNREACHABLE
    return "refused"
