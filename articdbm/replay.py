"""`articdbm replay`: what another configuration would make of statements that were written down."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from config.errors import ConfigError
from config.loader import load
from config.snapshot import Snapshot
from plugins.chain import Chain
from plugins.registry import Registry
from plugins.scope import Scope

if TYPE_CHECKING:
    from proxy.capture import Line

HELP = "judge captured statements by another configuration, and tell what would change"

_EXAMPLES = """\
examples:
  articdbm replay capture.jsonl --against new.toml
  articdbm replay capture.jsonl --against new.toml --before old.toml    both judged now, instead of what was written
  articdbm replay - --against new.toml --json < capture.jsonl

Nothing is sent anywhere: plugins that need a database's catalogue judge without, and deny if they guard by it.
Exit status: 0 nothing would change, 1 something would, 2 the command line, a configuration or the capture is wrong.
"""
MOST_SHOWN = 200


class Verdict(msgspec.Struct, frozen=True):
    """What is compared."""

    action: str
    code: str
    shareable: bool
    pin: str | None


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument("capture", help="what `articdbm capture` gave; - reads standard input")
    parser.add_argument(
        "--against", type=Path, required=True, metavar="FILE", help="the configuration to judge by"
    )
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help="the one to compare with; else what was written down"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a change, and a last one that counts"
    )


def run(options: Namespace) -> int:
    try:
        after = load(options.against, plugins=Registry()).snapshot
        before = load(options.before, plugins=Registry()).snapshot if options.before is not None else None
        lines = _lines(options.capture)
    except (ConfigError, OSError, ValueError) as why:
        print(why, file=sys.stderr)
        return 2
    new = _Judge(after)
    old = _Judge(before) if before is not None else None
    counts: Counter[str] = Counter()
    for line in lines:
        if line.text is None:
            counts["not readable"] += 1
            continue
        was = old.of(line) if old is not None else Verdict(line.action, line.code, line.shareable, line.pin)
        kind = _change(was, new.of(line))
        counts[kind] += 1
        if kind != "unchanged":
            _tell(kind, line, was, new.of(line), counts, as_json=options.json)
    changed = sum(count for kind, count in counts.items() if kind not in ("unchanged", "not readable"))
    if options.json:
        print(json.dumps({"statements": len(lines), **counts}))
    else:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        print(f"{len(lines)} statements: {told or 'none'}")
    return 1 if changed else 0


class _Judge:
    """A configuration's word on captured statements."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._chain = Chain(Registry().chain(snapshot.plugins))

    def of(self, line: "Line") -> Verdict:
        from plugins import statement  # noqa: PLC0415

        snapshot = self._snapshot
        user, database = snapshot.user(line.user), snapshot.database(line.database)
        if user is None or database is None or not user.may_use(database.name):
            return Verdict("deny", "28000", False, None)
        scope = Scope(
            line.listener,
            line.user,
            line.database,
            line.settings,
            line.application,
            line.networks,
            time.time(),
        )
        text = (line.text or "").encode()
        read = statement.read(text, scope, exact=line.exact, max_text=snapshot.limits.max_statement)
        plan = self._chain.plan(read, scope)
        return Verdict(plan.action, plan.code, plan.shareable, plan.pin)


def _lines(name: str) -> list["Line"]:
    from proxy.capture import Line  # noqa: PLC0415 - the core is loaded only by the commands that need it

    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    lines: list[Line] = []
    for number, one in enumerate(data.splitlines(), start=1):
        try:
            lines.append(msgspec.json.decode(one, type=Line))
        except msgspec.MsgspecError as why:
            raise ValueError(f"{name}:{number}: this is no line of a capture: {why}") from why
    return lines


def _change(was: Verdict, now: Verdict) -> str:
    if was == now:
        return "unchanged"
    if now.action == "deny" and was.action != "deny":
        return "newly denied"
    if was.action == "deny" and now.action != "deny":
        return "newly allowed"
    if now.action == "deny":
        return "denied otherwise"
    if was.shareable != now.shareable or was.pin != now.pin:
        return "carried otherwise"
    return "answered otherwise"


def _tell(
    kind: str, line: "Line", was: Verdict, now: Verdict, counts: Counter[str], *, as_json: bool
) -> None:
    if as_json:
        told = {"change": kind, "user": line.user, "database": line.database, "text": line.text,
                "was": msgspec.to_builtins(was), "now": msgspec.to_builtins(now)}  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
    elif counts[kind] <= MOST_SHOWN:
        why = f" ({now.code})" if now.code else ""
        print(f"{kind}{why}: {line.user}@{line.database}: {' '.join((line.text or '').split())[:200]}")
