"""`articdbm top`: what the running proxy is at, now and again, from its metrics listener.

It reads the page that Prometheus reads and shows the difference between two looks. It knows no core and no secret.
"""

import http.client
import json
import math
import re
import sys
import time
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from articdbm.serve import DEFAULT
from config.address import Address, address
from config.errors import RefusedError

HELP = "show what the running proxy is at (needs [metrics] address)"
SECONDS = 5.0
"""For one look."""
_SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
_CLEAR = "\x1b[H\x1b[2J"

Key = tuple[str, tuple[tuple[str, str], ...]]
Samples = dict[Key, float]
Row = Mapping[str, Any]


class Unreadable(Exception):
    """There is nothing to show. The text says why and what to do."""


_EXAMPLES = """\
examples:
  articdbm top                                      articdbm.toml in this folder names the metrics listener
  articdbm top --address 127.0.0.1:9127 --every 5
  articdbm top --once --json

Exit status: 0 it was shown, 1 there is nothing to show, 2 the command line is wrong.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--config", type=Path, default=DEFAULT, help="names the metrics listener (default: ./articdbm.toml)"
    )
    parser.add_argument("--address", help="the metrics listener, host:port")
    parser.add_argument(
        "--every", type=float, default=2.0, metavar="SECONDS", help="between two looks (default: 2)"
    )
    parser.add_argument("--once", action="store_true", help="one view, and no more")
    parser.add_argument("--json", action="store_true", help="an object a line, for programs")


def run(options: Namespace) -> int:
    try:
        where = _where(options)
        before, since = _samples(where), time.monotonic()
        while True:
            time.sleep(max(0.1, options.every))
            now, moment = _samples(where), time.monotonic()
            view = {**compare(before, now, moment - since), "statements": _statements(where)}
            if options.json:
                print(json.dumps(view), flush=True)
            else:
                plain = options.once or not sys.stdout.isatty()
                print(("" if plain else _CLEAR) + text(view), flush=True)
            if options.once:
                return 0
            before, since = now, moment
    except Unreadable as why:
        print(f"articdbm top: {why}", file=sys.stderr)
        return 1


def compare(before: Samples, now: Samples, seconds: float) -> dict[str, Any]:
    """What happened between two looks, busiest pool first."""

    def value(name: str, **labels: str) -> float:
        return now.get((name, tuple(sorted(labels.items()))), 0.0)

    def rate(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        # A process that was replaced begins at nought.
        return round(max(0.0, now.get(key, 0.0) - before.get(key, 0.0)) / seconds, 1)

    pools = []
    for name in sorted({dict(key[1])["pool"] for key in now if key[0] == "articdbm_pool_clients"}):
        states = ("active", "waiting", "idle")
        pools.append(
            {
                "pool": name,
                "statements_per_second": rate("articdbm_pool_statements_total", pool=name),
                "errors_per_second": rate("articdbm_pool_errors_total", pool=name),
                "clients": {one: int(value("articdbm_pool_clients", pool=name, state=one)) for one in states},
                "servers": {
                    one: int(value("articdbm_pool_servers", pool=name, state=one))
                    for one in ("active", "idle", "shared", "opening")
                },
                "wait_p99_ms": _quantile("articdbm_pool_wait_seconds", name, before, now),
                "statement_p50_ms": _quantile("articdbm_pool_statement_seconds", name, before, now, 0.5),
                "statement_p99_ms": _quantile("articdbm_pool_statement_seconds", name, before, now),
            }
        )
    pools.sort(key=lambda pool: (-float(str(pool["statements_per_second"])), str(pool["pool"])))
    pins = [
        (reason, int(count), int(value("articdbm_pins_alive", reason=reason)))
        for key, count in now.items()
        if key[0] == "articdbm_pins_total"
        for reason in [dict(key[1])["reason"]]
    ]
    return {
        "ready": value("articdbm_ready") == 1,
        "clients": int(value("articdbm_clients")),
        "servers": int(value("articdbm_servers")),
        "statements_per_second": round(sum(float(str(pool["statements_per_second"])) for pool in pools), 1),
        "logins_per_second": rate("articdbm_logins_total"),
        "plan_misses_per_second": rate("articdbm_plan_misses_total"),
        "cpu_percent": round(100 * rate("articdbm_cpu_seconds_total"), 1),
        "memory_bytes": int(value("articdbm_resident_memory_bytes")),
        "pools": pools,
        "pins": [
            {"reason": reason, "count": count, "alive": alive}
            for reason, count, alive in sorted(pins, key=lambda pin: (-pin[2], -pin[1]))
        ],
    }


def text(view: Row) -> str:
    """For a terminal."""
    whole = (
        f"articdbm {'ready' if view['ready'] else 'STOPPING'}   clients {view['clients']}   "
        f"servers {view['servers']}   {view['statements_per_second']:.0f} statements/s   "
        f"{view['logins_per_second']:.0f} log-ins/s   CPU {view['cpu_percent']:.0f} %   "
        f"{view['memory_bytes'] / (1 << 20):.0f} MiB"
    )
    heads = (
        f"{'pool':<28} {'stmt/s':>9} {'err/s':>7} {'active':>7} {'waiting':>8} {'idle':>7} {'servers':>8} "
        f"{'wait p99':>9} {'p50 ms':>8} {'p99 ms':>8}"
    )
    lines = [whole, "", heads]
    for pool in view["pools"]:
        clients, servers = pool["clients"], pool["servers"]
        lines.append(
            f"{_short(pool['pool']):<28} {pool['statements_per_second']:>9.0f} {pool['errors_per_second']:>7.0f} "
            f"{clients['active']:>7} {clients['waiting']:>8} {clients['idle']:>7} "
            f"{servers['active'] + servers['idle']:>8} {_ms(pool['wait_p99_ms']):>9} "
            f"{_ms(pool['statement_p50_ms']):>8} {_ms(pool['statement_p99_ms']):>8}"
        )
    lines += [
        "",
        *(f"pinned {pin['alive']:>8} of {pin['count']:>8}  {pin['reason']}" for pin in view["pins"][:10]),
    ]
    if view.get("statements") is not None:
        lines += ["", f"{'seconds':>9} {'executions':>11} {'longest ms':>11}  statement, since the start"]
    for one in (view.get("statements") or [])[:10]:
        shown = _short(one["statement"] or one["fingerprint"], 90)
        lines.append(f"{one['seconds']:>9.2f} {one['executions']:>11} {one['longest_ms']:>11.1f}  {shown}")
    return "\n".join(lines)


def samples(page: str) -> Samples:
    """The numbers of a page in Prometheus' text format."""
    found: Samples = {}
    for line in page.splitlines():
        sample = _SAMPLE.fullmatch(line)
        if sample is not None:
            labels = tuple(sorted((name, _plain(value)) for name, value in _LABEL.findall(sample[2] or "")))
            found[sample[1], labels] = float(sample[3])
    return found


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda mark: "\n" if mark[1] == "n" else mark[1], quoted)


