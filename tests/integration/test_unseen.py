"""What a client may hide from whoever judges its statements: in an encoding, behind a setting, in a unit, by size."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.articdbm.offering import offer
from tests.integration.house import configuration, environment
from tests.integration.wire import (
    SYNC,
    Line,
    Message,
    bind,
    error,
    execute,
    function_call,
    kinds,
    parse,
    query,
    rows,
)
from tests.servers import ports, proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import ROOT, Proxy

USER = "app_trust"
PLUGIN = """
from plugins.api import Plugin
from plugins.model import Source

class Closed(Plugin):
    name, stage, guards, needs_catalogue = "closed", "rights", True, True
    def plan(self, statement, scope, plan):
        secret = Source("sec", "t")
        if statement.reading.reads.possibly(secret) or statement.reading.writes.possibly(secret):
            return plan.denied(self.name, "closed", "reads it", code="42501", message="closed")
        return plan
"""
SECRETS = """
    CREATE SCHEMA sec; CREATE TABLE sec.t (a text); INSERT INTO sec.t VALUES ('SECRET');
    CREATE TABLE t (a text); INSERT INTO t VALUES ('public');
    CREATE SCHEMA k; CREATE TABLE k.t (a text); INSERT INTO k.t VALUES ('harmless');
    GRANT USAGE ON SCHEMA sec, k TO PUBLIC; GRANT ALL ON t, sec.t, k.t TO PUBLIC;
    CREATE ROLE sec; CREATE ROLE neighbour; GRANT sec, neighbour TO app_trust;
