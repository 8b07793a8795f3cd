"""The tables of plugins, `[plugins.NAME]`: what they may hold is known only once it is known which plugins there are.

It knows no plugin: who loads a configuration says what they are.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from config.decode import Decoder
from config.errors import Finding
from config.positions import KeyPath, touches
from config.setting import Section
from config.snapshot import Snapshot
from config.values import like

Tables = dict[str, object]


class Known(Protocol):
    """Who knows plugins."""

    def kinds(self, names: Sequence[str]) -> tuple[Mapping[str, type[Section]], Mapping[str, str]]:
        """The settings of the house's own plugins and of these; and of those that are refused, why."""
        ...

    def trouble(self, name: str, said: Section) -> str:
        """What keeps the plugin from starting with these settings; empty when nothing."""
        ...

    def findings(self, name: str, said: Section) -> Sequence[Finding]:
        """What the plugin finds wrong or doubtful in its settings, by paths inside its table."""
        ...


class _None:
    """Nobody knows any."""

    def kinds(self, names: Sequence[str]) -> tuple[Mapping[str, type[Section]], Mapping[str, str]]:
        return {}, dict.fromkeys(names, "plugins are not known here")

    def trouble(self, name: str, said: Section) -> str:  # noqa: ARG002
        return ""

    def findings(self, name: str, said: Section) -> Sequence[Finding]:  # noqa: ARG002
        return ()


def apart(tree: dict[str, object]) -> tuple[dict[str, object], Tables]:
    """The file without plugins' tables, and those."""
    written = tree.get("plugins")
    if not isinstance(written, dict):
        return tree, {}
    tables: Tables = {name: table for name, table in written.items() if isinstance(table, dict)}
    return tree | {"plugins": {name: one for name, one in written.items() if name not in tables}}, tables


def settled(snapshot: Snapshot, tables: Tables, decoder: Decoder, known: Known | None) -> Snapshot:
    """The Snapshot with what its plugins are told. What is wrong is the decoder's to tell."""
    if known is None and not tables and not snapshot.plugins.load:
        return snapshot
    knows = known if known is not None else _None()
    kinds, refused = knows.kinds(snapshot.plugins.load)
    doubled = {name for name in snapshot.plugins.load if snapshot.plugins.load.count(name) > 1}
    for place, name in enumerate(snapshot.plugins.load):
        if name in refused:
            decoder.refuse(("plugins", "load", place), refused[name], "install it, or leave it out")
        elif name in doubled:
            decoder.refuse(("plugins", "load", place), "this is named twice", "name it once")
    made: list[tuple[str, Section]] = []
    for name, written in tables.items():
        kind = kinds.get(name)
        if kind is None:
            if name not in refused:
                fix = (
                    like(name, kinds).removeprefix("; ")
                    or "add it to `load` of [plugins], or remove this table"
                )
                decoder.findings.append(Finding(("plugins", name), f'no plugin "{name}" is loaded', fix))
            continue
        made.append((name, decoder.table(kind, written, ("plugins", name))))
    told = dict(made)
    wrong: set[str] = set()
    for name, said in made:
        found = [_outside(name, one) for one in knows.findings(name, said)]
        kept = [one for one in found if not _rests_on(one, decoder.broken)]
        decoder.findings += kept
        if any(path[:2] == ("plugins", name) for path in decoder.broken) or any(
            one.severity == "error" for one in kept
        ):
            wrong.add(name)
    loaded = {name: ("plugins", "load", place) for place, name in enumerate(snapshot.plugins.load)}
    for name in dict.fromkeys((*loaded, *told)):
        if name not in kinds or name in wrong:
            continue
        trouble = _trouble(knows, name, kinds[name], told.get(name))
        if trouble:
            path: KeyPath = loaded.get(name, ("plugins", name))
            decoder.refuse(path, trouble, "see its documentation for what it needs")
    plugins = msgspec.structs.replace(snapshot.plugins, settings=tuple(made))
    return msgspec.structs.replace(snapshot, plugins=plugins)


def _outside(name: str, found: Finding) -> Finding:
    """A plugin's finding, by the paths of the file."""
    inside: KeyPath = ("plugins", name)
    return msgspec.structs.replace(
        found,
        path=(*inside, *found.path),
        because=tuple((*inside, *path) for path in found.because),
        beside=None if found.beside is None else (*inside, *found.beside),
    )


def _rests_on(found: Finding, broken: Collection[KeyPath]) -> bool:
    return any(touches(path, other) for path in (found.path, *found.because) for other in broken)


def _trouble(known: Known, name: str, kind: type[Section], said: Section | None) -> str:
    if said is None:
        try:
            said = kind()
        except TypeError:
            return f'the plugin "{name}" has settings that must be given under [plugins.{name}]'
    return known.trouble(name, said)
