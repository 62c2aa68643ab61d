"""When a person may be written to, on their own clock. Pure: rules, a number and a moment in, a moment out.

A week says from when to when on weekdays, Saturdays, Sundays and holidays; a day of a kind that it does not say is
closed. Windows lie within one day of the recipient's zone: that of the area code in Brazil, the company's own for
other numbers. Where clocks are changed, a window begins with the later and ends with the earlier reading of its
hours, so that it is never wider than what was meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sintalk.contacts.phones import DDD_ZONES
from sintalk.policies.calendar import Calendar

CHANNELS = ("sms", "rcs", "voice")
KINDS = ("weekdays", "saturday", "sunday", "holidays")
#: Minutes of a day; a window may close with it.
A_DAY = 24 * 60
SATURDAY, SUNDAY = 5, 6
#: A week that is open at all is open again within this, whatever days its company keeps (see MOST_DAYS).
FARTHEST = timedelta(days=6 * 366)
#: Days of a company's own that a calendar takes.
MOST_DAYS = 100
#: The area of a number that belongs to no area code of Brazil.
ABROAD = ""
BRAZIL = "+55"


@dataclass(frozen=True)
class Hours:
    """From `opens` up to and without `closes`, in minutes since midnight."""

    opens: int
    closes: int


@dataclass(frozen=True)
class Week:
    """The hours of each kind of day; None is closed."""

    weekdays: Hours | None = None
    saturday: Hours | None = None
    sunday: Hours | None = None
    holidays: Hours | None = None

    def of(self, day: date, calendar: Calendar) -> Hours | None:
        """The hours of this day."""
        if calendar.is_holiday(day):
            return self.holidays
        return {SATURDAY: self.saturday, SUNDAY: self.sunday}.get(day.weekday(), self.weekdays)

    @property
    def ever_open(self) -> bool:
        """Whether it opens in an ordinary week."""
        return any((self.weekdays, self.saturday, self.sunday))


_NINE, _TEN = 9 * 60, 10 * 60
#: Telemarketing calls: Monday to Friday 9 to 21, Saturday 10 to 16 (as Valor reported on 2022-10-20).
CALLS = Week(weekdays=Hours(_NINE, 21 * 60), saturday=Hours(_TEN, 16 * 60))
_TEXTS = Week(weekdays=Hours(_NINE, 21 * 60), saturday=Hours(_NINE, 21 * 60))
_CAREFUL = Week(weekdays=Hours(_NINE, 18 * 60), saturday=Hours(_NINE, 13 * 60))
#: Usual hours to begin with; the careful ones are inside the hours of every carrier of Brazil.
PRESETS = {
    "usual": {"sms": _TEXTS, "rcs": _TEXTS, "voice": CALLS},
    "careful": {"sms": _CAREFUL, "rcs": _CAREFUL, "voice": Week(_CAREFUL.weekdays, Hours(_TEN, 13 * 60))},
}


@dataclass(frozen=True)
class Cap:
    """At most so many marketing messages to one person in so many days."""

    messages: int
    days: int


@dataclass(frozen=True)
class Rules:
    """What a company wants kept. `zone` is its own; a channel without a week is always open."""

    zone: str
    weeks: Mapping[str, Week] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    cap: Cap | None = None
    version: int = 0

    def opens_at(self, channel: str, area: str, moment: datetime) -> datetime:
        """The first moment from this one on at which people of this area may be written to."""
        week = self.weeks.get(channel)
        return next_open(week, self.calendar, self.zone_of(area), moment) if week else moment

    def zone_of(self, area: str) -> str:
        """Whose clock holds for an area."""
        return DDD_ZONES.get(area, self.zone)

    def closed(self, channel: str, moment: datetime) -> dict[str, datetime]:
        """Every area that is closed now, with its next opening."""
        if channel not in self.weeks:
            return {}
        openings = {area: self.opens_at(channel, area, moment) for area in _one_of_each(self.zone)}
        by_zone = {self.zone_of(area): opening for area, opening in openings.items()}
        return {
            area: by_zone[self.zone_of(area)]
            for area in (*AREAS, ABROAD)
            if by_zone[self.zone_of(area)] > moment
        }

    def through(self, channel: str, areas: Mapping[str, int], start: datetime, per_second: float) -> datetime:
        """When the last of so many people has it at this rate, beginning at `start`.

        People whose area is open share the rate; where none is, it waits for the next opening. What would take
        years is looked at no further than FARTHEST.
        """
        left = Counter({self.zone_of(area): 0 for area in areas})
        for area, people in areas.items():
            left[self.zone_of(area)] += people
        left = +left
        example = {self.zone_of(area): area for area in areas}
        moment = start
        while left and moment - start < FARTHEST:
            openings = {zone: self.opens_at(channel, example[zone], moment) for zone in left}
            going = [zone for zone, opening in openings.items() if opening <= moment]
            if not going:
                moment = min(openings.values())
                continue
            waiting = [opening for opening in openings.values() if opening > moment]
            closings = [self._closes_at(channel, example[zone], moment) for zone in going]
            change = min([*waiting, *filter(None, closings)], default=None)
            moment = _send(left, going, moment, change, per_second)
        return moment

    def _closes_at(self, channel: str, area: str, moment: datetime) -> datetime | None:
        """When the window that is open now ends; None where it never does."""
        week = self.weeks.get(channel)
        if week is None:
            return None
        day = moment.astimezone(_zone(self.zone_of(area))).date()
        window = _window(week, self.calendar, self.zone_of(area), day)
        return window[1] if window else None


#: Every spelling of an area code, in use or not: what is none of Brazil's is on the company's own clock.
AREAS = tuple(f"{area:02d}" for area in range(100))
#: How many areas there are.
EVERYWHERE = len((*AREAS, ABROAD))


def area_of(phone: str) -> str:
    """The area of a number (E.164) as `Rules` and the SQL of `messages.holding` know it."""
    return phone[3:5] if phone.startswith(BRAZIL) else ABROAD


def next_open(week: Week, calendar: Calendar, zone: str, moment: datetime) -> datetime:
    """The moment itself where it is open, else the next opening. The week opens some day (`ever_open`)."""
    day = moment.astimezone(_zone(zone)).date()
    for _ in range(FARTHEST.days):
        window = _window(week, calendar, zone, day)
        if window and moment < window[1]:
            return max(moment, window[0])
        day += timedelta(days=1)
    raise AssertionError("a week that never opens")  # the schema takes none


@lru_cache(maxsize=4_096)
def _window(week: Week, calendar: Calendar, zone: str, day: date) -> tuple[datetime, datetime] | None:
    """The window of this day as two moments; None where the day is closed."""
    hours = week.of(day, calendar)
    if hours is None:
        return None
    begin = max(_moments(day, hours.opens, zone))
    end = min(_moments(day, hours.closes, zone))
    return (begin, end) if begin < end else None


def _moments(day: date, minutes: int, zone: str) -> tuple[datetime, datetime]:
    """Both readings of a time of day: they differ where clocks are changed."""
    days, rest = divmod(minutes, A_DAY)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), _zone(zone))
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _one_of_each(own: str) -> list[str]:
    """An area of every zone there is to look at."""
    found = {zone: area for area, zone in DDD_ZONES.items()}
    return [*found.values(), ABROAD] if own not in found else list(found.values())


def _send(
    left: Counter[str], going: list[str], moment: datetime, change: datetime | None, per_second: float
) -> datetime:
    """Take away what leaves until the next change; when that is."""
    people = sum(left[zone] for zone in going)
    through = moment + timedelta(seconds=people / per_second)
    if change is None or through <= change:
        for zone in going:
            del left[zone]
        return through
    share = (change - moment).total_seconds() * per_second / people
    for zone in going:
        left[zone] -= int(left[zone] * share)
    return change


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
