"""Reading: whatever the text, a statement comes out, in bounded time and stack; and tokens lie where they should."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from plugins import parsing, statement, tokens
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.registry import standard
from plugins.scope import Scope
from plugins.statement import Statement
from plugins.tokens import Kind

PLAIN = Scope()
LATIN = Scope(settings=(("client_encoding", "'LATIN1'"),))
FRAGMENTS = [
    *(
        "SELECT",
        "SET",
        "x",
        "=",
        "1",
        "'",
        "''",
        '"',
        "\\",
        "$$",
        "$a$",
        "--",
        "\n",
        "\r",
        "/*",
        "*/",
        "E'",
        "U&'",
    ),
    *(
        ";",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "::",
        " ",
        "\t",
        "\x0b",
        "\x00",
        "\u00a0",
        "é",
        "{",
        "$1",
        "1e9",
        "B'",
    ),
    *(
        "CREATE FUNCTION",
        "BEGIN ATOMIC",
        "END",
        "CASE",
        "set_config(",
        "EXPLAIN ANALYZE",
        "DO",
        "WITH",
        "INSERT",
    ),
    *("INTO TEMP", "RESET", "TO", "TIME ZONE", "INTERVAL", "SESSION", "CHARACTERISTICS AS TRANSACTION"),
    *("DECLARE", "WITH HOLD", "PREPARE"),
]


def read(text: str, scope: Scope = PLAIN) -> Statement:
    return statement.read(text.encode(), scope, exact=True)


def planned(text: bytes, scope: Scope = PLAIN, *, exact: bool = True) -> Plan:
    return Chain(standard()).plan(statement.read(text, scope, exact=exact), scope)


@given(st.one_of(st.binary(), st.text().map(str.encode)), st.booleans())
def test_any_bytes_have_a_plan(text: bytes, exact: bool) -> None:
    plan = planned(text, exact=exact)
    assert plan.action == "forward", plan.trail
    assert plan.trail


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=30),
    st.sampled_from(["", " "]),
    st.sampled_from(["on", "off"]),
)
def test_any_pieces_of_sql_have_a_plan(pieces: list[str], between: str, standard_strings: str) -> None:
    scope = Scope(settings=(("standard_conforming_strings", standard_strings),))
    plan = planned(between.join(pieces).encode(), scope)
    assert plan.action == "forward", plan.trail


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(" ".join))
def test_tokens_lie_in_order_and_leave_out_only_space_and_comments(text: str) -> None:
    try:
        found = tokens.cut(text)
    except tokens.UnreadableError:
        return
    end = 0
    for token in found:
        assert token.start >= end
        assert text[token.start : token.end] == token.text
        gap = text[end : token.start]
        assert not gap.strip(" \t\n\r\f\v") or gap.lstrip(" \t\n\r\f\v").startswith(("--", "/*"))
        end = token.end


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a$1$b", [Kind.WORD]),
        ("$1$$x$$", [Kind.PARAMETER, Kind.STRING]),
        ("xe'a'", [Kind.WORD, Kind.STRING]),
        ("E'a\\'' 1", [Kind.ESCAPED, Kind.NUMBER]),
        ("1..2", [Kind.NUMBER, Kind.SIGN, Kind.NUMBER]),
        (".5e-3", [Kind.NUMBER]),
        ("a=-1", [Kind.WORD, Kind.SIGN, Kind.SIGN, Kind.NUMBER]),
        ("a@-1", [Kind.WORD, Kind.SIGN, Kind.NUMBER]),
        ("a+--b\n1", [Kind.WORD, Kind.SIGN, Kind.NUMBER]),
        ("a/**/b", [Kind.WORD, Kind.WORD]),
        ('"a""b"', [Kind.QUOTED]),
        ("--a\rb", [Kind.WORD]),
        ("a\u00a0b", [Kind.WORD]),
    ],
)
def test_tokens_are_cut_as_the_server_cuts_them(text: str, kinds: list[Kind]) -> None:
    assert [token.kind for token in tokens.cut(text)] == kinds


def test_signs_behind_an_operator_stand_alone() -> None:
    assert [token.text for token in tokens.cut("1<=+-+-2 @+-+3")] == [
        *("1", "<=", "+", "-", "+", "-", "2"),
        *("@+-+", "3"),
    ]


def test_an_operator_longer_than_the_server_takes_is_not_read() -> None:
    assert read(f"SELECT 1 {'<' * 63} 2").trouble == ""
    assert "operator" in read(f"SELECT 1 {'<' * 64} 2").trouble
    assert "operator" in read(f"SELECT 1 {'@' * 64} 2").trouble


def test_each_token_says_its_bare_word() -> None:
    found = tokens.cut("""Select "a", 'b', $1, 2, E'c', x'0f', $$d$$ <= ( """)
    assert [token.word for token in found if token.word not in ("", ",")] == ["select", "<=", "("]
    for token in found:
        assert token == tokens.made(token.kind, token.text, token.name, token.start, token.end)


def test_what_a_tree_is_told_by_has_no_other_kinds() -> None:
    """`statement.part` asks for these very types."""
    telling = (exp.Command, exp.Into, exp.Insert, exp.Update, exp.Delete, exp.Merge)
    assert not [kind for kind in telling if kind.__subclasses__()]


def test_a_tree_that_is_released_is_gone_with_its_statement() -> None:
    """Nothing is left for a collection to find."""
    gc.collect()
    gc.disable()
    try:
        found = read(
            "WITH a AS (SELECT x FROM t WHERE y IN (1, 2)) INSERT INTO u SELECT * FROM a, (SELECT 1) b"
        )
        assert any(isinstance(one, exp.Insert) for one in gc.get_objects(generation=0))
        found.release()
        del found
        assert not any(isinstance(one, exp.Expr) for one in gc.get_objects(generation=0))
    finally:
        gc.enable()


@pytest.mark.parametrize("bad", ["SELECT x'zz' + a", "SELECT b'2', c FROM d", "SELECT 1 FROM FROM"])
def test_what_the_parser_failed_at_is_not_in_the_next_tree(bad: str) -> None:
    before = read("SELECT a FROM t").parts[0].tree
    assert read(bad).parts[0].trouble == "the parser does not know its syntax"
    assert read("SELECT a FROM t").parts[0].tree == before


def test_a_part_knows_every_name_in_it() -> None:
    (part,) = read("""SELECT "A", b.C, 'd', E'e', $1, 7 <= "f"(now())""").parts
    assert part.said >= {"select", "A", "b", "c", "d", "<=", "f", "(", "now"}
    assert part.nodes[0] is part.tree
    assert part.tree is not None
    assert list(part.nodes) == list(part.tree.walk())


def test_only_ascii_is_folded() -> None:
    assert [token.name for token in tokens.cut("LOC\u212a LOCK")] == ["loc\u212a", "lock"]


@pytest.mark.parametrize("hidden", ["\ufeffSET x = 1", "SET\u00a0x = 1", "\u3000SET x = 1"])
def test_what_is_no_space_to_the_server_is_none_here(hidden: str) -> None:
    assert read(hidden).kind == "unknown"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        ("-- nothing", "empty"),
        ("SELECT 1", "query"),
        ("SELECT 1;;", "query"),
        ("WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x", "write"),
        ("SELECT 1 INTO x", "definition"),
        ("SELECT 1; SELECT 2", "several"),
        ("SELECT 1; NONSENSE", "unknown"),
        ("SELECT ';'", "query"),
        ("SELECT 1 AS atomic", "query"),
        ("SET x = (1", "unknown"),
        ("SHOW x(y", "unknown"),
        ("SHOW x)y", "setting"),
        ("SHOW ')' (x", "unknown"),
        ("PREPARE TRANSACTION 'x'", "transaction"),
        ("PREPARE transaction_ AS SELECT 1", "prepared"),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "definition"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert read(text).kind == kind


DEEP = {
    "brackets": ("SELECT ", "(", "1", ")"),
    "subqueries": ("SELECT * FROM ", "(SELECT * FROM ", "t", ") x"),
    "joins": ("SELECT * FROM ", "(", "t", ")"),
    "cases": ("SELECT ", "CASE WHEN ", "a", " THEN 1 END"),
    "nots": ("SELECT ", "NOT ", "a", ""),
    "froms": ("", "FROM ", "a", ""),
    "structs": ("SELECT a::", "STRUCT<a ", "int", ">"),
    "arrays": ("SELECT ", "a[", "1", "]"),
    "unions": ("", "SELECT 1 UNION ", "SELECT 1", ""),
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [50, 500, 50_000])
def test_depth_ends_in_a_plan(shape: str, depth: int) -> None:
    head, opening, middle, closing = DEEP[shape]
    plan = planned((head + opening * depth + middle + closing * depth).encode())
    assert plan.action == "forward", plan.trail


def test_500_brackets_are_unread_and_50_are_not() -> None:
    assert read("SELECT " + "(" * 500 + "1" + ")" * 500).kind == "unknown"
    assert read("SELECT " + "(" * 50 + "1" + ")" * 50).kind == "query"


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t (a, b) VALUES " + ", ".join(f"({n}, 'x{n}')" for n in range(5_000)),
        "INSERT INTO t (a, b) VALUES "
        + ", ".join(["($1::INTEGER, $2::VARCHAR)"] * 5_000)
        + " RETURNING t.id",
        "SELECT a FROM t WHERE b IN (" + ",".join(map(str, range(10_000))) + ") AND c IN ('a', 'b')",
        "UPDATE t SET a = 1 WHERE b IN (" + ", ".join(["-1"] * 10_000) + ")",
    ],
)
def test_long_lists_are_read(text: str) -> None:
    found = read(text)
    assert found.kind in ("query", "write"), found.parts[0].trouble
    assert len(found.parts[0].tokens) > parsing.MAX_PARSED


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT 1 FROM a" + " JOIN b ON true" * 40, "query"),
        ("SELECT 1 FROM a" + " LEFT JOIN b USING (c)" * 40, "query"),
        ("SELECT 1 FROM a" + " NATURAL LEFT OUTER JOIN b" * 40, "query"),
        ("SELECT 1 FROM a" + " CROSS JOIN b" * 40, "query"),
        ("SELECT 1 FROM a" + " JOIN b" * 5 + " ON true" * 5, "query"),
        ("SELECT 1 FROM a" + " LEFT JOIN (b JOIN c ON true) ON true" * 40, "query"),
        ("SELECT 1 FROM a" + " JOIN b" * 40, "unknown"),
        ("SELECT 1 FROM a" + " JOIN b" * 40 + " ON true" * 40, "unknown"),
        ("SELECT " + "JOIN a " * 40, "unknown"),
        ("SELECT 1 FROM a" + " STRAIGHT_JOIN b" * 40, "unknown"),
        ("SELECT 1 FROM a" + " JOIN (b JOIN c)" * 40, "unknown"),
    ],
)
def test_joins_without_end_do_not_hold_up_the_parser(text: str, kind: str) -> None:
    assert read(text).kind == kind


def test_a_call_deep_in_a_long_list_is_not_overlooked() -> None:
    rows = ["(1, f(2))"] * 3_000
    rows[2_000] = "(1, pg_advisory_lock(2))"
    assert planned(f"INSERT INTO t VALUES {','.join(rows)}".encode()).pin == "advisory lock"


def test_longer_than_the_bound_is_unread() -> None:
    text = b"SELECT '" + b"x" * 100 + b"'"
    assert statement.read(text, Scope(), exact=True, max_text=109).kind == "query"
    assert statement.read(text, Scope(), exact=True, max_text=108).trouble == "longer than 108 bytes"


def test_more_tokens_than_the_bound_are_unread() -> None:
    assert "tokens" in read("SELECT " + "a," * tokens.MAX_TOKENS + "a").trouble


@pytest.mark.parametrize(
    ("text", "scope", "kind"),
    [
        (b"SELECT '\xe9'", Scope(), "unknown"),
        (b"SELECT '\xe9'", LATIN, "query"),
        (b"SELECT '\xc3\xa9'", Scope(), "query"),
        (b"SELECT '\x00'", Scope(), "unknown"),
    ],
)
def test_encodings(text: bytes, scope: Scope, kind: str) -> None:
    assert statement.read(text, scope, exact=True).kind == kind


@pytest.mark.parametrize("off", ["off", "'off'", "FALSE", "no", "0", "f"])
def test_backslashes_escape_when_the_session_says_so(off: str) -> None:
    text = "SELECT '\\'; SET x = 1; --'"
    assert len(read(text).parts) == 2
    assert len(read(text, Scope(settings=(("standard_conforming_strings", off),))).parts) == 1


def test_unreadable_texts_are_not_repeated() -> None:
    for text in ("SELECT 'hunter2", "hunter2", "SELECT hunter2 hunter2 hunter2", "SELECT U&'hunter2'"):
        plan = planned(text.encode())
        assert plan.pin == "unread statement"
        assert "hunter2" not in str(plan)


@pytest.mark.parametrize(
    ("text", "commented"),
    [
        ("SELECT 1", False),
        ("SELECT '--', \"/*\", $$ -- $$, 3 - -1", False),
        ("SELECT 1 -- and so on", True),
        ("/* a /* b */ */ SELECT 1", True),
        ("SELECT/**/1", True),
        ("SELECT 1;--", True),
        ("SELECT a - -- b\n c", True),
        ("SELECT 'a' -- b\n'c'", True),
    ],
)
def test_whether_there_is_a_comment(text: str, commented: bool) -> None:
    assert statement.read(text.encode(), Scope(), exact=False).commented is commented
