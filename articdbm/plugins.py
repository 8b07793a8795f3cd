"""`articdbm plugins`: the chain of plugins in order, with their settings, and what installed packages offer."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.loader import load
from config.network import Network
from config.sections.plugins import Plugins
from config.setting import Section, settings
from config.values import plain
from plugins.api import Plugin
from plugins.registry import BUILT_IN, BadPluginError, Registry, offered

HELP = "list the plugins that judge statements, in order"

_EXAMPLES = """\
examples:
  articdbm plugins                          ArticDBM's own, and what installed packages offer
  articdbm plugins --config articdbm.toml   the chain of a configuration, with its settings
  articdbm plugins --json

Exit status: 0 listed, 2 the command line or the configuration is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument("--config", type=Path, metavar="FILE", help="the chain of this configuration")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: Namespace) -> int:
    said = Plugins()
    registry = Registry()
    try:
        if options.config is not None:
            said = load(options.config, plugins=registry).snapshot.plugins
        chain = registry.chain(said)
    except (ConfigError, BadPluginError) as why:
        print(why, file=sys.stderr)
        return 2
    known = {one.name for one in chain}
    others = sorted({one.name for one in offered()} - known)
    if options.json:
        print(json.dumps({"chain": [_told(one) for one in chain], "offered": others}))
        return 0
    for number, one in enumerate(chain, start=1):
        told = _told(one)
        print(f"{number}. {one.name}  stage {one.stage}, {'guards' if one.guards else 'observes'}")
        for name, value in told["settings"].items():
            print(f"     {name} = {json.dumps(value, ensure_ascii=False)}")
    for name in others:
        print(f"-  {name}  offered by an installed package, not loaded: add it to `load` of [plugins]")
    return 0


def _told(one: Plugin) -> dict[str, Any]:
    values = {each.name: _value(getattr(one.settings, each.name)) for each in settings(type(one.settings))}
    return {
        "name": one.name,
        "stage": one.stage,
        "guards": one.guards,
        "catalogue": one.needs_catalogue,
        "own": type(one) in BUILT_IN,
        "settings": values,
    }


def _value(value: object) -> object:
    """As the file would write it, of a section only what was given; a secret's repr hides it."""
    if isinstance(value, Section):
        given = ((each.name, getattr(value, each.name), each.default) for each in settings(type(value)))
        return {name: _value(one) for name, one, default in given if one != default}
    if isinstance(value, Network):
        return str(value)
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    told = plain(value)
    return told if isinstance(told, (str, int, float, bool, list, dict, type(None))) else repr(told)
