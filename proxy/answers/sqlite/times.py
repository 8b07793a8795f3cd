"""Dates, times and intervals as PostgreSQL computes with them, on plain numbers (days, microseconds since 2000).

The functions are called by SQLite for each row, with values that are not NULL.
"""

import calendar
import math
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from protocols.postgres.datatypes import (
    DAY,
    EPOCH,
    INFINITE,
    INFINITE_DATE,
    Malformed,
    interval,
    interval_parts,
    plain,
    to_local,
    to_utc,
)

UNIX = 946_684_800
"""Seconds from 1970 to 2000."""
TRUNCATED = (
    "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
    "century", "millennium",
)  # fmt: skip


def _moment(micros: int) -> datetime:
    if abs(micros) >= INFINITE:
        raise Malformed("0A000", "the embedded store does not compute with infinite times")
    return EPOCH + timedelta(microseconds=micros)


def _micros(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(microseconds=1))


_FIRST_DAY, _LAST_DAY = ((one - date(2000, 1, 1)).days for one in (date.min, date.max))


def date_plus(days: int, more: int, sign: int) -> int:
    found = days + sign * more
    if days >= INFINITE_DATE or days <= -INFINITE_DATE - 1:
        return days
    if not _FIRST_DAY <= found <= _LAST_DAY:
        raise Malformed("22008", "date out of range")
    return found


def plus(micros: int, span: str, sign: int, zone: tzinfo | None) -> int:
    """A timestamp and an interval. With a zone, days and months are those of its wall clock."""
    if abs(micros) >= INFINITE:
        return micros
    months, days, rest = interval_parts(span)
    local = to_local(micros, zone) if zone is not None else micros
    if months:
        moment = _moment(local)
        total = moment.year * 12 + moment.month - 1 + sign * months
        year, month = divmod(total, 12)
        if not 1 <= year <= 9999:
            raise Malformed("22008", "timestamp out of range")
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        local = _micros(moment.replace(year=year, month=month + 1, day=day))
    local = _within(local + sign * days * DAY)
    if zone is not None and (months or days):
        micros = to_utc(local, zone)
    elif zone is None:
        micros = local
    return _within(micros + sign * rest)


def _within(micros: int) -> int:
    if not _FIRST_DAY * DAY <= micros < (_LAST_DAY + 1) * DAY:
        raise Malformed("22008", "timestamp out of range")
    return micros


