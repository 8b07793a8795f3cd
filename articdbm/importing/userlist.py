"""PgBouncer's auth_file: `"name" "password, md5 hash or SCRAM verifier"`, one user a line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from articdbm.importing.text import refusal, text

_LINE = re.compile(r'"((?:[^"]|"")*)"\s*"((?:[^"]|"")*)"')
_MD5 = re.compile(r"md5[0-9a-f]{32}", re.ASCII)

Kind = Literal["none", "password", "md5", "scram"]


class Account(msgspec.Struct, frozen=True):
    """A user and what is known of its password, which is not shown."""

    line: int
    name: str
    secret: str

    def __repr__(self) -> str:
        return f"Account({self.line}, {self.name!r}, {self.kind})"

    @property
    def kind(self) -> Kind:
        if not self.secret:
            return "none"
        if _MD5.fullmatch(self.secret):
            return "md5"
        return "scram" if self.secret.startswith("SCRAM-SHA-256$") else "password"


def accounts(file: Path) -> Iterator[Account]:
    """Everyone in it; what stands behind the password does not count."""
    for number, line in enumerate(text(file).split("\n"), start=1):
        said = line.strip()
        if not said or said[0] in ";#":
            continue
        found = _LINE.match(said)
        if found is None:
            raise refusal(file, number, "this is no user", 'write "name" "password", in double quotes')
        yield Account(number, found[1].replace('""', '"'), found[2].replace('""', '"'))
