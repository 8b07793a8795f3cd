"""psycopg2 and a Django application see the same, direct and through the proxy. (Others of Python: next door.)"""

import sys
from pathlib import Path

import pytest

from tests.integration.drivers.transcript import SECTIONS, Sees

PROGRAMS = Path(__file__).parent / "python"
HAS = {
    "psycopg2": tuple(name for name in SECTIONS if name != "pipelines"),
    "django": ("types", "batches", "prepared", "cursors", "transactions", "errors", "big_rows"),
}


@pytest.mark.parametrize("database", ["shop", "shop_one"])
@pytest.mark.parametrize(
    ("driver", "section"), [(driver, name) for driver, has in HAS.items() for name in has]
)
def test_a_program_sees_the_same(sees: Sees, driver: str, section: str, database: str) -> None:
    answer, expected = sees((sys.executable, PROGRAMS / f"{driver}_program.py"), database, section)
    assert answer == expected
