"""A limit on values, through a real proxy to a real server: whatever way the value comes, and however it is spelt."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg import sql

from tests.integration import console, house
from tests.integration.wire import SYNC, Line, bind, error, execute, parse, query
from tests.servers import proxy
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

USER = "app_trust"
REFUSED, UNCLEAR = "42501", "22023"


@pytest.fixture(scope="module")
def limited(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    server.execute(
        "DROP TABLE IF EXISTS payments;"
        "CREATE TABLE payments (id serial, amount numeric, note text, at date);"
        "GRANT ALL ON payments TO PUBLIC; GRANT ALL ON SEQUENCE payments_id_seq TO PUBLIC"
    )
    config = house.configuration(server, more=f'[admin]\nusers = ["{USER}"]\n')
    directory = tmp_path_factory.mktemp("limited")
    with proxy.start(config, directory, house.environment(), program="tests.servers.limited") as running:
        yield running
    server.execute("DROP TABLE payments")


@pytest.fixture
def line(limited: Proxy) -> Iterator[Line]:
    with Line(limited.host, limited.port) as opened:
        opened.log_in(USER, "shop")
        yield opened


@pytest.fixture
def connection(limited: Proxy) -> Iterator[psycopg.Connection]:
    with closing(psycopg.connect(limited.dsn(user=USER), autocommit=True)) as opened:
        yield opened


def code(messages: object) -> str:
    return error(messages).get("C", "")  # type: ignore[arg-type]


INSERT = "INSERT INTO payments (note, amount) VALUES ('x', {})"
CASES = [
    *((INSERT.format(value), "") for value in (
        "10000", "10000.000", "1e4", "'10000'", "-20000", "NULL", "9999.99", "$$10000$$", "E'10000'", "+5", "(7)",
        "'10000'::numeric", "10000::int", "-(20000)", "'-2e9'",
    )),
    *((INSERT.format(value), REFUSED) for value in (
        "10001", "10000.000000000000000000000000000001", "1e5", "'20000'", "E'2\\x30000'", "$a$20000$a$",
        "--20000\n20000", "12345678901234567890123456789", "'20000'::numeric", "20000::bigint", "(20000)", "-(-20000)",
        "'Infinity'", "'NaN'", "N'20000'", "x'4e20'::int",
    )),
    *((INSERT.format(value), UNCLEAR) for value in (
        "10000 + 1", "abs(5)", "'ten'", "(SELECT 5)", "20000.5::int", "'5'::numeric(3)", "DEFAULT", "length('x')", "'2'\n'0000'",
    )),
    ("INSERT INTO payments (amount) VALUES (1), (2), (20000)", REFUSED),
    ("INSERT INTO payments (amount) VALUES " + ", ".join(["(1)"] * 400), ""),
    ("INSERT INTO payments (amount) VALUES " + ", ".join(["(1)"] * 400 + ["(20000)"]), REFUSED),
    ("INSERT INTO payments (amount) SELECT 20000", REFUSED),
    ("INSERT INTO payments VALUES (1, 2)", UNCLEAR),
    ("UPDATE payments SET note = 'é', amount = 10001 WHERE id < 0", REFUSED),
    ("UPDATE payments SET note = 'é', amount = 10000 WHERE id < 20000", ""),
    ("UPDATE payments SET amount = amount * 2", UNCLEAR),
    ("SELECT 1; UPDATE payments SET amount = 20000; SELECT 2", REFUSED),
    ("SELECT 20000; UPDATE payments SET amount = 1; SELECT 20000", ""),
    ("WITH w AS (INSERT INTO payments (amount) VALUES (20000) RETURNING *) SELECT * FROM w", REFUSED),
    ("EXPLAIN ANALYZE INSERT INTO payments (amount) VALUES (20000)", REFUSED),
    ("COPY (INSERT INTO payments (amount) VALUES (20000) RETURNING id) TO STDOUT", REFUSED),
    ("COPY (INSERT INTO payments (amount) VALUES (2) RETURNING id) TO STDOUT", ""),
    ("COPY payments (amount) FROM STDIN", UNCLEAR),
    ("SELECT amount FROM payments WHERE amount > 20000", ""),
    ("INSERT INTO payments (note) VALUES ('20000')", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_simple_query(line: Line, text: str, expected: str) -> None:
    assert code(line.ask(query(text))) == expected
    # Once more: now the plan is known, and the core is alone with it.
    assert code(line.ask(query(text))) == expected


@pytest.mark.parametrize(("text", "expected"), [case for case in CASES if "; " not in case[0]])
def test_the_same_by_the_extended_protocol(line: Line, text: str, expected: str) -> None:
    for name in ("", "", "s1", "s1"):
        said = line.ask(parse(name, text) + bind("", name) + execute() + SYNC)
        assert code(said) == expected or (name == "s1" and code(said) == "42P05")


def test_numbers_of_newer_servers(line: Line) -> None:
    """A server before 16 takes them for something that it refuses."""
    for spelt in ("0x2711", "10_001", "0o23421", "0b10011100010001"):
        assert code(line.ask(query(INSERT.format(spelt)))) == REFUSED, spelt
    for spelt in ("0x2710", "10_000", "0o23420"):
        assert code(line.ask(query(INSERT.format(spelt)))) in ("", "42601"), spelt


def test_arguments_of_execute(line: Line) -> None:
    assert not code(
        line.ask(query("PREPARE pay (numeric, text) AS INSERT INTO payments (note, amount) VALUES ($2, $1)"))
    )
    for arguments, expected in (
        ("10000, 'x'", ""), ("10001, 'x'", REFUSED), ("'10001', 'x'", REFUSED), ("-10001, 'x'", ""), ("NULL, 'x'", ""),
        ("9999 + 9999, 'x'", UNCLEAR), ("1e4::numeric, 'x'", ""), ("/* , */ 2e4, ')'", REFUSED),
    ):  # fmt: skip
        assert code(line.ask(query(f"EXECUTE pay ({arguments})"))) == expected, arguments
        assert code(line.ask(query(f"EXPLAIN ANALYZE EXECUTE pay ({arguments})"))) == expected, arguments
        assert code(line.ask(parse("", f"EXECUTE pay ({arguments})") + bind() + execute() + SYNC)) == expected
    # What would be prepared where its name is not followed.
    assert (
        code(line.ask(query("SELECT 1; PREPARE other AS INSERT INTO payments (amount) VALUES ($1)")))
        == UNCLEAR
    )
    said = line.ask(
        parse("", "PREPARE other AS INSERT INTO payments (amount) VALUES ($1)") + bind() + execute() + SYNC
    )
    assert code(said) == UNCLEAR
    assert code(line.ask(query("PREPARE fixed AS UPDATE payments SET amount = 20000"))) == REFUSED


def test_a_failed_transaction_is_failed_for_the_server_too(line: Line) -> None:
    line.ask(query("BEGIN"))
    assert code(line.ask(query(INSERT.format(5)))) == ""
    assert code(line.ask(query(INSERT.format(20_000)))) == REFUSED
    assert code(line.ask(query("SELECT 1"))) == "25P02"
    line.ask(query("ROLLBACK"))
    assert code(line.ask(query("SELECT 1"))) == ""


VALUES = [
    (10_000, ""), (10_001, REFUSED), (-10_001, ""), (2**40, REFUSED), (Decimal("10000.00"), ""),
    (Decimal("10000.0001"), REFUSED), (Decimal("1E+5"), REFUSED), (Decimal("-1E+5"), ""), (Decimal("NaN"), REFUSED), (None, ""),
    (Decimal("0.0000001"), ""), (Decimal(9999) / 7, ""),
]  # fmt: skip


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize("form", ["%s", "%t", "%b"])
def test_psycopg(connection: psycopg.Connection, form: str, prepare: bool) -> None:
    statement = f"INSERT INTO payments (note, amount) VALUES ('p', {form})".encode()
    floats = [
        (10_000.0, ""),
        (10_000.5, REFUSED),
        (9_999.5, ""),
        (1e300, REFUSED),
        (10_000.000000000002, UNCLEAR),
    ]
    for value, expected in [*VALUES, *floats] * 2:
        try:
            connection.execute(statement, [value], prepare=prepare)
            told = ""
        except psycopg.Error as why:
            told = why.sqlstate or ""
        assert told == expected, (form, value)


@pytest.mark.parametrize("cache", [0, 100])
def test_asyncpg(limited: Proxy, cache: int) -> None:
    async def run() -> None:
        at = {"host": limited.host, "port": limited.port, "user": USER, "database": "shop"}
        connection = await asyncpg.connect(**at, statement_cache_size=cache)
        try:
            kept = await connection.prepare("UPDATE payments SET amount = $1 WHERE id = $2")
            for value, expected in VALUES * 2:
                for cast in ("", "::int8", "::float8", "::numeric"):
                    if cast == "::int8" and (not isinstance(value, int)):
                        continue
                    if cast == "::float8" and isinstance(value, Decimal):
                        continue
                    told = ""
                    try:
                        await connection.execute(f"INSERT INTO payments (amount) VALUES ($1{cast})", value)
                        if not cast:
                            await kept.fetch(value, 1)
                    except asyncpg.PostgresError as why:
                        told = why.sqlstate
                    assert told == (UNCLEAR if cast == "::float8" else expected), (cast, value)
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await kept.fetch(Decimal(10_001), 1)
        finally:
            await connection.close()

    asyncio.run(run())


def spellings(chance: random.Random) -> str:
    """A number near the limit, in one of the ways to write it."""
    value = chance.choice([10_000, 10_001, 9_999, 0, 10**30, chance.randrange(30_000)])
    fraction = chance.choice(["", "", ".0", ".000", ".1", ".000000000000000000000001", "."])
    exponent = chance.choice(["", "", "e0", "E+1", "e-1", "e2"])
    number = chance.choice(["", "0", "000"]) + f"{value}{fraction}{exponent}"
    sign = chance.choice(["", "", "-", "- ", "+"])
    in_quotes = chance.choice(["'{}'", "E'{}'", "$${}$$", "$q${}$q$", "' {} '", "'{}'::numeric", "N'{}'"])
    escaped = (
        "E'"
        + "".join(f"\\x{ord(letter):02x}" if chance.random() < 0.3 else letter for letter in number)
        + "'"
    )
    if chance.random() < 0.5:
        return sign + number + chance.choice(["", "::numeric", " "])
    return chance.choice([in_quotes.format(sign.strip() + number), escaped])


def test_random_spellings_mean_what_the_server_says(
    limited: Proxy, server: PostgresServer, line: Line
) -> None:
    chance = random.Random(20)
    decided = 0
    with closing(psycopg.connect(server.local(), autocommit=True)) as direct:
        for _ in range(400):
            spelt = spellings(chance)
            try:
                compared = direct.execute(sql.SQL(f"SELECT ({spelt})::numeric > 10000")).fetchone()
            except psycopg.Error:
                continue
            assert compared is not None
            told = code(line.ask(query(INSERT.format(spelt))))
            decided += told != UNCLEAR
            # Anything else is the server's own word: it went through.
            assert told == UNCLEAR or (told == REFUSED) == compared[0], spelt
            bare = spelt[1:-1] if spelt[0] == spelt[-1] == "'" else None
            if bare is not None:
                said = line.ask(
                    parse("", INSERT.format("$1")) + bind("", "", [bare.encode()]) + execute() + SYNC
                )
                assert (code(said) == REFUSED) == compared[0], bare
                assert code(said) in ("", REFUSED), bare
    assert decided > 250


def test_show_plans_counts_the_branches(limited: Proxy, line: Line) -> None:
    text = "INSERT INTO payments (amount, note) VALUES ({}, 'counted')"
    for value in ("1", "20000", "30000", "2"):
        line.ask(query(text.format(value)))
    with console.opened(limited.port) as opened:
        told = [
            row["branches"] for row in opened.rows("SHOW PLANS") if "(amount, note)" in str(row["statement"])
        ]
    assert told == ["amounts: limit (2 taken, 0 in doubt)"]
