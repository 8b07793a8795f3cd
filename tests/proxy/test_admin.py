"""The administrator's console, over the same events as every client. What it shows and does with real clients and
servers is in `tests/integration/test_console_*.py`."""

from types import SimpleNamespace
from typing import Any

import pytest

from config.errors import ConfigError, Problem
from config.loader import Loaded
from config.sections.admin import Admin
from config.sections.databases import Database
from protocols.postgres import messages
from proxy.admin.averages import Averages
from proxy.admin.console import LOOK_AGAIN, MOST, PATIENCE, SELDOM
from proxy.admin.words import LONGEST, read
from proxy.native import (
    Admit,
    AnswerNeeded,
    ClientRow,
    Close,
    Hold,
    Kill,
    Learn,
    List,
    Listed,
    OpenPool,
    PlanNeeded,
    Recycle,
    Reply,
)
from tests.proxy.town import PASSWORD, SNAPSHOT, Town, changed, loaded, refusal
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
    servers_old=0,
    statements=100,
    shared_statements=60,
    errors=2,
    transactions=50,
    received=1000,
    sent=2000,
    cancelling=0,
    oldest_wait_us=2_500_000,
    waited_us=5_000,
    served_us=200_000,
    transaction_us=300_000,
    wait_us=[(10, 50), (100, 50)],
    statement_us=[(1000, 99), (9000, 1)],
)


class Consoled(Town):
    """With a console open for root, and the pool of app on shop open as number 1."""

    def __init__(self, snapshot: Any = SNAPSHOT) -> None:
        super().__init__(snapshot)
        self.server_up()
        self.pool_figures = [POOL]
        self.figures = SimpleNamespace(
            clients=6, logins=1, servers=10, statements=100, plans=4, plan_misses=5, bytes_in=1, bytes_out=2, panics=0,
            pins=[("listen", 1, 0, 1), ("temporary table", 7, 5, 1)], plan_us=[(200, 5)],
            client_bytes=440, server_bytes=500, pool_bytes=200, plan_bytes=100,
        )  # fmt: skip
        self.base = self.admit("root").base

    def admit(self, user: str) -> Admit:
        admitted: Admit = only(self.log_in(user=user, database="articdbm")[1], Admit)
        return admitted

    def say(self, text: str, base: int | None = None) -> list[Any]:
        return self.handle(AnswerNeeded(5, 6, base or self.base, text.encode()))


@pytest.fixture
def town() -> Consoled:
    return Consoled()


def answer(commands: list[Any]) -> bytes:
    reply = commands[-1]
    assert isinstance(reply, Reply)
    assert (reply.conn, reply.ticket) == (5, 6)
    assert messages_in(reply.data)[-1] == ("Z", b"I")
    return reply.data


def ask(town: Consoled, text: str) -> list[list[str]]:
    found: list[list[str]] = []
    for kind, body in messages_in(answer(town.say(text))):
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


def error(commands: list[Any]) -> tuple[str, str]:
    data = answer(commands)
    fields = error_in(data[: data.rindex(b"Z\0\0\0\5")])
    return fields["C"], fields["M"]


def done(commands: list[Any]) -> str:
    kind, body = messages_in(answer(commands))[-2]
    assert kind == "C", body
    return body[:-1].decode()


def kinds(commands: list[Any]) -> list[tuple[type, Any, Any]]:
    return [(type(one), getattr(one, "pool", None), getattr(one, "how", None)) for one in commands]


# --- who comes in --------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["articdbm", "pgbouncer"])
def test_administrators_get_in_without_a_pool(database: str) -> None:
    town = Town()
    _, said = town.log_in(user="root", database=database)
    admit = only(said, Admit)
    assert (admit.pool, admit.settings) == (0, [])
    assert ("S", b"server_version\x001.2.3\0") in messages_in(admit.greeting)
    asked = PlanNeeded(1, b"k" * 16, admit.base, [], None, [], True, b"SHOW POOLS")
    assert only(town.handle(asked), Learn).plan.action == "answer"


