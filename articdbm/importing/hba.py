"""PgBouncer's auth_hba_file as it is written: rules, in order. What they become here is in `ways`."""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from articdbm.importing.text import refusal, text

_TYPES = ("local", "host", "hostssl", "hostnossl")
_FIELD = re.compile(r'(?:"(?:[^"]|"")*"|[^\s"#])+|(#)')
_COMMA = re.compile(r'("(?:[^"]|"")*")|\s*,\s*')
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^",]+)')
Net = ipaddress.IPv4Network | ipaddress.IPv6Network


class Names(msgspec.Struct, frozen=True):
    """A database or user field. Words in quotes are names, whatever they say."""

    everyone: bool = False
    same: bool = False
    """`sameuser`."""
    replication: bool = False
    names: tuple[str, ...] = ()
    groups: bool = False
    """It names members of roles, which neither PgBouncer knows."""


class Rule(msgspec.Struct, frozen=True):
    """One line. What stands behind the method may hold a password, and is not kept."""

    line: int
    type: str
    databases: Names
    users: Names
    address: str
    method: str
    more: bool
    """Something stands behind the method."""
    shown: str

    def __str__(self) -> str:
        return self.shown

    @property
    def net(self) -> Net | None:
        """Where it is for; None for everywhere. ValueError where that is nowhere, or no network."""
        return None if self.address in ("", "all") else ipaddress.ip_network(self.address)


def rules(file: Path) -> Iterator[Rule]:
    for number, line in enumerate(text(file).split("\n"), start=1):
        fields: list[str] = []
        for found in _FIELD.finditer(_COMMA.sub(lambda one: one[1] or ",", line)):
            if found[1]:
                break
            fields.append(found[0])
        if not fields:
            continue
        local = fields[0] == "local"
        # An address may come with its mask as a field of its own.
        masked = (
            not local and len(fields) > 5 and re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.]+", fields[4]) is not None
        )
        method = 3 if local else 4 + masked
        if fields[0] not in _TYPES or len(fields) <= method:
            raise refusal(file, number, "this is no rule", "write type database user [address] method")
        address = "" if local else "/".join(fields[3:method])
        yield Rule(
            number, fields[0], _names(file, number, fields[1]), _names(file, number, fields[2]), address,
            fields[method], len(fields) > method + 1, " ".join((*fields[:3], *filter(None, [address]), fields[method])),
        )  # fmt: skip


def _names(file: Path, line: int, field: str, depth: int = 0) -> Names:
    everyone = same = replication = groups = False
    names: list[str] = []
    for quoted, word in _NAME.findall(field):
        match word:
            case "":
                names.append(quoted.replace('""', '"'))
            case "all":
                everyone = True
            case "sameuser":
                same = True
            case "replication":
                replication = True
            case "samerole" | "samegroup":
                groups = True
            case _ if word.startswith("+"):
                groups = True
            case _ if word.startswith("@"):
                if depth:
                    raise refusal(
                        file, line, "a file of names names another one", "write the names themselves"
                    )
                lines = text(file.parent / word[1:]).split("\n")
                more = [_names(file, line, one.split("#")[0].strip().replace(" ", ","), 1) for one in lines]
                everyone = everyone or any(one.everyone for one in more)
                names += (name for one in more for name in one.names)
            case _:
                names.append(word)
    return Names(everyone, same, replication, tuple(names), groups)
