"""A plugin that guards by what statements read, on a real server: the catalogue is there before it is asked for, follows
definitions, and what is unknown is denied."""

import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.articdbm.offering import offer
from tests.conftest import StartProxy
from tests.integration.house import configuration, environment
from tests.servers import ports
from tests.servers.postgres import SUPERUSER, PostgresServer
from tests.servers.proxy import ROOT, Proxy

PLUGIN = '''
from typing import Annotated
from config.setting import setting
from plugins.api import Plugin, PluginSettings
from plugins.model import Field, Source

class Settings(PluginSettings, frozen=True):
    """Fields nobody may see."""
    hidden: Annotated[tuple[str, ...], setting("As schema.table.column.", "at once")] = ()

class Veil(Plugin):
    name, stage, guards, needs_catalogue, Settings = "veil", "masking", True, True, Settings
    def plan(self, statement, scope, plan):
        for said in self.settings.hidden:
            space, table, column = said.split(".")
            field = Field(Source(space, table), column)
            if statement.reading.may_show(field) or statement.reading.may_store(field):
                doubts = "; ".join(statement.reading.doubts) or "it shows it"
                return plan.denied(self.name, "veiled", doubts, code="42501", message="veiled: " + doubts)
        return plan.because(self.name, "seen", "nothing hidden is shown")
'''
LENIENT = PLUGIN.replace(
    "        for said in",
    "        if statement.kind == 'definition':\n            return plan\n        for said in",
)
"""It lets definitions pass, whose reading is never complete."""
SECRETS = """
    CREATE TABLE staff (id int, name text, pay text);
    INSERT INTO staff VALUES (1, 'Ann', 'much');
    CREATE VIEW pairs AS SELECT id, pay AS what FROM staff;
    GRANT ALL ON staff, pairs TO PUBLIC;
"""


@pytest.fixture
def veiled(spare_postgres: PostgresServer, start_proxy: StartProxy, tmp_path: Path) -> Proxy:
    spare_postgres.execute(SECRETS)
    path = offer(tmp_path / "site", "veil_module", "veil = veil_module:Veil", text=PLUGIN)
    more = '[plugins]\nload = ["veil"]\n[plugins.veil]\nhidden = ["public.staff.pay"]\n[catalogue]\nrefresh = "1s"\n'
    more += '[admin]\nusers = ["admin"]\n'
    return start_proxy(
        configuration(spare_postgres, more=more), environment() | {"PYTHONPATH": f"{ROOT}:{path}"}
    )


