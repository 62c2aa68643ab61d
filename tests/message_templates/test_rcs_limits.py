"""Limits of RCS are counted again for each person: a value can make a text longer than was known at save."""

from __future__ import annotations

import pytest

from sintalk.errors import Invalid
from sintalk.message_templates import rcs
from sintalk.message_templates.content import prepare
from sintalk.message_templates.schemas import TemplateIn
from sintalk.web.validation import check
from tests.message_templates.template_contents import URL, card, carousel, changed, chip, reply, text_message
from tests.message_templates.template_contents import rcs as content

CHIPS = text_message(
    suggestions=[
        reply(),
        chip("open_url", url=URL),
        chip("view_location", latitude=0, longitude=0, label="Loja"),
        chip(
            "create_calendar_event",
            title="Festa",
            description="Vem",
            start_time="2026-12-01T10:00:00Z",
            end_time="2026-12-01T11:00:00Z",
        ),
    ]
)
FILE = content("file", {"file_url": URL, "thumbnail_url": URL})
CARD = card(description="Oi", media={"file_url": URL}, suggestions=[reply()])
FALLBACK = text_message(fallback={"sms": {"text": "Oi"}})
LIMITS = [
    (text_message(), "rcs.text.body", 3072),
    (CARD, "rcs.card.title", 200),
    (CARD, "rcs.card.description", 2000),
    (CARD, "rcs.card.suggestions[0].text", 25),
    (carousel(3), "rcs.carousel.cards[2].title", 200),
    (CHIPS, "rcs.suggestions[0].text", 25),
    (CHIPS, "rcs.suggestions[0].postback_data", 2048),
    (CHIPS, "rcs.suggestions[2].label", 100),
    (CHIPS, "rcs.suggestions[3].title", 100),
    (CHIPS, "rcs.suggestions[3].description", 500),
    (FALLBACK, "rcs.fallback.sms.text", 1530),
]
ADDRESSES = [
    (FILE, "rcs.file.file_url", 2000),
    (FILE, "rcs.file.thumbnail_url", 2000),
    (CARD, "rcs.card.media.file_url", 2000),
    (CHIPS, "rcs.suggestions[1].url", 2048),
]


def fault(template, **values: str) -> str | None:
    kept = check(TemplateIn, template).content()
    return prepare("rcs", kept).render(values).fault


@pytest.mark.parametrize(("template", "path", "limit"), LIMITS)
def test_a_rendered_text_has_its_limit(template, path, limit):
    filled = changed(template, path, "{{texto}}")
    assert fault(filled, texto="a" * (limit - 1)) is None
    assert fault(filled, texto="a" * limit) is None
    assert fault(filled, texto="a" * (limit + 1)) == "too_long"


@pytest.mark.parametrize(("template", "path", "limit"), ADDRESSES)
def test_a_rendered_address_has_its_limit(template, path, limit):
    filled = changed(template, path, "https://x.br/{{codigo}}")
    room = limit - len("https://x.br/")
    assert fault(filled, codigo="a" * (room - 1)) is None
    assert fault(filled, codigo="a" * room) is None
    assert fault(filled, codigo="a" * (room + 1)) == "too_long"


def test_a_text_that_a_blank_default_empties_is_not_sent():
    assert fault(text_message("{{apelido|}}")) == "empty_message"
    assert fault(changed(CARD, "rcs.card.suggestions[0].text", "{{apelido|}}")) == "empty_message"
    assert fault(text_message("{{apelido|}}"), apelido="Zé") is None


def test_a_whole_message_has_250_kilobytes_before_and_after_rendering():
    full = {"description": "ã" * 1000, "suggestions": [reply(postback_data="é" * 2048)] * 4}
    template = carousel(10, cards=[full] * 10)
    room = rcs.MAX_BYTES - rcs.size(check(TemplateIn, template).content()["carousel"]) - 400
    assert room > 0, "this much is taken"
    assert fault(template) is None
    heavy = {**full, "description": "漢" * 2000, "suggestions": [reply(postback_data="漢" * 2048)] * 4}
    with pytest.raises(Invalid) as refused:
        check(TemplateIn, carousel(10, cards=[heavy] * 10))
    assert [(it.field, it.code) for it in refused.value.details] == [("rcs", "payload_too_large")]
    gaps = {"description": "a", "suggestions": [reply(postback_data="{{x}}")] * 4}
    assert fault(
        carousel(10, cards=[{**gaps, "description": "{{y}}"}] * 10), x="漢" * 2048, y="漢" * 2000
    ) == ("too_long")
