"""Settings of a session: which there are, what they may be, and which clients are told of."""

from collections.abc import Mapping

from protocols.postgres.datatypes import Malformed, zone_named
from proxy.answers.executor import StoreError
from proxy.answers.sqlite.kinds import unsupported

VERSION = "15.0"
"""The PostgreSQL whose behaviour is the measure."""

REPORTED = {
    "server_version": VERSION, "server_encoding": "UTF8", "client_encoding": "UTF8", "DateStyle": "ISO, MDY",
    "TimeZone": "UTC", "IntervalStyle": "postgres", "integer_datetimes": "on", "standard_conforming_strings": "on",
    "is_superuser": "off", "in_hot_standby": "off", "default_transaction_read_only": "off", "application_name": "",
}  # fmt: skip
DEFAULTS: Mapping[str, str] = {
    **{name.lower(): value for name, value in REPORTED.items()},
    "search_path": '"$user", public', "statement_timeout": "0", "lock_timeout": "0", "server_version_num": "150000",
    "transaction_isolation": "read committed", "default_transaction_isolation": "read committed",
    "transaction_read_only": "off", "client_min_messages": "notice", "bytea_output": "hex", "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0", "max_identifier_length": "63", "lc_collate": "C", "lc_ctype": "C.UTF-8",
    "session_authorization": "", "row_security": "on", "check_function_bodies": "on", "jit": "off",
    "default_tablespace": "", "default_table_access_method": "heap", "xmloption": "content", "synchronous_commit": "on",
    "work_mem": "4MB", "max_index_keys": "32", "block_size": "8192", "wal_level": "replica", "role": "none",
    "transaction_deferrable": "off", "default_transaction_deferrable": "off", "escape_string_warning": "on",
    "quote_all_identifiers": "off", "synchronize_seqscans": "on", "password_encryption": "scram-sha-256",
}  # fmt: skip
_ONLY = {
    "client_encoding": ("utf8", "unicode", "utf-8"), "standard_conforming_strings": ("on", "true", "1", "yes"),
    "bytea_output": ("hex",), "intervalstyle": ("postgres",), "row_security": ("on", "off"),
    "default_transaction_read_only": ("on", "off"), "role": ("none",),
}  # fmt: skip
_FIXED = frozenset(
    {"server_version", "server_encoding", "integer_datetimes", "is_superuser", "server_version_num", "in_hot_standby",
     "max_identifier_length", "lc_collate", "lc_ctype", "block_size", "max_index_keys", "wal_level"}
)  # fmt: skip
_UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "us": 0.001, "": 1}


def checked(name: str, value: str) -> str:
    """The value as it is kept. Raises StoreError."""
    name = name.lower()
    if name not in DEFAULTS and "." not in name:
        raise StoreError("42704", f'unrecognized configuration parameter "{name}"')
    if name in _FIXED:
        raise StoreError("55P02", f'parameter "{name}" cannot be changed')
    allowed = _ONLY.get(name)
    if allowed is not None and value.lower() not in allowed:
        raise unsupported(f"{name} = {value}")
    if name == "datestyle":
        if not value.lower().startswith("iso"):
            raise unsupported("date styles other than ISO")
        return "ISO, DMY" if "dmy" in value.lower() else "ISO, YMD" if "ymd" in value.lower() else "ISO, MDY"
    if name == "client_encoding":
        return "UTF8"
    if name == "timezone":
        try:
            zone_named(value)
        except Malformed:
            raise StoreError("22023", f'invalid value for parameter "TimeZone": "{value}"') from None
    if name in ("statement_timeout", "lock_timeout"):
        return str(milliseconds(name, value))
    return value


def milliseconds(name: str, value: str) -> int:
    digits = value.strip().rstrip("abcdefghijklmnopqrstuvwxyz ").strip()
    unit = value.strip()[len(digits) :].strip()
    try:
        return int(float(digits) * _UNITS[unit])
    except (ValueError, KeyError):
        raise StoreError("22023", f'invalid value for parameter "{name}": "{value}"') from None


def shown(name: str) -> str:
    """How clients know the name of one they are told of; empty where they are not."""
    return next((one for one in REPORTED if one.lower() == name), "")
