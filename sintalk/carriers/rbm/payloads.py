"""Our rendered RCS content as Google's RCS for Business takes it: `AgentMessage`, by `phones.agentMessages.create`.

Names and limits: the published client types (`rcsbusinessmessaging` v1) and "Send messages". Pure.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from sintalk.carriers.ttl import ttl_of

Content = Mapping[str, Any]

#: Google's words for what a message is about.
TRAFFIC = {
    "authentication": "AUTHENTICATION",
    "transaction": "TRANSACTION",
    "promotion": "PROMOTION",
    "service_request": "SERVICEREQUEST",
    "acknowledgement": "ACKNOWLEDGEMENT",
}
#: Seconds: 15 days.
LONGEST_TTL = 1_296_000


def agent_message(content: Content) -> dict[str, Any]:
    """The body of the request. `ttl` is a duration, `"86400s"`; the message's id stands in the address, not here."""
    message: dict[str, Any] = {"contentMessage": agent_content_message(content)}
    ttl = ttl_of(content, most=LONGEST_TTL)
    if ttl is not None:
        message["ttl"] = f"{ttl}s"
    if content.get("traffic_type"):
        message["messageTrafficType"] = TRAFFIC[content["traffic_type"]]
    return message


def agent_content_message(content: Content) -> dict[str, Any]:
    """Exactly one of text, contentInfo and richCard, and the suggestions under it."""
    match content["type"]:
        case "text":
            message: dict[str, Any] = {"text": content["text"]["body"]}
        case "file":
            message = {"contentInfo": _content_info(content["file"])}
        case "card":
            message = {"richCard": {"standaloneCard": _standalone(content["card"])}}
        case "carousel":
            message = {"richCard": {"carouselCard": _carousel(content["carousel"])}}
        case other:
            raise ValueError(f"no RCS content: {other!r}")
    return message | _suggestions(content)


def _standalone(card: Content) -> dict[str, Any]:
    found = {"cardOrientation": card["orientation"].upper(), "cardContent": _card(card)}
    if card.get("thumbnail_alignment"):
        found["thumbnailImageAlignment"] = card["thumbnail_alignment"].upper()
    return found


def _carousel(carousel: Content) -> dict[str, Any]:
    return {
        "cardWidth": carousel["card_width"].upper(),
        "cardContents": [_card(card) for card in carousel["cards"]],
    }


def _card(card: Content) -> dict[str, Any]:
    found: dict[str, Any] = {name: card[name] for name in ("title", "description") if card.get(name)}
    if card.get("media"):
        media: dict[str, Any] = {"contentInfo": _content_info(card["media"])}
        if card["media"].get("height"):
            media["height"] = card["media"]["height"].upper()
        found["media"] = media
    return found | _suggestions(card)


def _content_info(file: Content) -> dict[str, Any]:
    info = {"fileUrl": file["file_url"]}
    return info | ({"thumbnailUrl": file["thumbnail_url"]} if file.get("thumbnail_url") else {})


def _suggestions(holder: Content) -> dict[str, Any]:
    chips = holder.get("suggestions")
    return {"suggestions": [_suggestion(chip) for chip in chips]} if chips else {}


def _suggestion(chip: Content) -> dict[str, Any]:
    # The client types call it base64: bytes in JSON.
    words = {"text": chip["text"], "postbackData": b64encode(chip["postback_data"].encode()).decode()}
    if chip["type"] == "reply":
        return {"reply": words}
    return {"action": words | _action(chip)}


def _action(chip: Content) -> dict[str, Any]:
    match chip["type"]:
        case "open_url":
            return {"openUrlAction": {"url": chip["url"]}}
        case "dial":
            return {"dialAction": {"phoneNumber": chip["phone"]}}
        case "view_location":
            place = {"latLong": {"latitude": chip["latitude"], "longitude": chip["longitude"]}}
            return {"viewLocationAction": place | ({"label": chip["label"]} if chip.get("label") else {})}
        case "share_location":
            return {"shareLocationAction": {}}
        case "create_calendar_event":
            event = {"title": chip["title"], "startTime": chip["start_time"], "endTime": chip["end_time"]}
            more = {"description": chip["description"]} if chip.get("description") else {}
            return {"createCalendarEventAction": event | more}
    raise ValueError(f"no suggestion: {chip['type']!r}")
