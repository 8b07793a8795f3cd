"""The JSON schema of the file, from the same declarations that read it: for editors and for other programs.

`x-reload` says what a reload does to a setting.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from config.sections.pool import PoolOptions, PoolSettings
from config.setting import Section, Setting, settings
from config.snapshot import Snapshot
from config.values import plain, schema


def json_schema(plugins: Mapping[str, type[Section]] = MappingProxyType({})) -> dict[str, Any]:
    """The whole schema, as plain data. `plugins`: the settings of the plugins that are known."""
    sections = list(
        dict.fromkeys([*_sections(Snapshot), *(one for kind in plugins.values() for one in _sections(kind))])
    )
    told: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "articdbm.toml",
        "$ref": "#/$defs/Snapshot",
        "$defs": {_title(section): _section(section) for section in sections},
    }
    of_plugins = told["$defs"]["Plugins"]
    of_plugins["properties"] |= {name: {"$ref": f"#/$defs/{_title(kind)}"} for name, kind in plugins.items()}
    # A plugin of another package says what it takes; `articdbm check` knows.
    of_plugins["additionalProperties"] = {"type": "object"}
    return told


def _title(section: type[Section]) -> str:
    """Its name; with its module's where that is no module of the house."""
    own = section.__module__.startswith(("config.", "plugins."))
    return section.__name__ if own else f"{section.__module__}.{section.__name__}"


def default_of(section: type[Section], setting: Setting) -> object:
    """What holds where the file says nothing, as the file would write it; None where nothing does."""
    if section is PoolOptions:
        return plain(getattr(PoolSettings(), setting.name))
    return None if setting.section else plain(setting.default)


def _sections(root: type[Section]) -> list[type[Section]]:
    found = [root]
    for section in found:
        found += [
            setting.section
            for setting in settings(section)
            if setting.section is not None and setting.section not in found
        ]
    return found


def _section(section: type[Section]) -> dict[str, Any]:
    known = settings(section)
    told: dict[str, Any] = {
        "type": "object",
        "description": (section.__doc__ or "").strip(),
        "properties": {setting.name: _setting(section, setting) for setting in known},
        "additionalProperties": False,
    }
    if required := [setting.name for setting in known if setting.required]:
        told["required"] = required
    return told


def _setting(section: type[Section], setting: Setting) -> dict[str, Any]:
    told = _value(setting)
    if setting.many:
        told = {"type": "array", "items": told}
        if setting.fewest:
            told["minItems"] = setting.fewest
    told |= {"description": setting.text, "x-reload": setting.reload}
    default = default_of(section, setting)
    if default is not None and not setting.required:
        told["default"] = default
    return told


def _value(setting: Setting) -> dict[str, Any]:
    if setting.section is not None:
        return {"$ref": f"#/$defs/{_title(setting.section)}"}
    kinds = [schema(kind) for kind in setting.kinds]
    for kind in kinds:
        if kind.get("type") == "integer":
            kind.update({"minimum": setting.least} if setting.least is not None else {})
            kind.update({"maximum": setting.most} if setting.most is not None else {})
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
