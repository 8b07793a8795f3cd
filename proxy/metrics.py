"""What Prometheus reads: every metric in one table, and the page made of the core's figures.

Each name and label is in METRICS, and docs/metrics.md is written from it. Labels take their values from the
configuration and from small fixed sets, and never more than MOST_POOLS of them: what is beyond counts as `other`.
"""

import math
import os
import resource
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from proxy.native import Figures, PoolFigures

MOST_POOLS = 1_000
OTHER = "other"
SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    60.0,
)
"""Upper bounds of the histograms."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]


class Metric(msgspec.Struct, frozen=True):
    """A family of the page."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


METRICS: tuple[Metric, ...] = (
    Metric("articdbm_info", "gauge", ("version",), "Always 1; the label says which version runs."),
    Metric("articdbm_ready", "gauge", (), "1 while new clients are served, 0 while the process stops."),
    Metric("articdbm_clients", "gauge", (), "Connected clients, those that are logging in among them."),
    Metric("articdbm_servers", "gauge", (), "Server connections of all pools."),
    Metric(
        "articdbm_server_state",
        "gauge",
        ("cluster", "server", "state"),
        "1: the state in which this server was found last, by a log-in or a check.",
    ),
    Metric("articdbm_logins_total", "counter", (), "Clients that were admitted."),
    Metric("articdbm_plans", "gauge", (), "Statement plans that are kept."),
    Metric("articdbm_plan_misses_total", "counter", (), "Statements no plan was known for."),
    Metric("articdbm_plan_seconds", "histogram", (), "Time from asking for a plan to having it."),
    Metric("articdbm_received_bytes_total", "counter", (), "Bytes from clients."),
    Metric("articdbm_sent_bytes_total", "counter", (), "Bytes to clients."),
    Metric(
        "articdbm_panics_total",
        "counter",
        (),
        "Defects in the core that were caught; each cost one connection.",
    ),
    Metric("articdbm_stuck_carriers", "gauge", (), "Carrier threads that make no turn."),
    Metric(
        "articdbm_pins_total",
        "counter",
        ("reason",),
        "Clients tied to one server connection; at most 65 reasons.",
    ),
    Metric(
        "articdbm_pins_ended_total",
        "counter",
        ("reason",),
        "Of these, those that ended while the client stayed: what tied it was gone.",
    ),
    Metric("articdbm_pins_alive", "gauge", ("reason",), "Clients tied to one server connection now."),
    Metric("articdbm_pool_clients", "gauge", ("pool", "state"), "Clients of a pool: active, waiting, idle."),
    Metric(
        "articdbm_pool_servers",
        "gauge",
        ("pool", "state"),
        "Its server connections: active, idle, shared, opening.",
    ),
    Metric(
        "articdbm_pool_statements_total", "counter", ("pool",), "Statements (units of a pipeline) answered."
    ),
    Metric(
        "articdbm_pool_shared_statements_total",
        "counter",
        ("pool",),
        "Those that rode on a shared connection.",
    ),
    Metric("articdbm_pool_errors_total", "counter", ("pool",), "Statements that ended in an error."),
    Metric(
        "articdbm_pool_wait_seconds",
        "histogram",
        ("pool",),
        "Waits for a server connection, where there was one.",
    ),
    Metric("articdbm_pool_statement_seconds", "histogram", ("pool",), "Statement times as clients saw them."),
    Metric("articdbm_resident_memory_bytes", "gauge", (), "Memory of the process that is in RAM."),
    Metric("articdbm_cpu_seconds_total", "counter", (), "Processor time the process has used."),
    Metric("articdbm_open_descriptors", "gauge", (), "Open file descriptors."),
    Metric("articdbm_max_descriptors", "gauge", (), "How many it may open."),
)


class State(msgspec.Struct, frozen=True):
    """What the page is made of."""

    version: str
    ready: bool
    stuck: int
    figures: Figures
    pools: Sequence[PoolFigures]
    servers: Sequence[tuple[str, str, str]] = ()
    """Cluster, address and state of each server."""


def page(state: State) -> str:
    """The whole page, in the text format."""
    found = _process() | _house(state) | _pools(state.pools)
    lines: list[str] = []
    for metric in METRICS:
        lines += (f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}")
        lines += found[metric.name]
    return "\n".join([*lines, ""])


