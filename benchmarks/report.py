"""A run as a page for people: the bars first, then every figure they rest on, then what the figures do not say."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from benchmarks import figures
from benchmarks.bars import IDLE_BYTES, LOGINS, RATIOS, Verdict
from benchmarks.contestants import POOL
from benchmarks.figures import CPU, P99, THROUGHPUT, Spread
from benchmarks.records import Absence, Findings, Machine, Run, Sample, Storm

PROXY = "articdbm"
TITLES = {
    "stub": "Statements, stub server",
    "postgres": "Statements, PostgreSQL",
    "tls": "Statements over TLS, stub server",
    "carriers": "Two carriers and one, stub server",
    "chain": "Eight guards more in the chain, stub server",
    "sharing": "64 clients over 4 server connections and over 64, PostgreSQL",
    "bulk-stub": "COPY and a large result, stub server",
    "bulk": "COPY and a large result, PostgreSQL",
}
COMPARED = {
    "stub": (PROXY, ("pgbouncer", "haproxy")),
    "postgres": (PROXY, ("pgbouncer", "haproxy")),
    "tls": ("articdbm-tls", ("pgbouncer-tls",)),
    "carriers": ("articdbm-2", (PROXY, "pgbouncer")),
    "chain": ("articdbm-chain", (PROXY,)),
    "bulk-stub": (PROXY, ("pgbouncer", "haproxy")),
    "bulk": (PROXY, ("pgbouncer", "haproxy")),
}
"""Whose figures are divided by whose."""
SATURATED = ("stub", "postgres")
MANY = 512
METHOD = """\
All contestants are up at once and take turns within each round; a ratio is that of two contestants in the same round,
the figure is the median over the rounds, and in brackets stand the smallest and the largest. Figures of different runs
are not to be compared. CPU is that of all threads of the proxy's processes, read from the scheduler at both ends of
the measurement and divided by the statements answered in between. The clients are a closed loop in one native thread;
every answer is checked, against PostgreSQL down to the key in the row.

The *stub server* answers every statement with one canned row and lets everyone in. It is there because on a small
machine PostgreSQL takes most of the CPU and hides what the proxies cost; it proves nothing about correctness.
"""


STORM = """\
`articdbm` and `pgbouncer-password` have the password, `articdbm-verifier` and `pgbouncer` what PostgreSQL stores of it.

