"""Listeners: their numbers, their sockets, and how a client proves itself at each.

A listener is known by the address written in the configuration; its number stays over reloads. Binding is apart
from adopting, so that a reload that cannot have every address changes nothing.
"""

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.address import Address
from config.sections.listeners import Listener
from config.sections.rules import Rule
from config.sections.tls import ListenerTls
from config.snapshot import Snapshot
from protocols.postgres.binding import certificate_binding
from proxy import sockets
from proxy.native import Listen, TlsServer, Unlisten
from proxy.outside import Commands


class Door(msgspec.Struct, frozen=True):
    """One listener, as a log-in needs it."""

    name: str
    ways: tuple[Rule, ...]
    """How clients prove themselves: the first that fits."""
    binding: bytes | None
    """Channel binding data of its certificate, where it has TLS."""


class Change(msgspec.Struct, frozen=True):
    """Everything a new configuration does to the doors, prepared and not yet done."""

    listeners: tuple[Listener, ...]
    doors: dict[int, Door]
    bound: dict[int, list[int]]
    """New sockets by listener number."""
    commands: Commands

    def abandon(self) -> None:
        """Nothing comes of it: give the new sockets up."""
        for descriptors in self.bound.values():
            sockets.close(descriptors)


class Doors:
    """The listeners in force."""

    def __init__(self, sockets_each: int) -> None:
        self._sockets_each = sockets_each
        self._numbers: dict[Address, int] = {}
        self._listeners: dict[int, Listener] = {}
        self._open: dict[int, Door] = {}
        self._files: dict[int, sockets.File | None] = {}

    def door(self, number: int) -> Door | None:
        return self._open.get(number)

    def prepare(self, snapshot: Snapshot) -> Change:
        """Bind what is new. Raises BindError, having bound nothing."""
        doors: dict[int, Door] = {}
        bound: dict[int, list[int]] = {}
        commands: Commands = []
        try:
            for listener in snapshot.listeners:
                number = self._numbers.setdefault(listener.address, len(self._numbers) + 1)
                doors[number] = _door(listener)
                before = self._listeners.get(number)
                if before is None:
                    mode = int(listener.unix_mode, 8)
                    bound[number] = sockets.bind(listener.address, self._sockets_each, mode=mode)
                    commands.append(_listen(number, bound[number], listener))
                elif (before.tls, before.proxy_from) != (listener.tls, listener.proxy_from):
                    commands.append(_listen(number, [], listener))
        except BaseException:
            for descriptors in bound.values():
                sockets.close(descriptors)
            raise
        commands += [Unlisten(number) for number in self._open if number not in doors]
        return Change(snapshot.listeners, doors, bound, commands)

    def adopt(self, change: Change) -> list[str]:
        """What was prepared is now in force. Gives the addresses that are newly listened at, ports as they are."""
        for number in self._open.keys() - change.doors.keys():
            self._remove(number)
        self._open = change.doors
        self._files |= {
            number: sockets.file_of(descriptors[0]) for number, descriptors in change.bound.items()
        }
        self._listeners = {self._numbers[one.address]: one for one in change.listeners}
        return [
            f"{self._listeners[number].protocol} "
            + str(sockets.named(self._listeners[number].address, descriptors[0]))
            for number, descriptors in change.bound.items()
        ]

    def close(self) -> Commands:
        """Hear nobody any more."""
        commands: Commands = [Unlisten(number) for number in self._open]
        for number in self._open:
            self._remove(number)
        self._open = {}
        return commands

    def _remove(self, number: int) -> None:
        """The core closes the descriptors; a Unix socket's file stays unless we take it away."""
        file = self._files.pop(number, None)
        if file is not None:
            sockets.remove(file)


def _door(listener: Listener) -> Door:
    tls = listener.tls
    binding = None
    if tls is not None and tls.mode != "disable" and tls.certificate is not None:
        leaf = x509.load_pem_x509_certificate(tls.certificate.data)
        binding = certificate_binding(leaf.public_bytes(Encoding.DER))
    return Door(str(listener.address), listener.ways, binding)


def _listen(number: int, descriptors: list[int], listener: Listener) -> Listen:
    return Listen(
        number, descriptors, tls=_tls(listener.tls), proxies=[str(one) for one in listener.proxy_from]
    )


def _tls(said: ListenerTls | None) -> TlsServer | None:
    if said is None or said.mode == "disable" or said.certificate is None or said.key is None:
        return None
    return TlsServer(
        said.certificate.data,
        said.key.data,
        client_ca=said.client_ca.data if said.client_ca is not None else None,
        required=said.mode == "require",
    )
