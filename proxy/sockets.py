"""Listening sockets: bound all together, or none of them and a clear reason.

Or they were made by another and given to this process: by systemd, or by the process it takes over from. It owns
addresses and descriptors until the core gets them; it knows nothing of what is spoken there.
"""

import errno
import os
import socket
from collections.abc import Iterable, Sequence

from config.address import Address
from config.sections.tcp import Tcp
from proxy.tcp import tune

BACKLOG = 4096


class BindError(Exception):
    """An address could not be taken. The text says which, why and what to do."""


class Given:
    """Listening sockets that were made by another, until a listener asks for them.

    A name is the address in the configuration that it was made for; without one, it is told by where it listens.
    """

    def __init__(self, sockets: Iterable[tuple[str, int]] = ()) -> None:
        self._sockets = list(sockets)

    def take(self, address: Address) -> list[int]:
        """Those made for this address."""
        places = _places(address) if any(not name for name, _ in self._sockets) else []
        mine = [
            (name, one)
            for name, one in self._sockets
            if (name == str(address) if name else _listens_at(one) in places)
        ]
        self._sockets = [one for one in self._sockets if one not in mine]
        return [one for _, one in mine]

    def left(self) -> list[str]:
        """Where those listen that nobody asked for; they are closed."""
        names = [name or str(_address_of(one)) for name, one in self._sockets]
        close(one for _, one in self._sockets)
        self._sockets = []
        return sorted(set(names))


NOTHING_GIVEN = Given()
SILENCE = Tcp()


def bind(address: Address, count: int, given: Given = NOTHING_GIVEN, tcp: Tcp = SILENCE) -> list[int]:
    """`count` listening descriptors on one address, or BindError. Port 0 takes one free port for all. Sockets that
    were given for it are taken as they are, all of them: connections may be waiting at each.
    """
    taken = given.take(address)
    if taken:
        return _spread(taken, count, tcp)
    made: list[socket.socket] = []
    try:
        for family, place in _places(address):
            # SO_REUSEPORT would let a second process share the port in silence: ask for it alone first.
            _listen(family, place, tcp, shared=False).close()
            made.append(_listen(family, place, tcp, shared=True))
            # Where any port will do, the others need the one that the first was given.
            same: Place = made[-1].getsockname()
            made += [_listen(family, same, tcp, shared=True) for _ in range(count - 1)]
    except OSError as error:
        for one in made:
            one.close()
        raise BindError(_reason(address, error)) from error
    return [one.detach() for one in made]


def _spread(taken: Sequence[int], count: int, tcp: Tcp) -> list[int]:
    """At least one for each carrier: where there are fewer, some watch the same."""
    for one in taken:
        os.set_blocking(one, False)
    retune(taken, tcp)
    more = [os.dup(taken[at % len(taken)]) for at in range(len(taken), count)]
    return [*taken, *more]


def retune(descriptors: Iterable[int], tcp: Tcp) -> None:
    """For the clients that come from now on."""
    for one in descriptors:
        with socket.socket(fileno=os.dup(one)) as same:
            if same.family in {socket.AF_INET, socket.AF_INET6}:
                tune(same, tcp)


def close(descriptors: Iterable[int]) -> None:
    """Give up what was bound but never handed over."""
    for one in descriptors:
        os.close(one)


def port_of(descriptor: int) -> int:
    """The port a descriptor listens on, for addresses that ask for port 0."""
    return _address_of(descriptor).port


def _address_of(descriptor: int) -> Address:
    with socket.socket(fileno=os.dup(descriptor)) as one:
        name = one.getsockname()
    return Address(str(name[0]), int(name[1])) if isinstance(name, tuple) else Address(str(name), 0)


def _listens_at(descriptor: int) -> "tuple[int, Place]":
    with socket.socket(fileno=os.dup(descriptor)) as one:
        name = one.getsockname()
        return one.family, name if isinstance(name, tuple) else (str(name), 0)


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


def _listen(family: int, place: Place, tcp: Tcp, *, shared: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if place[0] == "::" else 1)
        tune(one, tcp)
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
