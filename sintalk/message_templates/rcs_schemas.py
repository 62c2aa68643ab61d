"""RCS content as JSON. Limits are those of Google's RCS for Business and of AWS's SendRcsMessage; both agree
except where a comment says otherwise.

| what | limit | source |
|---|---|---|
| text body | 1..3072 characters, not blank | AWS RcsTextBody, Sinch, Vonage |
| suggestions | 11 on a message, 4 on a card | Google RCS client types, AWS |
| suggestion | text 1..25, postback 1..2048 | AWS |
| open_url | https, 1..2048 | AWS RcsOpenUrlAction |
| view_location | latitude +-90, longitude +-180, label 1..100 | AWS |
| calendar event | title 1..100, description 1..500 | AWS |
| card | title 1..200, description 1..2000, at least one of media, title, description | Google, AWS |
| card layout | alignment with horizontal only, height with vertical only | Google, Dialogflow RBM types |
| carousel | 2..10 cards; no tall media in small cards | Google |
| media address | https, 1..2000 | AWS |
| whole message | 250 KB | AWS sms-limitations-rcs, Gupshup |
| ttl | 10 s (Google's advice) to 15 days | Google "Send messages" |
| fallback after | 10 s to 3 days | Sinch delivery_report_waiting_time |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from sintalk.message_templates.fields import (
    SANE,
    Content,
    Phone,
    counted,
    exactly,
    fault,
    https_url,
    items,
    media_url,
    text_of,
)
from sintalk.message_templates.rcs import MAX_BYTES, size
from sintalk.message_templates.sms_schemas import SmsContent
from sintalk.web.schemas import Timestamp

MAX_SUGGESTIONS = 11
MAX_CARD_SUGGESTIONS = 4
KINDS = ("text", "file", "card", "carousel")


class Chip(Content):
    """What every suggestion has: the words on it, and what comes back when it is tapped."""

    text: text_of(25)  # type: ignore[valid-type]
    postback_data: text_of(2048)  # type: ignore[valid-type]


class Reply(Chip):
    """Answers with its own words."""

    type: Literal["reply"]


class OpenUrl(Chip):
    """Opens a page."""

    type: Literal["open_url"]
    url: https_url(2048)  # type: ignore[valid-type]


class Dial(Chip):
    """Offers to call a number."""

    type: Literal["dial"]
    phone: Phone


class ViewLocation(Chip):
    """Shows a place on the map."""

    type: Literal["view_location"]
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    label: text_of(100) | None = None  # type: ignore[valid-type]


class ShareLocation(Chip):
    """Asks for the person's place."""

    type: Literal["share_location"]


