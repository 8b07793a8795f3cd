"""COPY in and out, the same as a real PostgreSQL: data, errors and where they are, the rules of the wire; in little memory."""

import struct
import threading
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import pq
from psycopg.pq import abc

from protocols.postgres import messages
from proxy.answers.conversation import Conversation
from proxy.answers.sqlite.database import Database
from tests.answers import comparing
from tests.integration import wire
from tests.servers import proxy
from tests.servers.postgres import PostgresServer

TABLES = """
CREATE TABLE t (i int NOT NULL DEFAULT 7, s varchar(5), c char(3), n numeric(6, 2), b boolean, CHECK (i <> 13));
CREATE TABLE every (f float8, r real, l bigint, d date, s timestamp(3), z timestamptz, v interval, u uuid, y bytea,
    a int[], w text[], j jsonb, k json, h smallint, t time);
CREATE TABLE keyed (id int PRIMARY KEY, up int REFERENCES keyed);
CREATE TABLE one (x text);
CREATE VIEW seen AS SELECT i FROM t
"""
INTO = "COPY t FROM STDIN"
CSV = f"{INTO} CSV"
EVERY = (
    b"1.5\t2.25\t9000000000\t2024-02-29\t2024-02-29 10:20:30.123456\t2024-02-29 10:20:30+02\t3 days 02:00:00\t"
    b'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\t\\\\x00ff\t{1,2,NULL}\t{"a b","c\\\\\\\\d"}\t{"a": [1, 2]}\t'
    b'{"b":  1}\t-5\t10:20:30.5\n'
)
CASES: Sequence[tuple[str, bytes]] = (
    # text
    (INTO, b"1\tab\txy\t1.5\tt\n2\t\\N\t\\N\t\\N\t\\N\n"),
    (INTO, b"1\ta\\tb\tx\t1\tf\n2\t\\\\\t\\x41\\102\t1\ttrue\n3\ta\\\nb\tc\t0\tno"),
    (INTO, b"1\ta\tb\t1\tt\r\n2\ta\tb\t1\tt\r\n"),
    (INTO, b"1\ta\tb\t1\tt\r2\ta\tb\t1\tt\r"),
    (INTO, b"1\ta\tb\t1\tt\n\\.\nnonsense\n"),
    (INTO, b""),
    (INTO, b"1\ta\tb\t1\tt\n2\ta\r\tb\t1\tt\n"),
    (INTO, b"1\ta\tb\t1\tt\r\n2\ta\tb\t1\tt\n"),
    (INTO, b"1\ta\tb\t1\tt\n2\ta\n"),
    (INTO, b"1\ta\tb\t1\tt\tmore\n"),
    (INTO, b"1\ta\tb\t1\tt\n\n"),
    (INTO, b"1\ta\tb\t1\tt\nx\ta\tb\t1\tt\n"),
    (INTO, b"1\ta\tb\t1\tt\n\\N\ta\tb\t1\tt\n"),
    (INTO, b"1\tabcdef\tb\t1\tt\n"),
    (INTO, b"1\tabcd   \tb  \t1\tt\n"),
    (INTO, b"1\ta\tabcd\t1\tt\n"),
    (INTO, b"1\ta\tb\t12345.678\tt\n"),
    (INTO, b"1\ta\tb\t1234.567\tt\n"),
    (INTO, b"13\ta\tb\t1\tt\n"),
    (INTO, b"1\ta\tb\t1\tperhaps\n"),
    (INTO, b"1\t" + b"x" * 200 + b"\tb\t1\tt\n"),
    (INTO, b"99999999999\ta\tb\t1\tt\n"),
    (INTO, b"1\t\xff\tb\t1\tt\n"),
    (INTO, "1\tnaïve\tü\t1\tt\n".encode()),
    ("COPY t (s, i) FROM STDIN", b"a\t1\nb\t2\n"),
    ("COPY t (s) FROM STDIN", b"a\nb\n"),
    ("COPY t (s, s) FROM STDIN", b""),
    ("COPY t (nope) FROM STDIN", b""),
    ("COPY nowhere FROM STDIN", b""),
    ("COPY seen FROM STDIN", b""),
    ("COPY t (i, s) FROM STDIN WITH (DELIMITER '|', NULL 'none')", b"1|none\n2|a\\|b\n3|a\tb\n"),
    ("COPY t (i, s) FROM STDIN WITH DELIMITER AS ';' NULL AS ''", b"1;\n2;a\n"),
    ("COPY t (i, s) FROM STDIN (HEADER)", b"any\tthing\n1\ta\n"),
    ("COPY t (i, s) FROM STDIN (HEADER match)", b"i\ts\n1\ta\n"),
    ("COPY t (i, s) FROM STDIN (HEADER match)", b"i\tx\n1\ta\n"),
    ("COPY t (i, s) FROM STDIN (HEADER match)", b"i\n1\n"),
    ("COPY public.t (i) FROM stdin;", b"1\n"),
    ("COPY every FROM STDIN", EVERY),
    ("COPY every (a) FROM STDIN", b"{1,x}\n"),
    ("COPY every (j) FROM STDIN", b"{not\n"),
    ("COPY every (d) FROM STDIN", b"2024-01-01\n2024-02-30\n"),
    ("COPY every (y) FROM STDIN", b"\\\\xzz\n"),
    ("COPY every (u) FROM STDIN", b"x\n"),
    ("COPY keyed FROM STDIN", b"1\t2\n2\t\\N\n"),
    ("COPY keyed FROM STDIN", b"1\t2\n"),
    ("COPY keyed FROM STDIN", b"1\t\\N\n2\t\\N\n1\t\\N\n"),
    ("COPY one FROM STDIN", b"\n\\N\nx\\b\\f\\v\\q\\7\n"),
    # csv
    (CSV, b'1,"a",b,1,t\n2,,"",,\n'),
    (CSV, b'1,"a""b","x,y",1,t\n2,"a\nb",c,1,t\n'),
    (CSV, b'1,"a\r\nb",c,1,t\r\n2,x"y"z,c,1,t\r\n'),
    (CSV, b'1,"a,b,1,t\n'),
    (CSV, b'1,"a\n\nb",b,1,t\nx,a,b,1,t\n'),
    (CSV, b"1,a\r,b,1,t\n2,a,b,1,t\n"),
    (CSV, b"1,a,b,1,t\n2,a\r,b,1,t\n"),
    (CSV, b"1,a,b,1,t\n\\.\nx\n"),
    (CSV, b"1,a,b\n"),
    ("COPY t (i, s) FROM STDIN WITH (FORMAT csv, HEADER true, QUOTE '''', ESCAPE '\\')", b"i,s\n1,'it\\'s'\n2,'\\\\a'\n3,\\a\n"),
    ("COPY t (i, s) FROM STDIN WITH CSV HEADER DELIMITER ';' QUOTE '$' NULL 'NIL'", b"i;s\n1;$NIL$\n2;NIL\n"),
    ("COPY one FROM STDIN CSV", b'""\n\n"\\."\n a \n'),
    # what does not go together
    ("COPY t FROM STDIN (FORMAT xml)", b""),
    ("COPY t FROM STDIN (DELIMITER 'ab')", b""),
    ("COPY t FROM STDIN (DELIMITER 'a')", b""),
    ("COPY t FROM STDIN (DELIMITER E'\\n')", b""),
    ("COPY t FROM STDIN (NULL E'a\\nb')", b""),
    ("COPY t FROM STDIN (QUOTE '''')", b""),
    ("COPY t FROM STDIN (ESCAPE '''')", b""),
    ("COPY t FROM STDIN (FORMAT csv, QUOTE ',')", b""),
    ("COPY t FROM STDIN (FORMAT csv, QUOTE 'ab')", b""),
    ("COPY t FROM STDIN (FORMAT csv, NULL 'a,b')", b""),
    ("COPY t FROM STDIN (FORMAT csv, NULL '\"')", b""),
    ("COPY t FROM STDIN (FORMAT csv, FORMAT csv)", b""),
    ("COPY t FROM STDIN (HEADER maybe)", b""),
    ("COPY t FROM STDIN (NONSENSE)", b""),
    ("COPY t FROM STDIN NONSENSE", b""),
    ("COPY t FROM", b""),
    ("COPY t FROM '/tmp/x'", b""),
    ("COPY t TO PROGRAM 'cat'", b""),
    ("COPY (SELECT 1) FROM STDIN", b""),
)  # fmt: skip


