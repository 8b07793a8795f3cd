"""Drivers and mappers, unchanged, on the embedded store."""

import asyncio
import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from tests.servers import proxy

VALUES = {
    "b": True, "i": 5, "l": 1 << 40, "n": Decimal("12.50"), "f": 2.5, "t": "naïve", "y": b"\x00\xff", "d": date(2024, 2, 29),
    "s": datetime.fromisoformat("2024-02-29T10:20:30.123456"), "z": datetime(2024, 2, 29, 10, 20, tzinfo=UTC),
    "v": timedelta(days=3, hours=2), "u": UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "a": [1, 2, None],
}  # fmt: skip
TABLE = """CREATE TABLE every (b boolean, i int, l bigint, n numeric(8, 2), f float8, t text, y bytea, d date, s timestamp,
    z timestamptz, v interval, u uuid, a int[])"""


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg(store: proxy.Proxy, *, binary: bool) -> None:
    with psycopg.connect(store.dsn()) as connection:
        connection.execute(TABLE)
        marks = ", ".join(["%b" if binary else "%s"] * len(VALUES))
        connection.execute(f"INSERT INTO every VALUES ({marks})", list(VALUES.values()))
        cursor = connection.cursor(binary=binary)
        assert cursor.execute("SELECT * FROM every").fetchone() == tuple(VALUES.values())
        for _ in range(8):  # prepared from the fifth on
            assert cursor.execute("SELECT n FROM every WHERE t = %s AND i > %s", ("naïve", 1)).fetchone()
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("SELECT 1 / 0")
        with connection.pipeline():
            one = connection.execute("SELECT 1")
            two = connection.execute("SELECT 2")
            assert (one.fetchone(), two.fetchone()) == ((1,), (2,))


def test_a_portal_gives_its_rows_in_parts(store: proxy.Proxy) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(host=store.host, port=store.port, user="app", database="shop")
        try:
            async with connection.transaction():
                found = [
                    row[0]
                    async for row in connection.cursor("SELECT g FROM generate_series(1, 1000) g", prefetch=7)
                ]
            assert found == list(range(1, 1001))
        finally:
            await connection.close()

    asyncio.run(run())


def test_asyncpg(store: proxy.Proxy) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(host=store.host, port=store.port, user="app", database="shop")
        try:
            await connection.execute(TABLE)
            marks = ", ".join(f"${at}" for at in range(1, len(VALUES) + 1))
            await connection.execute(f"INSERT INTO every VALUES ({marks})", *VALUES.values())
            assert tuple(await connection.fetchrow("SELECT * FROM every")) == tuple(VALUES.values())
            await connection.executemany("INSERT INTO every (i) VALUES ($1)", [(at,) for at in range(10, 20)])
            assert (
                await connection.fetchval(
                    "SELECT count(*) FROM every WHERE i = ANY ($1::int[])", [10, 11, 99]
                )
                == 2
            )
            with pytest.raises(asyncpg.UndefinedTableError):
                await connection.fetch("SELECT * FROM nowhere")
        finally:
            await connection.close()

    asyncio.run(run())


class Base(orm.DeclarativeBase):
    """SQLAlchemy's tables."""


class Author(Base):
    __tablename__ = "authors"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True)
    born: orm.Mapped[date | None]
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    price: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(8, 2))
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("authors.id"), index=True)
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


def test_sqlalchemy(store: proxy.Proxy) -> None:
    engine = sa.create_engine(f"postgresql+psycopg://app@{store.host}:{store.port}/shop")
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)  # sees that they are there
    with orm.Session(engine) as session:
        ada = Author(name="Ada", born=date(1815, 12, 10), books=[Book(title="Notes", price=Decimal("9.90"))])
        session.add_all([ada, Author(name="Ben", born=None)])
        session.commit()
        ada.books.append(Book(title="More", price=Decimal("5.10")))
        session.commit()
        query = (
            sa.select(Author.name, sa.func.count(Book.id), sa.func.sum(Book.price))
            .outerjoin(Book)
            .group_by(Author.id)
            .order_by(Author.name)
        )
        assert session.execute(query).all() == [("Ada", 2, Decimal("15.00")), ("Ben", 0, None)]
        found = session.scalars(sa.select(Author).options(orm.selectinload(Author.books))).all()
        assert [len(one.books) for one in found] == [2, 0]
        session.delete(found[1])
        session.commit()
        session.add(Author(name="Ada"))
        with pytest.raises(sa.exc.IntegrityError):
            session.commit()
    engine.dispose()


