"""What tools ask a database about itself, of a real PostgreSQL and of the embedded store: the same answers to SQLAlchemy,
Django, psql and pgjdbc, unchanged. `catalogues/schema.sql` is what they are asked about."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from tests.integration.drivers.toolchains import JAVA
from tests.servers import proxy

SCHEMA = Path(__file__).parent / "catalogues" / "schema.sql"


class Pair(NamedTuple):
    """The same tables in both."""

    real: str
    store: str


@pytest.fixture
def pair(real: str, store: proxy.Proxy) -> Pair:
    for dsn in (real, store.dsn()):
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in SCHEMA.read_text().split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
    return Pair(real, store.dsn())


def same(pair: Pair, ask: Callable[[str], Mapping[str, object]]) -> None:
    """Both say the same, and something."""
    want, have = ask(pair.real), ask(pair.store)
    assert want
    differ = [
        f"{key}\n    PostgreSQL: {want[key]}\n    embedded:   {have.get(key)}"
        for key in want
        if want[key] != have.get(key)
    ]
    assert not differ, "\n".join(differ)
    assert want.keys() == have.keys()


# --- SQLAlchemy -----------------------------------------------------------------------------------


def _engine(dsn: str) -> sa.Engine:
    said = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    url = sa.URL.create(
        "postgresql+psycopg",
        said["user"],
        said.get("password"),
        said["host"],
        int(said["port"]),
        said["dbname"],
    )
    return sa.create_engine(url)


_OF_TABLES = (
    "columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment",
    "table_options",
)  # fmt: skip


def _inspected(dsn: str) -> dict[str, object]:
    engine = _engine(dsn)
    said: dict[str, object] = {}
    with engine.connect() as connection:
        found = sa.inspect(connection)
        said["schemas"] = found.get_schema_names()
        for name in ("authors", "priced", "tickets", "nowhere"):
            said[f"has {name}"] = (found.has_table(name), found.has_sequence(name))
        said["has an index"] = (found.has_index("books", "books_kind"), found.has_index("books", "nope"))
        said["has a schema"] = (found.has_schema("depot"), found.has_schema("nope"))
        for schema in (None, "public", "depot"):
            said[f"{schema}: tables"] = sorted(found.get_table_names(schema=schema))
            said[f"{schema}: views"] = sorted(found.get_view_names(schema=schema))
            said[f"{schema}: materialized"] = found.get_materialized_view_names(schema=schema)
            said[f"{schema}: sequences"] = sorted(found.get_sequence_names(schema=schema))
            for what in _OF_TABLES:
                for key, value in getattr(found, f"get_multi_{what}")(
                    schema=schema, kind=sa.engine.reflection.ObjectKind.ANY
                ).items():
                    parts = [repr(one) for one in value] if isinstance(value, list) else [repr(value)]
                    # Only the columns have an order of their own.
                    said[f"{key} {what}"] = parts if what == "columns" else sorted(parts)
    engine.dispose()
    return said


def test_sqlalchemy_inspects(pair: Pair) -> None:
    same(pair, _inspected)


def _reflected(dsn: str) -> dict[str, object]:
    engine = _engine(dsn)
    metadata = sa.MetaData()
    metadata.reflect(bind=engine, views=True)
    alone = sa.Table("items", sa.MetaData(), autoload_with=engine, schema="depot")
    said: dict[str, object] = {
        one.name: str(sa.schema.CreateTable(one).compile(engine)) for one in metadata.sorted_tables
    }
    said["alone"] = repr(alone)
    engine.dispose()
    return said


def test_sqlalchemy_reflects(pair: Pair) -> None:
    same(pair, _reflected)


def test_what_sqlalchemy_reflects_can_be_made_again(pair: Pair) -> None:
    """Its texts are understood by the store that gave them."""
    engine = _engine(pair.store)
    metadata, again = sa.MetaData(), sa.MetaData()
    metadata.reflect(bind=engine)
    before = {one.name: str(sa.schema.CreateTable(one).compile(engine)) for one in metadata.sorted_tables}
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW priced"))
        connection.execute(sa.text("DROP SCHEMA depot CASCADE"))
        for one in reversed(metadata.sorted_tables):
            connection.execute(sa.schema.DropTable(one))
        metadata.create_all(connection)
    again.reflect(bind=engine)
    assert {
        one.name: str(sa.schema.CreateTable(one).compile(engine)) for one in again.sorted_tables
    } == before
    engine.dispose()


# --- Django ---------------------------------------------------------------------------------------

DJANGO = """
import io, sys
import django
from django.conf import settings
host, port, name, user, password = sys.argv[1:]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": user, "PASSWORD": password,
                           "HOST": host, "PORT": port}},
    INSTALLED_APPS=["django.contrib.contenttypes"], USE_TZ=True, SECRET_KEY="x")
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("inspectdb", include_views=True)
with connection.cursor() as cursor:
    found = connection.introspection
    for table in sorted(found.get_table_list(cursor)):
        print(tuple(table))
        for column in found.get_table_description(cursor, table.name):
            print(*map(str, column))
        print(sorted(map(repr, found.get_sequences(cursor, table.name))), found.get_primary_key_columns(cursor, table.name))
        print(sorted(found.get_relations(cursor, table.name).items()))
        for name, said in sorted(found.get_constraints(cursor, table.name).items()):
            print(name, said)
