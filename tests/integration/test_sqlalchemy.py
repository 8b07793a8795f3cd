"""A small application on SQLAlchemy, Core and ORM, on both drivers: the same direct and through the proxy."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from sqlalchemy import (
    ForeignKey,
    MetaData,
    Table,
    bindparam,
    exc,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL, Connection, Engine, create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)
from sqlalchemy.pool import NullPool

from tests.integration.house import Side
from tests.servers.postgres import USERS
from tests.servers.proxy import Proxy

Seen = list[Any]
USER = "app"


class Base(DeclarativeBase):
    metadata = MetaData(schema="sqlalchemy_shop")


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    tags: Mapped[str | None]
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", cascade="all, delete-orphan")


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    total: Mapped[Decimal]
    customer: Mapped[Customer] = relationship(back_populates="orders")


def url(driver: str, host: str, port: int, database: str) -> URL:
    return URL.create(f"postgresql+{driver}", USER, USERS[USER], host, port, database)


def create(connection: Connection) -> None:
    connection.execute(text("CREATE SCHEMA sqlalchemy_shop"))
    Base.metadata.create_all(connection)


def drop(connection: Connection) -> None:
    connection.execute(text("DROP SCHEMA IF EXISTS sqlalchemy_shop CASCADE"))


def selling(session: Session) -> Seen:
    """The ORM: unit of work, relations, savepoints, a conflict, and what is left after it."""
    seen: Seen = []
    session.add_all(
        Customer(name=f"customer {n}", orders=[Order(total=Decimal(n) / 4) for _ in range(n)])
        for n in range(6)
    )
    session.commit()
    everyone = select(Customer).options(selectinload(Customer.orders)).order_by(Customer.name)
    seen.append([(one.name, [order.total for order in one.orders]) for one in session.scalars(everyone)])
    three = session.scalars(select(Customer).where(Customer.name == "customer 3")).one()
    three.orders.pop()
    three.tags = "changed"
    try:
        with session.begin_nested():
            session.add(Customer(name="customer 1"))
            session.flush()
    except exc.IntegrityError as error:
        seen.append(str(error.orig).splitlines()[0].split(": ")[-1])
    session.commit()
    seen.append(session.scalar(select(func.count()).select_from(Order)))
    session.execute(update(Order).where(Order.total > 1).values(total=Order.total * 2))
    session.rollback()
    seen.append(session.scalar(select(func.sum(Order.total))))
    totals = (
        select(Customer.name, func.sum(Order.total))
        .join(Order)
        .group_by(Customer.name)
        .order_by(Customer.name)
    )
    seen.append([tuple(row) for row in session.execute(totals)])
    try:
        session.execute(text("SELECT 1/0"))
    except exc.DBAPIError:
        session.rollback()
    seen.append(session.scalar(text("SELECT 'alive'")))
    return seen


def core(connection: Connection) -> Seen:
    """Core: executemany, RETURNING, bound parameters, streaming, reflection, isolation."""
    seen: Seen = []
    table = Customer.__table__
    assert isinstance(table, Table)
    rows = [{"name": f"core {n}", "tags": None if n % 2 else str(n)} for n in range(300)]
    connection.execute(insert(table), rows)
    back = connection.execute(insert(table).values(name="one more").returning(table.c.name, table.c.tags))
    seen.append([tuple(row) for row in back])
    connection.commit()
    asked = (
        select(table.c.name)
        .where(table.c.name.in_(bindparam("names", expanding=True)))
        .order_by(table.c.name)
    )
    for names in (["core 1"], ["core 2", "core 3"], []):
        seen.append([row.name for row in connection.execute(asked, {"names": names})])
    streamed = connection.execute(select(table.c.tags).order_by(table.c.id).execution_options(yield_per=50))
    seen.append([row.tags for row in streamed])
    connection.rollback()
    columns = inspect(connection).get_columns("order", schema="sqlalchemy_shop")
    seen.append([(column["name"], str(column["type"]), column["nullable"]) for column in columns])
    seen.append(inspect(connection).get_foreign_keys("order", schema="sqlalchemy_shop"))
    connection.execute(text("ALTER TABLE sqlalchemy_shop.customer ADD extra int DEFAULT 5"))
    connection.commit()
    seen.append(
        [len(row) for row in connection.execute(text("SELECT * FROM sqlalchemy_shop.customer LIMIT 2"))]
    )
    connection.rollback()
    return seen


def blocking(where: URL) -> Seen:
    engine: Engine = create_engine(where, pool_size=3, pool_pre_ping=True)
    try:
        with engine.begin() as connection:
            drop(connection)
            create(connection)
        with sessionmaker(engine)() as session:
            seen = selling(session)
        with engine.connect() as connection:
            seen += core(connection)
        serial = engine.execution_options(isolation_level="SERIALIZABLE")
        with serial.connect() as connection:
            seen.append(connection.scalar(text("SHOW transaction_isolation")))
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            seen.append(connection.scalar(text("SELECT txid_current_if_assigned() IS NULL")))
        with engine.begin() as connection:
            drop(connection)
    finally:
        engine.dispose()
    return seen


def awaiting(where: URL) -> Seen:
    async def run() -> Seen:
        engine = create_async_engine(where, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(drop)
            await connection.run_sync(create)
        async with async_sessionmaker(engine)() as session:
            seen = await session.run_sync(selling)
        async with engine.connect() as connection:
            seen += await connection.run_sync(core)

        async def one(number: int) -> object:
            async with engine.connect() as connection:
                return await connection.scalar(select(func.concat("client ", text(str(number)))))

        seen += await asyncio.gather(*map(one, range(10)))
        async with engine.begin() as connection:
            await connection.run_sync(drop)
        await engine.dispose()
        return seen

    return asyncio.run(run())


APPLICATIONS: dict[str, tuple[str, Callable[[URL], Seen]]] = {
    "psycopg": ("psycopg", blocking),
    "psycopg, async": ("psycopg", awaiting),
    "asyncpg": ("asyncpg", awaiting),
}


@cache
def expected(name: str, port: int) -> Seen:
    driver, run = APPLICATIONS[name]
    return run(url(driver, "127.0.0.1", port, "shop"))


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_sees_the_same(direct: Side, proving: Proxy, database: str, name: str) -> None:
    driver, run = APPLICATIONS[name]
    assert run(url(driver, proving.host, proving.port, database)) == expected(name, direct.port)
