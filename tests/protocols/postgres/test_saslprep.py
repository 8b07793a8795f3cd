"""Passwords of every kind: the keys we derive are those that a real PostgreSQL stores."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from protocols.postgres.saslprep import prepared
from protocols.postgres.scram import Verifier
from tests.servers.postgres import PostgresServer

PASSWORDS = {
    "ASCII": "pencil",
    "ASCII with control characters": "pen\tcil\x7f",
    "soft hyphen vanishes": "I\u00adX",
    "non-ASCII space becomes a space": "a\u00a0b\u3000c",
    "zero width space is a space to PostgreSQL": "a\u200bb",
    "compatibility forms are unfolded": "\u00aa\u2168\ufb01",
    "combined and precombined": "e\u0301 \u00e9",
    "only what vanishes": "\u00ad\u00ad",
    "prohibited: control character": "é\u0085",
    "prohibited: a tab among letters": "é\tx",
    "prohibited: private use": "a\ue000",
    "prohibited: left-to-right mark": "a\u200e",
    "unassigned in Unicode 3.2": "a\u0221",
    "an emoji younger than Unicode 3.2": "key\U0001f511",
    "right to left": "\u0627\u0628",
    "right to left, ending in a digit": "\u06271",
    "right to left among left to right": "a\u0627b",
    "right to left around neutral": "\u0627 1\u0628",
    "a prohibited one that only normalisation makes": "\u2126\u037e",
}


@pytest.fixture(scope="module")
def stored(postgres_server: PostgresServer) -> Iterator[Callable[[str], Verifier]]:
    """What PostgreSQL stores of a password."""
    with psycopg.connect(postgres_server.local(), autocommit=True) as connection:
        connection.execute("CREATE ROLE prepared_passwords")
        connection.execute("SET password_encryption = 'scram-sha-256'")

        def store(password: str) -> Verifier:
            connection.execute(sql.SQL("ALTER ROLE prepared_passwords PASSWORD {}").format(password))
            query = "SELECT rolpassword FROM pg_authid WHERE rolname = 'prepared_passwords'"
            row = connection.execute(query).fetchone()
            assert row is not None
            return Verifier.parse(row[0])

        yield store
        connection.execute("DROP ROLE prepared_passwords")


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
def test_known_corners(stored: Callable[[str], Verifier], password: str) -> None:
    theirs = stored(password)
    assert Verifier.from_password(password, theirs.salt, theirs.iterations) == theirs
    assert Verifier.parse(theirs.text()) == theirs


CORNERS = st.sampled_from(
    "aé1\u00ad\u00a0\u0627\u0628\u200b\u0300\u0085\ufb01\u0660\u05d0\uac00\u1100\u1161 "
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(
        CORNERS | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
    )
)
def test_any_password(stored: Callable[[str], Verifier], password: str) -> None:
    theirs = stored(password)
    assert Verifier.from_password(password, theirs.salt, theirs.iterations) == theirs


@given(st.binary())
def test_any_bytes_give_bytes(password: bytes) -> None:
    assert isinstance(prepared(password), bytes)


def test_what_is_not_utf8_stays_as_it_is() -> None:
    assert prepared(b"\xffabc") == b"\xffabc"
    assert Verifier.from_password("\udcff", b"salt", 1) == Verifier.from_password(b"\xff", b"salt", 1)
