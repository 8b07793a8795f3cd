"""What a startup means: fields, options, protocol versions. The corners are those of a real PostgreSQL."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.postgres import messages, session
from protocols.postgres.errors import PeerError
from protocols.postgres.options import parse_options, split
from tests.protocols.postgres.wire import Line, fault
from tests.servers.postgres import PostgresServer

V3 = 3 << 16


def body(**parameters: str) -> bytes:
    return messages.startup(parameters)[8:]


def test_the_fields_of_a_startup() -> None:
    startup = session.read(
        V3,
        body(
            user="app",
            database="shop",
            application_name="shop api",
            options="-c TimeZone=UTC -c work_mem=1MB",
            timezone="CET",
            replication="off",
        ),
    )
    assert (startup.user, startup.database, startup.application_name) == ("app", "shop", "shop api")
    assert startup.options == [("timezone", "UTC"), ("work_mem", "1MB")]
    assert startup.settings == {"timezone": "CET", "work_mem": "1MB", "application_name": "shop api"}
    assert (startup.replication, startup.minor, startup.answer, startup.key_bytes) == ("", 0, b"", 4)


def test_what_is_left_out() -> None:
    startup = session.read(V3, body(user="app"))
    assert (startup.database, startup.application_name, startup.settings) == ("app", "", {})
    assert session.read(V3, body(user="app", database="")).database == "app"


@pytest.mark.parametrize(
    ("version", "options", "minor", "key_bytes", "answer"),
    [
        (V3, {}, 0, 4, None),
        (V3 | 1, {}, 1, 4, None),
        (V3 | 2, {}, 2, 32, None),
        (V3 | 3, {}, 2, 32, (2, [])),
        (V3 | 9999, {"_pq_.test_protocol_negotiation": ""}, 2, 32, (2, ["_pq_.test_protocol_negotiation"])),
        (V3, {"_pq_.a": "1", "_pq_.b": ""}, 0, 4, (0, ["_pq_.a", "_pq_.b"])),
    ],
)
def test_protocol_versions(
    version: int, options: dict[str, str], minor: int, key_bytes: int, answer: tuple[int, list[str]] | None
) -> None:
    startup = session.read(version, body(user="app", **options))
    assert (startup.minor, startup.key_bytes) == (minor, key_bytes)
    assert (messages.parse_negotiation(startup.answer[5:]) if startup.answer else None) == answer
    assert not startup.settings


@pytest.mark.parametrize("options", [{}, {"_pq_.a": "1", "_pq_.b": ""}])
def test_a_negotiation_as_postgres_has_it(postgres_server: PostgresServer, options: dict[str, str]) -> None:
    """For 3.0 with unknown options, and for what is newer than the server: byte for byte, but for the version."""
    version = V3 if options else V3 | 9999
    parameters = {"user": "app", **options}
    with Line.to(postgres_server.port) as line:
        line.send(messages.startup(parameters, version))
        kind, said = line.receive()
    ours = session.read(version, messages.startup(parameters)[8:]).answer
    assert chr(kind) == "v"
    newest = 0 if options else 2
    assert struct.pack("!i", V3 | newest) + said[4:] == ours[5:]
    assert messages.parse_negotiation(said)[1] == list(options)


def refusal(server: PostgresServer, packet: bytes) -> tuple[str, ...]:
    with Line.to(server.port) as line:
        line.send(packet)
        kind, said = line.receive()
        if kind == ord("R"):  # trusted: options are read after that
            assert messages.parse_authentication(said) == (0, b"")
            kind, said = line.receive()
    assert chr(kind) == "E"
    problem = messages.parse_error(said)
    return problem.severity, problem.code, problem.message, problem.detail, problem.hint


def raw(version: int, body: bytes) -> bytes:
    return struct.pack("!ii", len(body) + 8, version) + body


@pytest.mark.parametrize(
    ("version", "packet"),
    [
        (V3, b"\0"),
        (V3, b"user\0\0\0"),
        (V3, b"database\0shop\0\0"),
        (V3, b"user\0app"),
        (V3, b"user\0app\0"),
        (V3, b"user\0app\0\0\0"),
        (V3, b"user\0app\0\0database\0shop\0\0"),
        (V3, b"user\0app\0replication\0maybe\0\0"),
        (V3, b"user\0app\0replication\0o\0\0"),
        (V3, b""),
    ],
)
def test_a_startup_refused_as_postgres_does(
    postgres_server: PostgresServer, version: int, packet: bytes
) -> None:
    with pytest.raises(PeerError) as refused:
        session.read(version, packet)
    problem = refused.value.problem
    ours = (problem.severity, problem.code, problem.message, problem.detail, problem.hint)
    assert ours == refusal(postgres_server, raw(version, packet))


@pytest.mark.parametrize("version", [4 << 16 | 1, 1234 << 16 | 5])
def test_a_protocol_of_another_age(postgres_server: PostgresServer, version: int) -> None:
    with pytest.raises(PeerError) as refused:
        session.read(version, body(user="app"))
    ours = refused.value.problem
    _, code, message, _, _ = refusal(postgres_server, raw(version, body(user="app")))
    assert (ours.code, ours.message) == (code, message.replace("3.0 to 3.0", "3.0 to 3.2"))


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        *((value, "physical") for value in ("true", "ON", "t", "1", "ye")),
        *((value, "") for value in ("off", "F", "n", "0", "of", "")),
        ("database", "logical"),
    ],
)
def test_replication(value: str, meaning: str) -> None:
    assert session.read(V3, body(user="app", replication=value)).replication == meaning


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("", []),
        ("  \t\n ", []),
        ("a b", ["a", "b"]),
        (r"a\ b c\\d", ["a b", r"c\d"]),
        (r"\a\b", ["ab"]),
        ("a\\", ["a"]),
        ("\\", [""]),
        ("-c 'a b'", ["-c", "'a", "b'"]),
    ],
)
def test_options_are_split(options: str, arguments: list[str]) -> None:
    assert split(options) == arguments


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("-c work_mem=1MB", [("work_mem", "1MB")]),
        ("-cwork_mem=1MB", [("work_mem", "1MB")]),
        ("--work_mem=1MB", [("work_mem", "1MB")]),
        ("--work-mem=1MB", [("work_mem", "1MB")]),
        ("--Work-Mem=1MB", [("work_mem", "1MB")]),
        ("-c work-mem=1MB", [("work_mem", "1MB")]),
        (r"-c search_path=a,\ b", [("search_path", "a, b")]),
        (r"-c application_name=a\\b\ =c", [("application_name", r"a\b =c")]),
        ("-c application_name=", [("application_name", "")]),
        ("-c work_mem=1MB --work_mem=2MB", [("work_mem", "1MB"), ("work_mem", "2MB")]),
        ("-e", [("datestyle", "euro")]),
        ("-S 2048 -S4096", [("work_mem", "2048"), ("work_mem", "4096")]),
        ("-fs -f h", [("enable_seqscan", "false"), ("enable_hashjoin", "false")]),
        ("-ec work_mem=1MB", [("datestyle", "euro"), ("work_mem", "1MB")]),
        ("-c shop.tenant=7", [("shop.tenant", "7")]),
        ("-e --", [("datestyle", "euro")]),
    ],
)
def test_options_set_what_they_set_in_postgres(
    postgres_server: PostgresServer, options: str, settings: list[tuple[str, str]]
) -> None:
    assert parse_options(options) == settings
    for name in dict(settings):
        asked = {"options": options}
        assert shown(postgres_server, name, asked) == shown(postgres_server, name, dict(settings))


def shown(server: PostgresServer, name: str, parameters: dict[str, str]) -> bytes:
    """SHOW in a session started like that."""
    with Line.to(server.port) as line:
        line.send(messages.startup({"user": "app_trust", "database": "shop", **parameters}))
        answer = b""
        asked = False
        while True:
            kind, said = line.receive()
            assert kind != ord("E"), messages.parse_error(said)
            if kind == ord("D"):
                answer = said
            if kind == ord("Z"):
                if asked:
                    assert answer
                    return answer
                asked = True
                line.send(messages.frame(b"Q", f"SHOW {name}".encode() + b"\0"))


@pytest.mark.parametrize(
    "options",
    [
        "work_mem=1MB",
        "-c work_mem",
        "-cwork_mem",
        "--work_mem",
        "-",
        "-- -e",
        "-c work_mem=1MB stray",
        "-z",
        "-ez",
        "-f q",
        "-fq",
        "-t q",
        "-c",
        "-ec",
        "-S",
    ],
)
def test_options_refused_as_postgres_does(postgres_server: PostgresServer, options: str) -> None:
    with pytest.raises(PeerError) as refused:
        parse_options(options)
    said = refusal(
        postgres_server, messages.startup({"user": "app_trust", "database": "shop", "options": options})
    )
    ours = refused.value.problem
    assert (ours.severity, ours.code, ours.message) == said[:3]


@given(st.integers(0, 0xFFFFFFFF) | st.sampled_from([V3, V3 | 2]), st.binary(max_size=200))
def test_any_startup_is_read_or_the_clients_fault(version: int, packet: bytes) -> None:
    said = fault(lambda: session.read(version, packet), PeerError)
    assert said is None or said.severity == "FATAL"


@given(st.text(st.sampled_from("-cfeSsOt=\\ ab_.\t") | st.characters(exclude_categories=["Cs"])))
def test_any_options_are_read_or_the_clients_fault(options: str) -> None:
    said = fault(lambda: parse_options(options), PeerError)
    assert said is None or said.code == "42601"


@pytest.mark.parametrize("name", ["a b", "a;b", 'a"', "1a", "a.", ".a", "a..b", "a-b", "é b", "x" * 600])
def test_a_name_that_would_be_sql(name: str) -> None:
    with pytest.raises(PeerError) as refused:
        session.read(V3, body(user="app", **{name: "1"}))
    assert refused.value.problem.code == "42704"
