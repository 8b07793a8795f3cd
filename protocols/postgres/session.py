"""What a client asks for when it starts: who, where, with which settings, in which protocol.

Reads the StartupMessage as PostgreSQL does. Does not know which users, databases or settings exist.
"""

from typing import Literal

import msgspec

from protocols.postgres import messages
from protocols.postgres.errors import Known, PeerError, problem
from protocols.postgres.options import parse_options
from protocols.postgres.settings import checked_name, folded, literal, setting_sql, value_sql
from protocols.postgres.types import NEWEST_MINOR, PROTOCOL_MAJOR

__all__ = ["Startup", "literal", "negotiation", "read", "setting_sql", "value_sql"]

_PROTOCOL_OPTION = "_pq_."
_NOT_SETTINGS = {"user", "database", "options", "replication"}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Startup(msgspec.Struct, frozen=True):
    """A StartupMessage, understood."""

    user: str
    database: str
    application_name: str
    parameters: dict[str, str]
    """Everything as it was sent, `options` and `_pq_.` parameters too."""
    options: list[tuple[str, str]]
    """The settings inside `options`, in their order."""
    settings: dict[str, str]
    """All settings asked for, names in lower case: a parameter of its own wins over one in `options`."""
    replication: Literal["", "physical", "logical"]
    minor: int
    """The minor version that is spoken from here on."""
    answer: bytes
    """NegotiateProtocolVersion, to be sent before all else; empty if the client is given all it asked for."""

    @property
    def key_bytes(self) -> int:
        """The length of the cancel key this client can take."""
        return 32 if self.minor >= 2 else 4


def read(version: int, body: bytes) -> Startup:
    """Understand a StartupMessage, given its protocol number and what follows it. Raises PeerError."""
    major, minor = version >> 16, version & 0xFFFF
    if major != PROTOCOL_MAJOR:
        raise PeerError(problem(Known.UNSUPPORTED_PROTOCOL, major=major, minor=minor, newest=NEWEST_MINOR))
    parameters = messages.parse_startup(body)
    user = parameters.get("user", "")
    if not user:
        raise PeerError(problem(Known.NO_USER))
    options = parse_options(parameters.get("options", ""))
    asked = {folded(name): value for name, value in options}
    for name, value in parameters.items():
        if name not in _NOT_SETTINGS and not name.startswith(_PROTOCOL_OPTION):
            asked[folded(name)] = value
    for name in asked:
        checked_name(name)
    return Startup(
        user=user,
        database=parameters.get("database") or user,
        application_name=asked.get("application_name", ""),
        parameters=parameters,
        options=options,
        settings=asked,
        replication=_replication(parameters.get("replication", "")),
        minor=min(minor, NEWEST_MINOR),
        answer=negotiation(version, parameters),
    )


def negotiation(version: int, parameters: dict[str, str]) -> bytes:
    """What to say where a client asks for a newer minor version or for protocol options: none is known."""
    unrecognised = [name for name in parameters if name.startswith(_PROTOCOL_OPTION)]
    minor = version & 0xFFFF
    if minor <= NEWEST_MINOR and not unrecognised:
        return b""
    return messages.negotiate_version(min(minor, NEWEST_MINOR), unrecognised)


def _replication(value: str) -> Literal["", "physical", "logical"]:
    if value == "database":
        return "logical"
    truth = _boolean(value) if value else False
    if truth is None:
        hint = 'Valid values are: "false", 0, "true", 1, "database".'
        raise PeerError(problem(Known.BAD_SETTING, name="replication", value=value, hint=hint))
    return "physical" if truth else ""


def _boolean(value: str) -> bool | None:
    """As PostgreSQL reads one: any case, and any beginning that leaves no doubt."""
    lower = value.lower()
    for words, meaning in ((_TRUE, True), (_FALSE, False)):
        if any(word.startswith(lower) and lower != "o" for word in words):
            return meaning
    return None
