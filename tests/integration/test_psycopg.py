"""Programs on psycopg 3 see the same, run on the server and through the proxy.

A program takes a connection string and gives back everything it saw. It leaves the database as it was.
"""

import asyncio
import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import cache
from ipaddress import ip_address
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection, pq, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.integration.house import Side
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

Seen = list[Any]
Program = Callable[[str], Seen]
USER = "app"


@contextmanager
def table(dsn: str, connection: Connection[Any], name: str, columns: str) -> Iterator[None]:
    """Made now and dropped in the end by another connection, whatever state this one is in by then."""
    connection.execute(f"CREATE TABLE {name} ({columns})".encode())
    connection.commit()
    try:
        yield
    finally:
        connection.close()
        with psycopg.connect(dsn) as another:
            another.execute(f"DROP TABLE {name}".encode())


def told(run: Callable[[], object]) -> object:
    """What it returns, or the server's error."""
    try:
        return run()
    except psycopg.Error as error:
        return type(error).__name__, error.sqlstate, str(error.diag.message_primary)


def one(cursor: psycopg.Cursor[Any]) -> object:
    return cursor.fetchone()


# --- programs ------------------------------------------------------------------------------------


def values(dsn: str) -> Seen:
    sent = (
        1, -(2**40), 1.5, Decimal("12.3400"), True, None, "ünï\n'", b"\0\xff", dt.date(2024, 2, 29),
        dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC), dt.timedelta(days=1, seconds=2), [1, 2, None], ["a", "b"],
        uuid.UUID(int=7), ip_address("10.0.0.1"), Jsonb({"a": [1, None]}),
    )  # fmt: skip
    seen: Seen = []
    with psycopg.connect(dsn) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            cursor.execute("SELECT " + ", ".join(["%s"] * len(sent)), sent)
            seen += [
                cursor.fetchone(),
                [(column.name, column.type_code) for column in cursor.description or ()],
            ]
    return seen


def preparing(dsn: str) -> Seen:
    """Prepared at once, after some uses, and never."""
    seen: Seen = []
    for threshold in (0, 2, None):
        with psycopg.connect(dsn, prepare_threshold=threshold, autocommit=True) as connection:
            for number in range(8):
                seen.append(one(connection.execute("SELECT %s::int * 2, %s::text", (number, str(number)))))
                seen.append(one(connection.execute(sql.SQL("SELECT {}").format(number % 3))))
            seen.append(told(lambda: connection.execute("SELECT %s::int / 0", (1,))))
            seen.append(one(connection.execute("SELECT %s::int * 2, %s::text", (9, "nine"))))
    return seen


def many_prepared(dsn: str) -> Seen:
    """More statements than psycopg keeps: the oldest are closed all the time."""
    seen: Seen = []
    with psycopg.connect(dsn, prepare_threshold=0, autocommit=True) as connection:
        connection.prepared_max = 5
        for number in range(40):
            seen.append(one(connection.execute(f"SELECT {number % 12}, %s::int".encode(), (number,))))
        connection.prepared_max = 100
        connection.execute("DEALLOCATE ALL")
        seen.append(one(connection.execute("SELECT 11, %s::int", (11,))))
        connection.execute("DISCARD ALL")
        seen.append(one(connection.execute("SELECT 11, %s::int", (11,))))
    return seen


def transactions(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn) as connection, table(dsn, connection, "psycopg_t", "a int UNIQUE"):
        status = connection.info
        with connection.transaction():
            connection.execute("INSERT INTO psycopg_t VALUES (1)")
            seen.append(status.transaction_status)
            seen.append(told(lambda: nested(connection, 1)))
            seen.append(told(lambda: nested(connection, 2)))
        seen.append(connection.execute("SELECT a FROM psycopg_t ORDER BY a").fetchall())
        connection.rollback()
        seen.append(told(lambda: connection.execute("INSERT INTO psycopg_t VALUES (1)")))
        seen.append(status.transaction_status)
        seen.append(told(lambda: connection.execute("SELECT 1")))
        connection.rollback()
        seen.append(status.transaction_status)
        with connection.transaction(force_rollback=True):
            connection.execute("INSERT INTO psycopg_t VALUES (9)")
        seen.append(one(connection.execute("SELECT count(*) FROM psycopg_t")))
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        seen.append(one(connection.execute("SHOW transaction_isolation")))
        seen.append(told(lambda: connection.execute("INSERT INTO psycopg_t VALUES (5)")))
    return seen


