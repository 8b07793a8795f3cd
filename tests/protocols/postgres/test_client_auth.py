"""ClientAuth: any bytes, users that do not exist, certificates, stored forms. Orders of messages are conversations."""

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from protocols.postgres import credential, messages, scram_client
from protocols.postgres.auth import METHODS, ClientAuth, Credential, certificate_binding
from protocols.postgres.errors import AuthFailed, PeerError
from protocols.postgres.scram import Keys, Verifier
from tests.protocols.postgres.wire import fault, frames

SECRET = b"the process's own"
KNOWN = Credential.parse("pencil", user="app", secret=SECRET)


def nonce(count: int) -> bytes:
    return bytes(range(count))


def begin(
    method: str,
    user: str = "app",
    known: Credential | None = KNOWN,
    *,
    binding: bytes | None = None,
    secret: bytes = SECRET,
) -> tuple[ClientAuth, bytes]:
    return ClientAuth.begin(method, user, known, tls=True, binding=binding, nonce=nonce, secret=secret)


MESSAGE = st.tuples(
    st.sampled_from([ord("p"), ord("p"), ord("Q")]) | st.integers(0, 255),
    st.binary(max_size=60)
    | st.binary(max_size=60).map(lambda data: messages.sasl_initial("SCRAM-SHA-256", data)[5:])
    | st.binary(max_size=60).map(
        lambda data: messages.sasl_initial("SCRAM-SHA-256", b"n,,n=,r=abc" + data)[5:]
    )
    | st.binary(max_size=60).map(lambda data: b"c=biws,r=abcAAECAwQFBgcICQoLDA0ODxAR" + data)
    | st.binary(max_size=20).map(lambda data: data + b"\0"),
)


@given(
    st.sampled_from(["scram-sha-256", "md5", "password"]),
    st.sampled_from([None, KNOWN, Credential(verifier=KNOWN.verifier), Credential(md5="md5" + "0" * 32)]),
    st.none() | st.just(b"channel"),
    st.lists(MESSAGE, min_size=1, max_size=4),
)
def test_any_messages_are_steps_or_the_clients_fault(
    method: str, known: Credential | None, binding: bytes | None, said: list[tuple[int, bytes]]
) -> None:
    auth, first = begin(method, known=known, binding=binding)
    assert len(frames(first)) == 1
    over = False
    for kind, body in said:
        try:
            step = auth.receive(kind, body)
        except (PeerError, AuthFailed):
            over = True
        else:
            assert not over, "a step after the end"
            assert frames(step.send)
            assert step.done is False, "nobody proved anything"
        assert auth.done is False


def log_in(
    user: str, known: Credential | None, password: str, nonce: Callable[[int], bytes] = nonce
) -> tuple[bytes, bytes]:
    """A SCRAM log-in: the challenge, and what came last."""
    auth, _ = ClientAuth.begin(
        "scram-sha-256", user, known, tls=True, binding=None, nonce=nonce, secret=SECRET
    )
    opening = scram_client.opening(b"abc", flag=b"n", binding=None)
    step = auth.receive(ord("p"), messages.sasl_initial("SCRAM-SHA-256", opening.message)[5:])
    challenge = messages.parse_authentication(step.send[5:])[1]
    proof = scram_client.proof(opening, challenge, password=password, keys=None)
    try:
        last = auth.receive(ord("p"), proof.message).send
    except AuthFailed as error:
        last = messages.error(error.problem)
    return challenge, last


def test_an_unknown_user_looks_like_a_wrong_password() -> None:
    for known in (
        KNOWN,
        Credential.parse(credential.md5_hash("pencil", "app"), user="app", secret=SECRET),
        None,
    ):
        challenge, last = log_in("app", known, "wrong")
        fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
        assert (len(base64.b64decode(fields[b"s"])), fields[b"i"]) == (16, b"4096")
        assert last == messages.error(messages.parse_error(last[5:]))
        assert messages.parse_error(last[5:]).message == 'password authentication failed for user "app"'
        # The salt stays, as that of a stored verifier does; the nonce is the only thing that is new each time.
        assert log_in("app", known, "wrong") == (challenge, last)
        assert log_in("other", known, "wrong")[1] != last
    assert log_in("one", None, "x")[0] != log_in("two", None, "x")[0]
    assert log_in("app", KNOWN, "wrong")[0] == log_in("app", None, "wrong")[0], "told by its salt"


def test_the_mock_is_the_processes_own() -> None:
    assert credential.mock("app", b"one") != credential.mock("app", b"two")
    assert credential.mock("app", b"one") == credential.mock("app", b"one")
    assert credential.mock("app", b"one") != credential.mock("other", b"one")


