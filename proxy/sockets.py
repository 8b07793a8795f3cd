"""Listening sockets: bound all together, or none of them and a clear reason.

It owns addresses and descriptors until the core gets them; it knows nothing of what is spoken there.
"""

import errno
import os
import socket
from collections.abc import Iterable

from config.address import Address

BACKLOG = 4096


class BindError(Exception):
    """An address could not be taken. The text says which, why and what to do."""


def bind(address: Address, count: int) -> list[int]:
    """`count` listening descriptors on one address, or BindError. Port 0 takes one free port for all."""
    made: list[socket.socket] = []
    try:
        for family, place in _places(address):
            # SO_REUSEPORT would let a second process share the port in silence: ask for it alone first.
            _listen(family, place, shared=False).close()
            made.append(_listen(family, place, shared=True))
            # Where any port will do, the others need the one that the first was given.
            same: Place = made[-1].getsockname()
            made += [_listen(family, same, shared=True) for _ in range(count - 1)]
    except OSError as error:
        for one in made:
            one.close()
        raise BindError(_reason(address, error)) from error
    return [one.detach() for one in made]


def close(descriptors: Iterable[int]) -> None:
    """Give up what was bound but never handed over."""
    for one in descriptors:
        os.close(one)


def port_of(descriptor: int) -> int:
    """The port a descriptor listens on, for addresses that ask for port 0."""
    with socket.socket(fileno=os.dup(descriptor)) as one:
        port: int = one.getsockname()[1]
        return port


Place = tuple[str, int] | tuple[str, int, int, int]


def _places(address: Address) -> list[tuple[int, Place]]:
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise BindError(
            f"cannot listen on {address}: the host name cannot be resolved ({error.strerror})"
        ) from error
    # A name may stand for several addresses, and name one twice.
    places: dict[tuple[int, Place], None] = {}
    for family, _, _, _, place in found:
        if family in {socket.AF_INET, socket.AF_INET6}:
            places[family, (str(place[0]), *place[1:])] = None
    return list(places)[:1] if address.port == 0 else list(places)


def _listen(family: int, place: Place, *, shared: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if place[0] == "::" else 1)
        one.bind(place)
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def _reason(address: Address, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            what = "the address is in use; stop the program that holds it (ss -ltnp shows it) or choose another port"
        case errno.EACCES | errno.EPERM:
            what = "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE, or choose a higher one"
        case errno.EADDRNOTAVAIL:
            what = "this machine has no such address"
        case _:
            what = os.strerror(error.errno) if error.errno else str(error)
    return f"cannot listen on {address}: {what}"