def test_others_do_not(town: Consoled) -> None:
    assert refusal(town.log_in(user="app", database="articdbm")[1])[0] == "42501"


def test_who_may_only_look_changes_nothing() -> None:
    town = Consoled(changed(SNAPSHOT, admin=Admin(users=("root",), stats_users=("clerk",))))
    clerk = town.admit("clerk").base
    assert done(town.say("SHOW POOLS", clerk)) == "SHOW"
    for order in ("PAUSE", "KILL shop", "SHOW FDS", "SET log.level = debug", "SHUTDOWN"):
        commands = town.say(order, clerk)
        assert error(commands)[0] == "42501"
        assert len(commands) == 1
    assert town.hand.wait(1.0) == []
    assert town.ended == []


def test_nobody_known_is_told_nothing(town: Consoled) -> None:
    shop = only(town.log_in(user="app", database="shop")[1], Admit).base
    # In a database only what LISTEN is about is answered.
    for base, code in ((shop, "0A000"), (999, "42501")):
        assert error(town.say("SHOW POOLS", base))[0] == code


# --- what it shows -------------------------------------------------------------------------------


def test_pools(town: Consoled) -> None:
    for text in ("SHOW POOLS", " show  pools ;\n"):
        assert ask(town, text) == [
            [
                "shop",
                "app",
                "5",
                "1",
                "0",
                "0",
                "4",
                "0",
                "0",
                "5",
                "0",
                "0",
                "0",
                "2",
                "500000",
                "transaction",
            ]
        ]


def test_averages_are_of_the_last_minute(town: Consoled) -> None:
    town.hand.wait(10)
    totals = ["50", "100", "1000", "2000", "300000", "200000", "5000"]
    books = ["books", *["0"] * 7]
    assert ask(town, "SHOW STATS_TOTALS") == [books, ["shop", *totals]]
    assert ask(town, "SHOW STATS_AVERAGES")[1] == ["shop", "5", "10", "100", "200", "6000", "2000", "500"]
    town.hand.wait(100)
    town.pool_figures = [SimpleNamespace(**vars(POOL) | {"statements": 300, "served_us": 1_200_000})]
    assert ask(town, "SHOW STATS")[1][8:] == ["0", "2", "0", "0", "0", "5000", "0"]


def test_samples_are_few_however_often_somebody_asks() -> None:
    averages = Averages(0.0)
    for tick in range(100_000):
        averages.since(tick / 100, {"shop": (tick,)})
    seconds, grown = averages.since(1000.0, {"shop": (100_000,)})
    assert 60 <= seconds < 62
    assert grown["shop"][0] == pytest.approx(100 * seconds, abs=100)
    assert len(averages._samples) < 64


def test_the_rest(town: Consoled) -> None:
    assert ["plan_p99_us", "200"] in ask(town, "SHOW TOTALS")
    assert ask(town, "SHOW PINS") == [["temporary table", "7", "5", "1"], ["listen", "1", "0", "1"]]
    assert ask(town, "SHOW VERSION") == [["PgBouncer 1.18.0 console of ArticDBM 1.2.3"]]
    assert "RELOAD" in [command for command, _ in ask(town, "SHOW HELP")]
    assert ask(town, "SHOW MEM")[0] == ["client_cache", "440", "6", "0", "2640"]
    assert ask(town, "SHOW SHARING")[0][:9] == [
        "shop", "app", "transaction", "yes", "16", "100", "60", "60.0", "1",
    ]  # fmt: skip
    assert ask(town, "SHOW WAITS") == [
        ["shop", "app", "1", "2500000", "100", "5000", "10", "100", "100", "100"]
    ]


