"""The reading of statements: the corpus against what it must be, and against a PostgreSQL that runs it.

On the server every column holds values that say where they are stored, so that what comes out tells where it came
from; and a column that a result is said not to depend on is changed, and must change nothing.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from plugins.catalogue import Catalogue, Names
from plugins.model import Field, Source
from tests.plugins.lineage_corpus import SCHEMA, Case, cases, loaded, reading, told
from tests.servers.postgres import PostgresServer

PLAIN, WRITING, UNKNOWN = (list(cases(name)) for name in ("plain.sql", "writing.sql", "unknown.sql"))
MARK = re.compile(r"<([^<>]+)\.([^<>.]+)>")
Rows = list[tuple[str | None, ...]]


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    postgres_server.execute("CREATE DATABASE lineage")
    postgres_server.execute(SCHEMA, "lineage")
    yield "lineage"
    postgres_server.execute("DROP DATABASE lineage (FORCE)")


@pytest.fixture(scope="module")
def known(postgres_server: PostgresServer, database: str) -> tuple[Catalogue, Names]:
    return loaded(postgres_server, database)


@pytest.mark.parametrize("case", [*PLAIN, *WRITING, *UNKNOWN], ids=lambda case: case.place)
def test_reading_of(case: Case, known: tuple[Catalogue, Names]) -> None:
    assert told(reading(case.text, known[1])) == case.facts


def test_the_corpus_is_not_cut_short() -> None:
    assert (len(PLAIN) > 130, len(WRITING) > 40, len(UNKNOWN) > 25) == (True, True, True)


@pytest.mark.parametrize("case", UNKNOWN, ids=lambda case: case.place)
def test_a_guard_closes_on_what_is_unknown(case: Case, known: tuple[Catalogue, Names]) -> None:
    found = reading(case.text, known[1])
    salary = Field(Source("hr", "people"), "salary")
    assert not found.sure
    assert found.may_show(salary) or found.reads.possibly(salary.source)


@pytest.mark.parametrize("case", [*PLAIN, *WRITING], ids=lambda case: case.place)
def test_without_a_catalogue_nothing_is_certain(case: Case, known: tuple[Catalogue, Names]) -> None:
    found, better = reading(case.text, None), reading(case.text, known[1])
    if better.reads.items or better.writes.items:
        assert not found.sure
        assert not found.reads.whole or not found.writes.whole
    secret = Field(Source("hr", "people"), "salary")
    assert found.may_show(secret) or not any(output.value for output in better.outputs)
    assert found.may_store(secret) or not any(stored.origin.value for stored in better.stores)


# --- against the server ------------------------------------------------------------------------------


def text_of(cell: object) -> str | None:
    if cell is None:
        return None
    return cell if isinstance(cell, str) else json.dumps(cell, default=str, sort_keys=True)


def ran(connection: psycopg.Connection, text: str, *, first: str = "") -> Rows | None:
    """Its rows, in a transaction that comes to nothing; None where the server refuses it."""
    try:
        with connection.transaction(force_rollback=True):
            if first:
                connection.execute(first.encode())
            cursor = connection.execute(text.replace("$1", "1").replace("$2", "'x'").encode())
            return (
                [tuple(text_of(cell) for cell in row) for row in cursor.fetchall()]
                if cursor.description
                else []
            )
    except psycopg.Error:
        return None


def runnable() -> list[Case]:
    """Those that give rows and hold no session state."""
    skipped = ("EXPLAIN", "COPY", "PREPARE", "DECLARE", "BEGIN", "SET ", "DEALLOCATE")
    return [case for case in [*PLAIN, *WRITING] if not case.text.startswith(skipped) and ";" not in case.text]


def test_what_comes_out_was_said_to(
    postgres_server: PostgresServer, database: str, known: tuple[Catalogue, Names]
) -> None:
    """Marks in a column of the result are of fields in its value; and hardly any field is named without need."""
    counts: Counter[str] = Counter()
    with psycopg.connect(postgres_server.local(database), autocommit=True) as connection:
        for case in runnable():
            rows = ran(connection, case.text)
            assert rows is not None, (case.place, case.text)
            found = reading(case.text, known[1])
            if not found.shown or not rows:
                continue
            assert len(found.outputs) == len(rows[0]), (case.place, case.text)
            for at, output in enumerate(found.outputs):
                seen = {mark.groups() for row in rows for mark in MARK.finditer((row[at] or "").lower())}
                said = {
                    (str(field.source).removeprefix("public.").lower(), field.name.lower())
                    for field in output.value
                }
                assert seen <= said, (case.place, case.text, output.name)
                counts["columns"] += 1
                counts["marks"] += bool(seen)
                counts["needed"] += len(seen)
    assert counts["columns"] > 250, counts
    assert counts["marks"] > 150, counts


def test_what_is_not_said_to_matter_does_not(
    postgres_server: PostgresServer, database: str, known: tuple[Catalogue, Names]
) -> None:
    """Change every column in turn: a result's column that changes with it has it in its value or its condition."""
    catalogue, names = known
    stored = [
        (relation.source, column.name, column.type)
        for relation in catalogue.relations
        if relation.source.space in ("public", "hr") and relation.kind == "table" and not relation.parents
        for column in relation.columns
        if (relation.source.name, column.name) != ("events", "id")
    ]
    compared = changed = 0
    with psycopg.connect(postgres_server.local(database), autocommit=True) as connection:
        for case in runnable():
            found = reading(case.text, names)
            if not found.shown or not found.outputs:
                continue
            before = ran(connection, case.text)
            for source, name, kind in stored:
                touched = {Field(one, name) for one in catalogue.kin(source)}
                free = [
                    at
                    for at, output in enumerate(found.outputs)
                    if touched.isdisjoint(output.value | output.condition)
                    and output.sure
                    and output.condition_sure
                ]
                for how in changes(kind):
                    first = sql.SQL("UPDATE {} SET {} = " + how).format(
                        sql.Identifier(source.space, source.name),
                        sql.Identifier(name),
                        own=sql.Identifier(name),
                    )
                    after = ran(connection, case.text, first=first.as_string())
                    if before is None or after is None:
                        continue
                    for at in free:
                        compared += 1
                        assert column(after, at) == column(before, at), (
                            case.place,
                            case.text,
                            source,
                            name,
                            at,
                        )
                    changed += after != before
    assert compared > 10_000
    assert changed > 500, "the changes above have to be ones that show"


