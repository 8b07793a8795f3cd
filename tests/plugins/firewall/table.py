"""Reads the tables in `tables/`: SQL files whose first line names the rules of `rules.toml` that they are judged by, and
in which a line `--> allow|deny RULE` says what becomes of the text below it, and by which rule.

Behind the rule may stand `possibly` (it cannot be ruled out) and `until MOMENT`, and behind ` | ` what is other than
usual: `user=`, `database=`, `listener=`, `application=`, `network=`, `search_path=`, and `at=` a moment (UTC, as the
other). The same tables are for every way a statement can come.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.decode import Decoder
from config.values import Surroundings
from plugins import statement
from plugins.catalogue import Catalogue, Column, Names, Relation, Routine, path_of
from plugins.chain import Chain
from plugins.firewall import Firewall
from plugins.firewall.settings import FirewallSettings
from plugins.model import Source
from plugins.plan import Plan
from plugins.scope import Scope
from proxy.native import fingerprint

FOLDER = Path(__file__).parent
_FACTS = re.compile(r"--> (allow|deny) (\S+)( possibly)?(?: until (\S+))?(?: \| (.*))?")
_OPTION = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")


def _table(space: str, name: str, *columns: str) -> Relation:
    return Relation(Source(space, name), columns=tuple(map(Column, columns)))


def _view(space: str, name: str, definition: str, *columns: str) -> Relation:
    return Relation(Source(space, name), "view", tuple(map(Column, columns)), definition=definition)


CATALOGUE = Catalogue(
    relations=(
        _table("public", "users", "id", "name", "email", "data"),
        _table("public", "orders", "id", "user_id", "status"),
        _table("public", "log", "at"),
        _table("public", "salaries", "id"),
        _table("hr", "salaries", "id", "pay"),
        _table("hr", "people", "id", "name"),
        _view("public", "pays", "SELECT salaries.pay FROM hr.salaries", "pay"),
        _view("public", "mails", "SELECT users.email AS mail FROM public.users", "mail"),
        _table("pg_catalog", "pg_class", "oid", "relname"),
        _table("pg_catalog", "pg_shadow", "usename", "passwd"),
        _table("information_schema", "tables", "table_name"),
    ),
    routines=(Routine("public", "purge"),),
)


@dataclass(frozen=True)
class Case:
    """One text, who says it where, and what becomes of it."""

    place: str
    rules: str
    text: str
    scope: Scope
    action: str
    rule: str
    possibly: bool
    until: float | None


def settings(written: dict[str, object]) -> FirewallSettings:
    """As the loader makes them."""
    decoder = Decoder(Surroundings(environ={}, read=Path.read_bytes, folder=FOLDER))
    told = decoder.table(FirewallSettings, written)
    assert not decoder.findings, decoder.findings
    return told


RULES = {
    name: settings(written) for name, written in tomllib.loads((FOLDER / "rules.toml").read_text()).items()
}


def cases() -> Iterator[Case]:
    for file in sorted((FOLDER / "tables").glob("*.sql")):
        first, *lines = file.read_text(encoding="utf-8").split("\n")
        rules = first.removeprefix("-- rules: ")
        blocks: list[tuple[int, str, list[str]]] = []
        for number, line in enumerate(lines, start=2):
            if line.startswith("--> "):
                blocks.append((number, line, []))
            elif blocks:
                blocks[-1][2].append(line)
        for number, facts, text in blocks:
            yield _case(f"{file.name}:{number}", rules, facts, "\n".join(text).removesuffix("\n"))


def _case(place: str, rules: str, facts: str, text: str) -> Case:
    found = _FACTS.fullmatch(facts)
    assert found is not None, f"{place}: {facts}"
    given = dict(_OPTION.findall(found[5] or ""))
    path = given.pop("search_path", None)
    scope = Scope(
        given.pop("listener", "front"),
        given.pop("user", "app"),
        given.pop("database", "shop"),
        () if path is None else (("search_path", path),),
        given.pop("application", ""),
        (given.pop("network"),) if "network" in given else (),
        moment(given.pop("at", "2026-01-05T12:00")),
    )
    assert not given, f"{place}: {given}"
    until = moment(found[4]) if found[4] else None
    return Case(place, rules, text, scope, found[1], found[2], found[3] is not None, until)


def moment(written: str) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()


def judged(told: FirewallSettings, text: str, scope: Scope, names: Names | None = None) -> Plan:
    """The plan of the firewall alone."""
    seen = (
        names
        if names is not None
        else Names(CATALOGUE, path_of(scope.setting("search_path") or "public", scope.user))
    )
    _, exact, _ = fingerprint(text.encode(), standard_conforming_strings=True)
    read = statement.read(text.encode(), scope, exact=exact, names=seen)
    return Chain([Firewall(told)]).plan(read, scope)
