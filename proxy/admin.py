"""The administrator's console: the answers of the database called `articdbm` (or `pgbouncer`, for old habits).

One visible table of commands. It reads figures and asks for reloads; it changes nothing itself, and no secret can
reach it. Who may use it was decided at log-in.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from protocols.postgres import replies
from protocols.postgres.errors import Known, problem
from proxy.native import AnswerNeeded, Figures, PoolFigures, Reply
from proxy.outside import Commands
from proxy.reload import Refused

Row = Sequence[str | None]


class Source(Protocol):
    """Where figures come from: the core."""

    def figures(self) -> Figures: ...

    def pools(self) -> list[PoolFigures]: ...


class House(msgspec.Struct, frozen=True):
    """What the commands may see and do."""

    source: Source
    version: str
    settings: Callable[[], list[tuple[str, str]]]
    """What the configuration says now, as text, without secrets."""
    reload: Callable[[], Commands]
    """Load the configuration anew. Raises Refused with every reason."""


class Console:
    """Takes a statement, gives the whole reply."""

    def __init__(self, house: House) -> None:
        self._house = house

    def answer(self, event: AnswerNeeded) -> Commands:
        words = tuple(event.text.decode("utf-8", "replace").strip().rstrip("; \n\t").upper().split())
        command = COMMANDS.get(words)
        if command is None:
            what = f"the console has no {_leading(words)}; SHOW HELP lists what it has"
            said = problem(Known.BAD_COMMAND, what=what)
            return [Reply(event.conn, event.ticket, replies.failure(said))]
        commands: Commands = []
        try:
            data = command.run(self._house, commands)
        except Refused as refused:
            data = replies.failure(problem(Known.COMMAND_FAILED, what=str(refused)))
        return [*commands, Reply(event.conn, event.ticket, data)]


def show_pools(house: House, _: Commands) -> bytes:
    columns = [
        "pool", "mode", "clients_active", "clients_waiting", "clients_idle",
        "servers_active", "servers_idle", "servers_shared", "servers_opening",
    ]  # fmt: skip
    rows = [[str(getattr(pool, _FIELDS.get(name, name))) for name in columns] for pool in _pools(house)]
    return replies.table(columns, rows)


def show_stats(house: House, _: Commands) -> bytes:
    columns = [
        "pool", "statements", "shared_statements", "errors",
        "wait_p50_us", "wait_p99_us", "statement_p50_us", "statement_p99_us",
    ]  # fmt: skip
    rows = [
        [
            pool.label,
            str(pool.statements),
            str(pool.shared_statements),
            str(pool.errors),
            *(
                _quantile(histogram, share)
                for histogram in (pool.wait_us, pool.statement_us)
                for share in (0.5, 0.99)
            ),
        ]
        for pool in _pools(house)
    ]
    return replies.table(columns, rows)


def show_totals(house: House, _: Commands) -> bytes:
    figures = house.source.figures()
    names = (
        "clients", "logins", "servers", "statements", "plans", "plan_misses", "bytes_in", "bytes_out", "panics",
    )  # fmt: skip
    rows: list[Row] = [(name, str(getattr(figures, name))) for name in names]
    rows += [
        (f"plan_p{share:.0%}_us".replace("%", ""), _quantile(figures.plan_us, share)) for share in (0.5, 0.99)
    ]
    return replies.table(["figure", "value"], rows)


def show_pins(house: House, _: Commands) -> bytes:
    pins = sorted(house.source.figures().pins, key=lambda pin: (-pin[1], pin[0]))
    return replies.table(["reason", "connections"], [(reason, str(count)) for reason, count in pins])


def show_version(house: House, _: Commands) -> bytes:
    return replies.table(["version"], [(f"ArticDBM {house.version}",)])


def show_config(house: House, _: Commands) -> bytes:
    return replies.table(["key", "value"], house.settings())


def show_help(_house: House, _: Commands) -> bytes:
    return replies.table(
        ["command", "what it does"], [(" ".join(words), one.help) for words, one in COMMANDS.items()]
    )


def reload(house: House, commands: Commands) -> bytes:
    commands += house.reload()
    return replies.done("RELOAD")


class Command(msgspec.Struct, frozen=True):
    """A command of the console. What it has for the core is appended to the list it is given."""

    run: Callable[[House, Commands], bytes]
    help: str


COMMANDS: dict[tuple[str, ...], Command] = {
    ("SHOW", "POOLS"): Command(show_pools, "clients and server connections of each pool, now"),
    ("SHOW", "STATS"): Command(
        show_stats, "statements, errors, waits and times of each pool, since the start"
    ),
    ("SHOW", "TOTALS"): Command(show_totals, "figures of the whole process"),
    ("SHOW", "PINS"): Command(show_pins, "why clients were tied to one server connection, and how many"),
    ("SHOW", "CONFIG"): Command(show_config, "the configuration in force"),
    ("SHOW", "VERSION"): Command(show_version, "the version of ArticDBM"),
    ("SHOW", "HELP"): Command(show_help, "this list"),
    ("RELOAD",): Command(reload, "read the configuration file again: all of it or nothing"),
}

_FIELDS = {"pool": "label"}


def _leading(words: tuple[str, ...]) -> str:
    """What a command begins with, to name it: words alone, no value that somebody typed."""
    leading = itertools.takewhile(lambda word: word.isascii() and word.replace("_", "").isalpha(), words[:2])
    return f'command "{" ".join(leading)[:60]}"' if words else "empty command"


def _pools(house: House) -> list[PoolFigures]:
    return sorted(house.source.pools(), key=lambda pool: pool.label)


def _quantile(histogram: list[tuple[int, int]], share: float) -> str | None:
    """The upper bound of the bucket that the given share of all lies at or below."""
    total = sum(count for _, count in histogram)
    seen = 0
    for bound, count in sorted(histogram):
        seen += count
        if seen >= total * share:
            return str(bound)
    return None