def nested(connection: Connection[Any], value: int) -> object:
    with connection.transaction():
        connection.execute("INSERT INTO psycopg_t VALUES (%s)", (value,))
    return "inserted"


def two_phase(dsn: str) -> Seen:
    with closing(psycopg.connect(dsn)) as connection:
        transaction = connection.xid(1, "psycopg", "branch")
        connection.tpc_begin(transaction)
        connection.execute("SELECT 1")
        return [
            told(connection.tpc_prepare),
            told(connection.tpc_rollback),
            connection.info.transaction_status,
        ]


def many_rows(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn) as connection, table(dsn, connection, "psycopg_m", "a int, b text"):
        cursor = connection.cursor(row_factory=dict_row)
        cursor.executemany("INSERT INTO psycopg_m VALUES (%s, %s)", [(n, str(n)) for n in range(300)])
        seen.append(cursor.rowcount)
        cursor.executemany(
            "INSERT INTO psycopg_m VALUES (%s, %s) RETURNING a", [(n, None) for n in range(3)], returning=True
        )
        while True:
            seen.append(cursor.fetchall())
            if not cursor.nextset():
                break
        seen.append(told(lambda: cursor.executemany("SELECT 1 / %s", [(1,), (0,), (1,)])))
        connection.rollback()
        seen.append(one(connection.execute("SELECT count(*) FROM psycopg_m")))
    return seen


def cursors(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn) as connection:
        with connection.cursor("named", scrollable=True) as cursor:
            cursor.itersize = 7
            cursor.execute("SELECT i FROM generate_series(1, %s) i", (30,))
            seen += [cursor.fetchone(), cursor.fetchmany(3)]
            cursor.scroll(5)
            seen.append(cursor.fetchone())
            cursor.scroll(0, mode="absolute")
            seen.append([row[0] for row in cursor])
        connection.commit()
        with connection.cursor("held", withhold=True) as cursor:
            cursor.execute("SELECT i FROM generate_series(1, 10) i")
            seen.append(cursor.fetchmany(2))
            connection.commit()
            seen.append(cursor.fetchall())
        connection.commit()
        seen.append(list(connection.cursor().stream("SELECT i FROM generate_series(1, 50) i")))
    return seen


