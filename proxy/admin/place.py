"""What the console's commands may see and do: the rooms they are given, and how an answer is put."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from plugins.blocked import Blocked
from protocols.postgres import replies
from protocols.postgres.errors import Known, problem
from protocols.postgres.types import Problem
from proxy.bases import Bases
from proxy.catalogues import Catalogues
from proxy.directory import Directory
from proxy.doors import Doors
from proxy.lines import Lines
from proxy.names import Names
from proxy.native import CarrierFigures, Figures, Listed, PlanFigures, PoolFigures
from proxy.outside import Commands, Outside
from proxy.planner import Planner
from proxy.pools import Pools
from proxy.reload import Reloader
from proxy.upstream import Upstream

Row = Sequence[str | int | None]
Ending = Literal["now", "clients", "servers"]
"""When the process goes: at once, when the clients have left, when the server connections are free."""


class Source(Protocol):
    """Where figures come from: the core."""

    def figures(self) -> Figures: ...

    def pools(self) -> list[PoolFigures]: ...

    def carriers(self) -> list[CarrierFigures]: ...

    def plans(self) -> list[PlanFigures]: ...

    def busiest(self, most: int) -> list[tuple[bytes, int, int, int]]: ...


class House(msgspec.Struct, frozen=True):
    """The rooms."""

    source: Source
    outside: Outside
    directory: Directory
    pools: Pools
    bases: Bases
    doors: Doors
    upstream: Upstream
    lines: Lines
    names: Names
    reloader: Reloader
    logging_in: Callable[[], int]
    """How many clients log in."""
    texts: Callable[[int, bytes], str]
    """The statement behind a plan, without its literals; empty where it is not known."""
    planner: Planner
    blocked: Blocked
    catalogues: Catalogues
    version: str
    today: Callable[[], float]
    """Seconds since 1970."""
    end: Callable[[Ending], None]


class Denied(Exception):
    """The command is not carried out, and why."""

    def __init__(self, known: Known, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.problem: Problem = problem(known, what=what, hint=hint)


class Until(msgspec.Struct, frozen=True):
    """The answer comes when something holds."""

    holds: Callable[[], bool]
    reply: bytes
    void: Callable[[], bool] = lambda: False
    """It will not come any more: what was asked for was taken back."""


class Listing(msgspec.Struct, frozen=True):
    """The answer needs every carrier's connections."""

    reply: Callable[["Found"], tuple[Commands, bytes]]


class Found(msgspec.Struct):
    """What the carriers have answered so far."""

    parts: list[Listed] = []


Answer = bytes | Until | Listing


def database_of(house: House, name: str, verb: str) -> str:
    """The own name of a database that can be ordered about. Raises Denied."""
    if house.directory.is_console(name):
        raise Denied(Known.COMMAND_FAILED, f"cannot {verb} admin db: {name}")
    # A reload may have taken it away, or made it an alias: what holds it can still be ended.
    if name in house.pools.holds.named:
        return name
    known = house.directory.snapshot.database(name)
    if known is None:
        raise Denied(Known.UNKNOWN_OBJECT, f"no such database: {name}")
    return known.name


def held_or_used(house: House, name: str) -> bool:
    """The configuration names it, or it is one of `*` that is held by name or was used since the start."""
    pools = house.pools
    return (
        house.directory.snapshot.named_database(name)
        or name in pools.holds.named
        or bool(pools.of(name) or pools.lines_of(name))
    )


def figures_by_database(house: House) -> dict[str, list[PoolFigures]]:
    """The pools' figures of every database there is, or was when a pool was opened."""
    found: dict[str, list[PoolFigures]] = {one.name: [] for one in house.directory.snapshot.databases}
    for pool in house.source.pools():
        key = house.pools.key(pool.pool) or house.pools.line_key(pool.pool)
        if key is not None:
            found.setdefault(key[0], []).append(pool)
    return found


def table(columns: Sequence[tuple[str, int]], rows: Sequence[Row]) -> bytes:
    """Rows under their columns, as PgBouncer ends them."""
    cells = [[None if cell is None else str(cell) for cell in row] for row in rows]
    return replies.table(columns, cells, "SHOW")


INT4, INT8, TEXT, NUMERIC, BYTEA = 23, 20, 25, 1700, 17
_TYPES = {"int4": INT4, "int8": INT8, "text": TEXT, "numeric": NUMERIC, "bytea": BYTEA}


def columns(declared: str) -> tuple[tuple[str, int], ...]:
    """Columns from `name` (text) and `name:type`."""
    pairs = (one.partition(":") for one in declared.split())
    return tuple((name, _TYPES[kind or "text"]) for name, _, kind in pairs)
