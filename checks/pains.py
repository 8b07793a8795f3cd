"""Whether docs/pains.md keeps its word: each pain from 1 to 20 once, and a *proved* one names tests that exist."""

import re
import sys
from pathlib import Path

from checks.support import exists

ROOT = Path(__file__).parents[1]
PAGE = Path("docs/pains.md")
NUMBERS = range(1, 21)
STATES = ("proved", "not yet")


def problems(page: str, root: Path) -> list[str]:
    """Each row that says what it may not, each number that is missing, and each test of a pain that no row names."""
    found: list[str] = []
    seen: list[int] = []
    named: set[str] = set()
    for number, line in enumerate(page.splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or not cells[0].isdecimal():
            continue
        if len(cells) != 5:
            found.append(f"{PAGE}:{number}: {len(cells)} cells under 5 columns")
            continue
        which, pain, state, remedy, tests = cells
        seen.append(int(which))
        names = re.findall(r"`([^`]+)`", tests)
        named.update(names)
        if not pain or not remedy:
            found.append(f"{PAGE}:{number}: nothing said of pain {which}")
        if state not in STATES:
            found.append(f"{PAGE}:{number}: state {state!r}, must be one of {', '.join(STATES)}")
        if state == "proved" and not names:
            found.append(f"{PAGE}:{number}: pain {which} is said to be proved, and no test is named")
        found += [f"{PAGE}:{number}: no test {name!r}" for name in names if not exists(name, root)]
    found += [
        f"{PAGE}: pain {which} is there {seen.count(which)} times"
        for which in NUMBERS
        if seen.count(which) != 1
    ]
    for file in sorted((root / "tests" / "pains").glob("test_*.py")):
        place = file.relative_to(root).as_posix()
        for name in re.findall(r"^def (test_pain_\w+)", file.read_text(), re.MULTILINE):
            if f"{place}::{name}" not in named:
                found.append(f"{PAGE}: no row names {place}::{name}")
    return found


def main() -> int:
    """Print every problem; 1 when there is one."""
    page = ROOT / PAGE
    found = problems(page.read_text(), ROOT) if page.is_file() else [f"{PAGE}: there is no such page"]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