def markdown() -> str:
    """The table of docs/metrics.md."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
        for one in METRICS
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows])


def _house(state: State) -> dict[str, list[str]]:
    figures = state.figures
    plain: dict[str, float] = {
        "articdbm_ready": int(state.ready),
        "articdbm_clients": figures.clients,
        "articdbm_servers": figures.servers,
        "articdbm_logins_total": figures.logins,
        "articdbm_plans": figures.plans,
        "articdbm_plan_misses_total": figures.plan_misses,
        "articdbm_received_bytes_total": figures.bytes_in,
        "articdbm_sent_bytes_total": figures.bytes_out,
        "articdbm_panics_total": figures.panics,
        "articdbm_stuck_carriers": state.stuck,
    }
    lines = {name: [_sample(name, (), value)] for name, value in plain.items()}
    lines["articdbm_info"] = [_sample("articdbm_info", (("version", state.version),), 1)]
    lines["articdbm_plan_seconds"] = list(_histogram("articdbm_plan_seconds", (), figures.plan_us))
    lines["articdbm_server_state"] = [
        _sample("articdbm_server_state", (("cluster", cluster), ("server", server), ("state", now)), 1)
        for cluster, server, now in state.servers[:MOST_POOLS]
    ]
    for at, name in enumerate(("articdbm_pins_total", "articdbm_pins_ended_total", "articdbm_pins_alive")):
        lines[name] = [_sample(name, (("reason", reason),), counts[at]) for reason, *counts in figures.pins]
    return lines


def _pools(pools: Sequence[PoolFigures]) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {one.name: [] for one in METRICS if one.name.startswith("articdbm_pool_")}
    for label, those in _named(pools):
        pool = (("pool", label),)
        for what in ("clients", "servers"):
            name = f"articdbm_pool_{what}"
            states = (
                ("active", "waiting", "idle")
                if what == "clients"
                else ("active", "idle", "shared", "opening")
            )
            for state in states:
                value = sum(getattr(one, f"{what}_{state}") for one in those)
                lines[name].append(_sample(name, (*pool, ("state", state)), value))
        for what in ("statements", "shared_statements", "errors"):
            name = f"articdbm_pool_{what}_total"
            lines[name].append(_sample(name, pool, sum(getattr(one, what) for one in those)))
        for what in ("wait", "statement"):
            name = f"articdbm_pool_{what}_seconds"
            times = [bucket for one in those for bucket in getattr(one, f"{what}_us")]
            lines[name] += _histogram(name, pool, times)
    return lines


def _named(pools: Sequence[PoolFigures]) -> Iterator[tuple[str, list[PoolFigures]]]:
    """By label, in order; what is beyond the bound is one."""
    by_label: dict[str, list[PoolFigures]] = {}
    for pool in sorted(pools, key=lambda one: one.pool):
        known = pool.label in by_label or len(by_label) < MOST_POOLS
        by_label.setdefault(pool.label if known else OTHER, []).append(pool)
    yield from by_label.items()


def _histogram(name: str, labels: Labels, times: Iterable[tuple[int, int]]) -> Iterator[str]:
    """From (upper bound in µs, count). A time counts at the upper end of its bucket, which is 1/16 off at most."""
    counts, total, seconds = [0] * len(SECONDS), 0, 0.0
    for bound_us, count in times:
        bound = bound_us / 1e6
        total += count
        seconds += bound * count
        for at, upper in enumerate(SECONDS):
            if bound <= upper:
                counts[at] += count
    for upper, count in zip(SECONDS, counts, strict=True):
        yield _sample(f"{name}_bucket", (*labels, ("le", repr(upper))), count)
    yield _sample(f"{name}_bucket", (*labels, ("le", "+Inf")), total)
    yield _sample(f"{name}_sum", labels, seconds)
    yield _sample(f"{name}_count", labels, total)


def _process() -> dict[str, list[str]]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    values: Mapping[str, float] = {
        "articdbm_resident_memory_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "articdbm_cpu_seconds_total": used.ru_utime + used.ru_stime,
        "articdbm_open_descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "articdbm_max_descriptors": math.inf if soft == resource.RLIM_INFINITY else soft,
    }
    return {name: [_sample(name, (), value)] for name, value in values.items()}


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels)
    number = "+Inf" if value == math.inf else repr(value)
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
