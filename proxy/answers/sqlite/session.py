"""A session with a file: statements are read, translated and run; transactions begin and end as PostgreSQL's do.

Past 400 lines because the state of a transaction is one thing; what a statement means is read in the rooms beside it. In
read committed each statement sees what is committed when it begins, so that a transaction that only reads holds nothing
open; with its first change it takes the right to write, and keeps it to its end. Repeatable read and serializable keep
one state of the file from their first statement on.
"""

import re
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING
from weakref import WeakSet

import msgspec
from sqlglot import exp

from protocols.postgres.datatypes import Malformed, Value, zone_named
from proxy.answers import orders
from proxy.answers.executor import Column, Result, Row, Shape, Status, StoreError
from proxy.answers.sqlite import (
    arguments,
    changes,
    copies,
    failing,
    functions,
    kinds,
    reading,
    registered,
    settings,
    system,
)
from proxy.answers.sqlite.catalogue import OWN, Catalogue
from proxy.answers.sqlite.definitions import Definer
from proxy.answers.sqlite.errors import translated
from proxy.answers.sqlite.facts import Facts
from proxy.answers.sqlite.inquiries import Inquiries
from proxy.answers.sqlite.kinds import unsupported
from proxy.answers.sqlite.queries import Out
from proxy.answers.sqlite.spooling import Rows
from proxy.answers.sqlite.translator import Translator

if TYPE_CHECKING:
    from proxy.answers.sqlite.database import Database

MOST_PLANS = 256
LOCK = 30.0
"""Seconds to wait for the right to write, where lock_timeout does not say."""
STEPS = 5_000
"""Of SQLite's machine, between two looks at the clock."""
_ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
_DEFINITIONS = (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable)


class Plan(msgspec.Struct, frozen=True):
    """A statement that was read. `sql` is SQLite's; without it `words` say what to do."""

    text: str
    words: tuple[str, ...]
    shape: Shape
    sql: str = ""
    tag: str = ""
    writes: bool = False
    defines: bool = False
    systems: tuple[str, ...] = ()
    version: str = ""
    types: tuple[int, ...] = ()
    copy: copies.Copy | None = None
    order: orders.Order | None = None


