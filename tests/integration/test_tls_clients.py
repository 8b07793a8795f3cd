"""TLS and log-in of clients, with libpq: the one psycopg brings, which is new enough for direct TLS."""

import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from protocols.postgres import messages
from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.tls import connected, encrypted, identity, listener, refused, stranger
from tests.integration.wire import END, Line, kinds, query, rows
from tests.servers import certificates
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import PostgresServer

__all__ = ["identity", "stranger"]


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer) -> PostgresServer:
    """One version will do: what is tested ends at the proxy."""
    return postgres_server


SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@pytest.mark.parametrize("sslmode", SSLMODES)
@pytest.mark.parametrize("mode", ["disable", "allow", "require"])
def test_libpqs_modes(
    server: PostgresServer, front: Front, identity: Identity, authority: Authority, mode: str, sslmode: str
) -> None:
    offer = listener(identity, mode) if mode != "disable" else ""
    running = front(house.configuration(server, listener=offer))
    options = {"sslmode": sslmode, "sslrootcert": str(authority.certificate_file)}
    if mode == "disable" and sslmode in ("require", "verify-ca", "verify-full"):
        assert "server does not support SSL" in refused(running, **options)
    elif mode == "require" and sslmode == "disable":
        assert "TLS only" in refused(running, **options)
    else:
        # `allow` starts without, and is content where that is allowed.
        wanted = mode != "disable" and sslmode != "disable" and (sslmode != "allow" or mode == "require")
        assert encrypted(running, **options) is wanted


def test_a_certificate_of_a_stranger_or_for_another_host(
    server: PostgresServer, front: Front, authority: Authority, stranger: Authority
) -> None:
    elsewhere = certificates.issue(authority, "elsewhere", hosts=("db.example",))
    running = front(house.configuration(server, listener=listener(elsewhere, "require")))
    ours, theirs = str(authority.certificate_file), str(stranger.certificate_file)
    assert encrypted(running, sslmode="verify-ca", sslrootcert=ours)
    assert "does not match host name" in refused(running, sslmode="verify-full", sslrootcert=ours)
    assert "certificate verify failed" in refused(running, sslmode="verify-ca", sslrootcert=theirs)
    assert encrypted(running, sslmode="require")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_versions_and_direct_tls(
    server: PostgresServer, front: Front, identity: Identity, version: str, negotiation: str
) -> None:
    running = front(house.configuration(server, listener=listener(identity, "require")))
    with connected(
        running, sslmode="require", sslnegotiation=negotiation, ssl_min_protocol_version=version,
        ssl_max_protocol_version=version,
    ) as connection:  # fmt: skip
        assert connection.pgconn.ssl_in_use
        large = "SELECT repeat('x', 3000000)"
        row = connection.execute(large.encode()).fetchone()
        assert row == ("x" * 3_000_000,)
        assert connection.execute("SELECT length(%s)", ("y" * 3_000_000,)).fetchone() == (3_000_000,)


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_channel_binding(
    server: PostgresServer, front: Front, identity: Identity, version: str, binding: str
) -> None:
    running = front(house.configuration(server, listener=listener(identity, "allow")))
    assert encrypted(running, sslmode="require", channel_binding=binding, ssl_max_protocol_version=version)
    assert not encrypted(running, sslmode="disable", channel_binding="disable")
    assert "channel binding" in refused(running, sslmode="disable", channel_binding="require")


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_direct_tls_names_its_protocol(server: PostgresServer, front: Front, identity: Identity) -> None:
    """ALPN is answered with `postgresql`; a client that offers another protocol, or none, is not let in."""
    running = front(house.configuration(server, listener=listener(identity, "require", auth="trust")))
    context = unverified()
    context.set_alpn_protocols(["postgresql"])
    with Line(running.host, running.port) as line:
        line.encrypt(context)
        assert isinstance(line.socket, ssl.SSLSocket)
        assert line.socket.selected_alpn_protocol() == "postgresql"
        assert kinds(line.log_in("app_trust", "shop")).endswith("Z")
        assert rows(line.ask(query("SELECT 1"))) == [("1",)]
    for offered in (["http/1.1"], []):
        other = unverified()
        if offered:
            other.set_alpn_protocols(offered)
        with Line(running.host, running.port) as line:
            with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
                line.encrypt(other)
                said = line.log_in("app_trust", "shop")
                assert said[-1].kind != END, "let in without the protocol's name"


def test_after_an_sslrequest_no_name_is_needed(
    server: PostgresServer, front: Front, identity: Identity
) -> None:
    running = front(house.configuration(server, listener=listener(identity, "require", auth="trust")))
    with Line(running.host, running.port) as line:
        line.send(messages.SSL_REQUEST)
        assert line.exactly(1) == b"S"
        line.encrypt(unverified())
        assert kinds(line.log_in("app_trust", "shop")).endswith("Z")


