"""Every statement of the tables gets the plan the table says, and a trail that accounts for it."""

import msgspec
import pytest

from plugins import statement
from plugins.chain import Chain
from plugins.registry import standard
from tests.plugins.table import Case, cases

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_plan_of(case: Case) -> None:
    read = statement.read(case.text.encode(), case.scope, exact=case.exact)
    plan = Chain(standard()).plan(read, case.scope)
    assert msgspec.structs.replace(plan, trail=()) == case.expected, plan.trail
    assert {step.plugin for step in plan.trail} == {"session", "sharing"}
    assert all(step.rule and step.reason for step in plan.trail)


def test_the_tables_are_not_cut_short() -> None:
    assert len(CASES) > 390
    assert {case.place.partition(":")[0] for case in CASES} == {
        "nasty.sql",
        "session.sql",
        "settings.sql",
        "sharing.sql",
    }
