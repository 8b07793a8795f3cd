"""Numbers as PostgreSQL computes with them: exact numerics with its scales, integers and floats with its errors.

Numerics are digits (text). The functions are called by SQLite for each row, with values that are not NULL.
"""

import math
from collections import deque
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import partial, reduce

from protocols.postgres.datatypes import Malformed, in_range, plain

EXACT = Context(prec=5_000, Emax=200_000, Emin=-200_000)
"""Enough for whatever PostgreSQL computes exactly, with an end to it."""
LEAST_DIGITS = 16
MOST_SCALE = 1_000
ZERO = Malformed("22012", "division by zero")


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _special(left: str, right: str) -> bool:
    return left == "NaN" or right == "NaN"


def add(left: str, right: str) -> str:
    return "NaN" if _special(left, right) else plain(EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: str, right: str) -> str:
    return "NaN" if _special(left, right) else plain(EXACT.subtract(Decimal(left), Decimal(right)))


def multiply(left: str, right: str) -> str:
    return "NaN" if _special(left, right) else plain(EXACT.multiply(Decimal(left), Decimal(right)))


def rounded(number: Decimal, scale: int, how: str = ROUND_HALF_UP) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-scale), how, EXACT)


def _weight(number: Decimal) -> tuple[int, int]:
    """The place of the first group of four digits, and that group, as the server holds a numeric."""
    if not number:
        return 0, 0
    weight = number.adjusted() // 4
    return weight, int(abs(number).scaleb(-4 * weight, EXACT).to_integral_value(ROUND_DOWN))


def division_scale(left: Decimal, right: Decimal) -> int:
    """How many digits behind the point the server gives a quotient."""
    (above, first), (below, second) = _weight(left), _weight(right)
    places = above - below - (first <= second)
    scale = max(LEAST_DIGITS - places * 4, _scale(left), _scale(right), 0)
    return min(scale, MOST_SCALE)


def divide(left: str, right: str) -> str:
    if _special(left, right):
        return "NaN"
    one, other = Decimal(left), Decimal(right)
    if not other:
        raise ZERO
    return plain(rounded(EXACT.divide(one, other), division_scale(one, other)))


def modulo(left: str, right: str) -> str:
    if _special(left, right):
        return "NaN"
    one, other = Decimal(left), Decimal(right)
    if not other:
        raise ZERO
    scale = max(_scale(one), _scale(other))
    return plain(rounded(EXACT.remainder(one, other), scale))


def negate(value: str) -> str:
    return value if value == "NaN" else plain(EXACT.minus(Decimal(value)))


def absolute(value: str) -> str:
    return value.removeprefix("-")


def compare(left: str, right: str) -> int:
    """The order of numerics, for a collation: NaN is above all."""
    if left == right:
        return 0
    if _special(left, right):
        return (left == "NaN") - (right == "NaN")
    try:
        one, other = Decimal(left), Decimal(right)
    except ArithmeticError:
        return (left > right) - (left < right)
    return (one > other) - (one < other)


def round_to(value: str, places: int = 0) -> str:
    if value == "NaN":
        return value
    number = rounded(Decimal(value), places)
    return plain(number if places >= 0 else rounded(number, 0))


def truncate(value: str, places: int = 0) -> str:
    number = rounded(Decimal(value), places, ROUND_DOWN)
    return plain(number if places >= 0 else rounded(number, 0))


def ceiling(value: str) -> str:
    return plain(rounded(Decimal(value), 0, ROUND_CEILING))


def floor(value: str) -> str:
    return plain(rounded(Decimal(value), 0, ROUND_FLOOR))


def fit(value: str, precision: int, scale: int) -> str:
    """As a column of numeric(precision, scale) holds it."""
    if value == "NaN":
        return value
    number = rounded(Decimal(value), scale)
    if number and number.adjusted() >= precision - scale:
        raise Malformed("22003", "numeric field overflow")
    return plain(number)


def to_integer(value: str, oid: int) -> int:
    if value == "NaN":
        raise Malformed("0A000", "cannot convert NaN to an integer")
    return in_range(oid, int(rounded(Decimal(value), 0)))


def from_float(value: float) -> str:
    """15 digits, as the server takes them over."""
    return plain(Decimal(f"{value:.15g}"))


def float_to_integer(value: float, oid: int) -> int:
    if math.isinf(value) or math.isnan(value):
        return in_range(oid, 1 << 70)
    return in_range(oid, int(Decimal(value).to_integral_value(ROUND_HALF_EVEN)))


def integer(value: int | float, oid: int) -> int:  # noqa: PYI041 - a float is told apart
    """A sum, difference or product of integers; SQLite goes on with a float where 64 bits do not suffice."""
    if isinstance(value, float):
        return in_range(oid, 1 << 70)
    return in_range(oid, value)


