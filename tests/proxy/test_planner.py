"""The planner's border: bytes and a scope in, the core's plan out."""

import pytest

from plugins.chain import Chain
from plugins.conditions import ALONE, Slot, Values, deny
from plugins.plan import Plan
from plugins.registry import standard
from plugins.scope import Scope
from proxy import native
from proxy.planner import Planner, for_core

SCOPE = Scope("front", "app", "shop")


@pytest.fixture
def planner() -> Planner:
    return Planner(Chain(standard()), max_text=1_000)


def test_a_plan_reaches_the_core_whole() -> None:
    plan = Plan(
        action="deny",
        shareable=True,
        sets=(("a.b", "'c'"), ("d", None)),
        local_sets=(("role", "e"),),
        resets_all=True,
        point=("returns", "f"),
        pin="a reason",
        frees=True,
        discards=True,
        channels=((True, "a"), (False, None)),
        forgets_prepared=True,
        changes_schema=True,
        code="42501",
        message="no",
    ).because("x", "y", "for people")
    said = for_core(plan)
    for field in Plan.__struct_fields__:
        if field == "sets":
            assert said.sets == [("a.b", "'c'"), ("d", None)]
        elif field == "local_sets":
            assert said.local_sets == [("role", "e")]
        elif field == "channels":
            assert said.channels == [(True, "a"), (False, None)]
        elif field == "branches":
            assert said.branches == []
        elif field not in ("trail", "blurs", "outdates", "until"):
            assert getattr(said, field) == getattr(plan, field)


def test_branches_reach_the_core_as_they_are_said() -> None:
    amount = Values((Slot("literal", 1, 2, negative=True), Slot("parameter", 1))).number
    condition = (amount.above(10) & ~amount.one_of([11, 12])) | amount.null()
    plan = Plan().when(condition, "x", "y", "for people", then=ALONE, unknown=deny("42501", "no"))
    slots: list[tuple[str, int, int, bool, str | None]] = [
        ("literal", 1, 2, True, None),
        ("parameter", 1, 0, False, None),
    ]
    make = native.Condition
    above = make.between(slots, "number", True, ("10.0", False), None)
    some = make.within(slots, "number", True, ["12", "1.1e1"])
    said = make.any([make.all([above, make.negation(some)]), make.null(slots, "number")])
    branch = native.Branch("x: y", said, ("alone", "", ""), ("deny", "42501", "no"))
    assert for_core(plan).branches == [branch]
    with pytest.raises(ValueError, match="not a value of type"):
        for_core(Plan().when(amount.above("ten"), "x", "y", "for people", then=ALONE))


def test_the_plainest_plan_is_the_cores_plainest() -> None:
    assert for_core(Plan()) == native.Plan("forward")


def test_a_statement_is_planned(planner: Planner) -> None:
    plan = planner.plan(b"SELECT a FROM t WHERE b = 1", SCOPE)
    assert (plan.shareable, [step.plugin for step in plan.trail]) == (True, ["session", "sharing"])


def test_literals_are_relied_on_only_where_the_plan_is_for_this_text(planner: Planner) -> None:
    text = b"SELECT set_config('a.b', 'c', false)"
    assert planner.plan(text, SCOPE, exact=True).sets == (("a.b", "'c'"),)
    assert planner.plan(text, SCOPE).pin == "set_config"


def test_the_bound_is_the_planners(planner: Planner) -> None:
    assert planner.plan(b"SELECT '" + b"x" * 1_000 + b"'", SCOPE).pin == "unread statement"


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (b"SELECT set_config('a.b', 'c', false)", ()),
        (b"SELECT \"set_config\"('a.b', 'c', false)", ()),
        (b"SELECT pg_catalog.set_config('a.b', 'c', false)", ()),
        (b"SET x = 1", ()),
        (b"/**/ set x to 1", ()),
        (b"SELECT 1; SET x = 1", ()),
        (b"DO $$ BEGIN NULL; END $$", ()),
        (b"RESET x", ()),
    ],
)
def test_the_core_keeps_apart_what_the_plan_tells_apart(
    planner: Planner, text: bytes, settings: tuple[()]
) -> None:
    """A plan that depends on literals is asked for with `exact`, or a like text would get the wrong one."""
    _, exact, _ = native.fingerprint(text)
    assert exact
    plan = planner.plan(text, SCOPE, exact=exact)
    assert plan.pin is None
