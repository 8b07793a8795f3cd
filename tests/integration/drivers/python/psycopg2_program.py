"""A program on psycopg2 that prints what it sees. Where to connect is in PGHOST and its like.

Each line is the same on every run; what the server refuses is printed, what nobody expects ends the program.
"""

import datetime as dt
import hashlib
import io
import select
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import psycopg2.extras  # type: ignore[import-untyped]
from psycopg2 import extensions, sql

Connection = Any
WRONG = (
    "SELEC 1", "SELECT no_such", "SELECT 1/0", "SELECT 1 +", "SELECT 'x'::int", "",
    "DO $$BEGIN RAISE NOTICE 'hello'; RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$",
)  # fmt: skip


def section(name: str) -> None:
    print(f"== {name}")


def run(connection: Connection, text: str, values: object = None) -> None:
    """Say what comes of it: columns, rows, count, notices, or the server's refusal."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(text, values)
        except psycopg2.Error as error:
            refused(error)
        else:
            print(cursor.statusmessage, cursor.rowcount)
            if cursor.description:
                # Types of its own have another number each time.
                print([(column.name, min(column.type_code, 16384)) for column in cursor.description])
                print(*cursor.fetchall(), sep="\n")
    while connection.notices:
        print(repr(connection.notices.pop(0)))


def refused(error: psycopg2.Error) -> None:
    told = error.diag
    if told.sqlstate is None and "can't execute an empty query" not in str(error):
        raise error
    print(
        "refused", type(error).__name__, told.severity, told.sqlstate, told.message_primary, told.message_detail,
        told.message_hint, told.statement_position, told.context, told.table_name, told.constraint_name,
    )  # fmt: skip


def digest(text: str) -> str:
    return f"{len(text)} long {hashlib.sha256(text.encode()).hexdigest()}"


def types(connection: Connection) -> None:
    psycopg2.extras.register_uuid()
    values = (
        1, -(2**40), 1.5, Decimal("12.3400"), True, None, "ünï\n'", b"\0\xff", dt.date(2024, 2, 29),
        dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC), dt.timedelta(days=1, seconds=2), [1, 2, None], ["a", "b"],
        uuid.UUID(int=7), psycopg2.extras.Json({"a": [1, None]}), psycopg2.extras.NumericRange(1, 5),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(["%s"] * len(values)), values)
        row = cursor.fetchone()
        print([bytes(value) if isinstance(value, memoryview) else value for value in row])
    run(connection, "SELECT WHERE false")
    run(connection, "CREATE TYPE psycopg2_pair AS (a int, b text)")
    psycopg2.extras.register_composite("psycopg2_pair", connection)
    run(connection, "SELECT (1, 'x')::psycopg2_pair")
    connection.rollback()


def prepared(connection: Connection) -> None:
    """It prepares nothing by itself: this is SQL."""
    run(connection, "PREPARE psycopg2_mine (int) AS SELECT $1 + 1")
    for number in range(3):
        run(connection, "EXECUTE psycopg2_mine (%s)", (number,))
    connection.commit()
    run(connection, "EXECUTE psycopg2_mine (10)")
    run(connection, "DEALLOCATE psycopg2_mine")
    run(connection, "EXECUTE psycopg2_mine (10)")
    connection.rollback()


def batches(connection: Connection) -> None:
    run(connection, "CREATE TABLE psycopg2_batches (a int PRIMARY KEY, b text)")
    rows = [(number, f"row {number}") for number in range(500)]
    with connection.cursor() as cursor:
        psycopg2.extras.execute_batch(
            cursor, "INSERT INTO psycopg2_batches VALUES (%s, %s)", rows, page_size=70
        )
        found = psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO psycopg2_batches VALUES %s RETURNING a",
            [(n, "x") for n in range(1000, 1010)],
            fetch=True,
        )
        print(found)
        cursor.executemany("UPDATE psycopg2_batches SET b = %s WHERE a = %s", [("y", n) for n in range(20)])
    run(
        connection,
        "INSERT INTO psycopg2_batches VALUES (5000, 'x'); INSERT INTO psycopg2_batches VALUES (1, 'x')",
    )
    connection.rollback()
    run(connection, "SELECT 1 AS a; SELECT 2 AS b, 3 AS c")
    connection.rollback()


def copy(connection: Connection) -> None:
    run(connection, "CREATE TABLE psycopg2_copy (a int CHECK (a <> 13), b text)")
    connection.commit()
    good = "".join(f"{number}\tline {number}\n" for number in range(100, 5100))
    for text in (good, "13\tx\n", "none\tx\n", "14\t\\N\n"):
        with connection.cursor() as cursor:
            try:
                cursor.copy_expert("COPY psycopg2_copy FROM STDIN", io.StringIO(text))
                print(cursor.statusmessage, cursor.rowcount)
            except psycopg2.Error as error:
                refused(error)
                connection.rollback()
        connection.commit()
    out = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY (SELECT * FROM psycopg2_copy ORDER BY a) TO STDOUT", out)
        print(cursor.statusmessage, digest(out.getvalue()))
        cursor.copy_to(io.StringIO(), "psycopg2_copy", sep="|", columns=("a",))
    run(connection, "DROP TABLE psycopg2_copy")
    connection.commit()


def errors(connection: Connection) -> None:
    for text in WRONG:
        run(connection, text)
        run(connection, "SELECT 1")
        connection.rollback()
    connection.autocommit = True
    for text in WRONG:
        run(connection, text)
        run(connection, "SELECT 1")


def cancel(connection: Connection) -> None:
    ended = threading.Event()

    def waking() -> None:
        while not ended.wait(0.3):
            connection.cancel()

    thread = threading.Thread(target=waking)
    thread.start()
    run(connection, "SELECT pg_sleep(60)")
    ended.set()
    thread.join()
    connection.rollback()
    run(connection, "SELECT 'still here'")


def notifications(connection: Connection) -> None:
    connection.autocommit = True
    run(connection, "LISTEN psycopg2_channel")
    run(connection, "NOTIFY psycopg2_channel, 'one'")
    run(connection, "SELECT pg_notify('psycopg2_channel', 'two'), pg_notify('psycopg2_other', 'unheard')")
    while len(connection.notifies) < 2:
        select.select([connection], [], [])
        connection.poll()
    print([(heard.channel, heard.payload) for heard in connection.notifies])
    run(connection, "UNLISTEN *")


def transactions(connection: Connection) -> None:
    connection.set_session(isolation_level="SERIALIZABLE", deferrable=False)
    run(connection, "SHOW transaction_isolation")
    run(connection, "CREATE TABLE psycopg2_transactions (a int UNIQUE)")
    for text in ("INSERT INTO psycopg2_transactions VALUES (1)", "SAVEPOINT s",
                 "INSERT INTO psycopg2_transactions VALUES (1)", "SELECT 1", "ROLLBACK TO s",
                 "INSERT INTO psycopg2_transactions VALUES (2)"):  # fmt: skip
        run(connection, text)
        print(connection.get_transaction_status())
    connection.commit()
    connection.set_session(readonly=True)
    run(connection, "INSERT INTO psycopg2_transactions VALUES (3)")
    connection.rollback()
    connection.set_session(readonly=False, isolation_level=extensions.ISOLATION_LEVEL_DEFAULT)
    for held in (False, True):
        with connection.cursor("psycopg2_named", withhold=held) as cursor:
            cursor.itersize = 10
            cursor.execute("SELECT i FROM generate_series(1, %s) i", (25,))
            print(cursor.fetchmany(3))
            if held:
                connection.commit()
            print([row[0] for row in cursor])
        connection.commit()
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT a FROM {} ORDER BY a").format(sql.Identifier("psycopg2_transactions")))
        print(cursor.fetchall())
    run(connection, "DROP TABLE psycopg2_transactions")
    connection.commit()


def big_rows(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT repeat('x', 8000000)")
        print(digest(cursor.fetchone()[0]))
        cursor.execute("SELECT %s", ("ü" * 1_500_000,))
        print(digest(cursor.fetchone()[0]))
        cursor.execute("SELECT repeat('y', i %% 3000) FROM generate_series(1, %s) i", (5000,))
        print(digest("".join(row[0] for row in cursor)))


PARTS: tuple[Callable[[Connection], None], ...] = (
    types, prepared, batches, copy, errors, cancel, notifications, transactions, big_rows,
)  # fmt: skip

if __name__ == "__main__":
    for part in PARTS:
        section(part.__name__)
        with closing(psycopg2.connect("")) as connection:
            part(connection)
