"""Statements nobody has planned yet: each gets a plan, once, and one that goes wrong is denied for a while.

It knows who may speak at all; what a statement means is the planner's affair.
"""

import logging
import math
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from plugins.plan import WOULD
from plugins.plan import Plan as Said
from plugins.scope import Scope, plain
from proxy.bases import OWN, Base, Bases
from proxy.capture import Writer
from proxy.catalogues import Catalogues
from proxy.directory import Directory
from proxy.log import note
from proxy.native import ForgetPlans, Learn, Plan, PlanNeeded
from proxy.outside import Commands, Outside, Timer
from proxy.planner import Planner, for_core
from proxy.texts import Texts

logger = logging.getLogger(__name__)

FAILED = "XX000"
"""The SQLSTATE of a denial that is no judgement: a plugin, or the planner itself, failed."""
SHORTEST_DENIED = 5.0
LONGEST_DENIED = 600.0
"""Seconds for which such a denial is kept."""
SOONEST, LATEST = 0.02, 30.0
"""Seconds between two looks at the clock for plans that end at a moment."""


def report(plugin: str, what: str) -> None:
    """A plugin failed; the chain has done what its kind demands."""
    note(logger, logging.ERROR, "a plugin failed", plugin=plugin, reason=what)


class Plans:
    """Answers PlanNeeded."""

    def __init__(
        self,
        outside: Outside,
        planner: Planner,
        bases: Bases,
        directory: Directory,
        texts: Texts,
        catalogues: Catalogues,
        capture: Writer,
        today: Callable[[], float],
    ) -> None:
        self._outside = outside
        self._planner = planner
        self._bases = bases
        self._directory = directory
        self._texts = texts
        self._catalogues = catalogues
        self._capture = capture
        self._today = today
        self._ends: dict[int, float] = {}
        """Bases some of whose plans end by themselves, and when the first of them does."""
        self._ending: Timer | None = None
        self._pause = 0.0
        self._forgetting = False
        self._forgot = -math.inf

    def needed(self, event: PlanNeeded) -> Commands:
        base = self._bases.base(event.base)
        if base is not None and not base.admin and self._planner.chain.needs_catalogue:
            waiting = self._catalogues.need(base, partial(self._learn, event))
            if waiting is not None:
                # The core asks once, whoever else sends it meanwhile.
                return waiting
        return self._learn(event)

    def _learn(self, event: PlanNeeded) -> Commands:
        plan = self._plan(event)
        if plan.action == "deny" and plan.code == FAILED:
            self._forget_later()
        return [Learn(event.scope, event.key, plan)]

    def _forget_later(self) -> None:
        """What failed may have failed of its moment, so that it is planned again, with all others: while failures go
        on, ever more rarely."""
        if self._forgetting:
            return
        calm = self._outside.now() - self._forgot > LONGEST_DENIED
        self._pause = SHORTEST_DENIED if calm else min(LONGEST_DENIED, 2 * self._pause)
        self._forgetting = True
        self._outside.later(self._pause, self._forget)

    def _forget(self) -> Commands:
        self._forgetting = False
        self._forgot = self._outside.now()
        return [ForgetPlans()]

    def _ends_at(self, base: int, moment: float) -> None:
        """A plan of this base holds no longer than that."""
        if moment < self._ends.get(base, math.inf):
            self._ends[base] = moment
            self._wait_for_ends()

    def _wait_for_ends(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = None
        if self._ends:
            left = min(self._ends.values()) - self._today()
            # People may turn the clock meanwhile.
            self._ending = self._outside.later(min(max(left, SOONEST), LATEST), self._end)

    def _end(self) -> Commands:
        now = self._today()
        over = [base for base, moment in self._ends.items() if moment <= now]
        for base in over:
            del self._ends[base]
        self._wait_for_ends()
        return [ForgetPlans(over)] if over else []

    def _plan(self, event: PlanNeeded) -> Plan:
        if event.base == OWN:
            # The proxy's own question (see `proxy/inquiry.py`): plugins are for what clients send.
            return Plan("forward")
        base = self._bases.base(event.base)
        if base is None:
            return Plan("deny", code=FAILED, message="internal error: nobody knows who sent this statement")
        if not self._directory.permits(base):
            # A reload that takes the right away forgets this one's plans, so it reaches clients who logged in before.
            return Plan("deny", code="28000", message=f'role "{base.user}" may no longer use this database')
        if base.admin:
            return Plan("answer")
        self._texts.note(event)
        scope = Scope(
            base.listener,
            base.user,
            base.database,
            tuple(event.settings),
            plain(event.application or ""),
            tuple(event.networks),
            self._today(),
        )
        try:
            names = (
                self._catalogues.names(base, event.settings) if self._planner.chain.needs_catalogue else None
            )
            key = event.key.hex()
            plan = self._planner.plan(event.text, scope, exact=event.exact, names=names, fingerprint=key)
            if (plan.changes_schema or plan.outdates) and self._planner.chain.needs_catalogue:
                self._catalogues.changes(base, outdates=plan.outdates)
            if plan.until is not None:
                self._ends_at(event.base, plan.until)
            self._capture.take(event.text, scope, plan, exact=event.exact)
            self._tell_denial(plan, base, key)
            unread = next((step for step in plan.trail if step.rule == "unread"), None)
            if unread is not None:
                # The fingerprint names it; its text might hold somebody's data. SHOW PINS counts them.
                note(
                    logger,
                    logging.DEBUG,
                    "a statement could not be read; its client keeps the server connection until it leaves",
                    reason=unread.reason,
                    user=base.user,
                    database=base.database,
                    fingerprint=key,
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
            return Plan("deny", code=FAILED, message="internal error: this statement could not be planned")

    @staticmethod
    def _tell_denial(said: Said, base: Base, fingerprint: str) -> None:
        """Once for a plan, whoever sends its statement how often. Of the statement only what names it."""
        shadowed = next((step for step in said.trail if step.reason.startswith(WOULD)), None)
        step = said.trail[-1] if said.action == "deny" and said.trail else shadowed
        if step is None:
            return
        note(
            logger,
            logging.INFO,
            "statements are denied" if said.action == "deny" else "statements would be denied",
            plugin=step.plugin,
            rule=step.rule,
            reason=step.reason.removeprefix(WOULD),
            user=base.user,
            database=base.database,
            fingerprint=fingerprint,
        )
