"""Every kind of problem: each file in cases/ says in comments what is found in it and where, and nothing else is.

`#! error: text` is a problem at that line; `#! line -1 error: text` one a line above; `#! file error: text` one of the
whole file. FOLDER stands for the folder the file is in.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import ConfigError, Problem
from config.loader import load
from tests.config.ground import ENVIRONMENT

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))
USABLE = {"everything", "smallest"}
EXPECTED = re.compile(r"#! (?:(file|line -\d+) )?(error|warning): (.+)$")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path, ground: Path) -> None:
    text = case.read_text().replace("FOLDER", str(ground))
    file = ground / case.name
    file.write_text(text)
    try:
        problems, usable = load(file, ENVIRONMENT).problems, True
    except ConfigError as error:
        problems, usable = error.problems, False
    left = list(problems)
    for line, severity, told in expected(text):
        found = [one for one in left if one.line == line and one.severity == severity and told in plain(one)]
        assert found, f"{file.name}:{line}: {severity}: {told!r} is not among\n" + "\n".join(map(str, left))
        left.remove(found[0])
    assert not left, "found, but not foretold:\n" + "\n".join(map(str, left))
    assert usable == (case.stem in USABLE)
    assert list(problems) == sorted(problems, key=lambda one: one.line)


def test_no_message_tells_a_secret(ground: Path) -> None:
    text = (Path(__file__).parent / "cases" / "secrets.toml").read_text()
    assert "hunter2" in text
    file = ground / "secrets.toml"
    file.write_text(text.replace("FOLDER", str(ground)))
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRONMENT)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__


def expected(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for place, severity, told in EXPECTED.findall(line):
            yield 0 if place == "file" else number + int(place.removeprefix("line ") or 0), severity, told


def plain(problem: Problem) -> str:
    return f"{problem.key}: {problem.what}; {problem.fix}"
