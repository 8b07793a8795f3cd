"""Network addresses: `127.0.0.1:6432`, `[::1]:6432`, `db.internal:5432`. Resolves no name, opens no socket."""

import ipaddress
import re

import msgspec

from config.errors import RefusedError

ADDRESS_PATTERN = r"^(/[^:\0]*|\[[0-9A-Fa-f:.%a-z]+\]|[^\[\]:/\s*]+):\d{1,5}$"
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_LONGEST_SOCKET = 107
_FIX = 'write "host:port", such as "127.0.0.1:5432", "[::1]:5432" or "db.internal:5432"'


class Address(msgspec.Struct, frozen=True, order=True):
    """A host (a name or an IP address, without brackets) and a port."""

    host: str
    port: int

    @property
    def unix(self) -> str | None:
        """The path, where it is a Unix socket; libpq finds it by the same directory and number."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The address, where the host is one; `localhost` counts as 127.0.0.1. A mapped IPv4 is an IPv4."""
        try:
            found = ipaddress.ip_address("127.0.0.1" if self.host.lower() == "localhost" else self.host)
        except ValueError:
            return None
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            return found.ipv4_mapped
        return found

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        return self.unix is not None or (self.ip is not None and self.ip.is_loopback)


def address(written: object) -> Address:
    """Read `host:port`. An IPv6 address goes in brackets."""
    if not isinstance(written, str):
        raise RefusedError("this is not an address", _FIX)
    host, colon, port = written.rpartition(":")
    if not colon or written.endswith("]"):
        raise RefusedError("the address has no port", _FIX)
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise RefusedError("the port is not a number from 0 to 65535", _FIX)
    if host.startswith("/"):
        return _socket(Address("/" + host.strip("/"), int(port)))
    return Address(_host(host), int(port))


def _socket(found: Address) -> Address:
    if ":" in found.host or not found.host.isprintable():
        raise RefusedError("what stands before the port is not a directory", 'write "/directory:port"')
    if len(str(found.unix).encode()) > _LONGEST_SOCKET:
        raise RefusedError(
            "the path of the socket is too long", f"no more than {_LONGEST_SOCKET} bytes in all"
        )
    if not found.port:
        raise RefusedError(
            "a Unix socket has no port to choose", "write a number from 1 to 65535: it names the file"
        )
    return found


def _host(host: str) -> str:
    if host in ("", "*"):
        raise RefusedError(
            "the address does not say which host", 'to mean every interface write "0.0.0.0:…" or "[::]:…"'
        )
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed or ":" in host:
        inner = host[1:-1] if bracketed else host
        try:
            found = ipaddress.IPv6Address(inner)
        except ValueError:
            raise RefusedError("what stands before the port is not an IPv6 address", _FIX) from None
        if not bracketed:
            raise RefusedError("an IPv6 address needs brackets", f'write "[{found}]:port"')
        return str(found)
    if re.fullmatch(r"[0-9.]+", host, re.ASCII):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise RefusedError("what stands before the port is not an IPv4 address", _FIX) from None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, host.removesuffix(".").split("."))):
        raise RefusedError("what stands before the port is not a host name", _FIX)
    return host
