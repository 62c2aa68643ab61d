from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField

from sintalk.errors import Detail, Invalid
from sintalk.policies.calendar import OwnDay
from sintalk.policies.hours import A_DAY, CHANNELS, KINDS, Rules, Week
from sintalk.policies.schemas import SendingRulesIn, clock
from sintalk.web.forms import Form, typed
from sintalk.web.validation import check

ON = {
    "sms": _l("Send SMS of campaigns only in these hours"),
    "rcs": _l("Send RCS messages of campaigns only in these hours"),
    "voice": _l("Make calls of campaigns only in these hours"),
}
#: Days as they are written in a line: `25/01 Name`, `24/12/2026 Name`.
LINE = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?(?:\s+(.*))?", re.ASCII)
#: How a browser's field says the end of the day.
MIDNIGHT = "00:00"


class SendingRulesForm(Form):
    """Hours of three channels (`sms_on`, `sms_weekdays_opens`...), holidays one a line, the cap."""

    national_holidays = BooleanField(_l("Brazil’s national holidays"))
    holidays = TextAreaField(_l("Your own holidays"))
    cap_messages = StringField(_l("Messages at most"))
    cap_days = StringField(_l("In so many days"))

    @classmethod
    def of(cls, rules: Rules, weeks: Mapping[str, Week] | None = None) -> SendingRulesForm:
        """The form as it stands, or with these weeks instead."""
        weeks = rules.weeks if weeks is None else weeks
        data: dict[str, Any] = {
            "national_holidays": rules.calendar.national,
            "holidays": "\n".join(map(_line, rules.calendar.own)),
            "cap_messages": str(rules.cap.messages) if rules.cap else "",
            "cap_days": str(rules.cap.days) if rules.cap else "",
        }
        for channel, week in weeks.items():
            data[f"{channel}_on"] = True
            for kind in KINDS:
                if window := getattr(week, kind):
                    data[f"{channel}_{kind}_opens"] = clock(window.opens)
                    data[f"{channel}_{kind}_closes"] = clock(window.closes % A_DAY)
        return cls(formdata=None, data=data)

    def checked(self) -> SendingRulesIn:
        """As the contract takes it. Raises Invalid with all faults."""
        cap = {name: _number(typed(self[f"cap_{name}"])) for name in ("messages", "days")}
        cap = {name: value for name, value in cap.items() if value != ""}
        hours = {channel: self._week(channel) for channel in CHANNELS if self[f"{channel}_on"].data}
        given = {
            "hours": hours,
            "national_holidays": bool(self.national_holidays.data),
            "holidays": self._holidays(),
            "frequency_cap": cap or None,
        }
        return check(SendingRulesIn, given)

    def _week(self, channel: str) -> dict[str, dict[str, str]]:
        return {kind: hours for kind in KINDS if (hours := self._hours(f"{channel}_{kind}"))}

    def _hours(self, name: str) -> dict[str, str]:
        opens, closes = typed(self[f"{name}_opens"]).strip(), typed(self[f"{name}_closes"]).strip()
        closes = clock(A_DAY) if closes == MIDNIGHT else closes
        return {end: value for end, value in (("opens", opens), ("closes", closes)) if value}

    def _holidays(self) -> list[dict[str, str]]:
        lines = [line.strip() for line in typed(self.holidays).splitlines()]
        return [_read(line) for line in lines if line]


def field_of(path: str) -> str:
    """The field of the form that a path of the contract is about: `hours.sms.sunday` -> `sms_sunday_closes`."""
    parts = re.split(r"[.\[]", path)
    if parts[0] == "hours" and len(parts) > 1:
        names = (
            parts[1:] if len(parts) == 4 else [*parts[1:], "closes"] if len(parts) == 3 else [parts[1], "on"]
        )
        return "_".join(names)
    if parts[0] == "frequency_cap":
        return f"cap_{parts[-1]}"
    return parts[0]


def _number(written: str) -> int | str:
    written = written.strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else written


def _line(day: OwnDay) -> str:
    written = f"{day.day:02d}/{day.month:02d}" + (f"/{day.year}" if day.year else "")
    return f"{written} {day.name}".rstrip()


def _read(line: str) -> dict[str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        sentence = _("Write one per line, day and month first, as in “25/01 City’s anniversary”.")
        raise Invalid(Detail("holidays", "malformed", sentence))
    day, month, year, name = match.groups()
    try:
        found = OwnDay.read(f"{year}-" * bool(year) + f"{int(month):02d}-{int(day):02d}")
    except ValueError:
        sentence = _(
            "There is no day “%(line)s”. Day and month first, as in “25/01 City’s anniversary”.", line=line
        )
        raise Invalid(Detail("holidays", "invalid_date", sentence)) from None
    return {"date": found.written, "name": name or ""}


def _add_fields() -> None:
    """Three channels, four kinds of day, two ends: by name, so that a template and a fault can find them."""
    kinds = {"opens": _l("From"), "closes": _l("Until")}
    for channel in CHANNELS:
        setattr(SendingRulesForm, f"{channel}_on", BooleanField(ON[channel]))
        for kind in KINDS:
            for end, word in kinds.items():
                setattr(SendingRulesForm, f"{channel}_{kind}_{end}", StringField(word))


_add_fields()
