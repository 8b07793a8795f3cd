"""Log-in, both ways: a client proves itself to us (ClientAuth), we prove ourselves to a server (ServerAuth).

Sans-io: messages in, bytes out. One exchange a connection, as PostgreSQL has it; limits on time and on
attempts from one place are the caller's, as is what a user may do. A ClientAuth tells nobody whether a user exists.
"""

import hmac
import secrets
from collections.abc import Callable
from enum import Enum
from typing import Self

from cryptography import x509
from cryptography.x509.oid import NameOID

from protocols.postgres import messages, scram, scram_client, scram_server
from protocols.postgres.binding import certificate_binding
from protocols.postgres.credential import Credential, md5_hash, md5_response, mock
from protocols.postgres.errors import AuthFailed, Known, UpstreamError, broken, problem, server_broke
from protocols.postgres.saslprep import raw
from protocols.postgres.scram import Keys
from protocols.postgres.types import Step

__all__ = ["METHODS", "ClientAuth", "Credential", "ServerAuth", "certificate_binding"]

METHODS = frozenset({"scram-sha-256", "md5", "password", "cert", "trust"})

PASSWORD_MESSAGE = ord("p")


class _Waits(Enum):
    """What the next message of a client has to be."""

    CLEAR = "a password"
    ELSEWHERE = "a password that somebody else judges"
    MD5 = "an MD5 response"
    CHOICE = "a choice of SASL mechanism"
    OPENING = "client-first-message"
    PROOF = "client-final-message"
    NOTHING = "nothing: the exchange is over"