def test_config_without_secrets(town: Consoled) -> None:
    shown = {row[0]: row[1:] for row in ask(town, "SHOW CONFIG")}
    assert shown["clusters[main].servers[0].address"] == ["127.0.0.1:5001", "", "no"]
    assert shown["users[app].password"] == ["(written in the file)", "", "no"]
    assert shown["clusters[main].pool.size"] == ["20", "", "yes"]
    assert shown["limits.login_attempts"] == ["3", "30", "yes"]
    assert shown["max_client_conn"] == ["10000", "10000", "no"]
    assert PASSWORD not in str(shown)


# --- lists ---------------------------------------------------------------------------------------


def client(conn: int, base: int) -> ClientRow:
    return ClientRow(
        conn, 1, base, "idle", "[::1]:77", "unix", 9, 1_000_000, 0, 0, None, "", "'it''s'", 2, False, 0, 0
    )


def test_a_list_is_shown_when_every_carrier_has_answered(town: Consoled) -> None:
    ticket = only(town.say("SHOW CLIENTS"), List).ticket
    assert town.handle(Listed(ticket, 2, [client(0, town.base), client(4, 0)], [], [])) == []
    assert town.handle(Listed(ticket + 9, 1, [], [], [])) == []
    commands = town.handle(Listed(ticket, 2, [client(1 << 56, town.base)], [], []))
    rows = [body for kind, body in messages_in(answer(commands)) if kind == "D"]
    assert len(rows) == 2, "who is not logged in yet is not among them"
    for shown in (b"root", b"articdbm", b"::1", b"it's", b"2027-01-15 07:59:59 UTC"):
        assert shown in rows[0]
    assert town.hand.wait(PATIENCE) == []


def test_a_carrier_that_never_answers(town: Consoled) -> None:
    ticket = only(town.say("SHOW CLIENTS"), List).ticket
    assert error(town.hand.wait(PATIENCE))[0] == "55000"
    assert town.handle(Listed(ticket, 1, [], [], [])) == []


def test_lists_under_way_are_bounded(town: Consoled) -> None:
    for _ in range(MOST):
        only(town.say("SHOW SERVERS"), List)
    assert error(town.say("SHOW SERVERS"))[0] == "55000"


def test_one_client_is_killed_and_no_other(town: Consoled) -> None:
    ticket = only(town.say("KILL_CLIENT 7"), List).ticket
    close, reply = town.handle(Listed(ticket, 1, [client(7, town.base), client(8, town.base)], [], []))
    assert isinstance(close, Close)
    assert (close.conn, error_in(close.data)["C"]) == (7, "57P01")
    assert done([reply]) == "KILL_CLIENT"
    ticket = only(town.say("KILL_CLIENT 7"), List).ticket
    assert error(town.handle(Listed(ticket, 1, [client(8, town.base)], [], [])))[0] == "42704"


# --- orders --------------------------------------------------------------------------------------


def test_pause_is_answered_when_no_connection_is_left(town: Consoled) -> None:
    assert kinds(town.say("PAUSE shop")) == [(Hold, 1, "paused")]
    assert town.hand.wait(10 * LOOK_AGAIN) == []
    town.pool_figures = [SimpleNamespace(**vars(POOL) | {"servers_active": 0, "servers_idle": 0})]
    assert done(town.hand.wait(SELDOM)) == "PAUSE"
    assert town.hand.wait(1) == []
    # The pool of a user who comes now is held from its beginning, and no server is dialled for it.
    commands = town.log_in(user="clerk", database="shop")[1]
    assert kinds(commands) == [(OpenPool, 2, None), (Hold, 2, "paused")]
    assert town.say("RESUME shop")[:2] != []
    assert not town.rooms.pools.holds.paused("shop")


def test_commands_that_wait_are_bounded_and_a_place_is_free_again(town: Consoled) -> None:
    for _ in range(MOST):
        assert kinds(town.say("PAUSE shop")) == [(Hold, 1, "paused")]
    assert error(town.say("PAUSE shop"))[0] == "55000"
    town.say("RESUME shop")
    ended = town.hand.wait(LOOK_AGAIN)
    assert len(ended) == MOST
    assert {error([one])[1] for one in ended} == {"it was resumed meanwhile"}
    assert kinds(town.say("PAUSE shop")) == [(Hold, 1, "paused")]


