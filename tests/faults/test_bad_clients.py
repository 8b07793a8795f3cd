"""What strangers send before they are logged in: each gets the error PostgreSQL would give, in time, costs little, and
harms nobody.
"""

import asyncio
import random
import struct

import pytest

from protocols.postgres import messages
from tests.conftest import StartProxy
from tests.faults.neighbour import neighbour
from tests.faults.strangers import STARTUP, errors_in, resident, talk
from tests.load.house import ENVIRONMENT, Settings, config, quiet, totals, until
from tests.servers.certificates import Authority, issue
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

LOGIN: Settings = {"login": "1500ms", "login_attempts": 0}


def _packet(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!ii", len(body) + 8, code) + body


FIRST_PACKETS = {
    "http": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "08P01"),
    "nothing but zeros": (bytes(64), "08P01"),
    "length zero": (struct.pack("!ii", 0, 196608), "08P01"),
    "length three": (struct.pack("!ii", 3, 196608), "08P01"),
    "length below eight": (struct.pack("!iI", 7, 196608), "08P01"),
    "negative length": (struct.pack("!ii", -1, 196608), "08P01"),
    "longer than PostgreSQL takes": (struct.pack("!ii", 10_001, 196608), "08P01"),
    "a gigabyte": (struct.pack("!ii", 1 << 30, 196608), "08P01"),
    "protocol 2.0": (_packet(2 << 16, bytes(288)), "0A000"),
    "protocol 4.0": (_packet(4 << 16, b"user\0app\0\0"), "0A000"),
    "no terminator": (_packet(3 << 16, b"user\0app\0database\0shop\0"), "08P01"),
    "half a pair": (_packet(3 << 16, b"user\0app\0database\0\0"), None),
    "no user": (_packet(3 << 16, b"database\0shop\0\0"), "28000"),
    "nothing at all": (_packet(3 << 16, b"\0"), "28000"),
    "bytes that are no text": (_packet(3 << 16, b"user\0\xff\xfe\xff\0\0"), "22021"),
    "unknown database": (messages.startup({"user": "app", "database": "nowhere"}), "3D000"),
    "unknown user": (messages.startup({"user": "nobody", "database": "shop"}), "28000"),
    "many parameters": (
        messages.startup({"user": "app", "database": "shop"} | {f"x{n}": "" for n in range(900)}),
        "08P01",
    ),
}


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_first_packets(carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    proxy = start_proxy(config(postgres_server, carriers=carriers, limits=LOGIN), ENVIRONMENT)

    async def run() -> dict[str, str]:
        wrong = {}
        async with neighbour(proxy.port):
            for name, (data, code) in FIRST_PACKETS.items():
                errors = errors_in(await talk(proxy.port, data))
                if [error.severity for error in errors] != ["FATAL"] or (code and errors[0].code != code):
                    wrong[name] = f"expected {code}, got {errors}"
        await quiet(proxy.port)
        return wrong

    assert asyncio.run(run()) == {}


SILENT = {
    "nothing": b"",
    "half a length": STARTUP[:2],
    "a length alone": STARTUP[:4],
    "half a packet": STARTUP[:-3],
    "TLS asked for and not begun": messages.SSL_REQUEST,
}


@pytest.mark.parametrize("carriers", [0, 2])
def test_half_open_strangers_are_shown_out(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy, authority: Authority
) -> None:
    """At the end of the time for logging in, whether they are silent or drip."""
    identity = issue(authority, f"half{carriers}")
    tls = f"""
[listeners.tls]
mode = "allow"
certificate = "{identity.certificate_file}"
key = "{identity.key_file}"

[[clusters]]"""
    text = config(postgres_server, carriers=carriers, limits=LOGIN).replace("\n[[clusters]]", tls, 1)
    proxy = start_proxy(text, ENVIRONMENT)

    async def drip() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            for byte in struct.pack("!ii", 9_000, 196608) + bytes(1_000):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    break
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
        return b"" if reader.at_eof() or writer.is_closing() else b"still there"

    async def run() -> None:
        async with neighbour(proxy.port), asyncio.timeout(20):
            heard = await asyncio.gather(*(talk(proxy.port, data) for data in SILENT.values()), drip())
        for name, data in zip(SILENT, heard, strict=False):
            errors = errors_in(data)
            if name != "TLS asked for and not begun":
                assert [error.code for error in errors] == ["08P01"], name
        for _ in range(100):
            # The last of them may still be leaving.
            if (await totals(proxy.port))["clients"] == 1:
                break
            await asyncio.sleep(0.1)
        assert (await totals(proxy.port))["clients"] == 1

    asyncio.run(run())


def test_plain_bytes_behind_a_request_for_tls(
    postgres_server: PostgresServer, start_proxy: StartProxy, authority: Authority
) -> None:
    """They could have been put there by somebody in between: with TLS agreed, they are refused."""
    identity = issue(authority, "behind")
    plain = start_proxy(config(postgres_server), ENVIRONMENT)
    tls = f"""
[listeners.tls]
mode = "allow"
certificate = "{identity.certificate_file}"
key = "{identity.key_file}"

[[clusters]]"""
    offered = start_proxy(config(postgres_server).replace("\n[[clusters]]", tls, 1), ENVIRONMENT)

    async def run() -> None:
        heard = await talk(offered.port, messages.SSL_REQUEST + STARTUP)
        (error,) = errors_in(heard)
        assert (error.severity, error.code) == ("FATAL", "08P01")
        assert "unencrypted data after SSL request" in error.message
        # Where there is no TLS, both are read in plain, as PostgreSQL does.
        reader, writer = await asyncio.open_connection("127.0.0.1", plain.port)
        writer.write(messages.SSL_REQUEST + STARTUP)
        assert await reader.readexactly(1) == b"N"
        assert (await reader.readuntil(messages.ready())).startswith(b"R")
        writer.transport.abort()
        # TLS that is none.
        async with neighbour(plain.port):
            await talk(offered.port, messages.SSL_REQUEST[:8], eof=True)
            for junk in (
                b"\x16\x03\x01\xff\xff" + bytes(100),
                b"\x16\x03\x01\x00\x05hello",
                random.Random(1).randbytes(5_000),
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", offered.port)
                writer.write(messages.SSL_REQUEST)
                assert await reader.readexactly(1) == b"S"
                writer.write(junk)
                writer.write_eof()
                async with asyncio.timeout(30):
                    await reader.read()
                writer.transport.abort()
        await quiet(offered.port)

    asyncio.run(run())


PASSWORDS = {
    "another message": (messages.frame(b"Q", b"SELECT 1\0"), "08P01"),
    "longer than a password may be": (messages.frame(b"p", bytes(70_000)), "08P01"),
    "a length of a gigabyte": (b"p" + struct.pack("!i", 1 << 30), "08P01"),
    "a length of two": (b"p\0\0\0\2", "08P01"),
    "a negative length": (b"p\xff\xff\xff\xff", "08P01"),
    "no mechanism": (messages.frame(b"p", b""), "08P01"),
    "an unknown mechanism": (messages.sasl_initial("NONSENSE", b""), "08P01"),
    "a length beyond the message": (
        messages.frame(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", 5_000)),
        "08P01",
    ),
    "no SCRAM": (messages.sasl_initial("SCRAM-SHA-256", random.Random(2).randbytes(300)), "08P01"),
    "nothing more": (b"", "08P01"),
}


def test_log_in_messages(postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    text = config(postgres_server, limits=LOGIN)
    proxy = start_proxy(text, ENVIRONMENT)
    asking = start_proxy(text.replace('auth = "trust"', 'auth = "scram-sha-256"'), ENVIRONMENT)

    async def run() -> dict[str, str]:
        wrong = {}
        async with neighbour(proxy.port):
            for name, (data, code) in PASSWORDS.items():
                errors = errors_in(await talk(asking.port, STARTUP + data))
                if [(error.severity, error.code) for error in errors] != [("FATAL", code)]:
                    wrong[name] = f"expected {code}, got {errors}"
        return wrong

    assert asyncio.run(run()) == {}


@pytest.mark.parametrize("carriers", [0, 2])
def test_a_flood_before_log_in_costs_little(
    carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """A thousand strangers, each with as much unfinished business as it is let have, and some that send for ever."""
    count = 1_000
    text = config(postgres_server, carriers=carriers, limits={"login": "60s", "max_clients": 2_000})
    proxy = start_proxy(text, ENVIRONMENT)
    asking = start_proxy(text.replace('auth = "trust"', 'auth = "scram-sha-256"'), ENVIRONMENT)
    first = struct.pack("!ii", 10_000, 196608) + b"x" * 9_900
    unfinished = STARTUP + b"p" + struct.pack("!i", 65_000) + b"x" * 64_000

    async def flood(target: Proxy, data: bytes) -> int:
        before = resident(target)
        lines = []
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writer.write(data)
            lines.append(writer)
        await asyncio.sleep(1)
        cost = resident(target) - before
        for writer in lines:
            writer.transport.abort()
        return cost

    async def endless(target: Proxy) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        sent = 0
        try:
            writer.write(STARTUP)
            async with asyncio.timeout(30):
                while sent < 64 << 20 and not reader.at_eof():
                    writer.write(b"p" * 65_536)
                    await writer.drain()
                    sent += 65_536
                    await asyncio.sleep(0)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
        return sent

    async def run() -> None:
        async with neighbour(proxy.port):
            per_stranger = await flood(proxy, first) / count
            assert per_stranger < 32 << 10, f"{per_stranger / 1024:.0f} KiB for a stranger"
            per_guest = await flood(asking, unfinished) / count
            assert per_guest < 160 << 10, f"{per_guest / 1024:.0f} KiB for one who is logging in"
            assert await endless(asking) < 32 << 20

        async def all_gone() -> bool:
            return (await totals(proxy.port))["clients"] == 1

        assert await until(all_gone)
        await quiet(proxy.port)

    asyncio.run(run())
