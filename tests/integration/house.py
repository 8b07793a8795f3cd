"""One proxy in front of one PostgreSQL, with a database name for each way of pooling.

`shop` is the plain default; the others reach the same database through a pool of another kind. The listener trusts,
so that a raw client needs no proof; `PROVING` is the listener that asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.postgres import USERS, PostgresServer

POOLS: Mapping[str, str] = {
    "shop": "{}",
    "shop_one": "{ size = 1 }",
    "shop_alone": "{ size = 1, sharing = false }",
    "shop_session": '{ mode = "session", size = 8 }',
    "shop_statement": '{ mode = "statement" }',
}
"""Database names and their pools."""


@dataclass(frozen=True)
class Side:
    """Where a program connects to: the server itself, or the proxy in front of it."""

    host: str
    port: int
    database: str
    direct: bool


def configuration(
    server: PostgresServer,
    *,
    listener: str = 'auth = "trust"',
    cluster: str = "",
    limits: str = "",
    pools: Mapping[str, str] = POOLS,
    more: str = "",
) -> str:
    """The file. `listener`, `cluster`, `limits` are lines of their sections; `pools` the databases and their pools."""
    sections = [
        f'[[listeners]]\nprotocol = "postgres"\naddress = "127.0.0.1:@port@"\n{listener}\n',
        (
            '[[clusters]]\nname = "main"\nprotocol = "postgres"\n'
            f'servers = [{{ address = "{server.host}:{server.port}" }}]\n{cluster}\n'
        ),
        f"[limits]\n{limits}\n" if limits else "",
    ]
    sections += [
        f'[[databases]]\nname = "{name}"\ncluster = "main"\ndbname = "shop"\npool = {pool}\n'
        for name, pool in pools.items()
    ]
    sections += [
        f'[[users]]\nname = "{name}"\npassword = "env://{variable(name)}"\n'
        if password
        else f'[[users]]\nname = "{name}"\n'
        for name, password in USERS.items()
    ]
    return "\n".join([*sections, more])


def environment() -> dict[str, str]:
    """The passwords the file refers to."""
    return {variable(name): password for name, password in USERS.items() if password}


def variable(user: str) -> str:
    return f"{user.upper()}_PASSWORD"
