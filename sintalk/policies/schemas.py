from __future__ import annotations

from datetime import date
from typing import Annotated

from flask_babel import gettext as _
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sintalk.policies.calendar import Calendar, OwnDay, in_order, upcoming
from sintalk.policies.hours import A_DAY, CHANNELS, KINDS, MOST_DAYS, Cap, Hours, Rules, Week
from sintalk.web.schemas import Answer, Body

MOST_MESSAGES, LONGEST_DAYS = 100, 90


def minutes(written: str) -> int:
    """`08:30` as minutes since midnight; `24:00` is the end of the day."""
    hour, _colon, minute = written.partition(":")
    return int(hour) * 60 + int(minute)


def clock(since_midnight: int) -> str:
    """The other way round."""
    return f"{since_midnight // 60:02d}:{since_midnight % 60:02d}"


def _time(value: str) -> str:
    hour, colon, minute = value.partition(":")
    digits = len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()
    if not (colon and digits and int(minute) < 60 and minutes(value) <= A_DAY):
        sentence = _("Write a time as in 08:00; the day ends at 24:00.")
        raise PydanticCustomError("invalid_time", "{sentence}", {"sentence": sentence})
    return value


def _own_day(value: str) -> str:
    try:
        OwnDay.read(value)
    except ValueError:
        sentence = _("There is no such day. Write it as 2026-12-24, or 12-24 for every year.")
        raise PydanticCustomError("invalid_date", "{sentence}", {"sentence": sentence}) from None
    return value


Time = Annotated[str, AfterValidator(_time), Field(examples=["08:00"])]


class HoursIn(Body):
    """From and until, on the recipient's clock."""

    opens: Time
    closes: Time = Field(examples=["20:00"], description="`24:00` is the end of the day")

    @model_validator(mode="after")
    def _in_order(self) -> HoursIn:
        if minutes(self.opens) >= minutes(self.closes):
            sentence = _("It has to close after it opens, on the same day.")
            raise PydanticCustomError("out_of_order", "{sentence}", {"sentence": sentence})
        return self


class WeekIn(Body):
    """Days left out, or null, are closed."""

    weekdays: HoursIn | None = Field(None, description="Monday to Friday")
    saturday: HoursIn | None = None
    sunday: HoursIn | None = None
    holidays: HoursIn | None = Field(None, description="On whatever weekday they fall")

    @model_validator(mode="after")
    def _opens_some_day(self) -> WeekIn:
        if not (self.weekdays or self.saturday or self.sunday):
            sentence = _("It has to open on some day besides holidays, or nothing would ever leave.")
            raise PydanticCustomError("never_open", "{sentence}", {"sentence": sentence})
        return self

    def as_week(self) -> Week:
        """As the rules reckon with it."""
        return Week(**{kind: _hours(getattr(self, kind)) for kind in KINDS})


class SendingHoursIn(Body):
    """By channel; null, or left out: at any time."""

    sms: WeekIn | None = None
    rcs: WeekIn | None = None
    voice: WeekIn | None = None


class HolidayIn(Body):
    """A day of the company's own: of its city, or one on which it keeps silent."""

    date: Annotated[str, AfterValidator(_own_day)] = Field(
        examples=["01-25"], description="`2026-12-24`, or `12-24` for every year"
    )
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(
        "", examples=["Aniversário de São Paulo"]
    )


class CapIn(Body):
    """What is over it is left out, as `frequency_cap`."""

    messages: int = Field(ge=1, le=MOST_MESSAGES, examples=[5])
    days: int = Field(ge=1, le=LONGEST_DAYS, examples=[7])


class SendingRulesIn(Body):
    """What is left out holds no more."""

    hours: SendingHoursIn = Field(default_factory=SendingHoursIn)
    national_holidays: bool = Field(True, description="Whether Brazil's national holidays are holidays")
    holidays: list[HolidayIn] = Field(default_factory=list, max_length=MOST_DAYS)
    frequency_cap: CapIn | None = None

    def as_rules(self, zone: str) -> Rules:
        """As they are kept to."""
        days = [OwnDay.read(one.date, one.name) for one in self.holidays]
        weeks = {channel: getattr(self.hours, channel) for channel in CHANNELS}
        cap = self.frequency_cap
        return Rules(
            zone,
            {channel: week.as_week() for channel, week in weeks.items() if week},
            Calendar(self.national_holidays, in_order(days)),
            Cap(cap.messages, cap.days) if cap else None,
        )


class HoursOut(Answer):
    opens: str = Field(examples=["08:00"])
    closes: str = Field(examples=["20:00"])


class WeekOut(Answer):
    """null: closed."""

    weekdays: HoursOut | None
    saturday: HoursOut | None
    sunday: HoursOut | None
    holidays: HoursOut | None


class SendingHoursOut(Answer):
    """null: at any time."""

    sms: WeekOut | None
    rcs: WeekOut | None
    voice: WeekOut | None


class HolidayOut(Answer):
    date: str = Field(examples=["01-25"])
    name: str = Field(examples=["Aniversário de São Paulo"])


class CapOut(Answer):
    messages: int = Field(examples=[5])
    days: int = Field(examples=[7])


class SendingRulesOut(Answer):
    """When and how often marketing may reach somebody."""

    hours: SendingHoursOut
    national_holidays: bool
    next_national_holidays: list[HolidayOut] = Field(description="The next five, with their names")
    holidays: list[HolidayOut]
    frequency_cap: CapOut | None = Field(description="null: none")

    @classmethod
    def of(cls, rules: Rules, today: date) -> SendingRulesOut:
        """As the contract writes them."""
        nexts = [HolidayOut(date=day.isoformat(), name=str(name)) for day, name in upcoming(today, 5)]
        return cls(
            hours=SendingHoursOut(**{channel: _week_out(rules.weeks.get(channel)) for channel in CHANNELS}),
            national_holidays=rules.calendar.national,
            next_national_holidays=nexts,
            holidays=[HolidayOut(date=one.written, name=one.name) for one in rules.calendar.own],
            frequency_cap=CapOut.model_validate(rules.cap) if rules.cap else None,
        )


def _hours(hours: HoursIn | None) -> Hours | None:
    return Hours(minutes(hours.opens), minutes(hours.closes)) if hours else None


def _week_out(week: Week | None) -> WeekOut | None:
    if week is None:
        return None
    windows = {kind: getattr(week, kind) for kind in KINDS}
    return WeekOut(
        **{
            kind: HoursOut(opens=clock(window.opens), closes=clock(window.closes)) if window else None
            for kind, window in windows.items()
        }
    )
