"""The configuration in force as rows of text, for `SHOW CONFIG`. No secret and no key can be among them."""

from collections.abc import Iterator

import msgspec

from config.address import Address
from config.network import Network
from config.pem import Pem
from config.secret import Secret
from config.sections.token import Token
from config.snapshot import Snapshot


def shown(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Key and value, in the order of the file's sections."""
    return list(_rows("", snapshot))


def _rows(key: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case Address() | Network():
            yield key, str(value)
        case Token(command=[_, _, *_]):
            # Arguments may hold what a program is let in with.
            yield from _rows(key, msgspec.structs.replace(value, command=value.command[:1]))
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from _rows(f"{key}.{name}" if key else name, getattr(value, name))
        case tuple():
            for place, one in enumerate(value):
                yield from _rows(f"{key}[{_label(one, place)}]", one)
        case None | msgspec.UNSET:
            pass
        case Secret():
            yield key, value.origin or "(written in the file)"
        case Pem():
            yield key, value.path
        case bool():
            yield key, "true" if value else "false"
        case _:
            yield key, str(value)


def _label(one: object, place: int) -> str:
    name = getattr(one, "name", None)
    return name if isinstance(name, str) else str(place)
