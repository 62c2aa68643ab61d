"""What cells tell about themselves: whether a first row names the columns, and which column holds what. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sintalk.contacts import cleaning, phones
from sintalk.imports import mapping

#: A column is what at least this share of its filled cells is.
_MOST = 0.6
_WORDS = re.compile(r"[^\W\d_]{2,}(?:[\s.'’-]+[^\W\d_]+)*\.?")


def is_header(first: Sequence[str]) -> bool:
    """Whether the first row names the columns: it does unless somebody could be reached by it.

    A known word for what people are reached by decides before that; "Cliente" does not, it may be content.
    """
    return any(map(mapping.says_where_to, first)) or not any(map(_reaches, first))


def guess(sample: Sequence[Sequence[str]]) -> dict[str, int]:
    """Columns by their content: {"phone": 1, "email": 2, "name": 0}. What is in no column is left out.

    The phone column is the one with the most mobiles, the first of equals; so is that of names the one with
    the most texts of two words and more.
    """
    columns = [
        [cell for row in sample if len(row) > i and (cell := row[i].strip())]
        for i in range(max(map(len, sample), default=0))
    ]
    found: dict[str, int] = {}
    for what, worth in (("email", _is_email), ("phone", _phone_worth), ("name", _name_worth)):
        rates = {i: _rate(cells, worth) for i, cells in enumerate(columns) if i not in found.values()}
        best = max(rates, key=lambda i: rates[i], default=None)
        if best is not None and rates[best] >= _MOST:
            found[what] = best
    if "phone" not in found or _rate(columns[found["phone"]], _lacks_ddd) < _MOST:
        return found
    ddd = [i for i, cells in enumerate(columns) if i not in found.values() and _rate(cells, _is_ddd) == 1]
    return {**found, "ddd": ddd[0]} if ddd else found


def _reaches(cell: str) -> bool:
    return _is_email(cell) or phones.read(cell).phone is not None


def _rate(cells: Sequence[str], worth: Callable[[str], float]) -> float:
    return sum(map(worth, cells)) / len(cells) if cells else 0


def _is_email(cell: str) -> bool:
    return "@" in cell and cleaning.email(cell.strip()) is not None


def _phone_worth(cell: str) -> float:
    """A number without its area code counts, for that may stand in another column."""
    reading = phones.read(cell, default_ddd="11")
    return 0 if reading.phone is None else 1 if reading.kind == "mobile" else 0.8


def _name_worth(cell: str) -> float:
    """Names of people have a first and a last one; towns and colours mostly do not."""
    if not _WORDS.fullmatch(cell):
        return 0
    return 1 if " " in cell else 0.6


def _lacks_ddd(cell: str) -> bool:
    return phones.read(cell).reason == "phone_missing_area_code"


def _is_ddd(cell: str) -> bool:
    return phones.is_ddd(cell.strip("() ").lstrip("0"))