class Told(NamedTuple):
    """What came of a COPY."""

    code: str
    message: str = ""
    where: str = ""
    tag: str = ""


def copy(connection: abc.PGconn, text: str, data: bytes, *, piece: int, extended: bool) -> Told:
    result = connection.exec_params(text.encode(), []) if extended else connection.exec_(text.encode())
    if result.status == pq.ExecStatus.COPY_IN:
        for at in range(0, len(data), piece):
            connection.put_copy_data(data[at : at + piece])
        connection.put_copy_end()
        while (found := connection.get_result()) is not None:
            result = found
    tag = (result.command_status or b"").decode()
    if result.status == pq.ExecStatus.COMMAND_OK:
        return Told("00000", tag=tag)
    fields = pq.DiagnosticField
    said = [
        (result.error_field(one) or b"").decode()
        for one in (fields.SQLSTATE, fields.MESSAGE_PRIMARY, fields.CONTEXT)
    ]
    said[2] = said[2].rpartition("\n")[2]  # without the place in a JSON text
    if said[0] in ("42601", "42501"):
        said[1] = ""
    if said[0] == "23503":
        said[1:] = ["", ""]
    return Told(*said)


@pytest.mark.parametrize(("piece", "extended"), [(1, False), (7, True), (1 << 20, False)])
def test_data_and_errors_are_postgres(real: str, store: proxy.Proxy, piece: int, *, extended: bool) -> None:
    one, other = comparing.connect(real), comparing.connect(store.dsn())
    for connection in (one, other):
        assert comparing.ask(connection, TABLES).code == "00000"
    wrong: list[str] = []
    for text, data in CASES:
        if extended and "seen" in text:
            continue  # the server says that rows may come and then that they may not: libpq loses its place
        want = copy(one, text, data, piece=piece, extended=extended)
        have = copy(other, text, data, piece=piece, extended=extended)
        if want != have:
            wrong.append(f"{text} {data!r}\n    PostgreSQL: {want}\n    embedded:   {have}")
        for table in ("t", "every", "keyed", "one"):
            for options in ("", " (FORMAT csv, HEADER)"):
                asked = f"COPY {table} TO STDOUT{options}"
                want_rows, have_rows = comparing.ask(one, asked), comparing.ask(other, asked)
                if want_rows != have_rows:
                    wrong.append(f"{text} {data!r}\n    PostgreSQL: {want_rows}\n    embedded:   {have_rows}")
        for connection in (one, other):
            assert comparing.ask(connection, "TRUNCATE t, every, keyed, one").code == "00000"
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong)