def copying(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn) as connection, table(dsn, connection, "psycopg_c", "a int, b text"):
        cursor = connection.cursor()
        with cursor.copy("COPY psycopg_c FROM STDIN") as copy:
            for number in range(5_000):
                copy.write_row((number, None if number % 7 == 0 else f"row\t{number}"))
        seen.append(cursor.rowcount)
        with cursor.copy("COPY psycopg_c (a, b) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            copy.write_row((-1, "binary"))
        with cursor.copy("COPY (SELECT * FROM psycopg_c ORDER BY a LIMIT 20) TO STDOUT") as copy:
            seen.append(list(copy.rows()))
        with cursor.copy("COPY (SELECT * FROM psycopg_c WHERE a < %s ORDER BY a) TO STDOUT", (3,)) as copy:
            seen.append(b"".join(map(bytes, copy)))
        connection.commit()

        def bad() -> None:
            with cursor.copy("COPY psycopg_c FROM STDIN") as copy:
                copy.write("not a number\tx\n")

        def given_up() -> None:
            with cursor.copy("COPY psycopg_c FROM STDIN") as copy:
                copy.write_row((1, "x"))
                raise psycopg.DataError("given up")

        def left_early() -> object:
            rows = cursor.stream("SELECT generate_series(1, 1000000000)")
            row = next(rows)
            rows.close()  # type: ignore[attr-defined]
            return row

        for run in (bad, given_up, left_early, bad):
            seen.append(told(run))
            seen.append(connection.info.transaction_status)
            connection.rollback()
        seen.append(one(connection.execute("SELECT count(*), sum(a) FROM psycopg_c")))
        connection.rollback()
        connection.autocommit = True
        with cursor.copy("COPY psycopg_c FROM STDIN") as copy:
            copy.write("7\tseven\n")
        seen.append(one(connection.execute("SELECT count(*), sum(a) FROM psycopg_c")))
        connection.autocommit = False
    return seen


def pipelines(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        with connection.pipeline() as pipeline:
            cursors = [connection.execute("SELECT %s::int", (number,)) for number in range(50)]
            pipeline.sync()
            cursors += [connection.execute("SELECT %s::int", (number,), prepare=True) for number in range(50)]
        seen += [one(cursor) for cursor in cursors]
        seen.append(told(lambda: pipelined(connection, "SELECT 1", "SELECT 1/0", "SELECT 3")))
        seen.append(pipelined(connection, "SELECT 1", "SELECT 'x'"))
        with connection.pipeline(), connection.transaction():
            inside = connection.execute("SELECT %s::text", ("inside",))
            seen.append(one(inside))
        seen.append(connection.info.transaction_status)
        seen.append(told(lambda: pipelined_failure(connection)))
        seen.append(connection.info.transaction_status)
        seen.append(one(connection.execute("SELECT 'alive'")))
    return seen


def pipelined(connection: Connection[Any], *statements: str) -> object:
    """An error comes out at the end of the pipeline at the latest."""
    with connection.pipeline():
        cursors = [connection.execute(statement.encode()) for statement in statements]
    return [cursor.fetchone() for cursor in cursors]


def pipelined_failure(connection: Connection[Any]) -> object:
    with connection.pipeline(), connection.transaction():
        connection.execute("SELECT 1")
        connection.execute("SELECT nothing")
        connection.execute("SELECT 2")
    return "committed"


def raw_pipeline(dsn: str) -> Seen:
    """libpq's own pipeline mode: Flush without Sync, Close, Describe, errors and aborted commands between."""
    seen: Seen = []
    connection = pq.PGconn.connect(dsn.encode())
    connection.enter_pipeline_mode()
    connection.send_prepare(b"one", b"SELECT $1::int")
    connection.send_describe_prepared(b"one")
    connection.send_query_prepared(b"one", [b"1"])
    connection.send_flush_request()
    connection.flush()
    for _ in range(3):
        seen += results(connection)
    connection.send_query_prepared(b"one", [b"x"])
    connection.send_query_prepared(b"one", [b"2"])
    connection.pipeline_sync()
    connection.send_query_prepared(b"one", [b"3"])
    connection.send_close_prepared(b"one")
    connection.send_query_prepared(b"one", [b"4"])
    connection.pipeline_sync()
    for _ in range(7):
        seen += results(connection)
    connection.exit_pipeline_mode()
    result = connection.exec_(b"SELECT 'alive'")
    seen.append(result.get_value(0, 0))
    connection.finish()
    return seen


def results(connection: pq.abc.PGconn) -> Seen:
    """One command's results. A pipeline's Sync is a result of its own, with no end mark."""
    seen: Seen = []
    while (result := connection.get_result()) is not None:
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
        seen.append((result.status, message, [result.get_value(row, 0) for row in range(result.ntuples)]))
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
    return seen


def single_rows(dsn: str) -> Seen:
    """Row by row, an error in the middle of them, and several statements in a text."""
    seen: Seen = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.cursor()

        def streamed() -> None:
            for row in cursor.stream("SELECT 10 / (5 - i) FROM generate_series(1, 10) i"):
                seen.append(row)

        seen.append(told(streamed))
        cursor.execute("SELECT 1; SELECT 2, 3; SELECT 'x' WHERE false")
        while True:
            seen.append(cursor.fetchall())
            if not cursor.nextset():
                break
        seen.append(told(lambda: cursor.execute("SELECT 1; SELECT 1/0")))
        seen.append(one(cursor.execute("SELECT 'alive'")))
    return seen


def listening(dsn: str) -> Seen:
    with psycopg.connect(dsn, autocommit=True) as ear, psycopg.connect(dsn, autocommit=True) as mouth:
        ear.execute("LISTEN psycopg_channel")
        for number in range(3):
            mouth.execute("SELECT pg_notify('psycopg_channel', %s)", (str(number),))
        heard = [(note.channel, note.payload) for note in ear.notifies(timeout=20, stop_after=3)]
        ear.execute("UNLISTEN *")
        mouth.execute("NOTIFY psycopg_channel")
        return [heard, one(ear.execute("SELECT 1"))]


def notices(dsn: str) -> Seen:
    seen: Seen = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.add_notice_handler(lambda note: seen.append((note.severity, note.message_primary)))
        connection.execute("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END$$")
        connection.execute("DROP TABLE IF EXISTS psycopg_none")
        connection.execute("SELECT 1", prepare=True)
    return seen


def cancelling(dsn: str) -> Seen:
    """Twenty seconds of sleep, cut short; and a cancel that comes when nothing runs, which harms nothing."""
    seen: Seen = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for cancel in (connection.cancel, connection.cancel_safe):
            timer = threading.Timer(0.3, cancel)
            timer.start()
            seen.append(told(lambda: connection.execute("SELECT pg_sleep(20)")))
            timer.join()
            cancel()
            seen.append(one(connection.execute("SELECT 'alive'")))
        connection.autocommit = False
        connection.execute("SELECT 1")
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        seen.append(told(lambda: connection.execute("SELECT pg_sleep(20)")))
        timer.join()
        seen.append(connection.info.transaction_status)
    return seen


def settings(dsn: str) -> Seen:
    seen: Seen = []
    options = "-c work_mem=3MB -c search_path=pg_catalog"
    with psycopg.connect(
        dsn, application_name="psycopg test", options=options, client_encoding="latin1"
    ) as first:
        seen.append(first.info.parameter_status("application_name"))
        seen.append(
            one(first.execute("SELECT current_setting('work_mem'), current_setting('search_path'), 'ü'"))
        )
        seen.append((first.info.encoding, first.info.parameter_status("client_encoding")))
        first.execute("SET TimeZone = 'Asia/Tokyo'")
        seen.append((str(first.info.timezone), one(first.execute("SELECT '2024-01-01'::timestamptz"))))
        first.rollback()
        seen.append((str(first.info.timezone), first.info.parameter_status("TimeZone")))
        first.execute("SET client_encoding = 'UTF8'")
        first.commit()
        seen.append((first.info.encoding, one(first.execute("SELECT '日本'"))))
    return seen


def asynchronous(dsn: str) -> Seen:
    async def client(number: int) -> object:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection, connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int, %s::int", (number, n)) for n in range(10)]
            return [await cursor.fetchone() for cursor in cursors]

    async def cancelled() -> object:
        async with await AsyncConnection.connect(dsn, autocommit=True) as connection:
            try:
                await asyncio.wait_for(connection.execute("SELECT pg_sleep(20)"), 0.3)
            except TimeoutError:
                return await (await connection.execute("SELECT 'alive'")).fetchone()
            return "slept"

    async def all_of_them() -> Seen:
        return [*(await asyncio.gather(*map(client, range(12)))), await cancelled()]

    return asyncio.run(all_of_them())


PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        values, preparing, many_prepared, transactions, two_phase, many_rows, cursors, copying, pipelines,
        raw_pipeline, single_rows, notices, cancelling, settings, asynchronous,
    )
}  # fmt: skip


