"""CREATE, ALTER, DROP and TRUNCATE: each becomes steps in SQLite and in the catalogue, in one transaction.

Past 400 lines because what a table's definition may say is read in one place. What is not read is refused. It makes
the steps with the connection it is given; who holds the transaction is the session's affair.
"""

import re
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlglot import exp

from proxy.answers.executor import StoreError
from proxy.answers.sqlite import catalogue as cat
from proxy.answers.sqlite import changes, expressions, functions, reading, wording
from proxy.answers.sqlite.catalogue import OWN, PUBLIC, Constraint, Field, Relation
from proxy.answers.sqlite.expressions import named, only
from proxy.answers.sqlite.kinds import (
    INT2,
    INT4,
    INT8,
    INTERVAL,
    JSONB,
    NUMERIC,
    TEXT,
    UNKNOWN,
    Kind,
    affinity,
    quoted,
    unsupported,
    wanted,
)
from proxy.answers.sqlite.scopes import Scope

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator

_LIMITS = {INT2: 32_767, INT4: 2_147_483_647, INT8: (1 << 63) - 1}


_STORAGE = re.compile(
    r"fillfactor|parallel_workers|toast_tuple_target|vacuum_\w+|(toast\.)?\w*autovacuum_\w+"
)


def _stored(parameter: exp.Property) -> None:
    """How PostgreSQL would lay a table out: taken, and nothing comes of it."""
    name = named(parameter.this)
    if _STORAGE.fullmatch(name) is None:
        raise StoreError("22023", f'unrecognized parameter "{name}"')
    said = str(parameter.args["value"].name)
    if name == "fillfactor" and not (said.isdecimal() and 10 <= int(said) <= 100):
        raise StoreError("22023", f'value {said} out of bounds for option "fillfactor"')


