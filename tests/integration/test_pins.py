"""A pin lasts as long as what it is for: two clients, one connection, and the state that ties one of them to it.

Whether a client is tied is read from SHOW PINS after one more statement of its own, which goes behind the question that
the proxy may have put to the server. Whether it was let go, from another client being served.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.integration import console, house
from tests.integration.conftest import Front
from tests.integration.console import Console
from tests.integration.wire import (
    SYNC,
    Line,
    bind,
    describe_portal,
    execute,
    parse,
    query,
    rows,
)
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = console.ADMIN
ALONE = "alone"
LOCKS, TEMPORARY, HELD, NAMED = "advisory lock", "temporary table", "held cursor", "sql-prepare"


@pytest.fixture(scope="module")
def proxy(server: PostgresServer, front: Front) -> Proxy:
    pools = {ALONE: "{ size = 1, sharing = false }"}
    return front(house.configuration(server, pools=pools, more=console.RIGHTS))


class Town:
    """Two clients of a pool of one connection, and the console."""

    def __init__(self, first: Line, second: Line, pins: Console) -> None:
        self.first = first
        self.second = second
        self.pins = pins
        self.before = self.figures()

    def figures(self) -> dict[str, tuple[int, int, int]]:
        return {
            row["reason"]: (row["connections"], row["ended"], row["alive"])
            for row in self.pins.rows("SHOW PINS")
        }

    def alive(self) -> set[str]:
        """Why the first client is tied to the connection."""
        assert rows(self.first.ask(query("SELECT 'behind'"))) == [("behind",)]
        return {reason for reason, (_, _, alive) in self.figures().items() if alive}

    def is_free(self) -> None:
        """The other is served, and finds nothing of the first."""
        assert self.alive() == set()
        found = self.second.ask(
            query(
                "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
                " (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),"
                " (SELECT count(*) FROM pg_cursors WHERE is_holdable),"
                " (SELECT count(*) FROM pg_listening_channels())"
            )
        )
        assert rows(found) == [("0", "0", "0", "0")], found


@pytest.fixture
def town(proxy: Proxy) -> Iterator[Town]:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(proxy.host, proxy.port)) for _ in range(2)]
        for line in lines:
            line.log_in(USER, ALONE)
        first, second = lines
        yield Town(first, second, stack.enter_context(console.opened(proxy.port)))


def simply(line: Line, text: str) -> None:
    line.ask(query(text))


def extended(line: Line, text: str) -> None:
    line.ask(parse("", text) + bind() + describe_portal() + execute() + SYNC)


Say = Callable[[Line, str], None]
PINNED = "pinned: "
Steps = Sequence[str]
CASES: Sequence[tuple[str, str, Steps]] = [
    (LOCKS, "as many unlocks as locks", ["SELECT pg_advisory_lock(7)", "SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)", "-", "SELECT pg_advisory_unlock(7)"]),
    (LOCKS, "shared ones", ["SELECT pg_advisory_lock_shared(1, 2)", "SELECT pg_advisory_unlock(1, 2)", "-", "SELECT pg_advisory_unlock_shared(1, 2)"]),
    (LOCKS, "all at once", ["SELECT pg_advisory_lock(n) FROM generate_series(1, 50) n", "SELECT pg_advisory_unlock(3)", "-", "SELECT pg_advisory_unlock_all()"]),
    (LOCKS, "over rows", ["SELECT pg_advisory_lock(n) FROM generate_series(1, 5) n", "SELECT pg_advisory_unlock(n) FROM generate_series(1, 4) n", "-", "SELECT count(pg_advisory_unlock(n)) FROM generate_series(5, 9) n"]),
    (LOCKS, "taken in a transaction that is rolled back it stays", ["BEGIN", "SELECT pg_advisory_lock(7)", "ROLLBACK", "-", "SELECT pg_advisory_unlock(7)"]),
    (LOCKS, "unlocked in a transaction that is rolled back it is gone", ["SELECT pg_advisory_lock(7)", "BEGIN", "SELECT pg_advisory_unlock(7)", "ROLLBACK"]),
    (LOCKS, "taken before an error it stays", ["SELECT pg_advisory_lock(7), 1 / (random() * 0)::int", "-", "SELECT pg_advisory_unlock(7)"]),
    (LOCKS, "several statements of a text", ["SELECT pg_advisory_lock(7); SELECT 1", "-", "SELECT pg_advisory_unlock(7); SELECT 1"]),
    (LOCKS, "discard all", ["SELECT pg_advisory_lock(7)", "DISCARD ALL"]),
    (TEMPORARY, "dropped", ["CREATE TEMP TABLE a (x int)", "CREATE TEMP VIEW v AS SELECT 1", "DROP VIEW v", "-", "DROP TABLE a"]),
    (TEMPORARY, "rolled back", ["BEGIN", "CREATE TEMP TABLE a (x int)", "-", "ROLLBACK"]),
    (TEMPORARY, "on commit drop", ["BEGIN", "CREATE TEMP TABLE a ON COMMIT DROP AS SELECT 1", "-", "COMMIT"]),
    (TEMPORARY, "on commit drop outside a transaction", ["CREATE TEMP TABLE a (x int) ON COMMIT DROP"]),
    (TEMPORARY, "discard temp", ["SELECT 1 AS x INTO TEMP a", "-", "DISCARD TEMP"]),
    (TEMPORARY, "a sequence", ["CREATE TEMP SEQUENCE s", "-", "DROP SEQUENCE s"]),
    (TEMPORARY, "a function and a type in pg_temp", ["CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE TYPE pg_temp.t AS ENUM ('a')", "DROP FUNCTION pg_temp.f()", "-", "DROP TYPE pg_temp.t"]),
    (TEMPORARY, "that failed", ["CREATE TEMP TABLE a (x nonsense)"]),
    (TEMPORARY, "made and undone in one text", ["BEGIN; CREATE TEMP TABLE a (x int); ROLLBACK"]),
    (TEMPORARY, "a savepoint's", ["BEGIN", "SAVEPOINT a", "CREATE TEMP TABLE a (x int)", "ROLLBACK TO a", "COMMIT"]),
    (HELD, "closed", ["DECLARE c CURSOR WITH HOLD FOR SELECT 1", "DECLARE d CURSOR WITH HOLD FOR SELECT 1", "CLOSE c", "-", "CLOSE d"]),
    (HELD, "close all", ["BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "COMMIT", "-", "CLOSE ALL"]),
    (HELD, "rolled back", ["BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "-", "ROLLBACK"]),
    (NAMED, "deallocated", ["PREPARE a AS SELECT 1; PREPARE b AS SELECT 2", "DEALLOCATE a", "-", "DEALLOCATE b"]),
    (NAMED, "all deallocated", ["SELECT 1; PREPARE a AS SELECT 1", "-", "DEALLOCATE ALL"]),
]  # fmt: skip


@pytest.mark.parametrize("say", [simply, extended])
@pytest.mark.parametrize(("reason", "how", "steps"), CASES, ids=[how for _, how, _ in CASES])
def test_a_pin_ends_with_its_state_and_not_before(
    town: Town, reason: str, how: str, steps: Steps, say: object
) -> None:
    taken = town.before.get(reason, (0, 0, 0))
    for step in steps:
        if step == "-":
            assert town.alive() == {reason}, how
        elif say is simply or ";" in step:
            simply(town.first, step)
        else:
            extended(town.first, step)
    town.is_free()
    connections, ended, alive = town.figures()[reason]
    assert connections - taken[0] == ended - taken[1] >= 1
    assert alive == 0


def test_the_last_of_several_reasons_decides(town: Town) -> None:
    simply(town.first, "SELECT pg_advisory_lock(7), pg_advisory_lock(8)")
    simply(
        town.first, "BEGIN; CREATE TEMP TABLE a AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT"
    )
    assert town.alive() == {LOCKS, TEMPORARY, HELD}
    simply(town.first, "DROP TABLE a")
    assert town.alive() == {LOCKS, HELD}
    simply(town.first, "SELECT pg_advisory_unlock_all()")
    assert town.alive() == {HELD}
    simply(town.first, "CLOSE c")
    town.is_free()


def test_what_the_server_cannot_be_asked_for_stays(town: Town) -> None:
    simply(town.first, "CREATE SEQUENCE counted")
    simply(town.first, "SELECT nextval('counted'), currval('counted'), pg_advisory_lock(7)")
    simply(town.first, "SELECT pg_advisory_unlock(7)")
    assert "sequence state" in town.alive()
    simply(town.first, "DROP SEQUENCE counted")
    simply(town.first, "DISCARD ALL")
    town.is_free()


def test_a_prepared_lock_ties_whoever_runs_it(town: Town) -> None:
    town.first.ask(parse("locks", "SELECT pg_advisory_lock(7)") + SYNC)
    assert town.alive() == set()
    simply(town.first, "EXECUTE locks")
    assert town.alive() == {LOCKS}
    simply(town.first, "SELECT pg_advisory_unlock(7)")
    town.is_free()
    simply(town.first, "PREPARE other AS SELECT pg_advisory_lock(8)")
    simply(town.first, "EXECUTE other")
    assert town.alive() == {NAMED, "prepared effect"}
    simply(town.first, "SELECT pg_advisory_unlock(8)")
    simply(town.first, "DEALLOCATE other")
    assert "prepared effect" in town.alive()
    simply(town.first, "DISCARD ALL")
    town.is_free()


def test_a_temporary_table_from_a_prepared_statement(town: Town) -> None:
    simply(town.first, "PREPARE one AS SELECT 1 AS x")
    simply(town.first, "CREATE TEMP TABLE made AS EXECUTE one")
    assert town.alive() == {TEMPORARY}
    simply(town.first, "DROP TABLE made")
    town.is_free()


def test_a_temporary_table_hides_another_from_its_client_alone(town: Town) -> None:
    asked = parse("", "SELECT * FROM hidden") + bind() + execute() + SYNC
    named = parse("seen", "SELECT * FROM hidden") + bind("", "seen") + execute() + SYNC
    simply(town.first, "CREATE TABLE hidden AS SELECT 'public' AS which")
    try:
        # Prepared by content, it is known to the connection as what it was for the other client.
        assert rows(town.second.ask(named)) == [("public",)]
        simply(town.first, "CREATE TEMP TABLE hidden AS SELECT 'own' AS which, 1 AS more")
        assert rows(town.first.ask(asked)) == rows(town.first.ask(named)) == [("own", "1")]
        simply(town.first, "DROP TABLE pg_temp.hidden")
        assert town.alive() == set()
        # In a transaction nothing could be prepared anew unnoticed.
        simply(town.second, "BEGIN")
        assert rows(town.second.ask(bind("", "seen") + execute() + SYNC)) == [("public",)]
        simply(town.second, "COMMIT")
        assert rows(town.first.ask(bind("", "seen") + execute() + SYNC)) == [("public",)]
    finally:
        simply(town.first, "ROLLBACK; DROP TABLE IF EXISTS pg_temp.hidden; DROP TABLE public.hidden")


def test_who_leaves_right_after_leaves_the_connection(town: Town, proxy: Proxy) -> None:
    def backend(line: Line) -> object:
        return rows(line.ask(query("SELECT pg_backend_pid()")))

    before = backend(town.second)
    for _ in range(20):
        with Line(proxy.host, proxy.port) as line:
            line.log_in(USER, ALONE)
            simply(line, "SELECT pg_advisory_lock(7)")
            simply(line, "SELECT pg_advisory_unlock(7)")
        assert backend(town.second) == before


def test_what_no_discard_takes_back_ends_with_its_client(town: Town, proxy: Proxy) -> None:
    def backend(line: Line) -> object:
        return rows(line.ask(query("SELECT pg_backend_pid()")))

    before = backend(town.second)
    with Line(proxy.host, proxy.port) as line:
        line.log_in(USER, ALONE)
        simply(line, "SELECT setseed(0.5)")
    assert backend(town.second) != before
    before = backend(town.second)
    with Line(proxy.host, proxy.port) as line:
        line.log_in(USER, ALONE)
        simply(line, "SELECT pg_advisory_lock(7)")
    assert backend(town.second) == before


def test_what_is_sent_behind_the_question_is_answered_in_order(town: Town) -> None:
    """A pipeline that takes and gives back, over and over, is the same as without us."""
    steps = [
        "SELECT pg_advisory_lock(7)", "SELECT 'locked'", "SELECT pg_advisory_unlock(7)", "SELECT 'free'",
        "CREATE TEMP TABLE a (x int)", "INSERT INTO a VALUES (1) RETURNING x", "DROP TABLE a",
    ]  # fmt: skip
    town.first.send(b"".join(query(step) for _ in range(20) for step in steps))
    said = [rows(town.first.until("Z")) for _ in range(20) for _ in steps]
    assert said == [[("",)], [("locked",)], [("t",)], [("free",)], [], [("1",)], []] * 20
    town.is_free()


@pytest.mark.parametrize("say", [simply, extended])
@pytest.mark.parametrize("slip", ["SELEC 1", "SELECT 1 FRO a b c", "frobnicate"])
def test_a_slip_of_the_pen_ties_nobody(town: Town, slip: str, say: Say) -> None:
    say(town.first, slip)
    town.is_free()


@pytest.mark.parametrize("say", [simply, extended])
def test_a_slip_excuses_nothing_that_came_before(town: Town, say: Say) -> None:
    for text in ("SELECT pg_advisory_lock(1)", "SELEC 1"):
        say(town.first, text)
    assert town.alive() == {LOCKS}
    # What a block has put together cannot be read, and what came before it has been done.
    block = "DO $$ BEGIN PERFORM pg_advisory_lock(2); EXECUTE 'SELEC 1'; END $$"
    say(town.first, "SELECT pg_advisory_unlock_all()")
    say(town.first, block)
    assert town.alive()
