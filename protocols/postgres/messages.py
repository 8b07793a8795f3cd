"""PostgreSQL's messages, built and taken apart. Protocol 3.0 and 3.2.

Bytes from a peer become data, or the error that says whose fault it is: PeerError for what a client sent,
UpstreamError for what a server sent, nothing else. Knows no order of messages and no state.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

from protocols.postgres.errors import Known, PeerError, broken, problem, server_broke
from protocols.postgres.types import PROTOCOL_MAJOR, Problem

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
TERMINATE = b"X\0\0\0\4"

MAX_STARTUP = 10_000
"""PostgreSQL's own bound for a startup packet."""
MAX_PARAMETERS = 256
MAX_PASSWORD = 65_535
"""PostgreSQL's own bound for a password message."""
MAX_LOGIN_REPLY = 65_536
"""More than any server sends in one message before it is ready."""
MAX_KEY = 256

_LENGTH = struct.Struct("!i")
_TEXT = 25
_SIZES = {20: 8, 23: 4}


# --- towards either side -------------------------------------------------------------------------


def frame(kind: bytes, body: bytes) -> bytes:
    """One message: its kind, its length, its body."""
    return kind + _LENGTH.pack(len(body) + 4) + body


def text(value: str) -> bytes:
    """A zero-terminated string. A zero byte inside would forge what follows, so it is left out."""
    return value.replace("\0", "").encode("utf-8", "replace") + b"\0"


# --- we are the client ---------------------------------------------------------------------------


def startup(parameters: Mapping[str, str], version: int = PROTOCOL_MAJOR << 16) -> bytes:
    """StartupMessage."""
    pairs = b"".join(text(name) + text(value) for name, value in parameters.items())
    body = _LENGTH.pack(version) + pairs + b"\0"
    return _LENGTH.pack(len(body) + 4) + body


def cancel_request(pid: int, secret: bytes) -> bytes:
    """CancelRequest, with the key of BackendKeyData."""
    body = struct.pack("!iI", 80877102, pid & 0xFFFF_FFFF) + secret
    return _LENGTH.pack(len(body) + 4) + body


def password(value: bytes) -> bytes:
    """PasswordMessage: a password in clear, or an MD5 response."""
    return frame(b"p", value + b"\0")


def sasl_initial(mechanism: str, data: bytes) -> bytes:
    """SASLInitialResponse: the mechanism chosen, and the first data."""
    return frame(b"p", text(mechanism) + _LENGTH.pack(len(data)) + data)


def sasl_response(data: bytes) -> bytes:
    """SASLResponse."""
    return frame(b"p", data)


# --- we are the server ---------------------------------------------------------------------------


def authentication_ok() -> bytes:
    """The client is who it says."""
    return _authentication(0)


def authentication_cleartext() -> bytes:
    """Asks for the password."""
    return _authentication(3)


def authentication_md5(salt: bytes) -> bytes:
    """Asks for the MD5 response to a salt of 4 bytes."""
    return _authentication(5, salt)


def authentication_sasl(mechanisms: Iterable[str]) -> bytes:
    """Offers mechanisms, the best first."""
    return _authentication(10, b"".join(map(text, mechanisms)) + b"\0")


def authentication_sasl_continue(data: bytes) -> bytes:
    """A SASL challenge."""
    return _authentication(11, data)


def authentication_sasl_final(data: bytes) -> bytes:
    """The outcome of SASL, which AuthenticationOk follows."""
    return _authentication(12, data)


def _authentication(kind: int, data: bytes = b"") -> bytes:
    return frame(b"R", _LENGTH.pack(kind) + data)


def parameter_status(name: str, value: str) -> bytes:
    """Tells the client what a setting is now."""
    return frame(b"S", text(name) + text(value))


def negotiate_version(newest_minor: int, unrecognised: Sequence[str]) -> bytes:
    """What we speak instead. On the wire the number holds the major version too, as PostgreSQL sends it."""
    head = struct.pack("!ii", PROTOCOL_MAJOR << 16 | newest_minor, len(unrecognised))
    return frame(b"v", head + b"".join(map(text, unrecognised)))


