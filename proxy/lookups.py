"""What proves a user, asked of the server that knows (`auth_query`): once for all who wait, and kept for a while.

An answer belongs to the section that says where to ask and to the name that was asked for: nobody else's query ever
answers. It knows no client other than that some wait, and no answer reaches a log.
"""

import logging
import socket
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

import msgspec

from config.sections.auth_query import AuthQuery
from protocols.postgres.credential import Credential
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.bases import OWN
from proxy.inquiry import LookUp, Row, look_up
from proxy.log import note
from proxy.native import Adopt
from proxy.outside import Commands, Outside

logger = logging.getLogger(__name__)

MOST = 10_000
"""Answers kept of users that can log in, and as many of those that cannot; the one unused longest goes first."""
MOST_RUNNING = 16
"""Questions under way for one pool. Those that wait are no more than there are log-ins."""
DOUBTED = 1.0
"""Seconds for which an answer that was asked for anew holds, whoever doubts it: who guesses passwords cannot make us
ask each time."""
UNANSWERED = problem(
    Known.SERVER_DOWN, what="who may log in cannot be looked up at the server now; the proxy's log says why"
)

Found = Callable[[Credential | Problem | None], Commands]


class Where(msgspec.Struct, frozen=True):
    """Where to ask about one user."""

    section: str
    pool: int
    said: AuthQuery


Key = tuple[str, str]
"""A section, and a user."""


class Kept(msgspec.Struct):
    """An answer, and when it came."""

    since: float
    credential: Credential | None
    anew: bool
    """It took the place of one that was doubted."""
    doubted: bool = False


class Lookups:
    """Answers, and questions under way."""

    def __init__(self, outside: Outside, secret: bytes, *, ask: LookUp = look_up, most: int = MOST) -> None:
        self._outside = outside
        self._secret = secret
        self._ask = ask
        self._most = most
        self._known: OrderedDict[Key, Kept] = OrderedDict()
        self._unknown: OrderedDict[Key, Kept] = OrderedDict()
        self._waiting: dict[Key, dict[int, Found]] = {}
        self._running: dict[int, int] = {}
        self._later: dict[int, deque[tuple[Where, str]]] = {}
        self._era = 0

    def find(self, where: Where, user: str, conn: int, then: Found) -> Commands:
        """Call `then` with what proves the user: None for nothing, a problem where it cannot be known."""
        key = (where.section, user)
        kept = self._recall(key, where.said.cache.seconds)
        if kept is not None:
            return then(kept.credential)
        first = key not in self._waiting
        self._waiting.setdefault(key, {})[conn] = then
        return self._begin(where, user) if first else []

    def leave(self, section: str, user: str, conn: int) -> None:
        """The client is gone. What was asked for it is learned all the same."""
        self._waiting.get((section, user), {}).pop(conn, None)

    def doubt(self, section: str, user: str) -> None:
        """A log-in failed: what is kept may be of yesterday, and is asked for anew as soon as that may be."""
        for kept in (self._known, self._unknown):
            if (section, user) in kept:
                kept[section, user].doubted = True

    def forget(self) -> None:
        """The configuration changed. What is being asked now is for those who wait, and not kept."""
        self._era += 1
        self._known.clear()
        self._unknown.clear()

    def _recall(self, key: Key, lifetime: float) -> Kept | None:
        for kept in (self._known, self._unknown):
            if key in kept:
                one, age = kept[key], self._outside.now() - kept[key].since
                if age >= lifetime:
                    del kept[key]
                elif not one.doubted or (one.anew and age < DOUBTED):
                    kept.move_to_end(key)
                    return one
        return None

    def _begin(self, where: Where, user: str) -> Commands:
        if self._running.get(where.pool, 0) >= MOST_RUNNING:
            self._later.setdefault(where.pool, deque()).append((where, user))
            return []
        try:
            ours, cores = socket.socketpair()
        except OSError:
            return self._end((where.section, user), problem(Known.TOO_MANY_CLIENTS))
        self._running[where.pool] = self._running.get(where.pool, 0) + 1
        ours.setblocking(False)
        cores.setblocking(False)
        self._outside.start(self._run(where, user, ours))
        return [Adopt(where.pool, base=OWN, fd=cores.detach())]

    async def _run(self, where: Where, user: str, line: socket.socket) -> Commands:
        era = self._era
        answer = await self._ask(line, where.said.query, user, where.said.timeout.seconds)
        self._running[where.pool] -= 1
        following = self._following(where.pool)
        key = (where.section, user)
        if isinstance(answer, Problem):
            note(
                logger,
                logging.WARNING,
                "a user could not be looked up",
                database=where.section,
                code=answer.code,
                reason=answer.message,
            )
            return [*self._end(key, UNANSWERED), *following]
        stored = _stored(answer, user)
        if stored is None:
            return [*self._learn(key, era, None), *following]
        # A password, rather than a verifier, has to be hashed thousands of times: not on the loop.
        self._outside.compute(partial(_parsed, stored, user, self._secret), partial(self._learn, key, era))
        return following

    def _learn(self, key: Key, era: int, credential: Credential | None) -> Commands:
        if era == self._era:
            before = self._known.pop(key, None) or self._unknown.pop(key, None)
            kept = self._known if credential is not None else self._unknown
            kept[key] = Kept(self._outside.now(), credential, anew=before is not None)
            while len(kept) > self._most:
                kept.popitem(last=False)
        return self._end(key, credential)

    def _end(self, key: Key, found: Credential | Problem | None) -> Commands:
        commands: Commands = []
        for then in self._waiting.pop(key, {}).values():
            commands += then(found)
        return commands

    def _following(self, pool: int) -> Commands:
        later = self._later.get(pool)
        commands: Commands = []
        while later and self._running[pool] < MOST_RUNNING:
            where, user = later.popleft()
            if self._waiting.get((where.section, user)):
                commands += self._begin(where, user)
            else:
                self._waiting.pop((where.section, user), None)
        if not later:
            self._later.pop(pool, None)
        return commands


def _stored(rows: list[Row], user: str) -> str | None:
    """What the server stores for this very user. An answer that could be about somebody else is none."""
    if len(rows) != 1 or len(rows[0]) != 2 or rows[0][0] != user:
        return None
    return rows[0][1] or None


def _parsed(stored: str, user: str, secret: bytes) -> Credential | None:
    try:
        return Credential.parse(stored, user=user, secret=secret)
    except ValueError:
        return None
