"""What people type into the search box, as a condition that an index answers."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, cast, false, func, or_
from sqlalchemy.dialects.postgresql import TSQUERY

from sintalk.contacts import cleaning, phones
from sintalk.contacts.models import FOLD_FROM, FOLD_TO, Contact

_FOLD = str.maketrans(FOLD_FROM, FOLD_TO)
_LOOKS_LIKE_PHONE = re.compile(r"[\s+()\-./]*[0-9][0-9\s+()\-./]*")


def matching(text: str) -> ColumnElement[bool]:
    """Contacts that this finds: a phone (whole, without its DDD, or its beginning), the beginning of an
    address, or the beginnings of words of the name, in any order, without regard to case and accents."""
    text = cleaning.one_line(text)
    if _LOOKS_LIKE_PHONE.fullmatch(text):
        return _phone(text)
    if "@" in text:
        return func.lower(Contact.email).like(_literally(text.lower()) + "%", escape="\\")
    words = text.translate(_FOLD).lower().split()
    return Contact.words.op("@@")(cast(_beginnings(words), TSQUERY)) if words else false()


def with_phone(text: str) -> ColumnElement[bool]:
    """Contacts with exactly this number, in any spelling."""
    return Contact.phone == (phones.read(text).phone or text)


def with_email(text: str) -> ColumnElement[bool]:
    """Contacts with exactly this address, whatever its case."""
    return func.lower(Contact.email) == text.strip().lower()


def _phone(text: str) -> ColumnElement[bool]:
    reading = phones.read(text)
    if reading.phone:
        return Contact.phone == reading.phone
    digits = "".join(c for c in text if c in "0123456789").lstrip("0")
    if reading.reason == "phone_missing_area_code":
        return Contact.phone.in_(_in_every_area(digits))
    beginnings = [f"+{digits}%", f"+55{digits}%"]
    return or_(*(Contact.phone.like(beginning) for beginning in beginnings)) if digits else false()


def _in_every_area(digits: str) -> list[str]:
    readings = (phones.read(digits, default_ddd=ddd) for ddd in phones.DDD_ZONES)
    return [reading.phone for reading in readings if reading.phone]


def _literally(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _beginnings(words: list[str]) -> Any:
    quoted = ("'" + word.replace("\\", "\\\\").replace("'", "''") + "':*" for word in words)
    return " & ".join(quoted)
