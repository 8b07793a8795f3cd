"""Every conversation gets, message for message and byte for byte, the answer that the server itself gives."""

from collections.abc import Iterator
from functools import cache

import pytest

from tests.integration import house
from tests.integration.conftest import Front
from tests.integration.conversations import EXTENDED, SIMPLE, Conversation
from tests.integration.house import Side
from tests.integration.wire import END, Line, Message, query, rows, without_tables
from tests.servers.postgres import PostgresServer

ALL = {
    **{f"simple: {name}": talk for name, talk in SIMPLE.items()},
    **{f"extended: {name}": talk for name, talk in EXTENDED.items()},
}
CONVERSATIONS = ALL
LONG = 20_000
"""Conversations of more bytes are not sent one by one."""

USER = "app_trust"
REMAINS = query(
    "SELECT 'setting ' || name || ' ' || setting FROM pg_settings WHERE source = 'session' "
    "UNION ALL SELECT 'table ' || relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r' "
    "AND relnamespace = pg_my_temp_schema() "
    "UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE name <> '' "
    "UNION ALL SELECT 'lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
    "UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() c "
    "UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements WHERE from_sql AND name !~ '^articdbm_' "
    "UNION ALL SELECT 'left open' FROM pg_class WHERE relname LIKE 'wire%'"
)
"""What one client could leave behind for the next."""


@cache
def answers(port: int, name: str) -> list[Message]:
    """What the server itself says: the same however it is sent."""
    with Line("127.0.0.1", port) as line:
        line.log_in(USER, "shop")
        return spoken(line, ALL[name])


def spoken(line: Line, talk: Conversation, *, drip: bool = False) -> list[Message]:
    said: list[Message] = []
    for step in talk:
        if drip:
            line.drip(step.say)
        else:
            line.send(step.say)
        said += map(normal, line.until(step.hear))
        if said[-1].kind == END:
            break
    return said


def normal(message: Message) -> Message:
    """Without what differs from run to run: the number of a server process, the OID of a table just made."""
    if message.kind == "A":
        return Message("A", message.body[4:])
    return Message("T", without_tables(message.body)) if message.kind == "T" else message


@pytest.fixture(scope="module", params=["shop_one", "shop_alone", "shop_session", "without carriers"])
def through(request: pytest.FixtureRequest, server: PostgresServer, front: Front) -> Side:
    """The proxy, in front of a pool in which clients get in each other's way."""
    limits = "carriers = 0" if request.param == "without carriers" else ""
    running = front(house.configuration(server, limits=limits))
    database = "shop_one" if limits else request.param
    return Side(running.host, running.port, database, direct=False)


@pytest.fixture
def line(through: Side) -> Iterator[Line]:
    """A client of the proxy; after it has gone, nothing of it is left for the next."""
    with Line(through.host, through.port) as line:
        line.log_in(USER, through.database)
        yield line
    with Line(through.host, through.port) as after:
        after.log_in(USER, through.database)
        assert rows(after.ask(REMAINS)) == []


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_as_written(direct: Side, line: Line, name: str) -> None:
    assert spoken(line, CONVERSATIONS[name]) == answers(direct.port, name)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_all_in_one_packet(direct: Side, line: Line, name: str) -> None:
    talk = CONVERSATIONS[name]
    line.send(b"".join(step.say for step in talk))
    said = list(map(normal, line.until("".join(step.hear for step in talk))))
    assert said == answers(direct.port, name)


@pytest.mark.parametrize(
    "name", [name for name, talk in CONVERSATIONS.items() if sum(len(step.say) for step in talk) < LONG]
)
def test_a_byte_at_a_time(direct: Side, line: Line, name: str) -> None:
    assert spoken(line, CONVERSATIONS[name], drip=True) == answers(direct.port, name)
