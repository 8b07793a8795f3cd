"""The chain's promises: order, budgets, and what a plugin's failure means when it guards and when it observes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain as joined
from itertools import repeat

import pytest
from msgspec import structs

from plugins import statement
from plugins.api import Executions, Plugin
from plugins.chain import Chain, Word
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


def refuses(plan: Plan) -> Plan:
    return plan.denied("x", "no", "for a test", code="42501", message="no")


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


NONSENSE: dict[str, Callable[[Plan], object]] = {
    "another type": lambda plan: plan.because("x", "y", "z", pin=5),
    "an unknown action": lambda plan: plan.because("x", "y", "z", action="maybe"),
    "a step that is none": lambda plan: structs.replace(plan, trail=("why",)),
    "what was said before is gone": lambda plan: Plan(),
    "a denial without a code": lambda plan: plan.denied("x", "y", "z", code="", message="no"),
    "a denial without a message": lambda plan: plan.denied("x", "y", "z", code="42501", message=""),
    "something else": lambda plan: {"action": "forward"},
    "the class": lambda plan: Plan,
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("guards", [True, False])
def test_nonsense_is_a_failure(what: str, guards: bool) -> None:
    chain = Chain([Probe("first", True, pins), Probe("odd", guards, NONSENSE[what])])
    plan = judged(chain)
    assert plan.action == ("deny" if guards else "forward")
    assert [step.plugin for step in plan.trail] == ["x", "odd"]
    assert plan.pin == (None if guards else "a test")


def test_each_plugins_word_and_time_are_told_to_who_asks() -> None:
    words: list[Word] = []
    chain = Chain([Probe("a", True, agrees), Probe("b", False, pins)], clock=ticking(1.0, 1.0, 1.5, 2.0))
    chain.plan(statement.read(b"SELECT 1", Scope(), exact=True), Scope(), words)
    assert [(word.plugin, [step.rule for step in word.steps]) for word in words] == [
        ("a", ["agrees"]),
        ("b", ["pins"]),
    ]
    assert words[0].seconds > 0


class Watcher(Plugin):
    """Observes as a test tells it."""

    name = "watcher"
    stage = "limits"
    guards = False

    def __init__(self, does: Callable[[Sequence[Executions]], None]) -> None:
        super().__init__()
        self.does = does

    def observe(self, executions: Sequence[Executions]) -> None:
        self.does(executions)


def test_observers_are_told_and_one_that_fails_harms_no_other() -> None:
    heard: list[Sequence[Executions]] = []
    reported: list[tuple[str, str]] = []

    def fails(executions: Sequence[Executions]) -> None:
        raise ValueError(SECRET)

    chain = Chain([Watcher(fails), Watcher(heard.append)], report=lambda *what: reported.append(what))
    assert chain.observes
    assert not Chain([Probe("a", True, agrees)]).observes
    batch = (Executions("ab", "front", "app", "shop", "forward", 5, 100),)
    chain.observe(batch)
    assert heard == [batch]
    assert reported == [("watcher", "observing raised: ValueError")]


@pytest.mark.parametrize("does", [refuses, raises])
def test_a_transaction_can_be_given_up_whoever_denies(does: Callable[[Plan], object]) -> None:
    chain = Chain([Probe("a", True, does), Probe("b", True, does)])
    for text in ("ROLLBACK", "abort work", "ROLLBACK TO SAVEPOINT x", "ROLLBACK AND CHAIN"):
        plan = judged(chain, text)
        assert plan.action == "forward"
        assert [step.rule for step in plan.trail] == ["overruled", "overruled"]
    for text in ("COMMIT", "ROLLBACK PREPARED 'x'", "ROLLBACK; SELECT 1", "PREPARE TRANSACTION 'x'"):
        assert judged(chain, text).action == "deny", text
    assert judged(Chain([Probe("session", True, refuses)]), "ROLLBACK").action == "deny", (
        "the house itself decides"
    )
