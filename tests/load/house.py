"""A proxy as the load tests run it, and the console that says what it holds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tests.load.wire import Wire, query
from tests.servers.postgres import USERS, PostgresServer

Settings = Mapping[str, str | int | bool]
ENVIRONMENT = {"APP_PASSWORD": USERS["app"], "OTHER_PASSWORD": USERS["other"]}


def config(
    server: PostgresServer | int,
    *,
    carriers: int = 1,
    pool: Settings | None = None,
    cluster: Settings | None = None,
    limits: Settings | None = None,
    other: Settings | None = None,
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


def _lines(settings: Settings) -> str:
    return "\n".join(f"{name} = {_value(value)}" for name, value in settings.items())


def _table(settings: Settings) -> str:
    return "{ " + ", ".join(f"{name} = {_value(value)}" for name, value in settings.items()) + " }"


async def pools(port: int) -> dict[str, dict[str, str]]:
    """SHOW SHARING, by database and user."""
    rows = await _console(port, "SHOW SHARING")
    return {f"{row['database']}/{row['user']}": row for row in rows}


async def totals(port: int) -> dict[str, int]:
    """SHOW TOTALS, the whole numbers."""
    rows = await _console(port, "SHOW TOTALS")
    return {row["name"]: int(row["value"]) for row in rows if (row["value"] or "").isdecimal()}


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


async def until(holds: Callable[[], Awaitable[bool]], patience: float = 30.0) -> bool:
    """Ask until it holds (True) or the patience is at its end (False)."""
    deadline = asyncio.get_running_loop().time() + patience
    while not await holds():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def quiet(port: int, patience: float = 30.0) -> dict[str, dict[str, str]]:
    """Wait until no pool has anything under way or anybody waiting, and give SHOW SHARING. Raises AssertionError."""
    found: dict[str, dict[str, str]] = {}

    async def rests() -> bool:
        nonlocal found
        found = await pools(port)
        busy = ("clients_active", "clients_waiting", "servers_active", "servers_opening")
        return all(int(pool[name]) == 0 for pool in found.values() for name in busy)

    assert await until(rests, patience), f"something is still held: {found}"
    return found


async def waiting(port: int, count: int, pool: str = "shop/app") -> None:
    """Until so many clients wait for a connection. Raises AssertionError."""

    async def so_many() -> bool:
        return int((await pools(port))[pool]["clients_waiting"]) == count

    assert await until(so_many), f"not {count} clients wait: {await pools(port)}"
