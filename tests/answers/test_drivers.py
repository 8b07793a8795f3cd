"""Drivers and mappers, unchanged, on the embedded store."""

import asyncio
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
