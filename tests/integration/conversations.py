"""What a client may say to PostgreSQL, in every shape the protocol allows, and in some that it does not.

A conversation is a list of steps: bytes to send, and the kinds of messages to wait for. Tests run each on the server
and through the proxy; nothing here knows what the answer is, the server does. Each leaves the database as it was.
Past 400 lines because it is a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.integration.wire import (
    COPY_DONE,
    FLUSH,
    SYNC,
    bind,
    close_portal,
    close_statement,
    copy_data,
    copy_fail,
    describe_portal,
    describe_statement,
    execute,
    function_call,
    parse,
    query,
)

INT4, TEXT = 23, 25


@dataclass(frozen=True)
class Step:
    """Something said, and what to hear before the next step."""

    say: bytes
    hear: str


Conversation = list[Step]


def say(*messages: bytes, hear: str = "Z") -> Step:
    return Step(b"".join(messages), hear)


def select(text: str = "SELECT 1", name: str = "", portal: str = "") -> bytes:
    """Parse, Bind, Describe, Execute."""
    return parse(name, text) + bind(portal, name) + describe_portal(portal) + execute(portal)


STILL_HERE = query("SELECT 'still here'")
ALIVE = say(STILL_HERE)
"""Ends most conversations: both sides go on in step."""

SIMPLE: Mapping[str, Conversation] = {
    "a query": [say(query("SELECT 1 AS one, NULL AS none, 'x' AS x"))],
    "an empty query": [say(query("")), say(query(" ;; ; ")), say(query("-- only a comment")), ALIVE],
    "several statements": [say(query("SELECT 1; SELECT 'two'; VALUES (3), (4)")), ALIVE],
    "several statements, the second fails": [say(query("SELECT 1; SELECT 1/0; SELECT 3")), ALIVE],
    "several statements, an empty one between": [say(query("SELECT 1;;SELECT 2;"))],
    "several queries in a packet": [say(query("SELECT 1"), query("SELECT 2"), query("SELECT 3"), hear="ZZZ")],
    "several queries in a packet, one fails": [
        say(query("SELECT 1"), query("SELECT nothing"), query("SELECT 3"), hear="ZZZ")
    ],
    "a syntax error": [say(query("SELEC 1")), say(query("SELECT '")), say(query('SELECT "')), ALIVE],
    "an error with everything": [
        say(
            query(
                "DO $$BEGIN RAISE EXCEPTION 'm' USING DETAIL='d', HINT='h', ERRCODE='P0123', COLUMN='c', CONSTRAINT='n',"
                " DATATYPE='t', TABLE='b', SCHEMA='s'; END$$"
            )
        ),
        ALIVE,
    ],
    "notices": [
        say(query("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; RAISE NOTICE 'thr''ee'; END$$")),
        say(query("SET client_min_messages = error; DO $$BEGIN RAISE NOTICE 'unheard'; END$$")),
        say(query("RESET client_min_messages")),
        ALIVE,
    ],
    "a transaction": [
        say(query("BEGIN")),
        say(query("SELECT 1")),
        say(query("COMMIT")),
        ALIVE,
    ],
    "a transaction in a packet": [
        say(query("BEGIN"), query("SELECT 1"), query("COMMIT"), query("SELECT 2"), hear="ZZZZ")
    ],
    "a failed transaction": [
        say(query("BEGIN")),
        say(query("SELECT 1/0")),
        say(query("SELECT 1")),
        say(query("COMMIT")),
        ALIVE,
    ],
    "a failed transaction in a packet": [
        say(
            query("BEGIN"),
            query("SELECT 1/0"),
            query("SELECT 1"),
            query("ROLLBACK"),
            STILL_HERE,
            hear="ZZZZZ",
        )
    ],
    "savepoints": [
        say(query("BEGIN"), query("SAVEPOINT a"), query("SELECT 1/0"), hear="ZZZ"),
        say(query("ROLLBACK TO a"), query("SELECT 2"), query("RELEASE a"), query("COMMIT"), hear="ZZZZ"),
        ALIVE,
    ],
    "a transaction command where none is due": [
        say(query("COMMIT")),
        say(query("BEGIN; BEGIN")),
        say(query("ROLLBACK")),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "COMMIT AND CHAIN": [
        say(
            query("BEGIN"),
            query("COMMIT AND CHAIN"),
            query("ROLLBACK AND CHAIN"),
            query("ROLLBACK"),
            hear="ZZZZ",
        ),
        ALIVE,
    ],
    "a transaction begun and left within one text": [
        say(query("BEGIN; SELECT 1; COMMIT; SELECT 2")),
        say(query("SELECT 1; BEGIN; SELECT 2")),
        say(query("SELECT 3; ROLLBACK; SELECT 4")),
        ALIVE,
    ],
    "COPY out": [
        say(query("COPY (SELECT i, NULL, 'a	b' FROM generate_series(1, 3) i) TO STDOUT")),
        say(query("COPY (SELECT 1) TO STDOUT (FORMAT binary)")),
        say(query("COPY (SELECT 1/0) TO STDOUT")),
        ALIVE,
    ],
    "COPY in": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int, b text)"), hear="ZZ"),
        say(query("COPY wire_copy FROM STDIN"), hear="G"),
        say(copy_data(b"1\tone\n2\t"), copy_data(b"\\N\n3"), copy_data(b"\tthree\n"), COPY_DONE),
        say(query("SELECT * FROM wire_copy ORDER BY a")),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "COPY in, all in a packet": [
        say(
            query("BEGIN"),
            query("CREATE TABLE wire_copy (a int, b text)"),
            query("COPY wire_copy FROM STDIN"),
            copy_data(b"1\tone\n"),
            COPY_DONE,
            query("SELECT * FROM wire_copy"),
            query("ROLLBACK"),
            hear="ZZZZZ",
        ),
        ALIVE,
    ],
    "COPY in, given up by the client": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(query("COPY wire_copy FROM STDIN"), hear="G"),
        say(copy_data(b"1\n"), copy_fail("changed my mind")),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "COPY in, refused by the server while data is under way": [
        say(query("CREATE TABLE wire_copy_bad (a int)")),
        say(query("COPY wire_copy_bad FROM STDIN"), hear="G"),
        say(copy_data(b"1\nnot a number\n"), copy_data(b"3\n") * 50, COPY_DONE),
        say(query("SELECT count(*) FROM wire_copy_bad")),
        say(query("DROP TABLE wire_copy_bad")),
        ALIVE,
    ],
    "COPY in that cannot begin, its data sent already": [
        say(query("COPY no_such_table FROM STDIN"), copy_data(b"1\n"), COPY_DONE),
        ALIVE,
    ],
    "Flush and Sync in the middle of COPY in": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(query("COPY wire_copy FROM STDIN"), hear="G"),
        say(copy_data(b"1\n"), FLUSH, SYNC, copy_data(b"2\n"), COPY_DONE),
        say(query("SELECT * FROM wire_copy")),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "COPY in and out in one text": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(
            query("COPY wire_copy FROM STDIN; COPY wire_copy TO STDOUT; COPY wire_copy FROM STDIN; SELECT 1"),
            hear="G",
        ),
        say(copy_data(b"1\n"), COPY_DONE, hear="G"),
        say(copy_data(b"2\n"), COPY_DONE),
        say(query("SELECT * FROM wire_copy"), query("ROLLBACK"), hear="ZZ"),
        ALIVE,
    ],
    "a Query in the middle of COPY in": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(query("COPY wire_copy FROM STDIN"), hear="G"),
        # The server gives the connection up.
        say(query("SELECT 1")),
    ],
    "copy messages out of turn": [
        say(copy_data(b"stray"), COPY_DONE, copy_fail("stray"), STILL_HERE),
    ],
    "a function call": [
        # int4pl(2, 40), in binary; then one that is refused.
        say(function_call(177, [b"\0\0\0\2", b"\0\0\0\x28"])),
        say(function_call(177, [b"\0\0\0\2"])),
        say(function_call(4_000_000, [])),
        ALIVE,
    ],
    "a function call in a transaction": [
        say(query("BEGIN")),
        say(function_call(177, [b"\0\0\0\2", b"\0\0\0\x28"])),
        say(function_call(154, [b"\0\0\0\2", b"\0\0\0\0"])),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "SQL-level prepared statements": [
        say(query("PREPARE wire_p (int) AS SELECT $1 + 1")),
        say(query("EXECUTE wire_p (41)")),
        say(query("PREPARE wire_p AS SELECT 2")),
        say(query("DEALLOCATE wire_p")),
        say(query("EXECUTE wire_p (1)")),
        say(query("DEALLOCATE wire_p")),
        ALIVE,
    ],
    "cursors": [
        say(query("BEGIN"), query("DECLARE c CURSOR FOR SELECT generate_series(1, 5)"), hear="ZZ"),
        say(query("FETCH 2 c"), query("MOVE 1 c"), query("FETCH ALL c"), query("CLOSE c"), hear="ZZZZ"),
        say(query("FETCH c"), query("ROLLBACK"), hear="ZZ"),
        say(query("DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 5)")),
        say(query("FETCH 2 h"), query("CLOSE h"), query("FETCH h"), hear="ZZZ"),
        ALIVE,
    ],
    "settings": [
        say(query("SET TimeZone = 'Europe/Berlin'"), query("SHOW TimeZone"), hear="ZZ"),
        say(
            query("SET DateStyle = German"),
            query("SELECT date '2020-02-01'"),
            query("RESET DateStyle"),
            hear="ZZZ",
        ),
        say(query("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'")),
        say(query("SHOW TimeZone")),
        say(query("COMMIT")),
        say(query("SHOW TimeZone"), query("RESET ALL"), query("SHOW TimeZone"), hear="ZZZ"),
        say(query("SET no_such_setting = 1")),
        say(query("SET application_name = 'wire'"), query("SHOW application_name"), hear="ZZ"),
        say(
            query("BEGIN; SET application_name = 'inside'"),
            query("ROLLBACK"),
            query("SHOW application_name"),
            hear="ZZZ",
        ),
        say(query("DISCARD ALL"), query("SHOW application_name"), hear="ZZ"),
        ALIVE,
    ],
    "another encoding": [
        say(query("SET client_encoding = 'LATIN1'"), hear="Z"),
        say(query("SELECT chr(228)")),
        say(query("RESET client_encoding")),
        say(query("SELECT chr(228)")),
    ],
    "old strings": [
        say(query("SET standard_conforming_strings = off")),
        say(query(r"SELECT 'a\'b', 'a\\b'")),
        say(query("SET escape_string_warning = off")),
        say(query(r"SELECT 'a\'b; SELECT 2 --'")),
        say(query("RESET ALL")),
        say(query(r"SELECT 'a\'")),
        ALIVE,
    ],
    "temporary tables": [
        say(
            query("CREATE TEMP TABLE wire_temp (a int)"), query("INSERT INTO wire_temp VALUES (1)"), hear="ZZ"
        ),
        say(
            query("SELECT * FROM wire_temp"),
            query("DISCARD TEMP"),
            query("SELECT * FROM wire_temp"),
            hear="ZZZ",
        ),
        ALIVE,
    ],
    # Where it can be seen, it is the proxy that tells: see test_notifications.py.
    "LISTEN and NOTIFY": [
        say(query("DO $$ BEGIN EXECUTE 'LISTEN other'; END $$")),
        say(query("NOTIFY other, 'unseen'")),
        say(query("BEGIN"), query("LISTEN wire"), query("COMMIT"), hear="ZZZ"),
        say(query("NOTIFY wire, 'to myself'")),
        say(query("UNLISTEN wire"), query("NOTIFY wire"), hear="ZZ"),
        ALIVE,
    ],
    "advisory locks": [
        say(query("SELECT pg_advisory_lock(42)"), query("SELECT pg_try_advisory_lock(42)"), hear="ZZ"),
        say(query("SELECT pg_advisory_unlock(42)"), query("SELECT pg_advisory_unlock_all()"), hear="ZZ"),
        ALIVE,
    ],
    "two-phase commit refused": [
        say(query("BEGIN"), query("PREPARE TRANSACTION 'wire'"), query("COMMIT PREPARED 'wire'"), hear="ZZZ"),
        ALIVE,
    ],
    "a row of a megabyte": [say(query("SELECT repeat('abcdefgh', 131072)")), ALIVE],
    "many rows": [say(query("SELECT i, repeat('x', i % 300) FROM generate_series(1, 5000) i")), ALIVE],
    "a text of a megabyte and a half": [say(query(f"SELECT length('{'y' * 1_500_000}')")), ALIVE],
    "EXPLAIN": [
        say(query("EXPLAIN (COSTS OFF) SELECT 1"), query("EXPLAIN (COSTS OFF) SELECT nothing"), hear="ZZ")
    ],
    "a table that comes and goes": [
        say(query("CREATE TABLE wire_t (a int)")),
        say(query("INSERT INTO wire_t VALUES (1), (2) RETURNING a")),
        say(query("SELECT * FROM wire_t")),
        say(query("ALTER TABLE wire_t ADD b text DEFAULT 'b'")),
        say(query("SELECT * FROM wire_t")),
        say(query("DROP TABLE wire_t")),
        say(query("SELECT * FROM wire_t")),
        ALIVE,
    ],
}

EXTENDED: Mapping[str, Conversation] = {
    "the usual": [say(select("SELECT 1, 'x'"), SYNC), ALIVE],
    "with values": [
        say(
            parse("", "SELECT $1 + 1, $2 || '!', $3", [INT4, TEXT, TEXT]),
            bind("", "", [b"41", b"hello", None]),
            describe_portal(),
            execute(),
            SYNC,
        ),
        ALIVE,
    ],
    "binary both ways": [
        say(
            parse("", "SELECT $1 + 1, 'text'", [INT4]),
            bind("", "", [b"\0\0\0\x29"], formats=[1], results=[1, 0]),
            describe_portal(),
            execute(),
            SYNC,
        )
    ],
    "a statement described": [
        say(parse("", "SELECT $1::int, $2::text AS b"), describe_statement(), SYNC),
        say(parse("", "INSERT INTO pg_class DEFAULT VALUES"), describe_statement(), SYNC),
        ALIVE,
    ],
    "an empty statement": [
        say(parse("", ""), bind(), describe_portal(), execute(), SYNC),
        say(parse("", "-- nothing"), describe_statement(), bind(), execute(), SYNC),
        ALIVE,
    ],
    "a named statement": [
        say(parse("s1", "SELECT 1 + $1", [INT4]), SYNC),
        say(bind("", "s1", [b"1"]), execute(), SYNC),
        say(bind("", "s1", [b"2"]), execute(), bind("", "s1", [b"3"]), execute(), SYNC),
        say(describe_statement("s1"), SYNC),
        say(close_statement("s1"), SYNC),
        say(bind("", "s1", [b"2"]), execute(), SYNC),
        ALIVE,
    ],
    "names as a proxy may use them": [
        say(select("SELECT 'a'", "articdbm_1"), SYNC),
        say(select("SELECT 'b'", "articdbm_2"), SYNC),
        say(bind("", "articdbm_1"), execute(), bind("", "articdbm_2"), execute(), SYNC),
        say(bind("", "articdbm_3"), execute(), SYNC),
        say(select("SELECT 'c'", "_articdbm_0"), SYNC),
        say(select("SELECT 'd'", "__a1"), SYNC),
        say(query("PREPARE articdbm_3 AS SELECT 'sql'; EXECUTE articdbm_3; DEALLOCATE articdbm_3")),
        say(close_statement("articdbm_1"), bind("", "articdbm_2"), execute(), SYNC),
        say(bind("", "articdbm_1"), execute(), SYNC),
        ALIVE,
    ],
    "odd names": [
        say(select("SELECT 'quoted'", 'a "b" c'), SYNC),
        say(select("SELECT 'long'", "n" * 300), SYNC),
        say(select("SELECT 'uni'", "ünïcode"), SYNC),
        say(bind("", "n" * 300), execute(), bind("", "ünïcode"), execute(), bind("", 'a "b" c'), execute(), SYNC),
        say(close_statement("n" * 300), close_statement("ünïcode"), close_statement('a "b" c'), SYNC),
        ALIVE,
    ],
    "one name parsed twice": [
        say(parse("twice", "SELECT 1"), SYNC),
        say(parse("twice", "SELECT 2"), SYNC),
        say(bind("", "twice"), execute(), SYNC),
        say(close_statement("twice"), parse("twice", "SELECT 3"), bind("", "twice"), execute(), SYNC),
        ALIVE,
    ],
    "one name parsed twice in a unit": [
        say(parse("twice", "SELECT 1"), parse("twice", "SELECT 2"), bind("", "twice"), execute(), SYNC),
        say(bind("", "twice"), execute(), SYNC),
        ALIVE,
    ],
    "one name parsed twice in a transaction": [
        say(query("BEGIN")),
        say(parse("twice", "SELECT 1"), SYNC),
        say(parse("twice", "SELECT 2"), SYNC),
        say(bind("", "twice"), execute(), SYNC),
        say(query("ROLLBACK")),
        say(bind("", "twice"), execute(), SYNC),
        ALIVE,
    ],
    "a Parse that fails leaves no name": [
        say(parse("bad", "SELECT nothing"), SYNC),
        say(bind("", "bad"), execute(), SYNC),
        say(parse("bad", "SELECT 'now good'"), bind("", "bad"), execute(), SYNC),
        ALIVE,
    ],
    "a Parse that fails keeps the old unnamed one or not, as the server does": [
        say(parse("", "SELECT 'old'"), SYNC),
        say(parse("", "SELECT nothing"), SYNC),
        say(bind(), execute(), SYNC),
        ALIVE,
    ],
    "a Parse skipped after an error leaves no name": [
        say(select("SELECT 1/0"), parse("skipped", "SELECT 1"), SYNC),
        say(bind("", "skipped"), execute(), SYNC),
        ALIVE,
    ],
    "unknown names": [
        say(bind("", "unknown"), SYNC),
        say(describe_statement("unknown"), SYNC),
        say(describe_portal("unknown"), SYNC),
        say(execute("unknown"), SYNC),
        say(close_statement("unknown"), close_portal("unknown"), SYNC),
        say(bind("", "unknown"), describe_portal(), execute(), SYNC),
        ALIVE,
    ],
    "no unnamed statement yet": [say(bind(), execute(), SYNC), say(describe_statement(), SYNC), ALIVE],
    "the unnamed statement lives across Syncs": [
        say(parse("", "SELECT $1 || ' again'", [TEXT]), SYNC),
        say(bind("", "", [b"once"]), execute(), SYNC),
        say(bind("", "", [b"twice"]), execute(), SYNC),
        say(describe_statement(), SYNC),
        say(query("SELECT 'a simple query forgets it'")),
        say(bind("", "", [b"thrice"]), execute(), SYNC),
        ALIVE,
    ],
    "the unnamed statement closed": [
        say(parse("", "SELECT 1"), close_statement(), bind(), execute(), SYNC),
        say(parse("", "SELECT 1"), SYNC),
        say(close_statement(), SYNC),
        say(bind(), execute(), SYNC),
        ALIVE,
    ],
    "the unnamed statement over an error": [
        say(parse("", "SELECT 10 / $1", [INT4]), SYNC),
        say(bind("", "", [b"0"]), execute(), SYNC),
        say(bind("", "", [b"2"]), execute(), SYNC),
        ALIVE,
    ],
    "Flush without Sync": [
        say(parse("", "SELECT 1"), FLUSH, hear="1"),
        say(describe_statement(), FLUSH, hear="T"),
        say(bind(), FLUSH, hear="2"),
        say(describe_portal(), FLUSH, hear="T"),
        say(execute(), FLUSH, hear="C"),
        say(SYNC),
        ALIVE,
    ],
    "Flush, an error, more, then Sync": [
        say(parse("", "SELECT nothing"), FLUSH, hear="E"),
        say(bind(), describe_portal(), execute(), FLUSH, parse("", "SELECT 1"), SYNC),
        ALIVE,
    ],
    "Flush with nothing said": [say(FLUSH, FLUSH, SYNC), ALIVE],
    "Sync alone": [say(SYNC), say(SYNC, SYNC, SYNC, hear="ZZZ"), ALIVE],
    "several Syncs in a packet": [
        say(select("SELECT 1"), SYNC, select("SELECT 2"), SYNC, SYNC, select("SELECT 3"), SYNC, hear="ZZZZ"),
        ALIVE,
    ],
    "several Syncs in a packet, errors between": [
        say(select("SELECT 1/0"), SYNC, select("SELECT 2"), SYNC, select("SELEC"), SYNC, select("SELECT 4"), SYNC, hear="ZZZZ"),
        ALIVE,
    ],
    "an error in mid-pipeline": [
        say(select("SELECT 1"), select("SELECT 1/0"), select("SELECT 3"), select("SELECT 4"), SYNC),
        say(select("SELECT 5"), SYNC),
        ALIVE,
    ],
    "an error rolls the whole pipeline back": [
        say(query("CREATE TABLE wire_pipe (a int)")),
        say(select("INSERT INTO wire_pipe VALUES (1)"), select("INSERT INTO wire_pipe VALUES (1/0)"), SYNC),
        say(select("SELECT count(*) FROM wire_pipe"), SYNC),
        say(select("INSERT INTO wire_pipe VALUES (1)"), select("INSERT INTO wire_pipe VALUES (2)"), SYNC),
        say(select("SELECT count(*) FROM wire_pipe"), SYNC),
        say(query("DROP TABLE wire_pipe")),
    ],
    "a pipeline of many": [say(*(select(f"SELECT {number}") for number in range(200)), SYNC), ALIVE],
    "a transaction in a pipeline": [
        say(select("BEGIN"), select("SELECT 1"), select("SELECT 1/0"), select("COMMIT"), SYNC),
        say(select("SELECT 2"), SYNC),
        say(select("ROLLBACK"), SYNC),
        say(select("BEGIN"), select("SELECT 1"), select("COMMIT"), SYNC),
        ALIVE,
    ],
    "a transaction over several Syncs": [
        say(select("BEGIN"), SYNC, select("SELECT 1"), SYNC, select("COMMIT"), SYNC, select("SELECT 2"), SYNC, hear="ZZZZ"),
        ALIVE,
    ],
    "Describe after Close": [
        say(parse("gone", "SELECT 1"), SYNC),
        say(close_statement("gone"), describe_statement("gone"), SYNC),
        say(parse("gone", "SELECT 1"), bind("p", "gone"), close_portal("p"), describe_portal("p"), SYNC),
        say(close_statement("gone"), bind("", "gone"), SYNC),
        ALIVE,
    ],
    "Close in mid-pipeline": [
        say(
            parse("a", "SELECT 'a'"), bind("", "a"), execute(), close_statement("a"),
            parse("a", "SELECT 'another a'"), bind("", "a"), execute(), SYNC,
        ),
        say(bind("", "a"), execute(), SYNC),
        say(close_statement("a"), FLUSH, hear="3"),
        say(SYNC),
        say(bind("", "a"), SYNC),
        ALIVE,
    ],
    "a Close that is skipped after an error": [
        say(parse("kept", "SELECT 'kept'"), SYNC),
        say(select("SELECT 1/0"), close_statement("kept"), SYNC),
        say(bind("", "kept"), execute(), SYNC),
        say(close_statement("kept"), SYNC),
        ALIVE,
    ],
    "portals with row limits": [
        say(query("BEGIN")),
        say(parse("", "SELECT generate_series(1, 5)"), bind("p"), execute("p", 2), SYNC),
        say(execute("p", 2), SYNC),
        say(execute("p", 2), execute("p", 2), SYNC),
        say(close_portal("p"), SYNC),
        say(execute("p"), SYNC),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "portals with row limits in one unit": [
        say(
            parse("", "SELECT generate_series(1, 5)"), bind("p"), execute("p", 2), execute("p", 2), execute("p"),
            execute("p"), close_portal("p"), SYNC,
        ),
        say(parse("", "SELECT generate_series(1, 5)"), bind(), execute("", 2), SYNC),
        say(execute("", 2), SYNC),
        ALIVE,
    ],
    "two portals at a time": [
        say(query("BEGIN")),
        say(parse("s", "SELECT generate_series($1, 9)", [INT4]), bind("p1", "s", [b"1"]), bind("p2", "s", [b"5"]), SYNC),
        say(execute("p1", 2), execute("p2", 2), execute("p1", 1), execute("p2"), SYNC),
        say(bind("p1", "s", [b"1"]), SYNC),
        say(query("COMMIT")),
        say(execute("p1"), SYNC),
        say(close_statement("s"), SYNC),
        ALIVE,
    ],
    "a portal of a cursor": [
        say(query("BEGIN"), query("DECLARE c CURSOR FOR SELECT generate_series(1, 5)"), hear="ZZ"),
        say(describe_portal("c"), execute("c", 2), SYNC),
        say(query("FETCH c"), query("COMMIT"), hear="ZZ"),
        ALIVE,
    ],
    "COPY out": [
        say(parse("", "COPY (SELECT generate_series(1, 3)) TO STDOUT"), bind(), describe_portal(), execute(), SYNC),
        ALIVE,
    ],
    "COPY in": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(parse("", "COPY wire_copy FROM STDIN"), bind(), execute(), FLUSH, hear="G"),
        say(copy_data(b"1\n2\n"), COPY_DONE, SYNC),
        say(select("SELECT * FROM wire_copy"), SYNC),
        say(parse("", "COPY wire_copy FROM STDIN"), bind(), execute(), FLUSH, hear="G"),
        say(copy_data(b"1\n"), copy_fail("no more"), SYNC),
        say(query("ROLLBACK")),
        ALIVE,
    ],
    "COPY in, its Sync sent at once as libpq does": [
        say(query("BEGIN"), query("CREATE TABLE wire_copy (a int)"), hear="ZZ"),
        say(parse("", "COPY wire_copy FROM STDIN"), bind(), describe_portal(), execute(), SYNC, hear="G"),
        say(copy_data(b"1\n2\n"), COPY_DONE, SYNC),
        say(query("SELECT * FROM wire_copy"), query("ROLLBACK"), hear="ZZ"),
        ALIVE,
    ],
    "COPY in that fails while data is under way": [
        say(query("CREATE TABLE wire_copy_bad2 (a int)")),
        say(parse("", "COPY wire_copy_bad2 FROM STDIN"), bind(), execute(), FLUSH, hear="G"),
        say(copy_data(b"one\n"), FLUSH, hear="E"),
        say(copy_data(b"2\n"), COPY_DONE, SYNC),
        say(query("DROP TABLE wire_copy_bad2")),
        ALIVE,
    ],
    "simple and extended mixed without a Sync": [
        say(parse("m", "SELECT 1"), query("SELECT 2"), hear="Z"),
        say(bind("", "m"), execute(), query("SELECT 3"), hear="Z"),
        say(close_statement("m"), SYNC),
        ALIVE,
    ],
    "a simple query after an error without Sync is skipped": [
        say(parse("", "SELECT nothing"), query("SELECT 2"), SYNC),
        ALIVE,
    ],
    "the text of a named statement, simple": [
        say(parse("e", "SELECT 'e'"), SYNC),
        say(query("EXECUTE e")),
        say(query("DEALLOCATE e")),
        say(bind("", "e"), execute(), SYNC),
        ALIVE,
    ],
    "DEALLOCATE ALL": [
        say(parse("d1", "SELECT 1"), parse("d2", "SELECT 2"), SYNC),
        say(query("DEALLOCATE ALL")),
        say(bind("", "d1"), execute(), SYNC),
        say(parse("d1", "SELECT 'new'"), bind("", "d1"), execute(), SYNC),
        say(bind("", "d2"), execute(), SYNC),
        say(select("DEALLOCATE ALL"), SYNC),
        say(bind("", "d1"), execute(), SYNC),
        ALIVE,
    ],
    "DEALLOCATE of a protocol-level name": [
        say(parse("d1", "SELECT 1"), parse("d2", "SELECT 2"), SYNC),
        say(query("DEALLOCATE d1")),
        say(bind("", "d1"), execute(), SYNC),
        say(bind("", "d2"), execute(), SYNC),
        say(query("DEALLOCATE PREPARE d2")),
        say(bind("", "d2"), execute(), SYNC),
        say(query("DEALLOCATE d2")),
        ALIVE,
    ],
    "Bind of an SQL-level name": [
        say(query("PREPARE sqlname AS SELECT 'sql'")),
        say(bind("", "sqlname"), describe_portal(), execute(), SYNC),
        say(describe_statement("sqlname"), SYNC),
        say(parse("sqlname", "SELECT 'taken'"), SYNC),
        say(close_statement("sqlname"), SYNC),
        say(query("EXECUTE sqlname")),
        ALIVE,
    ],
    "DISCARD ALL": [
        say(parse("d1", "SELECT 1"), query("SET TimeZone = 'Asia/Tokyo'"), hear="Z"),
        say(query("DISCARD ALL")),
        say(bind("", "d1"), execute(), SYNC),
        say(query("SHOW TimeZone")),
        say(parse("d1", "SELECT 'new'"), bind("", "d1"), execute(), SYNC),
        say(select("DISCARD ALL"), SYNC),
        say(bind("", "d1"), execute(), SYNC),
        say(close_statement("d1"), SYNC),
        ALIVE,
    ],
    "DISCARD PLANS and SEQUENCES": [
        say(parse("d1", "SELECT 1"), query("DISCARD PLANS"), query("DISCARD SEQUENCES"), hear="ZZ"),
        say(bind("", "d1"), execute(), SYNC),
        ALIVE,
    ],
    "a table changed under a prepared statement": [
        say(query("CREATE TABLE wire_ddl AS SELECT 1 AS a")),
        say(parse("all", "SELECT * FROM wire_ddl"), bind("", "all"), execute(), SYNC),
        say(query("DROP TABLE wire_ddl")),
        say(bind("", "all"), execute(), SYNC),
        ALIVE,
    ],
    "prepared anew after a table changed, in a transaction": [
        say(query("BEGIN"), query("CREATE TABLE wire_ddl AS SELECT 1 AS a"), hear="ZZ"),
        say(parse("old", "SELECT * FROM wire_ddl"), bind("", "old"), execute(), SYNC),
        say(query("ALTER TABLE wire_ddl ADD b text DEFAULT 'new'")),
        say(parse("new", "SELECT * FROM wire_ddl"), bind("", "new"), describe_portal(), execute(), SYNC),
        say(parse("", "SELECT * FROM wire_ddl"), bind(), describe_portal(), execute(), SYNC),
        say(query("ROLLBACK"), close_statement("old"), close_statement("new"), SYNC, hear="ZZ"),
        ALIVE,
    ],
    "a type made anew under a prepared statement": [
        say(query("CREATE TYPE wire_mood AS ENUM ('sad', 'happy')")),
        say(parse("mood", "SELECT $1::wire_mood"), bind("", "mood", [b"happy"]), execute(), SYNC),
        say(query("SELECT set_config('my.own', 'pinned', false)")),
        say(query("DROP TYPE wire_mood")),
        say(query("CREATE TYPE wire_mood AS ENUM ('happy', 'new')")),
        say(close_statement("mood"), parse("mood", "SELECT $1::wire_mood"), bind("", "mood", [b"new"]), execute(), SYNC),
        say(query("DROP TYPE wire_mood; RESET ALL")),
        ALIVE,
    ],
    "settings in the extended protocol": [
        say(select("SET TimeZone = 'Europe/Berlin'"), SYNC),
        say(select("SHOW TimeZone"), SYNC),
        say(select("SELECT set_config('TimeZone', 'Asia/Tokyo', false)"), SYNC),
        say(select("SHOW TimeZone"), SYNC),
        say(select("SET TimeZone = 'UTC'"), select("SELECT 1/0"), SYNC),
        say(select("SHOW TimeZone"), SYNC),
        say(select("RESET TimeZone"), SYNC),
        say(select("SHOW TimeZone"), SYNC),
        ALIVE,
    ],
    "two statements in a Parse": [say(parse("", "SELECT 1; SELECT 2"), SYNC), ALIVE],
    "types and values that do not fit": [
        say(parse("", "SELECT $1::int"), bind("", "", [b"x"]), execute(), SYNC),
        say(parse("", "SELECT $1::int"), bind("", "", []), execute(), SYNC),
        say(parse("", "SELECT $1::int"), bind("", "", [b"1", b"2"]), execute(), SYNC),
        say(parse("", "SELECT $1::int"), bind("", "", [b"1"], formats=[0, 0]), execute(), SYNC),
        say(parse("", "SELECT $1::int"), bind("", "", [b"1"], formats=[7]), execute(), SYNC),
        say(parse("", "SELECT $1::nothing"), SYNC),
        say(parse("", "SELECT $1"), describe_statement(), SYNC),
        ALIVE,
    ],
    "a Bind of two megabytes": [
        say(
            parse("", "SELECT length($1), md5($1)", [TEXT]), bind("", "", [b"z" * (2 << 20)]), describe_portal(),
            execute(), SYNC,
        ),
        ALIVE,
    ],
    "a Bind of two megabytes that nobody wants": [
        say(select("SELECT 1/0"), parse("", "SELECT length($1)", [TEXT]), bind("", "", [b"z" * (2 << 20)]), execute(), SYNC),
        ALIVE,
    ],
    "a Parse of two megabytes": [
        say(parse("", f"SELECT length('{'y' * (2 << 20)}')"), bind(), execute(), SYNC),
        say(bind(), execute(), SYNC),
        say(parse("big", f"SELECT length('{'y' * (2 << 20)}')"), bind("", "big"), execute(), SYNC),
        say(bind("", "big"), execute(), describe_statement("big"), SYNC),
        say(close_statement("big"), SYNC),
        say(bind("", "big"), execute(), SYNC),
        ALIVE,
    ],
}  # fmt: skip
