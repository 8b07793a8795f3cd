"""What the console shows of a statement holds nothing that could be somebody's data."""

import pytest

from proxy.native import PlanNeeded, fingerprint
from proxy.texts import LONGEST, Texts


def noted(text: bytes, settings: list[tuple[str, str]] | None = None) -> str:
    key, exact, _ = fingerprint(text)
    texts = Texts(10)
    texts.note(PlanNeeded(1, key, 1, settings or [], None, [], exact, text))
    return texts.of(1, key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"SELECT name FROM p WHERE id = 42 AND k = 'x''y'", "SELECT name FROM p WHERE id = ? AND k = ?"),
        (b"select\n\t$$dollars$$,  E'\\'quoted'", "select ?, ?"),
        (b"SELECT 1 -- said by 'Ann'", "SELECT ? …"),
        (b"SELECT /* Ann */ 1, 2", "SELECT …"),
        (b"SET app.secret = 'x'", "SET …"),
        (b"ALTER USER ann PASSWORD 'open sesame'", None),
        (b"SELECT 'unfinished", None),
        (b"(", None),
    ],
)
def test_literals_are_left_out(text: bytes, shown: str | None) -> None:
    found = noted(text)
    assert shown is None or found == shown
    for secret in ("42", "x'y", "dollars", "quoted", "Ann", "sesame", "unfinished"):
        assert secret not in found


def test_backslashes_are_read_as_the_session_reads_them() -> None:
    text = rb"SELECT 'a\' , secret'"
    assert "secret" not in noted(text, [("standard_conforming_strings", "'off'")])


def test_texts_are_bounded() -> None:
    assert len(noted(b"SELECT " + b", ".join(b"c%d" % n for n in range(1000)))) == LONGEST
    texts = Texts(2)
    for n in range(3):
        texts.note(PlanNeeded(n, b"k", 1, [], None, [], False, b"SELECT c%d" % n))
    assert [texts.of(n, b"k") for n in range(3)] == ["", "SELECT c1", "SELECT c2"]