class ClientAuth:
    """One client's log-in. Make it with `begin`."""

    def __init__(
        self, user: str, known: Credential | None, secret: bytes, nonce: Callable[[int], bytes]
    ) -> None:
        self._user = user
        self._doomed = known is None
        self._credential = known or mock(user, secret)
        self._mock = secret
        self._nonce = nonce
        self._binding: bytes | None = None
        self._plus = False
        self._salt = b""
        self._waits = _Waits.NOTHING
        self._challenge: scram_server.Challenge | None = None
        self.done = False
        self.keys: Keys | None = None
        """Once it is done: the SCRAM keys that the client showed. A server with the same verifier takes them."""

    @classmethod
    def begin(
        cls,
        method: str,
        user: str,
        credential: Credential | None,
        *,
        tls: bool,
        binding: bytes | None,
        nonce: Callable[[int], bytes],
        secret: bytes,
        cert: bytes | None = None,
    ) -> tuple[Self, bytes]:
        """Start the exchange: what to send first. With `trust` and `cert` that is all, and `done` is true. With
        `elsewhere` the password goes to somebody else: `password` takes it, and `judged` says what came of it.

        `credential` is None for a user with no password or none at all: the exchange is the same and fails at
        its end. `trust` and `cert` do not look at it; there the caller must know that the user exists.
        `secret` is the process's own and stays the same while it lives. `cert` is the client's, already
        verified. Raises AuthFailed.
        """
        if method == "trust":
            return cls._admitted(user, secret, nonce)
        if method == "cert":
            _check_certificate(cert, user)
            return cls._admitted(user, secret, nonce)
        auth = cls(user, credential, secret, nonce)
        if method == "password":
            if not tls:
                hint = "Connect with sslmode=require or stronger."
                raise AuthFailed(problem(Known.CLEAR_TEXT_REFUSED, hint=hint))
            auth._credential = auth._credential.prepared(user, secret)
            auth._waits = _Waits.CLEAR
            return auth, messages.authentication_cleartext()
        if method == "elsewhere":
            auth._waits = _Waits.ELSEWHERE
            return auth, messages.authentication_cleartext()
        if method == "md5" and (credential is None or credential.md5_hash(user) is not None):
            auth._waits, auth._salt = _Waits.MD5, nonce(4)
            return auth, messages.authentication_md5(auth._salt)
        if method in {"md5", "scram-sha-256"}:
            # As PostgreSQL does: under md5, a user with a SCRAM verifier is asked for SCRAM.
            auth._credential = auth._credential.prepared(user, secret)
            auth._waits, auth._binding = _Waits.CHOICE, binding if tls else None
            offered = [scram.PLAIN] if auth._binding is None else [scram.PLUS, scram.PLAIN]
            return auth, messages.authentication_sasl(offered)
        raise ValueError(f"no such authentication method: {method}")

    @classmethod
    def _admitted(cls, user: str, secret: bytes, nonce: Callable[[int], bytes]) -> tuple[Self, bytes]:
        auth = cls(user, None, secret, nonce)
        auth.done = True
        return auth, messages.authentication_ok()

    def receive(self, kind: int, body: bytes) -> Step:
        """Take one message. Raises AuthFailed where the client is not who it says, PeerError where it breaks
        the protocol; either way the exchange is over. The last step ends with AuthenticationOk."""
        waits, self._waits = self._waits, _Waits.NOTHING
        if waits is _Waits.NOTHING:
            raise broken("authentication message after the end of authentication")
        if kind != PASSWORD_MESSAGE:
            wanted = "password" if waits in {_Waits.CLEAR, _Waits.MD5} else "SASL"
            raise broken(f"expected {wanted} response, got message type {kind}")
        if waits is _Waits.CLEAR:
            given = messages.parse_password(body)
            return self._end(*self._credential.admits_password(given, self._user))
        if waits is _Waits.MD5:
            return self._md5(messages.parse_password(body))
        if len(body) > scram.MAX_MESSAGE:
            raise broken("invalid message length")
        if waits is _Waits.PROOF and self._challenge is not None:
            keys, final = scram_server.verdict(self._challenge, body)
            return self._end(keys is not None, keys, messages.authentication_sasl_final(final))
        return self._opening(body) if waits is _Waits.OPENING else self._choice(body)

    def password(self, kind: int, body: bytes) -> bytes:
        """Take the message that holds a password for somebody else to judge. Raises PeerError."""
        if self._waits is not _Waits.ELSEWHERE:
            raise broken("authentication message after the end of authentication")
        self._waits = _Waits.NOTHING
        if kind != PASSWORD_MESSAGE:
            raise broken(f"expected password response, got message type {kind}")
        return messages.parse_password(body)

    def judged(self, *, right: bool) -> Step:
        """The last step after `password`. Raises AuthFailed, in the words of a wrong password."""
        self._doomed = False
        return self._end(right)

    def _md5(self, given: bytes) -> Step:
        stored = self._credential.md5_hash(self._user) or md5_hash(self._nonce(16), self._user)
        return self._end(hmac.compare_digest(given, md5_response(stored, self._salt)))

    def _choice(self, body: bytes) -> Step:
        terminated = b"\0" in body
        if terminated and body.partition(b"\0")[0].decode("ascii", "replace") not in self._offered():
            raise broken("client selected an invalid SASL authentication mechanism")
        mechanism, opening = messages.parse_sasl_initial(body)
        self._plus = mechanism == scram.PLUS.encode()
        if opening is None:
            self._waits = _Waits.OPENING
            return Step(messages.authentication_sasl_continue(b""), done=False)
        return self._opening(opening)

    def _offered(self) -> set[str]:
        return {scram.PLAIN} if self._binding is None else {scram.PLAIN, scram.PLUS}

    def _opening(self, message: bytes) -> Step:
        verifier = self._credential.verifier
        if verifier is None:
            # An MD5 hash is no use for SCRAM: the same exchange, failing at its end.
            self._doomed = True
            verifier = mock(self._user, self._mock).verifier
            assert verifier is not None
        self._challenge = scram_server.challenge(
            message,
            verifier=verifier,
            nonce=scram.nonce_text(self._nonce),
            plus=self._plus,
            binding=self._binding,
        )
        self._waits = _Waits.PROOF
        return Step(messages.authentication_sasl_continue(self._challenge.reply), done=False)

    def _end(self, admitted: bool, keys: Keys | None = None, last: bytes = b"") -> Step:
        if not admitted or self._doomed:
            raise AuthFailed(problem(Known.PASSWORD_FAILED, user=self._user))
        self.done = True
        self.keys = keys
        return Step(last + messages.authentication_ok(), done=True)


def _check_certificate(cert: bytes | None, user: str) -> None:
    """The certificate's common name has to be the user."""
    if cert is None:
        raise AuthFailed(problem(Known.NO_CERTIFICATE))
    try:
        names = x509.load_der_x509_certificate(cert).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        said = [name.value if isinstance(name.value, bytes) else name.value.encode() for name in names]
    except ValueError:
        said = []
    # Two names would let whoever reads the other one see somebody else.
    if len(said) != 1 or not hmac.compare_digest(said[0], user.encode("utf-8", "surrogateescape")):
        raise AuthFailed(problem(Known.CERTIFICATE_FAILED, user=user))


class _Stage(Enum):
    """How far our log-in at a server is."""

    ASKED = "nothing was demanded yet"
    OPENED = "client-first-message is sent"
    PROVED = "client-final-message is sent"
    ANSWERED = "the server has to accept or refuse"
    DONE = "logged in"


