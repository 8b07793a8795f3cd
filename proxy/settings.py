"""The configuration in force as rows of text, for `SHOW CONFIG`. No secret and no key can be among them."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from config.address import Address
from config.change import changeable
from config.network import Network
from config.pem import Pem
from config.secret import Secret
from config.sections.clusters import Cluster
from config.sections.pool import PoolOptions, PoolSettings, merge
from config.sections.token import Token
from config.setting import Section, Setting, settings
from config.snapshot import Snapshot


class Shown(msgspec.Struct, frozen=True):
    """One setting."""

    key: str
    value: str
    default: str | None
    changeable: bool


def shown(snapshot: Snapshot) -> list[Shown]:
    """Every setting that has a value, in the order of the file's sections."""
    return list(_rows("", snapshot))


def _rows(key: str, section: Section, pooled: PoolSettings | None = None) -> Iterator[Shown]:
    for setting in settings(type(section)):
        here = f"{key}.{setting.name}" if key else setting.name
        value = getattr(section, setting.name)
        if value is UNSET and pooled is not None:
            # What a cluster does not say has its default; what the levels below it do not say is the cluster's.
            value = getattr(pooled, setting.name)
        if value is None or value is UNSET:
            continue
        if setting.section is None:
            yield from _values(type(section), here, setting, value)
        elif setting.many:
            for place, one in enumerate(value):
                yield from _rows(f"{here}[{_label(one, place)}]", one)
        elif isinstance(section, Cluster) and setting.section is PoolOptions:
            yield from _rows(here, value, pooled=merge(value))
        else:
            yield from _rows(here, value)


def _values(section: type[Section], key: str, setting: Setting, value: Any) -> Iterator[Shown]:
    if section is Token and setting.name == "command":
        # Arguments may hold what a program is let in with.
        value = value[:1]
    default = setting.default
    usual = None if default is None or default is UNSET else _text(default)
    yield Shown(key, _text(value), usual, changeable(section, setting))


def _text(value: Any) -> str:
    match value:
        case Secret():
            return value.origin or "(written in the file)"
        case Pem():
            return value.path
        case Address() | Network():
            return str(value)
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(map(_text, value))
        case _:
            return str(value)


def _label(one: object, place: int) -> str:
    name = getattr(one, "name", None)
    return name if isinstance(name, str) else str(place)
