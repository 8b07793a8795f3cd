"""What clients send that is no protocol, once they are logged in: they get the error PostgreSQL would give, and nobody
else feels it.
"""

import asyncio
import random
import socket
import struct

import pytest

from protocols.postgres import messages
from tests.conftest import StartProxy
from tests.faults.neighbour import neighbour
from tests.faults.strangers import STARTUP, resident, talk
from tests.load import wire
from tests.load.house import ENVIRONMENT, config, quiet, totals
from tests.load.wire import Gone, Wire
from tests.servers.postgres import PostgresServer

KINDS = b"QPBDECSHFdcfXp"


@pytest.mark.parametrize("carriers", [0, 1, 2])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_wrong_lengths(
    carriers: int, in_transaction: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """In every message: FATAL and the end, for what follows cannot be told apart any more."""
    proxy = start_proxy(config(postgres_server, carriers=carriers, pool={"size": 2}), ENVIRONMENT)

    async def attempt(kind: bytes, length: int) -> str:
        line = await Wire.open(proxy.port)
        try:
            if in_transaction:
                await line.ask(wire.query("BEGIN"))
            line.send(kind + struct.pack("!I", length) + b"\0\0\0\0")
            async with asyncio.timeout(20):
                gone = await line.ended()
        except TimeoutError:
            return "no answer"
        finally:
            line.abort()
        return gone.said.code if gone.said else "no word"

    async def run() -> dict[str, str]:
        wrong = {}
        async with neighbour(proxy.port):
            for number in KINDS:
                kind = bytes([number])
                for length in (0, 1, 3, 0x7FFF_FFFF, 0xFFFF_FFFF):
                    said = await attempt(kind, length)
                    if said != "08P01":
                        wrong[f"{kind!r} of {length}"] = said
            for kind in (b"z", b"\0", b"\xff", b"R", b"K"):
                said = await attempt(kind, 4)
                if said != "08P01":
                    wrong[f"{kind!r}"] = said
        await quiet(proxy.port)
        return wrong

    assert asyncio.run(run()) == {}


_PARSED = wire.parse("", "SELECT $1::text")
BODIES = {
    "Query without its end": messages.frame(b"Q", b"SELECT 1"),
    "Query with more behind it": messages.frame(b"Q", b"SELECT 1\0SELECT 2\0"),
    "Parse of nothing": messages.frame(b"P", b""),
    "Parse with too few types": messages.frame(b"P", b"\0SELECT 1\0\x7f\xff"),
    "Parse with a negative count": messages.frame(b"P", b"\0SELECT 1\0\xff\xff"),
    "Bind of nothing": messages.frame(b"B", b""),
    "Bind with a length beyond it": _PARSED + messages.frame(b"B", b"\0\0\0\0\0\1\x7f\xff\xff\xff"),
    "Bind with counts beyond it": _PARSED + messages.frame(b"B", b"\0\0\x7f\xff"),
    "Describe of nothing": messages.frame(b"D", b""),
    "Describe of what": messages.frame(b"D", b"x\0"),
    "Close of what": messages.frame(b"C", b"x\0"),
    "Execute of nothing": messages.frame(b"E", b""),
    "Execute without its limit": messages.frame(b"E", b"\0"),
    "Sync with something in it": messages.frame(b"S", b"x"),
    "FunctionCall of nothing": messages.frame(b"F", b""),
}


@pytest.mark.parametrize("carriers", [1, 2])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_wrong_bodies(
    carriers: int, in_transaction: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """The error that PostgreSQL itself gives; after a mere ERROR the client can go on."""
    proxy = start_proxy(config(postgres_server, carriers=carriers, pool={"size": 2}), ENVIRONMENT)

    async def attempt(port: int, user: str, data: bytes) -> str:
        line = await Wire.open(port, user=user)
        try:
            if in_transaction:
                await line.ask(wire.query("BEGIN"))
            line.send(data)
            async with asyncio.timeout(20):
                if data[:1] in b"QF":
                    (answer,) = await line.replies()
                else:
                    line.send(b"" if data[:1] == b"S" else wire.SYNC)
                    (answer,) = await line.replies()
                if answer.error is None:
                    return "no error"
                after = await line.ask(wire.query("ROLLBACK" if in_transaction else "SELECT 1"))
        except Gone as gone:
            return gone.said.code if gone.said else "no word"
        except TimeoutError:
            return "no answer"
        finally:
            line.abort()
        return answer.error.code if after.error is None else f"then {after.error}"

    async def run() -> dict[str, str]:
        wrong = {}
        async with neighbour(proxy.port):
            for name, data in BODIES.items():
                direct = await attempt(postgres_server.port, "app_trust", data)
                said = await attempt(proxy.port, "app", data)
                if said != direct:
                    wrong[name] = f"{said}, PostgreSQL: {direct}"
        await quiet(proxy.port)
        return wrong

    assert asyncio.run(run()) == {}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_sync_with_a_body_in_pieces(
    in_transaction: bool, postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """Its end is not here yet when its head is looked at, and what is here waits for something else."""
    proxy = start_proxy(config(postgres_server, pool={"size": 1}), ENVIRONMENT)
    head = b"S" + struct.pack("!i", 24)

    async def attempt(*pieces: bytes) -> None:
        line = await Wire.open(proxy.port)
        if in_transaction:
            await line.ask(wire.query("BEGIN"))
        for piece in pieces:
            line.send(piece)
            await asyncio.sleep(0.05)
        try:
            async with asyncio.timeout(20):
                while (said := (await line.replies())[0].error) is None:
                    pass
        except Gone as gone:
            said = gone.said
        finally:
            line.abort()
        assert said is not None
        assert said.code == "08P01"

    async def run() -> None:
        await attempt(head + b"x" * 5, b"y" * 15)
        await attempt(wire.query("SELECT pg_sleep(0.3)") + head + b"x" * 5, b"y" * 15)
        await attempt(wire.query("SELECT pg_sleep(0.2)"), head, b"x" * 10, b"y" * 10)
        await quiet(proxy.port)

    asyncio.run(run())


@pytest.mark.parametrize("carriers", [0, 1, 2])
def test_any_bytes_at_all(carriers: int, postgres_server: PostgresServer, start_proxy: StartProxy) -> None:
    """Good conversations with bytes changed, left out, doubled and cut: only their sender feels what comes of it."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    proxy = start_proxy(
        config(postgres_server, carriers=carriers, pool={"size": 3, "statement": "5s"}), ENVIRONMENT
    )
    good = [
        STARTUP,
        wire.query("SELECT 1"),
        wire.parse("a", "SELECT $1::text") + wire.bind("a", ["x"]) + wire.execute() + wire.SYNC,
        wire.describe(b"S", "a") + wire.close(b"S", "a") + wire.FLUSH + wire.SYNC,
        wire.query("BEGIN") + wire.query("SAVEPOINT a") + wire.query("ROLLBACK"),
        wire.query("COPY (SELECT 1) TO STDOUT"),
        messages.frame(b"d", b"x\n") + messages.frame(b"c", b""),
    ]

    def spoilt() -> bytes:
        data = bytearray(b"".join([STARTUP, *chance.choices(good[1:], k=4)]))
        for _ in range(chance.randint(1, 4)):
            # Half of them only after a good start.
            at = chance.randrange(len(STARTUP) if chance.random() < 0.5 else 0, len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 9)]
                case 2:
                    data[at:at] = data[max(0, at - chance.randint(1, 30)) : at]
                case _:
                    data[at:at] = chance.randbytes(chance.randint(1, 20))
        return bytes(data[: chance.randint(1, len(data))] if chance.random() < 0.3 else data)

    async def one() -> None:
        await talk(proxy.port, spoilt(), eof=True)

    async def run() -> None:
        async with neighbour(proxy.port), neighbour(proxy.port):
            for _ in range(20):
                await asyncio.gather(*(one() for _ in range(20)))
        await quiet(proxy.port)
        assert (await totals(proxy.port))["panics"] == 0

    asyncio.run(run())


def test_who_never_reads_costs_a_bounded_amount(
    postgres_server: PostgresServer, start_proxy: StartProxy
) -> None:
    """A hundred megabytes for each of ten clients that take none of it."""
    proxy = start_proxy(config(postgres_server, pool={"size": 10, "sharing": False}), ENVIRONMENT)

    async def run() -> None:
        async with neighbour(proxy.port):
            before = resident(proxy)
            lines = []
            for _ in range(9):
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                sock.connect(("127.0.0.1", proxy.port))
                sock.sendall(STARTUP + wire.query("SELECT repeat('x', 10000) FROM generate_series(1, 10000)"))
                lines.append(sock)
            await asyncio.sleep(2)
            cost = resident(proxy) - before
            for sock in lines:
                sock.close()
            assert cost < 9 * (2 << 20), f"{cost >> 20} MiB"
        await quiet(proxy.port)

    asyncio.run(run())
