"""Networks: `10.0.0.0/8`, one address, or `local` for this machine's Unix sockets."""

import ipaddress

import msgspec

from config.errors import RefusedError

LOCAL = "local"
NETWORK_PATTERN = r"^(local|[0-9A-Fa-f:.]+(/\d{1,3})?)$"
_FIX = 'write "10.0.0.0/8", "fd00::/8", one address, or "local" for Unix sockets'
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Network(msgspec.Struct, frozen=True):
    """Addresses that share their first bits; None: none, but processes of this machine."""

    net: ipaddress.IPv4Network | ipaddress.IPv6Network | None

    def __str__(self) -> str:
        return LOCAL if self.net is None else str(self.net)

    def holds(self, ip: Ip | None) -> bool:
        """Whether a client comes from there; None is a Unix socket's."""
        if self.net is None or ip is None:
            return self.net is None and ip is None
        return ip.version == self.net.version and ip in self.net

    @property
    def loopback(self) -> bool:
        """Only this machine is there."""
        return self.net is None or self.net.is_loopback


def network(written: object) -> Network:
    """Read a network. Bits beyond the prefix are refused: somebody meant something else."""
    if written == LOCAL:
        return Network(None)
    if not isinstance(written, str):
        raise RefusedError("this is not a network", _FIX)
    try:
        return Network(ipaddress.ip_network(written))
    except ValueError as error:
        what = "it has host bits set" if "host bits" in str(error) else "this is not a network"
        raise RefusedError(what, _FIX) from None
