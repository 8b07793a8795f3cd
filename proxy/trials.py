"""Start settings that clients ask for, tried on a pooled connection: PostgreSQL itself judges them, once.

It owns which trials are under way and which have to wait for their turn. It knows neither clients, other than that some
wait for a profile, nor server log-ins.
"""

import socket
from collections.abc import Mapping
from functools import partial

import msgspec

from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy import refusals
from proxy.bases import OWN
from proxy.inquiry import Ask, ask, question, reported
from proxy.native import Adopt
from proxy.outside import Commands, Outside
from proxy.profiles import Key, Profiles, Settings, Then

MOST = 4
"""Trials under way for one pool: clients' statements wait beside them."""
LONGEST_WAIT = 120.0
"""Seconds for a trial where the pool sets no limit to waiting."""
FOR_ANSWER = 5.0
"""Seconds beyond the pool's own limit, which is the one that says what was waited for."""
AGAIN = 0.5
"""Seconds until what failed for a passing reason is tried anew."""


class Trial(msgspec.Struct, frozen=True):
    """One combination of settings on one pool."""

    key: Key
    own: Mapping[str, str]
    """What the pool's connections report without them."""
    text: bytes
    seconds: float


class Trials:
    """All trials of the process."""

    def __init__(self, outside: Outside, profiles: Profiles, *, ask: Ask = ask) -> None:
        self._outside = outside
        self._profiles = profiles
        self._ask = ask
        self._running: dict[int, set[Settings]] = {}
        self._later: dict[int, dict[Settings, Trial]] = {}

    def profile(
        self, pool: int, settings: Settings, own: Mapping[str, str], wait: float, conn: int, then: Then
    ) -> Commands:
        """Call `then` with what a connection of `pool` reports under `settings`, or with the problem.

        `wait` is how long, in seconds, the pool lets anybody wait. Raises PeerError for what cannot even be asked.
        """
        key = (pool, settings)
        known = self._profiles.known(key)
        if known is not None:
            return then(known)
        trial = Trial(key, own, question(settings, own), (wait or LONGEST_WAIT) + FOR_ANSWER)
        first = not self._profiles.waited_for(key)
        self._profiles.wait(key, conn, then)
        return self._try(trial) if first else []

    def leave(self, pool: int, settings: Settings, conn: int) -> None:
        """The client is gone, or waits no longer."""
        self._profiles.leave((pool, settings), conn)
        if not self._profiles.waited_for((pool, settings)):
            self._later.get(pool, {}).pop(settings, None)

    def _try(self, trial: Trial) -> Commands:
        pool, settings = trial.key
        running = self._running.setdefault(pool, set())
        if settings in running:
            return []
        if len(running) >= MOST:
            self._later.setdefault(pool, {})[settings] = trial
            return []
        try:
            ours, cores = socket.socketpair()
        except OSError:
            return self._postpone(trial, problem(Known.TOO_MANY_CLIENTS))
        running.add(settings)
        ours.setblocking(False)
        cores.setblocking(False)
        self._outside.start(self._run(trial, ours))
        return [Adopt(pool, base=OWN, fd=cores.detach())]

    async def _run(self, trial: Trial, line: socket.socket) -> Commands:
        answer = await self._ask(line, trial.text, trial.seconds)
        pool, settings = trial.key
        self._running[pool].discard(settings)
        outcome = answer if isinstance(answer, Problem) else reported(trial.own, answer)
        if isinstance(outcome, Problem) and refusals.passing(outcome):
            commands = self._postpone(trial, outcome)
        elif isinstance(outcome, Problem) and refusals.final(outcome):
            commands = self._profiles.release(trial.key, outcome)
        elif self._profiles.known((pool, ())) != trial.own:
            # The pool's servers changed meanwhile: it is true of a connection of yesterday.
            commands = self._profiles.release(trial.key, outcome)
        else:
            commands = self._profiles.learn(trial.key, outcome)
        return [*commands, *self._following(pool)]

    def _postpone(self, trial: Trial, why: Problem) -> Commands:
        self._profiles.postpone(trial.key, why)
        self._outside.later(AGAIN, partial(self._again, trial))
        return []

    def _again(self, trial: Trial) -> Commands:
        return self._try(trial) if self._profiles.waited_for(trial.key) else []

    def _following(self, pool: int) -> Commands:
        """A trial is over: the next ones that somebody still waits for."""
        later, running = self._later.get(pool, {}), self._running[pool]
        commands: Commands = []
        while later and len(running) < MOST:
            commands += self._again(later.pop(next(iter(later))))
        if not running:
            self._running.pop(pool)
            self._later.pop(pool, None)
        return commands
