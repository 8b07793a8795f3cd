"""SCRAM-SHA-256 as the side that proves itself, and that demands the server's proof in return.

Knows no frames. A server that breaks the exchange, or does not know the password's keys, is an UpstreamError.
"""

import hmac
from dataclasses import dataclass, field

from protocols.postgres import scram
from protocols.postgres.errors import Known, UpstreamError, problem, server_broke
from protocols.postgres.scram import Attributes, Keys, MalformedError


@dataclass(frozen=True, slots=True)
class Opening:
    """Our first message, and what it commits us to."""

    message: bytes
    bare: bytes
    nonce: bytes
    channel: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """Our last message, and what the server has to answer."""

    message: bytes
    keys: Keys = field(repr=False)
    expected: bytes = field(repr=False)


def opening(nonce: bytes, *, flag: bytes, binding: bytes | None) -> Opening:
    """client-first-message. `flag`: n, y or p; with p the channel's `binding` is shown later."""
    header = (b"p=" + scram.BINDING_TYPE if flag == b"p" else flag) + b",,"
    bare = b"n=,r=" + nonce
    channel = header + (binding or b"" if flag == b"p" else b"")
    return Opening(header + bare, bare, nonce, scram.base64(channel))


def proof(start: Opening, message: bytes, *, password: str | None, keys: Keys | None) -> Proof:
    """Answer server-first-message. `keys` derived earlier serve while salt and iterations are the same."""
    try:
        nonce, salt, iterations = _first(message)
    except MalformedError as error:
        raise server_broke("malformed SCRAM message", str(error)) from None
    if not nonce.startswith(start.nonce) or nonce == start.nonce or not scram.printable(nonce):
        raise server_broke("invalid SCRAM nonce")
    if keys is None or (keys.salt, keys.iterations) != (salt, iterations):
        if password is None:
            raise UpstreamError(
                problem(
                    Known.SERVER_REFUSED, what="the server changed its SCRAM salt and no password is known"
                )
            )
        keys = Keys.from_password(password, salt, iterations)
    without_proof = b"c=%b,r=%b" % (start.channel, nonce)
    auth_message = b"%b,%b,%b" % (start.bare, message, without_proof)
    final = b"%b,p=%b" % (without_proof, scram.base64(keys.proof(auth_message)))
    return Proof(final, keys, scram.sign(keys.server_key, auth_message))


def confirm(given: Proof, message: bytes) -> None:
    """Check server-final-message: the server knows the keys too, or UpstreamError."""
    try:
        attributes = Attributes(message)
        if message.startswith(b"e="):
            reason = attributes.read(b"e").decode("ascii", "replace")
            raise UpstreamError(
                problem(Known.SERVER_REFUSED, what=f"the server refused the SCRAM exchange: {reason[:100]}")
            )
        signature = scram.unbase64(attributes.read(b"v"))
    except MalformedError as error:
        raise server_broke("malformed SCRAM message", str(error)) from None
    if not hmac.compare_digest(signature, given.expected):
        raise UpstreamError(
            problem(
                Known.SERVER_UNPROVEN,
                what="incorrect SCRAM signature, so it does not know the password",
            )
        )


def _first(message: bytes) -> tuple[bytes, bytes, int]:
    attributes = Attributes(message)
    nonce = attributes.read(b"r")
    salt = scram.unbase64(attributes.read(b"s"))
    count = attributes.read(b"i")
    if not salt:
        raise MalformedError("The salt is empty.")
    if not count.isdigit() or len(count) > 10 or not 0 < int(count) <= scram.MAX_ITERATIONS:
        raise MalformedError(f"The iteration count is not between 1 and {scram.MAX_ITERATIONS}.")
    return nonce, salt, int(count)
