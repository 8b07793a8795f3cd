"""A proxy as the load tests run it, and the console that says what it holds."""

import asyncio
from collections.abc import Mapping

from tests.load.wire import Wire, query
from tests.servers.postgres import USERS, PostgresServer

ENVIRONMENT = {"APP_PASSWORD": USERS["app"], "OTHER_PASSWORD": USERS["other"]}


def config(
    server: PostgresServer | int,
    *,
    carriers: int = 1,
    pool: Mapping[str, str | int | bool] | None = None,
    cluster: Mapping[str, str | int] | None = None,
    limits: Mapping[str, str | int] | None = None,
    other: Mapping[str, str | int | bool] | None = None,
) -> str:
    """articdbm.toml for one server (or the port of one). `other` are the pool settings of the user of that name."""
    port = server if isinstance(server, int) else server.port
    return f"""
[limits]
carriers = {carriers}
{_lines(limits or {})}

[admin]
users = ["app"]

[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
auth = "trust"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "127.0.0.1:{port}" }}]
tls = {{ mode = "disable" }}
pool = {_table(pool or {})}
{_lines(cluster or {})}

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "env://APP_PASSWORD"

[[users]]
name = "other"
password = "env://OTHER_PASSWORD"
pool = {_table(other or {})}
"""


def _value(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _lines(settings: Mapping[str, str | int]) -> str:
    return "\n".join(f"{name} = {_value(value)}" for name, value in settings.items())


def _table(settings: Mapping[str, str | int | bool]) -> str:
    return "{ " + ", ".join(f"{name} = {_value(value)}" for name, value in settings.items()) + " }"


async def pools(port: int) -> dict[str, dict[str, str]]:
    """SHOW POOLS, by label."""
    rows = await _console(port, "SHOW POOLS")
    return {row["pool"]: row for row in rows}


async def totals(port: int) -> dict[str, int]:
    """SHOW TOTALS, the whole numbers."""
    rows = await _console(port, "SHOW TOTALS")
    return {row["figure"]: int(row["value"]) for row in rows if (row["value"] or "").isdecimal()}


async def _console(port: int, command: str) -> list[dict[str, str]]:
    wire = await Wire.open(port, database="articdbm")
    answer = await wire.ask(query(command))
    wire.leave()
    names = _columns(next(body for kind, body in answer.messages if kind == b"T"))
    return [dict(zip(names, (value or "" for value in row), strict=True)) for row in answer.rows]


def _columns(body: bytes) -> list[str]:
    names, at = [], 2
    for _ in range(int.from_bytes(body[:2], "big")):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode())
        at = end + 19
    return names


async def quiet(port: int, patience: float = 30.0) -> dict[str, dict[str, str]]:
    """Wait until no pool has anything under way or anybody waiting, and give SHOW POOLS. Raises AssertionError."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        found = await pools(port)
        busy = ("clients_active", "clients_waiting", "servers_active", "servers_opening")
        if all(int(pool[name]) == 0 for pool in found.values() for name in busy):
            return found
        assert asyncio.get_running_loop().time() < deadline, f"something is still held: {found}"
        await asyncio.sleep(0.1)
