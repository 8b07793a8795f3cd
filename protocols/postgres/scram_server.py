"""SCRAM-SHA-256 as the side that checks: a client's first and final message, and our answers.

Knows no frames and no users: who must fail is given a verifier that no password has, and sees the very same
conversation as with a wrong password. Texts are those of PostgreSQL.
"""

import hmac
from dataclasses import dataclass, field

from protocols.postgres import scram
from protocols.postgres.errors import Known, PeerError, broken, problem
from protocols.postgres.scram import Attributes, Keys, MalformedError, Verifier


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is kept between the client's first message and its last."""

    reply: bytes
    """server-first-message"""
    bare: bytes
    nonce: bytes
    channel: bytes
    """What the client must show us of the channel: its own gs2 header, and the binding if it chose one."""
    verifier: Verifier = field(repr=False)
    bound: bool


def challenge(
    message: bytes, *, verifier: Verifier, nonce: bytes, plus: bool, binding: bytes | None
) -> Challenge:
    """Read client-first-message. `plus`: the client selected -PLUS; `binding`: ours, if there is one."""
    try:
        header, bare, flag = _split(message, plus=plus, binding=binding)
        attributes = Attributes(bare)
        attributes.read(b"n")
        client_nonce = attributes.read(b"r")
        if not scram.printable(client_nonce):
            raise broken("non-printable characters in SCRAM nonce")
        while not attributes.ended:
            attributes.read_any()
    except MalformedError as error:
        raise broken("malformed SCRAM message", str(error)) from None
    whole = client_nonce + nonce
    reply = b"r=%b,s=%b,i=%d" % (whole, scram.base64(verifier.salt), verifier.iterations)
    bound = flag == b"p"
    channel = scram.base64(header + (binding or b"" if bound else b""))
    return Challenge(reply, bare, whole, channel, verifier, bound)


def verdict(given: Challenge, message: bytes) -> tuple[Keys | None, bytes]:
    """Read client-final-message: the keys it proves, None where it is wrong, and server-final-message."""
    try:
        without_proof, channel, nonce, proof = _final(message)
    except MalformedError as error:
        raise broken("malformed SCRAM message", str(error)) from None
    if not hmac.compare_digest(channel, given.channel):
        if given.bound:
            raise PeerError(problem(Known.BINDING_FAILED))
        raise broken("unexpected SCRAM channel-binding attribute in client-final-message")
    if not hmac.compare_digest(nonce, given.nonce):
        raise broken("invalid SCRAM response", "Nonce does not match.")
    auth_message = b"%b,%b,%b" % (given.bare, given.reply, without_proof)
    return given.verifier.proven(proof, auth_message), b"v=" + scram.base64(
        scram.sign(given.verifier.server_key, auth_message)
    )


def _split(message: bytes, *, plus: bool, binding: bytes | None) -> tuple[bytes, bytes, bytes]:
    """The gs2 header, the bare message, and the channel-binding flag, checked for a downgrade."""
    if not message:
        raise MalformedError("The message is empty.")
    if b"\0" in message:
        raise MalformedError("Message length does not match input length.")
    flag = message[:1]
    if flag in {b"n", b"y"}:
        if plus:
            raise MalformedError(
                "The client selected SCRAM-SHA-256-PLUS, "
                "but the SCRAM message does not include channel binding data."
            )
        if flag == b"y" and binding is not None:
            raise PeerError(
                problem(
                    Known.BINDING_NEGOTIATION,
                    detail="The client supports SCRAM channel binding but thinks the server does not.  "
                    "However, this server does support channel binding.",
                )
            )
        at = 1
    elif flag == b"p":
        at = _named_binding(message, plus=plus)
    else:
        raise MalformedError(f'Unexpected channel-binding flag "{scram.shown(flag)}".')
    return message[: at + 2], _bare(message, at), flag


def _named_binding(message: bytes, *, plus: bool) -> int:
    if not plus:
        raise MalformedError(
            "The client selected SCRAM-SHA-256 without channel binding, "
            "but the SCRAM message includes channel binding data."
        )
    name = Attributes(message).read(b"p")
    if name != scram.BINDING_TYPE:
        raise broken(f'unsupported SCRAM channel-binding type "{name.decode("ascii", "replace")}"')
    return 2 + len(name)


def _bare(message: bytes, at: int) -> bytes:
    if message[at : at + 1] != b",":
        raise MalformedError(f'Comma expected, but found character "{scram.shown(message[at : at + 1])}".')
    identity = message[at + 1 : at + 2]
    if identity == b"a":
        raise PeerError(problem(Known.SCRAM_AUTHORIZATION))
    if identity != b",":
        raise MalformedError(f'Unexpected attribute "{scram.shown(identity)}" in client-first-message.')
    bare = message[at + 2 :]
    if bare.startswith(b"m"):
        raise PeerError(problem(Known.SCRAM_EXTENSION))
    return bare


def _final(message: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """client-final-message-without-proof, channel binding, nonce, proof."""
    if not message:
        raise MalformedError("The message is empty.")
    if b"\0" in message:
        raise MalformedError("Message length does not match input length.")
    attributes = Attributes(message)
    channel = attributes.read(b"c")
    nonce = attributes.read(b"r")
    while True:
        name, value = attributes.read_any()
        if name == b"p":
            break
    try:
        proof = scram.unbase64(value)
    except MalformedError:
        proof = b""
    if len(proof) != scram.KEY_LENGTH:
        raise MalformedError("Malformed proof in client-final-message.")
    if not attributes.ended:
        raise MalformedError("Garbage found at the end of client-final-message.")
    return message[: attributes.start - 1], channel, nonce, proof
