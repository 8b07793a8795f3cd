"""tokio-postgres and sqlx see the same, direct and through the proxy."""

from pathlib import Path

import pytest

from tests.integration.drivers.toolchains import RUST
from tests.integration.drivers.transcript import SECTIONS, Sees

HAS = {"tokio-postgres": SECTIONS, "sqlx": tuple(name for name in SECTIONS if name != "pipelines")}
FEW = {"tokio-postgres": "shop_one", "sqlx": "shop_two"}
"""sqlx listens on a connection of its own, and a listener keeps its server connection."""
CASES = [
    (driver, name, database)
    for driver, has in HAS.items()
    for name in has
    for database in ("shop", FEW[driver])
]


@pytest.fixture(scope="module")
def made() -> Path:
    return RUST.programs()


@pytest.mark.parametrize(("driver", "section", "database"), CASES)
def test_a_program_sees_the_same(sees: Sees, made: Path, driver: str, section: str, database: str) -> None:
    answer, expected = sees((made / "drivers", driver), database, section)
    assert answer == expected


@pytest.mark.parametrize("database", ["shop", "shop_one"])
def test_what_the_macros_of_sqlx_ask(sees: Sees, made: Path, database: str) -> None:
    answer, expected = sees((made / "drivers", "sqlx-describe"), database, "describe")
    assert answer == expected
