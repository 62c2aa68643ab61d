"""When a person may be written to: tables of the calendar and of windows, and what holds for any rules at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter as known_easter
from hypothesis import given
from hypothesis import strategies as st

from sintalk.contacts.phones import DDD_ZONES
from sintalk.policies.calendar import Calendar, OwnDay, easter, national, upcoming
from sintalk.policies.hours import A_DAY, MOST_DAYS, PRESETS, Cap, Hours, Rules, Week, area_of, next_open

SAO_PAULO, ACRE = "America/Sao_Paulo", "America/Rio_Branco"
OFFICE = Hours(8 * 60, 20 * 60)
WEEKDAYS = Week(weekdays=OFFICE)
NO_DAYS = Calendar(national=False)


def local(written: str, zone: str = SAO_PAULO) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def shown(moment: datetime, zone: str = SAO_PAULO) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


# --- the calendar -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", range(1950, 2200))
def test_easter_is_what_others_reckon(year):
    assert easter(year) == known_easter(year)


def test_the_national_holidays_of_a_year():
    assert [day.isoformat() for day in national(2026)] == [
        "2026-01-01",
        "2026-04-03",  # Good Friday
        "2026-04-21",
        "2026-05-01",
        "2026-09-07",
        "2026-10-12",
        "2026-11-02",
        "2026-11-15",
        "2026-11-20",
        "2026-12-25",
    ]


def test_black_awareness_day_is_national_since_2024_only():
    assert date(2024, 11, 20) in national(2024)
    assert date(2023, 11, 20) not in national(2023)


@pytest.mark.parametrize("day", [date(2026, 2, 17), date(2026, 6, 4), date(2026, 11, 21)])
def test_carnival_and_corpus_christi_are_no_national_holidays(day):
    assert not Calendar().is_holiday(day)


def test_own_days_are_of_one_year_or_of_every_year():
    calendar = Calendar(own=(OwnDay.read("01-25"), OwnDay.read("2027-02-09"), OwnDay.read("02-29")))
    assert all(calendar.is_holiday(date(year, 1, 25)) for year in (2026, 2027))
    assert calendar.is_holiday(date(2027, 2, 9)) and not calendar.is_holiday(date(2028, 2, 9))
    assert calendar.is_holiday(date(2028, 2, 29)) and not calendar.is_holiday(date(2027, 2, 28))


@pytest.mark.parametrize("written", ["2026-02-29", "13-01", "1-1", "25/01", "", "2026-00-10", "0000-01-01"])
def test_what_is_no_day_is_refused(written):
    with pytest.raises(ValueError):
        OwnDay.read(written)


def test_a_company_abroad_need_not_keep_brazils_holidays():
    assert not NO_DAYS.is_holiday(date(2026, 12, 25))


def test_the_next_holidays_go_over_the_end_of_the_year():
    assert [day.isoformat() for day, _ in upcoming(date(2026, 12, 25), 3)] == [
        "2026-12-25",
        "2027-01-01",
        "2027-03-26",
    ]


# --- windows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23 07:59", "2026-11-23 08:00"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 12:34", "2026-11-23 12:34"),
        ("2026-11-23 19:59", "2026-11-23 19:59"),
        ("2026-11-23 20:00", "2026-11-24 08:00"),  # the end is outside
        ("2026-11-27 20:00", "2026-11-30 08:00"),  # from Friday night to Monday
        ("2026-11-19 21:00", "2026-11-23 08:00"),  # Friday the 20th is a holiday
        ("2026-12-24 21:00", "2026-12-28 08:00"),  # Christmas is a Friday
        ("2026-04-02 20:00", "2026-04-06 08:00"),  # Good Friday
    ],
)
def test_weekdays_from_8_to_20(now, opens):
    assert shown(next_open(WEEKDAYS, Calendar(), SAO_PAULO, local(now))) == opens


def test_each_kind_of_day_has_hours_of_its_own():
    week = Week(OFFICE, Hours(540, 780), Hours(600, 660), Hours(720, 780))
    at = [next_open(week, Calendar(), SAO_PAULO, local(f"{day} 00:00")) for day in
          ("2026-11-23", "2026-11-28", "2026-11-29", "2026-11-20", "2026-11-15")]  # fmt: skip
    assert [shown(moment)[-5:] for moment in at] == ["08:00", "09:00", "10:00", "12:00", "12:00"]


def test_a_day_may_be_open_to_its_very_end():
    week = Week(weekdays=Hours(0, A_DAY), saturday=Hours(0, A_DAY), sunday=Hours(0, A_DAY))
    for moment in (local("2026-11-23 23:59"), local("2026-11-24 00:00")):
        assert next_open(week, NO_DAYS, SAO_PAULO, moment) == moment


@pytest.mark.parametrize(
    ("phone", "opens"),
    [
        ("+5511987654321", "2026-11-23T11:00:00+00:00"),
        ("+5592987654321", "2026-11-23T12:00:00+00:00"),  # Manaus
        ("+5568987654321", "2026-11-23T13:00:00+00:00"),  # Acre
        ("+5581987654321", "2026-11-23T11:00:00+00:00"),  # Recife, not Noronha
        ("+14155552671", "2026-11-23T11:00:00+00:00"),  # abroad: the company's own clock
    ],
)
def test_hours_are_those_of_the_area_code(phone, opens):
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    assert rules.opens_at("sms", area_of(phone), local("2026-11-23 03:00")).isoformat() == opens


def test_a_channel_without_hours_is_always_open():
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    night = local("2026-11-23 03:00")
    assert rules.closed("rcs", night) == {} and rules.opens_at("rcs", "11", night) == night


def test_which_areas_are_closed_now():
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    shut = rules.closed("sms", local("2026-11-23 08:30"))
    closed = {area for area in shut if area in DDD_ZONES}
    assert closed == {"65", "66", "67", "68", "69", "92", "95", "97"}
    assert {shown(shut[area]) for area in ("92", "68")} == {"2026-11-23 09:00", "2026-11-23 10:00"}
    assert rules.closed("sms", local("2026-11-23 12:00")) == {}
    assert len(rules.closed("sms", local("2026-11-23 00:00"))) == 101  # every spelling of an area, and abroad


@pytest.mark.parametrize(
    ("zone", "now", "hours", "opens"),
    [
        # Clocks go forward: 02:30 is not there, the window begins where the clock has passed it.
        ("America/New_York", "2027-03-13T23:00-05:00", Hours(150, 600), "2027-03-14T03:30:00-04:00"),
        # Clocks go back: 01:30 is twice, and the later one opens.
        ("America/New_York", "2026-10-31T23:00-04:00", Hours(90, 600), "2026-11-01T01:30:00-05:00"),
        # 01:45 is twice, and the earlier one closes.
        ("America/New_York", "2026-11-01T01:44-04:00", Hours(0, 105), "2026-11-01T01:44:00-04:00"),
        ("America/New_York", "2026-11-01T01:45-04:00", Hours(0, 105), "2026-11-02T00:00:00-05:00"),
        ("Europe/Lisbon", "2027-03-27T22:00+00:00", Hours(480, 600), "2027-03-28T08:00:00+01:00"),
        # Midnight itself is not there.
        ("America/Santiago", "2026-09-05T23:00-04:00", Hours(0, 600), "2026-09-06T01:00:00-03:00"),
    ],
)
def test_where_clocks_are_changed_a_window_is_never_wider_than_meant(zone, now, hours, opens):
    week = Week(hours, hours, hours, hours)
    found = next_open(week, NO_DAYS, zone, datetime.fromisoformat(now).astimezone(UTC))
    assert found.astimezone(ZoneInfo(zone)).isoformat() == opens


# --- for any rules ----------------------------------------------------------------------------------------

MINUTES = st.integers(0, A_DAY)
HOURS = st.tuples(MINUTES, MINUTES).filter(lambda ends: ends[0] < ends[1]).map(lambda ends: Hours(*ends))
WEEKS = st.builds(Week, *[st.none() | HOURS] * 4).filter(lambda week: week.ever_open)
OWN = st.lists(
    st.builds(lambda day, yearly: OwnDay(day.month, day.day, None if yearly else day.year),
              st.dates(date(2026, 1, 1), date(2032, 12, 31)), st.booleans()), max_size=MOST_DAYS)  # fmt: skip
CALENDARS = st.builds(Calendar, st.booleans(), OWN.map(tuple))
ZONES = st.sampled_from(
    [
        *sorted(set(DDD_ZONES.values())),
        "America/New_York",
        "Europe/Lisbon",
        "America/Santiago",
        "Asia/Kathmandu",
    ]
)
#: From 2026 on, five years.
MOMENTS = st.integers(0, 5 * 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(WEEKS, CALENDARS, ZONES, MOMENTS)
def test_what_is_held_ends_at_an_open_moment(week, calendar, zone, moment):
    opening = next_open(week, calendar, zone, moment)
    assert opening >= moment
    assert next_open(week, calendar, zone, opening) == opening
    there = opening.astimezone(ZoneInfo(zone))
    hours = week.of(there.date(), calendar)
    assert hours is not None
    minute = there.hour * 60 + there.minute
    assert hours.opens <= minute < hours.closes


@given(WEEKS, CALENDARS, st.sampled_from([SAO_PAULO, ACRE]), MOMENTS, st.floats(0, 1))
def test_and_nothing_before_it_is_open(week, calendar, zone, moment, share):
    opening = next_open(week, calendar, zone, moment)
    between = moment + (opening - moment) * share
    if between < opening:
        assert next_open(week, calendar, zone, between) == opening


def test_days_of_ones_own_cannot_close_a_week_for_good():
    saturdays = [date(2026, 1, 3) + timedelta(days=7 * week) for week in range(MOST_DAYS)]
    calendar = Calendar(own=tuple(OwnDay(day.month, day.day) for day in saturdays))
    opening = next_open(Week(saturday=OFFICE), calendar, SAO_PAULO, local("2026-01-01 00:00"))
    assert opening > local("2026-01-01 00:00") and not calendar.is_holiday(opening.date())


# --- when the last one has it -------------------------------------------------------------------------------


def test_a_campaign_that_fits_ends_the_same_day():
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    end = rules.through("sms", {"11": 3_600}, local("2026-11-23 10:00"), per_second=1)
    assert shown(end) == "2026-11-23 11:00"


def test_what_does_not_fit_goes_on_at_the_next_opening():
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    end = rules.through("sms", {"11": 2 * 3_600}, local("2026-11-23 19:00"), per_second=1)
    assert shown(end) == "2026-11-24 09:00"


def test_a_night_launch_ends_with_the_last_zone():
    rules = Rules(SAO_PAULO, {"sms": WEEKDAYS})
    end = rules.through("sms", {"11": 600, "68": 600}, local("2026-11-23 01:00"), per_second=1)
    assert shown(end, ACRE) == "2026-11-23 08:10"


def test_without_hours_the_rate_alone_counts():
    end = Rules(SAO_PAULO).through("sms", {"11": 10, "": 10}, local("2026-11-23 01:00"), per_second=2)
    assert end == local("2026-11-23 01:00") + timedelta(seconds=10)


@given(
    WEEKS, ZONES, st.dictionaries(st.sampled_from(["11", "92", "68", "63", ""]), st.integers(1, 10_000), min_size=1),
    MOMENTS, st.floats(0.5, 5_000),
)  # fmt: skip
def test_the_end_is_open_or_just_closing_and_not_before_the_rate_allows(week, zone, areas, start, rate):
    rules = Rules(zone, {"sms": week})
    end = rules.through("sms", areas, start, rate)
    assert end >= start + timedelta(seconds=sum(areas.values()) / rate) - timedelta(seconds=1)


def test_presets_open_and_calls_keep_to_the_hours_of_telemarketing():
    assert all(week.ever_open for weeks in PRESETS.values() for week in weeks.values())
    for weeks in PRESETS.values():
        call = weeks["voice"]
        assert call.weekdays.opens >= 9 * 60 and call.weekdays.closes <= 21 * 60
        assert call.saturday.opens >= 10 * 60 and call.saturday.closes <= 16 * 60
        assert call.sunday is None and call.holidays is None
    assert Cap(5, 7).messages == 5
