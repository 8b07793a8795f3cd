"""What functions ask of the session: sequences, names and texts of the catalogue, settings, itself."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from protocols.postgres.datatypes import BY_OID, Named, Value, spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import describing, facts, kinds, pg_catalog, settings, system
from proxy.answers.sqlite.catalogue import OWN, PUBLIC, Relation
from proxy.answers.sqlite.kinds import REGTYPE
from proxy.answers.sqlite.texts import quote_ident

if TYPE_CHECKING:
    from proxy.answers.sqlite.session import Session


class Inquiries:
    """One session's answers, and the values it drew from sequences."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._drawn: dict[int, int] = {}
        self._last: int | None = None

    def answer(self, name: str, *args: Value) -> Value:
        handler = getattr(self, "_" + name)
        found: Value = handler(*args)
        return found

    def reg_name(self, oid: int, value: Value) -> Value:
        if not isinstance(value, int):
            return value
        name = "-" if not value else str(value)
        if oid == kinds.REGPROC:
            name = self._regproc_name(value)
        if oid == kinds.REGNAMESPACE:
            name = self._regnamespace_name(value)
        if oid in (REGTYPE, kinds.REGCLASS):
            name = spelled(value) if oid == REGTYPE else self._regclass_name(value)
        return Named.of(value, name)

    # --- sequences -------------------------------------------------------------------------------

    def _nextval(self, oid: int) -> int:
        connection = self._session.connection
        row = connection.execute(
            f"SELECT last, start, step, least, most, cycle FROM {OWN}sequences WHERE oid = ?", (oid,)
        ).fetchone()
        if row is None:
            raise StoreError("42809", "this is not a sequence")
        last, start, step, least, most, cycle = row
        value = start if last is None else last + step
        if value > most or value < least:
            if not cycle:
                found = self._session.catalogue.by_oid(oid)
                end = "maximum" if step > 0 else "minimum"
                limit = most if step > 0 else least
                what = f'nextval: reached {end} value of sequence "{found.name if found else oid}" ({limit})'
                raise StoreError("2200H", what)
            value = least if step > 0 else most
        connection.execute(f"UPDATE {OWN}sequences SET last = ? WHERE oid = ?", (value, oid))
        self._drawn[oid] = value
        self._last = value
        return int(value)

    def _currval(self, oid: int) -> int:
        if oid not in self._drawn:
            found = self._session.catalogue.by_oid(oid)
            name = found.name if found is not None else str(oid)
            raise StoreError("55000", f'currval of sequence "{name}" is not yet defined in this session')
        return self._drawn[oid]

    def _lastval(self) -> int:
        if self._last is None:
            raise StoreError("55000", "lastval is not yet defined in this session")
        return self._last

    def _setval(self, oid: int, value: int, called: int = 1) -> int:
        connection = self._session.connection
        row = connection.execute(
            f"SELECT step, least, most FROM {OWN}sequences WHERE oid = ?", (oid,)
        ).fetchone()
        if row is None:
            raise StoreError("42809", "this is not a sequence")
        step, least, most = row
        if not least <= value <= most:
            raise StoreError(
                "22003", f"setval: value {value} is out of bounds for sequence ({least}..{most})"
            )
        last = value if called else value - step
        connection.execute(f"UPDATE {OWN}sequences SET last = ? WHERE oid = ?", (last, oid))
        if called:
            self._drawn[oid] = value
        return value

    # --- names -----------------------------------------------------------------------------------

    def _find(self, text: str) -> Relation | None:
        parts = _name_parts(text)
        schema, name = (parts[0], parts[1]) if len(parts) == 2 else ("", parts[0])
        return self._session.catalogue.find(schema, name, self._session.path)

    def _system_oid(self, text: str) -> int | None:
        parts = _name_parts(text)
        return system.OIDS.get(".".join(parts) if len(parts) == 2 else f"pg_catalog.{parts[0]}")

    def _regclass(self, text: str) -> int:
        if text.isdigit():
            return int(text)
        oid = self._to_regclass(text)
        if oid is None and len(parts := _name_parts(text)) == 2:
            self._regnamespace(quote_ident(parts[0]))
        if oid is None:
            raise StoreError("42P01", f'relation "{text}" does not exist')
        return oid

    def _to_regclass(self, text: str) -> int | None:
        found = self._find(text)
        return found.oid if found is not None else self._system_oid(text)

    def _regnamespace(self, text: str) -> int:
        name = text.strip('"') if text[:1] == '"' else text.lower()
        if text.isdigit():
            return int(text)
        catalogue = self._session.catalogue
        if name not in ("pg_catalog", "information_schema", *catalogue.schemas):
            raise StoreError("3F000", f'schema "{name}" does not exist')
        return facts.schema_oid(catalogue, name)

    def _regnamespace_name(self, oid: int) -> str:
        catalogue = self._session.catalogue
        names = ("pg_catalog", "information_schema", *catalogue.schemas)
        return next((quote_ident(one) for one in names if facts.schema_oid(catalogue, one) == oid), str(oid))

    def _regproc(self, text: str) -> int:
        name = text.lower().removeprefix("pg_catalog.")
        if name.isdigit() or name == "-":
            return int(name) if name != "-" else 0
        found = [oid for oid, one in pg_catalog.PROCEDURES.items() if one == name]
        found += [one.oid for one in pg_catalog.known() if one.name == name]
        if len(found) > 1:
            raise StoreError("42725", f'more than one function named "{name}"')
        if not found:
            raise StoreError("42883", f'function "{name}" does not exist')
        return found[0]

    def _regproc_name(self, oid: int) -> str:
        said = pg_catalog.PROCEDURES.get(oid)
        return said or next((one.name for one in pg_catalog.known() if one.oid == oid), str(oid))

    def _to_regtype(self, text: str) -> int | None:
        said = text.strip().lower().removeprefix("pg_catalog.").strip('"')
        return next((oid for oid, one in BY_OID.items() if said in (one.name, spelled(oid))), None)

    def _regclass_name(self, oid: int) -> str:
        found = self._session.catalogue.by_oid(oid)
        if found is None:
            name = system.NAMES.get(oid)
            return name.removeprefix("pg_catalog.") if name else "-" if not oid else str(oid)
        return describing.name_of(found, self._session.catalogue, self._session.path)

    def _pg_table_is_visible(self, oid: int) -> bool | None:
        found = self._session.catalogue.by_oid(oid)
        if found is None:
            name = system.NAMES.get(oid)
            return name.startswith("pg_catalog.") if name else None
        return describing.seen(found, self._session.catalogue, self._session.path)

    # --- what things say -------------------------------------------------------------------------

    def _pg_get_expr(self, node: str, oid: int, pretty: int = 0) -> str | None:
        catalogue = self._session.catalogue
        relation = catalogue.by_oid(oid)
        if relation is None:
            return None
        return describing.expression(node, relation, catalogue, self._session.path, pretty=bool(pretty))

    def _pg_get_constraintdef(self, oid: int, pretty: int = 0) -> str | None:
        catalogue = self._session.catalogue
        for table in catalogue.relations:
            for one in table.constraints:
                if one.oid == oid:
                    return describing.constraint_text(
                        one, table, catalogue, self._session.path, pretty=bool(pretty)
                    )
        return None

    def _pg_get_indexdef(self, oid: int, number: int = 0, pretty: int = 0) -> str | None:
        catalogue = self._session.catalogue
        index = catalogue.by_oid(oid)
        table = catalogue.by_oid(index.table) if index is not None and index.kind == "i" else None
        if index is None or table is None:
            return None
        if not number:
            return describing.index_text(index, table, catalogue, self._session.path, pretty=bool(pretty))
        if number > len(index.keys):
            return ""
        return describing.key_text(index, table, number - 1, pretty=bool(pretty))

    def _pg_get_viewdef(self, oid: int) -> str | None:
        view = self._session.catalogue.by_oid(oid)
        return view.text + ";" if view is not None and view.kind == "v" else None

    def _pg_get_function_arguments(self, oid: int) -> str | None:
        found = next((one for one in pg_catalog.known() if one.oid == oid), None)
        if found is None:
            return None
        said = ["VARIADIC " * one.endswith("...") + _type_said(one) for one in found.arguments]
        return ", ".join(said)

    def _pg_get_function_result(self, oid: int) -> str | None:
        found = next((one for one in pg_catalog.known() if one.oid == oid), None)
        return "SETOF " * (found.kind == "s") + _type_said(found.result) if found is not None else None

    def _pg_get_serial_sequence(self, table: str, column: str) -> str | None:
        found = self._find(table)
        if found is None:
            raise StoreError("42P01", f'relation "{table}" does not exist')
        field = found.field(column)
        if field is None:
            raise StoreError("42703", f'column "{column}" of relation "{found.name}" does not exist')
        sequence = self._session.catalogue.by_oid(field.sequence) if field.sequence else None
        return (
            f"{quote_ident(sequence.schema)}.{quote_ident(sequence.name)}" if sequence is not None else None
        )

    # --- itself ----------------------------------------------------------------------------------

    def _current_user(self) -> str:
        return self._session.user

    _session_user = _current_user

    def _current_database(self) -> str:
        return self._session.name

    def _current_schema(self) -> str:
        schemas = self._session.catalogue.schemas
        return next((one for one in self._session.path if one in schemas), PUBLIC)

    def _current_schemas(self, implicit: int) -> str:
        found = [one for one in self._session.path if one in self._session.catalogue.schemas]
        return str(kinds.stored(1003, ["pg_catalog", *found] if implicit else found))

    def _version(self) -> str:
        import sqlite3  # noqa: PLC0415

        return f"PostgreSQL {settings.VERSION} (ArticDBM, embedded SQLite {sqlite3.sqlite_version})"

    def _pg_backend_pid(self) -> int:
        return id(self._session) % 2_000_000_000

    def _current_setting(self, name: str, missing: int = 0) -> str | None:
        found = self._session.setting(name)
        if found is None and not missing:
            raise StoreError("42704", f'unrecognized configuration parameter "{name}"')
        return found

    def _set_config(self, name: str, value: str, local: int) -> str:
        self._session.set(name, value, local=bool(local))
        return self._session.setting(name) or ""

    def _txid_current(self) -> int:
        return self._session.now() % (1 << 31)

    def _pg_relation_size(self, oid: int) -> int:
        found = self._session.catalogue.by_oid(oid)
        if found is None:
            return 0
        place = found.place
        table = self._session.catalogue.by_oid(found.table) if found.kind == "i" else None
        if table is not None:
            # What a constraint made, SQLite calls by its number.
            made = [one.index for one in table.constraints if one.kind in "pu"]
            if oid in made:
                place = f"sqlite_autoindex_{table.place}_{made.index(oid) + 1}"
        try:
            row = self._session.connection.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name = ?", (place,)
            ).fetchone()
        except Exception:  # noqa: BLE001 - SQLite may be built without it
            return 0
        return int(row[0] or 0)

    def _pg_indexes_size(self, oid: int) -> int:
        return sum(self._pg_relation_size(one.oid) for one in self._session.catalogue.indexes(oid))

    def _pg_total_relation_size(self, oid: int) -> int:
        return self._pg_relation_size(oid) + self._pg_indexes_size(oid)

    def _pg_database_size(self, name: str | int) -> int:  # noqa: ARG002 - SQL says it; there is one database
        return Path(self._session.database.path).stat().st_size

    def _pg_sleep(self, seconds: float) -> str:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._session.stopped():
                late = not self._session.cancelled
                word = "statement timeout" if late else "user request"
                raise StoreError("57014", f"canceling statement due to {word}")
            time.sleep(min(0.01, left))
        return ""


def _name_parts(text: str) -> list[str]:
    """Of a name that may be qualified and quoted."""
    found = re.findall(r'"(?:[^"]|"")*"|[^".]+', text.strip())
    return [one[1:-1].replace('""', '"') if one[:1] == '"' else one.strip().lower() for one in found] or [""]


def _type_said(name: str) -> str:
    name = name.removesuffix("...")
    return (
        '"any"' if name == "any" else name if name in pg_catalog.PSEUDO else spelled(pg_catalog.type_of(name))
    )