def _quantile(name: str, pool: str, before: Samples, now: Samples, share: float = 0.99) -> float | None:
    """The upper bound of the bucket where it lies, in ms; None where there was nothing, or it lies above all."""
    buckets = sorted(
        (float(dict(labels)["le"]), count - before.get((full, labels), 0.0))
        for (full, labels), count in now.items()
        if full == f"{name}_bucket" and dict(labels)["pool"] == pool
    )
    total = buckets[-1][1] if buckets else 0
    if total <= 0:
        return None
    bound = next(bound for bound, count in buckets if count >= total * share)
    return None if math.isinf(bound) else bound * 1000


def _where(options: Namespace) -> Address:
    written = options.address
    if not written:
        try:
            # Read for this alone: the secrets it refers to are the running process's, not ours.
            written = tomllib.loads(options.config.read_text()).get("metrics", {}).get("address")
        except (OSError, ValueError, AttributeError) as error:
            raise Unreadable(f"cannot read {options.config}: {error}; give --address host:port") from error
    if not written:
        raise Unreadable(
            f'{options.config} has no metrics listener; add [metrics] address = "127.0.0.1:9187"'
        )
    try:
        return address(written)
    except RefusedError as error:
        raise Unreadable(f"{written} is no address; write host:port") from error


def _samples(where: Address) -> Samples:
    return samples(_look(where, "/metrics") or "")


def _statements(where: Address) -> list[dict[str, Any]] | None:
    """Those that took the most time since the start; None where the configuration does not show them."""
    said = _look(where, "/statements", may_be_missing=True)
    return None if said is None else list(json.loads(said))


def _look(where: Address, page: str, *, may_be_missing: bool = False) -> str | None:
    connection = http.client.HTTPConnection(where.host, where.port, timeout=SECONDS)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unreadable(f"nobody answers at {where} ({error}); is the proxy running?") from error
    finally:
        connection.close()
    if answer.status == 404 and may_be_missing:
        return None
    if answer.status != 200:
        raise Unreadable(f"{where} answered {answer.status}; is it the metrics listener of articdbm?")
    return text


def _short(name: str, most: int = 28) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
