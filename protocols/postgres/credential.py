"""What is known of a user's password, in the three forms PostgreSQL stores, and what stands in for none.

Knows nothing of where it was stored. No repr shows a secret.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from typing import Self

from protocols.postgres import scram
from protocols.postgres.saslprep import raw
from protocols.postgres.scram import Keys, Verifier

_MD5 = re.compile(r"md5[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A password, a SCRAM verifier, PostgreSQL's MD5 hash, or several of them."""

    password: str | None = field(default=None, repr=False)
    verifier: Verifier | None = field(default=None, repr=False)
    md5: str | None = field(default=None, repr=False)
    """`md5` and 32 hexadecimal digits."""

    @classmethod
    def parse(cls, stored: str, *, user: str, secret: bytes) -> Self:
        """From its stored form: `SCRAM-SHA-256$…`, `md5…`, else the password. ValueError never shows it."""
        if stored.startswith(scram.PLAIN + "$"):
            return cls(verifier=Verifier.parse(stored))
        if _MD5.fullmatch(stored):
            return cls(md5=stored)
        return cls(password=stored).prepared(user, secret)

    def prepared(self, user: str, secret: bytes) -> Self:
        """With the verifier of its password worked out, so that no log-in has to, and none takes longer than
        that of a user who does not exist. `secret` is the process's own; the salt stays the same under it."""
        if self.verifier is not None or self.password is None:
            return self
        return replace(self, verifier=Verifier.from_password(self.password, mock_salt(user, secret)))

    def md5_hash(self, user: str) -> str | None:
        """The hash the MD5 method needs, where it can be had."""
        return md5_hash(self.password, user) if self.password is not None else self.md5

    def admits_password(self, password: bytes, user: str) -> tuple[bool, Keys | None]:
        """Whether this is the password (sent in clear), and the keys it makes with a verifier."""
        if self.verifier is not None:
            keys = self.verifier.proven_password(password)
            return keys is not None, keys
        expected = self.md5_hash(user)
        return expected is not None and hmac.compare_digest(md5_hash(password, user), expected), None


def mock(user: str, secret: bytes) -> Credential:
    """Stands in for what is not known: for one user always the same salt, and keys that no password has."""
    keys = (_derived(secret, purpose, user) for purpose in (b"stored", b"server"))
    return Credential(verifier=Verifier(scram.ITERATIONS, mock_salt(user, secret), *keys))


def mock_salt(user: str, secret: bytes) -> bytes:
    """A salt that stays the same for the user, and that nobody outside can foretell."""
    return _derived(secret, b"salt", user)[: scram.SALT_LENGTH]


def md5_hash(password: str | bytes, user: str) -> str:
    """PostgreSQL's MD5 form, as `pg_authid` holds it."""
    given = raw(password) if isinstance(password, str) else password
    return "md5" + _md5(given + raw(user))


def md5_response(stored: str, salt: bytes) -> bytes:
    """What a client answers to AuthenticationMD5Password."""
    return b"md5" + _md5(stored.removeprefix("md5").encode() + salt).encode()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _derived(secret: bytes, purpose: bytes, user: str) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + raw(user), "sha256")