REFUSED = (
    "COPY t FROM STDIN (FORMAT binary)", "COPY t TO STDOUT WITH BINARY", "COPY BINARY t TO STDOUT", "COPY t FROM STDIN WHERE i > 1",
    "COPY t FROM STDIN (FREEZE)", "COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE *)", "COPY t FROM STDIN (ENCODING 'latin1')",
)  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_done_is_refused_by_name(store: proxy.Proxy, text: str) -> None:
    connection = comparing.connect(store.dsn())
    comparing.ask(connection, TABLES)
    assert comparing.ask(connection, text).code == "0A000"


# --- the rules of the wire -----------------------------------------------------------------------

GOOD, BAD = wire.copy_data(b"1\n2\n"), wire.copy_data(b"x\n")
BEGUN = wire.parse("", "COPY n FROM STDIN") + wire.bind() + wire.execute()
CONVERSATIONS = (
    (wire.query("COPY n FROM STDIN") + GOOD + wire.COPY_DONE, "Z"),
    (wire.query("COPY n FROM STDIN; SELECT count(*) FROM n") + GOOD + wire.COPY_DONE, "Z"),
    (wire.query("SELECT 1; COPY n FROM STDIN; COPY n FROM STDIN") + GOOD + wire.COPY_DONE + GOOD + wire.COPY_DONE, "Z"),
    # An error: what is left of the data is passed over, the next statement is answered.
    (wire.query("COPY n FROM STDIN; SELECT 1") + BAD + GOOD + wire.COPY_DONE + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (wire.query("COPY n FROM STDIN") + GOOD + wire.copy_fail("enough") + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (wire.query("COPY n FROM STDIN") + GOOD + wire.query("SELECT 1") + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (wire.query("COPY n TO STDOUT; SELECT 1"), "Z"),
    # By the extended protocol Sync ends what an error began, and is not heard while rows come.
    (BEGUN + GOOD + wire.COPY_DONE + wire.SYNC, "Z"),
    (BEGUN + wire.FLUSH + wire.SYNC + GOOD + wire.COPY_DONE + wire.SYNC, "Z"),
    (BEGUN + GOOD + BAD + GOOD + wire.COPY_DONE + wire.SYNC + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (BEGUN + GOOD + wire.copy_fail("enough") + wire.SYNC + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (BEGUN + GOOD + wire.parse("", "SELECT 1") + wire.SYNC + wire.query("SELECT count(*) FROM n"), "ZZ"),
    (wire.query("BEGIN") + wire.query("COPY n FROM STDIN") + BAD + wire.COPY_DONE + wire.query("SELECT 1") + wire.query("ROLLBACK"), "ZZZZ"),
    (wire.parse("", "COPY (SELECT 1, 2) TO STDOUT") + wire.bind() + wire.describe_portal() + wire.execute() + wire.SYNC, "Z"),
    (wire.copy_data(b"x") + wire.COPY_DONE + wire.query("SELECT 1"), "Z"),
)  # fmt: skip


@pytest.mark.parametrize("at", range(len(CONVERSATIONS)))
def test_the_rules_of_the_wire_are_postgres(
    at: int, real: str, store: proxy.Proxy, postgres_server: PostgresServer
) -> None:
    for dsn in (real, store.dsn()):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE n (i int)")
            if dsn == real:
                connection.execute("GRANT ALL ON n TO app_trust")
    asked, until = CONVERSATIONS[at]
    said: list[list[object]] = []
    places = (
        (postgres_server.host, postgres_server.port, "app_trust", "embedded_compared"),
        (store.host, store.port, "app", "shop"),
    )
    for host, port, user, database in places:
        line = wire.Line(host, port)
        line.log_in(user, database)
        said.append([_comparable(one) for one in line.ask(asked, until)])
        line.socket.close()
    assert said[0] == said[1]


def _comparable(one: wire.Message) -> object:
    if one.kind == "T":
        return one.kind
    if one.kind != "E":
        return one
    fields = {field[:1]: field[1:] for field in one.body.split(b"\0") if field}
    return {name: fields.get(name) for name in (b"C", b"M", b"W")}


# --- drivers -------------------------------------------------------------------------------------


def test_a_copy_that_waits_can_be_cancelled(store: proxy.Proxy) -> None:
    """Its client says nothing more; others get the right to write all the same."""
    with psycopg.connect(store.dsn(), autocommit=True) as one, psycopg.connect(store.dsn()) as other:
        one.execute("CREATE TABLE t (i int)")
        with pytest.raises(psycopg.errors.QueryCanceled), one.cursor().copy("COPY t FROM STDIN") as copying:
            copying.write(b"1\n")
            one.cancel()
            other.execute("SET lock_timeout = '10s'")
            other.execute("INSERT INTO t VALUES (2)")
            other.commit()
        assert one.execute("SELECT i FROM t").fetchall() == [(2,)]
        one.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled), one.cursor().copy("COPY t FROM STDIN"):
            other.execute("INSERT INTO t VALUES (3)")
            other.commit()


def test_two_at_once_and_a_reader_between(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (i int)")

    def load(first: int) -> None:
        with (
            psycopg.connect(store.dsn()) as connection,
            connection.cursor().copy("COPY t FROM STDIN") as copying,
        ):
            for at in range(first, first + 2_000):
                copying.write_row((at,))

    writers = [threading.Thread(target=load, args=(first,)) for first in (0, 10_000)]
    for one in writers:
        one.start()
    with psycopg.connect(store.dsn(), autocommit=True) as connection:
        seen = {connection.execute("SELECT count(*) FROM t").fetchone() for _ in range(20)}
        for one in writers:
            one.join()
        assert seen <= {(0,), (2_000,), (4_000,)}
        assert connection.execute("SELECT count(*), count(DISTINCT i) FROM t").fetchone() == (4_000, 4_000)


def test_foreign_keys_are_looked_at_again_after_a_copy_that_failed(store: proxy.Proxy) -> None:
    with psycopg.connect(store.dsn()) as connection:
        connection.execute("CREATE TABLE keyed (id int PRIMARY KEY, up int REFERENCES keyed)")
        with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
            with connection.cursor().copy("COPY keyed FROM STDIN") as copying:
                copying.write("1\t2\n")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation), connection.transaction():
            with connection.cursor().copy("COPY keyed FROM STDIN") as copying:
                copying.write("x\t2\n")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("INSERT INTO keyed VALUES (1, 2)")


# --- memory --------------------------------------------------------------------------------------


def test_much_costs_little_memory(tmp_path: Path) -> None:
    """Thirty megabytes through one conversation, there and back."""
    store = Database(tmp_path / "x.db")
    conversation = Conversation(store.open("app", {"database": "x"}))
    row = b"x" * 900
    lines, piece = 32_000, 16
    ask(conversation, "CREATE TABLE t (i int, s text)")
    ask(conversation, "COPY t FROM STDIN")
    tracemalloc.start()
    try:
        for at in range(0, lines, piece):
            data = b"".join(b"%d\t%b\n" % (one, row) for one in range(at, at + piece))
            assert not b"".join(conversation.hear(b"d", data))
        assert b"COPY %d" % lines in b"".join(conversation.hear(b"c", b""))
        size = sum(len(one) for one in conversation.hear(b"Q", b"COPY t TO STDOUT\0"))
        assert size > lines * len(row)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


def test_a_row_without_an_end_is_refused(tmp_path: Path) -> None:
    conversation = Conversation(Database(tmp_path / "x.db").open("app", {"database": "x"}))
    ask(conversation, "CREATE TABLE t (s text)")
    ask(conversation, "COPY t FROM STDIN")
    block = b"x" * (1 << 20)
    said = b""
    for _ in range(70):
        said = b"".join(conversation.hear(b"d", block))
        if said:
            break
    assert b"C54000" in said


def ask(conversation: Conversation, text: str) -> bytes:
    said = b"".join(conversation.hear(b"Q", text.encode() + b"\0"))
    assert b"SERROR" not in said, said
    return said


def test_the_frames_are_what_clients_expect() -> None:
    assert messages.copy_response(b"G", 2) == b"G" + struct.pack("!ibhhh", 11, 0, 2, 0, 0)
