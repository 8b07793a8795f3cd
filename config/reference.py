"""The operator's reference page, from the same declarations that read the file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.address import Address
from config.network import Network
from config.pem import Pem
from config.quantities import Duration, Size
from config.schema import default_of
from config.secret import Secret
from config.sections.admin import Admin
from config.sections.auth_query import AuthQuery
from config.sections.capture import Capture
from config.sections.catalogue import CatalogueSettings
from config.sections.clusters import Cluster, Server
from config.sections.databases import Database
from config.sections.limits import Limits
from config.sections.listeners import Listener
from config.sections.log import Log
from config.sections.metrics import Metrics
from config.sections.outside import Ldap, Pam
from config.sections.parameters import Parameter
from config.sections.plugins import Plugins
from config.sections.pool import PoolOptions
from config.sections.rules import Rule
from config.sections.tcp import Tcp
from config.sections.tls import ClusterTls, ListenerTls
from config.sections.token import Token
from config.sections.upgrade import Upgrade
from config.sections.users import User
from config.setting import Section, Setting, settings
from config.snapshot import Snapshot
from config.text import Text
from config.values import bounds, choices, naming

SMALLEST = """\
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:6432"

[[clusters]]
name = "main"
protocol = "postgres"
servers = [{ address = "127.0.0.1:5432" }]

[[databases]]
name = "shop"
cluster = "main"

[[users]]
name = "app"
password = "env://APP_PASSWORD"
"""

_INTRODUCTION = f"""\
# Configuration

<!-- Written by `articdbm schema --markdown`: change the declarations in config/sections/, then run it again. -->

One TOML file says everything: `articdbm.toml`. The smallest useful one:

```toml
{SMALLEST}```

`articdbm check FILE` finds everything that is wrong with a file at once; `articdbm schema` prints its JSON schema.

## How values are written

- **Names**: 1 to 63 bytes, no control characters.
- **Times**: `"250ms"`, `"5s"`, `"1h30m"`, `"7d"`, or a number of seconds.
- **Sizes**: `"64KiB"`, `"1MiB"`, or a number of bytes.
- **Addresses**: `"host:port"`; an IPv6 address in brackets, `"[::1]:6432"`. A Unix socket is `"/directory:port"`.
- **Networks**: `"10.0.0.0/8"`, `"fd00::/8"`, one address, or `"local"` for Unix sockets.
- **Secrets**: a reference, `"env://NAME"` or `"file:///path"` (one line, its line end is not part of it). The secret
  itself is accepted too, with a warning.
- **Files**: a path; a relative one starts at the folder of the configuration file.

## What a reload does

SIGHUP, `RELOAD` in the admin database and, with `watch = true`, a changed file load the configuration anew. It is taken
over whole or, when anything in it is wrong, refused whole: then everything stays as it was. No connection is dropped.
For each setting the tables say when a new value holds:

- **at once**: for everything from then on.
- **new connections**: clients that are connected keep the old value; connections to servers that were made with it are
  replaced as they fall idle.
- **restart**: when the process starts; until then the old value holds.
"""

_SECTIONS: tuple[tuple[str, type[Section]], ...] = (
    ("The file", Snapshot),
    ("listeners", Listener),
    ("listeners: tls", ListenerTls),
    ("listeners: rules", Rule),
    ("listeners: ldap", Ldap),
    ("listeners: pam", Pam),
    ("clusters", Cluster),
    ("clusters: servers", Server),
    ("clusters: tls", ClusterTls),
    ("databases", Database),
    ("auth_query", AuthQuery),
    ("users", User),
    ("server_token", Token),
    ("parameters", Parameter),
    ("pool", PoolOptions),
    ("admin", Admin),
    ("limits", Limits),
    ("log", Log),
    ("metrics", Metrics),
    ("plugins", Plugins),
    ("catalogue", CatalogueSettings),
    ("capture", Capture),
    ("tcp", Tcp),
    ("upgrade", Upgrade),
)


_TITLES = {section: title for title, section in _SECTIONS}
_NOUNS: dict[Any, str] = {
    str: "name",
    Text: "text",
    int: "whole number",
    bool: "`true`, `false`",
    Duration: "time",
    Size: "size",
    Address: "address",
    Network: "network",
    Path: "path",
    Secret: "secret",
    Pem: "file",
}


def markdown(plugins: Mapping[str, type[Section]] = MappingProxyType({})) -> str:
    """The whole page. `plugins`: the settings of the plugins that are known."""
    pages = [_section(title, section, _TITLES) for title, section in _SECTIONS]
    place = next(at for at, (title, _) in enumerate(_SECTIONS) if title == "plugins") + 1
    told: dict[type[Section], list[str]] = {}
    for name, kind in plugins.items():
        told.setdefault(kind, []).append(name)
    titles = dict(_TITLES)
    for kind, names in told.items():
        titles |= {inner: f"plugins: {named}" for inner, named in _inside(kind, ", ".join(names))}
    own = [(title, section) for section, title in titles.items() if section not in _TITLES]
    pages[place:place] = [_section(title, section, titles) for title, section in own]
    return "\n".join([_INTRODUCTION, *pages])


def _inside(section: type[Section], name: str) -> Iterator[tuple[type[Section], str]]:
    """A plugin's section and those inside of it, with their names."""
    yield section, name
    for setting in settings(section):
        if setting.section is not None and setting.section not in _TITLES:
            yield from _inside(setting.section, f"{name}: {setting.name}")


def _section(title: str, section: type[Section], titles: Mapping[type[Section], str]) -> str:
    text = " ".join((section.__doc__ or "").split())
    rows = "".join(_row(section, setting, titles) for setting in settings(section))
    return f"## {title}\n\n{text}\n\n| setting | value | default | reload | |\n|---|---|---|---|---|\n{rows}"


def _row(section: type[Section], setting: Setting, titles: Mapping[type[Section], str]) -> str:
    cells = (
        f"`{setting.name}`",
        _value(setting, titles),
        _default(section, setting),
        str(setting.reload),
        setting.text,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _value(setting: Setting, titles: Mapping[type[Section], str]) -> str:
    if setting.section is not None:
        title = titles[setting.section]
        anchor = title.replace(":", "").replace(" ", "-")
        return f"[{'tables' if setting.many else 'table'}](#{anchor})"
    words = [f"`{word}`" for word in (naming(word) for word in choices(setting))]
    if words and len(setting.kinds) == 1:
        return ("list: " if setting.many else "") + ", ".join(words)
    told = " or ".join([_NOUNS[setting.kinds[0]] + bounds(setting), *words])
    return f"list: {told}" if setting.many else told


def _default(section: type[Section], setting: Setting) -> str:
    if setting.required:
        return "required"
    if isinstance(setting.default, Section):
        return "its defaults"
    default = default_of(section, setting)
    if default is None or default == []:
        return "none"
    return f"`{naming(default)}`"
