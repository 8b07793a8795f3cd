"""Whether docs/support.md keeps its word: each row of a support table says yes, partly or no, and a yes names a test.

A support table has the columns `feature`, `engine`, `state` and `test` (others may stand between). The test is
`path::name`, in backquotes or not; it must exist, in Python or in Rust. Several are separated by commas.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path("docs/support.md")
COLUMNS = ("feature", "engine", "state", "test")
STATES = ("yes", "partly", "no")


def problems(page: str, root: Path) -> list[str]:
    """Each row that says what it may not."""
    found: list[str] = []
    header: dict[str, int] | None = None
    rows = 0
    for number, line in enumerate(page.splitlines(), start=1):
        if not line.lstrip().startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if header is None:
            names = {name.lower(): index for index, name in enumerate(cells)}
            header = names if all(name in names for name in COLUMNS) else {}
        elif header and not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows += 1
            found += (f"{PAGE}:{number}: {problem}" for problem in _row_problems(cells, header, root))
    if not rows:
        found.append(f"{PAGE}: no support table (columns {', '.join(COLUMNS)})")
    return found


def _row_problems(cells: list[str], header: dict[str, int], root: Path) -> Iterator[str]:
    if len(cells) != len(header):
        yield f"{len(cells)} cells under {len(header)} columns"
        return
    row = {name: cells[index] for name, index in header.items()}
    for name in ("feature", "engine"):
        if not row[name]:
            yield f"no {name}"
    if row["state"] not in STATES:
        yield f"state {row['state']!r}, must be one of {', '.join(STATES)}"
    tests = [name for name in (part.strip().strip("`") for part in row["test"].split(",")) if name]
    if row["state"] == "yes" and not tests:
        yield f"{row['feature']!r} says yes and names no test"
    for name in tests:
        if not exists(name, root):
            yield f"no test {name!r}"


def exists(name: str, root: Path) -> bool:
    """Whether `path::function` or `path::Class::function` (Rust: `path::module::function`) is a test there."""
    path, *parts = name.split("::")
    file = root / path
    if not parts or not file.is_file():
        return False
    text = file.read_text()
    if path.endswith(".rs"):
        # An attribute that makes a test, or a test inside proptest!, stands right before `fn`.
        return re.search(rf"#\[test\]\s*(#\[[^\]]*\]\s*)*fn {re.escape(parts[-1])}\b", text) is not None
    scope: list[ast.stmt] = ast.parse(text).body
    for part in parts[:-1]:
        scope = next(
            (item.body for item in scope if isinstance(item, ast.ClassDef) and item.name == part), []
        )
    wanted = parts[-1].split("[")[0]
    return wanted.startswith("test") and any(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == wanted for item in scope
    )


def main() -> int:
    """Print every problem; 1 when there is one."""
    page = ROOT / PAGE
    found = problems(page.read_text(), ROOT) if page.is_file() else [f"{PAGE}: there is no such page"]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