class ServerAuth:
    """Our log-in at one server."""

    def __init__(
        self,
        user: str,
        password: str | None,
        *,
        binding: bytes | None,
        channel_binding: str = "prefer",
        tls: bool = False,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
        keys: Keys | None = None,
    ) -> None:
        """`binding` is the server certificate's (None: there is none); `tls` that the line is encrypted, which
        a binding implies. `channel_binding` is disable, prefer or require, as libpq means them. `keys` are
        another log-in's: they save deriving them again."""
        if channel_binding not in {"disable", "prefer", "require"}:
            raise ValueError(f"no such channel_binding: {channel_binding}")
        self.keys = keys
        """SCRAM keys, once the server has proved that they are right; worth keeping for the next log-in."""
        self._user = user
        self._password = password
        self._wants = channel_binding
        self._binding = None if channel_binding == "disable" else binding
        self._tls = tls or binding is not None
        self._nonce = nonce
        self._stage = _Stage.ASKED
        self._bound = False
        self.done = False
        self._start: scram_client.Opening | None = None
        self._proof: scram_client.Proof | None = None

    def receive(self, kind: int, body: bytes) -> Step:
        """Take one message up to AuthenticationOk; what follows that is the caller's, and nothing may follow
        while `done` is false. Raises UpstreamError, with the server's own problem where it sent one."""
        if kind == ord("E"):
            raise UpstreamError(messages.parse_error(body))
        if kind == ord("N"):
            messages.parse_error(body)
            return Step(b"", done=False)
        if kind == ord("v"):
            messages.parse_negotiation(body)
            return Step(b"", done=False)
        if kind != ord("R"):
            raise server_broke(f"expected authentication request from server, got message type {kind}")
        if self._stage is _Stage.DONE:
            raise server_broke("authentication message after the end of authentication")
        request, data = messages.parse_authentication(body)
        if request == 0:
            return self._accepted()
        if request in {11, 12}:
            return self._continue(data) if request == 11 else self._final(data)
        if self._stage is not _Stage.ASKED:
            raise server_broke("the server asked for authentication twice")
        if request == 10:
            return self._choose(messages.parse_mechanisms(data))
        if request in {3, 5}:
            return self._simple(request, data)
        raise _refused(
            f"the server asks for an unsupported authentication method ({_NAMES.get(request, request)})"
        )

    def _simple(self, request: int, data: bytes) -> Step:
        if self._wants == "require":
            raise _refused("channel binding is required, but the server asks for a password without it")
        password = self._secret()
        self._stage = _Stage.ANSWERED
        if request == 5:
            if len(data) != 4:
                raise server_broke("MD5 salt has an invalid length")
            return Step(messages.password(md5_response(md5_hash(password, self._user), data)), done=False)
        if not self._tls:
            raise _refused("the server asks for the password in clear text over a line without TLS")
        return Step(messages.password(raw(password)), done=False)

    def _choose(self, offered: list[str]) -> Step:
        plus = scram.PLUS in offered
        if plus and not self._tls:
            raise server_broke("the server offered SCRAM-SHA-256-PLUS authentication over a line without TLS")
        self._bound = plus and self._binding is not None
        if self._wants == "require" and not self._bound:
            raise _refused(
                "channel binding is required, but the server offers no authentication method that supports it"
            )
        if not self._bound and scram.PLAIN not in offered:
            raise _refused("none of the server's SASL authentication mechanisms are supported")
        if self.keys is None:
            self._secret()
        # "y" tells a server that does know channel binding that someone took its offer away.
        flag = b"p" if self._bound else b"n" if self._binding is None else b"y"
        self._start = scram_client.opening(scram.nonce_text(self._nonce), flag=flag, binding=self._binding)
        self._stage = _Stage.OPENED
        mechanism = scram.PLUS if self._bound else scram.PLAIN
        return Step(messages.sasl_initial(mechanism, self._start.message), done=False)

    def _continue(self, data: bytes) -> Step:
        if self._stage is not _Stage.OPENED or self._start is None:
            raise server_broke("SASL challenge out of turn")
        self._proof = scram_client.proof(self._start, data, password=self._password, keys=self.keys)
        self._stage = _Stage.PROVED
        return Step(messages.sasl_response(self._proof.message), done=False)

    def _final(self, data: bytes) -> Step:
        if self._stage is not _Stage.PROVED or self._proof is None:
            raise server_broke("SASL outcome out of turn")
        scram_client.confirm(self._proof, data)
        self.keys = self._proof.keys
        self._stage = _Stage.ANSWERED
        return Step(b"", done=False)

    def _accepted(self) -> Step:
        if self._stage in {_Stage.OPENED, _Stage.PROVED}:
            raise UpstreamError(
                problem(
                    Known.SERVER_UNPROVEN,
                    what="it ended SCRAM without showing that it knows the password",
                )
            )
        if self._wants == "require" and not self._bound:
            raise _refused("channel binding is required, but the server authenticated us without it")
        self._stage = _Stage.DONE
        self.done = True
        return Step(b"", done=True)

    def _secret(self) -> str:
        if self._password is None:
            raise _refused(f'the server asks for a password for user "{self._user}", and none is known')
        return self._password


_NAMES = {2: "Kerberos V5", 6: "SCM credentials", 7: "GSSAPI", 8: "GSSAPI", 9: "SSPI"}


def _refused(what: str) -> UpstreamError:
    return UpstreamError(problem(Known.SERVER_REFUSED, what=what))
