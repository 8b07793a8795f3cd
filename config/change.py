"""One setting changed in a Snapshot that is in force, as the console's `SET key = value` says it.

Keys are as `SHOW CONFIG` writes them: `log.level`, `clusters[main].pool.size`. Numbers, times, sizes and choices can be
changed. Names, addresses, secrets, certificates and rights are the configuration file's to give.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from config.check import check
from config.errors import RefusedError
from config.quantities import Duration, Size
from config.sections.listeners import Listener
from config.sections.outside import Ldap, Pam
from config.sections.tls import ClusterTls, ListenerTls
from config.setting import Section, Setting, settings
from config.snapshot import Snapshot
from config.values import Surroundings, choices, like, read_value, wanted

_STEP = re.compile(r"([a-z_]+)(?:\[([^\[\]]+)\])?")
_TRUTHS = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}
_GIVEN_BY_THE_FILE = frozenset({"protocol"})


def changeable(section: type[Section], setting: Setting) -> bool:
    """Whether a running process may be told another value. Who may what, and TLS, are for the file alone."""
    plain = bool(choices(setting)) or setting.kinds[0] in (int, bool, Duration, Size)
    fixed = section in (ListenerTls, ClusterTls, Listener, Ldap, Pam) or setting.name in _GIVEN_BY_THE_FILE
    return plain and not (fixed or setting.many) and setting.reload != "restart"


def change(snapshot: Snapshot, key: str, written: str, now: datetime) -> Snapshot:
    """The Snapshot with one setting changed. Raises RefusedError; the Snapshot given is never touched."""
    steps = list(_steps(key))
    after: Snapshot = _put(snapshot, steps, written)
    before = {_told(finding) for finding in check(snapshot, now)}
    for finding in check(after, now):
        if finding.severity == "error" and _told(finding) not in before:
            raise RefusedError(finding.what, finding.fix)
    return after


def _told(finding: Any) -> tuple[Any, ...]:
    return finding.path, finding.what


def _steps(key: str) -> Iterator[tuple[str, str | None]]:
    at = 0
    while found := _STEP.match(key, at):
        yield found[1], found[2]
        if found.end() == len(key):
            return
        if key[found.end()] != ".":
            break
        at = found.end() + 1
    raise RefusedError("this is not the name of a setting", "SHOW CONFIG lists them")


def _put(section: Section, steps: list[tuple[str, str | None]], written: str) -> Any:
    (name, which), rest = steps[0], steps[1:]
    known = {setting.name: setting for setting in settings(type(section))}
    setting = known.get(name)
    if setting is None:
        raise RefusedError("there is no such setting", "SHOW CONFIG lists them" + like(name, known))
    before = getattr(section, name)
    if setting.section is None:
        if rest or which is not None:
            raise RefusedError("there is no such setting", "SHOW CONFIG lists them")
        return msgspec.structs.replace(section, **{name: _value(type(section), setting, written)})
    if not rest:
        raise RefusedError("this is a whole section", "name one of its settings")
    if not setting.many:
        return msgspec.structs.replace(section, **{name: _put(before, rest, written)})
    for place, one in enumerate(before):
        if which is not None and which in (getattr(one, "name", None), str(place)):
            after = (*before[:place], _put(one, rest, written), *before[place + 1 :])
            return msgspec.structs.replace(section, **{name: after})
    raise RefusedError(f"none of the {name} is called that", "SHOW CONFIG lists them")


def _value(section: type[Section], setting: Setting, written: str) -> object:
    if not changeable(section, setting):
        raise RefusedError("this setting is not one to change in a running process", "change the file")
    nowhere = Surroundings(environ={}, read=_no_file, folder=Path())
    if written in choices(setting):
        return written
    kind = setting.kinds[0]
    if kind is bool:
        if written.lower() not in _TRUTHS:
            raise RefusedError("this is neither true nor false", f"write {wanted(setting)}")
        return _TRUTHS[written.lower()]
    if kind in (int, Duration, Size) and re.fullmatch(r"\d{1,18}", written, re.ASCII):
        return read_value(setting, int(written), nowhere)
    return read_value(setting, written, nowhere)


def _no_file(path: Path) -> bytes:
    raise RefusedError(f"{path.name} is a file", "change the file of the configuration")
