"""A run as a page for people: the bars first, then every figure they rest on, then what the figures do not say."""

from collections.abc import Iterator, Sequence

from benchmarks import figures
from benchmarks.bars import IDLE_BYTES, Verdict
from benchmarks.figures import CPU, THROUGHPUT, Spread
from benchmarks.records import Absence, Findings, Run, Sample

PROXY = "articdbm"
PEERS = ("pgbouncer", "haproxy")
TITLES = {
    "stub": "Statements, stub server",
    "postgres": "Statements, PostgreSQL",
    "carriers": "Two carriers and one, stub server",
    "sharing": "64 clients over 4 server connections and over 64, PostgreSQL",
}
RATIOS = ("stub", "postgres")
METHOD = """\
All contestants are up at once and take turns within each round; a ratio is that of two contestants in the same round,
the figure is the median over the rounds, and in brackets stand the smallest and the largest. Figures of different runs
are not to be compared. CPU is that of all threads of the proxy's processes, read from the scheduler at both ends of
the measurement and divided by the statements answered in between. The clients are a closed loop in one native thread;
every answer is checked, against PostgreSQL down to the key in the row.

The *stub server* answers every statement with one canned row and lets everyone in. It is there because on a small
machine PostgreSQL takes most of the CPU and hides what the proxies cost; it proves nothing about correctness.
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
    for scenario, title in TITLES.items():
        if any(one.scenario == scenario for one in run.findings.samples):
            parts += [f"## {title}", statements_table(run.findings.samples, scenario)]
            if scenario in RATIOS and any(one.contestant == PROXY for one in run.findings.samples):
                parts.append(ratios_table(run.findings.samples, scenario))
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
    """CPU for a statement and throughput, a row a cell."""
    mine = [one for one in samples if one.scenario == scenario]
    names = _names(mine)
    rows = [
        (mode, str(clients), *(_figures(figures.cell(mine, scenario, mode, clients), name) for name in names))
        for mode, clients in _cells(mine)
    ]
    return "CPU µs of the proxy for a statement · thousand statements a second\n\n" + _table(
        ("mode", "clients", *names), rows
    )


def ratios_table(samples: Sequence[Sample], scenario: str) -> str:
    """The proxy's CPU and throughput divided by each peer's."""
    mine = [one for one in samples if one.scenario == scenario]
    peers = [name for name in PEERS if name in _names(mine)]
    heads = [f"{figure} / {peer}'s" for peer in peers for figure in ("CPU", "throughput")]
    rows = []
    for mode, clients in _cells(mine):
        cell = figures.cell(mine, scenario, mode, clients)
        found = (figures.ratio(cell, PROXY, peer, figure) for peer in peers for figure in (CPU, THROUGHPUT))
        rows.append((mode, str(clients), *(_spread(one) for one in found)))
    return f"{PROXY}'s, divided by\n\n" + _table(("mode", "clients", *heads), rows)


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


def _holdings(findings: Findings) -> str:
    rows = [
        (one.contestant, one.stage, str(one.clients), f"{one.each:.0f}", _faults(one.errors, one.kinds))
        for one in findings.holdings
    ]
    return _table(("contestant", "clients have", "clients", "resident bytes a client", "errors"), rows)


def _storms(findings: Findings) -> str:
    rows = [
        (
            one.contestant, f"{one.logins} of {one.asked}", f"{one.logins / one.seconds:.0f}", f"{one.cpu_us:.0f}",
            f"{one.latency_us.get('p50', 0) / 1000:.1f} · {one.latency_us.get('p99', 0) / 1000:.1f}",
            _faults(one.errors, one.kinds),
        )
        for one in findings.storms
    ]  # fmt: skip
    return _table(("contestant", "log-ins", "a second", "CPU µs a log-in", "p50 · p99 ms", "errors"), rows)


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
    if verdict.bar.figure in (CPU, THROUGHPUT):
        return _spread(found)
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
