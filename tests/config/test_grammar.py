"""What is said of a text that is not TOML: something that fits, and never a value."""

import pytest

from config.errors import ConfigError, Problem
from config.loader import load


def only_problem(text: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load("articdbm.toml", {}, read=lambda path: text.encode())
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "line", "what", "fix"),
    [
        ("name = main", 1, "Invalid value", "in double quotes"),
        ("wait = 20s", 1, "Expected newline", "in double quotes"),
        ("address = 127.0.0.1:5432", 1, "Expected newline", "in double quotes"),
        ("size: 5", 1, "Expected '='", "write key = value"),
        ("= 3", 1, "Invalid statement", "a line is key = value"),
        ("[limits", 1, "Expected ']'", "close the table's name"),
        ("[[users]", 1, "Expected ']]'", "close the table's name"),
        ('a = ["b" "c"]', 1, "Unclosed array", "a comma between elements"),
        ("a = { b = 1", 1, "Unclosed inline table", "a comma between its keys"),
        (
            "a = { b = 1,\n c = 2 }",
            1,
            "Invalid initial character",
            "an inline table { … } stands on one line",
        ),
        ('a = "b', 1, "Unterminated string", "close the text"),
        ("a = 'b", 1, 'Expected "\'"', "close the text"),
        ('a = "b\n', 1, "Illegal character", "close the text"),
        ('a = "b\x01"', 1, "Illegal character", "write control characters"),
        ('a = "C:\\q"', 1, "Unescaped", "single quotes"),
        ("\ufeffa = 1", 1, "begins with a byte order mark", "without one"),
    ],
)
def test_the_remedy_fits(text: str, line: int, what: str, fix: str) -> None:
    problem = only_problem(text)
    assert problem.line == line
    assert what in problem.what
    assert fix in problem.fix
    assert ("double quotes" in problem.fix) <= (
        what in ("Invalid value", "Expected newline", "Expected '='") or "\x01" in text
    )


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("size = 1\nsize = 2\n", 2, '"size"'),
        ('[a]\nb."c d" = 1\nb."c d" = 2', 3, r'"b.\"c d\""'),
        ("[log]\n[limits]\n[log]\n", 3, '"log"'),
        ("[a.b]\n[a.b]\n", 2, '"a.b"'),
        ("[[users]]\n[users]\n", 2, '"users"'),
        ("log = 1\n[log]\n", 2, '"log"'),
        ("log = 1\n[[ log ]]\n", 2, '"log"'),
        ("a = { b = 1, b = 2 }\n", 1, '"b"'),
        ("a = { b = 1 }\na.c = 2\n", 2, '"a"'),
        ('a = 1\na = [\n"hunter2"]\n', 3, "a key"),
        ('a = 1\na = [\n["hunter2"]]\n', 3, "a key"),
    ],
)
def test_what_is_given_twice_is_named(text: str, line: int, key: str) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.what) == (line, f"this is not TOML: {key} is given twice")


@pytest.mark.parametrize(
    "text", ["password = hunter2", 'p = 1\np = "hunter2"', 'p = "hunter2', "p = 'hunter2'x"]
)
def test_no_value_is_told(text: str) -> None:
    assert "hunter2" not in str(only_problem(text))
