"""The time zones that there are, by their names in the IANA database."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known() -> frozenset[str]:
    """All names. To collect them means to read hundreds of files, so it is done once."""
    return frozenset(available_timezones())
