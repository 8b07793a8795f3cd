"""What an admitted client is told, and which of its start settings have to follow it.

Pure functions on what it asked for and what a server connection reported, and a memory of what they gave. A setting's
legality is never judged here: a real server was asked (see `proxy/trials.py`).
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar, cast

from protocols.postgres import messages
from protocols.postgres.errors import Known, PeerError, problem
from protocols.postgres.session import Startup, value_sql
from protocols.postgres.types import Problem
from proxy.profiles import Settings

TIED = frozenset(
    {
        "seed",
        "session_authorization",
        "transaction_deferrable",
        "transaction_isolation",
        "transaction_read_only",
    }
)
"""A SET understands them, but no RESET takes them back from a pooled connection."""

LEXICAL = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
"""They decide how a statement's bytes are read. The core assumes these values, so it is told of any other even where
the pool's own connections have it."""

REMEMBERED = 256
"""Introductions that are kept; the one unused longest goes first."""

Worked = TypeVar("Worked")

LONGEST_NAME = 63
"""Bytes of an identifier; application_name is cut like one."""

CONSOLE = {
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "is_superuser": "off",
}


class Introductions:
    """What is worked out for a client, kept for the next one: most ask for the same, and pools report the same."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, tuple[object, object]] = OrderedDict()

    def doubtful(self, asked: Mapping[str, str], own: Mapping[str, str]) -> Settings:
        """As the function. Raises PeerError."""
        return self._of(("doubtful", id(own), tuple(asked.items())), own, lambda: doubtful(asked, own))

    def words(
        self, asked: Startup, tried: Settings, own: Mapping[str, str], reported: Mapping[str, str]
    ) -> tuple[list[tuple[str, str]], bytes]:
        """What has to follow the client, and what it is told. Raises PeerError."""
        key = ("words", id(own), id(reported), tried, tuple(asked.settings.items()))
        return self._of(
            key,
            (own, reported),
            lambda: (followed(asked.settings, tried, own, reported), greeting(asked, reported)),
        )

    def _of(self, key: Hashable, held: object, work: Callable[[], Worked]) -> Worked:
        """`held` lives as long as the entry, so that nobody else can have its id."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return cast("Worked", found[1])
        worked = work()
        self._known[key] = (held, worked)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return worked


def doubtful(asked: Mapping[str, str], own: Mapping[str, str]) -> Settings:
    """The settings a server has to be asked about: not those that are as the pool's connections have them.

    Raises PeerError.
    """
    for name in asked:
        if name in TIED:
            raise PeerError(problem(Known.FIXED_SETTING, name=name))
    reported = {name.lower(): value for name, value in own.items()}
    return tuple(
        (name, value)
        for name, value in asked.items()
        if name != "application_name" and not _same(name, value, reported.get(name))
    )


def followed(
    asked: Mapping[str, str], tried: Settings, own: Mapping[str, str], reported: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Name and SQL text of what a client has and the pool's own connections do not. Raises PeerError.

    What the server reports is written its way, so that clients who spell one setting differently still share.
    """
    said = {name.lower(): value for name, value in reported.items()}
    plain = {name.lower(): value for name, value in own.items()}
    settings = [
        (name, value_sql(name, said.get(name, value)))
        for name, value in tried
        if name not in said or said[name] != plain.get(name)
    ]
    given = {name for name, _ in settings}
    for name, usual in LEXICAL.items():
        value = said.get(name, usual)
        if value != usual and name not in given:
            settings.append((name, value_sql(name, value)))
    if "application_name" in asked:
        kept, label = _label(asked["application_name"], own)
        if label != plain.get("application_name", ""):
            # A label that is too long to be said is what became of `kept`, and will become of it again.
            sql = value_sql("application_name", label) if len(label) <= LONGEST_NAME else _escaped(kept)
            settings.append(("application_name", sql))
    return settings


def greeting(asked: Startup, reported: Mapping[str, str]) -> bytes:
    """ParameterStatus for everything a connection with this client's settings reports."""
    shown = dict(reported)
    said = b""
    if "application_name" in asked.settings:
        kept, shown["application_name"] = _label(asked.application_name, reported)
        if kept != asked.application_name.encode():
            said = _truncated(asked.application_name, kept)
    return said + b"".join(messages.parameter_status(name, value) for name, value in shown.items())


def console(asked: Startup, version: str) -> bytes:
    """The administrator's console introduces itself as a server old drivers know how to talk to."""
    shown = {"server_version": version, "session_authorization": asked.user, **CONSOLE}
    if "application_name" in asked.settings:
        shown["application_name"] = asked.application_name
    return b"".join(messages.parameter_status(name, value) for name, value in shown.items())


def _same(name: str, value: str, reported: str | None) -> bool:
    if reported is None:
        return False
    if name == "client_encoding":
        # Servers read encoding names without regard to case and punctuation.
        return re.sub(r"[^a-z0-9]", "", value.lower()) == re.sub(r"[^a-z0-9]", "", reported.lower())
    return value == reported


def _label(name: str, reported: Mapping[str, str]) -> tuple[bytes, str]:
    """application_name as the server cuts it, and what it then shows: ASCII, the rest as its version writes it."""
    kept = name.encode()[:LONGEST_NAME]
    by_letter = reported.get("server_encoding", "UTF8") == "UTF8"
    if by_letter:
        kept = kept.decode(errors="ignore").encode()
    version = reported.get("server_version", "").partition(".")[0]
    other = "\\x{:02x}" if version.isdecimal() and int(version) >= 16 else "?"
    label = "".join(chr(byte) if 32 <= byte < 127 else other.format(byte) for byte in kept)
    # In an encoding of which nothing is known here `kept` cannot be said again, so it has to be short enough to be.
    return kept, label if by_letter else label[:LONGEST_NAME]


def _truncated(name: str, kept: bytes) -> bytes:
    text = f'identifier "{name}" will be truncated to "{kept.decode(errors="replace")}"'
    return messages.notice(Problem("NOTICE", "42622", text))


def _escaped(value: bytes) -> str:
    """A string constant in letters that every client encoding has."""
    return "E'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
