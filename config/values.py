"""Single values: from what TOML (or JSON) gives to what a setting's type wants, and in words what it wants.

One table, by type. What a value means beside others is `config.check`'s business.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from config.address import ADDRESS_PATTERN, Address, address
from config.errors import RefusedError
from config.network import NETWORK_PATTERN, Network, network
from config.pem import Pem, pem
from config.quantities import DURATION_PATTERN, SIZE_PATTERN, Duration, Size, duration, size
from config.secret import Secret, resolve
from config.setting import Setting
from config.text import Text, text

LONGEST_NAME = 63
_LONGEST_PATH = 4_095


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What values may refer to: the environment, files, and the folder relative paths start at."""

    environ: Mapping[str, str]
    read: Callable[[Path], bytes]
    folder: Path


def read_value(setting: Setting, written: object, around: Surroundings) -> object:
    """The value, or RefusedError."""
    kind = setting.kinds[0]
    if written in (words := choices(setting)):
        return written
    if words and (len(setting.kinds) == 1 or isinstance(written, str)):
        near = like(written, words) if len(words) > 1 or len(setting.kinds) > 1 else ""
        raise RefusedError(f"{naming(written)} is not a choice here", f"write {wanted(setting)}{near}")
    value = _READERS[kind](written, around, setting)
    if isinstance(value, int) and not isinstance(value, bool):
        _in_range(value, kind, setting)
    return value


def stand_in(setting: Setting) -> object:
    """Something of the right type where no right value was given, so that the rest can still be checked."""
    if words := choices(setting):
        return words[0] if setting.required or setting.many else setting.default
    return _STAND_INS[setting.kinds[0]]


def choices(setting: Setting) -> tuple[str, ...]:
    """The words a setting may be, where only certain words will do."""
    return tuple(word for kind in setting.kinds for word in get_args(kind))


def wanted(setting: Setting) -> str:
    """What the setting accepts, in words."""
    quoted = [f'"{word}"' for word in choices(setting)]
    words = " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
    kind = _WANTED.get(setting.kinds[0])
    if kind is None:
        return f"one of {words}" if len(quoted) > 1 else words
    return " or ".join(filter(None, (kind + bounds(setting), words)))


def bounds(setting: Setting) -> str:
    """From where to where, to follow the word for its type."""
    kind = setting.kinds[0]
    if kind not in (int, Duration, Size):
        return ""
    least, most = (None if bound is None else str(kind(bound)) for bound in (setting.least, setting.most))
    match least, most:
        case str(), str():
            return f" from {least} to {most}"
        case str(), None:
            return f", at least {least}"
        case _:
            return ""


def schema(kind: Any) -> dict[str, Any]:
    """The JSON schema of a value's type."""
    if words := get_args(kind):
        return {"enum": list(words)}
    return dict(_SCHEMAS[kind])


def plain(value: object) -> object:
    """A default value as the file would write it."""
    match value:
        case Duration() | Size():
            return str(value) if value else 0
        case Text():
            return str(value)
        case tuple():
            return [plain(one) for one in value]
        case _:
            return value


def like(written: object, known: Iterable[str]) -> str:
    """`; did you mean …?` where something known looks like what was written."""
    near = difflib.get_close_matches(written, known, n=1) if isinstance(written, str) else []
    return f'; did you mean "{near[0]}"?' if near else ""


def naming(written: object) -> str:
    """What was written, for a message; never used for a secret."""
    match written:
        case str():
            return json.dumps(written if len(written) <= 60 else written[:60] + "…", ensure_ascii=False)
        case bool():
            return "true" if written else "false"
        case int() | float():
            return f"{written:.40}"[:40] if isinstance(written, float) else str(written)[:40]
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return "a date or time"


def _in_range(value: int, kind: Any, setting: Setting) -> None:
    if (setting.least is not None and value < setting.least) or (
        setting.most is not None and value > setting.most
    ):
        raise RefusedError(f"{kind(value)} is out of range", f"write {wanted(setting)}")


def _name(written: object, _around: Surroundings, setting: Setting) -> str:
    if not isinstance(written, str) or not written or not written.isprintable():
        raise RefusedError(f"{naming(written)} is not a name", f"write {wanted(setting)}")
    if len(written.encode()) > LONGEST_NAME:
        raise RefusedError(f"{naming(written)} is too long", f"write {wanted(setting)}")
    return written


def _whole(written: object, _around: Surroundings, setting: Setting) -> int:
    if isinstance(written, bool) or not isinstance(written, int):
        raise RefusedError(f"{naming(written)} is not a whole number", f"write {wanted(setting)}")
    return written


def _truth(written: object, _around: Surroundings, setting: Setting) -> bool:
    if not isinstance(written, bool):
        raise RefusedError(f"{naming(written)} is neither true nor false", f"write {wanted(setting)}")
    return written


def _path(written: object, around: Surroundings, setting: Setting) -> Path:
    if not isinstance(written, str) or not written or not written.isprintable():
        raise RefusedError(f"{naming(written)} is not a path", f"write {wanted(setting)}")
    if len(written.encode()) > _LONGEST_PATH:
        raise RefusedError(f"{naming(written)} is too long", f"write {wanted(setting)}")
    return around.folder / written


def _secret(written: object, around: Surroundings, setting: Setting) -> Secret:
    if not isinstance(written, str):
        raise RefusedError("a secret is text", f"write {wanted(setting)}")
    return resolve(written, around.environ, around.read)


_READERS: dict[Any, Callable[[object, Surroundings, Setting], object]] = {
    str: _name,
    Text: lambda written, _around, _setting: text(written),
    int: _whole,
    bool: _truth,
    Duration: lambda written, _around, _setting: duration(written),
    Size: lambda written, _around, _setting: size(written),
    Address: lambda written, _around, _setting: address(written),
    Path: _path,
    Network: lambda written, _around, _setting: network(written),
    Secret: _secret,
    Pem: lambda written, around, _setting: pem(written, around.folder, around.read),
}

_STAND_INS: dict[Any, object] = {
    str: "",
    Text: Text("x"),
    int: 0,
    bool: False,
    Duration: Duration(0),
    Size: Size(0),
    Address: Address("", 0),
    Path: Path(),
    Network: Network(None),
    Secret: Secret(""),
    Pem: Pem("", b""),
}

_WANTED: dict[Any, str] = {
    str: f"a name of 1 to {LONGEST_NAME} bytes",
    Text: "text",
    int: "a whole number",
    bool: "true or false",
    Duration: 'a time such as "250ms", "5s" or "1h"',
    Size: 'a size such as "64KiB" or "1MiB"',
    Address: '"host:port"',
    Path: "a path",
    Network: 'a network such as "10.0.0.0/8", or "local"',
    Secret: 'a reference, "env://NAME" or "file:///path"',
    Pem: "the path of a PEM file",
}

_SCHEMAS: dict[Any, dict[str, Any]] = {
    str: {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
    Text: {"type": "string", "minLength": 1},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Duration: {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"type": "number", "minimum": 0}]},
    Size: {"anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"type": "integer", "minimum": 0}]},
    Address: {"type": "string", "pattern": ADDRESS_PATTERN},
    Path: {"type": "string", "minLength": 1, "maxLength": _LONGEST_PATH},
    Network: {"type": "string", "pattern": NETWORK_PATTERN},
    Secret: {"type": "string", "minLength": 1},
    Pem: {"type": "string", "minLength": 1},
}
