"""Statements written down: what of them, how much, and what `articdbm replay` makes of it."""

import json
import stat
from argparse import ArgumentParser
from pathlib import Path

import pytest

from articdbm import capture as collecting
from articdbm import replay
from config.quantities import Size
from config.sections.capture import Capture
from plugins.chain import Chain
from plugins.registry import standard
from plugins.scope import Scope
from proxy.capture import Line, Writer, append, line, numbered
from proxy.planner import Planner
from tests.configurations import TRUSTING

SCOPE = Scope("front", "app", "shop", (("search_path", "hr"), ("app.token", "'hunter2'")))


def written(text: str, *, literals: bool = False) -> Line:
    plan = Planner(Chain(standard())).plan(text.encode(), SCOPE)
    return line(text.encode(), SCOPE, plan, exact=False, literals=literals)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT a FROM t WHERE b = 'hunter2' AND c = 42", "SELECT a FROM t WHERE b = 'x' AND c = 1"),
        ("ALTER ROLE app PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD 'x'"),
        ("SELECT 1 /* hunter2 */ -- hunter2", "SELECT 1"),
        (r"SELECT E'hun\'ter2', B'1', x'AF', $tag$hunter2$tag$, $1", "SELECT 'x', B'0', x'0', 'x', $1"),
        ("SELECT 'open", None),
        ("SELECT U&'hunter2'", None),
        ("SELECT '" + "hunter2" * 10_000 + "'", None),
    ],
)
def test_values_are_replaced_by_others_of_their_kind(text: str, said: str | None) -> None:
    found = written(text)
    assert found.text == said
    assert "hunter2" not in str(found)
    assert found.settings == (("search_path", "hr"),)


def test_values_are_kept_where_that_is_wanted() -> None:
    assert written("SELECT 'hunter2'", literals=True).text == "SELECT 'hunter2'"
    assert written("SELECT 1", literals=True).settings == SCOPE.settings


def test_a_masked_statement_is_judged_as_the_one_it_was() -> None:
    for text in (
        "SELECT a FROM t WHERE b = 'x' LIMIT 5",
        "UPDATE t SET a = 1",
        "SELECT pg_advisory_lock(77)",
    ):
        plan = Planner(Chain(standard())).plan(text.encode(), SCOPE)
        again = Planner(Chain(standard())).plan((written(text).text or "").encode(), SCOPE)
        assert (plan.action, plan.shareable, plan.pin) == (again.action, again.shareable, again.pin)


def test_files_rotate_and_are_bounded_and_their_owners_alone(tmp_path: Path) -> None:
    said = Capture(file=tmp_path / "c.jsonl", size=Size(100), files=3)
    for number in range(40):
        append(said, b"%04d%s\n" % (number, b"." * 25))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["c.jsonl", "c.jsonl.1", "c.jsonl.2"]
    assert all(file.stat().st_size <= 100 for file in files)
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert numbered(tmp_path / "c.jsonl", 0).read_bytes().startswith(b"0039")


def test_the_writer_writes_what_it_took_and_nothing_when_off(tmp_path: Path) -> None:
    said = Capture(file=tmp_path / "c.jsonl")
    writer = Writer(lambda: said)
    plan = Planner(Chain(standard())).plan(b"SELECT 1", SCOPE)
    writer.take(b"SELECT 1", SCOPE, plan, exact=False)
    writer.settle()
    assert json.loads((tmp_path / "c.jsonl").read_text())["text"] == "SELECT 1"
    Writer(Capture).take(b"SELECT 1", SCOPE, plan, exact=False)
    assert len(list(tmp_path.iterdir())) == 1


def told(command: list[str], of: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    parser = ArgumentParser()
    of.arguments(parser)  # type: ignore[attr-defined]
    status = of.run(parser.parse_args(command))  # type: ignore[attr-defined]
    return status, capsys.readouterr().out


def test_from_the_proxys_files_to_what_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.toml"
    old.write_text(TRUSTING + f'[capture]\nfile = "{tmp_path}/c.jsonl"\n')
    writer = Writer(lambda: Capture(file=tmp_path / "c.jsonl"))
    for text in (b"SELECT 1", b"SELECT 1", b"LOCK TABLE t", b"SELECT 'open"):
        plan = Planner(Chain(standard())).plan(text, Scope("front", "app", "shop"))
        writer.take(text, Scope("front", "app", "shop"), plan, exact=False)
    writer.settle()
    status, lines = told(["--config", str(old)], collecting, capsys)
    assert status == 0
    assert len(lines.splitlines()) == 3, "repetitions are left out"
    (tmp_path / "capture.jsonl").write_text(lines)
    command = [str(tmp_path / "capture.jsonl"), "--against"]
    assert told([*command, str(old)], replay, capsys) == (0, "3 statements: 1 not readable, 2 unchanged\n")
    new = tmp_path / "new.toml"
    new.write_text(TRUSTING.replace('name = "app"', 'name = "another"'))
    status, said = told([*command, str(new)], replay, capsys)
    assert status == 1
    assert "newly denied (28000): app@shop: SELECT 1" in said
    assert said.endswith("3 statements: 2 newly denied, 1 not readable\n")
    status, said = told([*command, str(old), "--before", str(new), "--json"], replay, capsys)
    assert status == 1
    *changes, counts = [json.loads(one) for one in said.splitlines()]
    assert [one["change"] for one in changes] == ["newly allowed", "newly allowed"]
    assert counts == {"statements": 3, "newly allowed": 2, "not readable": 1}


def test_what_is_no_capture_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text(TRUSTING)
    (tmp_path / "c.jsonl").write_text('{"text": 5}\n')
    assert told([str(tmp_path / "c.jsonl"), "--against", str(tmp_path / "a.toml")], replay, capsys)[0] == 2
    assert told(["--config", str(tmp_path / "a.toml")], collecting, capsys)[0] == 1
