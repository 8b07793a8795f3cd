"""Reads the tables in `tables/`: SQL files where a line `--> facts` says what the plan of the text below it must be.

`facts` are joined by ` & `: `nothing`, `shareable`, `pin REASON`, `set NAME = VALUE`, `reset NAME`, `resets all`,
`forgets prepared`, `schema`, `frees`, `discards`, `listen CHANNEL`, `unlisten CHANNEL`, and of a prepared statement's
name `makes`, `runs`, `drops`; `aside`; `blurs`; `local NAME = VALUE` until its transaction ends; `point WHAT NAME`, of
that transaction; `outdates`. Before ` | ` may stand `similar` (the fingerprint leaves literals out) or a setting of the session
(`name=value`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plugins.plan import Plan
from plugins.scope import Scope

TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Case:
    """One text and what its plan must be, the trail aside."""

    place: str
    text: str
    scope: Scope
    exact: bool
    expected: Plan


def cases() -> Iterator[Case]:
    for file in sorted(TABLES.glob("*.sql")):
        blocks: list[tuple[int, str, list[str]]] = []
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
            if line.startswith("--> "):
                blocks.append((number, line.removeprefix("--> "), []))
            elif number > 1 or blocks:
                blocks[-1][2].append(line)
        for number, facts, lines in blocks:
            yield _case(f"{file.name}:{number}", facts, "\n".join(lines).removesuffix("\n"))


def _case(place: str, facts: str, text: str) -> Case:
    under, _, said = facts.rpartition(" | ")
    settings = tuple((name, value) for name, _, value in [under.partition("=")] if value)
    assert under in ("", "similar") or settings, f"{place}: {under}"
    return Case(place, text, Scope("front", "app", "shop", settings), under != "similar", _plan(place, said))


def _plan(place: str, said: str) -> Plan:
    changes: dict[str, object] = {}
    sets: list[tuple[str, str | None]] = []
    local_sets: list[tuple[str, str]] = []
    heard: list[tuple[bool, str | None]] = []
    for fact in said.split(" & "):
        word, _, rest = fact.partition(" ")
        match word:
            case "nothing" if said == "nothing":
                pass
            case "pin":
                changes["pin"] = rest
            case "set":
                name, _, value = rest.partition(" = ")
                sets.append((name, value))
            case "local":
                name, _, value = rest.partition(" = ")
                local_sets.append((name, value))
            case "point":
                what, _, name = rest.partition(" ")
                changes["point"] = (what, name)
            case "reset":
                sets.append((rest, None))
            case "resets":
                changes["resets_all"] = True
            case "forgets":
                changes["forgets_prepared"] = True
            case "makes" | "runs" | "drops":
                changes["names"] = word
            case "aside" | "frees" | "discards" | "shareable" | "blurs" | "outdates":
                changes[word] = True
            case "listen" | "unlisten":
                heard.append((word == "listen", None if rest == "*" else rest))
            case "schema":
                changes["changes_schema"] = True
            case _:
                raise AssertionError(f"{place}: {fact}")
    lists = {"sets": tuple(sets), "local_sets": tuple(local_sets), "channels": tuple(heard)}
    return Plan(**lists, **changes)  # type: ignore[arg-type]
