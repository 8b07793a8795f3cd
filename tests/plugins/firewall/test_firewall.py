"""What the firewall says of itself, what clients hear, and that neither the index nor a fingerprint changes a verdict."""

import random
from datetime import UTC
from pathlib import Path

import msgspec
import pytest

from config.text import Text
from plugins import statement
from plugins.catalogue import Names
from plugins.firewall import Firewall
from plugins.firewall.facts import facts
from plugins.firewall.hours import times, zone
from plugins.firewall.index import Index
from plugins.firewall.rules import ready
from plugins.firewall.settings import FirewallRule, FirewallSettings
from plugins.firewall.tricks import TRICKS
from plugins.scope import Scope
from proxy.native import fingerprint
from tests.plugins.firewall.table import CATALOGUE, RULES, Case, cases, judged, moment, settings

CASES = list(cases())
DENIED = "SELECT * FROM users WHERE id = 1 OR 1=1"
SECRET = {"id": "pay", "action": "deny", "reason": "closed", "tables": ["hr.*"]}


def firewall(**written: object) -> Firewall:
    return Firewall(settings(written))


def test_without_rules_it_is_no_part_of_the_chain() -> None:
    assert Firewall().idle
    assert not firewall(rules=[SECRET]).idle
    assert not firewall(otherwise="deny").idle


@pytest.mark.parametrize(
    ("written", "guards", "catalogue", "application", "networks"),
    [
        ({}, False, False, False, ()),
        ({"rules": [SECRET]}, True, True, False, ()),
        ({"rules": [SECRET], "mode": "shadow"}, False, True, False, ()),
        ({"otherwise": "deny"}, True, False, False, ()),
        ({"rules": [{"id": "a", "action": "deny", "tricks": ["delay"], "kinds": ["write"]}]}, True, False, False, ()),
        ({"rules": [{"id": "a", "action": "deny", "applications": ["x*"]}]}, True, False, True, ()),
        ({"rules": [{"id": "a", "action": "deny", "networks": ["10.0.0.0/8", "local"]}]}, True, False, False,
         ("10.0.0.0/8", "local")),
        ({"rules": [{"id": "a", "action": "deny", "functions": ["f"]}]}, True, True, False, ()),
    ],
)  # fmt: skip
def test_it_says_what_it_needs(
    written: dict[str, object], guards: bool, catalogue: bool, application: bool, networks: tuple[str, ...]
) -> None:
    made = firewall(**written)
    assert (made.guards, made.needs_catalogue, made.needs_application, made.networks) == (
        guards, catalogue, application, networks,
    )  # fmt: skip


def test_who_is_denied_hears_the_same_whatever_the_rule() -> None:
    told = [judged(RULES[case.rules], case.text, case.scope) for case in CASES if case.action == "deny"]
    assert {(plan.code, plan.message) for plan in told} == {("42501", "this statement is not allowed")}
    own = settings({"message": "no", "rules": [SECRET]})
    assert judged(own, "SELECT * FROM hr.people", Scope()).message == "no"


def test_in_the_shadow_it_only_says_so() -> None:
    plan = judged(
        settings({"mode": "shadow", "rules": [SECRET]}), "SELECT 1; SELECT * FROM hr.people", Scope()
    )
    assert plan.action == "forward"
    assert [(step.rule, step.reason) for step in plan.trail] == [
        ("otherwise", "no rule fits, so it is allowed"),
        ("pay", "would deny: statement 2: medium: closed (touches hr.people)"),
    ]


def test_a_text_that_holds_nothing_has_nothing_to_judge() -> None:
    for text in ("", ";;", "-- x"):
        assert judged(settings({"otherwise": "deny"}), text, Scope()).action == "forward"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_statements_with_one_fingerprint_have_one_verdict(case: Case) -> None:
    """A plan is kept for all of them."""
    own, exact, _ = fingerprint(case.text.encode(), standard_conforming_strings=True)
    plan = judged(RULES[case.rules], case.text, case.scope)
    for other in _others(case.text):
        if not exact and fingerprint(other.encode(), standard_conforming_strings=True)[0] == own:
            assert judged(RULES[case.rules], other, case.scope) == plan, other


