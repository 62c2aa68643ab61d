"""Our rendered RCS content as AWS End User Messaging takes it: the parameters of `SendRcsMessage`.

Names and limits: botocore's model of `pinpoint-sms-voice-v2`. The SMS that follows is ours to send and to charge,
so AWS's own fallback is not asked for. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sintalk.carriers.ttl import ttl_of

Content = Mapping[str, Any]

#: Seconds: 48 hours.
LONGEST_TTL = 172_800


def send_rcs_message(content: Content, *, to: str, sender: str) -> dict[str, Any]:
    """The call's parameters: `to` is E.164, `sender` the agent's id or ARN, or a pool's."""
    message: dict[str, Any] = {"Content": _content(content)} | _suggestions(content)
    call: dict[str, Any] = {
        "DestinationPhoneNumber": to,
        "OriginationIdentity": sender,
        "RcsMessageContent": message,
    }
    ttl = ttl_of(content, most=LONGEST_TTL)
    if ttl is not None:
        call["TimeToLive"] = ttl
    if content.get("traffic_type"):
        call["MessageTrafficType"] = content["traffic_type"].upper()
    return call


def _content(content: Content) -> dict[str, Any]:
    match content["type"]:
        case "text":
            return {"TextMessage": {"Body": content["text"]["body"]}}
        case "file":
            return {"FileMessage": _file(content["file"])}
        case "card":
            return {"RichCard": _standalone(content["card"])}
        case "carousel":
            carousel = content["carousel"]
            cards = [_card(card, in_carousel=True) for card in carousel["cards"]]
            return {"Carousel": {"CardWidth": carousel["card_width"].upper(), "CardContents": cards}}
    raise ValueError(f"no RCS content: {content['type']!r}")


def _standalone(card: Content) -> dict[str, Any]:
    found = {"CardOrientation": card["orientation"].upper(), "CardContent": _card(card)}
    if card.get("thumbnail_alignment"):
        found["ThumbnailImageAlignment"] = card["thumbnail_alignment"].upper()
    return found


def _card(card: Content, *, in_carousel: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        there: card[ours]
        for ours, there in (("title", "Title"), ("description", "Description"))
        if card.get(ours)
    }
    if card.get("media"):
        height = card["media"].get("height")
        # AWS has no tall pictures in a carousel; Google has, in medium cards
        height = "medium" if in_carousel and height == "tall" else height
        found["Media"] = _file(card["media"]) | ({"Height": height.upper()} if height else {})
    return found | _suggestions(card)


def _file(file: Content) -> dict[str, Any]:
    found = {"FileUrl": file["file_url"]}
    return found | ({"ThumbnailUrl": file["thumbnail_url"]} if file.get("thumbnail_url") else {})


def _suggestions(holder: Content) -> dict[str, Any]:
    chips = holder.get("suggestions")
    return {"Suggestions": [_suggestion(chip) for chip in chips]} if chips else {}


def _suggestion(chip: Content) -> dict[str, Any]:
    name, more = _action(chip)
    return {name: {"Text": chip["text"], "PostbackData": chip["postback_data"]} | more}


def _action(chip: Content) -> tuple[str, dict[str, Any]]:
    match chip["type"]:
        case "reply":
            return "Reply", {}
        case "open_url":
            return "OpenUrl", {"Url": chip["url"]}
        case "dial":
            return "DialPhone", {"PhoneNumber": chip["phone"]}
        case "view_location":
            place = {"Latitude": chip["latitude"], "Longitude": chip["longitude"]}
            return "ShowLocation", place | ({"Label": chip["label"]} if chip.get("label") else {})
        case "share_location":
            return "RequestLocation", {}
        case "create_calendar_event":
            event = {"Title": chip["title"], "StartTime": chip["start_time"], "EndTime": chip["end_time"]}
            more = {"Description": chip["description"]} if chip.get("description") else {}
            return "CreateCalendarEvent", event | more
    raise ValueError(f"no suggestion: {chip['type']!r}")
