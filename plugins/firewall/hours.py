"""Days and times of the day: whether a moment is in them, and when that may change next."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
QUARTER = 15 * 60
"""Seconds. Clocks are set forward and back at the quarters of an hour."""
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)


class Times(msgspec.Struct, frozen=True):
    """When something holds. `days` counts from Monday; a span is in minutes of its day."""

    days: frozenset[int]
    spans: tuple[tuple[int, int], ...]
    zone: tzinfo = UTC

    def hold(self, moment: float) -> bool:
        local = datetime.fromtimestamp(moment, self.zone)
        minute = local.hour * 60 + local.minute
        return local.weekday() in self.days and any(begin <= minute < end for begin, end in self.spans)

    def until(self, moment: float) -> float:
        """The next moment at which the answer may be another."""
        local = datetime.fromtimestamp(moment, self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        marks = {DAY, *(mark for span in self.spans for mark in span)}
        # Where clocks are set back a time comes twice, where they are set forward not at all.
        walls = [(midnight + timedelta(minutes=mark)).replace(fold=fold) for mark in marks for fold in (0, 1)]
        coming = [wall.timestamp() for wall in walls if self._comes(wall)]
        following = min(one for one in (*coming, moment + DAY * 60 + QUARTER * 8) if one > moment)
        if datetime.fromtimestamp(following, self.zone).utcoffset() != local.utcoffset():
            return (moment // QUARTER + 1) * QUARTER
        return following

    def _comes(self, wall: datetime) -> bool:
        return datetime.fromtimestamp(wall.timestamp(), self.zone).replace(fold=0) == wall.replace(fold=0)

    @property
    def minutes(self) -> int:
        """Those of a week in which it holds, a bit each."""
        day = 0
        for begin, end in self.spans:
            day |= (1 << end) - (1 << begin)
        return sum(day << DAY * one for one in self.days)


def times(days: Sequence[str], hours: Sequence[str], zone: tzinfo) -> Times | None:
    """None where neither is given. Raises ValueError for hours that are none."""
    if not days and not hours:
        return None
    named: set[int] = set()
    for written in days or ("mon-fri", "sat-sun"):
        first, _, last = written.partition("-")
        named |= set(range(DAYS.index(first), DAYS.index(last or first) + 1))
    spans = [span for written in hours for span in spans_of(written)] or [(0, DAY)]
    return Times(frozenset(named), tuple(spans), zone)


def spans_of(written: str) -> tuple[tuple[int, int], ...]:
    """`08:00-18:00` in minutes; two spans where it goes past midnight."""
    found = _HOURS.fullmatch(written)
    if found is None:
        raise ValueError('write hours such as "08:00-18:00"')
    begin = int(found[1]) * 60 + int(found[2])
    end = DAY if found[5] else int(found[3]) * 60 + int(found[4])
    if begin == end:
        raise ValueError("write two different times; without hours it is the whole day")
    return (
        ((begin, end),)
        if begin < end
        else tuple(span for span in ((begin, DAY), (0, end)) if span[0] < span[1])
    )


def zone(name: str) -> tzinfo:
    """Raises ValueError where there is none of this name."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f'there is no time zone "{name}" here') from error
