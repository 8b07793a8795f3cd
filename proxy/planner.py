"""Answers each PlanNeeded: reads the statement, asks the chain, and says it in the core's words.

Knows no rule itself. Whatever comes in, a plan comes out.
"""

from plugins import conditions, statement
from plugins.catalogue import Names
from plugins.chain import Chain, Word
from plugins.plan import Plan
from plugins.scope import Scope
from proxy import native


class Planner:
    """Turns a text and its scope into a plan. Holds the chain and nothing of what was planned."""

    def __init__(self, chain: Chain, *, max_text: int = statement.MAX_TEXT) -> None:
        self.chain = chain
        self._max_text = max_text

    def plan(
        self,
        text: bytes,
        scope: Scope,
        *,
        exact: bool = False,
        names: Names | None = None,
        words: list[Word] | None = None,
        fingerprint: str = "",
    ) -> Plan:
        """`exact`: the plan will be kept for this very text only, so it may depend on literals. `words` takes what
        each plugin said, for people."""
        read = statement.read(
            text, scope, exact=exact, max_text=self._max_text, names=names, fingerprint=fingerprint
        )
        plan = self.chain.plan(read, scope, words)
        read.release()
        return plan


def guard(chain: Chain) -> native.Guard:
    """What the core has to know of those who judge."""
    return native.Guard(chain.guarded, chain.needs_application, list(chain.networks))


def for_core(plan: Plan) -> native.Plan:
    """The plan as the core keeps it: all of it but the trail."""
    return native.Plan(
        plan.action,
        shareable=plan.shareable,
        branches=[_branch(branch) for branch in plan.branches],
        sets=list(plan.sets),
        local_sets=list(plan.local_sets),
        resets_all=plan.resets_all,
        point=plan.point,
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


def _branch(branch: conditions.Branch) -> native.Branch:
    return native.Branch(
        branch.name, _condition(branch.condition), _outcome(branch.then), _outcome(branch.unknown)
    )


def _outcome(outcome: conditions.Outcome) -> tuple[str, str, str]:
    return outcome.what, outcome.code, outcome.message


def _condition(condition: conditions.Condition) -> native.Condition:
    make = native.Condition
    match condition:
        case conditions.All():
            return make.all([_condition(one) for one in condition.of])
        case conditions.Either():
            return make.any([_condition(one) for one in condition.of])
        case conditions.Not():
            return make.negation(_condition(condition.of))
        case conditions.Test():
            return _test(condition)
        case _:
            raise TypeError(f"no such condition: {type(condition).__name__}")


def _test(test: conditions.Test) -> native.Condition:
    make, values = native.Condition, test.values
    slots: list[tuple[str, int, int, bool, str | None]] = [
        (slot.what, slot.at, slot.of, slot.negative, slot.text) for slot in values.slots
    ]
    match test:
        case conditions.Within():
            return make.within(slots, values.kind, values.utf8, list(test.those))
        case conditions.Between():
            return make.between(slots, values.kind, values.utf8, test.low, test.high)
        case conditions.Length():
            return make.length(slots, values.utf8, test.least, test.most)
        case conditions.Like():
            return make.like(slots, values.utf8, list(test.pieces))
        case conditions.Null():
            return make.null(slots, values.kind)
        case _:
            raise TypeError(f"no such test: {type(test).__name__}")