@cache
def expected(name: str, dsn: str) -> Seen:
    return PROGRAMS[name](dsn)


@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_the_same(server: PostgresServer, proving: Proxy, database: str, name: str) -> None:
    seen = PROGRAMS[name](proving.dsn(database, USER, "app-password"))
    assert seen == expected(name, server.dsn())


@pytest.mark.parametrize("database", ["shop", "shop_session"])
def test_notifications_arrive(direct: Side, server: PostgresServer, proving: Proxy, database: str) -> None:
    assert listening(proving.dsn(database, USER, "app-password")) == listening(server.dsn())


def test_a_neighbours_prepared_statement_is_nobodys_in_sql(trusting: Proxy) -> None:
    """Both use one server connection, on which the statement has a name that pg_prepared_statements shows."""
    listed = b"SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT 4711'"
    with (
        closing(psycopg.connect(trusting.dsn("shop_one", "app_trust"), autocommit=True)) as mine,
        closing(psycopg.connect(trusting.dsn("shop_one", "app_trust"), autocommit=True)) as other,
    ):
        mine.execute("SELECT 4711", prepare=True)
        (name,) = other.execute(listed).fetchone() or ("",)
        for text in ("EXECUTE {}", "DEALLOCATE {}", "EXPLAIN EXECUTE {}"):
            with pytest.raises(psycopg.errors.InvalidSqlStatementName, match=f'"{name}" does not exist'):
                other.execute(sql.SQL(text).format(sql.Identifier(name)), prepare=False)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="reserved"):
            other.execute(sql.SQL("PREPARE {} AS SELECT 1").format(sql.Identifier(name)), prepare=False)
        assert mine.execute("SELECT 4711", prepare=True).fetchone() == (4711,)
        assert other.execute(listed).fetchone() == (name,)
