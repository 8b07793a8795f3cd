"""Every statement of `statements/*.sql`, on a real PostgreSQL and on the embedded store: the same rows, as text and in
binary, the same types, names, tags and error codes. What is marked `-- differs` is refused with that code."""

from pathlib import Path

import psycopg
import pytest

from tests.answers import comparing
from tests.servers import proxy

FILES = sorted((Path(__file__).parent / "statements").glob("*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_same_answers(file: Path, real: str, store: proxy.Proxy) -> None:
    one, other = comparing.connect(real), comparing.connect(store.dsn())
    wrong: list[str] = []
    asked = 0
    for line, text, differs in comparing.statements(file):
        want, have = comparing.ask(one, text), comparing.ask(other, text)
        asked += 1
        if differs:
            if have.code != differs or want.code == differs:
                wrong.append(f"{line}: {text}\n    marked as {differs}: {want} and {have}")
            continue
        if want == have and want.code == "00000" and comparing.reads_only(text):
            want, have = comparing.ask_in_binary(one, text), comparing.ask_in_binary(other, text)
        if want != have:
            wrong.append(f"{line}: {text}\n    PostgreSQL: {want}\n    embedded:   {have}")
    assert not wrong, f"{len(wrong)} of {asked} differ\n" + "\n".join(wrong)
    assert asked


REFUSED_ROWS = (
    "INSERT INTO shown (a) VALUES (1), (NULL), (3)",
    "INSERT INTO shown VALUES (1, 2, 1.5, true, '2024-01-01 10:00', repeat('é', 80), '{1,NULL}', '\\x01'), (2, NULL, 1, true, NULL, '', '{}', '')",
    "INSERT INTO shown (a, b) SELECT 1, -n FROM generate_series(-1, 1) n",
    "UPDATE shown SET a = NULL WHERE id = 9",
    "UPDATE shown SET b = b - 10 RETURNING id",
    "INSERT INTO shown (id, a) VALUES (9, 1) ON CONFLICT (id) DO UPDATE SET a = NULL",
)


def test_a_row_that_is_refused_is_shown(real: str, store: proxy.Proxy) -> None:
    said: list[list[tuple[str | None, ...]]] = []
    for dsn in (real, store.dsn()):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE shown (id int PRIMARY KEY DEFAULT 5, a int NOT NULL, b numeric(5, 2) CHECK (b > 0), c bool,"
                " d timestamp, e text, f int[], g bytea)"
            )
            connection.execute(
                "INSERT INTO shown VALUES (9, 7, 1.5, false, '2024-01-01', repeat('é', 80), '{1,2}', 'x')"
            )
            told: list[tuple[str | None, ...]] = []
            for statement in REFUSED_ROWS:
                with pytest.raises(psycopg.errors.IntegrityError) as caught:
                    connection.execute(statement)
                diag = caught.value.diag
                told.append((diag.sqlstate, diag.message_primary, diag.message_detail))
            assert connection.execute("SELECT count(*), min(a) FROM shown").fetchone() == (1, 7)
            said.append(told)
    assert said[0] == said[1]
    assert all(str(one[2]).startswith("Failing row contains (") for one in said[0])
