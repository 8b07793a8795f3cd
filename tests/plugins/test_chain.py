"""The chain's promises: order, budgets, and what a plugin's failure means when it guards and when it observes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain as joined
from itertools import repeat

import pytest

from plugins import statement
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.scope import Scope
from plugins.statement import Statement

SECRET = "SELECT 'hunter2'"


def judged(chain: Chain, text: str = SECRET) -> Plan:
    return chain.plan(statement.read(text.encode(), Scope(), exact=True), Scope())


@dataclass
class Probe:
    """A plugin that does what a test tells it."""

    name: str
    guards: bool
    does: Callable[[Plan], object]
    budget: float = 1.0
    asked: list[str] = field(default_factory=list)

    def plan(self, statement: Statement, scope: Scope, plan: Plan) -> Plan:
        self.asked.append(self.name)
        return self.does(plan)  # type: ignore[return-value]


def agrees(plan: Plan) -> Plan:
    return plan.because("x", "agrees", "nothing against it")


def raises(plan: Plan) -> Plan:
    raise ValueError(SECRET)


def overflows(plan: Plan) -> Plan:
    return overflows(plan)


def pins(plan: Plan) -> Plan:
    return plan.because("x", "pins", "for a test", pin="a test")


def test_plugins_are_asked_in_the_order_of_the_list() -> None:
    asked: list[str] = []
    plugins = [Probe(name, True, agrees, asked=asked) for name in "cab"]
    plan = judged(Chain(plugins))
    assert asked == ["c", "a", "b"]
    assert [step.rule for step in plan.trail] == ["agrees"] * 3


def test_a_plugin_sees_what_those_before_it_decided() -> None:
    seen: list[Plan] = []

    def looks(plan: Plan) -> Plan:
        seen.append(plan)
        return plan

    judged(Chain([Probe("a", True, pins), Probe("b", False, looks)]))
    assert [plan.pin for plan in seen] == ["a test"]


@pytest.mark.parametrize("does", [raises, overflows, lambda plan: None, lambda plan: "forward"])
def test_a_guard_that_fails_denies_and_ends_the_chain(does: Callable[[Plan], object]) -> None:
    later = Probe("later", True, agrees)
    reported: list[tuple[str, str]] = []
    chain = Chain(
        [Probe("first", True, pins), Probe("guard", True, does), later],
        report=lambda *what: reported.append(what),
    )
    plan = judged(chain)
    assert (plan.action, plan.code, plan.pin, later.asked) == ("deny", "XX000", None, [])
    assert [(step.plugin, step.rule) for step in plan.trail] == [("x", "pins"), ("guard", "raised")]
    assert [plugin for plugin, _ in reported] == ["guard"]
    assert "hunter2" not in f"{plan} {reported}"


@pytest.mark.parametrize("does", [raises, overflows, lambda plan: None])
def test_an_observer_that_fails_is_skipped(does: Callable[[Plan], object]) -> None:
    later = Probe("later", True, agrees)
    plan = judged(Chain([Probe("first", True, pins), Probe("observer", False, does), later]))
    assert (plan.action, plan.pin, later.asked) == ("forward", "a test", ["later"])
    assert [step.rule for step in plan.trail] == ["pins", "raised", "agrees"]
    assert "hunter2" not in str(plan)


def ticking(*times: float) -> Callable[[], float]:
    clock: Iterator[float] = joined(times, repeat(times[-1]))
    return lambda: next(clock)


@pytest.mark.parametrize(("took", "action"), [(0.5, "forward"), (0.51, "deny")])
def test_a_guard_has_its_budget_and_no_more(took: float, action: str) -> None:
    chain = Chain([Probe("slow", True, agrees, budget=0.5)], clock=ticking(0.0, took))
    assert judged(chain).action == action


def test_an_observer_over_its_budget_is_not_heard() -> None:
    plan = judged(Chain([Probe("slow", False, pins, budget=0.5)], clock=ticking(7.0, 8.0)))
    assert (plan.action, plan.pin) == ("forward", None)
    assert [(step.rule, step.reason) for step in plan.trail] == [
        ("overran", "1000 ms of 500 ms; it only observes and is skipped")
    ]


def test_a_denial_ends_the_chain() -> None:
    def denies(plan: Plan) -> Plan:
        return plan.denied("x", "no", "for a test", code="42501", message="no")

    later = Probe("later", True, agrees)
    plan = judged(Chain([Probe("guard", True, denies), later]))
    assert (plan.action, plan.code, plan.message, later.asked) == ("deny", "42501", "no", [])