"""


def markdown(run: Run, verdicts: Sequence[Verdict]) -> str:
    """The whole page."""
    parts = [
        "# Benchmarks",
        "Written by `make bench`; edit `benchmarks/` and not this page.",
        _machine(run),
        "## The bars",
        bars_table(verdicts),
        "## Method",
        METHOD.strip(),
    ]
    samples = run.findings.samples
    for scenario, title in TITLES.items():
        if any(one.scenario == scenario for one in samples):
            parts += [f"## {title}", *_remarks(run, scenario), statements_table(samples, scenario)]
            mine, peers = COMPARED.get(scenario, ("", ()))
            if any((one.scenario, one.contestant) == (scenario, mine) for one in samples):
                parts.append(ratios_table(samples, scenario, mine, peers))
    if any(one.clients == MANY and one.scenario in SATURATED for one in samples):
        title = f"## A pool that is full: {MANY} clients over {POOL} server connections"
        parts += [title, saturation_table(samples)]
    if run.findings.holdings:
        parts += ["## Memory of idle clients", _holdings(run.findings)]
    if run.findings.storms:
        parts += ["## Log-in storm", _storms(run.findings)]
    parts += ["## Not measured, and why", absences_list(run.findings.absences)]
    return "\n\n".join(parts) + "\n"


def bars_table(verdicts: Sequence[Verdict]) -> str:
    """Every bar, what was found, and whether that is enough."""
    rows = [
        (one.bar.title, one.where, _limit(one), _found(one), f"**{one.word}**" if not one.met else one.word)
        for one in verdicts
    ]
    return _table(("bar", "where", "wanted", "found", ""), rows)


def statements_table(samples: Sequence[Sample], scenario: str) -> str:
    """CPU for a statement and throughput, a row a cell; for a MiB, where the scenario moves much."""
    mine = [one for one in samples if one.scenario == scenario]
    names = _names(mine)
    bulk = any(one.bytes for one in mine)
    show = _transfers if bulk else _figures
    rows = [
        (mode, str(clients), *(show(figures.cell(mine, scenario, mode, clients), name) for name in names))
        for mode, clients in _cells(mine)
    ]
    unit = (
        "CPU µs of the proxy for a MiB · MiB a second"
        if bulk
        else "CPU µs of the proxy for a statement · thousand statements a second"
    )
    return f"{unit}\n\n" + _table(("mode", "clients", *names), rows)


def ratios_table(samples: Sequence[Sample], scenario: str, proxy: str, against: Sequence[str]) -> str:
    """The proxy's CPU and throughput divided by each peer's."""
    mine = [one for one in samples if one.scenario == scenario]
    peers = [name for name in against if name in _names(mine)]
    heads = [f"{figure} / {peer}'s" for peer in peers for figure in ("CPU", "throughput")]
    rows = []
    for mode, clients in _cells(mine):
        cell = figures.cell(mine, scenario, mode, clients)
        found = (figures.ratio(cell, proxy, peer, figure) for peer in peers for figure in (CPU, THROUGHPUT))
        rows.append((mode, str(clients), *(_spread(one) for one in found)))
    return f"{proxy}'s, divided by\n\n" + _table(("mode", "clients", *heads), rows)


def saturation_table(samples: Sequence[Sample]) -> str:
    """What clients wait where there are far more of them than server connections, beside PgBouncer's."""
    mine = [one for one in samples if one.clients == MANY and one.scenario in SATURATED]
    names = [name for name in (PROXY, "pgbouncer") if name in _names(mine)]
    rows = []
    for scenario, mode in dict.fromkeys((one.scenario, one.mode) for one in mine):
        cell = figures.cell(mine, scenario, mode, MANY)
        found = (figures.ratio(cell, PROXY, "pgbouncer", figure) for figure in (THROUGHPUT, P99))
        rows.append((TITLES[scenario], mode, *(_waits(cell, name) for name in names), *map(_spread, found)))
    heads = ("where", "mode", *names, "throughput / pgbouncer's", "p99 / pgbouncer's")
    return "p50 · p99 ms of a statement\n\n" + _table(heads, rows)


def absences_list(absences: Sequence[Absence]) -> str:
    """What has no figure: first what failed, then what is not offered."""
    grouped: dict[tuple[bool, str, str, str], list[str]] = {}
    for one in sorted(absences, key=lambda one: not one.failed):
        cell = f"{one.mode} {one.clients}".strip() if one.clients else ""
        grouped.setdefault((one.failed, one.scenario, one.contestant, _one_line(one.reason)), []).append(cell)
    lines = []
    for (failed, scenario, contestant, reason), cells in grouped.items():
        where = f" ({', '.join(cells)})" if any(cells) else ""
        lines.append(f"- {'**failed** ' if failed else ''}{scenario}: {contestant}{where}: {reason}")
    return "\n".join(lines) or "Nothing."


def _machine(run: Run) -> str:
    machine, settings = run.machine, run.settings
    versions = ", ".join(f"{name}: {text}" for name, text in machine.versions.items())
    return "\n".join(
        (
            f"- taken {run.taken}, in {run.wall_seconds:.0f} s",
            f"- {machine.cores} cores of {machine.processor}, Linux {machine.kernel}; pinning: {machine.pinning}",
            f"- load average {machine.load_before:.1f} before, {machine.load_after:.1f} after",
            f"- {settings.rounds} rounds; {settings.seconds:g} s a figure, after {settings.warmup:g} s of warm-up",
            f"- {versions}",
        )
    )


def _figures(cell: Sequence[Sample], name: str) -> str:
    cost = figures.level(cell, name, CPU)
    speed = figures.level(cell, name, THROUGHPUT)
    if speed is None:
        return "-"
    pair = (
        f"{speed.median / 1000:.1f}k" if cost is None else f"{cost.median:.1f} · {speed.median / 1000:.1f}k"
    )
    faults = sum(one.errors + one.wrong for one in cell if one.contestant == name)
    return f"{pair} (**{faults} errors or wrong rows**)" if faults else pair


def _transfers(cell: Sequence[Sample], name: str) -> str:
    mine = [one for one in cell if one.contestant == name and one.bytes and one.seconds]
    if not mine:
        return "-"
    speed = f"{median(one.mib / one.seconds for one in mine):.0f}"
    costs = [one.cpu_us * one.statements / one.mib for one in mine if one.cpu_us is not None]
    pair = f"{median(costs):.0f} · {speed}" if costs else speed
    faults = sum(one.errors + one.wrong for one in cell if one.contestant == name)
    return f"{pair} (**{faults} errors or wrong results**)" if faults else pair


