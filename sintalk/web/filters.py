"""How numbers, money, times and phones are written, in the person's language and the tenant's time zone.

Template filters: `money`, `number`, `percent`, `filesize`, `datetime`, `date`, `time`, `ago`, `duration`,
`phone`. Template functions: `url_with(**changes)` (this address with changed parameters),
`has_page(endpoint)` and `theme()`. Template test: `is page` (the same as `has_page`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import phonenumbers
from babel import numbers
from flask import Flask, current_app, request, url_for
from flask_babel import (
    format_date,
    format_datetime,
    format_time,
    format_timedelta,
    get_locale,
    to_user_timezone,
)
from flask_babel import gettext as _

from sintalk.web import words

MICROS = 1_000_000
THEMES = ("light", "dark")
BRAZILIAN = re.compile(r"\+55(\d\d)(9\d{4}|[2-5]\d{3})(\d{4})")


def init(app: Flask) -> None:
    """Give the templates their words."""
    app.jinja_env.filters.update(
        money=money,
        money_micros=money,
        number=number,
        percent=percent,
        filesize=filesize,
        datetime=moment,
        date=day,
        time=clock,
        ago=ago,
        duration=duration,
        phone=phone,
        iso=iso,
    )
    app.jinja_env.tests["page"] = has_page
    app.jinja_env.globals.update(url_with=url_with, has_page=has_page, theme=theme, words=words)


def money(micros: int | None, currency: str = "BRL") -> str:
    """Micro-units as money, `R$ 1.250,50`; parts of a cent are shown where there are any."""
    if micros is None:
        return ""
    digits = 2 if micros % (MICROS // 100) == 0 else 4
    return numbers.format_currency(
        Decimal(micros) / MICROS,
        currency,
        format=numbers_pattern(digits),
        locale=get_locale(),
        currency_digits=False,
    )


def numbers_pattern(digits: int) -> str:
    """The locale's own currency pattern, with this many decimal digits."""
    pattern = get_locale().currency_formats["standard"].pattern
    return re.sub(r"0\.0+", f"0.{'0' * digits}", pattern)


def number(value: float | None) -> str:
    """`48.210`"""
    return "" if value is None else numbers.format_decimal(value, locale=get_locale())


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 1 as `42%`; never rounded up to all or down to nothing."""
    if share is None:
        return ""
    step = 10 ** -(digits + 2)
    if 0 < share < 1:
        share = min(max(share, step), 1 - step)
    pattern = "#,##0%" if digits == 0 else f"#,##0.{'0' * digits}%"
    return numbers.format_percent(share, format=pattern, locale=get_locale())


def filesize(count: int | None) -> str:
    """Bytes as `3,4 MB`, counted as people's file managers do: 1 MB is 1,024 KB."""
    size, unit = Decimal(count or 0), "B"
    for larger in ("KB", "MB", "GB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{numbers.format_decimal(size, format='#,##0.#', locale=get_locale())} {unit}"


def moment(value: datetime | None, style: str = "medium") -> str:
    """Day and time in the tenant's time zone; seconds only in style `full`."""
    if value is None:
        return ""
    if style == "full":
        return format_datetime(value, "medium")
    return f"{format_date(to_user_timezone(value), style)} {format_time(value, 'short')}"


def day(value: datetime | date | None, style: str = "medium") -> str:
    """The day in the tenant's time zone."""
    if value is None:
        return ""
    return format_date(to_user_timezone(value) if isinstance(value, datetime) else value, style)


def clock(value: datetime | None, style: str = "short") -> str:
    """The time of day in the tenant's time zone."""
    return "" if value is None else format_time(value, style)


def ago(value: datetime | None) -> str:
    """`2 minutes ago`; beyond a week the day itself."""
    if value is None:
        return ""
    passed = datetime.now(UTC) - value
    if abs(passed) < timedelta(seconds=5):
        return _("just now")
    if abs(passed) > timedelta(days=7):
        return day(value)
    return format_timedelta(-passed, add_direction=True)


def duration(seconds: float | None) -> str:
    """`3 minutes`, in one unit."""
    return "" if seconds is None else format_timedelta(timedelta(seconds=max(1, round(seconds))))


def phone(e164: str | None) -> str:
    """`+55 (11) 99999-9999`; numbers of other countries as their people write them."""
    if not e164:
        return ""
    brazilian = BRAZILIAN.fullmatch(e164)
    if brazilian:
        return "+55 ({}) {}-{}".format(*brazilian.groups())
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def iso(value: datetime | None) -> str:
    """For `<time datetime=...>`."""
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="seconds")


def url_with(**changes: Any) -> str:
    """This page's address with changed parameters; None takes one away.

    Whatever changes, except the page itself, starts again at the first page.
    """
    args: dict[str, Any] = request.args.to_dict(flat=False)
    if not {"offset", "after", "page"} & changes.keys():
        changes = {"offset": None, "after": None, "page": None, **changes}
    args.update(changes)
    kept = {name: value for name, value in args.items() if value not in (None, "", [""])}
    return url_for(request.endpoint or "", **{**(request.view_args or {}), **kept})


def has_page(endpoint: str) -> bool:
    """Whether this page exists already: nothing is linked that is not there."""
    return endpoint in current_app.view_functions


def theme() -> str:
    """`light`, `dark`, or empty for as the system has it."""
    wish = request.cookies.get("theme", "")
    return wish if wish in THEMES else ""
