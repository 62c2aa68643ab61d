"""Days on which a company sends like on any other day, and days on which it does not. Pure.

The national holidays of Brazil are computed, for any year: eight fixed days (laws 662/1949 and 10.607/2002,
6.802/1980 for 12 October, 14.759/2023 for 20 November, from 2024 on) and Good Friday. Carnival and Corpus Christi
are none by law; a company that keeps them writes them into its own list, with the holidays of its city.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from flask_babel import lazy_gettext as _l

#: Month and day -> what it is called, and the first year of it.
FIXED = {
    (1, 1): (_l("New Year"), 1949),
    (4, 21): (_l("Tiradentes"), 1949),
    (5, 1): (_l("Labour Day"), 1949),
    (9, 7): (_l("Independence Day"), 1949),
    (10, 12): (_l("Our Lady Aparecida"), 1980),
    (11, 2): (_l("All Souls’ Day"), 2003),
    (11, 15): (_l("Republic Day"), 1949),
    (11, 20): (_l("Black Awareness Day"), 2024),
    (12, 25): (_l("Christmas"), 1949),
}
GOOD_FRIDAY = _l("Good Friday")
#: `2026-12-24`, or `12-24` for every year.
WRITTEN = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
#: Has a 29 February.
A_LEAP_YEAR = 2024


@dataclass(frozen=True)
class OwnDay:
    """A day of the company's own list; without a `year`, of every year."""

    month: int
    day: int
    year: int | None = None
    name: str = ""

    @property
    def written(self) -> str:
        """As the contract writes it."""
        month_and_day = f"{self.month:02d}-{self.day:02d}"
        return month_and_day if self.year is None else f"{self.year:04d}-{month_and_day}"

    @classmethod
    def read(cls, written: str, name: str = "") -> OwnDay:
        """From the contract's spelling. Raises ValueError where there is no such day."""
        match = WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError(written)
        year, month, day = (int(part) if part else None for part in match.groups())
        assert month is not None and day is not None
        date(A_LEAP_YEAR if year is None else year, month, day)
        return cls(month, day, year, name)


@dataclass(frozen=True)
class Calendar:
    """Which days are holidays to a company."""

    national: bool = True
    own: tuple[OwnDay, ...] = ()

    def is_holiday(self, day: date) -> bool:
        """Whether this day, where the recipient is, is one."""
        if self.national and day in national(day.year):
            return True
        return any(
            (one.month, one.day) == (day.month, day.day) and one.year in (None, day.year) for one in self.own
        )


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the algorithm of Meeus, Jones and Butcher)."""
    golden, century = year % 19, year // 100
    leap, rest = century // 4, century % 4
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - correction + 15) % 30
    weekday = (32 + 2 * rest + 2 * (year % 100 // 4) - epact - year % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def national(year: int) -> Mapping[date, object]:
    """The national holidays of Brazil in this year, in order, with their names."""
    days = {date(year, month, day): name for (month, day), (name, since) in FIXED.items() if year >= since}
    days[easter(year) - timedelta(days=2)] = GOOD_FRIDAY
    return dict(sorted(days.items()))


def upcoming(today: date, count: int) -> list[tuple[date, object]]:
    """The next national holidays, from today on."""
    days = [*national(today.year).items(), *national(today.year + 1).items()]
    return [(day, name) for day, name in days if day >= today][:count]


def in_order(days: Iterable[OwnDay]) -> tuple[OwnDay, ...]:
    """Each day once, the yearly ones first."""
    once = {one.written: one for one in days}.values()
    return tuple(sorted(once, key=lambda one: (one.year or 0, one.month, one.day)))
