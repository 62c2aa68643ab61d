"""What an RCS content says and costs. Pure: no database, no Flask.

Billing classes outside the United States (Infobip billing types, Vonage RCS billing): `basic` is text only,
at most 160 bytes of UTF-8, without media and suggestions; everything else is `single`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sintalk.message_templates import sms

BASIC_BYTES = 160
#: A whole message, its JSON in UTF-8 (AWS sms-limitations-rcs, Gupshup: 250 KB).
MAX_BYTES = 250_000
#: The fields that are addresses.
LINKS = ("url", "file_url", "thumbnail_url")
#: Characters of each text, before and after its placeholders are filled; sources in `rcs_schemas`.
LIMITS = {
    "message": {"body": 3072},
    "card": {"title": 200, "description": 2000},
    "media": {"file_url": 2000, "thumbnail_url": 2000},
    "chip": {
        "text": 25,
        "postback_data": 2048,
        "url": 2048,
        "label": 100,
        "title": 100,
        "description": 500,
    },
}


class Billing(NamedTuple):
    """`billed` is `basic` or `single`; `reason` is what decides: `rich`, `suggestions`, or `bytes` of the text."""

    billed: str
    reason: str
    bytes: int


def billing(content: Mapping[str, Any]) -> Billing:
    """What a content is billed as, and why; accents count two bytes, emoji four."""
    if content.get("type") != "text":
        return Billing("single", "rich", 0)
    size = len(content.get("text", {}).get("body", "").encode())
    if content.get("suggestions"):
        return Billing("single", "suggestions", size)
    return Billing("basic" if size <= BASIC_BYTES else "single", "bytes", size)


def billing_class(content: Mapping[str, Any]) -> str:
    """`basic` or `single`."""
    return billing(content).billed


def plain_text(content: Mapping[str, Any]) -> str:
    """The content in words, for tables, logs and search."""
    match content.get("type"):
        case "text":
            return str(content["text"]["body"])
        case "file":
            return str(content["file"]["file_url"])
        case "card":
            return _card_text(content["card"])
        case "carousel":
            return "\n".join(_card_text(card) for card in content["carousel"]["cards"])
    return ""


def _card_text(card: Mapping[str, Any]) -> str:
    words = [card.get("title"), card.get("description")]
    return ": ".join(word for word in words if word) or str((card.get("media") or {}).get("file_url", ""))


def fault_of(content: Mapping[str, Any]) -> str | None:
    """Why a content with its values filled in may not go out: `too_long`, `empty_message`, or None.

    A value can make a text longer than was known when the template was saved, a blank default can empty it.
    """
    for limit, text in _limited(content):
        if len(text) > limit:
            return "too_long"
        if not text or text.isspace():
            return "empty_message"
    fallback = (content.get("fallback") or {}).get("sms")
    if fallback and sms.measure(fallback["text"], fallback.get("encoding", "auto")).segments > sms.MAX_PARTS:
        return "too_long"
    return "too_long" if size(content) > MAX_BYTES else None


def size(content: Mapping[str, Any]) -> int:
    """Bytes of a whole message."""
    return len(json.dumps(content, ensure_ascii=False).encode())


def _limited(content: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Every text of a content that has a limit, with it."""
    yield from _texts("message", content.get("text"))
    yield from _texts("media", content.get("file"))
    for card in [content.get("card"), *(content.get("carousel") or {}).get("cards", [])]:
        if card:
            yield from _texts("card", card)
            yield from _texts("media", card.get("media"))
            for chip in card.get("suggestions") or []:
                yield from _texts("chip", chip)
    for chip in content.get("suggestions") or []:
        yield from _texts("chip", chip)


def _texts(part: str, fields: Mapping[str, Any] | None) -> Iterator[tuple[int, str]]:
    for name, limit in LIMITS[part].items():
        text = (fields or {}).get(name)
        if isinstance(text, str):
            yield limit, text
