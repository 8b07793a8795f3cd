"""From the first byte to the first ReadyForQuery: versions, encryption asked for, settings asked for; and that the
settings follow the client from one server connection to the next.
"""

import re
import struct
from collections.abc import Iterator

import pytest

from protocols.postgres import messages
from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.house import Side
from tests.integration.wire import (
    END,
    SYNC,
    Line,
    Message,
    bind,
    error,
    execute,
    kinds,
    parameters,
    parse,
    query,
    rows,
)
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"
GSS_REQUEST = struct.pack("!ii", 8, 80877104)


@pytest.fixture
def lines(direct: Side, trusting: Proxy) -> Iterator[tuple[Line, Line]]:
    """A connection to the server and one to the proxy, on which nothing was said yet."""
    with Line(direct.host, direct.port) as one, Line(trusting.host, trusting.port) as other:
        yield one, other


def comparable(said: list[Message]) -> list[Message]:
    """The cancel key is another in each session; that it is there, and how long it is, stays. Of a notice its place in
    the server's source goes."""
    masked = {"K": lambda body: bytes(len(body)), "N": lambda body: re.sub(rb"\0[FLR][^\0]*", b"", body)}
    return [Message(one.kind, masked.get(one.kind, bytes)(one.body)) for one in said]


def start(line: Line, version: int = 3 << 16, **asked: str) -> list[Message]:
    return comparable(line.log_in(USER, "shop", asked, version))


# --- versions and encryption ---------------------------------------------------------------------


def test_the_greeting_is_the_servers(lines: tuple[Line, Line]) -> None:
    direct, proxied = lines
    assert start(proxied) == start(direct)


def test_an_older_server_negotiates_a_newer_minor_down_and_so_do_we(lines: tuple[Line, Line]) -> None:
    """The servers here speak 3.0, the proxy 3.2: asked for 3.9, each names the newest it has."""
    direct, proxied = lines
    for line, newest in ((direct, 0), (proxied, 2)):
        said = start(line, 3 << 16 | 9)
        body = next(one.body for one in said if one.kind == "v")
        assert struct.unpack("!ii", body) == (3 << 16 | newest, 0)
        assert kinds(said).endswith("KZ")
        assert rows(line.ask(query("SELECT 1"))) == [("1",)]


def test_protocol_3_2_has_a_long_cancel_key(trusting: Proxy) -> None:
    with Line(trusting.host, trusting.port) as line:
        said = start(line, 3 << 16 | 2)
        assert "v" not in kinds(said)
        assert len(line.key) == 4 + 32
        with Line(trusting.host, trusting.port) as plain:
            start(plain)
            assert len(plain.key) == 4 + 4


def test_an_unknown_protocol_option_is_named_and_ignored(lines: tuple[Line, Line]) -> None:
    for line in lines:
        said = start(line, **{"_pq_.unheard_of": "1"})  # type: ignore[arg-type]
        body = next(one.body for one in said if one.kind == "v")
        assert body.endswith(b"_pq_.unheard_of\0")
        assert kinds(said).endswith("KZ")


@pytest.mark.parametrize("version", [4 << 16, 0xFFFF_FFF0 - (1 << 32)])
def test_another_major_version_is_refused(lines: tuple[Line, Line], version: int) -> None:
    for line in lines:
        line.send(messages.startup({"user": USER, "database": "shop"}, version))
        said = line.until("EZ")
        assert [message.kind for message in said] == ["E", END]
        assert error(said)["C"] == "0A000"


def test_encryption_that_is_not_offered_is_declined_and_life_goes_on(trusting: Proxy) -> None:
    with Line(trusting.host, trusting.port) as line:
        line.send(GSS_REQUEST)
        assert line.exactly(1) == b"N"
        line.send(messages.SSL_REQUEST)
        assert line.exactly(1) == b"N"
        assert kinds(start(line)).endswith("KZ")


@pytest.mark.parametrize("request_packet", [messages.SSL_REQUEST, GSS_REQUEST], ids=["TLS", "GSS"])
def test_encryption_is_asked_for_once(trusting: Proxy, request_packet: bytes) -> None:
    """A second time it is taken for a version, as the server does."""
    with Line(trusting.host, trusting.port) as line:
        line.send(request_packet)
        assert line.exactly(1) == b"N"
        line.send(request_packet)
        said = line.until("EZ")
        assert [message.kind for message in said] == ["E", END]
        assert error(said)["C"] == "0A000"


def test_a_start_that_comes_in_single_bytes(trusting: Proxy) -> None:
    with Line(trusting.host, trusting.port) as line:
        line.drip(GSS_REQUEST)
        assert line.exactly(1) == b"N"
        line.drip(messages.startup({"user": USER, "database": "shop"}))
        assert kinds(line.until("Z")).endswith("KZ")


