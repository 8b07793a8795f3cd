"""Messages: what is built reads back, and any bytes are read or refused, never anything else."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.postgres import messages
from protocols.postgres.errors import PeerError, UpstreamError
from protocols.postgres.types import Problem
from tests.protocols.postgres.wire import fault, frames

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
CODE = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5)
# Bytes that look like messages get further than bytes that look like nothing.
PIECES = st.lists(
    st.sampled_from([b"\0", b"user", b"S", b"C28000", b"M", b"\xff", b"\0\0\0\4", b"V", b"\xc3\xa9"])
    | st.binary()
)
ANY = st.binary(max_size=300) | PIECES.map(b"".join)
FROM_SERVERS: list[Callable[[bytes], object]] = [
    messages.parse_error,
    messages.parse_parameter_status,
    messages.parse_data_row,
    messages.parse_key_data,
    messages.parse_negotiation,
    messages.parse_authentication,
    messages.parse_mechanisms,
]
FROM_CLIENTS: list[Callable[[bytes], object]] = [
    messages.parse_startup,
    messages.parse_password,
    messages.parse_sasl_initial,
]


@given(st.sampled_from(FROM_CLIENTS), ANY)
def test_any_bytes_of_a_client_are_read_or_its_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    said = fault(lambda: parse(body), PeerError)
    assert said is None or (said.severity == "FATAL" and said.code in {"08P01", "22021", "28P01"})


@given(st.sampled_from(FROM_SERVERS), ANY)
def test_any_bytes_of_a_server_are_read_or_its_fault(parse: Callable[[bytes], object], body: bytes) -> None:
    said = fault(lambda: parse(body), UpstreamError)
    assert said is None or said.code == "08P01"


@given(st.dictionaries(NAME, TEXT, max_size=20))
def test_startup_reads_back_in_order(parameters: dict[str, str]) -> None:
    packet = messages.startup(parameters)
    length, version = struct.unpack_from("!ii", packet)
    assert (length, version) == (len(packet), 3 << 16)
    assert list(messages.parse_startup(packet[8:]).items()) == list(parameters.items())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "08P01"),
        (b"user\0app\0", "08P01"),
        (b"user\0app", "08P01"),
        (b"user\0\0", "08P01"),
        (b"user\0app\0\0\0", "08P01"),
        (b"\0user\0app\0\0", "08P01"),
        (b"user\0app\0\0database\0shop\0\0", "08P01"),
        (b"user\0\xff\0\0", "22021"),
        (b"user\0" + b"a" * 10_000 + b"\0\0", "08P01"),
        (b"".join(b"%d\0\0" % number for number in range(257)) + b"\0", "08P01"),
    ],
)
def test_a_startup_that_is_none(body: bytes, code: str) -> None:
    with pytest.raises(PeerError) as refused:
        messages.parse_startup(body)
    assert refused.value.problem.code == code


def test_a_startup_at_its_bounds() -> None:
    assert len(messages.parse_startup(b"".join(b"%d\0\0" % number for number in range(256)) + b"\0")) == 256
    assert messages.parse_startup(b"user\0" + b"a" * (9_996 - 7) + b"\0\0") == {"user": "a" * 9_989}
    assert messages.parse_startup(b"\0") == {}
    assert messages.parse_startup(b"user\0a\0user\0b\0\0") == {"user": "b"}


@given(NAME, CODE, NAME, TEXT, TEXT)
def test_an_error_reads_back(severity: str, code: str, message: str, detail: str, hint: str) -> None:
    problem = Problem(severity, code, message, detail, hint)
    for build, kind in ((messages.error, "E"), (messages.notice, "N")):
        [(given_kind, body)] = frames(build(problem))
        assert chr(given_kind) == kind
        assert messages.parse_error(body) == problem


def test_a_text_cannot_end_its_field_early() -> None:
    [(_, body)] = frames(messages.error(Problem("FATAL", "28000", 'user "a\0C00000\0"', "\ud800")))
    problem = messages.parse_error(body)
    assert (problem.code, problem.message, problem.detail) == ("28000", 'user "aC00000"', "?")


@given(TEXT.filter(bool), TEXT)
def test_a_parameter_reads_back(name: str, value: str) -> None:
    [(_, body)] = frames(messages.parameter_status(name, value))
    assert messages.parse_parameter_status(body) == (name, value)


@given(st.lists(TEXT | st.none(), max_size=8))
def test_a_row_reads_back(values: list[str | None]) -> None:
    [(_, body)] = frames(messages.data_row(values))
    assert messages.parse_data_row(body) == values
    assert fault(lambda: messages.parse_data_row(body + b"\0"), UpstreamError) is not None
    assert fault(lambda: messages.parse_data_row(body[:-1]), UpstreamError) is not None


@given(st.integers(0, 0xFFFF), st.lists(TEXT, max_size=5))
def test_a_negotiation_reads_back(minor: int, options: list[str]) -> None:
    [(_, body)] = frames(messages.negotiate_version(minor, options))
    assert messages.parse_negotiation(body) == (minor, options)


@pytest.mark.parametrize(
    ("length", "good"), [(0, False), (3, False), (4, True), (32, True), (256, True), (257, False)]
)
def test_the_length_of_a_cancel_key(length: int, good: bool) -> None:
    body = struct.pack("!i", 77) + b"k" * length
    if good:
        assert messages.parse_key_data(body) == (77, b"k" * length)
        assert messages.cancel_request(77, b"k" * length)[4:] == struct.pack("!i", 80877102) + body
    else:
        with pytest.raises(UpstreamError):
            messages.parse_key_data(body)


def test_no_message_of_a_log_in_is_large() -> None:
    for parse in FROM_SERVERS[:3] + FROM_SERVERS[4:6]:
        with pytest.raises(UpstreamError, match="too long"):
            parse(b"S" * 70_000 + b"\0\0")
