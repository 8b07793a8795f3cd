"""Samples for the tests, with everything that does not matter filled in."""

from benchmarks.records import Sample


def sample(
    contestant: str, *, scenario: str = "stub", mode: str = "simple", clients: int = 8, round_: int = 0,
    statements: int = 1000, seconds: float = 1.0, cpu_us: float | None = None, errors: int = 0, wrong: int = 0,
    p99: float | None = None, tls: str = "", bytes_: int = 0,
) -> Sample:  # fmt: skip
    """One sample."""
    return Sample(
        scenario=scenario,
        mode=mode,
        clients=clients,
        contestant=contestant,
        round=round_,
        statements=statements,
        seconds=seconds,
        errors=errors,
        wrong=wrong,
        kinds={},
        latency_us={} if p99 is None else {"p50": p99 / 2, "p99": p99},
        cpu_us=cpu_us,
        generator_us=1.0,
        tls=tls,
        bytes=bytes_,
    )