class Definer:
    """One definition, carried out."""

    def __init__(self, tr: "Translator", connection: sqlite3.Connection) -> None:
        self.tr = tr
        self.connection = connection
        self.notices: list[StoreError] = []

    # --- steps -----------------------------------------------------------------------------------

    def _oid(self) -> int:
        return cat.new_oid(self.connection)

    def _save(self, relation: Relation) -> Relation:
        cat.save(self.connection, relation)
        self.tr.catalogue = cat.load(self.connection)
        return relation

    def _run(self, sql: str) -> None:
        self.connection.execute(sql)

    def _schema(self, table: exp.Expr) -> str:
        schema = named(table.args.get("db"))
        if schema in ("", "pg_temp"):
            return next((one for one in self.tr.path if one in self.tr.catalogue.schemas), PUBLIC)
        if schema not in self.tr.catalogue.schemas:
            raise StoreError("3F000", f'schema "{schema}" does not exist')
        return schema

    def _taken(self, schema: str, name: str, *, exists: bool) -> bool:
        found = self.tr.catalogue.find(schema, name, ())
        if name.startswith((OWN, "sqlite_")):
            raise StoreError("42939", f'the name "{name}" is reserved')
        if found is None:
            return False
        if not exists:
            raise StoreError("42P07", f'relation "{name}" already exists')
        self.notices.append(StoreError("42P07", f'relation "{name}" already exists, skipping'))
        return True

    def free_name(self, schema: str, *parts: str) -> str:
        base = "_".join(one for one in parts if one)
        at, name = 0, base
        while self.tr.catalogue.find(schema, name, ()) is not None or any(
            constraint.name == name for one in self.tr.catalogue.relations for constraint in one.constraints
        ):
            at += 1
            name = f"{base}{at}"
        return name

    # --- CREATE ----------------------------------------------------------------------------------

    def create(self, node: exp.Create) -> str:
        kind = str(node.args.get("kind")).upper()
        if kind == "TABLE":
            return self._create_table(node)
        if kind == "INDEX":
            return self._create_index(node)
        if kind == "VIEW":
            return self._create_view(node)
        if kind == "SEQUENCE":
            return self._create_sequence(node)
        if kind == "SCHEMA":
            return self._create_schema(node)
        raise unsupported(f"CREATE {kind}")

    def _create_schema(self, node: exp.Create) -> str:
        table = node.this
        name = named(table.args.get("db")) or named(table.this)
        if name in self.tr.catalogue.schemas or name in (cat.SYSTEM, cat.SCHEMA):
            if not node.args.get("exists"):
                raise StoreError("42P06", f'schema "{name}" already exists')
            self.notices.append(StoreError("42P06", f'schema "{name}" already exists, skipping'))
            return "CREATE SCHEMA"
        cat.save_schemas(self.connection, [*self.tr.catalogue.schemas, name])
        return "CREATE SCHEMA"

    def _create_table(self, node: exp.Create) -> str:
        only(node, "this", "kind", "expression", "exists", "properties")
        for one in node.args["properties"].expressions if node.args.get("properties") else ():
            if not isinstance(one, exp.Property):
                raise unsupported(f"CREATE TABLE with {expressions.described(one)}")
            _stored(one)
        schema_node = node.this
        table = schema_node.this if isinstance(schema_node, exp.Schema) else schema_node
        schema, name = self._schema(table), named(table.this)
        exists = bool(node.args.get("exists"))
        if self._taken(schema, name, exists=exists):
            return "CREATE TABLE" if node.args.get("expression") is None else "CREATE TABLE AS"
        if node.args.get("expression") is not None:
            return self._create_as(node, schema, name)
        if not isinstance(schema_node, exp.Schema):
            raise StoreError("42601", "syntax error: a table needs a list of columns")
        oid = self._oid()
        fields: list[Field] = []
        later: list[tuple[str, exp.Expr, list[str]]] = []
        for one in schema_node.expressions:
            if isinstance(one, exp.ColumnDef):
                field, constraints = self._column(one, schema, name, len(fields) + 1)
                if any(field.name == other.name for other in fields):
                    raise StoreError("42701", f'column "{field.name}" specified more than once')
                fields.append(field)
                later += constraints
            elif isinstance(one, exp.Constraint):
                later += [(named(one.this), inner, []) for inner in one.expressions]
            else:
                later.append(("", one, []))
        relation = Relation(oid, schema, name, "r", tuple(fields))
        relation = self._constrained(relation, later)
        self._make(relation)
        return "CREATE TABLE"

    def _make(self, relation: Relation) -> None:
        """The table in SQLite, its indexes, and both in the catalogue."""
        self._run(table_sql(self.tr, relation, relation.place))
        self._save(relation)
        for one in relation.constraints:
            if one.kind in "pu" and self.tr.catalogue.by_oid(one.index) is None:
                index = Relation(
                    one.index,
                    relation.schema,
                    one.name,
                    "i",
                    table=relation.oid,
                    keys=one.columns,
                    unique=True,
                )
                self._save(index)
        for field in relation.fields:
            if field.sequence:
                found = self.tr.catalogue.by_oid(field.sequence)
                if found is not None and not found.table:
                    self._save(msgspec.structs.replace(found, table=relation.oid))

    def _column(
        self, node: exp.ColumnDef, schema: str, table: str, number: int
    ) -> tuple[Field, list[tuple[str, exp.Expr, list[str]]]]:
        only(node, "this", "kind", "constraints")
        name = named(node.this)
        want = wanted(node.args.get("kind"))
        required, default, identity, sequence = want.serial, "", "", 0
        options: dict[str, int] = {}
        later: list[tuple[str, exp.Expr, list[str]]] = []
        for one in node.args.get("constraints") or ():
            kind = one.args.get("kind")
            match kind:
                case exp.NotNullColumnConstraint():
                    required = not kind.args.get("allow_null")
                case exp.DefaultColumnConstraint():
                    default = _written(kind.this)
                case exp.GeneratedAsIdentityColumnConstraint():
                    if kind.args.get("expression") is not None:
                        raise unsupported("generated columns")
                    identity = "a" if kind.this else "d"
                    options = _of_identity(kind)
                    required = True
                case (
                    exp.PrimaryKeyColumnConstraint()
                    | exp.UniqueColumnConstraint()
                    | exp.CheckColumnConstraint()
                    | exp.Reference()
                ):
                    later.append((named(one.this) if one.this is not None else "", kind, [name]))
                case exp.CollateColumnConstraint():
                    if named(kind.this).strip('"') not in ("default", "C", "POSIX"):
                        raise unsupported("collations other than C")
                case _:
                    raise unsupported(f"{expressions.described(kind)} of a column")
        if want.serial or identity:
            sequence = self._sequence(
                schema, self.free_name(schema, table, name, "seq"), want.kind.oid, **options
            )
        field = Field(name, want.kind.oid, want.kind.typmod, required, default, identity, sequence, number)
        if default:
            changes.default_of(self.tr, field)  # whether it can be said at all
        return field, later

    def _sequence(
        self, schema: str, name: str, kind: int, step: int = 1, start: int | None = None, **said: int
    ) -> int:
        oid = self._oid()
        most = said.get("most", _LIMITS.get(kind, _LIMITS[INT8]) if step > 0 else -1)
        least = said.get("least", 1 if step > 0 else -_LIMITS.get(kind, _LIMITS[INT8]) - 1)
        first = start if start is not None else least if step > 0 else most
        self._run(
            f"INSERT INTO {OWN}sequences VALUES ({oid}, NULL, {first}, {step}, {least}, {most}, {said.get('cycle', 0)})"
        )
        self._save(Relation(oid, schema, name, "S", fields=(Field("last_value", kind),)))
        return oid

    def _create_sequence(self, node: exp.Create) -> str:
        only(node, "this", "kind", "exists", "properties")
        table = node.this
        schema, name = self._schema(table), named(table.this)
        if self._taken(schema, name, exists=bool(node.args.get("exists"))):
            return "CREATE SEQUENCE"
        said: dict[str, int] = {}
        step, start = 1, None
        for one in node.args["properties"].expressions if node.args.get("properties") else ():
            if not isinstance(one, exp.SequenceProperties):
                raise unsupported(f"CREATE SEQUENCE with {expressions.described(one)}")
            only(one, "increment", "minvalue", "maxvalue", "start", "cache", "options")
            for key, value in one.args.items():
                if not isinstance(value, exp.Expr):
                    continue
                number = int(value.sql().replace("'", ""))
                if key == "increment":
                    step = number
                elif key == "start":
                    start = number
                elif key in ("minvalue", "maxvalue"):
                    said["least" if key == "minvalue" else "most"] = number
            if "CYCLE" in [str(each).upper() for each in one.args.get("options") or ()]:
                said["cycle"] = 1
        self._sequence(schema, name, INT8, step, start, **said)
        return "CREATE SEQUENCE"

    def _create_as(self, node: exp.Create, schema: str, name: str) -> str:
        found = self.tr.query(node.expression, None)
        fields: list[Field] = []
        for at, one in enumerate(found.columns):
            kind = Kind(TEXT) if one.kind.oid == UNKNOWN else one.kind
            if any(one.name == other.name for other in fields):
                raise StoreError("42701", f'column "{one.name}" specified more than once')
            fields.append(Field(one.name, kind.oid, kind.typmod, number=at + 1))
        relation = Relation(self._oid(), schema, name, "r", tuple(fields))
        self._make(relation)
        count = self.connection.execute(f"INSERT INTO {quoted(relation.place)} {found.sql}").rowcount
        return f"SELECT {count}"

    def _create_view(self, node: exp.Create) -> str:
        only(node, "this", "kind", "expression", "exists", "replace", "properties")
        if node.args.get("properties") and node.args["properties"].expressions:
            raise unsupported("this kind of view")
        target = node.this
        names = [named(one) for one in target.expressions] if isinstance(target, exp.Schema) else []
        table = target.this if isinstance(target, exp.Schema) else target
        schema, name = self._schema(table), named(table.this)
        before = self.tr.catalogue.find(schema, name, ())
        replaced = bool(node.args.get("replace")) and before is not None and before.kind == "v"
        if not replaced and self._taken(schema, name, exists=False):
            return "CREATE VIEW"
        found = self.tr.query(node.expression, None)
        if self.tr.parameters():
            raise StoreError("42P02", "there is no parameter $1")
        fields = tuple(
            Field(
                names[at] if at < len(names) else one.name,
                one.kind.oid if one.kind.oid != UNKNOWN else TEXT,
                one.kind.typmod,
                number=at + 1,
            )
            for at, one in enumerate(found.columns)
        )
        oid = before.oid if before is not None and replaced else self._oid()
        self._save(Relation(oid, schema, name, "v", fields, text=_written(node.expression)))
        return "CREATE VIEW"

    def _create_index(self, node: exp.Create) -> str:
        only(node, "this", "kind", "exists", "unique", "concurrently", "no_schema_binding")
        index = node.this
        only(index, "this", "table", "params", "unique")
        params = index.args.get("params")
        if params is None:
            raise StoreError("42601", "an index needs columns")
        only(params, "columns", "where", "using", "partition_by", "with_storage")
        table = index.args["table"]
        relation = self.tr.relation(named(table.args.get("db")), named(table.this))
        using = params.args.get("using")
        if using is not None and named(using).lower() not in ("btree", "hash"):
            raise unsupported(f"indexes by {named(using)}")
        scope = Scope(sources=[changes.source_of(relation, relation.place)])
        keys: list[str] = []
        orders: list[int] = []
        classes: list[str] = []
        sqls: list[str] = []
        columns: list[str] = []
        for one in params.args.get("columns") or ():
            inner = one.this if isinstance(one, exp.Ordered) else one
            if isinstance(inner, exp.Opclass) and named(inner.expression).endswith("_pattern_ops"):
                classes.append(named(inner.expression))
                inner = inner.this  # texts are ordered by their bytes in any case
            else:
                classes.append("")
            orders.append(_order_of(one))
            found = expressions.expression(self.tr, inner, scope)
            if "pg_in(" in found.sql or "_tz(" in found.sql:
                raise unsupported("indexes on what the session's time zone changes")
            sql = found.sql.replace(f"{quoted(relation.place)}.", "")
            collation = (
                " COLLATE pgnum"
                if found.oid == NUMERIC
                else " COLLATE pgspan"
                if found.oid == INTERVAL
                else ""
            )
            sqls.append(sql + collation + (" DESC" if one.args.get("desc") else ""))
            plain = named(inner.this) if isinstance(inner, exp.Column) else ""
            columns.append(plain or "expr")
            keys.append(plain or f"({_written(inner)})")
        where, condition = params.args.get("where"), ""
        if where is not None:
            condition = " WHERE " + expressions.boolean(self.tr, where.this, scope, "WHERE").replace(
                f"{quoted(relation.place)}.", ""
            )
        name = (
            named(index.this)
            if index.this is not None
            else self.free_name(relation.schema, relation.name, *columns, "idx")
        )
        if self._taken(relation.schema, name, exists=bool(node.args.get("exists"))):
            return "CREATE INDEX"
        unique = bool(node.args.get("unique") or index.args.get("unique"))
        place = Relation(0, relation.schema, name, "i").place
        self._run(
            f"CREATE {'UNIQUE ' if unique else ''}INDEX {quoted(place)} ON {quoted(relation.place)} ({', '.join(sqls)}){condition}"
        )
        self._save(
            Relation(
                self._oid(),
                relation.schema,
                name,
                "i",
                table=relation.oid,
                keys=tuple(keys),
                orders=tuple(orders) if any(orders) else (),
                classes=tuple(classes) if any(classes) else (),
                unique=unique,
                text=_written(where.this) if where is not None else "",
            )
        )
        return "CREATE INDEX"

    # --- constraints -----------------------------------------------------------------------------

    def _constrained(self, relation: Relation, said: Sequence[tuple[str, exp.Expr, list[str]]]) -> Relation:
        for name, node, columns in said:
            relation = self._constrain(relation, name, node, list(columns))
        return relation

    def _constrain(self, relation: Relation, name: str, node: exp.Expr, columns: list[str]) -> Relation:
        match node:
            case exp.PrimaryKeyColumnConstraint() | exp.PrimaryKey():
                columns = columns or [
                    named(one.this if isinstance(one, exp.Ordered) else one) for one in node.expressions
                ]
                if any(one.kind == "p" for one in relation.constraints):
                    raise StoreError(
                        "42P16", f'multiple primary keys for table "{relation.name}" are not allowed'
                    )
                made = Constraint(
                    name or self.free_name(relation.schema, relation.name, "pkey"),
                    "p",
                    self._oid(),
                    tuple(columns),
                    index=self._oid(),
                )
                fields = tuple(
                    msgspec.structs.replace(one, required=True) if one.name in columns else one
                    for one in relation.fields
                )
                relation = msgspec.structs.replace(relation, fields=fields)
            case exp.UniqueColumnConstraint():
                if node.args.get("nulls"):
                    raise unsupported("NULLS NOT DISTINCT")
                if isinstance(node.this, exp.Schema):
                    columns = [named(one) for one in node.this.expressions]
                made = Constraint(
                    name or self.free_name(relation.schema, relation.name, *columns, "key"),
                    "u",
                    self._oid(),
                    tuple(columns),
                    index=self._oid(),
                )
            case exp.CheckColumnConstraint() | exp.Check():
                if any(isinstance(one, (exp.Select, exp.Subquery)) for one in node.walk()):
                    raise StoreError("0A000", "cannot use subquery in check constraint")
                scope = Scope(sources=[changes.source_of(relation, relation.place)])
                expressions.boolean(self.tr, node.this, scope, "CHECK")
                used = [named(one.this) for one in node.this.find_all(exp.Column)]
                part = used[0] if len(set(used)) == 1 else ""
                made = Constraint(
                    name or self.free_name(relation.schema, relation.name, part, "check"),
                    "c",
                    self._oid(),
                    tuple(dict.fromkeys(used)),
                    text=_written(node.this),
                )
            case exp.ForeignKey():
                columns = [named(one) for one in node.expressions]
                return self._refer(relation, name, node.args["reference"], columns, node)
            case exp.Reference():
                return self._refer(relation, name, node, columns, node)
            case _:
                raise unsupported(f"{expressions.described(node)} of a table")
        for one in made.columns:
            if made.kind != "c" and relation.field(one) is None:
                raise StoreError("42703", f'column "{one}" named in key does not exist')
        return msgspec.structs.replace(relation, constraints=(*relation.constraints, made))

    def _refer(
        self, relation: Relation, name: str, node: exp.Expr, columns: list[str], outer: exp.Expr
    ) -> Relation:
        target = node.this
        others: list[str] = []
        if isinstance(target, exp.Schema):
            others = [named(one) for one in target.expressions]
            target = target.this
        schema, table = named(target.args.get("db")), named(target.this)
        other = (
            relation
            if table == relation.name and schema in ("", relation.schema)
            else self.tr.relation(schema, table)
        )
        if not others:
            primary = next((one for one in other.constraints if one.kind == "p"), None)
            if primary is None:
                raise StoreError("42704", f'there is no primary key for referenced table "{table}"')
            others = list(primary.columns)
        if len(others) != len(columns):
            raise StoreError("42830", "number of referencing and referenced columns for foreign key disagree")
        for mine, theirs in zip(columns, others, strict=True):
            one, two = relation.field(mine), other.field(theirs)
            if one is None or two is None:
                missing = mine if one is None else theirs
                raise StoreError(
                    "42703", f'column "{missing}" referenced in foreign key constraint does not exist'
                )
            if affinity(one.oid) != affinity(two.oid) or (one.oid == NUMERIC) != (two.oid == NUMERIC):
                raise StoreError("42804", f'foreign key constraint "{name or mine}" cannot be implemented')
        if not any(
            set(one.columns) == set(others) for one in other.constraints if one.kind in "pu"
        ) and not any(
            one.unique and set(one.keys) == set(others) for one in self.tr.catalogue.indexes(other.oid)
        ):
            raise StoreError(
                "42830", f'there is no unique constraint matching given keys for referenced table "{table}"'
            )
        actions = {"update": "", "delete": ""}
        deferred = deferrable = False
        options = [
            str(one).upper()
            for one in (*(node.args.get("options") or ()), *(outer.args.get("options") or ()))
        ]
        for option in dict.fromkeys(options):
            words = option.split()
            if words[:1] == ["ON"] and words[1].lower() in actions:
                actions[words[1].lower()] = " ".join(words[2:])
            elif "DEFERRABLE" in option or "INITIALLY" in option:
                deferred = deferred or "INITIALLY DEFERRED" in option
                deferrable = deferrable or ("DEFERRABLE" in option and "NOT" not in option.split())
            else:
                raise unsupported(f"{option} of a foreign key")
        for key in ("update", "delete"):
            said = outer.args.get(key)
            if said:
                actions[key] = str(said).upper()
        made = Constraint(
            name or self.free_name(relation.schema, relation.name, *columns, "fkey"), "f", self._oid(), tuple(columns),
            other.oid, tuple(others), actions["update"], actions["delete"], deferred=deferred, deferrable=deferrable or deferred,
        )  # fmt: skip
        return msgspec.structs.replace(relation, constraints=(*relation.constraints, made))

    # --- ALTER -----------------------------------------------------------------------------------

    def alter(self, node: exp.Alter) -> str:
        only(node, "this", "kind", "exists", "actions", "only", "options")
        if str(node.args.get("kind")).upper() != "TABLE":
            raise unsupported(f"ALTER {node.args.get('kind')}")
        table = node.this
        schema, name = named(table.args.get("db")), named(table.this)
        if node.args.get("exists") and self.tr.catalogue.find(schema, name, self.tr.path) is None:
            self.notices.append(StoreError("42P01", f'relation "{name}" does not exist, skipping'))
            return "ALTER TABLE"
        relation = self.tr.relation(schema, name)
        for action in node.args.get("actions") or ():
            relation = self._action(relation, action)
        return "ALTER TABLE"

    def _action(self, relation: Relation, action: exp.Expr) -> Relation:
        match action:
            case exp.ColumnDef():
                return self._add_column(relation, action)
            case exp.AddConstraint():
                for one in action.expressions:
                    inner = one.expressions if isinstance(one, exp.Constraint) else [one]
                    label = named(one.this) if isinstance(one, exp.Constraint) else ""
                    after = self._constrained(relation, [(label, each, []) for each in inner])
                    relation = self._rebuild(relation, after)
                return relation
            case exp.Drop() if str(action.args.get("kind")).upper() == "COLUMN":
                return self._drop_column(
                    relation,
                    _dropped(action),
                    exists=bool(action.args.get("exists")),
                    cascade=bool(action.args.get("cascade")),
                )
            case exp.Drop() if str(action.args.get("kind")).upper() == "CONSTRAINT":
                return self._drop_constraint(
                    relation, _dropped(action), exists=bool(action.args.get("exists"))
                )
            case exp.RenameColumn():
                return self._rename_column(relation, named(action.this), named(action.args["to"]))
            case exp.AlterRename():
                return self._rename(relation, named(action.this))
            case exp.AlterColumn():
                return self._alter_column(relation, action)
            case _:
                raise unsupported(f"ALTER TABLE with {expressions.described(action)}")

    def _add_column(self, relation: Relation, node: exp.ColumnDef) -> Relation:
        exists = bool(node.args.get("exists"))
        name = named(node.this)
        if relation.field(name) is not None:
            if not exists:
                raise StoreError("42701", f'column "{name}" of relation "{relation.name}" already exists')
            self.notices.append(
                StoreError("42701", f'column "{name}" of relation "{relation.name}" already exists, skipping')
            )
            return relation
        node = node.copy()
        node.set("exists", None)
        number = max((one.number for one in relation.fields), default=0) + 1
        field, later = self._column(node, relation.schema, relation.name, number)
        after = msgspec.structs.replace(relation, fields=(*relation.fields, field))
        after = self._constrained(after, later)
        return self._rebuild(relation, after, {field.name: changes.default_of(self.tr, field)})

    def _drop_column(self, relation: Relation, name: str, *, exists: bool, cascade: bool) -> Relation:
        if relation.field(name) is None:
            if exists:
                self.notices.append(
                    StoreError(
                        "42703", f'column "{name}" of relation "{relation.name}" does not exist, skipping'
                    )
                )
                return relation
            raise StoreError("42703", f'column "{name}" of relation "{relation.name}" does not exist')
        if any(name in one.others for _, one in self.tr.catalogue.referring(relation.oid)) and not cascade:
            raise StoreError(
                "2BP01",
                f"cannot drop column {name} of table {relation.name} because other objects depend on it",
            )
        gone = [one for one in relation.constraints if name in one.columns]
        after = msgspec.structs.replace(
            relation,
            fields=tuple(one for one in relation.fields if one.name != name),
            constraints=tuple(one for one in relation.constraints if one not in gone),
        )
        for index in self.tr.catalogue.indexes(relation.oid):
            if (
                name in index.keys
                or any(one.index == index.oid for one in gone)
                or any(f"{name}" in key for key in index.keys if key[:1] == "(")
            ):
                cat.remove(self.connection, index.oid)
        field = relation.field(name)
        if field is not None and field.sequence:
            cat.remove(self.connection, field.sequence)
        return self._rebuild(relation, after)

    def _drop_constraint(self, relation: Relation, name: str, *, exists: bool) -> Relation:
        found = next((one for one in relation.constraints if one.name == name), None)
        if found is None:
            if exists:
                return relation
            raise StoreError("42704", f'constraint "{name}" of relation "{relation.name}" does not exist')
        if found.index:
            cat.remove(self.connection, found.index)
        after = msgspec.structs.replace(
            relation, constraints=tuple(one for one in relation.constraints if one != found)
        )
        return self._rebuild(relation, after)

    def _rename_column(self, relation: Relation, old: str, new: str) -> Relation:
        if relation.field(old) is None:
            raise StoreError("42703", f'column "{old}" does not exist')
        if relation.field(new) is not None:
            raise StoreError("42701", f'column "{new}" of relation "{relation.name}" already exists')
        if any(one.kind == "c" and old in one.columns for one in relation.constraints):
            raise unsupported("renaming a column that a check names")

        def names(columns: Sequence[str]) -> tuple[str, ...]:
            return tuple(new if one == old else one for one in columns)

        for other, constraint in self.tr.catalogue.referring(relation.oid):
            if other.oid != relation.oid and old in constraint.others:
                changed = tuple(
                    msgspec.structs.replace(one, others=names(one.others)) if one == constraint else one
                    for one in other.constraints
                )
                self._save(msgspec.structs.replace(other, constraints=changed))
        for index in self.tr.catalogue.indexes(relation.oid):
            keys = tuple(_with_name(one, old, new) if one[:1] == "(" else one for one in names(index.keys))
            text = _with_name(index.text, old, new) if index.text else ""
            self._save(msgspec.structs.replace(index, keys=keys, text=text))
        self._run(f"ALTER TABLE {quoted(relation.place)} RENAME COLUMN {quoted(old)} TO {quoted(new)}")
        return self._save(
            msgspec.structs.replace(
                relation,
                fields=tuple(
                    msgspec.structs.replace(one, name=new) if one.name == old else one
                    for one in relation.fields
                ),
                constraints=tuple(
                    msgspec.structs.replace(
                        one,
                        columns=names(one.columns),
                        others=names(one.others) if one.other == relation.oid else one.others,
                    )
                    for one in relation.constraints
                ),
            )
        )

    def _rename(self, relation: Relation, new: str) -> Relation:
        self._taken(relation.schema, new, exists=False)
        after = msgspec.structs.replace(relation, name=new)
        if relation.kind == "r":
            self._run(f"ALTER TABLE {quoted(relation.place)} RENAME TO {quoted(after.place)}")
        return self._save(after)

    def _alter_column(self, relation: Relation, node: exp.AlterColumn) -> Relation:
        only(node, "this", "dtype", "default", "drop", "allow_null", "using", "kind", "collate")
        field = relation.field(named(node.this))
        if field is None:
            raise StoreError(
                "42703", f'column "{named(node.this)}" of relation "{relation.name}" does not exist'
            )
        values: dict[str, str] = {}
        if node.args.get("dtype") is not None:
            kind = wanted(node.args["dtype"]).kind
            after = msgspec.structs.replace(field, oid=kind.oid, typmod=kind.typmod)
            scope = Scope(sources=[changes.source_of(relation, relation.place)])
            using = node.args.get("using") or None
            one = expressions.expression(
                self.tr,
                using
                if using is not None
                else node.this
                if isinstance(node.this, exp.Column)
                else exp.column(field.name, quoted=True),
                scope,
            )
            values[field.name] = changes.assigned(self.tr, one, after)
            if any(field.name in each.columns and each.kind == "f" for each in relation.constraints):
                raise unsupported("another type for a column with a foreign key")
        elif node.args.get("default") is not None:
            after = msgspec.structs.replace(field, default=_written(node.args["default"]))
            changes.default_of(self.tr, after)
            return self._save(_with_field(relation, after))
        elif node.args.get("allow_null") is not None:
            after = msgspec.structs.replace(field, required=not node.args["allow_null"])
        elif node.args.get("drop"):
            return self._save(_with_field(relation, msgspec.structs.replace(field, default="", sequence=0)))
        else:
            raise unsupported("this form of ALTER COLUMN")
        return self._rebuild(relation, _with_field(relation, after), values)

    def _rebuild(self, before: Relation, after: Relation, values: dict[str, str] | None = None) -> Relation:
        """The table anew, with its rows: what SQLite cannot alter in place."""
        values = values or {}
        self._run("PRAGMA defer_foreign_keys = ON")
        temporary = f"{OWN}new"
        self._run(table_sql(self.tr, after, temporary))
        fields = [one for one in after.fields if before.field(one.name) is not None or one.name in values]
        columns = ", ".join(quoted(one.name) for one in fields)
        shown = ", ".join(values.get(one.name) or quoted(one.name) for one in fields)
        self._run(f"INSERT INTO {quoted(temporary)} ({columns}) SELECT {shown} FROM {quoted(before.place)}")
        indexes = [
            row[0]
            for row in self.connection.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
                (before.place,),
            )
        ]
        # Other tables keep referring to the name, whatever stands under it.
        self._run("PRAGMA legacy_alter_table = ON")
        try:
            self._run(f"DROP TABLE {quoted(before.place)}")
            self._run(f"ALTER TABLE {quoted(temporary)} RENAME TO {quoted(after.place)}")
        finally:
            self._run("PRAGMA legacy_alter_table = OFF")
        self._save(after)
        for one in after.constraints:
            if one.kind in "pu" and self.tr.catalogue.by_oid(one.index) is None:
                self._save(
                    Relation(
                        one.index, after.schema, one.name, "i", table=after.oid, keys=one.columns, unique=True
                    )
                )
        kept = {one.place for one in self.tr.catalogue.indexes(after.oid)}
        for sql in indexes:
            if any(f"INDEX {quoted(name)} ON" in sql for name in kept):
                self._run(sql)
        return after

    # --- DROP, TRUNCATE --------------------------------------------------------------------------

    def drop(self, node: exp.Drop) -> str:
        only(node, "tables", "kind", "exists", "cascade", "restrict", "concurrently")
        kind = str(node.args.get("kind")).upper()
        for target in node.args.get("tables") or ():
            self._drop_one(
                kind, target, exists=bool(node.args.get("exists")), cascade=bool(node.args.get("cascade"))
            )
        return f"DROP {kind}"

    def _drop_one(self, kind: str, target: exp.Expr, *, exists: bool, cascade: bool) -> None:
        schema, name = named(target.args.get("db")), named(target.this)
        if kind == "SCHEMA":
            return self._drop_schema(schema or name, exists=exists, cascade=cascade)
        letter = {"TABLE": "r", "VIEW": "v", "INDEX": "i", "SEQUENCE": "S"}.get(kind)
        if letter is None:
            raise unsupported(f"DROP {kind}")
        found = self.tr.catalogue.find(schema, name, self.tr.path)
        if found is None or found.kind != letter:
            if found is not None:
                raise StoreError("42809", f'"{name}" is not a{"n" if letter == "i" else ""} {kind.lower()}')
            if exists:
                self.notices.append(StoreError("00000", f'{kind.lower()} "{name}" does not exist, skipping'))
                return None
            code = "42P01" if letter != "i" else "42704"
            word = kind.lower() if letter != "S" else "sequence"
            raise StoreError(code, f'{word} "{name}" does not exist')
        return self._remove(found, cascade=cascade)

    def _remove(self, found: Relation, *, cascade: bool) -> None:
        users = self._users(found)
        if users and not cascade:
            what = {"r": "table", "v": "view", "i": "index", "S": "sequence"}[found.kind]
            raise StoreError("2BP01", f"cannot drop {what} {found.name} because other objects depend on it", hint="Use DROP ... CASCADE to drop the dependent objects too.")  # fmt: skip
        for one in users:
            if one.kind == "v":
                if self.tr.catalogue.by_oid(one.oid) is not None:
                    self._remove(one, cascade=True)
            elif one.kind == "r" and found.kind == "r":
                after = msgspec.structs.replace(
                    one, constraints=tuple(c for c in one.constraints if c.other != found.oid)
                )
                self._rebuild(one, after)
            elif one.kind == "r":
                fields = tuple(
                    msgspec.structs.replace(f, sequence=0, default="") if f.sequence == found.oid else f
                    for f in one.fields
                )
                self._save(msgspec.structs.replace(one, fields=fields))
        if found.kind == "r":
            for index in self.tr.catalogue.indexes(found.oid):
                cat.remove(self.connection, index.oid)
            for field in found.fields:
                if field.sequence:
                    cat.remove(self.connection, field.sequence)
            self._run(f"DROP TABLE {quoted(found.place)}")
        elif found.kind == "i":
            owner = self.tr.catalogue.by_oid(found.table)
            if owner is not None and any(one.index == found.oid for one in owner.constraints):
                raise StoreError(
                    "2BP01",
                    f"cannot drop index {found.name} because constraint {found.name} on table {owner.name} requires it",
                )
            self._run(f"DROP INDEX {quoted(found.place)}")
        cat.remove(self.connection, found.oid)
        self.tr.catalogue = cat.load(self.connection)

    def _users(self, found: Relation) -> list[Relation]:
        """Who could not be without it."""
        users = [one for one, _ in self.tr.catalogue.referring(found.oid) if one.oid != found.oid]
        if found.kind == "S":
            users += [
                one for one in self.tr.catalogue.relations if any(f.sequence == found.oid for f in one.fields)
            ]
        for one in self.tr.catalogue.relations:
            if one.kind == "v" and found.kind in "rv":
                tables = reading.tree(one.text, functions.names()).find_all(exp.Table)
                if any(
                    named(t.this) == found.name and named(t.args.get("db")) in ("", found.schema)
                    for t in tables
                ):
                    users.append(one)
        return users

    def _drop_schema(self, name: str, *, exists: bool, cascade: bool) -> None:
        if name not in self.tr.catalogue.schemas:
            if exists:
                self.notices.append(StoreError("00000", f'schema "{name}" does not exist, skipping'))
                return
            raise StoreError("3F000", f'schema "{name}" does not exist')
        inside = [one for one in self.tr.catalogue.relations if one.schema == name]
        if inside and not cascade:
            raise StoreError("2BP01", f"cannot drop schema {name} because other objects depend on it")
        for one in inside:
            if one.kind in "vrS" and self.tr.catalogue.by_oid(one.oid) is not None:
                self._remove(one, cascade=True)
        cat.save_schemas(self.connection, [one for one in self.tr.catalogue.schemas if one != name])

    def truncate(self, node: exp.TruncateTable) -> str:
        only(node, "expressions", "identity", "option", "exists")
        relations = [self.tr.relation(named(one.args.get("db")), named(one.this)) for one in node.expressions]
        cascade = str(node.args.get("option") or "").upper() == "CASCADE"
        todo = list(relations)
        while todo:
            for other, _ in self.tr.catalogue.referring(todo.pop().oid):
                if other not in relations:
                    if not cascade:
                        raise StoreError(
                            "0A000", "cannot truncate a table referenced in a foreign key constraint"
                        )
                    relations.append(other)
                    todo.append(other)
        self._run("PRAGMA defer_foreign_keys = ON")
        for one in relations:
            self._run(f"DELETE FROM {quoted(one.place)}")
            if str(node.args.get("identity") or "").upper().startswith("RESTART"):
                for field in one.fields:
                    if field.sequence:
                        self._run(f"UPDATE {OWN}sequences SET last = NULL WHERE oid = {field.sequence}")
        return "TRUNCATE TABLE"


