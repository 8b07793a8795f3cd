"""Where a pool's server connections go and as whom: what the Snapshot says, gathered for one pool.

Plain data. A change in it means that connections made before are of yesterday.
"""

import msgspec

from config.address import Address
from proxy.native import TlsClient
from proxy.tokens import TokenRule

GREETINGS = {
    "off": b"",
    # PROXY protocol: the connection is the proxy's own. In version 2 that is LOCAL, without addresses.
    "v1": b"PROXY UNKNOWN\r\n",
    "v2": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
}


class TlsRule(msgspec.Struct, frozen=True):
    """TLS towards the servers of a cluster, as libpq's sslmode names it."""

    mode: str = "disable"
    """disable, allow, prefer, require, verify-ca or verify-full."""
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def __repr__(self) -> str:
        return f"TlsRule({self.mode})"


class Target(msgspec.Struct, frozen=True):
    """One identity on one cluster."""

    cluster: str
    servers: tuple[Address, ...]
    database: str
    user: str
    password: str | None
    tls: TlsRule
    connect_timeout: float
    """Seconds for connecting, and again for logging in."""
    login_retry: float
    """Seconds: the longest pause between attempts."""
    keyed: bool = False
    """No password is known: the SCRAM keys that the client showed are tried."""
    parameters: tuple[tuple[str, str], ...] = ()
    """What the startup packet says beside user and database."""
    connect_query: str = ""
    greeting: bytes = b""
    """What comes before all else on a connection: a PROXY protocol header."""
    slow_start: float = 0.0
    """Seconds over which connections are opened to servers that are back."""
    token: TokenRule | None = None
    """How the password is got, where it is one that expires."""

    def __repr__(self) -> str:
        return f"Target({self.user}@{self.cluster}/{self.database})"


def attempts(tls: TlsRule, server: Address) -> tuple[bool, ...]:
    """With TLS or without, in the order in which libpq tries them; through a Unix socket, which stays here, without."""
    if server.unix is not None:
        return (False,)
    match tls.mode:
        case "disable":
            return (False,)
        case "allow":
            return (False, True)
        case "prefer":
            return (True, False)
        case _:
            return (True,)


def must(tls: TlsRule, server: Address | None = None) -> bool:
    """TLS or nothing."""
    return (server is None or server.unix is None) and tls.mode in ("require", "verify-ca", "verify-full")


def native(tls: TlsRule) -> TlsClient:
    """The core's form. Like libpq, `require` with an authority at hand verifies against it."""
    mode = tls.mode if must(tls) else "require"
    # Under allow and prefer encryption is a courtesy: verifying would turn it into a demand.
    authority = tls.ca if must(tls) else None
    if mode == "require" and authority is not None:
        mode = "verify-ca"
    return TlsClient(mode, ca=authority, certificate=tls.certificate, key=tls.key)
