"""`articdbm check` and `articdbm schema`, as a shell sees them; and the table of all commands."""

import io
import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from articdbm.main import COMMANDS, main, parser
from config.reference import markdown
from config.schema import json_schema
from plugins.registry import Registry

CASES = Path(__file__).parents[1] / "config" / "cases"
ROOT = Path(__file__).parents[2]


def test_a_good_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PASSWORD", "hunter2")
    file = CASES / "smallest.toml"
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr() == ("", f"{file}: good: 0 errors, 0 warnings\n")


def test_warnings_leave_it_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "articdbm.toml"
    file.write_text((CASES / "smallest.toml").read_text().replace("env://APP_PASSWORD", "hunter2"))
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr()
    line = file.read_text().splitlines().index('password = "hunter2"') + 1
    assert said.out.startswith(f"{file}:{line}: warning: users[0].password: the password stands in the file")
    assert said.err == f"{file}: good: 0 errors, 1 warning\n"


def test_every_error_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    file = CASES / "typo_in_a_section.toml"
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == (
        f'{file}:7: error: cluster: this key is unknown; did you mean "clusters"?\n'
        f'{file}:14: error: user: this key is unknown; did you mean "users"?\n'
    )
    assert said.err == f"{file}: not usable: 2 errors, 0 warnings\n"


def test_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    file = CASES / "typo_in_a_section.toml"
    assert main(["check", "--json", str(file)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["good"], len(told["problems"])) == (str(file), False, 2)
    assert told["problems"][0] == {
        "file": str(file),
        "line": 7,
        "key": "cluster",
        "what": "this key is unknown",
        "fix": 'did you mean "clusters"?',
        "severity": "error",
    }


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (CASES / "typo_in_a_section.toml").read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    assert main(["check", "-"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == '-:7: error: cluster: this key is unknown; did you mean "clusters"?'
    assert said.err == "-: not usable: 2 errors, 0 warnings\n"


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"ArticDBM {metadata.version('articdbm')}\n")


def test_the_schema_and_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema(Registry().kinds(())[0])
    assert main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown(Registry().kinds(())[0])


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], *([name, "--help"] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            main(argv)
        assert ended.value.code == 0
        page = capsys.readouterr().out
        assert "examples:" in page
        assert "Exit status: 0 " in page or argv[0] == "schema"
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    page = capsys.readouterr().out
    assert all(name in page for name in COMMANDS)


@pytest.mark.parametrize(
    "argv",
    [[], ["chekc"], ["check", "a", "b"], ["check", "--yaml"], ["serve", "a.toml", "--config", "b.toml"]],
)
def test_what_is_not_understood(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: articdbm")


@pytest.mark.parametrize("given", ["99999", "65536", "0", "-1", "x"])
def test_a_port_that_is_none(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", f"--port-base={given}"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{given!r} is not a port from 1 to 65535")


def test_a_command_is_one_line_in_the_table() -> None:
    def arguments(inner: ArgumentParser) -> None:
        inner.add_argument("--loud", action="store_true")

    def run(options: Namespace) -> int:
        return 7 if options.loud else 0

    greet = SimpleNamespace(HELP="say hello", arguments=arguments, run=run)
    options = parser({"greet": greet}).parse_args(["greet", "--loud"])
    assert options.run(options) == 7


def test_it_runs_as_a_module_and_bears_a_reader_that_leaves() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "articdbm", "schema"],
            cwd=ROOT,
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_check_does_without_the_core() -> None:
    code = (
        "import sys; from articdbm.main import main; "
        f"status = main(['check', {str(CASES / 'nothing.toml')!r}]); "
        "sys.exit(50 if 'proxy._core' in sys.modules or 'proxy.native' in sys.modules else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
