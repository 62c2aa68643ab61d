"""Text as it may be kept: names, addresses and attributes from people, files and programs. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 200
MAX_EMAIL = 254
MAX_ATTRIBUTES = 200
MAX_ATTRIBUTE_NAME = 100
MAX_ATTRIBUTE_VALUE = 100 * 1024

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?:[\w](?:[\w-]*[\w])?\.)+[^\W\d_]{2,63}")


def one_line(text: str) -> str:
    """Line breaks and runs of spaces as one space; control characters and lone surrogates are gone."""
    if not text.isprintable():
        text = _CONTROLS.sub("", text)
    return " ".join(text.split())


def storable(text: str) -> str:
    """Any text as PostgreSQL takes it, with its line breaks."""
    return text.strip() if text.isprintable() else _CONTROLS.sub("", text).strip()


def email(text: str) -> str | None:
    """The address, or None where it is none. Looser than the RFCs on purpose: mail servers judge."""
    if not _EMAIL.fullmatch(text):
        text = one_line(text).removeprefix("mailto:").strip("<>'\" ;,")
        if not _EMAIL.fullmatch(text):
            return None
    return text if len(text) <= MAX_EMAIL and ".." not in text else None


def fold(text: str) -> str:
    """Letters and digits only, small and without accents: how headers and placeholders are compared."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if c.isalnum())
