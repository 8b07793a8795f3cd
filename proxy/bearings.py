"""What plans depend on in the configuration, and so which of them a new one ends.

It compares two Snapshots for everybody who ever logged in; it changes nothing.
"""

from collections.abc import Callable
from functools import cache

import msgspec

from config.sections.pool import PoolOptions
from config.snapshot import Snapshot
from proxy.bases import Base, Bases


def concerned(before: Snapshot, after: Snapshot, bases: Bases) -> list[int] | None:
    """Whose plans have to be made anew; None: everybody's."""
    if _of_all(before) != _of_all(after):
        return None
    then, now = _of_each(before), _of_each(after)
    return [number for number, base in bases.all() if then(base) != now(base)]


def moved(before: Snapshot, after: Snapshot) -> set[str]:
    """The clusters that hold something else now, or may."""
    then, now = (
        {one.name: _servers(snapshot, one.name) for one in snapshot.clusters} for snapshot in (before, after)
    )
    return {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}


def _of_all(snapshot: Snapshot) -> tuple[object, ...]:
    """The chain; and who may ask for the texts of statements, which are kept when they are planned."""
    return snapshot.plugins, bool(snapshot.log.slow), snapshot.log.slow_parameters, snapshot.metrics


def _of_each(snapshot: Snapshot) -> Callable[[Base], tuple[object, ...]]:
    """What plans of a base depend on besides, each part looked up once."""

    @cache
    def person(name: str) -> object:
        found = snapshot.user(name)
        return found and msgspec.structs.replace(found, pool=PoolOptions())

    @cache
    def place(name: str) -> object:
        found = snapshot.database(name)
        return found and (
            msgspec.structs.replace(found, pool=PoolOptions()),
            _servers(snapshot, found.cluster),
        )

    return lambda base: (person(base.user), snapshot.admin if base.admin else place(base.database))


def _servers(snapshot: Snapshot, name: str) -> object:
    found = snapshot.cluster(name)
    return found and (found.servers, found.path, found.auth_query)
