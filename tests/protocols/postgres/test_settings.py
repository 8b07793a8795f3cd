"""A startup parameter and the SQL we write for it set the same thing in a real PostgreSQL."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from protocols.postgres.errors import PeerError
from protocols.postgres.settings import NAME_LISTS, literal, setting_sql, value_sql
from tests.protocols.postgres.wire import fault
from tests.servers.postgres import PostgresServer

Session = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def session(postgres_server: PostgresServer) -> Iterator[Session]:
    with psycopg.connect(postgres_server.local(), autocommit=True) as connection:
        yield connection


def applied(session: Session, name: str, value: str) -> str:
    """What PostgreSQL makes of a value given as a startup packet gives it."""
    session.execute("SELECT set_config(%s, %s, false)", (name, value))
    return shown(session, name)


def shown(session: Session, name: str) -> str:
    row = session.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TimeZone", "Europe/Berlin"),
        ("DateStyle", "German, YMD"),
        ("DateStyle", "SQL"),
        ("extra_float_digits", "-3"),
        ("work_mem", "2MB"),
        ("statement_timeout", "90s"),
        ("application_name", "it's; DROP TABLE x --"),
        ("application_name", "back\\slash ' and \\' both"),
        ("application_name", ""),
        ("shop.tenant", "O'Neill"),
        ("shop.user", "a reserved word"),
        ("bytea_output", "escape"),
        ("client_min_messages", "error"),
    ],
)
def test_plain_settings(session: Session, name: str, value: str) -> None:
    expected = applied(session, name, value)
    session.execute("RESET ALL")
    for conforming in ("on", "off"):
        session.execute(f"SET standard_conforming_strings = {conforming}".encode())
        session.execute("SET escape_string_warning = off")
        session.execute(setting_sql(name, value).encode())
        assert shown(session, name) == expected
    session.execute("RESET ALL")


PATHS = [
    "shop",
    "shop, public",
    " shop ,public ",
    'Shop, "Mixed Case", public',
    '"a""b", "c,d"',
    '"$user", public',
    "",
    "  ",
    "ÄÖ",
    '""',
    "a b",
    "a,,b",
    ",",
    "a,",
    '"open',
    '"a"b',
    'a"b',
    "it's",
    "back\\slash",
]


@pytest.mark.parametrize("value", PATHS)
def test_search_path(session: Session, value: str) -> None:
    assert_same_list(session, value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.sampled_from("aB1\"', \t\\;$é") | st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
)
def test_any_search_path(session: Session, value: str) -> None:
    assert_same_list(session, value)


def assert_same_list(session: Session, value: str) -> None:
    """The same schemas in the same order, or refused in the same words."""
    refused = refusal(session, value)
    ours = fault(lambda: setting_sql("search_path", value), PeerError)
    assert ((ours.code, ours.message, ours.detail) if ours else None) == refused
    if refused:
        return
    statement = setting_sql("search_path", value)
    with session.transaction(force_rollback=True):
        # A schema is listed only if it exists: with our reading's names made, each other reading shows.
        named = [name for name in elements(value) if name and not name.startswith("pg_")]
        for name in named:
            session.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
        session.execute("CREATE SCHEMA IF NOT EXISTS admin")
        applied(session, "search_path", value)
        theirs = schemas(session)
        session.execute("RESET ALL")
        session.execute(statement.encode())
        assert schemas(session) == theirs
        assert theirs == list(dict.fromkeys("admin" if name == "$user" else name for name in named))


def refusal(session: Session, value: str) -> tuple[str | None, ...] | None:
    """Why PostgreSQL does not take the value; nothing, if it does."""
    try:
        applied(session, "search_path", value)
    except psycopg.errors.InvalidParameterValue as error:
        return error.diag.sqlstate, error.diag.message_primary, error.diag.message_detail
    finally:
        session.execute("RESET ALL")
    return None


def schemas(session: Session) -> object:
    row = session.execute("SELECT current_schemas(false)").fetchone()
    assert row is not None
    return row[0]


def elements(value: str) -> list[str]:
    """What our own statement names."""
    written = value_sql("search_path", value)
    pieces = re.findall(r"(E?)'((?:[^']|'')*)'", written)
    unquoted = [(escape, text.replace("''", "'")) for escape, text in pieces]
    return [text.replace("\\\\", "\\") if escape else text for escape, text in unquoted]


def test_lists_are_written_element_by_element() -> None:
    assert value_sql("search_path", 'a, "B c", D') == "'a', 'B c', 'd'"
    assert value_sql("session_preload_libraries", "Auto_Explain, /x y/z") == "'Auto_Explain', '/x y/z'"
    assert value_sql("DateStyle", "ISO, DMY") == "'ISO, DMY'"
    assert setting_sql("Search_Path", "") == "SET \"search_path\" = ''"
    assert "temp_tablespaces" in NAME_LISTS


def test_a_literal_cannot_be_left() -> None:
    assert literal("a'b") == "'a''b'"
    assert literal("a\\'b") == "E'a\\\\''b'"
    assert literal("a\0b") == "'ab'"


@pytest.mark.parametrize("name", ["a b", "a;b", 'a"b', "", "a.", "1", "a'"])
def test_a_name_cannot_be_sql(name: str) -> None:
    with pytest.raises(PeerError):
        setting_sql(name, "1")
