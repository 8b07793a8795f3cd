"""pgx and lib/pq see the same, direct and through the proxy."""

from pathlib import Path

import pytest

from tests.integration.drivers.toolchains import GO
from tests.integration.drivers.transcript import SECTIONS, Sees

HAS = {"pgx": SECTIONS, "pq": tuple(name for name in SECTIONS if name != "pipelines")}


@pytest.fixture(scope="module")
def made() -> Path:
    return GO.programs()


@pytest.mark.parametrize("database", ["shop", "shop_one"])
@pytest.mark.parametrize(
    ("driver", "section"), [(driver, name) for driver, has in HAS.items() for name in has]
)
def test_a_program_sees_the_same(sees: Sees, made: Path, driver: str, section: str, database: str) -> None:
    answer, expected = sees((made / "drivers", driver), database, section)
    assert answer == expected