def _others(text: str) -> list[str]:
    """The text with other literals, one at a time."""
    found = []
    for at, letter in enumerate(text):
        if letter.isdigit() and not text[at - 1].isalnum() and text[at - 1] != "$":
            found += [text[:at] + digit + text[at + 1 :] for digit in "0127"]
        if letter == "'":
            found += [text[: at + 1] + word + text[at + 1 :] for word in ("a", "%", "t")]
            end = text.find("'", at + 1)
            found += [
                text[: at + 1] + word + text[end:] for word in ("a", "", "%", "t", "1", "role") if end > 0
            ]
    return found


def test_some_of_them_do_have_one_fingerprint() -> None:
    shared = 0
    for case in CASES:
        own, exact, _ = fingerprint(case.text.encode(), standard_conforming_strings=True)
        shared += not exact and any(
            other != case.text and fingerprint(other.encode(), standard_conforming_strings=True)[0] == own
            for other in _others(case.text)
        )
    assert shared > 50


class _Every(Index):
    """Finds every rule."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def candidates(self, facts: object, scope: Scope) -> list[int]:
        return list(range(self.count))


@pytest.mark.parametrize("seed", range(4))
def test_the_index_leaves_out_none_that_fits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule for told in RULES.values() for rule in told.rules]
    chance = random.Random(seed)
    chance.shuffle(rules)
    # Few of the narrow ones would decide behind those that fit everything.
    rules.sort(key=lambda rule: bool(rule.tricks) or chance.random() < 0.2)
    mixed = tuple(msgspec.structs.replace(rule, id=f"r{at}") for at, rule in enumerate(rules))
    told = FirewallSettings(rules=mixed, timezone="Europe/Rome")
    by_index = [judged(told, case.text, case.scope) for case in CASES]
    monkeypatch.setattr("plugins.firewall.Index", lambda made: _Every(len(made)))
    assert [judged(told, case.text, case.scope) for case in CASES] == by_index
    assert len({plan.trail[-1].rule for plan in by_index}) > 20


def test_of_ten_thousand_rules_few_are_looked_at() -> None:
    rules = tuple(
        ready(FirewallRule(id=f"r{at}", action="deny", tables=(Text(f"s{at % 100}.t{at}"),)), UTC)
        for at in range(10_000)
    )
    names = Names(CATALOGUE)
    for text, count in (("SELECT * FROM users", 0), ("SELECT 1", 0), ("BANANA", 10_000)):
        (one,) = facts(statement.read(text.encode(), Scope(), exact=False, names=names))
        assert len(Index(rules).candidates(one, Scope())) == count


LONG = {
    "ORs": "SELECT * FROM users WHERE " + " OR ".join(f"id = {at}" for at in range(1_400)),
    "ANDs in ORs": "SELECT * FROM users WHERE "
    + " OR ".join(f"(id = {at} AND name = 'x')" for at in range(450)),
    "a list": f"SELECT * FROM users WHERE id IN ({', '.join(map(str, range(40_000)))})",
    "a list of constants": f"SELECT * FROM users WHERE 5 IN ({', '.join(map(str, range(2_900)))})",
    "NOTs": "SELECT * FROM users WHERE " + "NOT " * 900 + "id = 1",
    "a sum": "SELECT * FROM users WHERE id = 1 OR " + "+".join("1" * 2_900) + " = 7",
    "casts": "SELECT * FROM users WHERE id" + "::int" * 1_500 + " = 1",
    "JSON": "SELECT data" + "->'a'" * 1_500 + " FROM users",
    "brackets": "SELECT * FROM users WHERE " + "(" * 99 + "id = 1" + ")" * 99,
    "in each other": "SELECT * FROM users WHERE " + "(id = 1 AND (name = '' OR " * 45 + "id = 2" + "))" * 45,
    "UNIONs": " UNION ".join(["SELECT id FROM users"] * 1_000),
    "queries": "SELECT * FROM users WHERE id IN ("
    + "SELECT id FROM users WHERE id IN (" * 90
    + "1"
    + ")" * 91,
    "EXPLAINs": "EXPLAIN " * 400 + "SELECT 1",
    "PREPAREs": "PREPARE a AS " * 400 + "SELECT 1",
}


@pytest.mark.parametrize("name", LONG)
def test_what_is_long_or_deep_is_judged(name: str) -> None:
    for told in RULES.values():
        plan = judged(told, LONG[name], Scope("front", "app", "shop"))
        assert {"raised", "overran"}.isdisjoint(step.rule for step in plan.trail), plan.trail


@pytest.mark.parametrize("name", ["ORs", "ANDs in ORs", "a list", "brackets", "queries"])
def test_what_is_long_is_no_attack(name: str) -> None:
    assert judged(RULES["tricks"], LONG[name], Scope()).action == "forward"


@pytest.mark.parametrize(
    ("days", "hours", "name", "at", "holds", "until"),
    [
        (["mon-fri"], ["08:00-18:00"], "UTC", "2026-01-05T08:00", True, "2026-01-05T18:00"),
        (["mon-fri"], ["08:00-18:00"], "UTC", "2026-01-05T07:59", False, "2026-01-05T08:00"),
        (["mon-fri"], ["08:00-18:00"], "UTC", "2026-01-05T18:00", False, "2026-01-06T00:00"),
        (["mon-fri"], ["08:00-18:00"], "UTC", "2026-01-04T09:00", False, "2026-01-04T18:00"),
        ([], ["22:00-06:00"], "Europe/Rome", "2026-01-05T04:59", True, "2026-01-05T05:00"),
        ([], ["22:00-06:00"], "Europe/Rome", "2026-01-05T05:00", False, "2026-01-05T21:00"),
        ([], ["00:00-24:00"], "UTC", "2026-01-05T23:59", True, "2026-01-06T00:00"),
        (["sun"], [], "Asia/Tokyo", "2026-01-03T15:00", True, "2026-01-04T15:00"),
        # Clocks go forward at 01:00 UTC, and back at 01:00 UTC.
        ([], ["02:30-04:00"], "Europe/Rome", "2026-03-29T00:59", False, "2026-03-29T01:00"),
        ([], ["02:30-04:00"], "Europe/Rome", "2026-03-29T01:00", True, "2026-03-29T02:00"),
        ([], ["02:30-04:00"], "Europe/Rome", "2026-10-25T00:30", True, "2026-10-25T00:45"),
        ([], ["02:30-04:00"], "Europe/Rome", "2026-10-25T01:00", False, "2026-10-25T01:30"),
    ],
)
def test_times(days: list[str], hours: list[str], name: str, at: str, holds: bool, until: str) -> None:
    made = times(days, hours, zone(name))
    assert made is not None
    assert made.hold(moment(at)) is holds
    assert made.until(moment(at)) == moment(until)


@pytest.mark.parametrize("name", ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_nothing_changes_before_it_is_said_to(name: str) -> None:
    made = times(["mon-fri", "sun"], ["00:30-02:15", "22:00-01:00"], zone(name))
    assert made is not None
    for day in (
        "2026-03-07T20:00",
        "2026-03-28T20:00",
        "2026-04-04T08:00",
        "2026-10-03T08:00",
        "2026-10-24T20:00",
    ):
        for minute in range(0, 60 * 30, 7):
            now = moment(day) + minute * 60
            end = made.until(now)
            assert now < end <= now + 86_400 + 3_600
            steps = range(int(now), int(end), 60)
            assert all(made.hold(step) == made.hold(now) for step in steps)


def test_each_trick_is_in_the_documents_with_its_sentence() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text(encoding="utf-8")
    for name, told in TRICKS.items():
        assert f"| `{name}` | {told.text} |" in page, name
