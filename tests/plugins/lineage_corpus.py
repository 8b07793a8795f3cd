"""Reads the corpus in `lineage/`: statements of one line each, above them what their reading must be.

`--> ` one line for the result: its columns, joined by ` | `, each `name=FIELDS ? FIELDS via FIELDS`: the fields its
value comes from, those that only decide it, the columns of views on the way. `!`: its value may come from anywhere,
`?!`: what decides it may be anything; ` | ...`: there may be any other columns. `--reads`, `--writes`, `--makes`,
`--shadows` name relations (`...`: there may be others), `--stores` a field that is written and where its value comes
from, `--doubt` a reason. The schema `public` is left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from plugins import statement
from plugins.catalogue import Catalogue, Names
from plugins.model import Field, Found, Output, Reading, Source
from plugins.scope import Scope
from proxy import catalogue
from tests.servers.postgres import PostgresServer

FOLDER = Path(__file__).parent / "lineage"
SCHEMA = (FOLDER / "schema.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Case:
    place: str
    facts: tuple[str, ...]
    text: str


def cases(name: str) -> Iterator[Case]:
    facts: list[str] = []
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").split("\n"), start=1):
        if line.startswith("--"):
            facts.append(line)
        elif line:
            yield Case(f"{name}:{number}", tuple(facts), line)
            facts = []


def reading(text: str, names: Names | None, **settings: str) -> Reading:
    scope = Scope("front", "app", "shop", tuple(settings.items()))
    return statement.read(text.encode(), scope, exact=True, names=names).reading


def told(of: Reading) -> tuple[str, ...]:
    """The facts of a reading, as the corpus writes them."""
    lines = [
        "--> " + " | ".join([*map(_output, of.outputs), *([] if of.shown else ["..."])]),
        _found("reads", of.reads),
    ]
    if of.writes.items or not of.writes.whole:
        lines.append(_found("writes", of.writes))
    lines += [f"--stores {_short(one.into)} <- {_origin(one.origin)}" for one in of.stores]
    lines += [f"--makes {_all(of.makes)}"] if of.makes else []
    lines += [f"--shadows {_all(of.shadows)}"] if of.shadows else []
    lines += [f"--doubt {doubt}" for doubt in of.doubts]
    return tuple(line.rstrip() for line in lines)


def _found(what: str, found: Found[Source]) -> str:
    return f"--{what} {_all(found.items)}{'' if found.whole else ' ...'}"


def _output(output: Output) -> str:
    return f"{output.name}={_origin(output)}"


def _origin(output: Output) -> str:
    said = _all(output.value)
    said += f" ? {_all(output.condition)}" if output.condition else ""
    said += f" via {_all(output.views)}" if output.views else ""
    if not output.sure:
        return f"{said} !"
    return said if output.condition_sure else f"{said} ?!"


def _all(some: Iterable[Field | Source]) -> str:
    return ",".join(sorted(map(_short, some)))


def _short(one: Field | Source) -> str:
    return str(one).removeprefix("public.")


def loaded(server: PostgresServer, dbname: str) -> tuple[Catalogue, Names]:
    """The catalogue of a database, as the proxy asks for it."""
    with psycopg.connect(server.local(dbname), autocommit=True) as connection:
        cursor = connection.execute(catalogue.QUESTION.encode())
        while cursor.nextset():
            pass
        found = catalogue.catalogue_of(row[0] for row in cursor.fetchall())
        row = connection.execute(catalogue.PATH_QUESTION.encode()).fetchone()
        assert row is not None
        return found, catalogue.names_of(found, catalogue.sight_of(row[0]))