class Session:
    """An executor (`proxy/answers/executor.py`)."""

    def __init__(self, database: "Database", user: str, asked: Mapping[str, str]) -> None:
        self.database = database
        self.user = user
        self.error: StoreError | Malformed | None = None
        self.connection = database.connect()
        registered.install(self.connection, self)
        self.connection.set_progress_handler(self._look, STEPS)
        self.name = asked.get("database", "")
        self._settings = dict(settings.DEFAULTS)
        self._begin_settings: dict[str, str] | None = None
        self._local: dict[str, str] = {}
        self._block: Status = "idle"
        self._implicit = False
        self._writing = False
        self._snapshot = False
        self._isolation = "read committed"
        self._read_only = False
        self._savepoints: list[str] = []
        self._started = registered.micros_now()
        self._stopped = threading.Event()
        self._deadline = 0.0
        self._late = False
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
        self._inquiries = Inquiries(self)
        self._open: WeakSet[Rows] = WeakSet()
        """What is still being read."""
        for name, value in asked.items():
            if name not in ("database", "user", "options", "replication"):
                self._settings[name.lower()] = settings.checked(name, value)
        self._initial = dict(self._settings)

    # --- what the functions ask (registered.Around) ----------------------------------------------

    def zone(self) -> tzinfo:
        return zone_named(self._settings["timezone"])

    def now(self) -> int:
        return self._started

    def ask(self, name: str, *args: Value) -> Value:
        return self._inquiries.answer(name, *args)

    def stopped(self) -> bool:
        return self._stopped.is_set() or (self._deadline > 0 and time.monotonic() > self._deadline)

    @property
    def cancelled(self) -> bool:
        return self._stopped.is_set()

    def setting(self, name: str) -> str | None:
        if name.lower() == "transaction_isolation":
            return self._isolation
        if name.lower() == "session_authorization":
            return self.user
        return self._settings.get(name.lower())

    @property
    def catalogue(self) -> Catalogue:
        return self.database.state(self.connection)[1]

    @property
    def path(self) -> tuple[str, ...]:
        said = [one.strip().strip('"') for one in self._settings["search_path"].split(",")]
        return tuple(self.user if one == "$user" else one for one in said if one)

    # --- the executor ----------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        return self._block

    def split(self, text: str) -> Sequence[str]:
        return reading.split(text)

    def reported(self) -> Mapping[str, str]:
        """What a client is told of at its beginning."""
        return {name: self._settings[name.lower()] for name in settings.REPORTED}

    def prepare(self, text: str, types: Sequence[int] = ()) -> Plan:
        words = tuple(reading.first_words(text))
        first = words[0] if words else ""
        if self._block == "failed" and first not in ("commit", "end", "rollback", "abort"):
            raise StoreError("25P02", _ABORTED)
        if first in orders.WORDS:
            return self._ordered(text, words, types)
        if first in _COMMANDS or first == "show" or not words:
            return Plan(text, words, _shape_of(words))
        if first == "copy":
            return Plan(text, words, Shape(), copy=copies.read(text))
        if first in _REFUSED:
            raise unsupported(first.upper())
        try:
            return self._translate(text, words, tuple(types))
        except sqlite3.Error as error:
            raise self.said(error) from error
        except RecursionError as error:
            raise StoreError("54001", "the statement is nested too deeply for the embedded store") from error

    def execute(self, prepared: object, parameters: Sequence[Value] = ()) -> Result:
        if not isinstance(prepared, Plan):
            raise TypeError("a plan of another store")
        self.error = None
        self._late = False
        self._stopped.clear()
        timeout = int(self._settings["statement_timeout"])
        self._deadline = time.monotonic() + timeout / 1000 if timeout else 0.0
        try:
            if not prepared.sql and not prepared.defines and prepared.copy is None:
                return self._command(prepared)
            if self._block == "failed":
                raise StoreError("25P02", _ABORTED)
            if prepared.copy is not None:
                return copies.run(self, prepared.copy)
            return self.run(prepared, parameters)
        except sqlite3.Error as error:
            raise self.said(error) from error

    @property
    def depth(self) -> int:
        return len(self._savepoints)

    def types(self, names: Sequence[str]) -> Sequence[int]:
        return arguments.types(names)

    def evaluate(self, written: str, types: Sequence[int]) -> Sequence[Value]:
        return arguments.evaluate(self, written, types)

    def ask_for(self, sql: str, columns: Sequence[Column], *, writes: bool) -> Iterator[Row]:
        """A statement of our own. Raises StoreError and SQLite's errors."""
        self._begin_statement(writes=writes)
        return self._rows(Rows(self.connection.execute(sql)), columns)

    def load(self, prepared: Plan, rows: Iterable[Sequence[Value]]) -> None:
        """Run a change once for each row."""
        try:
            self._begin_write()
            types = prepared.shape.parameters
            given = (
                [kinds.stored(oid, value) for oid, value in zip(types, row, strict=True)] for row in rows
            )
            self.connection.executemany(prepared.sql, given)
        except sqlite3.Error as error:
            raise self.said(error) from error

    def begin_implicit(self) -> None:
        if not self._implicit and self._block == "idle":
            self._implicit = True
            self._started = registered.micros_now()

    def end_implicit(self, *, failed: bool) -> None:
        if self._block != "idle":
            if failed:
                self._fail()
            return
        if self._implicit:
            self._implicit = False
            self._finish(commit=not failed)

    def cancel(self) -> None:
        self._stopped.set()
        self.connection.interrupt()

    def close(self) -> None:
        try:
            self._finish(commit=False)
        finally:
            self.connection.close()

    def _ordered(self, text: str, words: tuple[str, ...], types: Sequence[int]) -> Plan:
        order = orders.read(text, reading.tokens_of(text))
        if not isinstance(order, orders.Declare):
            return Plan(text, words, Shape(), order=order)
        query = self.prepare(order.text, types)
        if query.shape.columns is None or (query.writes and not query.tag.startswith("SELECT")):
            raise StoreError("42601", "DECLARE CURSOR takes a query")
        order = msgspec.structs.replace(order, query=query)
        return Plan(text, words, Shape(query.shape.parameters), order=order)

    # --- reading ---------------------------------------------------------------------------------

    def _translate(self, text: str, words: tuple[str, ...], types: tuple[int, ...]) -> Plan:
        version, catalogue = self.database.state(self.connection)
        key = (text, types, version, self.path)
        known = self._plans.get(key)
        if known is not None:
            self._plans.move_to_end(key)
            return known
        explained = words[0] == "explain"
        tree = reading.tree(text if not explained else _after_explain(text), functions.names())
        tr = Translator(catalogue, self.path, dict(enumerate(types, 1)))
        if isinstance(tree, _DEFINITIONS):
            columns = None
            plan = Plan(
                text, words, Shape((), columns), writes=True, defines=True, version=version, types=types
            )
        elif isinstance(tree, (exp.Insert, exp.Update, exp.Delete)):
            found = changes.change(tr, tree)
            outs = found.columns
            plan = self._planned(tr, text, words, found.sql, outs, found.tag, version, types)
        elif isinstance(tree, (exp.Query, exp.Values)):
            query = tr.query(tree, None)
            plan = self._planned(tr, text, words, query.sql, query.columns, "SELECT {}", version, types)
        else:
            raise unsupported(words[0].upper())
        if explained:
            if not plan.sql:
                raise unsupported("EXPLAIN of this statement")
            shape = Shape(plan.shape.parameters, (Column("QUERY PLAN", kinds.TEXT),))
            plan = msgspec.structs.replace(
                plan, sql="EXPLAIN QUERY PLAN " + plan.sql, shape=shape, tag="EXPLAIN", writes=False
            )
        self._plans[key] = plan
        if len(self._plans) > MOST_PLANS:
            self._plans.popitem(last=False)
        return plan

    def _planned(
        self, tr: Translator, text: str, words: tuple[str, ...], sql: str, outs: Sequence[Out] | None, tag: str, version: str,
        types: tuple[int, ...],
    ) -> Plan:  # fmt: skip
        columns = None
        if outs is not None:
            if any(one.kind.oid == kinds.RECORD for one in outs):
                raise unsupported("rows as values")
            columns = tuple(
                Column(
                    one.name,
                    one.kind.oid if one.kind.oid != kinds.UNKNOWN else kinds.TEXT,
                    one.kind.typmod,
                    one.table,
                    one.number,
                )
                for one in outs
            )
        return Plan(
            text, words, Shape(tr.parameters(), columns), sql, tag, tr.writes or tr.locks, False, tuple(sorted(tr.systems)),
            version, types,
        )  # fmt: skip

    # --- running ---------------------------------------------------------------------------------

    def run(self, plan: Plan, parameters: Sequence[Value]) -> Result:
        """Run what was translated. Raises SQLite's errors too."""
        self._begin_statement(writes=plan.writes)
        version, catalogue = self.database.state(self.connection)
        if version != plan.version:
            again = self._translate(plan.text, plan.words, plan.shape.parameters)
            if again.shape != plan.shape:
                raise StoreError("0A000", "cached plan must not change result type")
            plan = again
        if plan.defines:
            return self._define(plan, catalogue)
        if plan.systems:
            sequences = {row[0]: row for row in self.connection.execute(f"SELECT * FROM {OWN}sequences")}
            told = {name: self.setting(name) or "" for name in self._settings}
            facts = Facts(catalogue, self.name, self.user, sequences, self.path, told, system.TABLES)
            system.fill(self.connection, plan.systems, facts)
        given = [
            kinds.stored(oid, value) for oid, value in zip(plan.shape.parameters, parameters, strict=True)
        ]
        try:
            cursor = self.connection.execute(plan.sql, given)
        except sqlite3.IntegrityError as error:
            why = self.said(error)
            relation = failing.relation(str(error), catalogue)
            if relation is not None:
                why.detail = failing.row(self.connection, relation, plan.sql, given, self.zone())
            raise why from error
        if plan.shape.columns is None:
            (count,) = self.connection.execute("SELECT changes()").fetchone()
            return Result(None, iter(()), plan.tag.replace("{}", str(count)))
        if plan.tag == "EXPLAIN":
            lines = [(row[3],) for row in cursor]
            return Result(plan.shape.columns, iter(lines), "EXPLAIN")
        rows = Rows(cursor)
        self._open.add(rows)
        return Result(plan.shape.columns, self._rows(rows, plan.shape.columns), plan.tag)

    def begin_change(self) -> None:
        """What follows changes rows. Raises StoreError and SQLite's errors."""
        self._begin_statement(writes=True)

    def _begin_statement(self, *, writes: bool) -> None:
        if writes or not self._snapshot:
            self._put_aside()
        if writes:
            self._begin_write()
        elif (
            self._isolation != "read committed"
            and (self._block == "open" or self._implicit)
            and not self._snapshot
        ):
            self._begin_snapshot()

    def _put_aside(self) -> None:
        """What is still being read would hold this connection to an old state, or see what is changed now."""
        for one in list(self._open):
            one.put_aside()
        self._open.clear()

    def look(self) -> None:
        """Raises StoreError if what runs is to stop."""
        if self._stopped.is_set():
            raise StoreError("57014", "canceling statement due to user request")
        if self._deadline and time.monotonic() > self._deadline:
            raise StoreError("57014", "canceling statement due to statement timeout")

    def _rows(self, rows: Rows, columns: Sequence[Column]) -> Iterator[Row]:
        arrays = [at for at, one in enumerate(columns) if kinds.is_array(one.oid)]
        named = [at for at, one in enumerate(columns) if one.oid in kinds.REGS]
        try:
            # The first row before anything else: whatever fails, fails here, or in the midst of many.
            for row in rows:
                if arrays or named:
                    changed = list(row)
                    for at in arrays:
                        if changed[at] is not None:
                            changed[at] = registered._items(str(changed[at]))
                    for at in named:
                        if changed[at] is not None:
                            changed[at] = self._inquiries.reg_name(columns[at].oid, changed[at])
                    yield changed
                else:
                    yield row
        except sqlite3.Error as error:
            raise self.said(error) from error
        finally:
            rows.close()

    def _define(self, plan: Plan, catalogue: Catalogue) -> Result:
        tree = reading.tree(plan.text, functions.names())
        definer = Definer(Translator(catalogue, self.path, {}), self.connection)
        if isinstance(tree, exp.Create):
            tag = definer.create(tree)
        elif isinstance(tree, exp.Drop):
            tag = definer.drop(tree)
        elif isinstance(tree, exp.Alter):
            tag = definer.alter(tree)
        elif isinstance(tree, exp.TruncateTable):
            tag = definer.truncate(tree)
        else:
            raise unsupported(plan.words[0].upper())
        self.connection.execute(
            f"INSERT INTO {OWN}meta VALUES ('version', hex(randomblob(8))) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        return Result(None, iter(()), tag, tuple(definer.notices))

    def said(self, error: sqlite3.Error) -> StoreError:
        """SQLite's error, or that of a function of ours behind it, as PostgreSQL's."""
        found, self.error = self.error, None
        if isinstance(found, Malformed):
            return StoreError(found.code, found.message)
        if found is not None:
            return found
        try:
            catalogue = (
                self.database.state(self.connection)[1] if isinstance(error, sqlite3.IntegrityError) else None
            )
        except sqlite3.Error:
            catalogue = None
        said = translated(error, catalogue)
        if said.code == "57014" and self._late and not self._stopped.is_set():
            return StoreError("57014", "canceling statement due to statement timeout")
        return said

    def _look(self) -> int:
        """SQLite asks whether to go on."""
        if self._deadline and time.monotonic() > self._deadline:
            self._late = True
            return 1
        return int(self._stopped.is_set())

    # --- transactions ----------------------------------------------------------------------------

    def _begin_write(self) -> None:
        if self._writing:
            return
        if self._read_only:
            raise StoreError("25006", "cannot execute a change in a read-only transaction")
        said = int(self._settings["lock_timeout"])
        wait = said / 1000 if said else LOCK
        if self._deadline:
            wait = min(wait, max(0.0, self._deadline - time.monotonic()))
        self._take_turn(wait)
        try:
            if self._snapshot:
                # What it read must still be what is there.
                self.connection.execute(f"UPDATE {OWN}meta SET value = value WHERE key = 'format'")
            else:
                self.connection.execute("BEGIN IMMEDIATE")
                for at in range(len(self._savepoints)):
                    self.connection.execute(f"SAVEPOINT s{at}")
        except BaseException:
            self.database.writer.release()
            raise
        self._writing = True

    def _take_turn(self, wait: float) -> None:
        until = time.monotonic() + wait
        while not self.database.writer.acquire(timeout=min(0.05, max(0.0, until - time.monotonic()))):
            if self._stopped.is_set():
                raise StoreError("57014", "canceling statement due to user request")
            if time.monotonic() >= until:
                if self._deadline and time.monotonic() >= self._deadline:
                    raise StoreError("57014", "canceling statement due to statement timeout")
                raise StoreError(
                    "55P03", "canceling statement due to lock timeout: another transaction is writing"
                )

    def _begin_snapshot(self) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute(f"SELECT value FROM {OWN}meta LIMIT 1").fetchone()
        self._snapshot = True
        for at in range(len(self._savepoints)):
            self.connection.execute(f"SAVEPOINT s{at}")

    def _finish(self, *, commit: bool) -> None:
        """The end of a transaction, whatever it was."""
        try:
            if self.connection.in_transaction:
                try:
                    self.connection.execute("COMMIT" if commit else "ROLLBACK")
                except sqlite3.Error as error:
                    why = self.said(error)
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                    commit = False
                    raise why from error
        finally:
            if self._writing:
                self._writing = False
                self.database.writer.release()
            self._snapshot = False
            self._savepoints.clear()
            if self._begin_settings is not None and not commit:
                self._settings = self._begin_settings
            elif self._local:
                self._settings.update(self._local)
            self._begin_settings = None
            self._local = {}
            if self._block != "idle":
                self._block = "idle"
            self._isolation = self._settings["default_transaction_isolation"]
            self._read_only = self._settings["default_transaction_read_only"] in ("on", "true")

    def _fail(self) -> None:
        """An error in a block: nothing more until it ends. Without a savepoint there is nothing to go back to."""
        self._block = "failed"
        if self._savepoints:
            return
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        if self._writing:
            self._writing = False
            self.database.writer.release()
        self._snapshot = False

    # --- commands --------------------------------------------------------------------------------

    def _command(self, plan: Plan) -> Result:
        words = plan.words
        if not words:
            return Result(None, iter(()), "")
        if words[0] == "show":
            return self._show(words, plan.shape.columns)
        return _COMMANDS[words[0]](self, words)

    def _begin(self, words: tuple[str, ...]) -> Result:
        notices: tuple[StoreError, ...] = ()
        if self._block != "idle":
            notices = (StoreError("25001", "there is already a transaction in progress"),)
        else:
            self._implicit = False
            self._started = registered.micros_now() if not self._writing else self._started
            self._block = "open"
            self._begin_settings = dict(self._settings)
            self._isolation = self._settings["default_transaction_isolation"]
        self._modes(words)
        return Result(None, iter(()), "START TRANSACTION" if words[0] == "start" else "BEGIN", notices)

    def _modes(self, words: Sequence[str]) -> None:
        said = " ".join(words)
        for level in ("serializable", "repeatable read", "read committed", "read uncommitted"):
            if f"isolation level {level}" in said:
                self._isolation = level
        if "read only" in said:
            self._read_only = True
        elif "read write" in said:
            self._read_only = False

    def _commit(self, words: tuple[str, ...]) -> Result:
        _no_chain(words)
        if self._block == "failed":
            self._finish(commit=False)
            return Result(None, iter(()), "ROLLBACK")
        notices: tuple[StoreError, ...] = ()
        if self._block == "idle":
            notices = (StoreError("25P01", "there is no transaction in progress"),)
        self._implicit = False
        self._finish(commit=True)
        return Result(None, iter(()), "COMMIT", notices)

    def _rollback(self, words: tuple[str, ...]) -> Result:
        _no_chain(words)
        if "to" in words:
            return self._rollback_to(words[-1])
        notices: tuple[StoreError, ...] = ()
        if self._block == "idle":
            notices = (StoreError("25P01", "there is no transaction in progress"),)
        self._implicit = False
        self._finish(commit=False)
        return Result(None, iter(()), "ROLLBACK", notices)

    def _in_block(self, what: str) -> None:
        if self._block == "idle":
            raise StoreError("25P01", f"{what} can only be used in transaction blocks")

    def _savepoint(self, words: tuple[str, ...]) -> Result:
        self._in_block("SAVEPOINT")
        if self.connection.in_transaction:
            self.connection.execute(f"SAVEPOINT s{len(self._savepoints)}")
        self._savepoints.append(words[1])
        return Result(None, iter(()), "SAVEPOINT")

    def _place(self, name: str) -> int:
        for at in reversed(range(len(self._savepoints))):
            if self._savepoints[at] == name:
                return at
        raise StoreError("3B001", f'savepoint "{name}" does not exist')

    def _release(self, words: tuple[str, ...]) -> Result:
        self._in_block("RELEASE SAVEPOINT")
        at = self._place(words[-1])
        if self.connection.in_transaction:
            self.connection.execute(f"RELEASE s{at}")
        del self._savepoints[at:]
        return Result(None, iter(()), "RELEASE")

    def _rollback_to(self, name: str) -> Result:
        self._in_block("ROLLBACK TO SAVEPOINT")
        at = self._place(name)
        self._put_aside()
        if self.connection.in_transaction:
            self.connection.execute(f"ROLLBACK TO s{at}")
        del self._savepoints[at + 1 :]
        self._block = "open"
        return Result(None, iter(()), "ROLLBACK")

    def _set(self, words: tuple[str, ...]) -> Result:
        rest = list(words[1:])
        local = rest[:1] == ["local"]
        if rest[:1] in (["local"], ["session"]) and rest[1:2] != ["authorization"]:
            rest = rest[1:]
        if rest[:1] == ["transaction"] or rest[:2] == ["characteristics", "as"]:
            if rest[0] == "characteristics":
                self._modes(rest)
                self._settings["default_transaction_isolation"] = self._isolation
                self._settings["default_transaction_read_only"] = "on" if self._read_only else "off"
            else:
                self._modes(rest)
            return Result(None, iter(()), "SET")
        if rest[:2] == ["time", "zone"]:
            rest = ["timezone", "to", *rest[2:]]
        if rest[:1] == ["names"]:
            rest = ["client_encoding", "to", *rest[1:]]
        if len(rest) < 3 or rest[1] not in ("to", "="):
            raise StoreError("42601", "syntax error in SET")
        name = rest[0]
        value = (
            "".join(rest[2:]) if name != "search_path" else ", ".join(one for one in rest[2:] if one != ",")
        )
        if value.lower() == "default" or (name == "timezone" and value.lower() == "local"):
            value = self._initial.get(name, "")
        return Result(None, iter(()), "SET", reported=self.set(name, value, local=local))

    def set(self, name: str, value: str, *, local: bool) -> Mapping[str, str]:
        """Change a setting; what clients are told of comes back."""
        name = name.lower()
        kept = settings.checked(name, value)
        if local:
            if self._block == "idle" and not self._implicit:
                return {}
            self._local.setdefault(name, self._settings.get(name, ""))
        self._settings[name] = kept
        told = settings.shown(name)
        return {told: kept} if told else {}

    def _reset(self, words: tuple[str, ...]) -> Result:
        name = words[1] if len(words) > 1 else "all"
        told: dict[str, str] = {}
        if name == "time" and words[2:3] == ("zone",):
            name = "timezone"
        for one in list(self._settings) if name == "all" else [name]:
            if one not in settings.DEFAULTS and "." not in one:
                raise StoreError("42704", f'unrecognized configuration parameter "{one}"')
            value = self._initial.get(one, settings.DEFAULTS.get(one, ""))
            if self._settings.get(one) != value and settings.shown(one):
                told[settings.shown(one)] = value
            self._settings[one] = value
        return Result(None, iter(()), "RESET", reported=told)

    def _show(self, words: tuple[str, ...], columns: tuple[Column, ...] | None) -> Result:
        name = "".join(words[1:])
        if name == "all":
            rows = [(one, value, "") for one, value in sorted(self._settings.items())]
            return Result(columns, iter(rows), "SHOW")
        name = {"transactionisolationlevel": "transaction_isolation", "timezone": "timezone"}.get(name, name)
        found = self.setting(name)
        if found is None:
            raise StoreError("42704", f'unrecognized configuration parameter "{name}"')
        if name in ("statement_timeout", "lock_timeout") and found != "0":
            found = f"{int(found) // 1000}s" if int(found) % 1000 == 0 else f"{found}ms"
        return Result(columns, iter([(found,)]), "SHOW")

    def _discard(self, words: tuple[str, ...]) -> Result:
        if words[1] == "all":
            if self._block != "idle":
                raise StoreError("25001", "DISCARD ALL cannot run inside a transaction block")
            self._settings = dict(self._initial)
        if words[1] in ("all", "sequences"):
            self._inquiries = Inquiries(self)
        return Result(None, iter(()), f"DISCARD {words[1].replace('orary', '').upper()}")

    def _analyze(self, _: tuple[str, ...]) -> Result:
        self._begin_write()
        self.connection.execute("ANALYZE")
        return Result(None, iter(()), "ANALYZE")


def _no_chain(words: Sequence[str]) -> None:
    if "chain" in words and "no" not in words:
        raise unsupported("AND CHAIN")


def _after_explain(text: str) -> str:
    rest = re.sub(r"(?is)^\s*explain\s*(\([^)]*\))?\s*", "", text, count=1)
    if re.match(r"(?is)(analyze|verbose)\b", rest) or re.match(r"(?is)^\s*explain\s*\(", text):
        raise unsupported("EXPLAIN with options")
    return rest


def _shape_of(words: Sequence[str]) -> Shape:
    if words[:1] != ("show",):
        return Shape()
    name = "".join(words[1:])
    shown = {"transactionisolationlevel": "transaction_isolation", "timezone": "TimeZone", "datestyle": "DateStyle", "intervalstyle": "IntervalStyle"}  # fmt: skip
    if name == "all":
        return Shape((), tuple(Column(one, kinds.TEXT) for one in ("name", "setting", "description")))
    return Shape((), (Column(shown.get(name, name), kinds.TEXT),))


_COMMANDS: Mapping[str, Callable[[Session, tuple[str, ...]], Result]] = {
    "begin": Session._begin, "start": Session._begin, "commit": Session._commit, "end": Session._commit,
    "rollback": Session._rollback, "abort": Session._rollback, "savepoint": Session._savepoint, "release": Session._release,
    "set": Session._set, "reset": Session._reset, "discard": Session._discard,
    "analyze": Session._analyze,
}  # fmt: skip
_REFUSED = frozenset(
    [
        "listen",
        "unlisten",
        "notify",
        "do",
        "call",
        "grant",
        "revoke",
        "comment",
        "vacuum",
        "cluster",
        "reindex",
        "lock",
        "load",
        "security",
        "refresh",
        "checkpoint",
        "import",
        "reassign",
        "merge",
    ]
)
