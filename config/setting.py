"""How a setting is declared, and what can be asked about a declaration.

A section is a frozen struct; each field's annotation carries `setting(…)`: what it does, and what a reload does to it.
The decoder, the JSON schema and the reference page all read the declarations through `settings()`.
"""

import types
import typing
from functools import cache
from typing import Annotated, Any, Literal, dataclass_transform, get_args, get_origin

import msgspec

Reload = Literal["at once", "new connections", "restart"]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


def setting(
    text: str, reload: Reload, *, least: int | None = None, most: int | None = None, fewest: int = 0
) -> msgspec.Meta:
    """What a setting does and what a reload does to it. Bounds are in its own unit (ms, bytes, characters or
    plain); `fewest` elements a list must have.
    """
    return msgspec.Meta(
        description=text, extra={"reload": reload, "least": least, "most": most, "fewest": fewest}
    )


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One declared setting, taken apart."""

    name: str
    kinds: tuple[Any, ...]
    """The types it may have, bare; one, nearly always."""
    many: bool
    """It is a list of them."""
    required: bool
    default: Any
    text: str
    reload: Reload
    least: int | None
    most: int | None
    fewest: int

    @property
    def section(self) -> type[Section] | None:
        """The section it holds, where it holds one (or many)."""
        kind = self.kinds[0]
        return kind if isinstance(kind, type) and issubclass(kind, Section) else None


@cache
def settings(section: type[Section]) -> tuple[Setting, ...]:
    """The settings of a section, in the order of their declaration. A field without `setting(…)` is none."""
    return tuple(_setting(field) for field in msgspec.structs.fields(section) if _flatten(field.type)[1])


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    kinds, extra, text = _flatten(field.type)
    many = get_origin(kinds[0]) is tuple
    if many:
        kinds, _, _ = _flatten(get_args(kinds[0])[0])
    return Setting(
        name=field.encode_name,
        kinds=kinds,
        many=many,
        required=field.required,
        default=None if field.required else field.default,
        text=text,
        **extra,
    )


def _flatten(kind: Any) -> tuple[tuple[Any, ...], dict[str, Any], str]:
    """The alternatives of an annotated type, and what `setting` noted; 'not given' is no alternative."""
    origin = get_origin(kind)
    if origin is Annotated:
        kinds, _, _ = _flatten(get_args(kind)[0])
        (note,) = (note for note in get_args(kind)[1:] if isinstance(note, msgspec.Meta))
        return kinds, dict(note.extra or {}), note.description or ""
    if origin in (typing.Union, types.UnionType):
        parts = [_flatten(part) for part in get_args(kind) if part not in (type(None), msgspec.UnsetType)]
        kinds = tuple(one for part, _, _ in parts for one in part)
        noted = next((part for part in parts if part[1]), ((), {}, ""))
        return kinds, noted[1], noted[2]
    return (kind,), {}, ""
