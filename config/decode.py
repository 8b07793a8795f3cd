"""From a tree of plain values to typed sections, going on after each problem until all are found.

Knows types, not meaning. Where a value is missing or wrong something of its type stands in, and its path is noted as
broken, so that `config.check` can look at everything else without complaining twice.
"""

from typing import Any, TypeVar

from config.errors import Finding, RefusedError
from config.positions import KeyPath
from config.setting import Section, Setting, settings
from config.values import Surroundings, like, naming, read_value, stand_in, wanted

S = TypeVar("S", bound=Section)


class Decoder:
    """One walk over one tree; the findings and the broken paths it leaves."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.findings: list[Finding] = []
        self.broken: set[KeyPath] = set()

    def table(self, kind: type[S], written: object, path: KeyPath = ()) -> S:
        """The section, whole; what was not given has its default."""
        if not isinstance(written, dict):
            self.refuse(
                path, f"{naming(written)} is not a table", f"write {self.meant(kind, written) or 'a table'}"
            )
            written = {}
        known = settings(kind)
        meant = self.strangers({setting.name for setting in known}, written, path)
        given: dict[str, Any] = {}
        for setting in known:
            here = (*path, setting.name)
            if setting.name in written:
                given[setting.name] = self.setting(setting, written[setting.name], here)
            elif setting.name in meant or setting.required:
                if setting.name not in meant and path not in self.broken:
                    self.refuse(here, "this is missing", f"write {_whole(setting)}")
                self.broken.add(here)
                if setting.required:
                    given[setting.name] = () if setting.many else stand_in(setting)
        return kind(**given)

    def strangers(self, known: set[str], written: dict[str, object], path: KeyPath) -> set[str]:
        """Report unknown keys; return the known ones that were probably meant."""
        meant: set[str] = set()
        free = known - written.keys()
        for key in written.keys() - known:
            hint = like(key, free) or like(key, known)
            meant |= {name for name in free if hint == like(name, {name})}
            fix = hint.removeprefix("; ") or f"remove it; known here: {', '.join(sorted(known))}"
            self.findings.append(Finding((*path, key), "this key is unknown", fix))
        return meant

    def setting(self, setting: Setting, written: object, path: KeyPath) -> object:
        if not setting.many:
            return self.one(setting, written, path)
        if not isinstance(written, list):
            element = self.meant(setting.section, written) if setting.section else ""
            fix = f"[{element}]" if element else _whole(setting)
            self.refuse(path, f"{naming(written)} is not a list", f"write {fix}")
            return ()
        if len(written) < setting.fewest:
            self.refuse(path, "the list is empty", f"write {_whole(setting)}")
        return tuple(self.one(setting, each, (*path, index)) for index, each in enumerate(written))

    def one(self, setting: Setting, written: object, path: KeyPath) -> object:
        if setting.section is not None:
            return self.table(setting.section, written, path)
        try:
            return read_value(setting, written, self.around)
        except RefusedError as refused:
            self.refuse(path, refused.what, refused.fix)
            return stand_in(setting)

    def meant(self, kind: type[Section], written: object) -> str:
        """The table of this kind that a bare text stands for, where there can be one only."""
        required = [setting for setting in settings(kind) if setting.required]
        if len(required) != 1 or not isinstance(written, str) or len(written) > 60:
            return ""
        try:
            read_value(required[0], written, self.around)
        except RefusedError:
            return ""
        return f"{{ {required[0].name} = {naming(written)} }}"

    def refuse(self, path: KeyPath, what: str, fix: str) -> None:
        self.findings.append(Finding(path, what, fix))
        self.broken.add(path)


def _whole(setting: Setting) -> str:
    """What the whole setting accepts, lists and tables included."""
    if setting.many:
        return f"a list of {'tables' if setting.section else 'them: each ' + wanted(setting)}"
    return "a table" if setting.section else wanted(setting)
