"""What an RCS content says and costs. Pure: no database, no Flask.

Billing classes outside the United States (Infobip billing types, Vonage RCS billing): `basic` is text only,
at most 160 bytes of UTF-8, without media and suggestions; everything else is `single`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

BASIC_BYTES = 160


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