"""
READ = "SELECT * FROM t"
PATH = "SET search_path = sec"
CONFIG = "SELECT set_config('search_path', 'sec', false)"
HIDDEN = "SELECT E'\u3043\\', (SELECT a FROM sec.t) --'"
"""In UTF-8 the backslash stands before the quote; in SJIS it is the second half of a character."""
LOCK_OFF = r"SELECT 'a\', ', pg_advisory_lock(7) --'"
LOCK_ON = r"SELECT 'a\', pg_advisory_lock(7), '--'"
OFF = "SET standard_conforming_strings = off"


@pytest.fixture(scope="module")
def front(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxy.start(
        configuration(postgres_server), tmp_path_factory.mktemp("plain"), environment()
    ) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    directory = tmp_path_factory.mktemp("guarded")
    site = offer(directory / "site", "closed_module", "closed = closed_module:Closed", text=PLUGIN)
    config = configuration(
        postgres_server, limits='max_statement = "64KiB"', more='[plugins]\nload = ["closed"]\n'
    )
    postgres_server.execute(SECRETS)
    try:
        with proxy.start(config, directory, environment() | {"PYTHONPATH": f"{ROOT}:{site}"}) as found:
            yield found
    finally:
        postgres_server.execute("DROP SCHEMA sec, k CASCADE; DROP TABLE t; DROP ROLE sec, neighbour")


def opened(front: Proxy, database: str = "shop", **parameters: str) -> Line:
    line = Line(front.host, front.port)
    line.log_in(USER, database, parameters)
    return line


def whole(*messages: bytes) -> bytes:
    return b"".join(messages) + SYNC


def run(text: str, name: str = "") -> bytes:
    return parse(name, text) + bind("", name) + execute()


UNSEEN: dict[str, tuple[dict[str, str], tuple[bytes, ...]]] = {
    "control": ({}, (query("SELECT * FROM sec.t"),)),
    "another path": ({}, (query("SET search_path = sec"), query(READ))),
    "encoding at the start": ({"client_encoding": "SJIS"}, (query(HIDDEN),)),
    "encoding set": ({}, (query("SET NAMES 'GBK'"), query(HIDDEN))),
    "encoding in the unit": ({}, (whole(run("SET client_encoding = 'SJIS'"), run(HIDDEN)),)),
    "encoding for a transaction": ({}, (query("BEGIN"), query("SET LOCAL client_encoding = 'SJIS'"), query(HIDDEN))),
    "path for a transaction": ({}, (query("BEGIN"), query("SET LOCAL search_path = sec"), query(READ))),
    "set_config for a transaction": (
        {}, (query("BEGIN"), query("SELECT set_config('search_path', 'sec', true)"), query(READ)),
    ),
    "set_config computed": ({}, (query("SELECT set_config('search_path', 'se' || 'c', false)"), query(READ))),
    "temporary path": ({}, (query("SET search_path = sec, pg_temp"), query(READ))),
    "path in the unit": ({}, (whole(run("SET search_path = sec"), run(READ)),)),
    "path in the unit, prepared": ({}, (
        whole(parse("kept", READ)), whole(run("SET search_path = sec"), bind("", "kept"), execute()),
    )),
    "prepared before": (
        {}, (whole(parse("kept", READ)), query("SET search_path = sec"), whole(bind("", "kept"), execute())),
    ),
    "path in one text": ({}, (query(f"SET search_path = sec; {READ}"),)),
    "path that a savepoint brings back": ({}, (
        query("SET search_path = sec"), query("BEGIN"), query("SAVEPOINT a"), query("SET search_path = public"),
        query("ROLLBACK TO a"), query(READ),
    )),
    "path that a savepoint brings back, in one unit": ({}, (
        query("SET search_path = sec"), query("BEGIN"), query("SAVEPOINT a"), query("SET search_path = public"),
        whole(run("ROLLBACK TO a"), run(READ)),
    )),
    "path that the end of a transaction brings back, in one unit": ({}, (
        query("SET search_path = sec"), query("BEGIN"), query("SET search_path = public"),
        whole(run("ROLLBACK"), run(READ)),
    )),
    "path behind a savepoint that nobody saw": ({}, (
        query("BEGIN"), query("SAVEPOINT a"), query("SET search_path = sec; SAVEPOINT a; SELECT 1/0"),
        query("ROLLBACK TO a"), query(READ),
    )),
    "path of a unit that failed": ({}, (
        query("BEGIN"), whole(run("SET search_path = sec"), run("SAVEPOINT a"), run("SELECT 1/0")),
        query("ROLLBACK TO a"), query(READ),
    )),
    "path that another for a transaction hides": ({}, (
        query("SET search_path = sec"), query("BEGIN"), query("SET LOCAL search_path = public"), query("COMMIT"),
        query(READ),
    )),
    "path in a text with a savepoint": ({}, (
        query("BEGIN; SAVEPOINT a; ROLLBACK TO a; SET search_path = sec; COMMIT"), query(READ),
    )),
    "path among too many settings": ({}, (
        query("; ".join(f"SET x.y{n} = 1" for n in range(65)) + "; SET search_path = sec"), query(READ),
    )),
    "path explained": ({}, (query("EXPLAIN ANALYZE SELECT set_config('search_path', 'sec', false)"), query(READ))),
    "path in SQL's PREPARE": ({}, (
        query("PREPARE p AS SELECT set_config('search_path', 'sec', false)"), query("EXECUTE p"), query(READ),
    )),
    "path of a temporary table": ({}, (
        query("CREATE TEMP TABLE x AS SELECT set_config('search_path', 'sec', false)"), query(READ),
    )),
    "path of a cursor": ({}, (
        query("DECLARE c CURSOR WITH HOLD FOR SELECT set_config('search_path', 'sec', false)"),
        query("FETCH ALL FROM c"), query(READ),
    )),
    "path that a failed savepoint brings back": ({}, (
        query("SET search_path = sec"), query("BEGIN"), query("SAVEPOINT a"), query("SET search_path = public"),
        query("SELECT 1/0"), query("ROLLBACK TO a"), query(READ),
    )),
    "path in a text that rolls back": ({}, (
        query("SET search_path = sec"), query("BEGIN; SET search_path = public; ROLLBACK"), query(READ),
    )),
    "path in a text after its end": ({}, (
        query("BEGIN; SET search_path = public; COMMIT; SET search_path = sec"), query(READ),
    )),
    "path behind the end of a transaction, in one unit": ({}, (whole(run("ROLLBACK"), run(PATH)), query(READ))),
    "path behind a COMMIT that fails, in one unit": ({}, (
        query("BEGIN"), query("SELECT 1/0"), whole(run("COMMIT"), run(PATH)), query(READ),
    )),
    "path set by a portal that is put by": ({}, (
        whole(parse("", CONFIG), bind(), execute("", 1)), query(READ),
    )),
    "path of a portal whose name was bound again, in vain": ({}, (
        query("BEGIN"), whole(parse("st", PATH), bind("p", "st")), query("SAVEPOINT a"),
        whole(parse("", "SELECT 1"), bind("p")), query("ROLLBACK TO a"), whole(execute("p")), query(READ),
    )),
    "path of a portal whose name was to be bound again": ({}, (
        query("BEGIN"), whole(parse("st", PATH), parse("one", "SELECT 1"), parse("bad", "SELECT 1/0")),
        whole(bind("p", "st")), query("SAVEPOINT a"), whole(bind("b", "bad"), execute("b"), bind("p", "one")),
        query("ROLLBACK TO a"), whole(execute("p")), query(READ),
    )),
    "path of the unnamed portal, bound again in vain": ({}, (
        query("BEGIN"), whole(parse("st", PATH), bind("", "st")), query("SAVEPOINT a"),
        whole(bind("", "nosuch")), query("ROLLBACK TO a"), whole(execute()), query(READ),
    )),
    "names that are looked up when it runs": ({}, (
        query("BEGIN"), whole(parse("c", "COPY t TO STDOUT"), bind("q", "c")), query(PATH), whole(execute("q")),
    )),
    "names that are looked up when it runs, in one unit": ({}, (
        whole(parse("", "COPY t TO STDOUT"), bind("q", ""), run(PATH), execute("q")),
    )),
    "set_config in one text": ({}, (query(f"{CONFIG}; {READ}"),)),
    "savepoint in one text": ({}, (
        query("BEGIN"), query("SET LOCAL search_path = sec"), query("SAVEPOINT a"),
        query("SET LOCAL search_path = public"), query(f"ROLLBACK TO a; {READ}"),
    )),
    "the end of a transaction in one text": ({}, (
        query(PATH), query("BEGIN"), query("SET LOCAL search_path = public"), query(f"COMMIT; {READ}"),
    )),
    "RESET ALL leaves the role": ({}, (
        query('SET search_path = "$user", public'), query("SET ROLE sec"), query("BEGIN"),
        query("SET LOCAL ROLE neighbour"), query("RESET ALL"), query("COMMIT"),
        query('SET search_path = "$user", public'), query(READ),
    )),
    "the path of another role": ({}, (query("SET ROLE sec"), query(READ))),
    "a role in capitals": ({}, (query('SET search_path = "$user",  public'), query("SET ROLE SEC"), query(READ))),
    "a path spelt with escapes": ({}, (query(r"SET search_path = E's\145c', public"), query(READ))),
    "a path that Python would fold": ({}, (query("SET search_path = \u212a, sec"), query(READ))),
    "a named portal that is fetched": ({}, (
        query("BEGIN"), whole(parse("", CONFIG), bind("p")), query("FETCH ALL FROM p"), query(READ),
    )),
    "in a block": ({}, (query("DO $$ BEGIN SET search_path = sec; END $$"), query(READ))),
    "too large": ({}, (query(f"SELECT a, '{'x' * 70_000}' FROM sec.t"),)),
    "too large, prepared": ({}, (whole(run(f"SELECT a, '{'x' * 70_000}' FROM sec.t")),)),
    # query_to_xml(text, nulls, tableforest, targetns)
    "function call": ({}, (function_call(2923, [b"SELECT * FROM sec.t", b"\1", b"\0", b""]),)),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSEEN)
def test_nobody_gets_past_a_guard(guarded: Proxy, case: str) -> None:
    parameters, units = UNSEEN[case]
    heard: list[Message] = []
    with closing(opened(guarded, **parameters)) as line:
        for unit in units:
            line.send(unit)
            heard += line.until("Z")
            if heard[-1].kind == "end":
                break
    assert b"SECRET" not in b"".join(one.body for one in heard)
    assert "E" in kinds(heard), "it is refused, not passed over"


def test_what_is_no_secret_is_answered(guarded: Proxy) -> None:
    with closing(opened(guarded)) as line:
        assert rows(line.ask(query(READ))) == [("public",)]
        assert rows(line.ask(query("SELECT 'ä'"))) == [("ä",)]
        line.ask(query("SET DateStyle = 'ISO'"))
        for text in ("BEGIN", "SET LOCAL lock_timeout = '1s'", "SELECT set_config('app.tenant', '7', true)"):
            assert "E" not in kinds(line.ask(query(text))), text


@pytest.mark.parametrize(
    "way", ["SET LOCAL search_path = {}", "SELECT set_config('search_path', '{}', true)"]
)
def test_what_is_set_for_a_transaction_is_judged(guarded: Proxy, way: str) -> None:
    with closing(opened(guarded)) as line:
        for text in ("SET search_path = sec", "BEGIN", way.format("public")):
            assert "E" not in kinds(line.ask(query(text))), text
        assert rows(line.ask(query(READ))) == [("public",)]
        for text in ("SAVEPOINT a", way.format("sec")):
            assert "E" not in kinds(line.ask(query(text))), text
        assert error(line.ask(query(READ)))["C"] == "42501"
        assert "E" not in kinds(line.ask(query("ROLLBACK TO a")))
        assert rows(line.ask(query(READ))) == [("public",)]
        # Whatever is denied, a transaction can be given up.
        assert "E" not in kinds(line.ask(query("ROLLBACK")))
        assert error(line.ask(query(READ)))["C"] == "42501"
        line.ask(query("RESET search_path"))
        assert rows(line.ask(query(READ))) == [("public",)]


LEFT: dict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = {
    "set, pipelined": ((), (query(OFF), query(LOCK_OFF))),
    "for a transaction": (("BEGIN", "SET LOCAL standard_conforming_strings = off"), (query(LOCK_OFF), query("COMMIT"))),
    "for a transaction, pipelined": (
        ("BEGIN",), (query("SET LOCAL standard_conforming_strings = off"), query(LOCK_OFF), query("COMMIT")),
    ),
    "rolled back": (("BEGIN", OFF), (query("ROLLBACK"), query(LOCK_ON))),
    "rolled back to a point": (("BEGIN", "SAVEPOINT a", OFF), (query("ROLLBACK TO a"), query(LOCK_ON), query("COMMIT"))),
    "in a block": (("BEGIN",), (
        query("DO $$ BEGIN SET LOCAL standard_conforming_strings = off; END $$"), query(LOCK_OFF), query("COMMIT"),
    )),
    "in the unit": ((), (whole(run(OFF), run(LOCK_OFF)),)),
    "in a portal that is fetched": (("BEGIN",), (
        whole(parse("", "SELECT pg_advisory_lock(7)"), bind("p")), query("FETCH ALL FROM p"), query("COMMIT"),
    )),
    "in the unit, for a transaction": (
        ("BEGIN",), (whole(run("SET LOCAL standard_conforming_strings = off"), run(LOCK_OFF)), query("COMMIT")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_nothing_is_left_behind(front: Proxy, postgres_server: PostgresServer, case: str) -> None:
    """A lock that a text hides goes with who took it, not to the next who has the connection."""
    first, pipeline = LEFT[case]

    def held() -> object:
        return postgres_server.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")[0][0]

    with closing(opened(front)) as line:
        for text in first:
            line.ask(query(text))
        line.send(b"".join(pipeline))
        for _ in pipeline:
            assert "E" not in kinds(line.until("Z"))
        assert held() == 1
    assert ports.wait(lambda: held() == 0, 10)


@pytest.mark.parametrize("database", ["shop_one", "shop_alone"])
def test_who_deallocates_all_unseen_harms_nobody(front: Proxy, database: str) -> None:
    with closing(opened(front, database)) as line, closing(opened(front, database)) as other:
        assert rows(line.ask(whole(run("SELECT 42", "kept")))) == [("42",)]
        for _ in range(2):
            assert kinds(other.ask(query("DO $$ BEGIN DEALLOCATE ALL; END $$"))) == "CZ"
            assert rows(line.ask(whole(bind("", "kept"), execute()))) == [("42",)]
        assert error(line.ask(whole(bind("", "never"), execute())))["C"] == "26000"
        assert rows(line.ask(whole(bind("", "kept"), execute()))) == [("42",)]


def test_a_backslash_is_no_hindrance_on_a_shared_connection(front: Proxy) -> None:
    """Others have statements under way there, and none of them changes how this one is read."""
    lines = [opened(front, "shop_one") for _ in range(8)]
    text = r"SELECT E'a\\b'"
    for _ in range(50):
        for line in lines:
            line.send(query(text))
        for line in lines:
            assert rows(line.until("Z")) == [(r"a\b",)]
    for line in lines:
        line.close()
