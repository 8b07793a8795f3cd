"""TLS on both sides: as listeners offer it to clients, as clusters ask it of servers."""

from typing import Annotated, Literal

from config.pem import Pem
from config.setting import Section, setting

_PATHS = "A relative path starts at the folder of the configuration file; a reload reads the file anew."


class ListenerTls(Section, frozen=True):
    """`tls` in a listener."""

    mode: Annotated[
        Literal["disable", "allow", "require"],
        setting(
            "`require` refuses clients without TLS, `allow` leaves it to them, `disable` offers none.",
            "new connections",
        ),
    ] = "require"
    certificate: Annotated[
        Pem | None,
        setting(
            f"PEM file: the certificate shown to clients, then those up to its authority. {_PATHS}",
            "new connections",
        ),
    ] = None
    key: Annotated[
        Pem | None,
        setting(f"PEM file: the certificate's private key, unencrypted. {_PATHS}", "new connections"),
    ] = None
    client_ca: Annotated[
        Pem | None,
        setting(
            f"PEM file: the authorities whose client certificates are accepted. {_PATHS}", "new connections"
        ),
    ] = None


class ClusterTls(Section, frozen=True):
    """`tls` in a cluster."""

    mode: Annotated[
        Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        setting(
            "As libpq's `sslmode`. Only `verify-ca` (the certificate is signed by `ca`) and `verify-full` "
            "(and it names the server's host) make sure that the server is the one meant; with a `ca`, `require` "
            "is `verify-ca`.",
            "new connections",
        ),
    ] = "prefer"
    ca: Annotated[
        Pem | None,
        setting(
            f"PEM file: the authorities that server certificates are checked against. {_PATHS}",
            "new connections",
        ),
    ] = None
    certificate: Annotated[
        Pem | None,
        setting(f"PEM file: the certificate shown to servers that ask for one. {_PATHS}", "new connections"),
    ] = None
    key: Annotated[
        Pem | None,
        setting(f"PEM file: that certificate's private key, unencrypted. {_PATHS}", "new connections"),
    ] = None
