"""Which plugins there are: ArticDBM's own in the one visible list, and those that other packages offer.

An offered plugin is loaded only where `plugins.load` names it. One that is not what it says is refused with a reason,
and the configuration with it: a guard that is missing must not go unnoticed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from config.errors import Finding
from config.sections.plugins import Plugins
from config.setting import Section, settings
from plugins.api import STAGES, Plugin, PluginSettings
from plugins.firewall import Firewall
from plugins.reserved import ReservedNames
from plugins.session import SessionEffects
from plugins.sharing import Sharing

GROUP = "articdbm.plugins"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAKEN = frozenset({"load", "blocked"})

BUILT_IN: tuple[type[Plugin], ...] = (
    ReservedNames,
    Firewall,
    SessionEffects,
    Sharing,  # last: whatever was found out above may forbid it
)

Offered = Callable[[], Iterable[metadata.EntryPoint]]


class BadPluginError(Exception):
    """A plugin that cannot be used, and why."""


def offered() -> Iterable[metadata.EntryPoint]:
    """What installed packages offer."""
    return metadata.entry_points(group=GROUP)


def find(name: str, offers: Offered = offered) -> type[Plugin]:
    """The plugin that a package offers under this name. Raises BadPluginError."""
    found = [one for one in offers() if one.name == name]
    if not found:
        there = ", ".join(sorted({one.name for one in offers()})) or "none"
        raise BadPluginError(f'no installed package offers a plugin "{name}"; offered are: {there}')
    if len(found) > 1:
        raise BadPluginError(f'{len(found)} installed packages offer a plugin "{name}"')
    try:
        kind = found[0].load()
    except Exception as error:  # somebody else's module may do anything
        raise BadPluginError(
            f'the plugin "{name}" cannot be imported: {type(error).__name__}: {error}'
        ) from error
    trouble = wrong_with(kind, name)
    if trouble:
        raise BadPluginError(f'the plugin "{name}" ({found[0].value}) {trouble}')
    checked: type[Plugin] = kind
    return checked


def wrong_with(kind: Any, name: str) -> str:
    """What keeps it from being a plugin; empty when nothing does."""
    if not _is_plugin(kind):
        return "is no subclass of plugins.api.Plugin"
    for needed in ("name", "stage", "guards"):
        if not hasattr(kind, needed):
            return f"does not say its {needed}"
    if kind.name != name:
        return f"calls itself {kind.name!r}"
    if not _NAME.fullmatch(name) or name in _TAKEN or name in {one.name for one in BUILT_IN}:
        return "has a name that is taken, or is not lower-case letters, digits and _"
    if kind.stage not in STAGES:
        return f"is of the stage {kind.stage!r}; there are: {', '.join(STAGES)}"
    if not isinstance(kind.guards, bool):
        return "does not say by True or False whether it guards"
    if not (isinstance(kind.Settings, type) and issubclass(kind.Settings, PluginSettings)):
        return "has Settings that are no subclass of plugins.api.PluginSettings"
    unsaid = set(kind.Settings.__struct_fields__) - {one.name for one in settings(kind.Settings)}
    if unsaid:
        return f"has settings that are not declared with setting(…): {', '.join(sorted(unsaid))}"
    if kind.plan is Plugin.plan and kind.observe is Plugin.observe:
        return "neither plans nor observes"
    return ""


def _is_plugin(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Plugin)


class Registry:
    """What the loader of a configuration asks about plugins."""

    def __init__(self, offers: Offered = offered, first: Sequence[Plugin] = ()) -> None:
        """`first`: made by whoever starts the process, and in front of all others."""
        self._offers = offers
        self._first = tuple(first)

    def led_by(self, *plugins: Plugin) -> "Registry":
        """The same, with these in front of all others."""
        return Registry(self._offers, (*plugins, *self._first))

    def kinds(self, names: Sequence[str]) -> tuple[Mapping[str, type[Section]], Mapping[str, str]]:
        """The settings of ArticDBM's own plugins and of these; and of those that are refused, why."""
        found: dict[str, type[Section]] = {one.name: one.Settings for one in BUILT_IN}
        refused: dict[str, str] = {}
        for name in names:
            try:
                found[name] = find(name, self._offers).Settings
            except BadPluginError as why:
                refused[name] = str(why)
        return found, refused

    def trouble(self, name: str, said: Section) -> str:
        """What the plugin itself has against its settings; empty when nothing."""
        try:
            self._make(name, said)
        except BadPluginError as why:
            return str(why)
        return ""

    def findings(self, name: str, said: Section) -> Sequence[Finding]:
        """What the plugin finds wrong or doubtful in its settings, by paths inside its table."""
        try:
            kind = self._kind(name)
            return tuple(kind.check(said)) if isinstance(said, kind.Settings) else ()
        except BadPluginError:
            return ()
        except Exception as error:  # noqa: BLE001 - somebody else's code may do anything
            return (
                Finding((), f"checking it failed: {type(error).__name__}: {error}", "see its documentation"),
            )

    def chain(self, said: Plugins) -> tuple[Plugin, ...]:
        """The plugins, in order. Raises BadPluginError."""
        given = dict(said.settings)
        made = [self._make(name, given.get(name)) for name in (*(one.name for one in BUILT_IN), *said.load)]
        busy = [one for one in made if not one.idle]
        return (*self._first, *sorted(busy, key=lambda one: STAGES.index(one.stage)))

    def _kind(self, name: str) -> type[Plugin]:
        own = next((one for one in BUILT_IN if one.name == name), None)
        return own if own is not None else find(name, self._offers)

    def _make(self, name: str, said: Section | None) -> Plugin:
        kind = self._kind(name)
        if said is not None and not isinstance(said, kind.Settings):
            raise BadPluginError(f'the plugin "{name}" was loaded anew since its settings were read')
        try:
            return kind(said)
        except Exception as error:  # somebody else's code may do anything
            raise BadPluginError(
                f'the plugin "{name}" does not start: {type(error).__name__}: {error}'
            ) from error


def standard() -> tuple[Plugin, ...]:
    """ArticDBM's own chain, with default settings."""
    return Registry(tuple).chain(Plugins())
