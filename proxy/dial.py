"""One connected socket to a server: name look-up, connect, and the question whether it speaks TLS.

It owns the socket until it is handed on. It knows nothing of pools, log-in or the TLS handshake itself,
which is the core's.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from config.address import Address
from config.sections.tcp import Tcp
from protocols.postgres.messages import SSL_REQUEST
from proxy import tcp


class Unreachable(Exception):
    """No usable connection to this address. The text names the address and what is wrong with it."""


class Late(Unreachable):
    """It did not answer in time. `connected`: though it, or its kernel, accepted the connection."""

    def __init__(self, text: str, *, connected: bool) -> None:
        super().__init__(text)
        self.connected = connected


class TlsRefused(Unreachable):
    """The server is there but does not offer TLS."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connected socket, ready for the core."""

    fd: int
    address: Address
    """Numeric: the very machine that answered, so that a cancel request finds it again."""
    tls: bool


class Connect(Protocol):
    """`connect`, or what a test puts in its place."""

    def __call__(
        self, address: Address, *, ask_tls: bool, needs_tls: bool, seconds: float, greeting: bytes = b""
    ) -> Awaitable[Line]: ...


async def connect(
    address: Address,
    *,
    ask_tls: bool,
    needs_tls: bool,
    seconds: float,
    greeting: bytes = b"",
    tune: tcp.Tune = partial(tcp.tune, said=Tcp()),  # noqa: B008 - a constant
) -> Line:
    """Connect to `address` within so many seconds, or raise Unreachable. `greeting` is sent before all else."""
    connected = False
    try:
        async with asyncio.timeout(seconds):
            one, place = await _first_that_answers(address, tune, seconds)
            connected = True
            try:
                if greeting:
                    await _greet(one, address, greeting)
                tls = ask_tls and await _offers_tls(one, address)
                if needs_tls and not tls:
                    raise TlsRefused(f"server {address} does not support TLS, but TLS is required")
            except BaseException:
                one.close()
                raise
    except TimeoutError as error:
        what = f"connection to server {address} timed out after {seconds:g} s"
        raise Late(what, connected=connected) from error
    return Line(fd=one.detach(), address=place, tls=tls)


async def _first_that_answers(
    address: Address, tune: tcp.Tune, seconds: float
) -> tuple[socket.socket, Address]:
    loop = asyncio.get_running_loop()
    if address.unix is not None:
        return await _at_file(address, address.unix), address
    deadline = loop.time() + seconds
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Unreachable(f"cannot resolve the host name of server {address}: {error.strerror}") from error
    last: OSError | None = None
    for tried, (family, _, _, _, place) in enumerate(found):
        left = len(found) - tried
        one = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            tune(one)
            # One that does not answer must leave time for the others.
            async with asyncio.timeout((deadline - loop.time()) / left if left > 1 else None):
                await loop.sock_connect(one, place)
            return one, Address(str(place[0]), int(place[1]))
        except OSError as error:
            one.close()
            last = error
        except BaseException:
            one.close()
            raise
    why = (_words(last) or "no answer") if last is not None else "the name has no address"
    raise Unreachable(f"connection to server {address} failed: {why}") from last


async def _at_file(address: Address, path: str) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        await asyncio.get_running_loop().sock_connect(one, path)
    except OSError as error:
        one.close()
        raise Unreachable(f"connection to server {address} failed: {_words(error)}") from error
    except BaseException:
        one.close()
        raise
    return one


async def _greet(one: socket.socket, address: Address, greeting: bytes) -> None:
    try:
        await asyncio.get_running_loop().sock_sendall(one, greeting)
    except OSError as error:
        raise Unreachable(f"connection to server {address} broke: {_words(error)}") from error


async def _offers_tls(one: socket.socket, address: Address) -> bool:
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(one, SSL_REQUEST)
        # One byte exactly: anything a stranger stuffed in behind it must meet the TLS handshake, and fail there.
        answer = await loop.sock_recv(one, 1)
    except OSError as error:
        raise Unreachable(f"connection to server {address} broke: {_words(error)}") from error
    match answer:
        case b"S":
            return True
        case b"N":
            return False
        case b"":
            raise Unreachable(f"server {address} closed the connection when asked for TLS")
        case _:
            raise Unreachable(
                f"server {address} answered the request for TLS with something else; is it PostgreSQL?"
            )


def _words(error: OSError) -> str:
    """The system's own words: the event loop puts others in their place."""
    return os.strerror(error.errno) if error.errno else str(error)
