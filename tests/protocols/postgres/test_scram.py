"""SCRAM-SHA-256: RFC 7677's own example, stored forms, and both roles against each other."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.postgres import scram_client, scram_server
from protocols.postgres.errors import PeerError, UpstreamError
from protocols.postgres.scram import MAX_ITERATIONS, Keys, Verifier
from tests.protocols.postgres.wire import fault

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
CHALLENGE = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
OUTCOME = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
SERVER_NONCE = b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"


def test_the_example_of_rfc_7677_as_the_server() -> None:
    verifier = Verifier.from_password("pencil", SALT)
    given_to = scram_server.challenge(FIRST, verifier=verifier, nonce=SERVER_NONCE, plus=False, binding=None)
    assert given_to.reply == CHALLENGE
    # What the proof shows of the client is what another server with this verifier asks for.
    assert scram_server.verdict(given_to, FINAL) == (Keys.from_password("pencil", SALT, 4096), OUTCOME)


def test_the_example_of_rfc_7677_as_the_client() -> None:
    # The RFC's client names its user, ours leaves that to the startup packet.
    opening = scram_client.opening(b"rOprNGfwEbeRWgbNEkqO", flag=b"n", binding=None)
    named = scram_client.Opening(FIRST, FIRST[3:], opening.nonce, opening.channel)
    proof = scram_client.proof(named, CHALLENGE, password="pencil", keys=None)
    assert proof.message == FINAL
    scram_client.confirm(proof, OUTCOME)
    with pytest.raises(UpstreamError, match="did not prove its identity"):
        scram_client.confirm(proof, b"v=" + base64.b64encode(b"\0" * 32))


@settings(max_examples=40)
@given(
    st.binary(max_size=60),
    st.binary(min_size=1, max_size=30),
    st.integers(1, 50),
    st.sampled_from([b"n", b"y", b"p"]),
    st.booleans(),
)
def test_both_roles_agree(password: bytes, salt: bytes, iterations: int, flag: bytes, right: bool) -> None:
    text = password.decode("utf-8", "surrogateescape")
    binding = b"channel" if flag == b"p" else None
    verifier = Verifier.parse(Verifier.from_password(password, salt, iterations).text())
    opening = scram_client.opening(b"ours", flag=flag, binding=binding)
    challenge = scram_server.challenge(
        opening.message, verifier=verifier, nonce=b"theirs", plus=flag == b"p", binding=binding
    )
    proof = scram_client.proof(opening, challenge.reply, password=text if right else text + "!", keys=None)
    keys, outcome = scram_server.verdict(challenge, proof.message)
    assert (keys is not None) is right
    if right:
        scram_client.confirm(proof, outcome)


def test_keys_are_used_again_while_the_salt_is_the_same() -> None:
    keys = Keys.from_password("pencil", SALT, 4096)
    opening = scram_client.Opening(FIRST, FIRST[3:], b"rOprNGfwEbeRWgbNEkqO", b"biws")
    assert scram_client.proof(opening, CHALLENGE, password=None, keys=keys).message == FINAL
    other = CHALLENGE.replace(b"i=4096", b"i=4097")
    with pytest.raises(UpstreamError, match="changed its SCRAM salt"):
        scram_client.proof(opening, other, password=None, keys=keys)
    assert scram_client.proof(opening, other, password="pencil", keys=keys).keys.iterations == 4097


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "pencil",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1$4096:c2FsdA==$QUFB:QUFB",
        "SCRAM-SHA-256$0:c2FsdA==$QUFB:QUFB",
        "SCRAM-SHA-256$4096:c2FsdA==$QUFB:QUFB",
        f"SCRAM-SHA-256${MAX_ITERATIONS + 1}:c2FsdA==${'A' * 43}=:{'A' * 43}=",
        f"SCRAM-SHA-256$4096:c2F_dA==${'A' * 43}=:{'A' * 43}=",
        f"SCRAM-SHA-256$4096:c2FsdA==${'A' * 43}=:{'A' * 43}=$",
        f"SCRAM-SHA-256$4096:c2FsdA==${'A' * 43}=:{'é' * 43}=",
    ],
)
def test_what_is_no_verifier(stored: str) -> None:
    with pytest.raises(ValueError, match=r"form|iterations|base64|long") as refused:
        Verifier.parse(stored)
    assert "AAAA" not in str(refused.value)
    assert "pencil" not in str(refused.value)


@given(st.binary(max_size=100), st.binary(max_size=100), st.booleans(), st.booleans())
def test_any_bytes_to_either_role(first: bytes, second: bytes, plus: bool, bound: bool) -> None:
    verifier = Verifier.from_password("pencil", SALT, 1)
    binding = b"channel" if bound else None
    opening = scram_client.opening(b"ours", flag=b"n", binding=None)
    with_proof = scram_client.proof(opening, b"r=ourstheirs,s=QUFB,i=1", password="pencil", keys=None)
    real = scram_server.challenge(b"n,,n=,r=abc", verifier=verifier, nonce=b"x", plus=False, binding=None)
    as_server: list[Callable[[], object]] = [
        lambda: scram_server.challenge(first, verifier=verifier, nonce=b"x", plus=plus, binding=binding),
        lambda: scram_server.challenge(
            b"n,," + first, verifier=verifier, nonce=b"x", plus=False, binding=binding
        ),
        lambda: scram_server.verdict(real, first),
        lambda: scram_server.verdict(real, b"c=biws,r=abcx," + first),
    ]
    as_client: list[Callable[[], object]] = [
        lambda: scram_client.proof(opening, first, password="pencil", keys=None),
        lambda: scram_client.proof(opening, b"r=ours1,s=" + first, password="pencil", keys=None),
        lambda: scram_client.confirm(with_proof, second),
    ]
    for attempts, kind in ((as_server, PeerError), (as_client, UpstreamError)):
        for attempt in attempts:
            said = fault(attempt, kind)
            assert said is None or said.severity == "FATAL"


def test_no_secret_is_shown() -> None:
    verifier = Verifier.from_password("pencil", SALT)
    keys = Keys.from_password("pencil", SALT, 4096)
    challenge = scram_server.challenge(FIRST, verifier=verifier, nonce=b"x", plus=False, binding=None)
    proof = scram_client.proof(
        scram_client.Opening(FIRST, FIRST[3:], b"rOprNGfwEbeRWgbNEkqO", b"biws"),
        CHALLENGE,
        password="pencil",
        keys=keys,
    )
    shown = repr([verifier, keys, challenge, proof])
    for secret in (verifier.stored_key, verifier.server_key, keys.client_key, proof.expected):
        assert repr(secret)[2:-1] not in shown
