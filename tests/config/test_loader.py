"""Reading: files that are no configuration are refused with one clear problem, and nothing else ever comes out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError, Problem
from config.loader import load, spell
from tests.config.ground import ENVIRONMENT

CASES = Path(__file__).parent / "cases"
NAME = Path("/etc/articdbm.toml")


def only_problem(content: bytes) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(NAME, ENVIRONMENT, read=lambda path: content)
    (problem,) = caught.value.problems
    assert str(caught.value) == str(problem)
    return problem


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"a = 1\n[b\n", 2, "this is not TOML"),
        (b"a = 1\na = 2\n", 2, 'this is not TOML: "a" is given twice'),
        (b"a = 1\n\nb =", 3, "this is not TOML: Invalid value"),
        (b"a = 1\r\nb = x\r\n", 2, "this is not TOML: Invalid value"),
        (b"a = '\xff'\n", 1, "this is not UTF-8 text"),
        (b"a = 1\n\n# \xc3\n", 3, "this is not UTF-8 text"),
        (b"\xef\xbb\xbfa = 1\n", 1, "this is not TOML: the file begins with a byte order mark"),
        (b"a = " + b"[" * 100_000, 0, "lists or tables are nested too deep"),
        (b"a = " + b"[" * 100_000 + b"]" * 100_000, 0, "lists or tables are nested too deep"),
        (b"a = 2026-02-30\n", 1, "this is not TOML: Invalid date or datetime"),
        (b"a = " + b"9" * 10_000, 0, "a number or date is out of range"),
        (b"#" * ((16 << 20) + 1), 0, "it is longer than 16 MiB"),
    ],
)
def test_no_toml(content: bytes, line: int, what: str) -> None:
    problem = only_problem(content)
    assert (problem.file, problem.line, problem.severity) == (str(NAME), line, "error")
    assert what in problem.what


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.toml: error: cannot read it: No such file or directory; name a file"
    ):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {})


def test_windows_line_ends_count_as_one() -> None:
    content = (CASES / "smallest.toml").read_bytes().replace(b"\n", b"\r\n") + b"watched = true\r\n"
    problem = only_problem(content)
    assert (problem.line, problem.key) == (content.count(b"\n"), "users[0].watched")


def test_certificates_are_judged_by_the_time_given(ground: Path) -> None:
    file = ground / "in_time.toml"
    file.write_text((CASES / "everything.toml").read_text())
    assert load(file, ENVIRONMENT).problems == ()
    told = [one.what for one in load(file, ENVIRONMENT, now=datetime.now(UTC) + timedelta(days=365)).problems]
    assert len(told) == 4
    assert all("expired on" in one for one in told)
    early = load(file, ENVIRONMENT, now=datetime(2000, 1, 1, tzinfo=UTC)).problems
    assert all("is not valid before" in one.what for one in early)
    assert len(early) == 4


def test_keys_are_spelled_as_in_the_file() -> None:
    assert spell(("clusters", 0, "pool", "size")) == "clusters[0].pool.size"
    assert spell(("a b", "", "c.d", 'e"')) == r'"a b"."".c.d'.replace(".c.d", '."c.d"') + r'."e\""'


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_bytes_are_refused_with_problems(content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with pytest.raises(ConfigError) as caught:
        load(NAME, {}, read=lambda path: raw)
    assert any(problem.severity == "error" for problem in caught.value.problems)


LINES = (CASES / "everything.toml").read_text().splitlines()


@settings(deadline=None)
@given(st.data())
def test_a_broken_line_is_found_or_harmless(data: st.DataObject) -> None:
    """Whatever is done to one line of a good file: a Snapshot or problems, and a type error where the line is."""
    number = data.draw(
        st.sampled_from([at for at, line in enumerate(LINES) if " = " in line and "{" not in line])
    )
    value = data.draw(
        st.sampled_from(
            ["-1", "true", '""', '"x"', "[]", "{}", "0", "1e400", "1979-05-27", "[[1]]", '"env://A"']
        )
    )
    key = LINES[number].split(" = ")[0]
    lines = [*LINES[:number], f"{key} = {value}", *LINES[number + 1 :]]

    def read(path: Path) -> bytes:
        if path == NAME:
            return "\n".join(lines).encode()
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(ConfigError) as caught:  # its certificates are not there, at the least
        load(NAME, ENVIRONMENT, read=read)
    for problem in caught.value.problems:
        assert 0 <= problem.line <= len(lines)
        assert problem.what
        assert problem.fix
