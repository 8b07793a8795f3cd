"""The brain: every event of the core, and the room that answers it.

It owns the table of who handles what, and the rule for a handler that fails: it is logged, and the connection it was
about is closed. It knows no clock, no socket and no thread, so that tests can hold a conversation with it.
"""

import logging
from collections.abc import Callable, Mapping

from proxy.admin import Console
from proxy.bases import Bases
from proxy.cancel import Cancels
from proxy.health import Health
from proxy.listening import Listening
from proxy.log import note
from proxy.native import (
    AnswerNeeded,
    AuthMessage,
    Cancelled,
    CancelNeeded,
    CancelStray,
    Close,
    Closed,
    Discarded,
    EarNeeded,
    Event,
    Fault,
    Heard,
    Learn,
    Listed,
    Plan,
    PlanNeeded,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
    Silent,
    Slow,
    Startup,
    UnitNeeded,
)
from proxy.outside import Commands
from proxy.plans import Plans
from proxy.session import LogIns
from proxy.slow import SlowLog
from proxy.strays import Strays
from proxy.upstream import Upstream

logger = logging.getLogger(__name__)


class Brain:
    """Takes one event, gives the commands that answer it."""

    def __init__(
        self,
        logins: LogIns,
        upstream: Upstream,
        cancels: Cancels,
        plans: Plans,
        console: Console,
        listening: Listening,
        bases: Bases,
        slow: SlowLog,
        health: Health,
        strays: Strays,
    ) -> None:
        def planned(event: PlanNeeded) -> Commands:
            slow.planned(event)
            return plans.needed(event)

        self._bases = bases
        self._logins = logins
        self._console = console
        self._listening = listening
        self._upstream = upstream
        self._table: Mapping[type, Callable[..., Commands]] = {
            Startup: logins.startup,
            AuthMessage: logins.message,
            Closed: self._closed,
            Discarded: listening.closed,
            PlanNeeded: planned,
            EarNeeded: listening.lend,
            Heard: listening.heard,
            AnswerNeeded: self._answer,
            UnitNeeded: console.unit,
            ServerNeeded: upstream.needed,
            ServerOpened: upstream.opened,
            ServerMessage: upstream.message,
            ServerLost: upstream.lost,
            CancelNeeded: cancels.needed,
            CancelStray: strays.told,
            Silent: health.silent,
            Slow: slow.told,
            Listed: console.listed,
            Fault: _fault,
        }

    def handle(self, event: Event) -> Commands:
        try:
            return self._table[type(event)](event)
        except Exception:
            logger.exception("a defect: handling %s failed", type(event).__name__)
            return self._after_defect(event)

    def _closed(self, event: Closed) -> Commands:
        return [*self._logins.closed(event), *self._listening.closed(event)]

    def _answer(self, event: AnswerNeeded) -> Commands:
        """In a database of the configuration only what LISTEN is about is answered here."""
        base = self._bases.base(event.base)
        if base is None or base.admin:
            return self._console.answer(event)
        return self._listening.answer(event)

    def _after_defect(self, event: Event) -> Commands:
        """Nobody waits for ever, and nobody goes on in doubt."""
        match event:
            case Startup() | AuthMessage():
                self._logins.abandon(event.conn)
                return [Close(event.conn)]
            case ServerOpened() | ServerMessage():
                return [Close(event.conn), *self._upstream.abandon(event.ticket)]
            case AnswerNeeded() | UnitNeeded() | EarNeeded() | Heard():
                return [Close(event.conn)]
            case PlanNeeded():
                return [Learn(event.scope, event.key, Plan("deny", code="XX000", message="internal error"))]
            case CancelNeeded():
                return [Cancelled(event.ticket)]
            case _:
                return []


def _fault(event: Fault) -> Commands:
    note(
        logger,
        logging.ERROR,
        "a defect in the core was caught; one connection was closed",
        fault=event.message,
    )
    return []
