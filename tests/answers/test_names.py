"""Prepared statements and portals have one set of names each, whether SQL or the protocol gives them; cursors cost little."""

import tracemalloc
from pathlib import Path

import pytest

from proxy.answers.conversation import Conversation
from proxy.answers.sqlite.database import Database
from proxy.answers.sqlite.session import Session
from tests.integration import wire


class Talk:
    """A conversation, and what it says: the kinds of messages, codes of errors, texts of rows."""

    def __init__(self, database: Database) -> None:
        self.session: Session = database.open("app", {"database": "x"})
        self.conversation = Conversation(self.session)

    def say(self, data: bytes) -> str:
        said: list[str] = []
        while data:
            size = 1 + int.from_bytes(data[1:5], "big")
            out = b"".join(self.conversation.hear(data[:1], data[5:size]))
            data = data[size:]
            while out:
                size = 1 + int.from_bytes(out[1:5], "big")
                kind, body = chr(out[0]), out[5:size]
                out = out[size:]
                if kind == "E":
                    kind += next(one[1:] for one in body.split(b"\0") if one[:1] == b"C").decode()
                if kind == "D":
                    kind += body[6:].decode(errors="replace")
                if kind == "C":
                    kind += body[:-1].decode()
                said.append(kind)
        return " ".join(said)

    def ask(self, text: str) -> str:
        return self.say(wire.query(text))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "x.db")


def test_statements_have_one_set_of_names(database: Database) -> None:
    talk = Talk(database)
    assert talk.say(wire.parse("p", "SELECT $1::int + 1") + wire.SYNC) == "1 Z"
    assert talk.ask("EXECUTE p(41)") == "T D42 CSELECT 1 Z"
    assert talk.ask("PREPARE p AS SELECT 1") == "E42P05 Z"
    assert talk.ask("DEALLOCATE p") == "CDEALLOCATE Z"
    assert talk.say(wire.bind("", "p", [b"1"]) + wire.SYNC) == "E26000 Z"
    assert talk.ask("PREPARE p (int) AS SELECT $1 * 2") == "CPREPARE Z"
    assert talk.say(wire.describe_statement("p") + wire.bind("", "p", [b"21"]) + wire.execute() + wire.SYNC) == "t T 2 D42 CSELECT 1 Z"  # fmt: skip
    assert talk.say(wire.parse("p", "SELECT 1") + wire.SYNC) == "E42P05 Z"
    assert talk.say(wire.close_statement("p") + wire.SYNC) == "3 Z"
    assert talk.ask("EXECUTE p(1)") == "E26000 Z"


def test_what_sql_names_is_described_and_run_by_the_protocol(database: Database) -> None:
    talk = Talk(database)
    talk.ask("PREPARE p (int) AS SELECT $1 AS x")
    asked = wire.parse("", "EXECUTE p(7)") + wire.bind() + wire.describe_portal() + wire.execute() + wire.SYNC
    assert talk.say(asked) == "1 2 T D7 CSELECT 1 Z"
    for text, tag in (("PREPARE q AS SELECT 1", "CPREPARE"), ("DEALLOCATE q", "CDEALLOCATE"), ("DISCARD ALL", "CDISCARD ALL")):  # fmt: skip
        asked = wire.parse("", text) + wire.bind() + wire.describe_portal() + wire.execute() + wire.SYNC
        assert talk.say(asked) == f"1 2 n {tag} Z"
    assert talk.ask("EXECUTE p(7)") == "E26000 Z"


def test_a_statement_that_runs_itself_is_refused(database: Database) -> None:
    talk = Talk(database)
    assert talk.say(wire.parse("p", "EXECUTE p") + wire.SYNC) == "1 Z"
    assert talk.ask("EXECUTE p") == "E0A000 Z"


def test_portals_and_cursors_have_one_set_of_names(database: Database) -> None:
    talk = Talk(database)
    assert talk.ask("BEGIN; DECLARE c CURSOR FOR VALUES (1), (2), (3), (4)") == "CBEGIN CDECLARE CURSOR Z"
    assert talk.say(wire.describe_portal("c") + wire.execute("c", 1) + wire.SYNC) == "T D1 s Z"
    assert talk.ask("FETCH c") == "T D2 CFETCH 1 Z"
    asked = (
        wire.parse("", "FETCH 1 FROM c") + wire.bind() + wire.describe_portal() + wire.execute() + wire.SYNC
    )
    assert talk.say(asked) == "1 2 T D3 CFETCH 1 Z"
    assert talk.say(wire.parse("s", "VALUES (7), (8)") + wire.bind("d", "s") + wire.SYNC) == "1 2 Z"
    assert talk.ask("FETCH ALL FROM d") == "T D7 D8 CFETCH 2 Z"
    assert talk.ask("CLOSE d") == "CCLOSE CURSOR Z"
    assert talk.say(wire.close_portal("c") + wire.SYNC) == "3 Z"
    assert talk.ask("FETCH c") == "E34000 Z"


def test_a_cursor_takes_parameters(database: Database) -> None:
    talk = Talk(database)
    talk.ask("BEGIN")
    asked = wire.parse("", "DECLARE c CURSOR FOR SELECT $1::int + g FROM generate_series(1, 3) g")
    assert talk.say(asked + wire.bind(values=[b"10"]) + wire.execute() + wire.SYNC) == "1 2 CDECLARE CURSOR Z"
    assert talk.ask("FETCH ALL FROM c") == "T D11 D12 D13 CFETCH 3 Z"


def test_a_cursor_that_is_read_holds_up_nobody_and_sees_its_own_state(database: Database) -> None:
    one, other = Talk(database), Talk(database)
    one.ask("CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2), (3)")
    one.ask("BEGIN; DECLARE c CURSOR FOR SELECT i FROM t ORDER BY i")
    assert one.ask("FETCH c") == "T D1 CFETCH 1 Z"
    assert other.ask("UPDATE t SET i = i + 10") == "CUPDATE 3 Z"
    assert one.ask("SELECT min(i) FROM t") == "T D11 CSELECT 1 Z"
    assert one.ask("DELETE FROM t") == "CDELETE 3 Z"
    assert one.ask("FETCH ALL FROM c") == "T D2 D3 CFETCH 2 Z"
    assert one.ask("COMMIT") == "CCOMMIT Z"


def test_many_rows_put_aside_cost_little_memory(database: Database) -> None:
    talk = Talk(database)
    talk.ask("CREATE TABLE t (i int, s text)")
    talk.ask("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) g")
    talk.ask("BEGIN; DECLARE c CURSOR FOR SELECT i, s FROM t ORDER BY i; FETCH 1 FROM c")
    tracemalloc.start()
    try:
        talk.ask("UPDATE t SET i = -i")
        assert talk.ask("MOVE 19998 FROM c") == "CMOVE 19998 Z"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
    assert talk.ask("MOVE ALL FROM c") == "CMOVE 1 Z"
