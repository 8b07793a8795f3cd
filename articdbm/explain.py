"""`articdbm explain "SQL"`: the plan the proxy would make for a statement, and every plugin's reason, in order.

Nothing is sent anywhere, so that nothing is known of tables: EXPLAIN PLAN FOR in the admin database of a running proxy
knows its catalogues.
"""

import ipaddress
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.errors import ConfigError
from config.loader import load
from config.network import Ip, network
from config.sections.limits import Limits
from config.sections.plugins import Plugins
from config.snapshot import Snapshot
from plugins.chain import Chain
from plugins.registry import Registry
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
    parser.add_argument("--listener", default="", help="through which listener, by its name")
    parser.add_argument("--application", default="", help="what the client calls itself")
    parser.add_argument(
        "--address",
        type=_address,
        metavar="IP",
        help="where the client is; without, it comes by a Unix socket",
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def run(options: Namespace) -> int:
    # The core is loaded only by the commands that need it.
    from proxy import explained  # noqa: PLC0415

    snapshot: Snapshot | None = None
    if options.config is not None:
        try:
            snapshot = load(options.config, plugins=Registry()).snapshot
        except ConfigError as why:
            print(why, file=sys.stderr)
            return 2
        refusal = _refusal(options.config, snapshot, options.user, options.database)
        if refusal:
            print(f"articdbm explain: {refusal}", file=sys.stderr)
            return 1
    elif options.user or options.database:
        print(
            "articdbm explain: without --config FILE nobody looks whether this user and database exist",
            file=sys.stderr,
        )
    text = sys.stdin.buffer.read() if options.sql == "-" else options.sql.encode("utf-8", "surrogateescape")
    chain = Chain(Registry().chain(snapshot.plugins if snapshot is not None else Plugins()))
    scope = Scope(
        options.listener,
        options.user,
        options.database,
        tuple(options.setting),
        options.application,
        tuple(name for name in chain.networks if network(name).holds(options.address)),
        time.time(),
    )
    limits = snapshot.limits if snapshot is not None else Limits()
    said = explained.explain(chain, text, scope, None, max_text=limits.max_statement)
    if options.json:
        asked = [{"plugin": one.plugin, "ms": one.seconds * 1000, "steps": one.steps} for one in said.words]
        told = {"exact": said.exact, **msgspec.structs.asdict(said.plan), "plugins": asked}
        print(msgspec.json.encode(told).decode())
        return 0
    for what, value in explained.facts(said):
        print(f"{what:<10} {value}")
    print("because")
    for reason in explained.reasons(said):
        print(f"  {reason}")
    print(f"took       {explained.times(said)}")
    for line in _goes_to(options, snapshot):
        print(line)
    return 0


def _address(given: str) -> Ip:
    try:
        return ipaddress.ip_address(given)
    except ValueError:
        raise ArgumentTypeError(f"{given!r} is no IP address") from None


def _setting(given: str) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    if not sign or not name:
        raise ArgumentTypeError(f"{given!r} is not NAME=VALUE")
    return name.strip().lower(), value.strip()


def _refusal(path: Path, snapshot: Snapshot, user: str, database: str) -> str:
    """Why no such client gets in; empty when it does."""
    who = snapshot.user(user) if user else None
    if user and who is None:
        return f'{path} has no user "{user}"'
    known = snapshot.database(database) if database else None
    if database and known is None:
        return f'{path} has no database "{database}"'
    if who is not None and known is not None and not who.may_use(known.name):
        return f'{path} does not let user "{user}" use database "{database}"'
    return ""


def _goes_to(options: Namespace, snapshot: Snapshot | None) -> Iterator[str]:
    """Where it runs, where a configuration and a database are named."""
    known = snapshot.database(options.database) if snapshot is not None and options.database else None
    cluster = snapshot.cluster(known.cluster) if snapshot is not None and known is not None else None
    if cluster is None:
        return
    if cluster.path is not None:
        yield f"answered   by the embedded store: SQLite, {cluster.path}"
    else:
        yield f"goes to    cluster {cluster.name}: {', '.join(str(one.address) for one in cluster.servers)}"
