"""Whether what the packages import is a runtime dependency: what only the tests bring must not be needed to run.

A module may be for those who installed an extra: it imports what the extra brings, and whoever loads it asks first.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("articdbm", "config", "protocols", "plugins", "proxy", "manager")
FOR_WORK = "dev"
"""The extra that is for working on the house: nothing that runs may lean on it."""


class Allowed:
    """What `pyproject.toml` lets modules import."""

    def __init__(self, project: Mapping[str, object], modules: Mapping[str, list[str]]) -> None:
        self._modules = modules
        self._always = _names(project["dependencies"])
        extras = project.get("optional-dependencies", {})
        assert isinstance(extras, dict)
        self._with_extras = self._always.union(
            *(_names(wanted) for extra, wanted in extras.items() if extra != FOR_WORK)
        )

    def problems(self, path: str, source: str) -> list[str]:
        """Each import that fails where the runtime requirements and every extra are installed."""
        return [
            f"{path}:{line}: {name} belongs to no runtime dependency in pyproject.toml"
            for name, line, _ in _imports(ast.parse(source))
            if not self._belongs(name, self._with_extras)
        ]

    def needs_an_extra(self, source: str) -> bool:
        """The module cannot be loaded with `[project].dependencies` alone."""
        return any(
            at_once and not self._belongs(name, self._always)
            for name, _, at_once in _imports(ast.parse(source))
        )

    def _belongs(self, name: str, wanted: frozenset[str]) -> bool:
        if name in sys.stdlib_module_names or name in PACKAGES:
            return True
        return not wanted.isdisjoint(_plain(origin) for origin in self._modules.get(name, [name]))


def _imports(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """Top-level name, line, and whether loading the module imports it."""
    inside = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                names = [module]
            case _:
                continue
        for name in names:
            yield name.partition(".")[0], node.lineno, id(node) not in inside


def _names(requirements: object) -> frozenset[str]:
    assert isinstance(requirements, list)
    return frozenset(_plain(re.split(r"[\s\[<>=!~;@]", one, maxsplit=1)[0]) for one in requirements)


def _plain(name: str) -> str:
    """A distribution's name as every index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def allowed(root: Path = ROOT) -> Allowed:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return Allowed(project, packages_distributions())


def main() -> int:
    """Print every finding; 1 when there is one."""
    found: list[str] = []
    may = allowed()
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            found += may.problems(file.relative_to(ROOT).as_posix(), file.read_text())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
