"""The kill switch on real clients: what is blocked by hand is denied at once in every form, and taken back."""

from typing import Any

import psycopg
import pytest

from tests.integration.console import ADMIN, WATCHER, Console, connect, opened
from tests.servers import ports
from tests.servers.proxy import Proxy

ASKED = "SELECT 41 + 1"


def said(line: "psycopg.Connection[Any]", text: str = ASKED, **how: Any) -> str:
    """What it answers, or the code of its error."""
    try:
        found = line.execute(text, **how).fetchone()
    except psycopg.Error as error:
        return error.sqlstate or "lost"
    return str(found[0]) if found is not None else ""


def forms(line: "psycopg.Connection[Any]") -> list[str]:
    return [said(line), said(line, prepare=True), said(line, "SELECT %s::int + 41", params=(1,))]


def test_a_user_is_blocked_and_not_the_console(running: Proxy, ours: Console) -> None:
    # psycopg deallocates behind a ROLLBACK what it has prepared, which is a statement like any other.
    with connect(running.port) as line, connect(running.port) as begun:
        assert forms(line) == ["42"] * 3
        begun.execute("BEGIN")
        assert ours.order(f"BLOCK USER {ADMIN}") == "BLOCK"
        assert ports.wait(lambda: said(line) == "42501", 5)
        assert said(begun) == "42501"
        begun.execute("ROLLBACK")
        assert forms(line) == ["42501"] * 3
        with pytest.raises(psycopg.OperationalError, match="blocked by an administrator"):
            connect(running.port)
        assert ours.rows("SHOW BLOCKS")[0]["value"] == ADMIN
        assert ours.order(f"UNBLOCK USER {ADMIN}") == "UNBLOCK"
        assert ports.wait(lambda: forms(line) == ["42"] * 3, 5)
    assert ours.rows("SHOW BLOCKS") == []


def test_an_application_is_blocked_for_as_long_as_it_calls_itself_so(running: Proxy, ours: Console) -> None:
    with (
        connect(running.port, application_name="shop") as shop,
        connect(running.port, application_name="till") as till,
    ):
        assert forms(shop) == forms(till) == ["42"] * 3
        assert ours.order('BLOCK APPLICATION "shop"') == "BLOCK"
        assert ports.wait(lambda: forms(shop) == ["42501"] * 3, 5)
        assert forms(till) == ["42"] * 3
        assert ours.order("UNBLOCK APPLICATION shop") == "UNBLOCK"
        assert ports.wait(lambda: forms(shop) == ["42"] * 3, 5)


def test_a_network_is_blocked(running: Proxy, ours: Console) -> None:
    with connect(running.port) as line:
        assert ours.order("BLOCK NETWORK 10.0.0.0/8") == "BLOCK"
        assert forms(line) == ["42"] * 3
        assert ours.order("BLOCK NETWORK 127.0.0.0/8") == "BLOCK"
        assert ports.wait(lambda: forms(line) == ["42501"] * 3, 5)
        assert ours.order("UNBLOCK NETWORK 127.0.0.0/8") == "UNBLOCK"
        assert ports.wait(lambda: forms(line) == ["42"] * 3, 5)


def test_a_statement_is_blocked_for_everybody(running: Proxy, ours: Console) -> None:
    with connect(running.port) as line, connect(running.port) as other:
        assert said(line) == said(other) == "42"
        [key] = {
            str(row["fingerprint"])
            for row in ours.rows("SHOW PLANS")
            if row["statement"] == "SELECT ? + ?" and row["user"] == ADMIN
        }
        assert ours.order(f"BLOCK FINGERPRINT {key}") == "BLOCK"
        assert ports.wait(lambda: said(line) == said(other) == "42501", 5)
        assert said(line, "SELECT 7 + 7") == "42501", "the same but for its values"
        assert said(line, "SELECT 7 * 6") == "42"
        assert ours.order(f"UNBLOCK FINGERPRINT {key}") == "UNBLOCK"
        assert ports.wait(lambda: said(line) == "42", 5)


def test_what_makes_no_sense_is_refused_and_so_is_who_may_only_look(running: Proxy, ours: Console) -> None:
    for order in (
        "BLOCK NETWORK ten",
        "BLOCK NETWORK 10.0.0.1/8",
        "BLOCK FINGERPRINT 12",
        "UNBLOCK USER nobody",
    ):
        assert ours.order(order).startswith("55000"), order
    for order in ("BLOCK", "BLOCK USER", "BLOCK TABLE x", "BLOCK USER a b"):
        assert ours.order(order).startswith("42601"), order
    with opened(running.port, user=WATCHER) as watcher:
        assert watcher.rows("SHOW BLOCKS") == []
        assert watcher.order("BLOCK USER app").startswith("42501")