def test_what_follows_an_sslrequest_in_clear_is_not_taken_for_encrypted(
    server: PostgresServer, front: Front, identity: Identity
) -> None:
    """CVE-2021-23214: a start packet slipped in before the handshake must not be acted on."""
    running = front(house.configuration(server, listener=listener(identity, "allow", auth="trust")))
    with Line(running.host, running.port) as line:
        injected = messages.startup({"user": "app_trust", "database": "shop"})
        line.send(messages.SSL_REQUEST + injected + query("SELECT 'injected'"))
        first = line.exactly(1)
        assert first in (b"S", b"E", b"")
        with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
            line.encrypt(unverified())
            line.ask(query("SELECT 1"))
            raise ConnectionError("no answer in clear")


def test_garbage_instead_of_a_handshake(server: PostgresServer, front: Front, identity: Identity) -> None:
    running = front(house.configuration(server, listener=listener(identity, "allow", auth="trust")))
    for rubbish in (b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x16\x03\x01\x00\x02\x01\x00", b"\x16" * 20_000):
        with Line(running.host, running.port) as line:
            line.send(rubbish)
            line.socket.shutdown(socket.SHUT_WR)
            assert line.until("~")[-1].kind == END
    with Line(running.host, running.port) as line:
        assert kinds(line.log_in("app_trust", "shop")).endswith("Z")


# --- how clients prove themselves ----------------------------------------------------------------


@pytest.mark.parametrize("user", ["app", "app_md5", "app_clear"])
@pytest.mark.parametrize("auth", ["scram-sha-256", "md5", "password"])
def test_each_proof_to_the_proxy_and_each_to_the_server(
    server: PostgresServer, front: Front, identity: Identity, auth: str, user: str
) -> None:
    """The users differ in what the server asks for: SCRAM, MD5, a password in clear."""
    running = front(house.configuration(server, listener=listener(identity, "require", auth=auth)))
    with connected(running, user, sslmode="require") as connection:
        assert connection.execute("SELECT session_user").fetchone() == (user,)
    assert "password authentication failed" in refused(running, user, sslmode="require", password="wrong")
    asked = {"scram-sha-256": "scram-sha-256", "md5": "md5", "password": "password"}[auth]
    assert encrypted(running, user, sslmode="require", require_auth=asked)


def test_a_password_in_clear_needs_tls(server: PostgresServer, front: Front, identity: Identity) -> None:
    running = front(house.configuration(server, listener=listener(identity, "require", auth="password")))
    assert "TLS" in refused(running, sslmode="disable")


def test_a_verifier_lets_in(server: PostgresServer, front: Front, identity: Identity) -> None:
    """What PostgreSQL itself stores for the password is as good as the password, here."""
    ((verifier,),) = server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    more = '[[users]]\nname = "kept"\npassword = "env://KEPT"\nserver_user = "app"\nserver_password = "env://APP_PASSWORD"\n'
    running = front(
        house.configuration(server, listener=listener(identity, "allow"), more=more),
        {**house.environment(), "KEPT": str(verifier)},
    )
    assert encrypted(running, "kept", sslmode="require", password="app-password", channel_binding="require")
    assert "password authentication failed" in refused(running, "kept", sslmode="require", password="wrong")


def test_client_certificates(
    server: PostgresServer, front: Front, identity: Identity, authority: Authority, stranger: Authority
) -> None:
    running = front(
        house.configuration(server, listener=listener(identity, "require", auth="cert", ca=authority))
    )

    def shown(one: Identity) -> Mapping[str, str]:
        return MappingProxyType(
            {"sslmode": "require", "sslcert": str(one.certificate_file), "sslkey": str(one.key_file)}
        )

    mine = certificates.issue(authority, "app", hosts=())
    assert encrypted(running, "app", **shown(mine))
    assert 'certificate authentication failed for user "other"' in refused(running, "other", **shown(mine))
    assert refused(running, "app", **shown(certificates.issue(stranger, "app", hosts=())))
    assert refused(running, "app", **shown(certificates.issue(authority, "app", hosts=(), valid=False)))
    assert "connection requires a valid client certificate" in refused(
        running, "app", sslmode="require", sslcertmode="disable"
    )


@pytest.mark.parametrize("carriers", [0, 1])
def test_half_a_message_holds_nobody_up(
    server: PostgresServer, front: Front, identity: Identity, authority: Authority, carriers: int
) -> None:
    """Whoever sends half of one, and the rest late or never, costs the others nothing."""
    offer = listener(identity, "allow", auth="trust")
    running = front(house.configuration(server, listener=offer, limits=f"carriers = {carriers}"))
    context = ssl.create_default_context(cafile=str(authority.certificate_file))
    with Line(running.host, running.port) as half, Line(running.host, running.port) as other:
        half.send(messages.SSL_REQUEST)
        assert half.exactly(1) == b"S"
        half.encrypt(context)
        half.log_in("app_trust", "shop")
        other.log_in("app_trust", "shop")
        for whole in (query("SELECT 'late'"), query("SELECT 'later'")):
            half.send(whole[:-4])
            for number in range(3):
                assert rows(other.ask(query(f"SELECT {number}"))) == [(str(number),)]
            half.send(whole[-4:])
            assert len(rows(half.until("Z"))) == 1
