"""What the rows of the system's tables are made of, and how a table of them is declared."""

from collections.abc import Iterator, Mapping

from protocols.postgres.datatypes import BY_OID
from proxy.answers.sqlite.catalogue import PUBLIC, Catalogue, Constraint, Field, Relation
from proxy.answers.sqlite.kinds import Kind
from proxy.answers.sqlite.queries import Out

CATALOG_OID, PUBLIC_OID, SCHEMA_OID, OWNER, DATABASE_OID = 11, 2200, 13_000, 10, 5
Row = tuple[object, ...]
Rows = Iterator[Row]


def declared(schema: str, text: str) -> dict[str, tuple[Out, ...]]:
    """Tables by their names, from lines of `table: column type, ...`."""
    named = {one.name: oid for oid, one in BY_OID.items()}
    found: dict[str, tuple[Out, ...]] = {}
    for line in text.strip().splitlines():
        name, _, columns = line.partition(": ")
        pairs = [one.split(" ") for one in columns.split(", ")]
        found[f"{schema}.{name}"] = tuple(Out(column, Kind(named[kind])) for column, kind in pairs)
    return found


class Facts:
    """One state of everything that is asked for."""

    def __init__(
        self, catalogue: Catalogue, database: str, user: str, sequences: Mapping[int, Row], path: tuple[str, ...],
        settings: Mapping[str, str], tables: Mapping[str, tuple[Out, ...]],
    ) -> None:  # fmt: skip
        self.catalogue = catalogue
        self.database = database
        self.user = user
        self.sequences = sequences
        self.path = path
        self.settings = settings
        self.tables = tables
        """The system's own."""

    def of_kind(self, kinds: str) -> Iterator[Relation]:
        return (one for one in self.catalogue.relations if one.kind in kinds)

    def constraints(self) -> Iterator[tuple[Relation, Constraint]]:
        for one in self.of_kind("r"):
            for constraint in one.constraints:
                yield one, constraint

    def sequence_of(self, field: Field) -> Row | None:
        """oid, last, start, step, least, most, cycle."""
        return self.sequences.get(field.sequence)


def schema_oid(catalogue: Catalogue, name: str) -> int:
    if name in ("pg_catalog", "information_schema"):
        return CATALOG_OID if name == "pg_catalog" else SCHEMA_OID
    return PUBLIC_OID if name == PUBLIC else 14_000 + catalogue.schemas.index(name)


def key_of(other: Relation, key: Constraint) -> Constraint | None:
    """The primary key or unique constraint that a foreign key refers to."""
    return next(
        (one for one in other.constraints if one.kind in "pu" and set(one.columns) == set(key.others)), None
    )
