"""ServerAuth against a real PostgreSQL, by every method it has, with and without TLS; and any bytes at all."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.postgres import messages
from protocols.postgres.auth import ServerAuth, certificate_binding
from protocols.postgres.errors import UpstreamError
from protocols.postgres.scram import Keys
from tests.protocols.postgres.wire import Line, frames
from tests.servers import certificates
from tests.servers.postgres import USERS, PostgresServer


def trusting(server: PostgresServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.authority.certificate_file))


def log_in(
    line: Line,
    user: str,
    password: str | None,
    *,
    channel_binding: str = "prefer",
    keys: Keys | None = None,
    version: int = 3 << 16,
) -> tuple[ServerAuth, dict[str, str], list[bytes]]:
    """Up to ReadyForQuery: the log-in, what the server reported, and what we sent."""
    binding = certificate_binding(line.certificate) if line.certificate else None
    auth = ServerAuth(
        user, password, binding=binding, channel_binding=channel_binding, tls=line.tls, keys=keys
    )
    line.send(messages.startup({"user": user, "database": "shop"}, version))
    sent = []
    while not auth.done:
        step = auth.receive(*line.receive())
        sent.append(step.send)
        line.send(step.send)
    reported = {}
    while True:
        kind, body = line.receive()
        if kind == ord("S"):
            name, value = messages.parse_parameter_status(body)
            reported[name] = value
        elif kind == ord("K"):
            pid, secret = messages.parse_key_data(body)
            assert pid > 0
            assert len(secret) in {4, 32}  # 32 from PostgreSQL 18 on
        else:
            assert kind == ord("Z")
            return auth, reported, sent


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("user", ["app", "app_md5", "app_trust"])
def test_every_method_over_either_line(postgres_server: PostgresServer, user: str, tls: bool) -> None:
    with Line.to(postgres_server.port, trusting(postgres_server) if tls else None) as line:
        _, reported, sent = log_in(line, user, USERS[user])
    assert reported["server_version"].startswith(postgres_server.version)
    assert (b"SCRAM-SHA-256-PLUS\0" in sent[0]) is (tls and user == "app")


def test_clear_text_over_tls_only(postgres_server: PostgresServer) -> None:
    with Line.to(postgres_server.port, trusting(postgres_server)) as line:
        log_in(line, "app_clear", USERS["app_clear"])
    with Line.to(postgres_server.port) as line, pytest.raises(UpstreamError, match="clear text"):
        log_in(line, "app_clear", USERS["app_clear"])


@pytest.mark.parametrize(("mode", "plus"), [("disable", False), ("prefer", True), ("require", True)])
def test_channel_binding(postgres_server: PostgresServer, mode: str, plus: bool) -> None:
    with Line.to(postgres_server.port, trusting(postgres_server)) as line:
        _, _, sent = log_in(line, "app", USERS["app"], channel_binding=mode)
    assert (b"SCRAM-SHA-256-PLUS\0" in sent[0]) is plus


@pytest.mark.parametrize("user", ["app", "app_md5", "app_trust"])
def test_required_binding_is_never_given_up(postgres_server: PostgresServer, user: str) -> None:
    context = trusting(postgres_server) if user != "app" else None
    with (
        Line.to(postgres_server.port, context) as line,
        pytest.raises(UpstreamError, match="channel binding is req"),
    ):
        log_in(line, user, USERS[user], channel_binding="require")


def test_someone_in_the_middle(postgres_server: PostgresServer) -> None:
    """The server notices a certificate that is not its own."""
    with Line.to(postgres_server.port, trusting(postgres_server)) as line:
        auth = ServerAuth("app", USERS["app"], binding=b"\0" * 32)
        line.send(messages.startup({"user": "app", "database": "shop"}))
        with pytest.raises(UpstreamError, match="SCRAM channel binding check failed") as refused:
            while True:
                line.send(auth.receive(*line.receive()).send)
    assert refused.value.problem.code == "28000"


def test_a_certificate_of_ours(postgres_server: PostgresServer, tmp_path: Path) -> None:
    own = certificates.issue(postgres_server.authority, "app_cert")
    context = trusting(postgres_server)
    context.load_cert_chain(own.certificate_file, own.key_file)
    with Line.to(postgres_server.port, context) as line:
        log_in(line, "app_cert", None)


@pytest.mark.parametrize("user", ["app", "app_md5"])
def test_a_wrong_password_in_the_servers_own_words(postgres_server: PostgresServer, user: str) -> None:
    with Line.to(postgres_server.port) as line, pytest.raises(UpstreamError) as refused:
        log_in(line, user, "wrong")
    problem = refused.value.problem
    assert (problem.severity, problem.code) == ("FATAL", "28P01")
    assert problem.message == f'password authentication failed for user "{user}"'


def test_keys_spare_the_password_the_next_time(postgres_server: PostgresServer) -> None:
    with Line.to(postgres_server.port) as line:
        first, _, _ = log_in(line, "app", USERS["app"])
    assert first.keys is not None
    with Line.to(postgres_server.port) as line:
        second, _, _ = log_in(line, "app", None, keys=first.keys)
    assert second.keys == first.keys


def test_protocol_3_2_is_negotiated_down(postgres_server: PostgresServer) -> None:
    with Line.to(postgres_server.port) as line:
        log_in(line, "app", USERS["app"], version=3 << 16 | 2)


REQUEST = st.tuples(
    st.sampled_from([ord("R"), ord("R"), ord("E"), ord("N"), ord("v")]) | st.integers(0, 255),
    st.binary(max_size=60)
    | st.builds(lambda kind, data: kind.to_bytes(4) + data, st.integers(0, 13), st.binary(max_size=60))
    | st.sampled_from(["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "X"]).map(
        lambda name: messages.authentication_sasl([name])[5:]
    )
    | st.binary(max_size=30).map(lambda data: messages.authentication_sasl_continue(b"r=AAAA" + data)[5:])
    | st.binary(max_size=30).map(
        lambda data: messages.authentication_sasl_continue(b"r=AAAA1,s=AA==,i=1" + data)[5:]
    )
    | st.binary(max_size=30).map(lambda data: messages.authentication_sasl_final(b"v=" + data)[5:]),
)


@given(
    st.none() | st.just("pencil"),
    st.none() | st.just(b"channel"),
    st.sampled_from(["disable", "prefer", "require"]),
    st.lists(REQUEST, min_size=1, max_size=4),
)
def test_any_messages_are_steps_or_the_servers_fault(
    password: str | None, binding: bytes | None, mode: str, said: list[tuple[int, bytes]]
) -> None:
    auth = ServerAuth("app", password, binding=binding, channel_binding=mode, nonce=lambda _: b"\0\0\0")
    scram = False
    for kind, body in said:
        try:
            step = auth.receive(kind, body)
        except UpstreamError:
            return
        scram = scram or b"SCRAM" in step.send
        assert all(kind == ord("p") for kind, _ in frames(step.send))
        assert step.done is auth.done
        assert not (scram and step.done), "in without the server's signature"
        assert not (mode == "require" and step.done), "in without the binding that was required"
