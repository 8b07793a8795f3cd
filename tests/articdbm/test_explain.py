"""`articdbm explain`: what it prints for people and for programs, and whom it turns away."""

import json
import re
from argparse import ArgumentParser
from pathlib import Path

import pytest

from articdbm import explain
from tests.configurations import TRUSTING

CONFIG = f"""{TRUSTING}databases = ["shop"]

[[databases]]
name = "books"
cluster = "main"
"""


def explained(*command: str) -> int:
    parser = ArgumentParser()
    explain.arguments(parser)
    return explain.run(parser.parse_args(command))


def test_people_read_the_plan_and_every_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained("SET work_mem = '64MB'; RESET a.b; LISTEN x") == 0
    *told, took = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"took       reserved [\d.]+ ms, session [\d.]+ ms, sharing [\d.]+ ms", took)
    assert told[:6] == [
        "action     forward",
        "shareable  no",
        "plan for   this text alone",
        "sets       work_mem = '64MB'",
        "resets     a.b",
        "listens    x",
    ]
    because = told[told.index("because") + 1 :]
    assert because[:2] == ["  1. session, set: changes work_mem", "  2. session, set: changes a.b"]
    assert because[-1].endswith(". sharing, session: not shareable: it leaves something in the session")


def test_programs_read_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained("SELECT a FROM t WHERE b = 1", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["action"], plan["shareable"], plan["exact"], plan["pin"]) == ("forward", True, False, None)
    assert [step["plugin"] for step in plan["trail"]] == ["session", "sharing"]
    assert [one["plugin"] for one in plan["plugins"]] == ["reserved", "session", "sharing"]
    assert all(one["ms"] >= 0 for one in plan["plugins"])


def test_the_sessions_settings_count(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = r"SELECT '\'; SET x = 1; --'"
    explained(hidden, "--json")
    explained(hidden, "--json", "--setting", "standard_conforming_strings=off")
    plain, escaped = map(json.loads, capsys.readouterr().out.splitlines())
    assert (plain["sets"], escaped["sets"]) == ([["x", "1"]], [])


@pytest.mark.parametrize(
    ("who", "status", "told"),
    [
        (("--user", "app", "--database", "shop"), 0, ""),
        (("--user", "app"), 0, ""),
        (("--user", "nobody"), 1, 'has no user "nobody"'),
        (("--database", "nothing"), 1, 'has no database "nothing"'),
        (("--user", "app", "--database", "books"), 1, 'does not let user "app" use database "books"'),
    ],
)
def test_who_would_not_get_in_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], who: tuple[str, ...], status: int, told: str
) -> None:
    file = tmp_path / "articdbm.toml"
    file.write_text(CONFIG)
    assert explained("SELECT 1", "--config", str(file), *who) == status
    printed = capsys.readouterr()
    assert told in printed.err
    assert bool(printed.out) == (status == 0)


def test_without_a_configuration_nobody_is_checked_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert explained("SELECT 1", "--user", "nobody") == 0
    assert "without --config FILE nobody looks" in capsys.readouterr().err
    assert explained("SELECT 1") == 0
    assert capsys.readouterr().err == ""


def test_a_wrong_configuration_is_shown_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "articdbm.toml"
    file.write_text(CONFIG.replace("[[users]]", "[[user]]"))
    assert explained("SELECT 1", "--config", str(file)) == 2
    assert f"{file}:16" in capsys.readouterr().err


FIREWALL = """
[plugins.firewall]
message = "not here"
[[plugins.firewall.rules]]
id = "own"
action = "allow"
networks = ["10.1.0.0/16"]
applications = ["report*"]
[[plugins.firewall.rules]]
id = "injection"
action = "deny"
reason = "looks like an injection"
severity = "critical"
tricks = ["tautology"]
"""


def test_the_firewall_says_which_rule_and_the_client_hears_the_message_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "articdbm.toml"
    file.write_text(TRUSTING + FIREWALL)
    asked = (
        "SELECT a FROM t WHERE b = 1 OR 1=1",
        "--config",
        str(file),
        "--user",
        "app",
        "--database",
        "shop",
    )
    assert explained(*asked) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["action     deny", "error      42501 not here"]
    reason = "critical: looks like an injection (tautology)"
    assert f"  1. firewall, injection: {reason}" in told
    assert explained(*asked, "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["action"], plan["code"], plan["message"]) == ("deny", "42501", "not here")
    assert plan["trail"] == [{"plugin": "firewall", "rule": "injection", "reason": reason}]
    assert explained(*asked, "--application", "report 7", "--address", "10.1.2.3", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["action"], plan["trail"][0]) == (
        "forward", {"plugin": "firewall", "rule": "own", "reason": "allowed"},
    )  # fmt: skip
