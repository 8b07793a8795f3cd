"""What `articdbm check` says of rules: entries that are none, contradictions, rules that are never reached, with lines."""

import json
import re
from argparse import ArgumentParser
from pathlib import Path

import pytest

from articdbm import plugins
from config.errors import ConfigError, Problem
from config.loader import load
from plugins.firewall.conflicts import findings
from plugins.registry import Registry
from tests.configurations import TRUSTING
from tests.plugins.firewall.table import RULES

LINE = TRUSTING.count("\n") + 1


def problems(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    file = tmp_path / "a.toml"
    file.write_text(TRUSTING + text)
    try:
        return load(file, plugins=Registry(tuple)).problems
    except ConfigError as refused:
        return refused.problems


def rules(*lines: str) -> str:
    """Each line is a rule, in a line of its own; the first is the third of the text."""
    told = ", ".join(f"\n{{ {line} }}" for line in lines)
    return f"[plugins.firewall]\nrules = [{told}\n]\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('id = "a", action = "deny", networks = ["10.0.0.1/8"]', "networks[0]: it has host bits set"),
        (
            'id = "a", action = "deny", hours = ["8-18"]',
            'hours[0]: "8-18" are no hours; write hours such as "08:00',
        ),
        ('id = "a", action = "deny", hours = ["08:00-08:00"]', "write two different times"),
        ('id = "a", action = "deny", days = ["monday"]', 'days[0]: "monday" is not a choice here'),
        ('id = "a", action = "deny", tricks = ["tautologie"]', 'did you mean "tautology"?'),
        ('id = "a", action = "deny", kinds = ["updat"]', 'did you mean "update"?'),
        (
            'id = "a", action = "deny", tables = ["salaries"]',
            'tables[0]: "salaries" names none; write schema.table',
        ),
        ('id = "a", action = "deny", tables = ["a.b.c"]', 'tables[0]: "a.b.c" names none'),
        ('id = "a", action = "deny", tables = ["a."]', 'tables[0]: "a." names none'),
        ('id = "a", action = "deny", columns = ["hr.pay"]', "write schema.table.column"),
        ('id = "a", action = "deny", functions = ["a.b.c"]', "write name or schema.name"),
        ('id = "otherwise", action = "deny"', "this is what no rule is called on the trail"),
        ('action = "deny"', "rules[0].id: this is missing"),
        ('id = "a", action = "drop"', 'rules[0].action: "drop" is not a choice here'),
        ('id = "a", action = "deny", roles = ["x"]', "rules[0].roles: this key is unknown"),
    ],
)
def test_an_entry_that_is_none_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    (found,) = problems(tmp_path, rules(line))
    assert found.severity == "error"
    assert found.line == LINE + 2
    assert told in str(found)


