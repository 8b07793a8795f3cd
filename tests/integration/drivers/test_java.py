"""pgjdbc sees the same, direct and through the proxy: as it comes, set up for batches, never preparing, simple, saving."""

from pathlib import Path

import pytest

from tests.integration.drivers.toolchains import JAVA
from tests.integration.drivers.transcript import SECTIONS, Sees

# A batch is its pipeline.
HAS = [name for name in SECTIONS if name != "pipelines"]


@pytest.fixture(scope="module")
def made() -> Path:
    return JAVA.programs()


@pytest.mark.parametrize("database", ["shop", "shop_one"])
@pytest.mark.parametrize("section", HAS)
def test_a_program_sees_the_same(sees: Sees, made: Path, section: str, database: str) -> None:
    command = ("java", "-XX:TieredStopAtLevel=1", "-cp", f"{made}:{made}/*", "Jdbc")
    answer, expected = sees(command, database, section)
    assert answer == expected