def test_no_password_admits_to_a_mock_even_if_its_keys_were_known(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys.from_password("x", b"salt", 1)
    monkeypatch.setattr(Verifier, "proven", lambda *_: keys)
    monkeypatch.setattr(Verifier, "proven_password", lambda *_: keys)
    assert messages.parse_error(log_in("app", None, "x")[1][5:]).code == "28P01"
    auth, _ = begin("password", known=None)
    with pytest.raises(AuthFailed):
        auth.receive(ord("p"), b"anything\0")


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each method asks hmac.compare_digest, and goes by its answer."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    assert messages.parse_error(log_in_plain("password", "pencil")).code == "28P01"
    assert messages.parse_error(log_in_plain("md5", "pencil")).code == "28P01"
    with pytest.raises(PeerError):
        log_in("app", KNOWN, "pencil")
    monkeypatch.undo()
    assert log_in("app", KNOWN, "pencil")[1].endswith(messages.authentication_ok())
    assert log_in_plain("password", "pencil") == log_in_plain("md5", "pencil") == b""


def log_in_plain(method: str, password: str) -> bytes:
    """The body of the error, or nothing where the client is in."""
    auth, first = begin(method)
    value = password.encode()
    if method == "md5":
        value = credential.md5_response(credential.md5_hash(password, "app"), first[-4:])
    try:
        assert auth.receive(ord("p"), value + b"\0").done
    except AuthFailed as error:
        return messages.error(error.problem)[5:]
    return b""


@pytest.mark.parametrize("user", ["app", "é", 'a"b'])
def test_what_is_stored_admits_its_password_by_every_method_it_can(user: str) -> None:
    verifier = Verifier.from_password("pencil", b"salt", 10)
    for stored, methods in [
        ("pencil", {"scram-sha-256", "md5", "password"}),
        (verifier.text(), {"scram-sha-256", "password"}),
        (credential.md5_hash("pencil", user), {"md5", "password"}),
    ]:
        known = Credential.parse(stored, user=user, secret=SECRET)
        assert "pencil" not in repr(known)
        for method in methods - {"scram-sha-256"}:
            auth, first = begin(method, user, known)
            salt = first[-4:]
            value = (
                credential.md5_response(credential.md5_hash("pencil", user), salt)
                if method == "md5"
                else b"pencil"
            )
            assert auth.receive(ord("p"), value + b"\0").done
        assert log_in(user, known, "pencil")[1].endswith(messages.authentication_ok()) == (
            "scram-sha-256" in methods
        )


def test_a_broken_verifier_is_not_taken_for_a_password() -> None:
    with pytest.raises(ValueError, match="form"):
        Credential.parse("SCRAM-SHA-256$broken", user="app", secret=SECRET)


def test_a_credential_that_was_not_prepared_works_all_the_same() -> None:
    assert log_in("app", Credential(password="pencil"), "pencil")[1].endswith(messages.authentication_ok())


def test_an_unknown_method_is_a_bug() -> None:
    with pytest.raises(ValueError, match="ldap"):
        begin("ldap")
    assert "ldap" not in METHODS


def certificate(names: list[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in names])
    return _signed(name, key, hashes.SHA256())


def _signed(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA512 | None,
) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["app"], None),
        (["other"], "28000"),
        (["APP"], "28000"),
        ([], "28000"),
        (["app", "other"], "28000"),
        (["other", "app"], "28000"),
    ],
    ids=str,
)
def test_a_certificate_admits_its_common_name(names: list[str], problem: str | None) -> None:
    assert refused(certificate(names)) == problem


def test_no_certificate_and_half_a_certificate() -> None:
    assert refused(certificate(["app"])[:-200]) == refused(b"") == refused(None) == "28000"


def refused(cert: bytes | None) -> str | None:
    """The code of the refusal, or nothing where the certificate admits `app`."""

    def attempt() -> None:
        auth, first = ClientAuth.begin(
            "cert", "app", None, tls=True, binding=None, nonce=nonce, secret=SECRET, cert=cert
        )
        assert (auth.done, first) == (True, messages.authentication_ok())

    said = fault(attempt, AuthFailed)
    return said.code if said else None


@given(st.binary(max_size=200))
def test_any_certificate_admits_or_fails(cert: bytes) -> None:
    with pytest.raises(AuthFailed):
        ClientAuth.begin("cert", "app", None, tls=True, binding=None, nonce=nonce, secret=SECRET, cert=cert)
    assert certificate_binding(cert) is None


def test_the_binding_follows_the_certificates_own_hash() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    key = ec.generate_private_key(ec.SECP256R1())
    for algorithm, length in ((hashes.SHA256(), 32), (hashes.SHA512(), 64)):
        binding = certificate_binding(_signed(name, key, algorithm))
        assert binding is not None
        assert len(binding) == length
    assert certificate_binding(_signed(name, ed25519.Ed25519PrivateKey.generate(), None)) is None