def changes(kind: str) -> list[str]:
    """Other values for a column, as SQL."""
    if kind == "text":
        return ["reverse({own})", "NULL"]
    if kind == "integer":
        return ["{own} + 1000"]
    return ["NULL"]


def column(rows: Rows, at: int) -> list[str]:
    return sorted("NULL" if row[at] is None else str(row[at]) for row in rows)


# --- names -------------------------------------------------------------------------------------------


def test_an_unqualified_name_is_looked_up_along_the_search_path(known: tuple[Catalogue, Names]) -> None:
    catalogue, _ = known
    for path, source in ((("pg_catalog", "public", "hr"), "public"), (("pg_catalog", "hr", "public"), "hr")):
        found = reading("SELECT id FROM users", Names(catalogue, path))
        assert found.reads.items == {Source(source, "users")}
    unsure = reading("SELECT id FROM users", Names(catalogue, ("pg_catalog", "hr", "public"), sure=False))
    assert not unsure.sure
    only_one = reading("SELECT id FROM people", Names(catalogue, ("pg_catalog", "hr", "public"), sure=False))
    assert only_one.reads.items == {Source("hr", "people")}
    assert only_one.sure


def test_a_catalogue_that_is_not_all_there_says_so() -> None:
    found = reading("SELECT a FROM t", Names(Catalogue(partial="more relations than are kept")))
    assert found.doubts == ("t is not in the catalogue (more relations than are kept)",)


def test_functions_have_the_volatility_of_the_worst(known: tuple[Catalogue, Names]) -> None:
    found = reading(
        "SELECT nextval('s'), abs(id), reads_all(), initcap(email) FROM users WHERE now() > 'x'", known[1]
    )
    assert {(one.space, one.name, one.volatility) for one in found.functions.items} == {
        ("pg_catalog", "nextval", "volatile"),
        ("pg_catalog", "abs", "immutable"),
        ("pg_catalog", "now", "stable"),
        ("public", "reads_all", "stable"),
        ("", "initcap", "stable"),
    }


def test_placeholders_are_counted() -> None:
    assert reading("SELECT $2, $11, '$99', \"$7\" FROM t", None).placeholders == 11


def test_there_is_no_way_to_ask_carelessly() -> None:
    """`x in reading.reads` would take what is unknown for what is not there."""
    found = reading("SELECT a FROM t", None)
    with pytest.raises(TypeError):
        _ = Source("public", "t") in found.reads  # type: ignore[operator]