@pytest.mark.parametrize(
    "packet",
    [
        struct.pack("!ii", 8, 3 << 16),
        struct.pack("!ii", 9, 3 << 16) + b"x",
        struct.pack("!ii", 13, 3 << 16) + b"user\0",
        struct.pack("!ii", 10_001, 3 << 16) + b"x" * 9_993,
        struct.pack("!ii", 0, 0),
        struct.pack("!i", -1) + b"rubbish",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
    ],
    ids=["no user", "no end", "half a pair", "too long", "nothing", "negative", "HTTP", "zeros", "ones"],
)
def test_garbage_is_refused(trusting: Proxy, packet: bytes) -> None:
    with Line(trusting.host, trusting.port) as line:
        line.send(packet)
        said = line.until("Z")
        assert said[-1].kind == END
        assert set(kinds(said[:-1])) <= {"E"}
    with Line(trusting.host, trusting.port) as line:
        assert kinds(start(line)).endswith("KZ")


# --- settings asked for at the start -------------------------------------------------------------

ASKED: dict[str, dict[str, str]] = {
    "a time zone": {"TimeZone": "Asia/Tokyo"},
    "names in any case": {"timezone": "Asia/Tokyo", "DATESTYLE": "German"},
    "a date style": {"DateStyle": "SQL, DMY"},
    "digits": {"extra_float_digits": "0"},
    "a search path": {"search_path": 'pg_catalog, "Odd ""Name", public'},
    "a name": {"application_name": "start"},
    "a name to be cleaned": {"application_name": "ünï\t" + "x" * 80},
    "a name cut inside a letter": {"application_name": "x" * 62 + "ü"},
    "a name all of which is cleaned": {"application_name": "ü" * 40},
    "a name of signs": {"options": r"-c application_name=it's\\ \\x41"},
    "a name in another encoding": {"application_name": "ünï" * 30, "client_encoding": "LATIN1"},
    "an encoding": {"client_encoding": "LATIN1"},
    "an encoding under another name": {"client_encoding": "utf-8"},
    "what psycopg asks for": {"client_encoding": "UTF8", "application_name": "", "DateStyle": "ISO"},
    "what JDBC asks for": {
        "client_encoding": "UTF8", "DateStyle": "ISO", "TimeZone": "Europe/Berlin", "extra_float_digits": "2",
    },
    "options": {"options": "-c work_mem=3MB -c TimeZone=Asia/Tokyo"},
    "options, the long form": {"options": "--work-mem=3MB --application_name=long"},
    "options, a blank escaped": {"options": r"-c application_name=a\ b -c search_path=pg_catalog,\ public"},
    "options against a parameter": {"options": "-c TimeZone=Asia/Tokyo", "TimeZone": "Europe/Paris"},
    "a setting of an extension": {"my.own": "x"},
    "a setting that is not reported": {"statement_timeout": "12345", "lock_timeout": "2s"},
    "a role": {"role": "app_trust"},
    "old strings": {"standard_conforming_strings": "off"},
    "a default isolation": {"default_transaction_isolation": "serializable"},
    "a wrong value": {"TimeZone": "Nowhere/Atall"},
    "a wrong number": {"work_mem": "much"},
    "an unknown name": {"no_such_setting": "1"},
    "an unknown name in options": {"options": "-c no_such_setting=1"},
    "options that are none": {"options": "--nonsense"},
    "what only a superuser may set": {"log_statement": "all"},
    "what needs a restart": {"max_connections": "5"},
}  # fmt: skip
SHOWN = (
    "TimeZone", "DateStyle", "extra_float_digits", "search_path", "application_name", "client_encoding", "work_mem",
    "statement_timeout", "lock_timeout", "standard_conforming_strings", "default_transaction_isolation", "role",
)  # fmt: skip
SHOW = query(
    f"SELECT {', '.join(f'current_setting($${name}$$)' for name in SHOWN)}, coalesce(current_setting('my.own', true), ''), "
    "current_date = current_date, 0.1::float8 + 0.2::float8, timestamptz '2024-06-01 12:00+00'"
)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("database", ["shop", "shop_one", "shop_session"])
def test_settings_asked_for_are_kept_and_told_truly(
    direct: Side, trusting: Proxy, database: str, name: str
) -> None:
    answers = []
    for host, port, where in ((direct.host, direct.port, "shop"), (trusting.host, trusting.port, database)):
        with Line(host, port) as line:
            said = line.log_in(USER, where, ASKED[name])
            refused = error(said)
            shown = rows(line.ask(SHOW)) if not refused else []
            again = rows(line.ask(query("RESET ALL") + SHOW, "ZZ")) if not refused else []
            words = {field: refused.get(field) for field in "SCMDH"}
            answers.append((comparable(said) if not refused else [], words, shown, again))
    assert answers[1] == answers[0]


