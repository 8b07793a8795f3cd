"""A listener that logs one real client in with ClientAuth and answers its simple queries with our own tables."""

import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from protocols.postgres import messages, replies, session
from protocols.postgres.auth import ClientAuth, Credential, certificate_binding
from protocols.postgres.errors import Known, WireError, problem
from tests.protocols.postgres.wire import Line
from tests.servers.certificates import Authority, Identity

SECRET = b"the process's own"


@dataclass
class Door:
    """How it lets clients in, and what it saw of them."""

    method: str
    known: dict[str, Credential]
    identity: Identity | None = None
    authority: Authority | None = None
    """Whose client certificates are asked for."""
    port: int = 0
    startups: list[session.Startup] = field(default_factory=list)
    mechanisms: list[bytes] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)


@contextmanager
def opened(door: Door, clients: int = 1) -> Iterator[Door]:
    """Open for a number of clients, one after the other. Whatever fails in it fails the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        door.port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(door, listener, clients))
        thread.start()
        try:
            yield door
        finally:
            thread.join(10)
    assert not thread.is_alive(), "the client never came, or never left"
    if door.failures:
        raise door.failures[0]


def _serve(door: Door, listener: socket.socket, clients: int) -> None:
    try:
        for _ in range(clients):
            with Line(listener.accept()[0]) as line:
                _session(door, line)
    except BaseException as error:  # noqa: BLE001 (handed to the test's own thread)
        door.failures.append(error)


def _session(door: Door, line: Line) -> None:
    try:
        startup = _log_in(door, line)
    except WireError as error:
        line.send(messages.error(error.problem))
        return
    except (EOFError, ConnectionResetError):
        return
    parameters = {"server_version": "15.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
    line.send(b"".join(messages.parameter_status(name, value) for name, value in parameters.items()))
    line.send(messages.frame(b"K", b"\0\0\0\7" + bytes(startup.key_bytes)) + messages.ready())
    while True:
        kind, body = line.receive()
        if kind == ord("X"):
            return
        assert kind == ord("Q")
        statement = body[:-1].decode()
        if statement.startswith("SHOW"):
            asked = sorted(startup.settings.items())
            line.send(replies.table(["name", "value"], [*asked, ("nothing", None)], "SHOW"))
        elif statement.startswith("SET"):
            line.send(replies.done("SET"))
        else:
            line.send(
                replies.failure(
                    problem(Known.BAD_COMMAND, what=f"no such command: {statement}", hint="Try SHOW.")
                )
            )


def _log_in(door: Door, line: Line) -> session.Startup:
    while True:
        number, body = line.receive_unframed()
        if number == 80877103 and door.identity is not None and not line.tls:
            line.send(b"S")
            line.encrypt(_context(door.identity, door.authority), server_side=True)
        elif number in {80877103, 80877104}:
            line.send(b"N")
        else:
            break
    startup = session.read(number, body)
    door.startups.append(startup)
    line.send(startup.answer)
    own = ssl.PEM_cert_to_DER_cert(door.identity.certificate.decode()) if door.identity else None
    auth, first = ClientAuth.begin(
        door.method,
        startup.user,
        door.known.get(startup.user),
        tls=line.tls,
        binding=certificate_binding(own) if own else None,
        nonce=secrets.token_bytes,
        secret=SECRET,
        cert=line.certificate,
    )
    line.send(first)
    while not auth.done:
        kind, body = line.receive()
        if body.startswith(b"SCRAM"):
            door.mechanisms.append(body.partition(b"\0")[0])
        line.send(auth.receive(kind, body).send)
    return startup


def _context(identity: Identity, authority: Authority | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    if authority is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(authority.certificate_file)
    return context
