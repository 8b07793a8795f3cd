"""The tables of plugins, `[plugins.NAME]`: what they may hold is known only once it is known which plugins there are.

It knows no plugin: who loads a configuration says what they are.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from config.decode import Decoder
from config.errors import Finding
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
        """What the plugin itself has against its settings; empty when nothing."""
        ...


class _None:
    """Nobody knows any."""

    def kinds(self, names: Sequence[str]) -> tuple[Mapping[str, type[Section]], Mapping[str, str]]:
        return {}, dict.fromkeys(names, "plugins are not known here")

    def trouble(self, name: str, said: Section) -> str:  # noqa: ARG002
        return ""


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
    for place, name in enumerate(snapshot.plugins.load):
        broken = any(path[:2] == ("plugins", name) for path in decoder.broken)
        if name in kinds and not broken and (trouble := _trouble(knows, name, kinds[name], told.get(name))):
            decoder.refuse(("plugins", "load", place), trouble, "see its documentation for what it needs")
    plugins = msgspec.structs.replace(snapshot.plugins, settings=tuple(made))
    return msgspec.structs.replace(snapshot, plugins=plugins)


def _trouble(known: Known, name: str, kind: type[Section], said: Section | None) -> str:
    if said is None:
        try:
            said = kind()
        except TypeError:
            return f'the plugin "{name}" has settings that must be given under [plugins.{name}]'
    return known.trouble(name, said)
