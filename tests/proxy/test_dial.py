"""Dialling, against sockets that behave well and badly."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from config.address import Address
from config.quantities import Duration
from config.sections.tcp import Tcp
from protocols.postgres.messages import SSL_REQUEST
from proxy import dial, tcp
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


def test_an_address_that_does_not_answer_leaves_time_for_the_next() -> None:
    with socket.socket() as deaf, socket.create_server(("127.0.0.1", 0)) as there:
        deaf.bind(("127.0.0.2", 0))
        deaf.listen(0)
        # Its queue is full: the kernel drops what else comes.
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        places = [deaf.getsockname(), deaf.getsockname(), there.getsockname()]

        async def talk() -> Line:
            loop = asyncio.get_running_loop()

            async def found(*_: object, **__: object) -> list[object]:
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

            loop.getaddrinfo = found  # type: ignore[method-assign,assignment]
            return await dial.connect(Address("db", 1), ask_tls=False, needs_tls=False, seconds=3)

        try:
            line = asyncio.run(talk())
            os.close(line.fd)
            assert line.address == Address("127.0.0.1", there.getsockname()[1])
        finally:
            for one in crowd:
                one.close()


def test_the_kernel_watches_the_line() -> None:
    said = Tcp(keepalive_idle=Duration(7_000), keepalive_count=2, user_timeout=Duration(9_000))

    async def talk() -> Line:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = one.getsockname()[1]
            return await dial.connect(
                Address("127.0.0.1", port),
                ask_tls=False,
                needs_tls=False,
                seconds=5,
                tune=lambda one: tcp.tune(one, said),
            )

    with socket.socket(fileno=asyncio.run(talk()).fd) as line:
        assert options(line) == (1, 7, 15, 2, 9_000)


def options(one: socket.socket) -> tuple[int, ...]:
    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    alive = one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return (alive, *(one.getsockopt(socket.IPPROTO_TCP, name) for name in names))