class CreateCalendarEvent(Chip):
    """Puts an event into the person's calendar."""

    type: Literal["create_calendar_event"]
    title: text_of(100)  # type: ignore[valid-type]
    start_time: Timestamp
    end_time: Timestamp
    description: text_of(500) | None = None  # type: ignore[valid-type]

    @field_validator("end_time")
    @classmethod
    def _in_order(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start_time")
        if start is not None and end <= start:
            raise PydanticCustomError("out_of_range", _("The event ends before it begins."))
        return end


CHIPS: dict[str, type[Chip]] = {
    "reply": Reply,
    "open_url": OpenUrl,
    "dial": Dial,
    "view_location": ViewLocation,
    "share_location": ShareLocation,
    "create_calendar_event": CreateCalendarEvent,
}


def _by_type(given: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """The chip of the type that is named, so that faults lie at its own fields, not at a union's."""
    kind = given.get("type") if isinstance(given, Mapping) else None
    if isinstance(given, Chip) or not isinstance(given, Mapping):
        return handler(given)
    if isinstance(kind, str) and kind in CHIPS:
        return CHIPS[kind].model_validate(given)
    raise ValidationError.from_exception_data("Suggestion", [_unknown_kind(given, CHIPS)])


def _unknown_kind(given: Mapping[str, Any], kinds: Iterable[str]) -> InitErrorDetails:
    if "type" not in given:
        return fault(("type",), "required", _("Fill this in."))
    return fault(("type",), "not_allowed", _("This is one of: %(kinds)s.", kinds=", ".join(kinds)))


Suggestion = Annotated[
    Annotated[
        Reply | OpenUrl | Dial | ViewLocation | ShareLocation | CreateCalendarEvent,
        Field(discriminator="type"),
    ],
    WrapValidator(_by_type),
]
MediaUrl = media_url(2000)
Height = Literal["short", "medium", "tall"]


class TextMessage(Content):
    """Words alone."""

    body: text_of(3072)  # type: ignore[valid-type]


class FileMessage(Content):
    """A picture, a film, a document. The address is not fetched when the template is saved."""

    file_url: MediaUrl  # type: ignore[valid-type]
    thumbnail_url: MediaUrl | None = None  # type: ignore[valid-type]


class Media(FileMessage):
    """What stands on a card. Heights are 112, 168 and 264 DP, of vertical cards."""

    height: Height | None = None


class CarouselCard(Content):
    """One card: at least one of media, title and description."""

    title: text_of(200) | None = None  # type: ignore[valid-type]
    description: text_of(2000) | None = None  # type: ignore[valid-type]
    media: Media | None = None
    suggestions: list[Suggestion] | None = Field(
        None, max_length=SANE, json_schema_extra=items(MAX_CARD_SUGGESTIONS)
    )

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        if all(given.get(part) is None for part in ("media", "title", "description")):
            yield fault((), "empty_card", _("A card needs media, a title or a description."))
        yield from counted(given, "suggestions", MAX_CARD_SUGGESTIONS)


class Card(CarouselCard):
    """A card by itself. Horizontal ones say on which side the picture stands and have no height."""

    orientation: Literal["vertical", "horizontal"]
    thumbnail_alignment: Literal["left", "right"] | None = None

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        yield from super().rules(given)
        alignment, orientation = given.get("thumbnail_alignment"), given.get("orientation")
        if orientation == "horizontal" and alignment is None:
            sentence = _("A horizontal card needs the side of its picture: left or right.")
            yield fault(("thumbnail_alignment",), "required", sentence)
        if orientation == "vertical" and alignment is not None:
            sentence = _("Only a horizontal card has a side for its picture.")
            yield fault(("thumbnail_alignment",), "not_allowed", sentence)
        if orientation == "horizontal" and _height(given) is not None:
            yield fault(
                ("media", "height"), "not_allowed", _("Only a vertical card has a height for its picture.")
            )


class Carousel(Content):
    """Two to ten cards of one width: 120 or 232 DP. Tall pictures do not fit small cards.

    Some gateways refuse tall pictures in any carousel (AWS); Google takes them in medium cards.
    """

    card_width: Literal["small", "medium"]
    cards: list[CarouselCard] = Field(max_length=SANE, json_schema_extra=items(10, least=2))

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        yield from counted(given, "cards", 10, least=2)
        cards = given.get("cards")
        if given.get("card_width") != "small" or not isinstance(cards, list):
            return
        for index, card in enumerate(cards):
            if _height(card) == "tall":
                sentence = _("Tall pictures do not fit small cards.")
                yield fault(("cards", index, "media", "height"), "not_allowed", sentence)


def _height(card: Any) -> Any:
    media = card.get("media") if isinstance(card, Mapping) else None
    return media.get("height") if isinstance(media, Mapping) else None


class Fallback(Content):
    """The SMS for those whom RCS does not reach."""

    sms: SmsContent
    after_seconds: int | None = Field(None, ge=10, le=259_200)


class RcsContent(Content):
    """Exactly the field that `type` names is present."""

    type: Literal["text", "file", "card", "carousel"]
    text: TextMessage | None = None
    file: FileMessage | None = None
    card: Card | None = None
    carousel: Carousel | None = None
    suggestions: list[Suggestion] | None = Field(
        None, max_length=SANE, json_schema_extra=items(MAX_SUGGESTIONS)
    )
    traffic_type: (
        Literal["authentication", "transaction", "promotion", "service_request", "acknowledgement"] | None
    ) = None
    ttl_seconds: int = Field(86_400, ge=10, le=1_296_000)
    fallback: Fallback | None = None

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        yield from exactly(given, given.get("type"), KINDS)
        yield from counted(given, "suggestions", MAX_SUGGESTIONS)
        if _bytes(given) > MAX_BYTES:
            sentence = _("The whole message has more than %(limit)s KB.", limit=MAX_BYTES // 1000)
            yield fault((), "payload_too_large", sentence)


def _bytes(given: Mapping[str, Any]) -> int:
    try:
        return size(given)
    except (TypeError, ValueError, RecursionError):
        return 0  # of a shape that other rules refuse
