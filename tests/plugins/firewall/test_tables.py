"""Every statement of the tables gets the verdict that the table says, by the rule that it says."""

import pytest

from tests.plugins.firewall.table import RULES, Case, cases, judged

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_verdict_of(case: Case) -> None:
    plan = judged(RULES[case.rules], case.text, case.scope)
    step = plan.trail[-1]
    action = "deny" if plan.action == "deny" else "allow"
    possibly = "cannot be ruled out" in step.reason
    assert (action, step.rule, possibly) == (case.action, case.rule, case.possibly), plan.trail
    assert plan.until == case.until


def test_the_tables_are_not_cut_short() -> None:
    assert len(CASES) > 350
    assert {case.rules for case in CASES} == set(RULES)
