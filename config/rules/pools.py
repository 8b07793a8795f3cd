"""Pools: settings that contradict each other once the levels are merged."""

from collections.abc import Iterator

from msgspec import UNSET

from config.errors import Finding
from config.positions import KeyPath
from config.sections.clusters import Cluster
from config.sections.pool import PoolOptions, merge
from config.sections.users import User
from config.snapshot import Snapshot

Layers = tuple[tuple[PoolOptions, KeyPath], ...]
"""Settings and where they stand; the later win."""


def pools(snapshot: Snapshot) -> Iterator[Finding]:
    """Every merge that can happen, once."""
    seen: set[tuple[int, tuple[PoolOptions, ...]]] = set()
    for index, layers in _merges(snapshot):
        key = (index, tuple(options for options, _ in layers))
        if key not in seen:
            seen.add(key)
            yield from _pool(snapshot.clusters[index], ("clusters", index), layers)


def _merges(snapshot: Snapshot) -> Iterator[tuple[int, Layers]]:
    """The cluster's settings, a database's over them, a user's over both; what nobody uses yet counts by itself."""
    clusters = {cluster.name: index for index, cluster in enumerate(snapshot.clusters)}
    held: dict[int, list[int]] = {}
    for place, database in enumerate(snapshot.databases):
        held.setdefault(clusters.get(database.cluster, -1), []).append(place)
    levels = _user_levels(snapshot)
    for index, cluster in enumerate(snapshot.clusters):
        own: Layers = ((cluster.pool, ("clusters", index, "pool")),)
        if index not in held:
            yield index, own
        for place in held.get(index, ()):
            database = snapshot.databases[place]
            both: Layers = (*own, (database.pool, ("databases", place, "pool")))
            theirs = [
                (options, path)
                for options, (path, users) in levels.items()
                if any(user.may_use(database.name) for user in users)
            ]
            if not theirs:
                yield index, both
            for level in theirs:
                yield index, (*both, level)


def _user_levels(snapshot: Snapshot) -> dict[PoolOptions, tuple[KeyPath, list[User]]]:
    """The different settings users have, where they stand first, and who has them."""
    levels: dict[PoolOptions, tuple[KeyPath, list[User]]] = {}
    for index, user in enumerate(snapshot.users):
        levels.setdefault(user.pool, (("users", index, "pool"), []))[1].append(user)
    return levels


def _pool(cluster: Cluster, at: KeyPath, layers: Layers) -> Iterator[Finding]:
    pool = merge(*(options for options, _ in layers))
    because = tuple((*path, name) for _, path in layers for name in ("min_size", "size"))
    for name in ("min_size", "size"):
        given = [(*path, name) for options, path in layers if getattr(options, name) is not UNSET]
        if given and name == "min_size" and pool.min_size > pool.size:
            yield Finding(
                given[-1],
                f"{pool.min_size} connections are to be kept open where size = {pool.size} is the most",
                f"lower it to {pool.size} or less, or raise size",
                because=because,
            )
        if given and name == "size" and 0 < cluster.max_connections < pool.size:
            yield Finding(
                given[-1],
                f"{pool.size} is more than the {cluster.max_connections} connections its cluster may hold",
                "lower it, or raise the cluster's max_connections",
                "warning",
                because=(*because, (*at, "max_connections")),
            )
