"""Statements nobody has planned yet: each gets a plan, once, and one that goes wrong is denied.

It knows who may speak at all; what a statement means is the planner's affair.
"""

import logging
import traceback
from pathlib import Path

from plugins.scope import Scope
from proxy.bases import OWN, Bases
from proxy.directory import Directory
from proxy.log import note
from proxy.native import Learn, Plan, PlanNeeded
from proxy.outside import Commands
from proxy.planner import Planner, for_core

logger = logging.getLogger(__name__)


def report(plugin: str, what: str) -> None:
    """A plugin failed; the chain has done what its kind demands."""
    note(logger, logging.ERROR, "a plugin failed", plugin=plugin, reason=what)


class Plans:
    """Answers PlanNeeded."""

    def __init__(self, planner: Planner, bases: Bases, directory: Directory) -> None:
        self._planner = planner
        self._bases = bases
        self._directory = directory

    def needed(self, event: PlanNeeded) -> Commands:
        return [Learn(event.scope, event.key, self._plan(event))]

    def _plan(self, event: PlanNeeded) -> Plan:
        if event.base == OWN:
            # The proxy's own question (see `proxy/inquiry.py`): plugins are for what clients send.
            return Plan("forward")
        base = self._bases.base(event.base)
        if base is None:
            return Plan("deny", code="XX000", message="internal error: nobody knows who sent this statement")
        if not self._directory.permits(base):
            # Plans are forgotten at each reload, so this reaches clients who logged in before it.
            return Plan("deny", code="28000", message=f'role "{base.user}" may no longer use this database')
        if base.admin:
            return Plan("answer")
        scope = Scope(base.listener, base.user, base.database, tuple(event.settings))
        try:
            plan = self._planner.plan(event.text, scope, exact=event.exact)
            if any(step.rule == "unread" for step in plan.trail):
                # The fingerprint names it; its text might hold somebody's data.
                note(
                    logger,
                    logging.INFO,
                    "a statement could not be read; it is forwarded as its plan says",
                    user=base.user,
                    database=base.database,
                    fingerprint=event.key.hex(),
                )
            return for_core(plan)
        except Exception as error:  # noqa: BLE001 - whatever it was: fail closed
            # Not the exception's text: parsers quote the statement, literals and all.
            at = traceback.extract_tb(error.__traceback__)[-1]
            note(
                logger,
                logging.ERROR,
                "a defect: planning failed, the statement is denied",
                error=type(error).__name__,
                at=f"{Path(at.filename).name}:{at.lineno}",
            )
            return Plan("deny", code="XX000", message="internal error: this statement could not be planned")
