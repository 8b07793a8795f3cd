"""Listening sockets: bound all together, or none of them and a clear reason.

Or they were made by another and given to this process: by systemd, or by the process it takes over from. It owns
addresses and descriptors until the core gets them; it knows nothing of what is spoken there.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from config.address import Address
from config.sections.tcp import Tcp
from proxy.tcp import tune

BACKLOG = 4096


class BindError(Exception):
    """An address could not be taken. The text says which, why and what to do."""


class Given:
    """Listening sockets that were made by another, until a listener asks for them.

    A name is the address in the configuration that it was made for; without one, it is told by where it listens, and
    the file of a Unix socket is another's to remove.
    """

    def __init__(self, sockets: Iterable[tuple[str, int]] = ()) -> None:
        self._sockets = list(sockets)

    def take(self, address: Address) -> list[int]:
        """Those made for this address."""
        mine = self._made_for(address)
        self._sockets = [one for one in self._sockets if one not in mine]
        return [one for _, one in mine]

    def names(self, address: Address) -> set[str]:
        """Of those that `take` would give."""
        return {name for name, _ in self._made_for(address)}

    def _made_for(self, address: Address) -> list[tuple[str, int]]:
        places: list[tuple[int, Place]] = []
        if any(not name for name, _ in self._sockets):
            unix = address.unix
            places = _places(address) if unix is None else [(socket.AF_UNIX, (unix, 0))]
        return [
            (name, one)
            for name, one in self._sockets
            if (name == str(address) if name else _listens_at(one) in places)
        ]

    def left(self) -> list[str]:
        """Where those listen that nobody asked for; they are closed."""
        names = [name or str(_address_of(one)) for name, one in self._sockets]
        release(one for _, one in self._sockets)
        self._sockets = []
        return sorted(set(names))


NOTHING_GIVEN = Given()
SILENCE = Tcp()


File = tuple[str, int, int]
"""The file of a Unix socket: its path, and what tells whether it still is the one that was made here."""


def bind(
    address: Address, count: int, given: Given = NOTHING_GIVEN, tcp: Tcp = SILENCE, *, mode: int = 0o600
) -> list[int]:
    """`count` listening descriptors on one address, or BindError. Port 0 takes one free port for all. Sockets that
    were given for it are taken as they are, all of them: connections may be waiting at each. `mode` are the
    permissions of a Unix socket that is made.
    """
    taken = given.take(address)
    if taken:
        return _spread(taken, count, tcp)
    if address.unix is not None:
        return _bind_unix(address, address.unix, count, mode)
    made: list[socket.socket] = []
    try:
        for family, place in _places(address):
            # SO_REUSEPORT would let a second process share the port in silence: ask for it alone first, but do not
            # listen, or who connects meanwhile would be cut off.
            _bound(family, place, tcp, shared=False).close()
            made.append(_listen(family, place, tcp))
            # Where any port will do, the others need the one that the first was given.
            same: Place = made[-1].getsockname()
            made += [_listen(family, same, tcp) for _ in range(count - 1)]
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
        file = file_of(one)
        if file is not None:
            remove(file)
        os.close(one)


def release(descriptors: Iterable[int]) -> None:
    """Close our copies; others have the sockets, and the files they listen at stay."""
    for one in descriptors:
        os.close(one)


def file_of(descriptor: int) -> File | None:
    """The file a descriptor listens at, where it is a Unix socket."""
    with socket.socket(fileno=os.dup(descriptor)) as one:
        if one.family != socket.AF_UNIX:
            return None
        path: str = one.getsockname()
    try:
        return _file(path)
    except OSError:
        return None


def remove(file: File) -> None:
    """Take the file of a Unix socket away, unless another has taken its place."""
    with suppress(OSError):
        if _file(file[0]) == file:
            Path(file[0]).unlink()


def _file(path: str) -> File:
    found = os.lstat(path)
    return path, found.st_dev, found.st_ino


def named(address: Address, descriptor: int) -> Address:
    """The address as it is listened at: with the port that was free, where any would do."""
    return address if address.unix is not None else Address(address.host, port_of(descriptor))


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


def _listen(family: int, place: Place, tcp: Tcp) -> socket.socket:
    one = _bound(family, place, tcp, shared=True)
    try:
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def _bound(family: int, place: Place, tcp: Tcp, *, shared: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if place[0] == "::" else 1)
        tune(one, tcp)
        one.bind(place)
    except OSError:
        one.close()
        raise
    return one


def _bind_unix(address: Address, path: str, count: int, mode: int) -> list[int]:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        with _alone_in(address.host):
            _clear(path)
            one.bind(path)
            # Nobody can connect before it listens, so nobody gets in by the permissions it was made with.
            Path(path).chmod(mode)
            one.listen(BACKLOG)
        # One socket for all: a Unix socket knows no SO_REUSEPORT.
        return [os.dup(one.fileno()) for _ in range(count)]
    except OSError as error:
        raise BindError(_reason(address, error)) from error
    finally:
        one.close()


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """Between two that start at once the second would take the first one's socket for one left behind."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def _clear(path: str) -> None:
    """Remove what a process that is no more left behind; what anybody listens at, or is no socket, stays."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.setblocking(False)
        try:
            other.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        except OSError:
            pass  # somebody is there, if busy: binding says so


def _reason(address: Address, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE if address.unix is not None:
            what = f"{address.unix} is there; stop the program that holds it or choose another number"
        case errno.EADDRINUSE:
            what = "the address is in use; stop the program that holds it (ss -ltnp shows it) or choose another port"
        case errno.EAGAIN:
            what = "another process is about to listen in this directory; try again"
        case errno.ENOENT | errno.ENOTDIR:
            what = "there is no such directory; make it, for this user to write in"
        case errno.EACCES | errno.EPERM if address.unix is not None:
            what = "permission denied; this user has to be able to write in the directory"
        case errno.EACCES | errno.EPERM:
            what = "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE, or choose a higher one"
        case errno.EADDRNOTAVAIL:
            what = "this machine has no such address"
        case _:
            what = os.strerror(error.errno) if error.errno else str(error)
    return f"cannot listen on {address}: {what}"
