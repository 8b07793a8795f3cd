"""PgBouncer's auth_hba_file: which users may come to which databases. Addresses and methods are not translated."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from articdbm.importing.text import refusal, text

_TYPES = ("local", "host", "hostssl", "hostnossl")


class Rule(msgspec.Struct, frozen=True):
    """One line. What stands behind the method may hold a password, and is not kept."""

    line: int
    type: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str

    def covers(self, user: str, database: str) -> bool:
        return _among(user, self.users) and (
            _among(database, self.databases) or ("sameuser" in self.databases and user == database)
        )

    def __str__(self) -> str:
        return " ".join(
            filter(
                None, (self.type, ",".join(self.databases), ",".join(self.users), self.address, self.method)
            )
        )


def _among(name: str, names: tuple[str, ...]) -> bool:
    return "all" in names or name in names


def rules(file: Path) -> Iterator[Rule]:
    for number, line in enumerate(text(file).split("\n"), start=1):
        fields = re.findall(r'(?:"[^"]*"|[^\s"#])+', line.split("#")[0] if '"' not in line else line)
        if not fields or line.lstrip().startswith("#"):
            continue
        local = fields[0] == "local"
        # An address may come with its mask as a field of its own.
        masked = (
            not local and len(fields) > 5 and re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.]+", fields[4]) is not None
        )
        if fields[0] not in _TYPES or len(fields) < (4 if local else 5) + masked:
            raise refusal(file, number, "this is no rule", "write type database user [address] method")
        yield Rule(
            number, fields[0], _names(fields[1]), _names(fields[2]), "" if local else "/".join(fields[3 : 4 + masked]),
            fields[3 if local else 4 + masked],
        )  # fmt: skip


def _names(field: str) -> tuple[str, ...]:
    return tuple(part.strip('"') for part in re.findall(r'"[^"]*"|[^",]+', field))


def allowed(found: tuple[Rule, ...], user: str, database: str) -> bool:
    """Some address gets this user to this database: a rule says so before one that refuses every address."""
    for rule in found:
        if rule.type == "local" or not rule.covers(user, database):
            continue
        if rule.method != "reject":
            return True
        if rule.address in ("all", "0.0.0.0/0") and rule.type == "host":
            return False
    return False
