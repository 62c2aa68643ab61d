"""What a phone shows of an RCS content, as a model that a page draws. Pure: no database, no Flask.

The editor's script draws the same from the form (static/js/rcs-phone.js); a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

#: The icon of each kind of chip; a reply has none, as on phones.
CHIP_ICONS = {
    "open_url": "external-link",
    "dial": "phone",
    "view_location": "map-pin",
    "share_location": "send",
    "create_calendar_event": "calendar-event",
}
MEDIA_KINDS = {
    "image": ("jpg", "jpeg", "png", "gif", "webp"),
    "video": ("mp4", "m4v", "webm", "mpeg", "mpg", "3gp", "mov"),
    "audio": ("mp3", "aac", "ogg", "m4a", "amr", "wav"),
    "pdf": ("pdf",),
}
MEDIA_ICONS = {
    "image": "photo",
    "video": "player-play",
    "audio": "volume",
    "pdf": "file-text",
    "file": "file-text",
}


class Chip(NamedTuple):
    """A suggestion as it is tapped; `icon` may be empty. `place`: `0` under the message, `2.0` on its third card."""

    text: str
    icon: str
    place: str


class Media(NamedTuple):
    """`shown` is the address of a picture to draw, or empty: then an icon and the file's name stand there.

    `url` is the file's own address, or empty where it is none that a browser could open.
    """

    kind: str
    name: str
    icon: str
    shown: str
    height: str
    url: str


class Card(NamedTuple):
    """`layout` holds the words of its classes: `vertical`, or `horizontal left`."""

    layout: str
    title: str
    description: str
    media: Media | None
    chips: list[Chip]


class Phone(NamedTuple):
    """One of `bubble`, `file` and `cards` is there; `width` only for a carousel."""

    bubble: str | None
    file: Media | None
    cards: list[Card]
    width: str
    chips: list[Chip]


def phone(content: Mapping[str, Any]) -> Phone:
    """The model of a content with its values filled in; tolerant of what is not written yet."""
    kind = content.get("type")
    card, carousel = content.get("card") or {}, content.get("carousel") or {}
    cards = [card] if kind == "card" else carousel.get("cards", []) if kind == "carousel" else []
    return Phone(
        bubble=(content.get("text") or {}).get("body", "") if kind == "text" else None,
        file=_media(content.get("file") or {}) if kind == "file" else None,
        cards=[_card(it, f"{number}.") for number, it in enumerate(cards)],
        width=carousel.get("card_width") or "medium" if kind == "carousel" else "",
        chips=_chips(content),
    )


def _card(card: Mapping[str, Any], place: str) -> Card:
    horizontal = card.get("orientation") == "horizontal"
    return Card(
        layout=f"horizontal {card.get('thumbnail_alignment') or 'left'}" if horizontal else "vertical",
        title=card.get("title") or "",
        description=card.get("description") or "",
        media=_media(card["media"], "" if horizontal else "short") if card.get("media") else None,
        chips=_chips(card, place),
    )


def _media(media: Mapping[str, Any], height: str = "") -> Media:
    """The height is `short` where none is chosen, as gateways take it (8x8)."""
    url, thumbnail = media.get("file_url") or "", media.get("thumbnail_url") or ""
    kind = kind_of(url)
    shown = url if kind == "image" else thumbnail
    tall = (media.get("height") or height) if height else ""
    openable = url if url.startswith(("https://", "http://")) else ""
    return Media(kind, name_of(url), MEDIA_ICONS[kind], shown, tall, openable)


def _chips(part: Mapping[str, Any], place: str = "") -> list[Chip]:
    return [
        Chip(chip.get("text", ""), CHIP_ICONS.get(chip.get("type", ""), ""), f"{place}{number}")
        for number, chip in enumerate(part.get("suggestions") or [])
    ]


def kind_of(url: str) -> str:
    """`image`, `video`, `audio`, `pdf`, or `file` where the address does not tell."""
    ending = name_of(url).rpartition(".")[2].lower()
    return next((kind for kind, endings in MEDIA_KINDS.items() if ending in endings), "file")


def name_of(url: str) -> str:
    """The file's name in an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return unquote(parts.path.rpartition("/")[2]) if parts.scheme and parts.netloc else ""
