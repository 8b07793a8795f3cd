"""A pgbouncer.ini as it was read: entries by section, their values in our terms, and what there is to say of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from articdbm.importing import pgbouncer_settings as known
from articdbm.importing.ini import Entry, entries
from articdbm.importing.references import References
from articdbm.importing.remark import Remark, State
from articdbm.importing.tree import Table
from articdbm.importing.userlist import Account, accounts
from config.quantities import Duration

SOCKETS = "/tmp"  # noqa: S108
"""Where PgBouncer has Unix sockets, as it is built by default."""
_MODES = ("session", "transaction", "statement")


class Ini:
    """One file, with its userlist. Remembers which settings of [pgbouncer] were asked for."""

    def __init__(self, file: Path, references: References) -> None:
        self.file, self.references = file, references
        self.remarks: dict[Remark, None] = {}
        self.settings: dict[str, Entry] = {}
        self.databases: dict[str, Entry] = {}
        self.users: dict[str, Entry] = {}
        for entry in entries(file):
            match entry.section:
                case "pgbouncer":
                    self.settings[entry.key.lower()] = entry
                case "databases":
                    self.databases[entry.key] = entry
                case "users":
                    self.users[entry.key] = entry
                case "peers":
                    self.say(entry, "not needed", known.OTHERS["peer_id"][1])
                case _:
                    self.say(entry, "unknown", "PgBouncer has no such section")
        self._used: set[str] = set()
        written = self.setting("auth_file")
        self.userlist = file.parent / written
        self.accounts = {account.name: account for account in accounts(self.userlist)} if written else {}

    def say(self, at: Entry | None, state: State, why: str, setting: str = "") -> None:
        """Once, however often it is said."""
        where = (str(at.file), at.line) if at else (str(self.file), 0)
        name = setting or (f"[{at.section}] {at.key}" if at else "")
        self.remarks[Remark(file=where[0], line=where[1], setting=name, state=state, why=why)] = None

    def setting(self, name: str, default: str = "") -> str:
        self._used.add(name)
        entry = self.settings.get(name)
        return entry.value.strip() if entry else default

    def path(self, name: str) -> str:
        written = self.setting(name)
        return str((self.file.parent / written).absolute()) if written else ""

    def names(self, name: str) -> list[str]:
        return list(dict.fromkeys(part.strip() for part in self.setting(name).split(",") if part.strip()))

    def rest(self) -> None:
        """What nobody asked for."""
        for name, entry in self.settings.items():
            if name not in self._used:
                self.say(entry, *known.OTHERS.get(name, ("unknown", "it is not known to this version")))

    def at(self, account: Account) -> Entry:
        """Where it stands in the userlist."""
        return Entry(self.userlist, account.line, "users", account.name, "")

    # --- values ----------------------------------------------------------------------------------

    def taken(self, names: known.Taken) -> Table:
        """Those of these settings of [pgbouncer] that are given."""
        self._used.update(names)
        given = {name: self.settings[name].value for name in names if name in self.settings}
        return self.values(names, given, self.settings)

    def values(self, names: known.Taken, given: Mapping[str, str], at: Mapping[str, Entry]) -> Table:
        found: Table = {}
        for name, written in given.items():
            ours, kind, least, most = names[name]
            try:
                asked = round(float(written) * 1000) if kind == "time" else int(written)
            except (ValueError, OverflowError):
                self.say(at[name], "unknown", "this is not a number", told(at[name], name))
                continue
            value = min(max(asked, least), most)
            if value != asked:
                said = str(value) if kind == "count" else time(value)
                self.say(at[name], "differs", f"{said} is the nearest there is", told(at[name], name))
            found[ours] = value if kind == "count" else time(value)
        return found

    def in_line(self, names: known.Taken, entry: Entry, line: Mapping[str, str]) -> Table:
        """Those of these settings that a database's or a user's line has."""
        given = {name: value for name, value in line.items() if name in names}
        return self.values(names, given, dict.fromkeys(given, entry))

    def number(self, written: str, entry: Entry, name: str) -> int:
        bounds: known.Taken = {name: (name, "count", 0, 1_000_000)}
        return number(self.values(bounds, {name: written}, {name: entry}), name, 0)

    def mode(self, written: str, at: Entry | None) -> Table:
        if written in _MODES:
            return {"mode": written}
        if written:
            self.say(at, "unknown", "this is no pool mode; session is taken")
        return {"mode": "session"}

    def level(
        self, entry: Entry, line: Mapping[str, str], others: Mapping[str, tuple[State, str]], elsewhere: Iterable[str]
    ) -> Table:  # fmt: skip
        """A database's or a user's own pool settings; of the rest of its line, why not."""
        pool = self.mode(line["pool_mode"], entry) if "pool_mode" in line else {}
        pool |= self.in_line(known.LEVEL, entry, line)
        for name in line:
            if name not in known.LEVEL and name not in elsewhere and name != "pool_mode":
                unknown: tuple[State, str] = ("unknown", "it is not known to this version")
                self.say(entry, *others.get(name, unknown), told(entry, name))
        return pool

    def fit(self, pool: Table, size: int, above: tuple[Table, ...]) -> None:
        """No more connections are kept open than there may be, whatever was written."""
        size = number(pool, "size", size)
        least = max((number(level, "min_size", 0) for level in (pool, *above)), default=0)
        if least > size:
            pool["min_size"] = size
            self.say(None, "differs", f"never more than pool_size are kept open: {size}", "min_pool_size")


def told(entry: Entry, name: str) -> str:
    return f"[{entry.section}] {name if entry.section == 'pgbouncer' else f'{entry.key}: {name}'}"


def number(table: Mapping[str, object], name: str, default: int) -> int:
    value = table.get(name, default)
    return value if isinstance(value, int) else default


def time(milliseconds: int) -> str:
    return str(Duration(milliseconds)) if milliseconds else "0s"


def nameable(name: str) -> bool:
    """It can be a database's or a user's name here."""
    return 1 <= len(name.encode()) <= 63 and name.isprintable()