def _waits(cell: Sequence[Sample], name: str) -> str:
    mine = [one.latency_us for one in cell if one.contestant == name and one.statements]
    if not mine:
        return "-"
    return " · ".join(f"{median(one.get(share, 0) for one in mine) / 1000:.1f}" for share in ("p50", "p99"))


def _remarks(run: Run, scenario: str) -> Iterator[str]:
    """What has to be known to read a scenario's figures."""
    if scenario == "tls":
        agreed = {
            one.contestant: one.tls for one in run.findings.samples if one.scenario == scenario and one.tls
        }
        yield "Agreed: " + "; ".join(f"{name}: {said}" for name, said in agreed.items()) + "."
    if scenario == "carriers" and _crowded(run.machine):
        yield (
            f"This machine has {run.machine.cores} cores for the generator, the server and the proxy together: "
            "a second carrier has none of its own. The figures say what it costs, and not what it brings."
        )


def _crowded(machine: Machine) -> bool:
    """Two carriers want two cores beside the generator's and the server's."""
    return machine.cores < 4


def _holdings(findings: Findings) -> str:
    rows = [
        (one.contestant, one.stage, str(one.clients), f"{one.each:.0f}", _faults(one.errors, one.kinds))
        for one in findings.holdings
    ]
    return _table(("contestant", "clients have", "clients", "resident bytes a client", "errors"), rows)


def _storms(findings: Findings) -> str:
    rows = []
    for name in dict.fromkeys(one.contestant for one in sorted(findings.storms, key=lambda one: one.round)):
        mine = [one for one in findings.storms if one.contestant == name]
        kinds: dict[str, int] = {}
        for one in mine:
            for kind, count in one.kinds.items():
                kinds[kind] = kinds.get(kind, 0) + count
        waits = [
            f"{median(one.latency_us.get(share, 0) for one in mine) / 1000:.1f}" for share in ("p50", "p99")
        ]
        rows.append(
            (
                name, f"{sum(one.logins for one in mine)} of {sum(one.asked for one in mine)}",
                f"{_middle(mine, lambda one: one.logins / one.seconds if one.seconds else 0):.0f}",
                f"{_middle(mine, lambda one: one.cpu_us):.0f}", " · ".join(waits),
                _faults(sum(one.errors for one in mine), kinds),
            )
        )  # fmt: skip
    return STORM + _table(
        ("contestant", "log-ins", "a second", "CPU µs a log-in", "p50 · p99 ms", "errors"), rows
    )


def _middle(storms: Sequence[Storm], figure: Callable[[Storm], float]) -> float:
    return median(figure(one) for one in storms)


def _faults(errors: int, kinds: dict[str, int]) -> str:
    said = ", ".join(f"{kind}: {count}" for kind, count in kinds.items())
    return f"{errors} ({_one_line(said)})" if said else str(errors)


def _limit(verdict: Verdict) -> str:
    bar = verdict.bar
    return f"≤ {bar.at_most:g}" if bar.at_most is not None else f"≥ {bar.at_least:g}"


def _found(verdict: Verdict) -> str:
    found = verdict.found
    if found is None:
        return "-"
    if verdict.bar.figure in RATIOS:
        return _spread(found)
    if verdict.bar.figure == LOGINS:
        return f"{found.median:.0f} ({found.low:.0f} to {found.high:.0f})"
    return f"{found.median:.0f} bytes" if verdict.bar.figure == IDLE_BYTES else f"{found.median:g}"


def _spread(found: Spread | None) -> str:
    return "-" if found is None else f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"


def _names(samples: Sequence[Sample]) -> list[str]:
    # Rounds begin with another contestant each; in the first they stand in the catalogue's order.
    return list(dict.fromkeys(one.contestant for one in sorted(samples, key=lambda one: one.round)))


def _cells(samples: Sequence[Sample]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((one.mode, one.clients) for one in samples))


def _one_line(text: str) -> str:
    flat = " ".join(text.replace("|", "/").split())
    return flat if len(flat) <= 300 else f"{flat[:300]}…"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_rows(heads, rows))


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
