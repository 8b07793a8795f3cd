"""The page: every figure in its place, and nothing that failed left out."""

import msgspec

from benchmarks import bars, report
from benchmarks.records import Absence, Findings, Holding, Machine, Run, Settings, Storm
from tests.benchmarks.samples import sample

SETTINGS = Settings(
    rounds=2, seconds=0.5, warmup=0.1, clients=[8], modes=["simple"], contestants=["articdbm"], scenarios=["stub"],
    idle_clients=10, logins=10,
)  # fmt: skip
MACHINE = Machine(
    processor="a processor",
    cores=2,
    kernel="6.1",
    pinning="none",
    load_before=0.5,
    load_after=1.5,
    versions={},
)


def run(findings: Findings) -> Run:
    return Run(
        taken="2026-01-02T03:04:05+00:00",
        wall_seconds=9.0,
        settings=SETTINGS,
        machine=MACHINE,
        findings=findings,
    )


def test_a_row_a_cell_and_a_column_a_contestant() -> None:
    samples = [
        sample("direct", statements=50_000), sample("articdbm", cpu_us=5.0, statements=20_000),
        sample("articdbm", cpu_us=7.0, statements=30_000, round_=1), sample("direct", statements=50_000, round_=1),
        sample("direct", clients=64, statements=90_000),
    ]  # fmt: skip
    assert report.statements_table(samples, "stub").splitlines()[2:] == [
        "| mode | clients | direct | articdbm |",
        "|---|---|---|---|",
        "| simple | 8 | 50.0k | 6.0 · 25.0k |",
        "| simple | 64 | 90.0k | - |",
    ]


def test_ratios_name_their_extremes() -> None:
    samples = [
        sample("articdbm", cpu_us=5.0), sample("haproxy", cpu_us=10.0),
        sample("articdbm", cpu_us=7.0, round_=1), sample("haproxy", cpu_us=10.0, round_=1),
    ]  # fmt: skip
    assert report.ratios_table(samples, "stub", "articdbm", ("pgbouncer", "haproxy")).splitlines()[2:] == [
        "| mode | clients | CPU / haproxy's | throughput / haproxy's |",
        "|---|---|---|---|",
        "| simple | 8 | 0.60 (0.50 to 0.70) | 1.00 (1.00 to 1.00) |",
    ]


def test_what_moves_much_is_told_by_the_mib() -> None:
    samples = [
        sample("direct", mode="copy out", scenario="bulk", statements=1, bytes_=10 * 2**20, seconds=0.1),
        sample(
            "articdbm",
            mode="copy out",
            scenario="bulk",
            statements=2,
            bytes_=10 * 2**20,
            seconds=0.2,
            cpu_us=4000.0,
        ),
    ]
    assert report.statements_table(samples, "bulk").splitlines()[2:] == [
        "| mode | clients | direct | articdbm |",
        "|---|---|---|---|",
        "| copy out | 8 | 100 | 800 · 50 |",
    ]


def test_a_full_pool_is_told_by_what_clients_wait() -> None:
    cells = [
        sample("articdbm", clients=512, statements=3000, p99=8000.0),
        sample("pgbouncer", clients=512, statements=2000, p99=16000.0),
        sample("articdbm", clients=8, p99=1.0),
    ]
    [_, _, row] = report.saturation_table(cells).splitlines()[2:]
    assert row.endswith("| simple | 4.0 · 8.0 | 8.0 · 16.0 | 1.50 (1.50 to 1.50) | 0.50 (0.50 to 0.50) |")


def test_what_tls_agreed_on_and_a_crowded_machine_are_told() -> None:
    found = Findings(
        [
            sample("articdbm-tls", scenario="tls", tls="TLSv1_3, A"),
            sample("pgbouncer-tls", scenario="tls", tls="TLSv1_3, B"),
            sample("articdbm-2", scenario="carriers"),
        ]
    )
    page = report.markdown(run(found), [])
    assert "Agreed: articdbm-tls: TLSv1_3, A; pgbouncer-tls: TLSv1_3, B." in page
    assert "This machine has 2 cores" in page
    roomy = msgspec.structs.replace(run(found), machine=msgspec.structs.replace(MACHINE, cores=8))
    assert "This machine has" not in report.markdown(roomy, [])


def test_storms_are_told_by_the_median_of_their_rounds() -> None:
    storms = [
        Storm("articdbm", 10, 10, seconds, 0, {}, {"p50": 1000.0, "p99": 2000.0}, cost, turn)
        for turn, (seconds, cost) in enumerate(((1.0, 100.0), (0.5, 300.0), (2.0, 200.0)))
    ]
    page = report.markdown(run(Findings(storms=storms)), [])
    assert "| articdbm | 30 of 30 | 10 | 200 | 1.0 · 2.0 | 0 |" in page


def test_errors_show_beside_the_figure_they_spoil() -> None:
    table = report.statements_table([sample("articdbm", cpu_us=5.0, errors=1, wrong=2)], "stub")
    assert "5.0 · 1.0k (**3 errors or wrong rows**)" in table


def test_failures_come_first_and_cells_with_one_reason_together() -> None:
    absences = [
        Absence("stub", "pgbouncer", "not offered", failed=False, mode="prepared", clients=64),
        Absence("stub", "pgbouncer", "not offered", failed=False, mode="prepared", clients=512),
        Absence("stub", "articdbm", "it\ndied | badly", failed=True),
    ]
    assert report.absences_list(absences).splitlines() == [
        "- **failed** stub: articdbm: it died / badly",
        "- stub: pgbouncer (prepared 64, prepared 512): not offered",
    ]
    assert report.absences_list([]) == "Nothing."


def test_the_page_has_a_section_for_what_was_found_and_no_other() -> None:
    found = Findings(
        samples=[sample("articdbm", cpu_us=5.0), sample("haproxy", cpu_us=10.0)],
        holdings=[Holding("articdbm", "logged in", 10, 1_000, 21_000, 0, {})],
        storms=[Storm("articdbm", 10, 9, 0.5, 1, {"53300 full": 1}, {"p50": 1500.0, "p99": 2500.0}, 30.0)],
    )
    known = bars.read(bars.FILE.read_bytes())
    page = report.markdown(run(found), bars.judge(known, found))
    heads = [line for line in page.splitlines() if line.startswith("#")]
    assert heads == [
        "# Benchmarks", "## The bars", "## Method", "## Statements, stub server", "## Memory of idle clients",
        "## Log-in storm", "## Not measured, and why",
    ]  # fmt: skip
    assert (
        "| CPU per statement, 8 clients, against HAProxy | stub, simple | ≤ 0.8 | 0.50 (0.50 to 0.50) | met |"
        in page
    )
    assert (
        "| Wrong rows, errors and failures in the whole run | all scenarios | ≤ 0 | 1 | **not met** |" in page
    )
    assert "| articdbm | logged in | 10 | 2000 | 0 |" in page
    assert "| articdbm | 9 of 10 | 18 | 30 | 1.5 · 2.5 | 1 (53300 full: 1) |" in page


def test_a_run_survives_the_file_it_is_written_to() -> None:
    whole = run(Findings([sample("articdbm", cpu_us=5.0)], [Absence("stub", "haproxy", "why", failed=False)]))
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Run) == whole