def test_kill_pauses_first(town: Consoled) -> None:
    commands = town.say("KILL shop")
    assert kinds(commands)[:2] == [(Hold, 1, "paused"), (Kill, 1, None)]
    assert done(commands) == "KILL"
    assert kinds(town.say("KILL books"))[:-1] == []


def test_reconnect(town: Consoled) -> None:
    assert kinds(town.say("RECONNECT"))[:-1] == [(Recycle, 1, None)]
    assert kinds(town.say("RECONNECT books"))[:-1] == []


def test_disable_and_enable(town: Consoled) -> None:
    assert done(town.say("DISABLE shop")) == "DISABLE"
    assert refusal(town.log_in(user="app", database="shop")[1])[0] == "55000"
    assert done(town.say("ENABLE shop")) == "ENABLE"
    assert only(town.log_in(user="app", database="shop")[1], Admit).pool == 1


EVERY = Database(name="*", cluster="main")
WILD = changed(SNAPSHOT, databases=(changed(SNAPSHOT.databases[0], aliases=("store",)), EVERY))


def warning(commands: list[Any]) -> str:
    """The warning before the answer."""
    ((_, body),) = [one for one in messages_in(answer(commands)) if one[0] == "N"]
    return error_in(messages.frame(b"E", body))["M"]


def databases(town: Consoled) -> list[list[str]]:
    """Names, and whether they are paused and disabled."""
    return [[row[0], *row[-2:]] for row in ask(town, "SHOW DATABASES")[1:]]


@pytest.mark.parametrize("order", ["PAUSE", "KILL", "DISABLE", "RECONNECT", "WAIT_CLOSE"])
def test_an_order_for_a_name_that_nobody_used_is_carried_out_with_a_warning(order: str) -> None:
    town = Consoled(WILD)
    commands = town.say(f"{order} nosuch")
    assert done(commands) == order
    assert warning(commands).startswith('nobody has used database "nosuch" since the start')
    held = {"PAUSE": ["1", "0"], "KILL": ["1", "0"], "DISABLE": ["0", "1"]}.get(order)
    assert databases(town) == [["shop", "0", "0"], ["*", "0", "0"], *([["nosuch", *held]] if held else [])]
    # Said again it is no slip, nor is what somebody uses.
    assert ("N" in [kind for kind, _ in messages_in(answer(town.say(f"{order} nosuch")))]) == (held is None)
    town.log_in(user="app", database="tenant")
    assert "N" not in [kind for kind, _ in messages_in(answer(town.say(f"{order} tenant")))]


def test_what_nobody_used_cannot_be_resumed_or_enabled() -> None:
    town = Consoled(WILD)
    for order in ("RESUME", "ENABLE"):
        assert error(town.say(f"{order} nosuch")) == ("42704", "no such database: nosuch")
    for order, back in (("PAUSE", "RESUME"), ("DISABLE", "ENABLE")):
        town.say(f'{order} "no such"')
        assert done(town.say(f'{back} "no such"')) == back


def test_a_suspend_that_is_refused_says_what_is_paused() -> None:
    town = Consoled(WILD)
    for name in ("shop", '"no such"'):
        town.say(f"PAUSE {name}")
    data = answer(town.say("SUSPEND"))
    assert error_in(data[: data.rindex(b"Z\0\0\0\5")])["H"] == 'RESUME them first: "no such", shop.'