def error(said: Problem) -> bytes:
    """ErrorResponse."""
    return frame(b"E", _fields(said))


def notice(said: Problem) -> bytes:
    """NoticeResponse."""
    return frame(b"N", _fields(said))


def _fields(said: Problem) -> bytes:
    fields = [
        ("S", said.severity),
        ("V", said.severity),
        ("C", said.code),
        ("M", said.message),
        ("D", said.detail),
        ("H", said.hint),
        ("W", said.where),
    ]
    return b"".join(name.encode() + text(value) for name, value in fields if value) + b"\0"


def ready(status: bytes = b"I") -> bytes:
    """ReadyForQuery: idle, in a transaction, or in a failed one."""
    return frame(b"Z", status)


def row_description(columns: Sequence[str | tuple[str, int]], formats: Sequence[int] | None = None) -> bytes:
    """Columns from no table: of type text, or of the type (its OID) given with the name. In text format, or in
    `formats`, one for each.
    """
    named = [(column, _TEXT) if isinstance(column, str) else column for column in columns]
    described = (
        text(name) + struct.pack("!ihihih", 0, 0, kind, _SIZES.get(kind, -1), -1, form)
        for (name, kind), form in zip(named, formats or (0,) * len(named), strict=True)
    )
    return frame(b"T", struct.pack("!h", len(columns)) + b"".join(described))


def data_row(values: Sequence[str | None]) -> bytes:
    """DataRow in text format; None is NULL."""
    return frame(b"D", struct.pack("!h", len(values)) + b"".join(map(_cell, values)))


def _cell(value: str | None) -> bytes:
    if value is None:
        return _LENGTH.pack(-1)
    raw = value.replace("\0", "").encode("utf-8", "replace")
    return _LENGTH.pack(len(raw)) + raw


def copy_response(kind: bytes, columns: int) -> bytes:
    """CopyInResponse (`G`) or CopyOutResponse (`H`), for text or csv."""
    return frame(kind, struct.pack(f"!bh{columns}h", 0, columns, *(0,) * columns))


def command_complete(tag: str) -> bytes:
    """CommandComplete."""
    return frame(b"C", text(tag))


# --- what a client sends -------------------------------------------------------------------------


def parse_startup(body: bytes) -> dict[str, str]:
    """The parameters of a StartupMessage (what follows its version), in order; of a repeated one the last."""
    if len(body) > MAX_STARTUP - 4:
        raise PeerError(problem(Known.BAD_STARTUP_LENGTH))
    if not body.endswith(b"\0"):
        raise PeerError(problem(Known.BAD_STARTUP))
    pieces = body[:-1].split(b"\0")
    # A well-formed body is name NUL value NUL ... NUL: an even number of pieces, then an empty one.
    if pieces.pop() or len(pieces) % 2 or not all(pieces[::2]):
        raise PeerError(problem(Known.BAD_STARTUP))
    if len(pieces) > 2 * MAX_PARAMETERS:
        raise broken("too many startup parameters", f"At most {MAX_PARAMETERS} are accepted.")
    strings = [_client_text(piece) for piece in pieces]
    return dict(zip(strings[::2], strings[1::2], strict=True))


def _client_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as found:
        sequence = " ".join(f"0x{byte:02x}" for byte in value[found.start : max(found.end, found.start + 1)])
        raise PeerError(problem(Known.BAD_ENCODING, sequence=sequence)) from None


def parse_password(body: bytes) -> bytes:
    """PasswordMessage, without its terminator."""
    if len(body) > MAX_PASSWORD:
        raise broken("invalid message length")
    if not body or body.find(b"\0") != len(body) - 1:
        raise broken("invalid password packet size")
    if len(body) == 1:
        raise PeerError(problem(Known.EMPTY_PASSWORD))
    return body[:-1]


