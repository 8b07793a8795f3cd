"""Whether proxy/native.py alone imports the core. import-linter sees only Python sources, so it cannot tell."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("articdbm", "config", "protocols", "plugins", "proxy", "manager", "benchmarks")
CORE = "proxy._core"
ALLOWED = "proxy/native.py"


def problems(path: str, source: str) -> list[str]:
    """Each line of a file of the packages that imports the core and may not."""
    if path == ALLOWED:
        return []
    package = path.split("/")[:-1]
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                above = package[: len(package) - node.level + 1] if node.level else []
                origin = ".".join([*above, *([node.module] if node.module else [])])
                names = [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
            case ast.Constant(value=str(text)):
                # What importlib would be given.
                names = [text]
            case _:
                continue
        if any(name == CORE or name.startswith(f"{CORE}.") for name in names):
            lines.append(node.lineno)
    return [f"{path}:{line}: only {ALLOWED} imports {CORE}" for line in lines]


def main() -> int:
    """Print every finding; 1 when there is one."""
    found: list[str] = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            found += problems(file.relative_to(ROOT).as_posix(), file.read_text())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
