"""The administrator's console, over the same events as every client."""

from types import SimpleNamespace

import pytest

from config.errors import ConfigError, Problem
from config.loader import Loaded
from proxy.native import Admit, AnswerNeeded, ForgetPlans, Learn, PlanNeeded, Reply
from tests.proxy.town import PASSWORD, SNAPSHOT, Town, refusal
from tests.proxy.world import error_in, messages_in, only

POOL = SimpleNamespace(
    pool=1,
    label="shop/app",
    mode="transaction",
    clients_active=3,
    clients_waiting=1,
    clients_idle=2,
    servers_active=4,
    servers_idle=5,
    servers_shared=1,
    servers_opening=0,
    statements=100,
    shared_statements=60,
    errors=2,
    wait_us=[(10, 50), (100, 50)],
    statement_us=[(1000, 99), (9000, 1)],
)


@pytest.fixture
def town() -> Town:
    made = Town()
    made.pool_figures = [POOL]
    made.figures = SimpleNamespace(
        clients=6, logins=1, servers=10, statements=100, plans=4, plan_misses=5, bytes_in=1, bytes_out=2, panics=0,
        pins=[("listen", 1), ("temporary table", 7)], plan_us=[(200, 5)],
    )  # fmt: skip
    return made


def ask(town: Town, text: bytes) -> bytes:
    commands = town.handle(AnswerNeeded(5, 6, 1, text))
    reply = commands[-1]
    assert isinstance(reply, Reply)
    assert (reply.conn, reply.ticket) == (5, 6)
    assert messages_in(reply.data)[-1] == ("Z", b"I")
    return reply.data


def rows(data: bytes) -> list[list[str]]:
    found: list[list[str]] = []
    for kind, body in messages_in(data):
        if kind != "D":
            continue
        cells: list[str] = []
        at = 2
        while at < len(body):
            length = int.from_bytes(body[at : at + 4], "big", signed=True)
            cells.append(body[at + 4 : at + 4 + max(0, length)].decode())
            at += 4 + max(0, length)
        found.append(cells)
    return found


@pytest.mark.parametrize("database", ["articdbm", "pgbouncer"])
def test_administrators_get_in_without_a_pool(town: Town, database: str) -> None:
    _, said = town.log_in(user="root", database=database)
    admit = only(said, Admit)
    assert (admit.pool, admit.settings) == (0, [])
    assert ("S", b"server_version\x001.2.3\0") in messages_in(admit.greeting)
    asked = PlanNeeded(1, b"k" * 16, admit.base, [], True, b"SHOW POOLS")
    assert only(town.handle(asked), Learn).plan.action == "answer"


def test_others_do_not(town: Town) -> None:
    assert refusal(town.log_in(user="app", database="articdbm")[1])[0] == "42501"


def test_pools(town: Town) -> None:
    for text in (b"SHOW POOLS", b" show  pools ;\n"):
        assert rows(ask(town, text)) == [["shop/app", "transaction", "3", "1", "2", "4", "5", "1", "0"]]


def test_stats_with_quantiles(town: Town) -> None:
    assert rows(ask(town, b"SHOW STATS")) == [["shop/app", "100", "60", "2", "10", "100", "1000", "1000"]]


def test_totals_and_pins(town: Town) -> None:
    assert ["plan_p99_us", "200"] in rows(ask(town, b"SHOW TOTALS"))
    assert rows(ask(town, b"SHOW PINS")) == [["temporary table", "7"], ["listen", "1"]]


def test_version_and_help(town: Town) -> None:
    assert rows(ask(town, b"SHOW VERSION")) == [["ArticDBM 1.2.3"]]
    assert "RELOAD" in [command for command, _ in rows(ask(town, b"SHOW HELP"))]


def test_config_without_secrets(town: Town) -> None:
    shown = {row[0]: row[1] for row in rows(ask(town, b"SHOW CONFIG"))}
    assert shown["clusters[main].servers[0].address"] == "127.0.0.1:5001"
    assert shown["users[app].password"] == "(written in the file)"
    assert PASSWORD not in str(shown)


def test_reload_accepted(town: Town) -> None:
    commands = town.handle(AnswerNeeded(5, 6, 1, b"RELOAD;"))
    assert isinstance(commands[0], ForgetPlans)
    assert messages_in(commands[1].data)[0] == ("C", b"RELOAD\0") if isinstance(commands[1], Reply) else False


def test_reload_refused(town: Town) -> None:
    def broken() -> Loaded:
        raise ConfigError([Problem(file="a.toml", line=3, key="x", what="unknown key", fix="remove it")])

    town.next = broken
    data = ask(town, b"RELOAD")
    fields = error_in(data[: data.rindex(b"Z\0\0\0\5")])
    assert "a.toml:3" in fields["M"]
    assert town.rooms.directory.snapshot is SNAPSHOT


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"show poolz;", "SHOW POOLZ"),
        (b"ALTER USER app PASSWORD 'hunter2'", "ALTER USER"),
        (b"SET x = 'hunter2'", "SET X"),
        (b"SELECT 'hunter2'", "SELECT"),
        (b"a" * 1000, "A" * 60),
        (b"\x1b[2J", ""),
    ],
)
def test_an_unknown_command_is_named(town: Town, text: bytes, named: str) -> None:
    data = ask(town, text)
    said = error_in(data[: data.rindex(b"Z\0\0\0\5")])["M"]
    assert said == f'the console has no command "{named}"; SHOW HELP lists what it has'


@pytest.mark.parametrize("text", [b"", b";", b"SELECT 1", b"SHOW POOLS; SHOW STATS", b"\xff\0"])
def test_everything_else_is_an_error_and_the_session_lives(town: Town, text: bytes) -> None:
    data = ask(town, text)
    assert error_in(data[: data.rindex(b"Z\0\0\0\5")])["C"] == "42601"
