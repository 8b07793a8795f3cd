"""Answers each PlanNeeded: reads the statement, asks the chain, and says it in the core's words.

Knows no rule itself. Whatever comes in, a plan comes out.
"""

from plugins import statement
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.scope import Scope
from proxy import native


class Planner:
    """Turns a text and its scope into a plan. Holds the chain and nothing of what was planned."""

    def __init__(self, chain: Chain, *, max_text: int = statement.MAX_TEXT) -> None:
        self._chain = chain
        self._max_text = max_text

    def plan(self, text: bytes, scope: Scope, *, exact: bool = False) -> Plan:
        """`exact`: the plan will be kept for this very text only, so it may depend on literals."""
        return self._chain.plan(statement.read(text, scope, exact=exact, max_text=self._max_text), scope)


def for_core(plan: Plan) -> native.Plan:
    """The plan as the core keeps it: all of it but the trail."""
    return native.Plan(
        plan.action,
        shareable=plan.shareable,
        sets=list(plan.sets),
        resets_all=plan.resets_all,
        pin=plan.pin,
        frees=plan.frees,
        discards=plan.discards,
        channels=list(plan.channels),
        forgets_prepared=plan.forgets_prepared,
        changes_schema=plan.changes_schema,
        names=plan.names,
        aside=plan.aside,
        code=plan.code,
        message=plan.message,
    )
