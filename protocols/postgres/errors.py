"""What can go wrong on PostgreSQL's wire, whose fault it is, and the one table of codes and texts.

The texts are PostgreSQL's own wherever it has one, so that drivers and people recognise them. Nothing here
knows what was going on when an error arose; a secret must never be among the names a text is filled with.
"""

from enum import Enum

from protocols.postgres.types import Problem


class WireError(Exception):
    """Something that can be said to a client as an ErrorResponse."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} ({problem.code})" + f": {problem.detail}" * bool(problem.detail))
        self.problem = problem


class PeerError(WireError):
    """The client broke the protocol: say so with `problem` and close."""


class AuthFailed(WireError):
    """The client did not prove who it is: say so with `problem` and close."""


class UpstreamError(WireError):
    """A server broke the protocol, refused us, or could not prove that it is the right one."""


class Known(Enum):
    """Every error of ours: SQLSTATE, severity, text."""

    # who is asking
    PASSWORD_FAILED = ("28P01", "FATAL", 'password authentication failed for user "{user}"')
    EMPTY_PASSWORD = ("28P01", "FATAL", "empty password returned by client")
    PEER_FAILED = ("28000", "FATAL", 'peer authentication failed for user "{user}"')
    NO_WAY_IN = ("28000", "FATAL", "{what}")
    CERTIFICATE_FAILED = ("28000", "FATAL", 'certificate authentication failed for user "{user}"')
    NO_CERTIFICATE = ("28000", "FATAL", "connection requires a valid client certificate")
    CLEAR_TEXT_REFUSED = ("28000", "FATAL", "password authentication needs an encrypted connection")
    TLS_REQUIRED = ("28000", "FATAL", "connection requires TLS")
    NO_USER = ("28000", "FATAL", "no PostgreSQL user name specified in startup packet")
    UNKNOWN_ROLE = ("28000", "FATAL", 'role "{user}" does not exist')
    MAY_NOT_LOG_IN = ("28000", "FATAL", 'role "{user}" is not permitted to log in')
    LOGIN_TIMEOUT = ("57014", "FATAL", "canceling authentication due to timeout")
    BINDING_NEGOTIATION = ("28000", "FATAL", "SCRAM channel binding negotiation error")
    BINDING_FAILED = ("28000", "FATAL", "SCRAM channel binding check failed")
    SCRAM_AUTHORIZATION = ("0A000", "FATAL", "client uses authorization identity, but it is not supported")
    SCRAM_EXTENSION = ("0A000", "FATAL", "client requires an unsupported SCRAM extension")

    # what is asked for
    UNKNOWN_DATABASE = ("3D000", "FATAL", 'database "{database}" does not exist')
    BLOCKED = ("42501", "FATAL", "this is blocked by an administrator of the proxy")
    NO_ACCESS = ("42501", "FATAL", 'permission denied for database "{database}"')
    UNKNOWN_SETTING = ("42704", "FATAL", 'unrecognized configuration parameter "{name}"')
    BAD_SETTING = ("22023", "FATAL", 'invalid value for parameter "{name}": "{value}"')
    FIXED_SETTING = ("55P02", "FATAL", 'parameter "{name}" cannot be changed without restarting the server')
    SETTING_NEEDS_VALUE = ("42601", "FATAL", "{switch} requires a value")
    BAD_SWITCH = ("42601", "FATAL", "invalid command-line argument for server process: {argument}")
    NO_REPLICATION = ("42501", "FATAL", "permission denied to start WAL sender")
    NO_SOURCE = ("3D000", "FATAL", "nothing says which cluster to replicate from")
    UNSUPPORTED_PROTOCOL = (
        "0A000",
        "FATAL",
        "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{newest}",
    )
    DISABLED = ("55000", "FATAL", 'database "{database}" is not currently accepting connections')

    # how it is said
    PROTOCOL = ("08P01", "FATAL", "{what}")
    BAD_ENCODING = ("22021", "FATAL", 'invalid byte sequence for encoding "UTF8": {sequence}')
    BAD_STARTUP = ("08P01", "FATAL", "invalid startup packet layout: expected terminator as last byte")
    BAD_STARTUP_LENGTH = ("08P01", "FATAL", "invalid length of startup packet")

    # how much there is
    TOO_MANY_CLIENTS = ("53300", "FATAL", "sorry, too many clients already")
    TOO_MANY_FOR_DATABASE = ("53300", "FATAL", 'too many connections for database "{database}"')
    TOO_MANY_FOR_ROLE = ("53300", "FATAL", 'too many connections for role "{user}"')
    TOO_MANY_REPLICATIONS = (
        "53300",
        "FATAL",
        "number of requested replication connections exceeds max_replication (currently {most})",
    )
    POOL_WAIT_TIMEOUT = ("08P01", "FATAL", "query_wait_timeout")
    STATEMENT_TIMEOUT = ("57014", "ERROR", "canceling statement due to statement timeout")
    IDLE_TRANSACTION = ("25P03", "FATAL", "terminating connection due to idle-in-transaction timeout")
    IDLE_SESSION = ("57P05", "FATAL", "terminating connection due to idle-session timeout")

    # the state of the house
    STOPPED = ("57P01", "FATAL", "terminating connection due to administrator command")
    STARTING = ("57P03", "FATAL", "the database system is starting up")
    STOPPING = ("57P03", "FATAL", "the database system is shutting down")
    INTERNAL = ("XX000", "FATAL", "internal error")

    # the administrator's own database
    BAD_COMMAND = ("42601", "ERROR", "{what}")
    UNKNOWN_OBJECT = ("42704", "ERROR", "{what}")
    COMMAND_DENIED = ("42501", "ERROR", "{what}")
    COMMAND_FAILED = ("55000", "ERROR", "{what}")

    # servers
    SERVER_DOWN = ("08006", "FATAL", "{what}")
    SERVER_REFUSED = ("08004", "FATAL", "{what}")
    SERVER_UNVERIFIED = ("08001", "FATAL", "{what}")
    SERVER_UNPROVEN = ("08004", "FATAL", "the server did not prove its identity: {what}")
    SERVER_PROTOCOL = ("08P01", "FATAL", "the server broke the protocol: {what}")

    @property
    def code(self) -> str:
        return self.value[0]


def problem(known: Known, *, detail: str = "", hint: str = "", **names: object) -> Problem:
    """The problem, its text filled with `names`; they are only inserted, so their own braces are harmless."""
    code, severity, text = known.value
    return Problem(severity, code, text.format(**names), detail, hint)


def broken(what: str, detail: str = "") -> PeerError:
    """The client broke the protocol."""
    return PeerError(problem(Known.PROTOCOL, detail=detail, what=what))


def server_broke(what: str, detail: str = "") -> UpstreamError:
    """The server broke the protocol."""
    return UpstreamError(problem(Known.SERVER_PROTOCOL, detail=detail, what=what))