def difference(left: int, right: int) -> str:
    """Of two timestamps: days and a rest."""
    total = left - right
    days = int(total / DAY) if abs(total) < 1 << 53 else (abs(total) // DAY) * (1 if total > 0 else -1)
    days = abs(total) // DAY * (1 if total >= 0 else -1)
    return interval(0, days, total - days * DAY)


def span(left: str, right: str, sign: int) -> str:
    one, other = interval_parts(left), interval_parts(right)
    return interval(*(a + sign * b for a, b in zip(one, other, strict=True)))


def _factor(factor: float) -> Decimal:
    if not math.isfinite(factor):
        raise Malformed("22008", "interval out of range")
    return Decimal(str(factor))


def times(value: str, factor: float) -> str:
    months, days, micros = interval_parts(value)
    scale = _factor(factor)
    whole = Decimal(months) * scale
    part = whole - int(whole)
    more_days = Decimal(days) * scale + part * 30
    rest = more_days - int(more_days)
    return interval(int(whole), int(more_days), round(Decimal(micros) * scale + rest * DAY))


def divided(value: str, factor: float) -> str:
    if not factor:
        raise Malformed("22012", "division by zero")
    months, days, micros = interval_parts(value)
    scale = _factor(factor)
    whole = Decimal(months) / scale
    more_days = Decimal(days) / scale + (whole - int(whole)) * 30
    rest = more_days - int(more_days)
    return interval(int(whole), int(more_days), round(Decimal(micros) / scale + rest * DAY))


def span_key(value: str) -> int:
    months, days, micros = interval_parts(value)
    return (months * 30 + days) * DAY + micros


def compare_spans(left: str, right: str) -> int:
    try:
        one, other = span_key(left), span_key(right)
    except ValueError:
        return (left > right) - (left < right)
    return (one > other) - (one < other)


def truncate(unit: str, micros: int, zone: tzinfo | None) -> int:
    """date_trunc()."""
    name = _unit(unit)
    if name not in TRUNCATED:
        raise Malformed("22023", f'unit "{unit}" not recognized for type timestamp')
    local = to_local(micros, zone) if zone is not None else micros
    moment = _moment(local)
    match name:
        case "microseconds":
            pass
        case "milliseconds":
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        case "second":
            moment = moment.replace(microsecond=0)
        case "minute":
            moment = moment.replace(second=0, microsecond=0)
        case "hour":
            moment = moment.replace(minute=0, second=0, microsecond=0)
        case _:
            moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
            if name == "week":
                moment -= timedelta(days=moment.weekday())
            elif name != "day":
                month = (
                    1 + (moment.month - 1) // 3 * 3
                    if name == "quarter"
                    else moment.month
                    if name == "month"
                    else 1
                )
                year = {"decade": moment.year // 10 * 10, "century": (moment.year - 1) // 100 * 100 + 1}.get(
                    name, (moment.year - 1) // 1000 * 1000 + 1 if name == "millennium" else moment.year
                )
                moment = moment.replace(year=year, month=month, day=1)
    found = _micros(moment)
    return to_utc(found, zone) if zone is not None else found


def _unit(unit: str) -> str:
    said = unit.strip().lower()
    short = {
        "us": "microseconds", "usec": "microseconds", "microsecond": "microseconds", "ms": "milliseconds",
        "msec": "milliseconds", "millisecond": "milliseconds", "sec": "second", "min": "minute", "hr": "hour",
        "h": "hour", "d": "day", "w": "week", "mon": "month", "y": "year", "yr": "year", "centuries": "century",
        "millennia": "millennium", "millenniums": "millennium",
    }  # fmt: skip
    if said in short:
        return short[said]
    single = said.removesuffix("s")
    return said if said in ("microseconds", "milliseconds") or single not in TRUNCATED else single


def extract(field: str, micros: int, kind: str, zone: tzinfo | None) -> str:
    """extract() of a date ("d"), a timestamp ("t") or, with its zone, a timestamptz: digits."""
    name = _unit(field)
    local = to_local(micros, zone) if zone is not None else micros
    moment = _moment(local)
    whole = {
        "year": moment.year, "month": moment.month, "day": moment.day, "quarter": (moment.month + 2) // 3,
        "dow": moment.isoweekday() % 7, "isodow": moment.isoweekday(), "doy": moment.timetuple().tm_yday,
        "week": moment.isocalendar()[1], "isoyear": moment.isocalendar()[0], "decade": moment.year // 10,
        "century": (moment.year + 99) // 100, "millennium": (moment.year + 999) // 1000,
    }.get(name)  # fmt: skip
    if whole is not None:
        return str(whole)
    if kind == "d" and name in ("hour", "minute", "second", "milliseconds", "microseconds", "timezone"):
        raise Malformed("0A000", f'unit "{name}" not supported for type date')
    match name:
        case "hour":
            return str(moment.hour)
        case "minute":
            return str(moment.minute)
        case "second":
            return plain(Decimal(moment.second * 1_000_000 + moment.microsecond).scaleb(-6))
        case "milliseconds":
            return plain(Decimal(moment.second * 1_000_000 + moment.microsecond).scaleb(-3))
        case "microseconds":
            return str(moment.second * 1_000_000 + moment.microsecond)
        case "epoch" if kind == "d":
            return str(micros // 1_000_000 + UNIX)
        case "epoch":
            return plain(Decimal(micros + UNIX * 1_000_000).scaleb(-6))
        case "timezone" if zone is not None:
            return str((local - micros) // 1_000_000)
        case "timezone_hour" if zone is not None:
            return str((local - micros) // 3_600_000_000)
        case _:
            raise Malformed("22023", f'unit "{field.lower()}" not recognized for type timestamp')


def extract_span(field: str, value: str) -> str:
    months, days, micros = interval_parts(value)
    seconds = abs(micros) % 60_000_000 * (1 if micros >= 0 else -1)
    match _unit(field):
        case "year":
            return str(int(months / 12))
        case "month":
            return str(int(abs(months) % 12) * (1 if months >= 0 else -1))
        case "quarter":
            return str(int(abs(months) % 12) // 3 + 1)
        case "day":
            return str(days)
        case "hour":
            return str(int(micros / 3_600_000_000))
        case "minute":
            return str(int(micros / 60_000_000) - int(micros / 3_600_000_000) * 60)
        case "second":
            return plain(Decimal(seconds).scaleb(-6))
        case "milliseconds":
            return plain(Decimal(seconds).scaleb(-3))
        case "microseconds":
            return str(seconds)
        case "epoch":
            years, rest = int(months / 12), months - int(months / 12) * 12
            total = (years * 36525 * 864 + rest * 30 * 86400 + days * 86400) * 1_000_000 + micros
            return plain(Decimal(total).scaleb(-6))
        case _:
            raise Malformed("22023", f'unit "{field.lower()}" not recognized for type interval')


def age(left: int, right: int) -> str:
    """The symbolic difference: years and months, then days."""
    sign = 1 if left >= right else -1
    later, earlier = _moment(max(left, right)), _moment(min(left, right))
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    days = later.day - earlier.day
    micros = _of_day(later) - _of_day(earlier)
    if micros < 0:
        micros += DAY
        days -= 1
    if days < 0:
        # Borrowed from the month the earlier one is in.
        days += calendar.monthrange(earlier.year, earlier.month)[1]
        months -= 1
    return interval(sign * months, sign * days, sign * micros)


def _of_day(moment: datetime) -> int:
    return _micros(moment) % DAY


def make_date(year: int, month: int, day: int) -> int:
    try:
        return (date(year, month, day) - date(2000, 1, 1)).days
    except ValueError as error:
        raise Malformed("22008", f"date field value out of range: {year}-{month:02d}-{day:02d}") from error


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PATTERNS = (
    "YYYY", "YYY", "YY", "MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "DDD", "DD", "DAY", "Day", "day", "DY",
    "Dy", "dy", "D", "ID", "IW", "IYYY", "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "AM", "PM", "am", "pm", "Q", "TZ",
)  # fmt: skip


def to_char(micros: int, form: str, zone: tzinfo | None) -> str:
    """to_char() of a time, by the patterns listed; another one is refused."""
    moment = _moment(to_local(micros, zone) if zone is not None else micros)
    out: list[str] = []
    at = 0
    while at < len(form):
        if form[at] == '"':
            end = form.find('"', at + 1)
            end = len(form) if end < 0 else end
            out.append(form[at + 1 : end])
            at = end + 1
            continue
        fill = form[at : at + 2] == "FM"
        start = at + 2 if fill else at
        found = next(
            (one for one in sorted(_PATTERNS, key=len, reverse=True) if form.startswith(one, start)), None
        )
        if found is None:
            if form[at].isalpha():
                raise Malformed("0A000", "the embedded store does not know this pattern of to_char()")
            out.append(form[at])
            at += 1
            continue
        text = _field(found, moment, zone)
        if fill:
            text = text.lstrip("0") or "0" if text.isdigit() else text.strip()
        at = start + len(found)
        out.append(text)
    return "".join(out)


def _field(name: str, moment: datetime, zone: tzinfo | None) -> str:
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    hour = moment.hour % 12 or 12
    return {
        "YYYY": f"{moment.year:04d}", "YYY": f"{moment.year % 1000:03d}", "YY": f"{moment.year % 100:02d}",
        "MONTH": month.upper().ljust(9), "Month": month.ljust(9), "month": month.lower().ljust(9),
        "MON": month[:3].upper(), "Mon": month[:3], "mon": month[:3].lower(), "MM": f"{moment.month:02d}",
        "DDD": f"{moment.timetuple().tm_yday:03d}", "DD": f"{moment.day:02d}", "DAY": day.upper().ljust(9),
        "Day": day.ljust(9), "day": day.lower().ljust(9), "DY": day[:3].upper(), "Dy": day[:3], "dy": day[:3].lower(),
        "D": str(moment.isoweekday() % 7 + 1), "ID": str(moment.isoweekday()), "IW": f"{moment.isocalendar()[1]:02d}",
        "IYYY": f"{moment.isocalendar()[0]:04d}", "HH24": f"{moment.hour:02d}", "HH12": f"{hour:02d}",
        "HH": f"{hour:02d}", "MI": f"{moment.minute:02d}", "SS": f"{moment.second:02d}",
        "MS": f"{moment.microsecond // 1000:03d}", "US": f"{moment.microsecond:06d}",
        "AM": "PM" if moment.hour >= 12 else "AM", "PM": "PM" if moment.hour >= 12 else "AM",
        "am": "pm" if moment.hour >= 12 else "am", "pm": "pm" if moment.hour >= 12 else "am",
        "Q": str((moment.month + 2) // 3), "TZ": "" if zone is None else str(moment.replace(tzinfo=zone).tzname()),
    }[name]  # fmt: skip
