"""`articdbm explain "SQL"`: the plan the proxy would make for a statement, and every plugin's reason, in order.

Nothing is sent anywhere.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.errors import ConfigError
from config.loader import load
from plugins.chain import Chain, standard
from plugins.plan import Plan
from plugins.scope import Scope

HELP = "print the plan for a statement, and why"


_EXAMPLES = """\
examples:
  articdbm explain "SELECT 1"
  articdbm explain --config articdbm.toml --user app --database shop "UPDATE products SET price = 1"
  articdbm explain - < statements.sql

With --config it says first whether such a client would get in; without, any --user and --database will do.
Exit status: 0 explained, 1 such a client would not get in, 2 the command line or the configuration is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument("sql", help="the statement, or several; - reads standard input")
    parser.add_argument("--user", default="", help="who says it")
    parser.add_argument("--database", default="", help="where")
    parser.add_argument(
        "--config", type=Path, help="refuse users and databases that this configuration does not allow"
    )
    parser.add_argument(
        "--setting",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the session that changes meaning (search_path, role, standard_conforming_strings)",
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def run(options: Namespace) -> int:
    # The core is loaded only by the commands that need it.
    from proxy.native import fingerprint  # noqa: PLC0415
    from proxy.planner import Planner  # noqa: PLC0415

    if options.config is not None:
        try:
            refusal = _refusal(options.config, options.user, options.database)
        except ConfigError as why:
            print(why, file=sys.stderr)
            return 2
        if refusal:
            print(f"articdbm explain: {refusal}", file=sys.stderr)
            return 1
    elif options.user or options.database:
        print(
            "articdbm explain: without --config FILE nobody looks whether this user and database exist",
            file=sys.stderr,
        )
    text = sys.stdin.buffer.read() if options.sql == "-" else options.sql.encode("utf-8", "surrogateescape")
    scope = Scope(user=options.user, database=options.database, settings=tuple(options.setting))
    _, exact, _ = fingerprint(
        text, standard_conforming_strings=not scope.is_off("standard_conforming_strings")
    )
    plan = Planner(Chain(standard())).plan(text, scope, exact=exact)
    if options.json:
        print(msgspec.json.encode({"exact": exact, **msgspec.structs.asdict(plan)}).decode())
    else:
        print("\n".join((*_lines(plan, exact), *_goes_to(options))))
    return 0


def _setting(given: str) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    if not sign or not name:
        raise ArgumentTypeError(f"{given!r} is not NAME=VALUE")
    return name.strip().lower(), value.strip()


def _refusal(path: Path, user: str, database: str) -> str:
    """Why no such client gets in; empty when it does."""
    snapshot = load(path).snapshot
    who = snapshot.user(user) if user else None
    if user and who is None:
        return f'{path} has no user "{user}"'
    known = snapshot.database(database) if database else None
    if database and known is None:
        return f'{path} has no database "{database}"'
    if who is not None and known is not None and not who.may_use(known.name):
        return f'{path} does not let user "{user}" use database "{database}"'
    return ""


def _goes_to(options: Namespace) -> Iterator[str]:
    """Where it runs, where a configuration and a database are named."""
    if options.config is None or not options.database:
        return
    snapshot = load(options.config).snapshot
    known = snapshot.database(options.database)
    cluster = snapshot.cluster(known.cluster) if known is not None else None
    if cluster is None:
        return
    if cluster.path is not None:
        yield f"answered   by the embedded store: SQLite, {cluster.path}"
    else:
        yield f"goes to    cluster {cluster.name}: {', '.join(str(one.address) for one in cluster.servers)}"


def _lines(plan: Plan, exact: bool) -> Iterator[str]:
    yield f"action     {plan.action}"
    if plan.action == "deny":
        yield f"error      {plan.code} {plan.message}"
    yield f"shareable  {'yes' if plan.shareable else 'no'}"
    yield f"plan for   {'this text alone' if exact else 'every text that differs in literals only'}"
    if plan.pin is not None:
        yield f"pin        {plan.pin}"
    if plan.frees:
        yield "frees      the server is asked what is left of what pinned"
    if plan.resets_all:
        yield "resets     every setting"
    for name, value in plan.sets:
        yield f"resets     {name}" if value is None else f"sets       {name} = {value}"
    if plan.forgets_prepared:
        yield "forgets    every prepared statement"
    if plan.changes_schema:
        yield "schema     prepared statements elsewhere become doubtful"
    for listens, channel in plan.channels:
        yield f"{'listens' if listens else 'unlistens'}    {channel or 'every channel'}"
    if plan.names:
        yield f"names      a prepared statement: {plan.names} it"
    yield "because"
    for number, step in enumerate(plan.trail, start=1):
        yield f"  {number}. {step.plugin}, {step.rule}: {step.reason}"
