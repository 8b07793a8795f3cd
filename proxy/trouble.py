"""What is said of a pool that cannot get server connections: its first failure at once, the next ever more rarely
with their count, and one line when it is over.

It decides nothing: when to try again is `proxy/upstream.py`'s affair.
"""

import logging
from collections.abc import Callable

from protocols.postgres.errors import Known
from protocols.postgres.types import Problem
from proxy.log import note
from proxy.target import Target

logger = logging.getLogger(__name__)

FIRST_SILENCE = 5.0
"""Seconds from the first line to the second; each silence after that is twice as long. Also how long a failure keeps
quiet that follows a recovery, so that a server that comes and goes fills no log."""
LONGEST_SILENCE = 600.0
MOST_KINDS = 8
"""An error of a new kind (SQLSTATE) is told at once, up to so many: what a server sends must not fill a log either."""

_UNREACHED = (Known.SERVER_DOWN.code, Known.SERVER_UNVERIFIED.code)
_BROKEN = (Known.SERVER_PROTOCOL.code, Known.INTERNAL.code)


class _Spell:
    """One pool's failures since it last had a connection."""

    __slots__ = ("failures", "kinds", "quiet_until", "silence", "told")

    def __init__(self) -> None:
        self.failures = 0
        self.told = False
        self.kinds: set[str] = set()
        self.quiet_until = 0.0
        self.silence = FIRST_SILENCE


class Troubles:
    """The pools in trouble, by number."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._spells: dict[int, _Spell] = {}

    def failed(self, pool: int, to: Target, why: Problem) -> None:
        now = self._now()
        spell = self._spells.get(pool)
        if spell is None or (not spell.failures and now >= spell.quiet_until):
            spell = self._spells[pool] = _Spell()
        spell.failures += 1
        news = why.code not in spell.kinds and len(spell.kinds) < MOST_KINDS
        if now < spell.quiet_until and not news:
            return
        spell.kinds.add(why.code)
        spell.told = True
        spell.quiet_until = now + spell.silence
        spell.silence = min(LONGEST_SILENCE, 2 * spell.silence)
        note(
            logger,
            logging.WARNING,
            _what(why),
            cluster=to.cluster,
            database=to.database,
            user=to.user,
            code=why.code,
            reason=why.message,
            failures=spell.failures,
        )

    def over(self, pool: int, to: Target) -> None:
        """The pool got a connection."""
        spell = self._spells.get(pool)
        if spell is None:
            return
        if spell.told:
            note(
                logger,
                logging.INFO,
                "connected to a server again",
                cluster=to.cluster,
                database=to.database,
                user=to.user,
                failures=spell.failures,
            )
        spell.failures = 0
        spell.told = False
        spell.quiet_until = min(spell.quiet_until, self._now() + FIRST_SILENCE)

    def forget(self, pool: int) -> None:
        """Its servers are other ones now."""
        self._spells.pop(pool, None)


def _what(why: Problem) -> str:
    if why.code in _UNREACHED:
        return "cannot connect to a server"
    return "the log-in to a server failed" if why.code in _BROKEN else "a server refused the log-in"