TOLD = ("TimeZone", "DateStyle", "application_name", "is_superuser", "session_authorization")


def talk(line: Line, *statements: str) -> list[object]:
    """Everything seen of each: cells, errors, and what the client must take for the settings by then."""
    seen: list[object] = []
    for statement in statements:
        said = line.ask(query(statement))
        seen.append((statement, rows(said), error(said).get("M"), {name: line.told[name] for name in TOLD}))
    return seen


EAST = {"TimeZone": "Asia/Tokyo", "application_name": "east", "search_path": "pg_catalog"}
WEST = {
    "TimeZone": "America/New_York",
    "application_name": "west",
    "options": "-c work_mem=3MB",
    "DateStyle": "German",
}
SHOW_SOME = (
    "SELECT current_setting('TimeZone'), current_setting('application_name'), current_setting('search_path'), "
    "current_setting('work_mem'), current_setting('DateStyle'), timestamptz '2024-06-01 12:00+00', "
    "coalesce(current_setting('my.own', true), '')"
)
FOLLOWED = (
    ("SET TimeZone = 'UTC'",),
    ("SET work_mem = '5MB'", 'SET search_path = public, "Odd"', "SET my.own = 'mine'"),
    ("SET TimeZone = 'Nowhere/Atall'",),
    ("SET TimeZone = 'UTC'", "RESET TimeZone"),
    ("SET TimeZone = 'UTC'", "SET TimeZone TO DEFAULT"),
    ("SET DateStyle = SQL", "RESET ALL"),
    ("SET application_name = 'changed'", "DISCARD ALL"),
    ("SET TIME ZONE 3",),
    ("SET TIME ZONE LOCAL",),
    ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",),
    ("SELECT set_config('TimeZone', 'Europe/Rome', false)", "SELECT set_config('my.own', 'set', false)"),
    ("SELECT set_config('TimeZone', 'Europe/Rome', true)",),
    ("BEGIN; SET LOCAL TimeZone = 'Asia/Kolkata'; COMMIT",),
    ("BEGIN", "SET LOCAL TimeZone = 'Asia/Kolkata'", "SHOW TimeZone", "COMMIT"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "SHOW TimeZone", "COMMIT"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "SHOW TimeZone", "ROLLBACK"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "SELECT 1/0", "COMMIT"),
    ("BEGIN", "RESET TimeZone", "SHOW TimeZone", "COMMIT"),
    ("BEGIN", "RESET ALL", "SHOW TimeZone", "ROLLBACK"),
    ("BEGIN", "SAVEPOINT a", "SET TimeZone = 'Asia/Kolkata'", "RELEASE a", "COMMIT"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "SAVEPOINT a", "SELECT 1/0", "ROLLBACK TO a", "COMMIT"),
    ("BEGIN", "SAVEPOINT a", "SET TimeZone = 'Asia/Kolkata'", "ROLLBACK TO a", "SHOW TimeZone", "COMMIT"),
    ("BEGIN", "SET LOCAL TimeZone = 'Asia/Kolkata'", "SET TimeZone = 'Europe/Oslo'", "COMMIT"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "SET LOCAL TimeZone = 'Europe/Oslo'", "COMMIT"),
    ("BEGIN", "SET TimeZone = 'Asia/Kolkata'", "COMMIT AND CHAIN", "SET TimeZone = 'UTC'", "ROLLBACK"),
    ("BEGIN; SET DateStyle = SQL; ROLLBACK",),
    ("BEGIN; SET TimeZone = 'Asia/Kolkata'; COMMIT",),
    ("SET TimeZone = 'Europe/Rome'; SELECT 1/0",),
    ("SET TimeZone = 'Europe/Rome'; SELECT 1", "SHOW TimeZone"),
    ("SET TimeZone = 'Europe/Rome'; COMMIT; SELECT 1/0",),
    ("BEGIN; SET TimeZone = 'Asia/Kolkata'; SET work_mem = '5MB'; COMMIT; SELECT 1/0",),
    ("BEGIN; SET TimeZone = 'Asia/Kolkata'; SET work_mem = '5MB'; SELECT 1/0; COMMIT", "ROLLBACK"),
    ("BEGIN; SET TimeZone = 'Asia/Kolkata'; SET work_mem = '5MB'", "ROLLBACK"),
    ("BEGIN; SET TimeZone = 'Asia/Kolkata'; SET work_mem = '5MB'", "COMMIT; SET work_mem = '6MB'"),
    ("BEGIN", "SELECT 1/0", "COMMIT; SET work_mem = '6MB'; SET TimeZone = 'UTC'"),
    ("BEGIN", "SET work_mem = '5MB'", "SET work_mem = '6MB'; COMMIT"),
    ("BEGIN; SET work_mem = '5MB'; SET LOCAL work_mem = '6MB'; COMMIT AND CHAIN", "ROLLBACK"),
    ("BEGIN; SET TimeZone = 'UTC'; COMMIT; BEGIN; SET TimeZone = 'Asia/Kolkata'; ROLLBACK",),
    ("DO $$BEGIN PERFORM set_config('TimeZone', 'Europe/Rome', false); END$$",),
    ("SET ROLE app_trust", "SELECT current_user", "RESET ROLE"),
    ("SET SESSION AUTHORIZATION app_trust", "SELECT session_user", "RESET SESSION AUTHORIZATION"),
)
"""What one client does, seen again afterwards by itself, by its neighbour, and by who comes when it has gone."""