def parse_sasl_initial(body: bytes) -> tuple[bytes, bytes | None]:
    """The mechanism, and the data that came with its choice (None where none came)."""
    mechanism, terminator, rest = body.partition(b"\0")
    if not terminator:
        raise broken("invalid string in message")
    if len(rest) < 4:
        raise broken("insufficient data left in message")
    length = _LENGTH.unpack_from(rest)[0]
    data = rest[4:]
    if length == -1:
        length = 0
        given = None
    elif 0 <= length <= len(data):
        given = data[:length]
    else:
        raise broken("insufficient data left in message")
    if len(data) != length:
        raise broken("invalid message format")
    return mechanism, given


# --- what a server sends -------------------------------------------------------------------------


def parse_authentication(body: bytes) -> tuple[int, bytes]:
    """The kind of the request and its data."""
    _bounded(body, "authentication request")
    if len(body) < 4:
        raise server_broke("authentication request is too short")
    return _LENGTH.unpack_from(body)[0], body[4:]


def parse_mechanisms(data: bytes) -> list[str]:
    """What AuthenticationSASL offers."""
    if not data.endswith(b"\0\0"):
        raise server_broke("list of SASL mechanisms is not terminated")
    names = data[:-2].split(b"\0")
    if not all(names):
        raise server_broke("list of SASL mechanisms is broken")
    return [name.decode("ascii", "replace") for name in names]


def parse_error(body: bytes) -> Problem:
    """An ErrorResponse or NoticeResponse. Its encoding may be any before log-in: what is odd is replaced."""
    _bounded(body, "error")
    if not body.endswith(b"\0\0"):
        raise server_broke("error is not terminated")
    found: dict[str, str] = {}
    for item in body[:-2].split(b"\0"):
        if not item:
            raise server_broke("error has an empty field")
        found[item[:1].decode("ascii", "replace")] = item[1:].decode("utf-8", "replace")
    severity, code, message = found.get("V") or found.get("S", ""), found.get("C", ""), found.get("M", "")
    if not severity or not message or not (len(code) == 5 and code.isascii() and code.isalnum()):
        raise server_broke("error lacks severity, code or message")
    return Problem(severity, code, message, found.get("D", ""), found.get("H", ""))


def parse_parameter_status(body: bytes) -> tuple[str, str]:
    """Name and value."""
    _bounded(body, "parameter status")
    pieces = body.split(b"\0")
    if len(pieces) != 3 or pieces[2] or not pieces[0]:
        raise server_broke("parameter status is broken")
    return pieces[0].decode("utf-8", "replace"), pieces[1].decode("utf-8", "replace")


def parse_data_row(body: bytes) -> list[str | None]:
    """The columns of a DataRow in text format; None is NULL."""
    _bounded(body, "row")
    values: list[str | None] = []
    at = 2
    try:
        for _ in range(struct.unpack_from("!H", body)[0]):
            length = _LENGTH.unpack_from(body, at)[0]
            at += 4
            if length < -1 or at + length > len(body):
                raise server_broke("row is broken")
            values.append(None if length < 0 else body[at : at + length].decode("utf-8", "replace"))
            at += max(length, 0)
    except struct.error:
        raise server_broke("row is too short") from None
    if at != len(body):
        raise server_broke("row is too long")
    return values


def parse_key_data(body: bytes) -> tuple[int, bytes]:
    """The process id and the secret: 4 bytes, or up to 256 in protocol 3.2."""
    if not 4 <= len(body) - 4 <= MAX_KEY:
        raise server_broke("cancellation key has an invalid length")
    return struct.unpack_from("!I", body)[0], body[4:]


def parse_negotiation(body: bytes) -> tuple[int, list[str]]:
    """The newest minor version the server speaks, and the options it did not recognise."""
    _bounded(body, "protocol negotiation")
    if len(body) < 8:
        raise server_broke("protocol negotiation is too short")
    version, count = struct.unpack_from("!ii", body)
    pieces = body[8:].split(b"\0")
    if version >> 16 not in {0, PROTOCOL_MAJOR} or pieces.pop() or count != len(pieces):
        raise server_broke("protocol negotiation is broken")
    return version & 0xFFFF, [piece.decode("utf-8", "replace") for piece in pieces]


def _bounded(body: bytes, what: str) -> None:
    if len(body) > MAX_LOGIN_REPLY:
        raise server_broke(f"{what} is too long")
