"""The support check holds the page to its word."""

from pathlib import Path

import pytest

from checks import support

HEAD = "# What works\n\n| feature | engine | state | test |\n|---|---|:-:|---|\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test_a.py").write_text(
        "def test_one(): ...\nasync def test_two(): ...\ndef other(): ...\nclass TestC:\n    def test_in(self): ...\n"
    )
    (tmp_path / "a.rs").write_text("#[test]\nfn frames() {}\n\nfn helps() {}\n")
    return tmp_path


@pytest.mark.parametrize(
    "row",
    [
        "| TLS | PostgreSQL | yes | `test_a.py::test_one` |",
        "| TLS | PostgreSQL | yes | `test_a.py::test_two`, `a.rs::tests::frames` |",
        "| TLS | PostgreSQL | yes | test_a.py::TestC::test_in |",
        "| TLS | PostgreSQL | yes | `test_a.py::test_one[17]` |",
        "| TLS | MySQL | no | |",
        "| TLS | MySQL | partly | |",
    ],
)
def test_a_row_that_keeps_its_word(root: Path, row: str) -> None:
    assert support.problems(HEAD + row, root) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| TLS | PostgreSQL | yes | |", "names no test"),
        ("| TLS | PostgreSQL | yes | `test_a.py` |", "no test 'test_a.py'"),
        ("| TLS | PostgreSQL | yes | `test_b.py::test_one` |", "no test"),
        ("| TLS | PostgreSQL | yes | `test_a.py::test_three` |", "no test"),
        ("| TLS | PostgreSQL | yes | `test_a.py::other` |", "no test"),
        ("| TLS | PostgreSQL | yes | `test_a.py::test_in` |", "no test"),
        ("| TLS | PostgreSQL | yes | `a.rs::helps` |", "no test"),
        ("| TLS | PostgreSQL | partly | `test_a.py::test_three` |", "no test"),
        ("| TLS | PostgreSQL | mostly | |", "state 'mostly'"),
        ("| | PostgreSQL | no | |", "no feature"),
        ("| TLS | | no | |", "no engine"),
        ("| TLS | no | |", "3 cells"),
    ],
)
def test_a_row_that_does_not(root: Path, row: str, said: str) -> None:
    (problem,) = support.problems(HEAD + row, root)
    assert problem.startswith("docs/support.md:5: ")
    assert said in problem


def test_a_page_without_a_table(root: Path) -> None:
    assert support.problems("# What works\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", root)
