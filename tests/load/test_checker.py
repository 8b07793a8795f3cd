"""The checker itself: what is not the client's own is seen, also in answers that broke off."""

import random

import pytest

from protocols.postgres import messages
from protocols.postgres.types import Problem
from tests.load.wire import Message, Parsed, row
from tests.load.work import Caller, Excused, Wrong, expect, expect_error, own

CALLER = Caller(7, random.Random(0), 0, excuses=frozenset({"08006"}))
FAILED = (b"E", messages.error(Problem("ERROR", "22P02", 'invalid input: "c7n1"'))[5:])
LOST = (b"E", messages.error(Problem("ERROR", "08006", "lost"))[5:])


def _row(*values: str) -> Message:
    return b"D", messages.data_row(values)[5:]


def _answer(*heard: Message, status: bytes = b"I") -> Parsed:
    return Parsed(list(heard), status)


def test_its_own_rows_are_well() -> None:
    expect(CALLER, _answer(_row("c7n1", "x")), [["c7n1", "x"]])
    expect_error(CALLER, _answer(FAILED), "22P02", "c7n1")


@pytest.mark.parametrize(
    "answer",
    [
        _answer(_row("c8n1")),
        _answer(_row("c7n2")),
        _answer(),
        _answer(_row("c7n1"), _row("c7n1")),
        _answer(_row("c7n1", "more")),
        _answer(_row("c7n1"), status=b"T"),
        _answer(FAILED),
        _answer(_row("c8n1"), LOST),
    ],
    ids=[
        "another's",
        "an older one",
        "none",
        "twice",
        "wider",
        "in a transaction",
        "failed",
        "another's, broken off",
    ],
)
def test_anything_else_is_wrong(answer: Parsed) -> None:
    with pytest.raises(Wrong):
        expect(CALLER, answer, [["c7n1"]])


def test_an_error_of_another_is_wrong() -> None:
    for mark in ("c8n1", "c7n2"):
        with pytest.raises(Wrong):
            expect_error(CALLER, _answer(FAILED), "22P02", mark)
    with pytest.raises(Wrong):
        expect_error(CALLER, _answer(_row("c7n1")), "22P02", "c7n1")


def test_a_broken_answer_is_excused_when_what_came_was_its_own() -> None:
    with pytest.raises(Excused):
        expect(CALLER, _answer(_row("c7n1"), LOST), [["c7n1"]])
    own(CALLER, [_row("p1ofc7n3", "c7n4")])
    with pytest.raises(Wrong):
        own(CALLER, [_row("c7n1"), _row("p1ofc77n3")])


def test_a_row_with_foreign_bytes_is_none() -> None:
    with pytest.raises(ValueError, match="a row of"):
        row(messages.data_row(["c7n1"])[5:] + b"SFATAL")
