"""Settings that server connections begin with: names that could be a setting's, once each."""

import re
from collections.abc import Iterator, Sequence

from config.errors import Finding
from config.positions import KeyPath
from config.sections.databases import Database
from config.sections.users import User
from config.snapshot import Snapshot
from config.values import naming

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*", re.ASCII)
TAKEN = frozenset({"user", "database", "options", "replication", "session_authorization", "role"})
"""Of a startup packet's parameters those that are no settings, and those that would make somebody else of the user."""


def parameters(snapshot: Snapshot) -> Iterator[Finding]:
    sections: tuple[tuple[str, Sequence[Database | User]], ...] = (
        ("databases", snapshot.databases),
        ("users", snapshot.users),
    )
    for section, items in sections:
        for index, item in enumerate(items):
            seen: set[str] = set()
            for place, parameter in enumerate(item.parameters):
                path: KeyPath = (section, index, "parameters", place, "name")
                name = parameter.name.lower()
                if not _NAME.fullmatch(name) or name in TAKEN or name.startswith("_pq_"):
                    yield Finding(path, f"{naming(parameter.name)} is no setting", "name a server setting")
                elif name in seen:
                    yield Finding(path, f"{naming(parameter.name)} is given twice", "remove one of them")
                seen.add(name)