"""


def test_django_inspects(pair: Pair, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(DJANGO)

    def ask(dsn: str) -> dict[str, object]:
        said = conninfo_to_dict(dsn)
        where = [str(said.get(one) or "") for one in ("host", "port", "dbname", "user", "password")]
        run = subprocess.run(
            [sys.executable, str(program), *where], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "class Authors" in run.stdout
        return {f"line {number}": line for number, line in enumerate(run.stdout.splitlines(), 1)}

    same(pair, ask)


# --- pgjdbc ---------------------------------------------------------------------------------------


def _metadata(dsn: str) -> dict[str, list[str]]:
    """The answers by their questions; each is asked twice, by either protocol."""
    said = conninfo_to_dict(dsn)
    names = {"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user"}
    where = {name: str(said[key]) for name, key in names.items()}
    where["PGPASSWORD"] = str(said.get("password") or "none")
    made = JAVA.programs()
    run = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{made}:{made}/*", "Metadata"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **where},
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, list[str]] = {}
    question = ""
    for line in run.stdout.splitlines():
        if line.startswith("# "):
            question = line
            while question in found:
                question += " again"
            found[question] = []
        else:
            found[question].append(line)
    return found


def test_pgjdbc_tells_of_tables(pair: Pair) -> None:
    want, have = _metadata(pair.real), _metadata(pair.store)
    assert len(want) > 100
    for question in ("# getTypeInfo", "# getTypeInfo again"):
        # The store knows some of the types there are.
        mine, theirs = have.pop(question), want.pop(question)
        assert len(mine) > 50
        assert set(mine) <= set(theirs), sorted(set(mine) - set(theirs))
    same(Pair("want", "have"), lambda which: {"want": want, "have": have}[which])


# --- psql -----------------------------------------------------------------------------------------

SAME = r"""
\d \d authors \d books \d holdings \d shelves \d "Odd Names" \d priced \d tickets \d books_kind \d books_priced \d authors_folded
\d authors_id_seq \d depot.items \d depot.named \d *.items \d depot.* \d nowhere \d+ authors \d+ books \d+ holdings
\d+ "Odd Names" \d+ shelves \d+ books_priced \d+ tickets \d+ depot.items \dt \dt *.items \dt depot.* \dt b* \di \di depot.* \ds
\dv \dv+ \dm \dE \dti \df \df md5 \df+ \da \dT \dT+ \dp \dp books \z \dD \dP \dX \dy \dl \drds \dRp \dRs \ddp \det \des
\dew \deu \dconfig work_mem \encoding
"""
OWN = {
    r"\l": "shop", r"\l+": "pg_default", r"\dt+": "authors", r"\di+": "books_kind", r"\ds+": "tickets",
    r"\d+": "priced", r"\dn+": "depot", r"\dn": "depot", r"\df upper": "upper", r"\dnS": "pg_catalog", r"\du": "app", r"\du+": "app", r"\d+ priced": "View definition",
    r"\sv priced": "CREATE OR REPLACE VIEW", r"\dA": "btree", r"\db": "pg_default", r"\dT text": "text",
    r"\df count": "bigint", r"\d pg_class": "relname", r"\dtS pg_cl*": "pg_class", r"\dL": "List of languages",
    r"\dx": "List of installed extensions", r"\dO": "List of collations", r"\d information_schema.tables": "table_type",
}  # fmt: skip
"""What is told, and is not the same on two servers: sizes, other users, what a server brings with it."""
REFUSED = (r"\dc", r"\dC", r"\dd", r"\do", r"\dF", r"\dFd", r"\dFp", r"\dFt", r"\sf lower")


def _psql(dsn: str, command: str) -> str:
    run = subprocess.run(["psql", "-X", dsn, "-c", command], capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def test_psql_shows(pair: Pair) -> None:
    commands = [one.strip() for one in re.split(r"\s(?=\\)", SAME.strip())]
    same(pair, lambda dsn: {one: _psql(dsn, one) for one in commands})


def test_psql_shows_what_is_its_own(pair: Pair) -> None:
    for command, words in OWN.items():
        said = _psql(pair.store, command)
        assert "ERROR" not in said, f"{command}: {said}"
        assert words in said, f"{command}: {said}"


def test_psql_hears_what_cannot_be_told(pair: Pair) -> None:
    for command in REFUSED:
        assert "the embedded store does not support" in _psql(pair.store, command), command
