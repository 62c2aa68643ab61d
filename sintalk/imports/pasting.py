"""What somebody pasted becomes a file like any other. Pure."""

from __future__ import annotations

import re

#: Characters; more than this is a file.
MAX = 2_000_000

_ONLY_NUMBERS = re.compile(r"[\d\s+()\-./,;|]*")
_BETWEEN = re.compile(r"[\n,;|]+")


def as_csv(text: str) -> bytes:
    """UTF-8 text in rows. Numbers alone stand one a row, whatever was between them, under a header; anything
    else stays as it is, so that cells copied from a spreadsheet keep their columns."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip("\n")
    if "\t" not in text and _ONLY_NUMBERS.fullmatch(text):
        numbers = (number.strip() for number in _BETWEEN.split(text))
        text = "\n".join(["Telefone", *filter(None, numbers)])
    return (text + "\n").encode("utf-8", "ignore")
