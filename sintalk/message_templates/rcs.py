"""What an RCS content says and costs. Pure: no database, no Flask.

Billing classes outside the United States (Infobip billing types, Vonage RCS billing): `basic` is text only,
at most 160 bytes of UTF-8, without media and suggestions; everything else is `single`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BASIC_BYTES = 160


def billing_class(content: Mapping[str, Any]) -> str:
    """`basic` or `single`; accents count two bytes, emoji four."""
    if content.get("type") != "text" or content.get("suggestions"):
        return "single"
    body = content.get("text", {}).get("body", "")
    return "basic" if len(body.encode()) <= BASIC_BYTES else "single"


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
