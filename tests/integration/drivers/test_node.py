"""node-postgres and postgres.js see the same, direct and through the proxy."""

from pathlib import Path

import pytest

from tests.integration.drivers.toolchains import NODE
from tests.integration.drivers.transcript import SECTIONS, Sees

HAS = {"pg": tuple(name for name in SECTIONS if name != "pipelines"), "postgres": SECTIONS}
"""node-postgres waits for each answer."""


@pytest.fixture(scope="module")
def made() -> Path:
    return NODE.programs()


FEW = {"pg": "shop_one", "postgres": "shop_two"}
"""postgres.js listens on a connection of its own, and a listener keeps its server connection."""
CASES = [
    (driver, name, database)
    for driver, has in HAS.items()
    for name in has
    for database in ("shop", FEW[driver])
]


@pytest.mark.parametrize(("driver", "section", "database"), CASES)
def test_a_program_sees_the_same(sees: Sees, made: Path, driver: str, section: str, database: str) -> None:
    answer, expected = sees(("node", "--no-deprecation", made / f"{driver}.mjs"), database, section)
    assert answer == expected
