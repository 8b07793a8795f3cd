"""What a server connection of a pool reports once it is logged in, with given start settings, and who waits to know.

A profile answers two questions of a client's log-in: are its settings legal (PostgreSQL itself is asked, once),
and which ParameterStatus values are the truth for it. Pure state: no I/O, no decision about servers.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

from protocols.postgres.types import Problem
from proxy.outside import Commands

Settings = tuple[tuple[str, str], ...]
"""Start settings as a client asked for them, in order; () is a pool's own connections."""
Key = tuple[int, Settings]
Outcome = Mapping[str, str] | Problem
Then = Callable[[Outcome], Commands]

MOST = 4096
"""Profiles kept beside the pools' own; the one unused longest goes first."""


class Profiles:
    """Known profiles, and the log-ins waiting for one."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._own: dict[int, Mapping[str, str]] = {}
        self._asked: OrderedDict[Key, Outcome] = OrderedDict()
        self._waiting: dict[Key, dict[int, Then]] = {}
        self._why: dict[Key, Problem] = {}

    def known(self, key: Key) -> Outcome | None:
        pool, settings = key
        if not settings:
            return self._own.get(pool)
        if key in self._asked:
            self._asked.move_to_end(key)
        return self._asked.get(key)

    def learn(self, key: Key, outcome: Outcome) -> Commands:
        """Keep `outcome` and let those who wait for it go on."""
        pool, settings = key
        if settings:
            self._asked[key] = outcome
            while len(self._asked) > self._most:
                self._asked.popitem(last=False)
        elif not isinstance(outcome, Problem):
            if pool in self._own and self._own[pool] != outcome:
                # The server's defaults changed, so what was learned beside the old ones is doubtful.
                self._forget_asked(pool)
            if self._own.get(pool) != outcome:
                # The same thing said again stays the same object: what was worked out from it is kept by that.
                self._own[pool] = outcome
        return self.release(key, outcome)

    def release(self, key: Key, outcome: Outcome) -> Commands:
        """Let those who wait go on with an outcome that is not worth keeping."""
        self._why.pop(key, None)
        commands: Commands = []
        for then in self._waiting.pop(key, {}).values():
            commands += then(outcome)
        return commands

    def wait(self, key: Key, conn: int, then: Then) -> None:
        self._waiting.setdefault(key, {})[conn] = then

    def leave(self, key: Key, conn: int) -> None:
        """The client is gone, or waits no longer."""
        waiting = self._waiting.get(key, {})
        waiting.pop(conn, None)
        if not waiting:
            self._waiting.pop(key, None)
            self._why.pop(key, None)

    def postpone(self, key: Key, why: Problem) -> None:
        """Those who wait go on waiting, and this is why."""
        if self.waited_for(key):
            self._why[key] = why

    def why(self, key: Key) -> Problem | None:
        """Why those who wait for this profile have waited so far."""
        return self._why.get(key)

    def waited_for(self, key: Key) -> bool:
        return key in self._waiting

    def forget(self, pool: int) -> None:
        """The pool's servers are other ones now."""
        self._own.pop(pool, None)
        self._forget_asked(pool)

    def _forget_asked(self, pool: int) -> None:
        for key in [key for key in self._asked if key[0] == pool]:
            del self._asked[key]
