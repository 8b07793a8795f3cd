"""Dialling, against sockets that behave well and badly."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from config.address import Address
from protocols.postgres.messages import SSL_REQUEST
from proxy import dial
from proxy.dial import Line, TlsRefused, Unreachable


def against(answer: bytes | None, *, ask: bool = True, need: bool = False, seconds: float = 5.0) -> Line:
    """Dial a server that gives `answer` to the request for TLS; None is silence."""

    async def talk() -> Line:
        served = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if ask:
                assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
            if answer:
                writer.write(answer)
            if answer is None or answer:
                await reader.read()
            writer.close()
            await writer.wait_closed()
            served.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            try:
                line = await dial.connect(
                    Address("localhost", port), ask_tls=ask, needs_tls=need, seconds=seconds
                )
                os.close(line.fd)
                assert line.address == Address("127.0.0.1", port)
                return line
            finally:
                await served.wait()

    return asyncio.run(talk())


def test_a_plain_line() -> None:
    assert not against(b"", ask=False).tls


@pytest.mark.parametrize(("answer", "tls"), [(b"S", True), (b"N", False)])
def test_the_servers_answer_counts(answer: bytes, tls: bool) -> None:
    assert against(answer).tls is tls


def test_who_needs_tls_takes_nothing_else() -> None:
    with pytest.raises(TlsRefused):
        against(b"N", need=True)


@pytest.mark.parametrize(("answer", "why"), [(b"E", "something else"), (b"", "closed")])
def test_what_is_no_answer(answer: bytes, why: str) -> None:
    with pytest.raises(Unreachable, match=why):
        against(answer)


def test_silence_has_an_end() -> None:
    with pytest.raises(Unreachable, match="timed out"):
        against(None, seconds=0.05)


def refused() -> Awaitable[Line]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    return dial.connect(Address("127.0.0.1", port), ask_tls=False, needs_tls=False, seconds=5)


def unknown() -> Awaitable[Line]:
    return dial.connect(Address("nowhere.invalid", 1), ask_tls=False, needs_tls=False, seconds=5)


@pytest.mark.parametrize(("call", "why"), [(refused, "[Rr]efused"), (unknown, "resolve")])
def test_nobody_there(call: Callable[[], Awaitable[Line]], why: str) -> None:
    async def talk() -> Line:
        return await call()

    with pytest.raises(Unreachable, match=why):
        asyncio.run(talk())