DJANGO = """
import django, json, sys
from django.conf import settings
host, port = sys.argv[1], sys.argv[2]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "app", "HOST": host, "PORT": port}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True, SECRET_KEY="x")
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import Group, User
from django.db.models import Count
one = User.objects.create_user("ada", "ada@example.com", "pw")
two = User.objects.create_user("ben")
group = Group.objects.create(name="staff")
group.user_set.add(one, two)
User.objects.filter(username="ben").update(is_staff=True)
print(json.dumps({
    "users": list(User.objects.order_by("username").values_list("username", "is_staff")),
    "groups": list(Group.objects.annotate(n=Count("user")).values_list("name", "n")),
    "mail": User.objects.get(email__iexact="ADA@example.com").username,
    "contains": User.objects.filter(username__icontains="D").count(),
    "again": call_command("migrate", verbosity=0),
}))
two.delete()
assert User.objects.count() == 1
"""


def test_django(store: proxy.Proxy, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(DJANGO)
    run = subprocess.run(
        [sys.executable, str(program), store.host, str(store.port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "users": [["ada", False], ["ben", True]], "groups": [["staff", 2]], "mail": "ada", "contains": 1, "again": None,
    }  # fmt: skip


def test_psql_lists(store: proxy.Proxy) -> None:
    _psql(store, "CREATE TABLE t (id serial PRIMARY KEY, name varchar(5) NOT NULL DEFAULT 'x')")
    said = [_psql(store, one) for one in ("\\d", "\\dn", "\\l")]
    for text, words in zip(said, (("t_id_seq", "table"), ("public",), ("shop",)), strict=True):
        assert all(word in text for word in words)


def test_psql_describes(store: proxy.Proxy) -> None:
    _psql(
        store,
        "CREATE TABLE t (id serial PRIMARY KEY, name varchar(5) NOT NULL DEFAULT 'x' CHECK (name <> ''))",
    )
    _psql(store, "CREATE TABLE u (t int NOT NULL REFERENCES t, at timestamptz)")
    one, other = _psql(store, "\\d t"), _psql(store, "\\d+ u")
    assert all(words in one for words in ("character varying(5)", "t_pkey", "CHECK", 'TABLE "u" CONSTRAINT'))
    assert all(words in other for words in ("timestamp with time zone", "FOREIGN KEY (t) REFERENCES t(id)"))


def _psql(store: proxy.Proxy, command: str) -> str:
    run = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", store.dsn(), "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"{command}: {run.stderr}"
    return run.stdout


@pytest.mark.parametrize("text", ["COPY every FROM STDIN", "COPY every FROM STDIN (FORMAT csv)"])
def test_psycopg_copies(store: proxy.Proxy, text: str) -> None:
    with psycopg.connect(store.dsn()) as connection:
        connection.execute(TABLE)
        connection.commit()
        with connection.cursor() as cursor:
            if "csv" not in text:
                with cursor.copy(text) as copy:
                    copy.write_row(list(VALUES.values()))
                    copy.write_row([None] * len(VALUES))
            else:
                with cursor.copy(text) as copy:
                    copy.write(
                        't,5,1099511627776,12.50,2.5,"naïve",\\x00ff,2024-02-29,2024-02-29 10:20:30.123456,'
                    )
                    copy.write(
                        '2024-02-29 10:20:00+00,3 days 02:00:00,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,"{1,2,NULL}"\n'
                    )
                    copy.write("," * (len(VALUES) - 1))
            assert cursor.rowcount == 2
            rows = cursor.execute("SELECT * FROM every").fetchall()
            assert rows == [tuple(VALUES.values()), (None,) * len(VALUES)]
            with cursor.copy("COPY every (i, t, n) TO STDOUT") as copy:
                copy.set_types(["int4", "text", "numeric"])
                assert list(copy.rows()) == [(5, "naïve", Decimal("12.50")), (None, None, None)]
            with pytest.raises(psycopg.errors.InvalidTextRepresentation), cursor.copy(text) as copy:
                copy.write("nonsense\n")
        connection.rollback()
        with pytest.raises(ZeroDivisionError), connection.cursor().copy("COPY every (i) FROM STDIN") as copy:
            copy.write("1\n" * 10)
            1 / 0  # noqa: B018 - the client gives up
        connection.rollback()


def test_asyncpg_copies(store: proxy.Proxy) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(host=store.host, port=store.port, user="app", database="shop")
        try:
            await connection.execute("CREATE TABLE t (i int, s text)")
            source = io.BytesIO(b"i,s\n1,a\n2,\n")
            await connection.copy_to_table("t", source=source, format="csv", header=True)
            out = io.BytesIO()
            assert await connection.copy_from_query("SELECT s, i FROM t ORDER BY i", output=out) == "COPY 2"
            assert out.getvalue() == b"a\t1\n\\N\t2\n"
            with pytest.raises(asyncpg.FeatureNotSupportedError):
                await connection.copy_records_to_table("t", records=[(1, "a")])
            assert await connection.fetchval("SELECT count(*) FROM t") == 2
        finally:
            await connection.close()

    asyncio.run(run())


DUMPED = """
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.staff (
    id integer NOT NULL,
    boss integer,
    name character varying(20),
    note text
);
COPY public.staff (id, boss, name, note) FROM stdin;
2\t1\tBen\tTab:\\tEnd
1\t\\N\tAda\t\\N
\\.


SELECT 'between';
COPY public.staff (id, name) FROM stdin;
3\tCai
\\.

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (id);
"""


def test_psql_copies(store: proxy.Proxy, tmp_path: Path) -> None:
    """What pg_dump writes, and \\copy both ways."""
    dump, rows = tmp_path / "dump.sql", tmp_path / "rows.csv"
    dump.write_text(DUMPED)
    run = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(dump), store.dsn()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    _psql(store, f"\\copy (SELECT * FROM staff ORDER BY id) TO '{rows}' WITH CSV HEADER")
    assert rows.read_text() == "id,boss,name,note\n1,,Ada,\n2,1,Ben,Tab:\tEnd\n3,,Cai,\n"
    _psql(store, "CREATE TABLE again AS SELECT * FROM staff WHERE false")
    assert _psql(store, f"\\copy again FROM '{rows}' CSV HEADER") == "COPY 3\n"
    assert "Tab:" in _psql(store, "SELECT note FROM again WHERE id = 2")


def test_psycopgs_cursors_at_the_server(store: proxy.Proxy) -> None:
    """Read in parts, while the transaction changes what they read."""
    with psycopg.connect(store.dsn()) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        connection.execute("INSERT INTO t SELECT * FROM generate_series(1, 1000)")
        connection.commit()
        with connection.cursor("reader", scrollable=False) as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT id FROM t WHERE id > %s ORDER BY id", (10,))
            seen = []
            for (at,) in cursor:
                seen.append(at)
                if at % 100 == 0:
                    connection.execute("UPDATE t SET id = id + 5000 WHERE id = %s", (at,))
            assert seen == list(range(11, 1001))
        with connection.cursor("binary", binary=True) as cursor:
            cursor.execute("SELECT id, 'x' FROM t ORDER BY id")
            assert cursor.fetchmany(2) == [(1, "x"), (2, "x")]
            cursor.scroll(3)
            assert cursor.fetchone() == (6, "x")
        connection.rollback()
        assert connection.execute("SELECT max(id) FROM t").fetchone() == (1000,)


def test_sqlalchemy_streams(store: proxy.Proxy) -> None:
    engine = sa.create_engine(f"postgresql+psycopg://app@{store.host}:{store.port}/shop")
    with engine.connect() as connection:
        found = connection.execution_options(stream_results=True, max_row_buffer=50).execute(
            sa.text("SELECT g FROM generate_series(1, 500) g")
        )
        assert [one[0] for one in found] == list(range(1, 501))
    engine.dispose()


def test_sql_prepares_what_follows_the_client(store: proxy.Proxy) -> None:
    """Two clients with the same names, over connections they share."""
    with (
        psycopg.connect(store.dsn(), autocommit=True) as one,
        psycopg.connect(store.dsn(), autocommit=True) as other,
    ):
        one.execute("PREPARE p (int) AS SELECT $1 + 1")
        other.execute("PREPARE p (text) AS SELECT upper($1)")
        for _ in range(3):
            assert one.execute("EXECUTE p(1)").fetchone() == (2,)
            assert other.execute("EXECUTE p('a')").fetchone() == ("A",)
        one.execute("DEALLOCATE p")
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            one.execute("EXECUTE p(1)")
        other.execute("DISCARD ALL")
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            other.execute("EXECUTE p('a')")


def test_a_long_text_at_the_beginning_of_a_statement(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn()) as connection:
        text = "many words " * 300
        assert connection.execute(f"SELECT '{text}'").fetchone() == (text,)
        connection.execute(f"/* {text} */ SELECT 1")
        with connection.cursor().copy(f"COPY (SELECT '{text}') TO STDOUT") as copy:
            assert b"".join(map(bytes, copy)) == text.encode() + b"\n"
