"""Clients logging in, as conversations: with our ClientAuth, and where marked so with a real PostgreSQL too."""

import base64
import hashlib
import re
import ssl
from collections import deque
from pathlib import Path
from typing import Protocol

import pytest

from protocols.postgres import messages
from protocols.postgres.auth import ClientAuth, Credential, certificate_binding
from protocols.postgres.credential import md5_hash, md5_response
from protocols.postgres.errors import WireError
from protocols.postgres.scram import Verifier
from tests.conversations import proof, script
from tests.conversations.script import Conversation
from tests.protocols.postgres.wire import Line, frames
from tests.servers.postgres import USERS, PostgresServer

SCRIPT = script.read(Path(__file__).with_name("postgres_login.txt"))
METHODS = {"app_md5": "md5", "app_clear": "password", "app_trust": "trust"}
BINDING = hashlib.sha256(b"our certificate").digest()


class Side(Protocol):
    """Whoever the client talks to."""

    binding: bytes | None

    def hear(self) -> tuple[int, bytes]: ...
    def say(self, kind: int, body: bytes) -> None: ...


class Ours:
    """ClientAuth."""

    def __init__(self, conversation: Conversation) -> None:
        user, tls = conversation.trait("user", ""), "tls" in conversation.traits
        self.binding = BINDING if tls else None
        self._said: deque[tuple[int, bytes]] = deque()
        self._auth: ClientAuth | None = None
        try:
            self._auth, first = ClientAuth.begin(
                conversation.trait("method", METHODS.get(user, "scram-sha-256")),
                user,
                _credential(user, conversation.trait("stored", "password")),
                tls=tls,
                binding=self.binding,
                nonce=lambda count: bytes(range(count)),
                secret=b"the process's own",
            )
        except WireError as error:
            first = messages.error(error.problem)
        self._said += frames(first)

    def hear(self) -> tuple[int, bytes]:
        return self._said.popleft()

    def say(self, kind: int, body: bytes) -> None:
        assert self._auth is not None, "the log-in never began"
        try:
            step = self._auth.receive(kind, body)
        except WireError as error:
            self._said += frames(messages.error(error.problem))
        else:
            self._said += frames(step.send)
            assert step.done is self._auth.done is step.send.endswith(messages.authentication_ok())


def _credential(user: str, stored: str) -> Credential | None:
    if user not in USERS:
        return None
    password = USERS[user]
    form = {
        "password": password,
        "md5": md5_hash(password, user),
        "verifier": Verifier.from_password(password, b"salt of sixteen.").text(),
    }
    return Credential.parse(form[stored], user=user, secret=b"the process's own")


class Real:
    """A real PostgreSQL."""

    def __init__(self, conversation: Conversation, server: PostgresServer) -> None:
        context = None
        if "tls" in conversation.traits:
            context = ssl.create_default_context(cafile=str(server.authority.certificate_file))
        self.line = Line.to(server.port, context)
        certificate = self.line.certificate
        self.binding = certificate_binding(certificate) if certificate else None
        user = conversation.trait("user", "")
        self.line.send(messages.startup({"user": user, "database": "shop"}))

    def hear(self) -> tuple[int, bytes]:
        return self.line.receive()

    def say(self, kind: int, body: bytes) -> None:
        self.line.send(messages.frame(bytes([kind]), body))


class Client:
    """Says what the script says, and knows what its holes stand for."""

    def __init__(self, conversation: Conversation, side: Side) -> None:
        self._user = conversation.trait("user", "")
        self._password = USERS.get(self._user, "")
        self._side = side
        self._first = self._challenge = self._without_proof = b""
        self._salt = b""
        self._learnt: dict[str, bytes] = {}

    def know(self, hole: str) -> bytes | None:
        name, _, wrong = hole.partition(":")
        password = self._password + wrong
        if name == "binding":
            header = b"p=tls-server-end-point,,"
            return base64.b64encode(header + (b"\0" * 32 if wrong else self._side.binding or b""))
        if name in {"proof", "signature"}:
            made = proof.work_out(password, self._first, self._challenge, self._without_proof)
            return made[name == "signature"]
        if name == "md5":
            return md5_response(md5_hash(password, self._user), self._salt)
        return b"x" * 1100 if name == "long" else self._learnt.get(name)

    def _known(self, hole: str) -> bytes:
        value = self.know(hole)
        assert value is not None, f"nothing is known of {{{hole}}}"
        return value

    def say(self, text: str) -> None:
        verb, _, rest = text.partition(" ")
        if verb == "raw":
            kind, _, body = rest.partition(" ")
            self._side.say(ord(kind), script.data(body, self._known))
        elif verb == "Password":
            self._side.say(ord("p"), script.data(rest, self._known) + b"\0")
        elif verb == "SASLInitialResponse":
            mechanism, _, opening = rest.partition(" ")
            self._first = script.data(opening, self._known)
            self._side.say(ord("p"), messages.sasl_initial(mechanism, self._first)[5:])
        else:
            assert verb == "SASLResponse"
            plain = script.data(re.split(",p=", rest)[0], self._known)
            self._first, self._without_proof = (self._first, plain) if self._first else (plain, b"")
            self._side.say(ord("p"), script.data(rest, self._known))

    def hear(self, expected: str) -> None:
        verb, _, rest = expected.partition(" ")
        kind, body = self._side.hear()
        if verb == "Error":
            said = messages.parse_error(body) if kind == ord("E") else None
            assert said is not None, f"expected an error, heard {chr(kind)} {body!r}"
            shown = " | ".join([f"{said.code} {said.message}", said.detail, said.hint]).rstrip(" |")
            assert shown == rest
            assert said.severity == "FATAL"
            return
        assert kind == ord("R"), f"expected {expected!r}, heard {chr(kind)} {body!r}"
        request, data = messages.parse_authentication(body)
        assert (
            request == {"Ok": 0, "Clear": 3, "MD5": 5, "SASL": 10, "SASLContinue": 11, "SASLFinal": 12}[verb]
        )
        if verb == "SASL":
            assert messages.parse_mechanisms(data) == rest.split()
        elif verb == "MD5":
            self._salt = data
            assert len(data) == 4
        else:
            self._learnt |= script.learn(rest, data, self.know)
            self._challenge = data if data and verb == "SASLContinue" else self._challenge


def hold(conversation: Conversation, side: Side) -> None:
    client = Client(conversation, side)
    for direction, text in conversation.lines:
        if direction == ">>":
            client.say(text)
        else:
            client.hear(text)


@pytest.mark.parametrize("conversation", SCRIPT, ids=lambda one: one.title)
def test_with_us(conversation: Conversation) -> None:
    side = Ours(conversation)
    hold(conversation, side)
    with pytest.raises(IndexError):
        side.hear()


@pytest.mark.parametrize(
    "conversation", [one for one in SCRIPT if "on postgres" in one.traits], ids=lambda one: one.title
)
def test_with_postgres(conversation: Conversation, postgres_server: PostgresServer) -> None:
    side = Real(conversation, postgres_server)
    with side.line:
        hold(conversation, side)
        if conversation.lines[-1][1].startswith("Error"):
            with pytest.raises((EOFError, ConnectionResetError)):
                side.hear()
