"""Durations and sizes as people write them: `"250ms"`, `"1h30m"`, `"1MiB"`. Knows nothing of what they bound."""

import math
import re
from decimal import Decimal

from config.errors import RefusedError

_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_BYTES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,5}}", re.ASCII)
_SIZE = re.compile(r"(\d{1,18})(B|KiB|MiB|GiB)", re.ASCII)

DURATION_PATTERN = r"^(0|(\d{1,12}(\.\d{1,3})?(ms|s|m|h|d)){1,5})$"
SIZE_PATTERN = r"^\d{1,18}(B|KiB|MiB|GiB)$"
LONGEST_MS = 366 * _MS["d"]
_DURATION_FIX = 'write a time such as "250ms", "5s", "2m" or "1h", or a number of seconds'
_SIZE_FIX = 'write a size such as "64KiB" or "1MiB", or a number of bytes'


class Duration(int):
    """A span of time in whole milliseconds."""

    __slots__ = ()

    @property
    def ms(self) -> int:
        return int(self)

    @property
    def seconds(self) -> float:
        return int(self) / 1000

    def __str__(self) -> str:
        for unit, ms in _MS.items():
            if self and int(self) % ms == 0:
                return f"{int(self) // ms}{unit}"
        return "0"

    def __repr__(self) -> str:
        return f"Duration({str(self)!r})"


class Size(int):
    """A number of bytes."""

    __slots__ = ()

    def __str__(self) -> str:
        for unit, count in _BYTES.items():
            if self and int(self) % count == 0:
                return f"{int(self) // count}{unit}"
        return "0"

    def __repr__(self) -> str:
        return f"Size({str(self)!r})"


def duration(written: object) -> Duration:
    """Read a duration: text with units, or a number of seconds; whole milliseconds either way."""
    match written:
        case bool():
            raise RefusedError("true or false is not a time", _DURATION_FIX)
        case int() | float() if math.isfinite(written):
            ms = Decimal(str(written)) * 1000
        case "0":
            ms = Decimal(0)
        case str() if _DURATION.fullmatch(written):
            ms = sum((Decimal(number) * _MS[unit] for number, unit in _PART.findall(written)), Decimal(0))
        case _:
            raise RefusedError("this is not a time", _DURATION_FIX)
    if ms < 0:
        raise RefusedError("a time cannot be negative", _DURATION_FIX)
    if ms > LONGEST_MS:
        raise RefusedError("a time cannot be longer than 366 days", _DURATION_FIX)
    if ms != int(ms):
        raise RefusedError("a time cannot be finer than a millisecond", _DURATION_FIX)
    return Duration(ms)


def size(written: object) -> Size:
    """Read a size: text with a binary unit, or a number of bytes."""
    match written:
        case bool():
            raise RefusedError("true or false is not a size", _SIZE_FIX)
        case int() if written >= 0:
            return Size(written)
        case str() if found := _SIZE.fullmatch(written):
            return Size(int(found[1]) * _BYTES[found[2]])
        case _:
            raise RefusedError("this is not a size", _SIZE_FIX)