def changed(side: Side | Proxy, database: str, change: tuple[str, ...]) -> list[object]:
    """The client that makes the change goes on with it; a neighbour is as it was, before and afterwards."""
    with Line(side.host, side.port) as east:
        answer: list[object] = [parameters(east.log_in(USER, database, EAST))]
        with Line(side.host, side.port) as west:
            answer.append(parameters(west.log_in(USER, database, WEST)))
            answer += talk(west, SHOW_SOME) + talk(east, SHOW_SOME)
        answer += [*talk(east, *change), *talk(east, SHOW_SOME)]
    with Line(side.host, side.port) as west:
        answer.append(parameters(west.log_in(USER, database, WEST)))
        answer += talk(west, SHOW_SOME)
    return answer


@pytest.mark.parametrize("change", FOLLOWED, ids="; ".join)
@pytest.mark.parametrize("database", ["shop_one", "shop_session"])
def test_a_change_is_its_clients_alone(
    direct: Side, trusting: Proxy, database: str, change: tuple[str, ...]
) -> None:
    assert changed(trusting, database, change) == changed(direct, "shop", change)


def test_two_clients_take_turns_on_one_connection(direct: Side, trusting: Proxy) -> None:
    """Each keeps what it asked for and what it changed, whatever the other did a moment ago."""
    changes = (
        ("SET TimeZone = 'UTC'", "SET work_mem = '5MB'"),
        ("SET search_path = public", "SELECT 2"),
        ("BEGIN; SET LOCAL TimeZone = 'Asia/Kolkata'; COMMIT", "SET DateStyle = 'SQL, DMY'"),
        ("SELECT 3", "SET application_name = 'changed'"),
        ("SELECT set_config('TimeZone', 'Asia/Kolkata', false)", "SELECT 4"),
        ("SET SESSION my.own = 'mine'", "SELECT set_config('TimeZone', 'Europe/Rome', true)"),
        ("SET TimeZone = 'Nowhere/Atall'", "SET TIME ZONE 3"),
        ("SELECT 5", "SET my.own = 'yours'"),
    )
    answers = []
    for host, port, database in (
        (direct.host, direct.port, "shop"),
        (trusting.host, trusting.port, "shop_one"),
        (trusting.host, trusting.port, "shop_alone"),
        (trusting.host, trusting.port, "shop"),
    ):
        with Line(host, port) as east, Line(host, port) as west:
            answer: list[object] = [
                parameters(line.log_in(USER, database, asked)) for line, asked in ((east, EAST), (west, WEST))
            ]
            for change in changes:
                for line, statement in zip((east, west), change, strict=True):
                    answer += talk(line, statement, SHOW_SOME)
                answer += [*talk(east, SHOW_SOME), *talk(west, SHOW_SOME)]
            answers.append(answer)
    for answer in answers[1:]:
        assert answer == answers[0]


def test_many_connections_each_get_every_clients_settings(
    direct: Side, server: PostgresServer, front: Front
) -> None:
    """More clients than connections, all in their own zone, without waiting for one another."""
    running = front(house.configuration(server, pools={"shop_three": "{ size = 3 }"}))
    lines = [Line(running.host, running.port) for _ in range(12)]
    try:
        for number, line in enumerate(lines):
            line.log_in(
                USER, "shop_three", {"options": f"-c my.number={number}", "TimeZone": f"Etc/GMT-{number}"}
            )
        asked = query("SELECT current_setting('my.number'), current_setting('TimeZone')")
        prepared = parse("p", "SELECT current_setting('my.number'), current_setting('TimeZone')") + SYNC
        for line in lines:
            line.send(asked + prepared)
        for line in lines:
            line.send(bind("", "p") + execute() + SYNC + asked)
        for number, line in enumerate(lines):
            assert rows(line.until("ZZZZ")) == [(str(number), f"Etc/GMT-{number}")] * 3
    finally:
        for line in lines:
            line.close()