def outcome(connection: psycopg.Connection, text: str) -> str:
    """The first value, or the error."""
    try:
        cursor = connection.execute(text.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else "done"
    except psycopg.errors.InsufficientPrivilege as error:
        return str(error).splitlines()[0]


def connected(proxy: Proxy, database: str = "shop", **options: str) -> psycopg.Connection:
    return psycopg.connect(proxy.dsn(database, **options), autocommit=True)


def test_the_first_statement_waits_for_the_catalogue(veiled: Proxy) -> None:
    with closing(connected(veiled)) as connection:
        for text, told in (
            ("SELECT name FROM staff", "Ann"),
            ("SELECT pay FROM staff", "veiled: it shows it"),
            ("SELECT staff FROM staff", "veiled: it shows it"),
            ("SELECT name FROM staff WHERE pay = 'much'", "Ann"),
            ("SELECT id FROM pairs", "1"),
            ("SELECT what FROM pairs", "veiled: it shows it"),
            (
                "SELECT * FROM nowhere",
                "veiled: nowhere is not in the catalogue; which columns * stands for is not known",
            ),
            ("CREATE TEMP TABLE t AS SELECT pay FROM staff", "veiled: it shows it"),
            ("SET search_path = pg_catalog", "done"),
        ):
            assert outcome(connection, text) == told, text


def test_it_follows_definitions_and_the_search_path(veiled: Proxy, spare_postgres: PostgresServer) -> None:
    with closing(connected(veiled)) as connection, closing(connected(veiled, "shop_session")) as other:
        assert outcome(connection, "SELECT name FROM staff") == "Ann"
        # Made elsewhere: known when the time has come.
        spare_postgres.execute("CREATE SCHEMA hr; CREATE TABLE hr.staff (pay text); GRANT ALL ON SCHEMA hr TO PUBLIC;"
                               "GRANT ALL ON hr.staff TO PUBLIC; INSERT INTO hr.staff VALUES ('open')")  # fmt: skip
        assert ports.wait(lambda: outcome(connection, "SELECT pay FROM hr.staff") == "open", 20)
        # A name stands for what the session's own search_path says.
        other.execute("SET search_path = hr, public")
        assert outcome(other, "SELECT pay FROM staff") == "open"
        other.execute("SET search_path = public, hr")
        assert outcome(other, "SELECT pay FROM staff").startswith("veiled")
        # A view that is made over shows something else from then on.
        spare_postgres.execute("CREATE OR REPLACE VIEW pairs AS SELECT id, name AS what FROM staff")
        assert ports.wait(lambda: outcome(connection, "SELECT what FROM pairs") == "Ann", 20)
        spare_postgres.execute("CREATE OR REPLACE VIEW pairs AS SELECT id, pay AS what FROM staff")
        assert ports.wait(lambda: outcome(connection, "SELECT what FROM pairs").startswith("veiled"), 20)


def test_a_definition_that_passes_is_known_soon(
    spare_postgres: PostgresServer, start_proxy: StartProxy, tmp_path: Path
) -> None:
    spare_postgres.execute(SECRETS)
    path = offer(tmp_path / "site", "veil_module", "veil = veil_module:Veil", text=PLUGIN)
    more = '[plugins]\nload = ["veil"]\n[plugins.veil]\nhidden = ["public.staff.pay"]\n[catalogue]\nrefresh = "1h"\n'
    proxy = start_proxy(
        configuration(spare_postgres, more=more), environment() | {"PYTHONPATH": f"{ROOT}:{path}"}
    )
    with closing(connected(proxy)) as connection:
        assert outcome(connection, "SELECT name FROM staff") == "Ann"
        # The plugin cannot know what a definition does; this one it can.
        assert outcome(connection, "CREATE TABLE fresh (a text)") == "done"
        assert ports.wait(lambda: outcome(connection, "SELECT count(a) FROM fresh") == "0", 20)


@pytest.mark.parametrize(
    ("begin", "back"),
    [
        ("ALTER ROLE {user} SET search_path = hr, public", "ALTER ROLE {user} RESET search_path"),
        (
            "ALTER ROLE {user} IN DATABASE shop SET search_path = hr, public",
            "ALTER ROLE {user} IN DATABASE shop RESET ALL",
        ),
        (
            "ALTER DATABASE shop SET search_path = hr, public",
            "ALTER DATABASE shop SET search_path TO DEFAULT",
        ),
    ],
)
def test_what_new_connections_begin_with_is_known_soon(
    spare_postgres: PostgresServer, start_proxy: StartProxy, tmp_path: Path, begin: str, back: str
) -> None:
    spare_postgres.execute(f"{SECRETS}; CREATE SCHEMA hr; CREATE TABLE hr.staff (pay text);"
                           "INSERT INTO hr.staff VALUES ('open'); GRANT ALL ON SCHEMA hr TO PUBLIC;"
                           "GRANT ALL ON hr.staff TO PUBLIC")  # fmt: skip
    path = offer(tmp_path / "site", "veil_module", "veil = veil_module:Veil", text=LENIENT)
    more = '[plugins]\nload = ["veil"]\n[plugins.veil]\nhidden = ["public.staff.pay"]\n[catalogue]\nrefresh = "1h"\n'
    proxy = start_proxy(
        configuration(spare_postgres, more=more), environment() | {"PYTHONPATH": f"{ROOT}:{path}"}
    )
    with (
        closing(connected(proxy)) as connection,
        closing(connected(proxy, "shop_one")) as other,
        closing(connected(proxy, "shop_session", user=SUPERUSER)) as owner,
    ):
        shown = "SELECT pay FROM staff"
        assert outcome(connection, shown).startswith("veiled")
        assert outcome(other, shown).startswith("veiled")
        user = outcome(connection, "SELECT current_user")
        # A reading that finds nothing new: from then on these pools have had nothing planned since the last one.
        assert outcome(owner, "DROP TABLE IF EXISTS nowhere") == "done"
        time.sleep(1)
        # Neither what is open nor another pool of the same server goes on with what was: both see the other table.
        assert outcome(owner, begin.format(user=user)) == "done"
        assert ports.wait(lambda: outcome(connection, shown) == "open", 20)
        assert ports.wait(lambda: outcome(other, shown) == "open", 20)
        # Nor with that, once it is taken back; a definition close behind another is known with the others of it.
        assert outcome(owner, back.format(user=user)) == "done"
        assert ports.wait(lambda: outcome(connection, shown).startswith("veiled"), 20)
        assert ports.wait(lambda: outcome(other, shown).startswith("veiled"), 20)


def test_the_console_explains_by_the_catalogue(veiled: Proxy) -> None:
    with closing(connected(veiled)) as connection:
        outcome(connection, "SELECT 1")
    with closing(connected(veiled, "articdbm", user="admin")) as console:
        rows = console.execute("EXPLAIN PLAN FOR app@shop SELECT what FROM pairs").fetchall()
        said = [(what, value) for what, value in rows]
        assert ("action", "deny") in said
        assert ("shows", "what from public.staff.pay") in said
        assert ("reads", "public.pairs, public.staff") in said
        assert any(what == "took" and "veil" in value for what, value in said)
        chain = [(row[0], row[1], row[2]) for row in console.execute("SHOW PLUGINS").fetchall()]
        assert chain == [
            ("blocked", "names", "yes"),
            ("reserved", "names", "yes"),
            ("session", "session", "yes"),
            ("veil", "masking", "yes"),
            ("sharing", "sharing", "no"),
        ]
        with pytest.raises(psycopg.Error, match="no client is let in as nobody"):
            console.execute("EXPLAIN PLAN FOR nobody@shop SELECT 1")
