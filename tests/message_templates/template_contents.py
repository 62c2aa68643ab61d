"""Contents of templates to change one thing at a time in."""

from __future__ import annotations

import copy
import re
from typing import Any

URL = "https://example.com/a.png"


def reply(**changes: Any) -> dict[str, Any]:
    return {"type": "reply", "text": "Sim", "postback_data": "sim", **changes}


def chip(kind: str, **fields: Any) -> dict[str, Any]:
    return reply(type=kind, **fields)


def rcs(kind: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Modelo", "channel": "rcs", "rcs": {"type": kind, kind: content, **more}}


def text_message(body: str = "Oi", **more: Any) -> dict[str, Any]:
    return rcs("text", {"body": body}, **more)


def card(**fields: Any) -> dict[str, Any]:
    return rcs("card", {"orientation": "vertical", "title": "Oi", **fields})


def carousel(count: int = 2, **fields: Any) -> dict[str, Any]:
    cards = [{"title": f"Cartão {number}"} for number in range(count)]
    return rcs("carousel", {"card_width": "medium", "cards": cards, **fields})


def sms(text: str = "Oi", **more: Any) -> dict[str, Any]:
    return {"name": "Modelo", "channel": "sms", "sms": {"text": text, **more}}


def voice(**fields: Any) -> dict[str, Any]:
    return {"name": "Modelo", "channel": "voice", "voice": {"source": "tts", "tts": {"text": "Oi"}, **fields}}


def changed(template: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The template with another value at this path, `rcs.carousel.cards[2].title`."""
    result = copy.deepcopy(template)
    *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)]
    place: Any = result
    for part in way:
        place = place[part]
    place[last] = value
    return result