def test_a_time_zone_that_is_none(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[plugins.firewall]\ntimezone = "Europe/Atlantis"\n')
    assert (found.line, found.key) == (LINE + 1, "plugins.firewall.timezone")


ONE = 'id = "one", action = "{}", {}'
TWO = 'id = "two", action = "{}", {}'
SAME = 'users = ["app", "b"], tables = ["hr.*"]'


def test_opposite_rules_with_the_same_conditions_are_an_error_with_both_lines(tmp_path: Path) -> None:
    other = 'tables = ["hr.*"], users = ["b", "app"], reason = "x", severity = "low"'
    (found,) = problems(tmp_path, rules(ONE.format("allow", SAME), TWO.format("deny", other)))
    assert (found.severity, found.line, found.key) == ("error", LINE + 3, "plugins.firewall.rules[1]")
    assert (
        f'it contradicts "one", which has the same conditions (plugins.firewall.rules[0], line {LINE + 2})'
        in (found.what)
    )


def test_ids_are_taken_once(tmp_path: Path) -> None:
    (found,) = problems(
        tmp_path, rules(ONE.format("deny", 'users = ["a"]'), ONE.format("deny", 'users = ["b"]'))
    )
    assert (found.severity, found.line) == ("error", LINE + 3)
    assert f'the id "one" is taken (plugins.firewall.rules[0].id, line {LINE + 2})' in found.what


NEVER = [
    ("deny", "", "deny", SAME),
    ("deny", "", "allow", SAME),
    ("allow", "", "deny", 'tricks = ["delay"]'),
    ("allow", 'users = ["app*"]', "deny", 'users = ["app_1"], tables = ["hr.*"]'),
    ("deny", SAME, "deny", SAME),
    ("deny", 'users = ["a*", "b"]', "deny", 'users = ["ab", "a*c"]'),
    ("deny", 'tables = ["hr.*"]', "deny", 'tables = ["hr.pay", "hr.x*"]'),
    ("deny", 'tables = ["hr.*"]', "deny", 'reads = ["hr.pay"]'),
    ("deny", 'tables = ["hr.*"]', "allow", 'tables = ["hr.pay"]'),
    ("deny", 'tables = ["hr.*"]', "allow", 'reads = ["hr.pay"], writes = ["hr.log"]'),
    ("deny", 'reads = ["hr.*"]', "allow", 'reads = ["hr.pay"]'),
    ("allow", 'tables = ["hr.*"]', "allow", 'tables = ["hr.pay"]'),
    ("allow", 'tables = ["hr.*"]', "allow", 'writes = ["hr.pay"]'),
    ("deny", 'networks = ["10.0.0.0/8"]', "deny", 'networks = ["10.1.0.0/16", "10.2.2.2"]'),
    ("deny", 'kinds = ["write"]', "deny", 'kinds = ["delete", "insert"]'),
    ("deny", 'kinds = ["write"]', "allow", 'kinds = ["delete"]'),
    ("deny", 'tricks = ["delay", "files"]', "deny", 'tricks = ["files"]'),
    ("deny", 'hours = ["08:00-18:00"]', "deny", 'hours = ["09:00-10:00"], days = ["mon"]'),
    ("deny", 'columns = ["*.*.email"]', "deny", 'columns = ["public.users.email"]'),
    ("deny", 'functions = ["md5"]', "deny", 'functions = ["pg_catalog.md5"]'),
    ("deny", 'schemas = ["hr*"]', "deny", 'schemas = ["hr"]'),
]
REACHED = [
    ("deny", SAME, "deny", 'users = ["c"], tables = ["hr.*"]'),
    ("deny", SAME, "deny", ""),
    ("deny", 'users = ["a*"]', "deny", 'users = ["a*", "b"]'),
    ("deny", 'users = ["*a"]', "deny", 'users = ["a*"]'),
    ("deny", 'tables = ["hr.pay"]', "deny", 'tables = ["hr.*"]'),
    ("deny", 'reads = ["hr.*"]', "deny", 'tables = ["hr.pay"]'),
    ("deny", 'reads = ["hr.*"]', "allow", 'tables = ["hr.pay"]'),
    ("deny", 'tables = ["hr.*"]', "allow", 'tables = ["hr.pay"], functions = ["f"]'),
    ("allow", 'tables = ["hr.*"]', "deny", 'tables = ["hr.pay"]'),
    ("allow", 'kinds = ["write"]', "deny", 'kinds = ["delete"]'),
    ("allow", 'tables = ["hr.*"]', "allow", 'tables = ["hr.*", "a.b"]'),
    ("allow", 'reads = ["hr.*"]', "allow", 'writes = ["hr.pay"]'),
    ("deny", 'networks = ["10.0.0.0/8"]', "deny", 'networks = ["11.1.0.0/16"]'),
    ("deny", 'networks = ["10.0.0.0/8"]', "deny", 'networks = ["local"]'),
    ("deny", 'kinds = ["delete"]', "deny", 'kinds = ["write"]'),
    ("deny", 'hours = ["08:00-18:00"]', "deny", 'hours = ["17:00-19:00"]'),
    ("deny", 'days = ["mon"]', "deny", 'hours = ["17:00-19:00"]'),
    ("deny", 'databases = ["a"]', "deny", 'listeners = ["a"]'),
]


@pytest.mark.parametrize(("action", "first", "other", "second"), NEVER)
def test_what_is_never_reached(tmp_path: Path, action: str, first: str, other: str, second: str) -> None:
    told = problems(tmp_path, rules(ONE.format(action, first).rstrip(", "), TWO.format(other, second)))
    (found,) = told
    assert (found.severity, found.line) == ("warning", LINE + 3)
    assert 'it is never reached: "one" comes first' in found.what
    assert f"line {LINE + 2})" in found.what


@pytest.mark.parametrize(("action", "first", "other", "second"), REACHED)
def test_what_can_be_reached(tmp_path: Path, action: str, first: str, other: str, second: str) -> None:
    assert problems(tmp_path, rules(ONE.format(action, first), TWO.format(other, second).rstrip(", "))) == ()


def test_the_page_shows_rules_that_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert problems(tmp_path, written) == ()


def test_a_command_lists_the_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        TRUSTING + rules('id = "a", action = "deny", networks = ["10.0.0.0/8"], tables = ["hr.*"]')
    )
    parser = ArgumentParser()
    plugins.arguments(parser)
    assert plugins.run(parser.parse_args(["--config", str(file), "--json"])) == 0
    chain = json.loads(capsys.readouterr().out)["chain"]
    assert [one["name"] for one in chain] == ["reserved", "firewall", "session", "sharing"]
    assert chain[1]["settings"]["rules"] == [
        {"id": "a", "action": "deny", "networks": ["10.0.0.0/8"], "tables": ["hr.*"]}
    ]


def test_the_rules_of_the_tables_are_all_reached() -> None:
    for name, told in RULES.items():
        assert list(findings(told)) == [], name


def test_what_rests_on_a_broken_rule_is_not_told(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        rules('id = "a", action = "deny", kinds = ["x"]', 'id = "b", action = "deny", kinds = ["write"]'),
    )
    assert [one.line for one in found] == [LINE + 2]
