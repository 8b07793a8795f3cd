"""The check of docs/pains.md holds the page to its word."""

from pathlib import Path

import pytest

from checks import pains


def page(**changed: str) -> str:
    rows = {str(number): f"| {number} | hurts | not yet | later | |" for number in pains.NUMBERS}
    return "\n".join((rows | {name.removeprefix("n"): row for name, row in changed.items()}).values())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests" / "pains").mkdir(parents=True)
    (tmp_path / "tests" / "pains" / "test_a.py").write_text("def test_pain_03_x(): ...\n")
    return tmp_path


THREE = "| 3 | hurts | proved | helped | `tests/pains/test_a.py::test_pain_03_x` |"


def test_a_page_that_keeps_its_word(root: Path) -> None:
    assert pains.problems(page(n3=THREE), root) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| 3 | hurts | proved | helped | |", "no test is named"),
        ("| 3 | hurts | proved | helped | `tests/pains/test_a.py::test_pain_04_x` |", "no test"),
        ("| 3 | hurts | perhaps | helped | `tests/pains/test_a.py::test_pain_03_x` |", "state 'perhaps'"),
        ("| 3 | | not yet | | `tests/pains/test_a.py::test_pain_03_x` |", "nothing said"),
        ("| 3 | hurts | proved | `tests/pains/test_a.py::test_pain_03_x` |", "4 cells"),
        (THREE.replace("| 3", "| 4", 1), "pain 3 is there 0 times"),
        ("| 3 | hurts | not yet | later | |", "no row names"),
    ],
)
def test_a_page_that_does_not(root: Path, row: str, said: str) -> None:
    assert any(said in problem for problem in pains.problems(page(n3=row), root))
