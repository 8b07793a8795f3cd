"""SCRAM-SHA-256 (RFC 5802, 7677) without its conversation: keys, stored verifiers, how messages are cut up.

The conversations are `scram_server` and `scram_client`. Everything is bytes; nothing is random or kept here.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from protocols.postgres.saslprep import prepared, raw

PLAIN = "SCRAM-SHA-256"
PLUS = "SCRAM-SHA-256-PLUS"
BINDING_TYPE = b"tls-server-end-point"

ITERATIONS = 4096
"""As PostgreSQL stores passwords unless it is told otherwise."""
MAX_ITERATIONS = 1_000_000
"""A peer must not make us hash for minutes; no setting in use comes near."""
KEY_LENGTH = 32
SALT_LENGTH = 16
MAX_MESSAGE = 1024
"""PostgreSQL's own bound for a SASL message from a client."""

_STORED = re.compile(r"SCRAM-SHA-256\$([1-9][0-9]{0,9}):([^$:]+)\$([^$:]+):([^$:]+)")
_PRINTABLE = re.compile(rb"[!-+\--~]+")


class MalformedError(Exception):
    """A message is not what RFC 5802 describes; each role says so in its own words. The text is a detail."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server stores of a password: enough to check a proof, not enough to make one."""

    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read PostgreSQL's form, `SCRAM-SHA-256$iterations:salt$stored:server`; else ValueError."""
        found = _STORED.fullmatch(text)
        if found is None:
            raise ValueError("not of the form SCRAM-SHA-256$iterations:salt$storedkey:serverkey")
        iterations = int(found[1])
        if iterations > MAX_ITERATIONS:
            raise ValueError(f"more than {MAX_ITERATIONS} iterations")
        try:
            salt, stored_key, server_key = (unbase64(found[part].encode()) for part in (2, 3, 4))
        except MalformedError:
            raise ValueError("salt or key is not base64") from None
        if not len(stored_key) == len(server_key) == KEY_LENGTH:
            raise ValueError(f"a key is not {KEY_LENGTH} bytes long")
        return cls(iterations, salt, stored_key, server_key)

    @classmethod
    def from_password(cls, password: str | bytes, salt: bytes, iterations: int = ITERATIONS) -> Self:
        keys = Keys.from_password(password, salt, iterations)
        return cls(iterations, salt, hashlib.sha256(keys.client_key).digest(), keys.server_key)

    def text(self) -> str:
        """PostgreSQL's stored form."""
        salt, stored, server = (
            base64(part).decode() for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"{PLAIN}${self.iterations}:{salt}${stored}:{server}"

    def proven(self, proof: bytes, auth_message: bytes) -> "Keys | None":
        """The keys of someone who knows the password, if such a one made the proof."""
        return self._keys(_xor(proof, sign(self.stored_key, auth_message)))

    def proven_password(self, password: bytes) -> "Keys | None":
        """The keys, if this is the password (sent in clear)."""
        return self._keys(Keys.from_password(password, self.salt, self.iterations).client_key)

    def _keys(self, client_key: bytes) -> "Keys | None":
        right = hmac.compare_digest(hashlib.sha256(client_key).digest(), self.stored_key)
        return Keys(self.iterations, self.salt, client_key, self.server_key) if right else None


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client derives from a password and the server's salt, by thousands of hashes: worth keeping."""

    iterations: int
    salt: bytes = field(repr=False)
    client_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def from_password(cls, password: str | bytes, salt: bytes, iterations: int) -> Self:
        given = raw(password) if isinstance(password, str) else password
        salted = hashlib.pbkdf2_hmac("sha256", prepared(given), salt, iterations)
        return cls(iterations, salt, sign(salted, b"Client Key"), sign(salted, b"Server Key"))

    def proof(self, auth_message: bytes) -> bytes:
        stored_key = hashlib.sha256(self.client_key).digest()
        return _xor(self.client_key, sign(stored_key, auth_message))


def sign(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, message, "sha256")


def base64(value: bytes) -> bytes:
    """As SCRAM writes binary values."""
    return b64encode(value)


def unbase64(text: bytes) -> bytes:
    """As SCRAM reads binary values; MalformedError."""
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise MalformedError("Value is not base64.") from None


def nonce_text(nonce: Callable[[int], bytes]) -> bytes:
    """A nonce as it is sent, from 18 random bytes."""
    return base64(nonce(18))


def printable(nonce: bytes) -> bool:
    """Whether RFC 5802 allows it as a nonce."""
    return _PRINTABLE.fullmatch(nonce) is not None


def shown(byte: bytes) -> str:
    """One byte of a peer's message, fit for an error text."""
    return f"'{byte.decode()}'" if byte and 0x21 <= byte[0] <= 0x7E else f"0x{byte[0] if byte else 0:02x}"


class Attributes:
    """Reads `a=value,b=value`, one after the other."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 0
        self.start = 0
        """Where the attribute read last begins."""

    @property
    def ended(self) -> bool:
        return self._at >= len(self._message)

    def read(self, name: bytes) -> bytes:
        """The value of the next attribute, which must be `name`."""
        found = self._message[self._at : self._at + 1]
        if found != name:
            raise MalformedError(f'Expected attribute "{name.decode()}" but found "{shown(found)}".')
        if self._message[self._at + 1 : self._at + 2] != b"=":
            raise MalformedError(f'Expected character "=" for attribute "{name.decode()}".')
        return self._value()

    def read_any(self) -> tuple[bytes, bytes]:
        """The next attribute, whatever its name."""
        if self.ended:
            raise MalformedError("Attribute expected, but found end of string.")
        name = self._message[self._at : self._at + 1]
        if not name.isalpha():
            raise MalformedError(f'Attribute expected, but found invalid character "{shown(name)}".')
        if self._message[self._at + 1 : self._at + 2] != b"=":
            raise MalformedError(f'Expected character "=" for attribute "{name.decode()}".')
        return name, self._value()

    def _value(self) -> bytes:
        self.start = self._at
        end = self._message.find(b",", self._at)
        value = self._message[self._at + 2 : end if end >= 0 else len(self._message)]
        self._at = end + 1 if end >= 0 else len(self._message)
        return value


def _xor(left: bytes, right: bytes) -> bytes:
    if len(left) != len(right):
        raise ValueError("keys and proofs are of one length")
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))