def _dropped(action: exp.Expr) -> str:
    """The one name that DROP COLUMN or DROP CONSTRAINT has."""
    return named(action.args["tables"][0].this)


def _with_field(relation: Relation, field: Field) -> Relation:
    fields = tuple(field if one.number == field.number else one for one in relation.fields)
    return msgspec.structs.replace(relation, fields=fields)


_IDENTITY = {"start": "start", "increment": "step", "minvalue": "least", "maxvalue": "most"}


def _of_identity(node: exp.Expr) -> dict[str, int]:
    """What an identity says about its sequence."""
    said = {ours: int(node.args[name].sql()) for name, ours in _IDENTITY.items() if node.args.get(name)}
    return {**said, "cycle": 1} if node.args.get("cycle") else said


def _order_of(node: exp.Expr) -> int:
    """Of an index' key, as pg_index.indoption has it."""
    if not isinstance(node, exp.Ordered):
        return 0
    return int(bool(node.args.get("desc"))) + 2 * int(bool(node.args.get("nulls_first")))


def _with_name(text: str, old: str, new: str) -> str:
    """An expression over a table one of whose columns has another name now."""
    tree = reading.tree("SELECT " + text, functions.names()).expressions[0]
    for one in tree.find_all(exp.Column):
        if named(one.this) == old:
            one.set("this", exp.to_identifier(new, quoted=True))
    return _written(tree)


