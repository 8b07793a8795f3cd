"""What the plans say of a session, held against what a real PostgreSQL's session then is."""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

from plugins import statement
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.registry import standard
from plugins.scope import Scope
from tests.plugins.table import cases
from tests.servers.postgres import PostgresServer

PLAIN = Scope()
CUSTOM = ("app.user_id", "app.tenant.id", "session.x", "local.x", "a.b", "a.c", "d.e", "a.x")
OBJECTS = """
    CREATE TABLE t (id int, a int, b int, c int, d int, e boolean, x text, data jsonb);
    CREATE TABLE u (id int, a int); CREATE TABLE v (a int); CREATE TABLE s_ (a int, b int);
    CREATE SEQUENCE s; CREATE SCHEMA app; CREATE SCHEMA shop; CREATE TYPE mood0 AS ENUM ('a');
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE p(int) LANGUAGE sql AS 'SELECT 1';
    INSERT INTO t (id, a) VALUES (1, 1);
"""
STATE = """
    SELECT array(SELECT name || '=' || coalesce(setting, '') FROM pg_settings
                 WHERE name NOT LIKE 'plpgsql.%%' ORDER BY name),
           array(SELECT coalesce(current_setting(name, true), '') FROM unnest(%s::text[]) AS name),
           array(SELECT * FROM pg_listening_channels()),
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
           (SELECT count(*) FROM pg_cursors WHERE is_holdable),
           (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
           (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
           current_user, session_user
"""


def planned(text: str, scope: Scope, *, exact: bool = True) -> Plan:
    return Chain(standard()).plan(statement.read(text.encode(), scope, exact=exact), scope)


def said_again(plan: Plan, text: str) -> Iterator[str]:
    """What the core says to a connection that is to become like the one the statement ran on."""
    for name, value in plan.sets:
        quoted = ".".join(f'"{part}"' for part in name.split("."))
        yield f"RESET {quoted}" if value is None else f"SET {quoted} = {value}"
    if plan.names == "makes":
        yield text


@contextmanager
def session(server: PostgresServer, scope: Scope = PLAIN) -> Iterator[psycopg.Connection]:
    options = "-c statement_timeout=500 -c lock_timeout=300"
    with closing(psycopg.connect(server.local(), autocommit=True, options=options)) as connection:
        for name, value in scope.settings:
            connection.execute(f"SET {name} = {value}".encode())
        yield connection


def state(connection: psycopg.Connection) -> object:
    return connection.execute(STATE, [list(CUSTOM)], prepare=False).fetchone()


def ran(connection: psycopg.Connection, text: str) -> bool:
    """Send the text as one simple query; whether all of it succeeded, any transaction left open committed."""
    result = connection.pgconn.exec_(text.encode())
    fine = result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)
    if fine and connection.pgconn.transaction_status == TransactionStatus.INTRANS:
        connection.pgconn.exec_(b"COMMIT")
    return fine and connection.pgconn.transaction_status == TransactionStatus.IDLE


def test_an_unpinned_session_is_as_its_plan_says(spare_postgres: PostgresServer) -> None:
    """Every text of the tables that succeeds here: when its plan pins nothing, a second session that only does what
    the plan says ends up in the same state."""
    spare_postgres.execute(OBJECTS)
    compared = 0
    for case in cases():
        plan = planned(case.text, case.scope, exact=case.exact)
        # What LISTEN does is done by a session of the proxy's own, and tested there.
        if plan.pin is not None or plan.channels:
            continue
        with session(spare_postgres, case.scope) as original, session(spare_postgres, case.scope) as follower:
            before = state(follower)
            if not ran(original, case.text):
                continue
            if plan.resets_all:
                follower.execute("RESET ALL")
            for command in said_again(plan, case.text):
                follower.execute(command.encode())
            assert state(original) == state(follower), (case.place, case.text)
            assert plan.sets or plan.resets_all or plan.names or state(original) == before, case.place
            compared += 1
    assert compared > 140


def test_every_state_the_probe_knows_is_seen_by_it(spare_postgres: PostgresServer) -> None:
    """The comparison above would be worth nothing with a probe that sees nothing."""
    for text in (
        "SET work_mem = '1MB'",
        "SET a.b = 'c'",
        "LISTEN a",
        "SELECT pg_advisory_lock(1)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "PREPARE p AS SELECT 1",
        "CREATE TEMP TABLE x (a int)",
        "SET ROLE app",
        "SET SESSION AUTHORIZATION app",
    ):
        with session(spare_postgres) as connection:
            before = state(connection)
            assert ran(connection, text), text
            assert state(connection) != before, text


PIECES = [
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "$$",
    "$a$",
    "--",
    "\n",
    "/*",
    "*/",
    ";",
    " ",
    "x",
    "SET a.x = 1",
    ";SET a.x = 1;",
    "E",
]
QUOTES = [
    ("'", "'"),
    ("E'", "'"),
    ("$$", "$$"),
    ("$a$", "$a$"),
    ('1 AS "', '"'),
    ("/*", "*/ 1"),
    ("--", "\n1"),
    ("B'", "'"),
    ("N'", "'"),
]


def woven(chance: random.Random) -> str:
    """Quotes and comments of all sorts around pieces that would end them, or not."""
    statements: list[str] = []
    for _ in range(chance.randint(1, 4)):
        if chance.random() < 0.25:
            statements.append("SET a.x = 1")
            continue
        opening, closing = chance.choice(QUOTES)
        inside = "".join(chance.choices(PIECES, k=chance.randint(0, 5)))
        statements.append(f"SELECT {opening}{inside}{closing}")
    return ";".join(statements)


def test_no_quote_or_comment_hides_a_setting(postgres_server: PostgresServer) -> None:
    """Random texts, under both readings of backslashes: the setting changes exactly when the plan says so."""
    chance = random.Random(3)
    accepted = changed = 0
    for standard_strings in ("on", "off"):
        scope = Scope(settings=(("standard_conforming_strings", standard_strings),))
        with session(postgres_server, scope) as connection:
            for _ in range(4_000):
                text = woven(chance)
                connection.pgconn.exec_(b"SET a.x = ''")
                if not ran(connection, text):
                    continue
                accepted += 1
                row = connection.execute("SELECT current_setting('a.x', true)").fetchone()
                is_set = row == ("1",)
                changed += is_set
                plan = planned(text, scope)
                assert plan.pin or bool(plan.sets) == is_set, (standard_strings, text)
    assert accepted > 1_000
    assert changed > 200
    assert accepted - changed > 200