def integer_divide(left: int, right: int, oid: int) -> int:
    if not right:
        raise ZERO
    quotient = abs(left) // abs(right)
    return in_range(oid, quotient if (left < 0) == (right < 0) else -quotient)


def integer_modulo(left: int, right: int) -> int:
    if not right:
        raise ZERO
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def shift(value: int, places: int, sign: int, oid: int) -> int:
    """As the server's machine shifts: by the places within the width, and what goes over is lost."""
    width = 64 if oid == 20 else 32
    places &= width - 1
    found = value << places if sign > 0 else value >> places
    width = 16 if oid == 21 else width
    half = 1 << (width - 1)
    return (found + half) % (2 * half) - half


def float_operation(kind: str, left: float, right: float) -> float:
    try:
        if kind == "+":
            found = left + right
        elif kind == "-":
            found = left - right
        elif kind == "*":
            found = left * right
        elif kind == "/":
            if right == 0:
                raise ZERO
            found = left / right
        else:
            found = power_float(left, right)
    except OverflowError as error:
        raise Malformed("22003", "value out of range: overflow") from error
    if math.isinf(found) and not (math.isinf(left) or math.isinf(right)):
        raise Malformed("22003", "value out of range: overflow")
    if found == 0 and kind == "*" and left and right:
        raise Malformed("22003", "value out of range: underflow")
    return number(found)


def number(found: float) -> float:
    """SQLite would make a NULL of NaN."""
    if math.isnan(found):
        raise Malformed("0A000", "the embedded store has no NaN in double precision")
    return found


def power_float(left: float, right: float) -> float:
    if left == 0 and right < 0:
        raise Malformed("2201F", "zero raised to a negative power is undefined")
    if left < 0 and right != math.floor(right):
        raise Malformed("2201F", "a negative number raised to a non-integer power yields a complex result")
    return math.pow(left, right)


def round_float(value: float) -> float:
    return float(round(value)) if not math.isinf(value) else value


def square_root(value: float) -> float:
    if value < 0:
        raise Malformed("2201F", "cannot take square root of a negative number")
    return math.sqrt(value)


def logarithm(value: float, base: float = math.e) -> float:
    if value == 0:
        raise Malformed("2201E", "cannot take logarithm of zero")
    if value < 0:
        raise Malformed("2201E", "cannot take logarithm of a negative number")
    return math.log10(value) if base == 10 else math.log(value)


class Sum:
    """sum() of numerics and of bigints, exactly."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0
        self.scales: dict[int, int] = {}

    def step(self, value: str | int | None) -> None:
        if value is not None:
            number = Decimal(value)
            self.total = EXACT.add(self.total, number)
            self.count += 1
            scale = _scale(number)
            self.scales[scale] = self.scales.get(scale, 0) + 1

    def inverse(self, value: str | int | None) -> None:
        if value is not None:
            number = Decimal(value)
            self.total = EXACT.subtract(self.total, number)
            self.count -= 1
            scale = _scale(number)
            self.scales[scale] -= 1
            if not self.scales[scale]:
                del self.scales[scale]

    def value(self) -> str | None:
        return plain(rounded(self.total, max(self.scales))) if self.count else None

    finalize = value


class Average(Sum):
    """avg() of integers and numerics."""

    def value(self) -> str | None:
        return divide(plain(rounded(self.total, max(self.scales))), str(self.count)) if self.count else None

    finalize = value


class FloatSum:
    """sum() of floats, one after the other."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0

    def step(self, value: float | None) -> None:
        if value is not None:
            self.count += 1
            self.total = float_operation("+", self.total, value)

    def finalize(self) -> float | None:
        return self.total if self.count else None


class FloatAverage(FloatSum):
    """avg() of floats."""

    def finalize(self) -> float | None:
        return self.total / self.count if self.count else None


class FrameSum(FloatSum):
    """Of a frame: one that has moved is summed anew, for what was rounded does not come back."""

    def __init__(self) -> None:
        super().__init__()
        self.values: deque[float] = deque()
        self.moved = False

    def step(self, value: float | None) -> None:
        super().step(value)
        if value is not None:
            self.values.append(value)

    def inverse(self, value: float | None) -> None:
        if value is not None:
            self.count -= 1
            self.values.popleft()
            self.moved = True

    def value(self) -> float | None:
        if self.moved:
            self.total = reduce(partial(float_operation, "+"), self.values, 0.0)
            self.moved = False
        return self.finalize()


class FrameAverage(FrameSum):
    def finalize(self) -> float | None:
        return self.total / self.count if self.count else None


class Spread:
    """Variance of floats; `root` and `sample` say which."""

    root = False
    sample = True

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        count = len(self.values)
        if count < 1 + self.sample:
            return None
        mean = math.fsum(self.values) / count
        found = math.fsum((one - mean) ** 2 for one in self.values) / (count - self.sample)
        return math.sqrt(found) if self.root else found
