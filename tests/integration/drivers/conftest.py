"""Each program runs once a side; its sections are tests of their own."""

from pathlib import Path

import pytest

from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.drivers.transcript import Sees, Transcript, through, transcript
from tests.integration.house import Side
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy


@pytest.fixture(scope="module")
def server(postgres17_server: PostgresServer) -> PostgresServer:
    """PostgreSQL 17. The drivers of Python go through both versions, next door."""
    return postgres17_server


@pytest.fixture(scope="module")
def proving(server: PostgresServer, front: Front) -> Proxy:
    """In front of it, asking for a password; with a pool for drivers that listen on a connection of their own."""
    return front(house.configuration(server, listener="", pools={**house.POOLS, "shop_two": "{ size = 2 }"}))


@pytest.fixture(scope="module")
def sees(direct: Side, proving: Proxy) -> Sees:
    """`sees(command, database, section)`: what the program says of it through the proxy, and direct."""
    known: dict[tuple[object, ...], Transcript] = {}

    def seen(command: tuple[str | Path, ...], side: Side) -> Transcript:
        if (command, side) not in known:
            known[command, side] = transcript(command, side)
        return known[command, side]

    def both(command: tuple[str | Path, ...], database: str, section: str) -> tuple[list[str], list[str]]:
        expected = seen(command, direct)[section]
        assert expected, f"{command} says nothing of {section}"
        return seen(command, through(proving, database))[section], expected

    return both
