"""What an admitted client is told, and which of its start settings have to follow it.

Pure functions on what it asked for and what a server connection reported. A setting's legality is never judged
here: a real server was asked (see `proxy/trials.py`).
"""

import re
from collections.abc import Mapping

from protocols.postgres import messages
from protocols.postgres.errors import Known, PeerError, problem
from protocols.postgres.session import Startup, value_sql
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
        label = _label(asked["application_name"], own)
        if label != plain.get("application_name", ""):
            settings.append(("application_name", value_sql("application_name", label)))
    return settings


def greeting(asked: Startup, reported: Mapping[str, str]) -> bytes:
    """ParameterStatus for everything a connection with this client's settings reports."""
    shown = dict(reported)
    if "application_name" in asked.settings:
        shown["application_name"] = _label(asked.application_name, reported)
    return b"".join(messages.parameter_status(name, value) for name, value in shown.items())


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


def _label(name: str, reported: Mapping[str, str]) -> str:
    """application_name as the server would keep it: 63 bytes, printable ASCII; the rest as its version writes it."""
    version = reported.get("server_version", "").partition(".")[0]
    modern = version.isdecimal() and int(version) >= 16
    cleaned = "".join(
        chr(byte) if 32 <= byte < 127 else (f"\\x{byte:02x}" if modern else "?") for byte in name.encode()
    )
    return cleaned[:63]
