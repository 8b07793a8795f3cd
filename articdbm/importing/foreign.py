"""What PgCat, PgDog and Odyssey have in common: files that are trees, read with their lines, and users of databases.

A pool there belongs to a user on a database; here a user has one password and one set of pool settings for all of its
databases. Where a file says different things of one user, the first counts and the other databases are left out for it.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from articdbm.importing.pgbouncer_settings import KEYS, MD5, Taken
from articdbm.importing.references import References
from articdbm.importing.remark import Remark, State
from articdbm.importing.text import refusal, text
from articdbm.importing.tree import Table
from articdbm.importing.userlist import Account
from config.address import address
from config.errors import RefusedError
from config.loader import spell
from config.positions import KeyPath, locate, nearest
from config.quantities import Duration

Tree = dict[str, object]
T = TypeVar("T", str, int, bool)
_TYPES: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class Login(msgspec.Struct, frozen=True):
    """A user on a database, as the file has it. Its passwords are not shown."""

    path: KeyPath
    name: str
    databases: tuple[str, ...]
    password: str | None
    server_user: str | None
    server_password: str | None
    pool: Table

    def __repr__(self) -> str:
        return f"Login({spell(self.path)}, {self.name!r}, {self.databases})"


class Reading:
    """One TOML file being read, and what there is to say of it."""

    def __init__(
        self,
        file: Path,
        remarks: list[Remark],
        tree: Tree | None = None,
        lines: Mapping[KeyPath, int] | None = None,
    ) -> None:
        """Of a file that is no TOML, `tree` and `lines` say what is in it and where."""
        self.file, self.remarks = file, remarks
        if tree is not None:
            self.tree, self._lines = tree, dict(lines or {})
            return
        written = text(file)
        try:
            self.tree = tomllib.loads(written)
            self._lines = locate(written)
        except (ValueError, RecursionError):
            raise refusal(file, 0, "this is not TOML", "see https://toml.io") from None

    def say(self, path: KeyPath, state: State, why: str) -> None:
        line = nearest(self._lines, path)
        self.remarks.append(Remark(file=str(self.file), line=line, setting=spell(path), state=state, why=why))

    def get(self, table: Tree, path: KeyPath, name: str, kind: type[T], default: T) -> T:
        """A value of this type; another type is told, and the default taken."""
        value = table.get(name, default)
        # Of these types none is asked for where another would do: true is no number.
        if type(value) is kind:
            return value
        self.say((*path, name), "unknown", f"this is not {_TYPES[kind]}")
        return default

    def optional(self, table: Tree, path: KeyPath, name: str) -> str | None:
        return self.get(table, path, name, str, "") or None

    def table(self, table: Tree, path: KeyPath, name: str) -> Tree:
        value = table.get(name, {})
        if isinstance(value, dict):
            return value
        self.say((*path, name), "unknown", "this is not a table")
        return {}

    def tables(self, table: Tree, path: KeyPath, name: str) -> list[tuple[KeyPath, Tree]]:
        """Of a list of tables, or of a table of tables, each with its path."""
        value = table.get(name, ())
        items: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict):
            items = value.items()
        elif isinstance(value, list):
            items = enumerate(value)
        found: list[tuple[KeyPath, Tree]] = []
        for key, item in items:
            if isinstance(item, dict):
                found.append(((*path, name, key), item))
            else:
                self.say((*path, name, key), "unknown", "this is not a table")
        return found

    def taken(self, table: Tree, path: KeyPath, names: Taken) -> Table:
        """Those of these settings that are given, at the nearest value there is."""
        found: Table = {}
        for name, (ours, kind, least, most) in names.items():
            if name not in table:
                continue
            asked = table[name]
            if not isinstance(asked, int) or isinstance(asked, bool):
                self.say((*path, name), "unknown", "this is not a whole number")
                continue
            value = min(max(asked, least), most)
            told = (str(Duration(value)) if value else "0s") if kind == "time" else value
            if value != asked:
                self.say((*path, name), "differs", f"{told} is the nearest there is")
            found[ours] = told
        return found

    def mode(self, table: Tree, path: KeyPath, name: str) -> Table:
        written = self.get(table, path, name, str, "")
        if written and written not in ("session", "transaction", "statement"):
            self.say((*path, name), "unknown", "this is no pool mode; session is taken")
            written = "session"
        return {"mode": written} if written else {}

    def rest(
        self, table: Tree, path: KeyPath, known: Iterable[str], others: Mapping[str, tuple[State, str]]
    ) -> None:
        """What the reader does not take over."""
        for name in table.keys() - set(known):
            self.say((*path, name), *others.get(name, ("unknown", "it is not known to this version")))

    def path_of(self, table: Tree, path: KeyPath, name: str) -> str:
        written = self.get(table, path, name, str, "")
        return str((self.file.parent / written).absolute()) if written else ""

    def place(self, host: str, port: int, path: KeyPath) -> str:
        """An address; empty, and told, where it is none."""
        try:
            return str(address(f"[{host}]:{port}" if ":" in host else f"{host}:{port}"))
        except RefusedError as why:
            self.say(path, "unknown", f"{why.what}: it is left out")
            return ""

    def listener(self, general: Tree, tls: Table, auth: str) -> Table:
        host = self.get(general, ("general",), "host", str, "0.0.0.0")
        port = self.get(general, ("general",), "port", int, 6432)
        place = self.place(host, port, ("general", "host")) or "127.0.0.1:6432"
        if auth == "trust" and not address(place).loopback:
            self.say(
                ("general", "auth_type"), "differs", "nobody is trusted beyond this machine: scram-sha-256"
            )
            auth = "scram-sha-256"
        listener: Table = {"protocol": "postgres", "address": place, "auth": auth}
        return listener | ({"tls": tls} if tls else {})


def fit(pools: Sequence[Table], above: Sequence[Table], size: int) -> None:
    """No more connections are kept open than there may be, whatever is merged with what."""
    sizes = [value for pool in (*pools, *above) if isinstance(value := pool.get("size"), int)]
    most = min([*sizes, size])
    for pool in (*pools, *above):
        if isinstance(least := pool.get("min_size"), int) and least > most:
            pool["min_size"] = most


def users(
    logins: Sequence[Login], databases: Sequence[str], reading: Reading, references: References
) -> list[Table]:
    """One user for each name."""
    found: dict[str, tuple[Login, list[str]]] = {}
    for login in logins:
        if not 1 <= len(login.name.encode()) <= 63 or not login.name.isprintable():
            reading.say(login.path, "no equivalent", "no user has such a name: it is left out")
            continue
        first, may = found.setdefault(login.name, (login, []))
        if _same(first, login):
            may += [name for name in login.databases if name not in may]
        else:
            why = "here a user has one password and one pool setting: what was said first counts, and these databases"
            reading.say(login.path, "not yet", f"{why} are left out for this user")
    return [_user(login, may, databases, reading, references) for login, may in found.values()]


def _same(one: Login, other: Login) -> bool:
    return (one.password, one.server_user, one.server_password, one.pool) == (
        other.password, other.server_user, other.server_password, other.pool,
    )  # fmt: skip


def _user(
    login: Login, may: list[str], databases: Sequence[str], reading: Reading, references: References
) -> Table:
    user: Table = {"name": login.name}

    def refer(what: str, secret: str | None, why: str = "") -> None:
        user[what], todo = references.refer(login.name, what, secret)
        if todo:
            reading.say((*login.path, what), "to do", f"{why}{todo}")

    known = Account(0, login.name, login.password or "")
    match known.kind:
        case "none":
            reading.say(
                login.path,
                "to do",
                "there is no password: give this user one, unless the listener trusts or an auth_query knows it",
            )
        case "md5":
            refer("password", None, f"{MD5}; ")
        case _:
            refer("password", known.secret)
    if login.server_password:
        refer("server_password", login.server_password)
    elif known.kind == "scram" and not any(remark.why == KEYS[1] for remark in reading.remarks):
        reading.say((*login.path, "server_password"), *KEYS)
    allowed = [name for name in databases if name in may]
    if len(allowed) < len(databases):
        user["databases"] = allowed
    if login.server_user and login.server_user != login.name:
        user["server_user"] = login.server_user
    return user | ({"pool": login.pool} if login.pool else {})
