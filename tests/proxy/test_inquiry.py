"""The proxy's own questions: read byte by byte from whoever answers, and asked of a real server through the core."""

import asyncio
import socket
from contextlib import suppress

import psycopg
import pytest

from protocols.postgres import messages
from protocols.postgres.types import Problem
from proxy.bases import OWN
from proxy.inquiry import ask
from proxy.native import PlanNeeded
from tests.conftest import StartProxy
from tests.proxy.town import Town
from tests.servers.postgres import USERS, PostgresServer

ROW = messages.data_row(["a", None])
READY = messages.ready()
FATAL = messages.error(Problem("FATAL", "08P01", "query_wait_timeout"))
REFUSED = messages.error(Problem("ERROR", "22023", "no"))
FRAME = messages.row_description(["x", "y"])


def hear(said: bytes, *, hang_up: bool = True, seconds: float = 20.0) -> list[str | None] | Problem:
    """What `ask` makes of an answer that arrives one byte after the other."""

    async def run() -> list[str | None] | Problem:
        ours, other = socket.socketpair()
        with other:
            ours.setblocking(False)
            other.setblocking(False)
            asking = asyncio.create_task(ask(ours, b"SELECT 1", seconds))
            loop = asyncio.get_running_loop()
            assert await loop.sock_recv(other, 100) == messages.frame(b"Q", b"SELECT 1\0")
            with suppress(BrokenPipeError):  # it has heard enough
                for at in range(len(said)):
                    await loop.sock_sendall(other, said[at : at + 1])
            if hang_up:
                other.close()
            return await asking

    return asyncio.run(run())


def test_a_row_is_the_answer_once_the_server_is_ready() -> None:
    notice = messages.notice(Problem("WARNING", "01000", "psst"))
    done = messages.command_complete("SELECT 1")
    said = messages.command_complete("SET") + notice + FRAME + ROW + done + READY
    assert hear(said, hang_up=False) == ["a", None]


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        (REFUSED + READY, "22023", "no"),
        (FRAME + ROW + REFUSED + READY, "22023", "no"),
        (FATAL, "08P01", "query_wait_timeout"),
        (b"", "08006", "connection ended"),
        (FRAME + ROW, "08006", "connection ended"),
        (ROW[:-1], "08006", "connection ended"),
        (READY, "08P01", "no row"),
        (messages.frame(b"D", b"\0\1\0\0\0\7abc"), "08P01", "row is broken"),
        (b"D\0\0\0\3", "08P01", "impossible length"),
        (b"D\x7f\xff\xff\xff", "08P01", "impossible length"),
    ],
)
def test_anything_else_is_a_problem(said: bytes, code: str, message: str) -> None:
    heard = hear(said)
    assert isinstance(heard, Problem)
    assert heard.code == code
    assert message in heard.message


def test_an_answer_is_bounded_in_all() -> None:
    heard = hear(messages.notice(Problem("NOTICE", "00000", "x" * 1000)) * 80, hang_up=False)
    assert isinstance(heard, Problem)
    assert "impossible length" in heard.message


def test_silence_is_bounded_too() -> None:
    heard = hear(b"", hang_up=False, seconds=0.05)
    assert isinstance(heard, Problem)
    assert heard.message == "query_wait_timeout"


def test_plugins_are_not_asked_about_the_proxys_own_question() -> None:
    [learn] = Town().handle(PlanNeeded(3, b"k" * 16, OWN, [], None, [], False, b"SELECT 1"))
    assert learn.plan.action == "forward"  # type: ignore[union-attr]


# --- on a real server -------------------------------------------------------------------------------

CONFIG = """
[limits]
carriers = {carriers}

[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
auth = "trust"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:{port}" }}]
tls = {{ mode = "disable" }}
pool = {{ size = 1, mode = "{mode}" }}

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "env://APP_PASSWORD"
"""
ASKED = (
    "-c TimeZone=europe/berlin",
    "-c TimeZone=Nope",
    '-c search_path=a,"PUBLIC",Pg_Catalog,public',
    "-c search_path=a,,b",
    "-c work_mem=much",
    "-c nonsense=1",
    "-c log_statement=all",
    "-c statement_timeout=1min -c standard_conforming_strings=off -c client_encoding=latin1",
    "",
)


def _log_in(port: int, options: str) -> tuple[str, str]:
    """What comes of logging in with these options: the time zone and the schemas, or the error."""
    where = {"host": "127.0.0.1", "port": port, "dbname": "shop", "user": "app", "password": USERS["app"]}
    try:
        with psycopg.connect(**where, options=options, autocommit=True) as one:  # type: ignore[arg-type]
            told = one.info.parameter_status("TimeZone")
            row = one.execute("SELECT current_setting('TimeZone'), current_schemas(true)::text").fetchone()
            assert row is not None
            assert told == row[0]
            return row
    except psycopg.OperationalError as error:
        return "refused", str(error).partition("FATAL:")[2].strip()


@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
@pytest.mark.parametrize("carriers", [0, 1])
def test_a_pool_of_one_connection_judges_settings_as_the_server_does(
    spare_postgres: PostgresServer, start_proxy: StartProxy, mode: str, carriers: int
) -> None:
    wanted = {options: _log_in(spare_postgres.port, options) for options in ASKED}
    spare_postgres.execute("ALTER ROLE app CONNECTION LIMIT 1")
    config = CONFIG.format(port=spare_postgres.port, mode=mode, carriers=carriers)
    proxy = start_proxy(config, {"APP_PASSWORD": USERS["app"]})
    assert {options: _log_in(proxy.port, options) for options in ASKED} == wanted
