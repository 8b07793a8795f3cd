"""Names: one of each, and none that is not there."""

from collections.abc import Iterable, Iterator, Sequence

from config.errors import Finding
from config.positions import KeyPath
from config.sections.admin import ADMIN_DATABASE
from config.sections.clusters import Cluster
from config.sections.databases import Database
from config.sections.users import User
from config.snapshot import Snapshot
from config.values import like, naming


def unique_names(snapshot: Snapshot) -> Iterator[Finding]:
    sections: tuple[tuple[str, Sequence[Cluster | Database | User]], ...] = (
        ("clusters", snapshot.clusters),
        ("databases", snapshot.databases),
        ("users", snapshot.users),
    )
    for section, items in sections:
        first: dict[str, int] = {}
        for index, item in enumerate(items):
            earlier = first.setdefault(item.name, index)
            if earlier != index:
                yield Finding(
                    (section, index, "name"),
                    f"{naming(item.name)} is the name of {section}[{earlier}] already",
                    "rename one of them or remove it",
                    because=((section, earlier, "name"),),
                )


def known_names(snapshot: Snapshot) -> Iterator[Finding]:
    clusters = _names("clusters", snapshot.clusters)
    databases = _names("databases", snapshot.databases)
    users = _names("users", snapshot.users)
    for index, database in enumerate(snapshot.databases):
        yield from _known(("databases", index, "cluster"), database.cluster, "cluster", clusters)
    for index, user in enumerate(snapshot.users):
        for place, name in enumerate(user.databases or ()):
            yield from _known(("users", index, "databases", place), name, "database", databases)
    for setting, names in (("users", snapshot.admin.users), ("stats_users", snapshot.admin.stats_users)):
        for place, name in enumerate(names):
            yield from _known(("admin", setting, place), name, "user", users)


def _known(path: KeyPath, name: str, kind: str, known: dict[str, KeyPath]) -> Iterator[Finding]:
    if name not in known:
        fix = like(name, known).removeprefix("; ") or f"add it under [[{kind}s]], or name one that is there"
        yield Finding(
            path, f"there is no {kind} {naming(name)}", fix, because=(*known.values(), (f"{kind}s",))
        )


def _names(section: str, items: Iterable[Cluster | Database | User]) -> dict[str, KeyPath]:
    return {item.name: (section, index, "name") for index, item in enumerate(items)}


def own_database(snapshot: Snapshot) -> Iterator[Finding]:
    for index, database in enumerate(snapshot.databases):
        if database.name == ADMIN_DATABASE:
            yield Finding(
                ("databases", index, "name"),
                f'"{ADMIN_DATABASE}" is the name of the admin database',
                'choose another name; `dbname = "articdbm"` still reaches a database of that name',
            )


def nothing_to_serve(snapshot: Snapshot) -> Iterator[Finding]:
    for section, items in (("databases", snapshot.databases), ("users", snapshot.users)):
        if not items:
            yield Finding((section,), "there are none: nobody can connect", f"add [[{section}]]", "warning")
