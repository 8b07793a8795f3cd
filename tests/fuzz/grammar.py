"""What clients may say, at random: legal sequences of messages, and nearly legal ones that a server answers all the same.

Messages have names, so that a failing session reads as a script. Nothing here knows what the answers are.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.integration.wire import (
    COPY_DONE,
    FLUSH,
    SYNC,
    bind,
    close_portal,
    close_statement,
    copy_data,
    copy_fail,
    describe_portal,
    describe_statement,
    execute,
    parse,
    query,
)

INT4, TEXT = 23, 25
NAMES = ("", "s1", "s2")
PORTALS = ("", "p1")

ROAMING = (
    "SELECT 1",
    "SELECT 'a', 'b' WHERE false",
    "SELECT g FROM generate_series(1, 5) g",
    "SELECT $1 || '!'",
    "SELECT 1/0",
    "SELECT nothing",
    "",
    "INSERT INTO t VALUES ('i') RETURNING a",
    "INSERT INTO t SELECT $1",
    "SELECT a FROM t ORDER BY a",
    "DELETE FROM t",
    "BEGIN",
    "BEGIN",
    "COMMIT",
    "COMMIT",
    "ROLLBACK",
    "ROLLBACK AND CHAIN",
    "SAVEPOINT a",
    "ROLLBACK TO a",
    "RELEASE a",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET LOCAL TimeZone = 'America/Lima'",
    "RESET TimeZone",
    "SHOW TimeZone",
    "SELECT current_setting('TimeZone')",
    "SET application_name = 'x'",
    "SET search_path = pg_catalog, public",
    "SET standard_conforming_strings = off",
    r"SELECT 'a\\b'",
    r"SELECT 'a\'' -- '",
    "RESET ALL",
    "SET no_such.thing = 1",
    "SET nonsense = 1",
    "DEALLOCATE ALL",
    "DISCARD ALL",
    "DISCARD PLANS",
    "COPY (SELECT 1 UNION SELECT 2) TO STDOUT",
    "COPY (SELECT 1/0) TO STDOUT",
    "NOTIFY nobody",
    "CREATE OR REPLACE VIEW v AS SELECT 1 AS one",
    "SELECT one FROM v",
    "DECLARE c CURSOR FOR SELECT generate_series(1, 5)",
    "FETCH 2 c",
    "EXPLAIN (COSTS off) SELECT 1",
    "LOCK TABLE t",
)
"""Statements that any connection of a pool may run. (None asks for a setting of one's own making that nobody has set:
a server forgets its value with a RESET, but not that there was one.) Each client finds a table `t` of its own, by its search_path: one text is two statements."""

BY_NAME = (
    "PREPARE s1 AS SELECT 'sql'",
    "PREPARE s2 (int) AS SELECT 10 / $1",
    "PREPARE s3 AS SELECT nothing",
    "EXECUTE s1",
    "EXECUTE s2 (0)",
    "EXECUTE s2 (5)",
    "EXPLAIN (COSTS off) EXECUTE s1",
    "DEALLOCATE s1",
    "DEALLOCATE s2",
)
"""Of prepared statements, by the simple protocol and alone in a text. Otherwise they pin, and their names are a set of
their own: docs/support.md says so."""

SEVERAL = (
    "SELECT 1; SELECT 2",
    "SELECT 1; SELECT 1/0; SELECT 3",
    "BEGIN; SELECT 1",
    "SELECT 1; COMMIT; SELECT 2",
    "BEGIN; SET TimeZone = 'Asia/Tokyo'; COMMIT; SHOW TimeZone",
    "SET TimeZone = 'Asia/Tokyo'; SELECT 1/0",
    "BEGIN; INSERT INTO t VALUES ('m'); ROLLBACK",
    "COPY (SELECT 1) TO STDOUT; SELECT 2",
    ";;",
)

PINNING = (
    "SELEC",
    "DO $$BEGIN RAISE NOTICE 'n'; END$$",
    "CREATE TEMP TABLE own (a int)",
    "SELECT count(*) FROM own",
    "DROP TABLE own",
    "SELECT pg_advisory_lock_shared(4)",
    "SELECT pg_advisory_unlock_shared(4)",
    "SELECT set_config('TimeZone', 'Asia/Tokyo', false)",
    "SET DateStyle = German",
    "SELECT date '2020-02-01'",
    "DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 5)",
    "FETCH 2 h",
    "CLOSE ALL",
)
"""What keeps a client on its connection."""


@dataclass(frozen=True)
class Say:
    """One thing said: its name and its bytes. `ends`: so many ReadyForQuery at most."""

    name: str
    data: bytes
    ends: int = 0

    def __repr__(self) -> str:
        return self.name


def _queries(texts: tuple[str, ...]) -> list[Say]:
    return [Say(f"Q {text}", query(text), 1) for text in texts]


def _parses(texts: tuple[str, ...]) -> list[Say]:
    return [
        Say(f"P {name or '-'} {text}", parse(name, text, [TEXT] if "$1" in text else []))
        for text in texts
        for name in NAMES
    ]


def _binds() -> list[Say]:
    return [
        Say(f"B {portal or '-'} {name or '-'} {values}", bind(portal, name, values))
        for name in NAMES
        for portal in PORTALS
        for values in ([], [], [b"v"])
    ]


def _rest() -> list[Say]:
    names = [name or "-" for name in NAMES]
    return [
        *(Say(f"D {shown}", describe_statement(name)) for shown, name in zip(names, NAMES, strict=True)),
        *(Say(f"C {shown}", close_statement(name)) for shown, name in zip(names, NAMES, strict=True)),
        *(Say(f"DP {portal or '-'}", describe_portal(portal)) for portal in PORTALS),
        *(Say(f"CP {portal or '-'}", close_portal(portal)) for portal in PORTALS),
        *(
            Say(f"E {portal or '-'} {most}", execute(portal, most))
            for portal in PORTALS
            for most in (0, 0, 0, 2)
        ),
    ]


COPY = (
    Say("Q COPY FROM, rows", query("COPY t FROM STDIN") + copy_data(b"c1\nc2\n") + COPY_DONE, 1),
    Say("Q COPY FROM, bad rows", query("COPY t FROM STDIN") + copy_data(b"c1\tc2\n") * 3 + COPY_DONE, 1),
    Say("Q COPY FROM, given up", query("COPY t FROM STDIN") + copy_data(b"c1\n") + copy_fail("no"), 1),
    Say(
        "X COPY FROM, rows",
        parse("", "COPY t FROM STDIN") + bind() + execute() + copy_data(b"c3\n") + COPY_DONE,
    ),
    Say("stray copy data", copy_data(b"stray") + COPY_DONE),
)
SYNCED = Say("S", SYNC, 1)
FLUSHED = Say("H", FLUSH)
AT_LAST = (SYNCED, Say("Q ROLLBACK", query("ROLLBACK"), 1))
"""Whatever came before, the client is outside a transaction then."""


@dataclass(frozen=True)
class Unit:
    """What one client sends at once, and whether it waits for the answer."""

    who: int
    said: tuple[Say, ...]

    def __repr__(self) -> str:
        return f"{self.who}: " + " | ".join(say.name for say in self.said)

    @property
    def data(self) -> bytes:
        return b"".join(say.data for say in self.said)

    def certain(self, *, fresh: bool) -> tuple[int, bool, bool]:
        """So many ReadyForQuery come for certain; whether that is all, for a query in the midst of a unit may be
        skipped with it; and whether the client has ended its unit. `fresh`: it had before."""
        count, all_of_it = 0, True
        for say in self.said:
            if say is SYNCED:
                count, fresh = count + 1, True
            elif not say.ends:
                fresh = False
            elif fresh:
                count += 1
            else:
                all_of_it = False
        return count, all_of_it and fresh, fresh


def units(*, pins: bool, clients: int) -> st.SearchStrategy[list[Unit]]:
    """Sessions of several clients, a unit at a time. `pins`: with what keeps a client on its connection."""
    more = PINNING if pins else ()
    simple = st.sampled_from(_queries(ROAMING + BY_NAME + SEVERAL + more) + list(COPY[:3]))
    # By the extended protocol, where it fails in a transaction, it costs the client its unnamed statement: what the client
    # began with is set anew by a simple query behind it.
    parses = st.sampled_from(_parses(tuple(one for one in ROAMING if one != "DISCARD ALL") + more))
    message = st.one_of(
        parses,
        parses,
        st.sampled_from(_binds()),
        st.sampled_from(_rest()),
        st.sampled_from([*COPY[3:], FLUSHED]),
    )
    usual = st.tuples(parses, st.sampled_from(_binds()), st.sampled_from(_rest()), st.sampled_from(_rest()))
    whole = st.one_of(
        st.tuples(simple),
        st.lists(simple, min_size=2, max_size=4).map(tuple),
        usual.map(lambda unit: (*unit, SYNCED)),
        st.lists(message, min_size=1, max_size=6).map(lambda unit: (*unit, SYNCED)),
        st.lists(message, min_size=1, max_size=3).map(lambda unit: (*unit, FLUSHED)),
        st.tuples(st.lists(message, min_size=1, max_size=3), simple).map(
            lambda both: (*both[0], both[1], SYNCED)
        ),
        st.lists(message, min_size=1, max_size=3).map(lambda unit: (*unit, SYNCED, *unit, SYNCED, SYNCED)),
    )
    session = st.lists(st.builds(Unit, st.integers(0, clients - 1), whole), min_size=1, max_size=14)
    return session.map(_in_order)


def _in_order(session: list[Unit]) -> list[Unit]:
    """A simple query comes when the unit before it is ended. In the midst of one that failed the server does not hear
    it, and its unnamed statement lives on: through the proxy it is forgotten then."""
    fresh: dict[int, bool] = {}
    ordered = []
    for unit in session:
        said: list[Say] = []
        for say in unit.said:
            if say.ends and say is not SYNCED and not fresh.get(unit.who, True):
                said.append(SYNCED)
            fresh[unit.who] = bool(say.ends)
            said.append(say)
        ordered.append(Unit(unit.who, tuple(said)))
    return ordered


def read(script: str) -> list[Unit]:
    """A session as a failing test prints it: a unit a line, `who: message | message`."""
    known = {say.name: say for say in _all()}
    session = []
    for line in filter(None, map(str.strip, script.splitlines())):
        who, said = line.split(": ", 1)
        session.append(Unit(int(who), tuple(known[name] for name in said.split(" | "))))
    return session


def _all() -> list[Say]:
    texts = ROAMING + BY_NAME + PINNING
    return [
        *_queries(texts + SEVERAL),
        *_parses(texts),
        *_binds(),
        *_rest(),
        *COPY,
        SYNCED,
        FLUSHED,
        *AT_LAST,
    ]