def _written(node: exp.Expr) -> str:
    """A tree as PostgreSQL's SQL again."""
    return wording.as_written(node)


def table_sql(tr: "Translator", relation: Relation, place: str) -> str:
    parts: list[str] = []
    for one in relation.fields:
        collation = (
            " COLLATE pgnum"
            if one.oid == NUMERIC
            else " COLLATE pgspan"
            if one.oid == INTERVAL
            else " COLLATE pgjson"
            if one.oid == JSONB
            else ""
        )
        parts.append(
            f"{quoted(one.name)} {affinity(one.oid)}{collation}{' NOT NULL' if one.required else ''}"
        )
    for made in relation.constraints:
        columns = ", ".join(quoted(one) for one in made.columns)
        match made.kind:
            case "p":
                parts.append(f"PRIMARY KEY ({columns})")
            case "u":
                parts.append(f"UNIQUE ({columns})")
            case "c":
                scope = Scope(sources=[changes.source_of(relation, place)])
                tree = reading.tree("SELECT " + made.text, functions.names())
                sql = expressions.boolean(tr, tree.expressions[0], scope, "CHECK").replace(
                    f"{quoted(place)}.", ""
                )
                parts.append(f"CONSTRAINT {quoted(made.name)} CHECK ({sql})")
            case _:
                other = relation if made.other == relation.oid else tr.catalogue.by_oid(made.other)
                if other is None:
                    raise StoreError("XX000", "the table a foreign key refers to is gone")
                others = ", ".join(quoted(one) for one in made.others)
                update = f" ON UPDATE {made.on_update}" if made.on_update else ""
                delete = f" ON DELETE {made.on_delete}" if made.on_delete else ""
                deferred = " DEFERRABLE INITIALLY DEFERRED" if made.deferred else ""
                parts.append(
                    f"FOREIGN KEY ({columns}) REFERENCES {quoted(other.place)} ({others}){update}{delete}{deferred}"
                )
    if not relation.fields:
        raise unsupported("tables without columns")
    return f"CREATE TABLE {quoted(place)} ({', '.join(parts)}) STRICT"
