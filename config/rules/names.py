"""Names: one of each, and none that is not there."""

from collections.abc import Iterable, Iterator, Sequence

from config.errors import Finding, itself
from config.positions import KeyPath
from config.sections.admin import ADMIN_DATABASE, CONSOLE_ALIAS
from config.sections.clusters import Cluster
from config.sections.databases import WILDCARD, Database
from config.sections.rules import REPLICATION
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


def aliases(snapshot: Snapshot) -> Iterator[Finding]:
    taken: dict[str, KeyPath] = _names("databases", snapshot.databases)
    for index, database in enumerate(snapshot.databases):
        for place, alias in enumerate(database.aliases):
            path: KeyPath = ("databases", index, "aliases", place)
            earlier = taken.setdefault(alias, path)
            if alias == WILDCARD or database.wild:
                fix = 'set `name = "*"` for every name, and no alias there'
                yield Finding(path, f'"{WILDCARD}" is no alias and has none', fix)
            elif alias == ADMIN_DATABASE:
                yield Finding(path, f'"{alias}" is the name of the admin database', "choose another one")
            elif earlier != path:
                what = f"{naming(alias)} is a database's name or alias already"
                yield Finding(path, what, "rename one of them or remove it", because=(earlier,))


def wildcards(snapshot: Snapshot) -> Iterator[Finding]:
    for index, user in enumerate(snapshot.users):
        if user.wild and user.password is not None:
            yield Finding(
                ("users", index, "password"),
                "everybody would have the same password",
                "remove it: an auth_query, a certificate or a trust proves such users",
            )
    for index, database in enumerate(snapshot.databases):
        if not database.wild:
            continue
        cluster = snapshot.cluster(database.cluster)
        own = database.auth_query is not None
        lookup = database.auth_query if own else cluster.auth_query if cluster else None
        if lookup is not None and lookup.dbname is None:
            path: KeyPath = ("databases", index, "auth_query") if own else ("databases", index, "name")
            yield Finding(
                path,
                "whoever names any database would have it connected to before proving anything",
                "set dbname in its auth_query",
                because=(("clusters",),),
            )


def known_names(snapshot: Snapshot) -> Iterator[Finding]:
    clusters = _names("clusters", snapshot.clusters)
    databases = _names("databases", snapshot.databases)
    users = _names("users", snapshot.users)
    any_database = WILDCARD in databases
    for index, database in enumerate(snapshot.databases):
        yield from _known(("databases", index, "cluster"), database.cluster, "cluster", clusters)
    for index, user in enumerate(snapshot.users):
        for place, name in enumerate(user.databases or ()):
            if any_database and name != WILDCARD:
                continue
            yield from _known(("users", index, "databases", place), name, "database", databases)
    for index, listener in enumerate(snapshot.listeners):
        for number, rule in enumerate(listener.rules):
            at: KeyPath = ("listeners", index, "rules", number)
            for place, name in enumerate(rule.databases):
                if name == REPLICATION:
                    yield from _ambiguous((*at, "databases", place), databases)
                elif name != ADMIN_DATABASE and not any_database:
                    yield from _known((*at, "databases", place), name, "database", databases)
            for place, name in enumerate(() if WILDCARD in users else rule.users):
                yield from _known((*at, "users", place), name, "user", users)
    for setting, names in (("users", snapshot.admin.users), ("stats_users", snapshot.admin.stats_users)):
        for place, name in enumerate(names):
            yield from _known(("admin", setting, place), name, "user", users)


def _known(path: KeyPath, name: str, kind: str, known: dict[str, KeyPath]) -> Iterator[Finding]:
    if name not in known:
        fix = like(name, known).removeprefix("; ") or f"add it under [[{kind}s]], or name one that is there"
        yield Finding(
            path, f"there is no {kind} {naming(name)}", fix, because=(*known.values(), itself(f"{kind}s"))
        )


def _ambiguous(path: KeyPath, databases: dict[str, KeyPath]) -> Iterator[Finding]:
    if REPLICATION in databases:
        yield Finding(
            path,
            f'"{REPLICATION}" is physical replication here, never the database of that name',
            "give the database another name; `dbname` and `aliases` keep what servers and clients call it",
            because=(databases[REPLICATION],),
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
        if database.name == CONSOLE_ALIAS:
            yield Finding(
                ("databases", index, "name"),
                f'"{CONSOLE_ALIAS}" now means this database, no longer the admin database',
                f'tools made for PgBouncer have to name "{ADMIN_DATABASE}" instead, or choose another name',
                "warning",
            )


def nothing_to_serve(snapshot: Snapshot) -> Iterator[Finding]:
    for section, items in (("databases", snapshot.databases), ("users", snapshot.users)):
        if not items:
            yield Finding((section,), "there are none: nobody can connect", f"add [[{section}]]", "warning")
