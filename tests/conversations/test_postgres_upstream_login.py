"""Our own log-in at a server, as conversations with our ServerAuth."""

import base64
import hashlib
import re
import struct
from pathlib import Path

import pytest

from protocols.postgres import messages
from protocols.postgres.auth import ServerAuth
from protocols.postgres.credential import md5_hash, md5_response
from protocols.postgres.errors import UpstreamError
from tests.conversations import proof, script
from tests.conversations.script import Conversation
from tests.protocols.postgres.wire import frames

SCRIPT = script.read(Path(__file__).with_name("postgres_upstream_login.txt"))
REQUESTS = {"Ok": 0, "Clear": 3, "MD5": 5, "SASL": 10, "SASLContinue": 11, "SASLFinal": 12}
USER = "app"
NONCE = bytes(range(18))
BINDING = hashlib.sha256(b"the server's certificate").digest()


class Server:
    """Says what the script says to a ServerAuth, and knows what the script's holes stand for."""

    def __init__(self, conversation: Conversation) -> None:
        self._password = None if "no password" in conversation.traits else conversation.trait("password", "")
        self._auth = ServerAuth(
            USER,
            self._password,
            tls="tls" in conversation.traits,
            binding=BINDING if "binding" in conversation.traits else None,
            channel_binding=conversation.trait("channel", "prefer"),
            nonce=lambda count: NONCE[:count],
        )
        self._first = self._challenge = self._without_proof = self._salt = b""

    def say(self, text: str) -> str:
        """Say it, and return what the answer was."""
        verb, _, rest = text.partition(" ")
        if verb == "raw":
            kind, body = ord(rest[0]), script.data(rest[2:], self.know)
        elif verb == "SASL":
            kind, body = ord("R"), messages.authentication_sasl(rest.split())[5:]
        else:
            data = script.data(rest, self.know)
            kind, body = ord("R"), struct.pack("!i", REQUESTS[verb]) + data
            self._challenge = data if verb == "SASLContinue" else self._challenge
            self._salt = data if verb == "MD5" else self._salt
        try:
            step = self._auth.receive(kind, body)
        except UpstreamError as error:
            said = error.problem
            return "no " + " | ".join([f"{said.code} {said.message}", said.detail, said.hint]).rstrip(" |")
        assert step.done is self._auth.done
        if not step.send:
            return "in" if step.done else "wait"
        [(kind, body)] = frames(step.send)
        assert kind == ord("p")
        return body.decode("latin-1")

    def expect(self, expected: str, heard: str) -> None:
        verb, _, rest = expected.partition(" ")
        if verb in {"no", "wait", "in"}:
            assert heard == expected
        elif verb == "Password":
            assert heard.encode() == script.data(rest, self.know) + b"\0"
        elif verb == "SASLInitialResponse":
            mechanism, _, opening = rest.partition(" ")
            self._first = script.data(opening, self.know)
            chosen, given = messages.parse_sasl_initial(heard.encode("latin-1"))
            assert (chosen, given) == (mechanism.encode(), self._first)
        else:
            assert verb == "SASLResponse"
            self._without_proof = script.data(re.split(",p=", rest)[0], self.know)
            assert heard.encode() == script.data(rest, self.know)

    def know(self, hole: str) -> bytes:
        name, _, wrong = hole.partition(":")
        password = (self._password or "") + wrong
        if name == "ours":
            return base64.b64encode(NONCE)
        if name == "binding":
            return base64.b64encode(b"p=tls-server-end-point,," + BINDING)
        if name == "md5":
            return md5_response(md5_hash(password, USER), self._salt)
        assert name in {"proof", "signature"}
        if not self._challenge:
            return base64.b64encode(b"\0" * 32)
        return proof.work_out(password, self._first, self._challenge, self._without_proof)[
            name == "signature"
        ]


@pytest.mark.parametrize("conversation", SCRIPT, ids=lambda one: one.title)
def test_with_us(conversation: Conversation) -> None:
    server, heard = Server(conversation), ""
    for direction, text in conversation.lines:
        if direction == ">>":
            heard = server.say(text)
        else:
            server.expect(text, heard)
