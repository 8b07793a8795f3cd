"""Prepared statements that the core keeps for clients do not exist for SQL."""

import pytest

from plugins import statement
from plugins.chain import Chain
from plugins.plan import Plan
from plugins.registry import standard
from plugins.scope import Scope

OURS = "articdbm_0123abcd_7"


def planned(text: str) -> Plan:
    return Chain(standard()).plan(statement.read(text.encode(), Scope(), exact=True), Scope())


@pytest.mark.parametrize(
    "text",
    [
        f"EXECUTE {OURS}",
        "execute Articdbm_0123ABCD_7(1, 'a')",
        f'EXECUTE "{OURS}"',
        f"EXECUTE /* */ {OURS};",
        f"DEALLOCATE {OURS}",
        f"DEALLOCATE PREPARE {OURS}",
        f"EXPLAIN EXECUTE {OURS}",
        f"EXPLAIN (ANALYZE, VERBOSE) EXECUTE {OURS}(1)",
        f"EXPLAIN ANALYZE VERBOSE EXECUTE {OURS}",
        f"CREATE TABLE x AS EXECUTE {OURS}",
        f"EXPLAIN ANALYZE CREATE TABLE x AS EXECUTE {OURS}",
        f"SELECT 1; EXECUTE {OURS}; SELECT 2",
    ],
)
def test_they_are_unknown(text: str) -> None:
    plan = planned(text)
    assert (plan.action, plan.code) == ("deny", "26000")
    assert plan.message == f'prepared statement "{OURS}" does not exist'


def test_a_longer_name_is_cut_as_the_server_would() -> None:
    assert planned(f"EXECUTE {OURS}{'x' * 80}").message == (
        f'prepared statement "{OURS}{"x" * (63 - len(OURS))}" does not exist'
    )


@pytest.mark.parametrize("text", [f"PREPARE {OURS} AS SELECT 1", f'PREPARE "{OURS}" (int) AS SELECT $1'])
def test_their_names_are_not_given_to_others(text: str) -> None:
    plan = planned(text)
    assert (plan.action, plan.code) == ("deny", "0A000")
    assert OURS in plan.message


@pytest.mark.parametrize(
    "text",
    [
        "EXECUTE articdbm_7",
        "EXECUTE articdbm_0123abc_7",
        "EXECUTE articdbm_0123abcg_7",
        f"EXECUTE x_{OURS}",
        'EXECUTE "Articdbm_0123abcd_7"',
        f"EXECUTE p('{OURS}')",
        "DEALLOCATE ALL",
        f"PREPARE TRANSACTION '{OURS}'",
        f"SELECT {OURS} FROM pg_prepared_statements WHERE name = '{OURS}'",
    ],
)
def test_all_else_is_no_concern(text: str) -> None:
    assert planned(text).action == "forward"
