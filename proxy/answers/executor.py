"""What a store is to the house: something that opens executors; each is one session with it.

A store of another kind implements these two. It knows no wire: values have the plain forms of
`protocols/postgres/datatypes.py`, errors are StoreError. An executor is used by one thread; only `cancel` may come
from another.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from protocols.postgres.datatypes import Value

if TYPE_CHECKING:
    from proxy.answers.orders import Order

Status = Literal["idle", "open", "failed"]
Row = Sequence[Value]


class StoreError(Exception):
    """A statement failed. The text never holds a secret of ours."""

    def __init__(self, code: str, message: str, detail: str = "", hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.where = where


class Column(msgspec.Struct, frozen=True):
    """A column of a result; `table` and `number` where it is one of a table's own."""

    name: str
    oid: int
    typmod: int = -1
    table: int = 0
    number: int = 0


class Shape(msgspec.Struct, frozen=True):
    """What is known of a statement without running it. No columns: it gives no rows."""

    parameters: tuple[int, ...] = ()
    columns: tuple[Column, ...] | None = None


class CopyFormat(msgspec.Struct, frozen=True):
    """What the options of COPY say."""

    csv: bool = False
    delimiter: bytes = b"\t"
    null: bytes = b"\\N"
    header: bool = False
    match: bool = False
    """The header must be the columns' names."""
    quote: bytes = b'"'
    escape: bytes = b'"'


class Taking(Protocol):
    """Rows that a client sends for COPY."""

    @property
    def columns(self) -> int: ...
    def take(self, data: bytes) -> None: ...
    def end(self) -> int:
        """All is there: how many rows it was."""
        ...

    def broken(self, code: str, why: str) -> StoreError:
        """What to say when something else comes in place of rows."""
        ...

    def look(self) -> None:
        """Raises StoreError if it was cancelled, or is too late."""
        ...


class Result(msgspec.Struct, frozen=True):
    """What running a statement gives. `rows` is read once; `tag` is asked for when it has ended."""

    columns: tuple[Column, ...] | None
    rows: Iterator[Row]
    tag: str
    """With {} where the number of rows goes."""
    notices: tuple[StoreError, ...] = ()
    reported: Mapping[str, str] = {}
    """Settings that changed and that clients are told of."""
    gives: CopyFormat | None = None
    """The rows go out as COPY's."""
    takes: Taking | None = None
    """Rows come in as COPY's, before there is a tag."""


class Prepared(Protocol):
    """A statement that was read."""

    @property
    def shape(self) -> Shape: ...
    @property
    def order(self) -> "Order | None":
        """It is not for the store: what it says is to be done with other statements."""
        ...


class Executor(Protocol):
    """One session with a store."""

    @property
    def status(self) -> Status: ...
    def split(self, text: str) -> Sequence[str]:
        """The statements of a text."""
        ...

    def prepare(self, text: str, types: Sequence[int] = ()) -> Prepared:
        """Read one statement; `types` are what the client says its parameters are, 0 where it says nothing."""
        ...

    def execute(self, prepared: Prepared, parameters: Sequence[Value] = ()) -> Result: ...
    def types(self, names: Sequence[str]) -> Sequence[int]:
        """The numbers of types as SQL calls them."""
        ...

    def evaluate(self, arguments: str, types: Sequence[int]) -> Sequence[Value]:
        """Expressions between commas, each as a value of its type; their number may differ from that of the types."""
        ...

    @property
    def depth(self) -> int:
        """How many savepoints there are."""
        ...

    def begin_implicit(self) -> None:
        """What follows, up to `end_implicit`, is one transaction, unless the statements say otherwise."""
        ...

    def end_implicit(self, *, failed: bool) -> None: ...
    def cancel(self) -> None: ...
    def reported(self) -> Mapping[str, str]:
        """What a client is told of at its beginning."""
        ...

    def zone(self) -> tzinfo: ...
    def close(self) -> None: ...


class Store(Protocol):
    """Where executors come from."""

    def open(self, user: str, settings: Mapping[str, str]) -> Executor: ...
    def close(self) -> None: ...
