"""RCS contents of every kind, as small and as large as the schemas allow, by name: what payloads are tried on."""

from __future__ import annotations

from typing import Any

from sintalk.message_templates.schemas import TemplateIn
from tests.message_templates.template_contents import card, carousel, chip, rcs, reply, text_message

PICTURE = "https://example.com/pao.jpg"
LONGEST_URL = PICTURE + "?" + "x" * (2000 - len(PICTURE) - 1)
CHIPS = [
    reply(),
    chip("open_url", url="https://example.com/ofertas"),
    chip("dial", phone="11 4004-1234"),
    chip("view_location", latitude=-23.55, longitude=-46.63),
    chip("view_location", latitude=90, longitude=-180, label="L" * 100),
    chip("share_location"),
    chip(
        "create_calendar_event",
        title="T" * 100,
        start_time="2026-12-24T20:00:00-03:00",
        end_time="2026-12-24T23:00:00-03:00",
        description="D" * 500,
    ),
    chip(
        "create_calendar_event",
        title="Ceia",
        start_time="2026-12-24T23:00:00Z",
        end_time="2026-12-25T00:00:00Z",
    ),
    chip("open_url", url="https://example.com/" + "x" * 2028, text="W" * 25, postback_data="p" * 2048),
    reply(text="Não, obrigado 🙂", postback_data="não"),
    reply(text="Outra", postback_data="outra"),
]
MEDIA = {"file_url": PICTURE, "thumbnail_url": PICTURE}
FULL_CARD = {
    "title": "T" * 200,
    "description": "D" * 2000,
    "media": {"file_url": LONGEST_URL},
    "suggestions": CHIPS[:4],
}

TEMPLATES: dict[str, dict[str, Any]] = {
    "text": text_message(),
    "longest text with all chips": text_message("ã" * 3072, suggestions=CHIPS),
    "text of every traffic": text_message(traffic_type="service_request", ttl_seconds=10),
    "text with fallback": text_message(
        fallback={"sms": {"text": "Oi"}, "after_seconds": 600},
        ttl_seconds=1_296_000,
        traffic_type="promotion",
    ),
    "file": rcs("file", {"file_url": PICTURE}),
    "file with thumbnail and chips": rcs("file", MEDIA, suggestions=CHIPS),
    "card with a title": card(),
    "vertical card": card(**FULL_CARD | {"media": {**MEDIA, "height": "tall"}}, suggestions_=None),
    "card of media alone": rcs(
        "card", {"orientation": "vertical", "media": {"file_url": PICTURE, "height": "short"}}
    ),
    "card on the left": card(orientation="horizontal", thumbnail_alignment="left", media=MEDIA),
    "card on the right": card(orientation="horizontal", thumbnail_alignment="right", media=MEDIA),
    "two small cards": carousel(2, card_width="small"),
    "ten full cards": carousel(cards=[FULL_CARD] * 10),
    "tall medium cards": carousel(cards=[{"title": "A", "media": {**MEDIA, "height": "tall"}}] * 2),
}
TEMPLATES["vertical card"]["rcs"]["card"].pop("suggestions_")


def contents() -> dict[str, dict[str, Any]]:
    """Each content as it is kept and rendered: checked by the schemas, and without gaps."""
    return {name: TemplateIn.model_validate(given).content() for name, given in TEMPLATES.items()}
