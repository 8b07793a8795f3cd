"""`articdbm schema`: what a configuration file may hold, for programs and for people."""

import json
from argparse import ArgumentParser, Namespace

from config.reference import markdown
from config.schema import json_schema
from plugins.registry import Registry

HELP = "print what a configuration file may hold"

_EXAMPLES = """\
examples:
  articdbm schema > articdbm.schema.json              JSON schema, for an editor's completion
  articdbm schema --markdown > docs/configuration.md  the reference page
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument("--markdown", action="store_true", help="the reference page instead of JSON schema")


def run(options: Namespace) -> int:
    """Print the schema."""
    known, _ = Registry().kinds(())
    print(
        markdown(known)
        if options.markdown
        else json.dumps(json_schema(known), indent=2, ensure_ascii=False) + "\n",
        end="",
    )
    return 0