def test_an_alias_is_the_database() -> None:
    town = Consoled(WILD)
    assert kinds(town.say("PAUSE store")) == [(Hold, 1, "paused")]
    assert databases(town)[0] == ["shop", "1", "0"]
    assert done(town.say("RESUME store")) == "RESUME"
    assert done(town.say("DISABLE store")) == "DISABLE"
    assert refusal(town.log_in(user="app", database="shop")[1])[0] == "55000"
    assert done(town.say("ENABLE store")) == "ENABLE"
    assert kinds(town.say("KILL store"))[1] == (Kill, 1, None)
    assert kinds(town.say("RECONNECT store"))[0] == (Recycle, 1, None)


def test_what_a_reload_took_away_can_still_be_resumed(town: Consoled) -> None:
    town.say("PAUSE books")
    town.next = lambda: loaded(changed(SNAPSHOT, databases=SNAPSHOT.databases[:1]))
    town.say("RELOAD")
    assert error(town.say("SUSPEND"))[0] == "55000"
    assert done(town.say("RESUME books")) == "RESUME"
    assert error(town.say("RESUME books"))[0] == "42704"


def test_orders_are_logged_and_values_are_not(town: Consoled, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for text in ("SHOW POOLS", "DISABLE shop", "SET databases[shop].pool.size = 17"):
        town.say(text)
    orders = [record for record in caplog.records if record.message == "an order of the console"]
    assert [record.__dict__["facts"] for record in orders] == [
        {"user": "root", "order": "DISABLE", "about": "shop"},
        {"user": "root", "order": "SET", "about": "databases[shop].pool.size"},
    ]


def test_a_setting_holds_until_the_next_reload(town: Consoled) -> None:
    commands = town.say("SET databases[shop].pool.size = 7")
    assert done(commands) == "SET"
    assert [one.size for one in commands if isinstance(one, OpenPool)] == [7]
    assert ["set databases[shop].pool.size", "7"] in ask(town, "SHOW SNAPSHOT")
    commands = town.say("RELOAD")
    assert [one.size for one in commands if isinstance(one, OpenPool)] == [20]
    assert not [row for row in ask(town, "SHOW SNAPSHOT") if row[0].startswith("set ")]


@pytest.mark.parametrize(
    ("order", "how"),
    [("SHUTDOWN", "now"), ("shutdown wait_for_clients", "clients"), ("SHUTDOWN WAIT_FOR_SERVERS", "servers")],
)
def test_the_end_comes_after_the_answer(town: Consoled, order: str, how: str) -> None:
    assert done(town.say(order)) == "SHUTDOWN"
    assert town.ended == []
    town.hand.wait(1)
    assert town.ended == [how]


def test_reload_accepted(town: Consoled) -> None:
    commands = town.say("RELOAD;")
    assert done(commands) == "RELOAD"


def test_reload_refused(town: Consoled) -> None:
    def broken() -> Loaded:
        raise ConfigError([Problem(file="a.toml", line=3, key="x", what="unknown key", fix="remove it")])

    town.next = broken
    assert "a.toml:3" in error(town.say("RELOAD"))[1]
    assert town.rooms.directory.snapshot is SNAPSHOT


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", ";", "SELECT 1", "SHOW POOLS; SHOW STATS", "\0", "SET", "SET a", "SHOW", "PAUSE a b"]
)
def test_everything_else_is_an_error_and_the_session_lives(town: Consoled, text: str) -> None:
    assert error(town.say(text))[0] == "42601"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b" show\tpools ; ", ("show", "pools")),
        (b'PAUSE "odd ""name"', ("PAUSE", 'odd "name')),
        (b"set a.b[c].d=5", ("SET", "a.b[c].d", "5")),
        (b"SET a = 'it''s; so'", ("SET", "a", "it's; so")),
        (b"SET a TO 5s;", ("SET", "a", "5s")),
        (b"PAUSE 'shop'", None),
        (b'PAUSE "shop', None),
        (b'PAUSE "a"b', None),
        (b"\xff", None),
        (b"x" * (LONGEST + 1), None),
    ],
)  # fmt: skip
def test_words(text: bytes, words: tuple[str, ...] | None) -> None:
    assert read(text) == words
