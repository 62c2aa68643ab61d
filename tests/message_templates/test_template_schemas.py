"""What a template may hold: every limit at n-1, n, n+1, every fault at its path, all of them together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sintalk.errors import Invalid
from sintalk.message_templates.samples import SAMPLES
from sintalk.message_templates.schemas import TemplateIn, TemplateOut
from sintalk.web.validation import check
from tests.message_templates.template_contents import (
    URL,
    card,
    carousel,
    changed,
    chip,
    rcs,
    reply,
    sms,
    text_message,
    voice,
)

FILE_ID = "0198c0de-0000-7000-8000-000000000000"


def faults(template: Any) -> list[tuple[str, str]]:
    try:
        check(TemplateIn, template)
    except Invalid as error:
        return [(fault.field, fault.code) for fault in error.details]
    return []


def event(**changes: Any) -> dict[str, Any]:
    times = {"start_time": "2026-12-01T10:00:00Z", "end_time": "2026-12-01T11:00:00-03:00"}
    return chip("create_calendar_event", title="Festa", **times, **changes)


VERTICAL = card(media={"file_url": URL, "height": "tall"})
HORIZONTAL = card(orientation="horizontal", thumbnail_alignment="left", media={"file_url": URL})
CHIPS = text_message(
    suggestions=[
        reply(),
        chip("open_url", url="https://example.com"),
        chip("dial", phone="11 99999-8888"),
        chip("view_location", latitude=-23.5, longitude=-46.6, label="Loja"),
        chip("share_location"),
        event(description="Na loja"),
    ]
)
FILE = rcs("file", {"file_url": URL, "thumbnail_url": URL})
AUDIO = voice(source="audio", tts=None, file_id=FILE_ID)
OUT = {"key": "9", "label": "Sair", "action": "opt_out"}
KEYS = voice(dtmf={"digits": [{"key": "1", "label": "Sim"}, OUT]})
FALLBACK = text_message(fallback={"sms": {"text": "Oi"}, "after_seconds": 60})
CARDS = [VERTICAL, HORIZONTAL, carousel(), carousel(10)]
GOOD = [sms(), text_message(), FILE, *CARDS, CHIPS, FALLBACK, voice(), AUDIO, KEYS]


def of_width(width: str, height: str) -> dict[str, Any]:
    cards = [{"media": {"file_url": URL, "height": height}}, {"title": "a"}]
    return carousel(card_width=width, cards=cards)


@pytest.mark.parametrize("template", [*GOOD, *SAMPLES])
def test_good_content_is_taken_and_kept_as_json(template):
    taken = check(TemplateIn, template)
    kept = taken.content()
    assert None not in kept.values()
    again = check(TemplateIn, {"name": "x", "channel": taken.channel, taken.channel: kept})
    assert again.content() == kept


# Texts: (template, path, longest). A text of that length is taken, one more is too long, none is too short.
TEXTS = [
    (text_message(), "rcs.text.body", 3072),
    (VERTICAL, "rcs.card.title", 200),
    (VERTICAL, "rcs.card.description", 2000),
    (carousel(3), "rcs.carousel.cards[2].title", 200),
    (carousel(3), "rcs.carousel.cards[0].description", 2000),
    (CHIPS, "rcs.suggestions[0].text", 25),
    (CHIPS, "rcs.suggestions[0].postback_data", 2048),
    (CHIPS, "rcs.suggestions[3].label", 100),
    (CHIPS, "rcs.suggestions[5].title", 100),
    (CHIPS, "rcs.suggestions[5].description", 500),
    (voice(), "voice.tts.text", 3000),
    (KEYS, "voice.dtmf.digits[0].label", 100),
    (sms(), "sms.text", 1530),
    (sms(encoding="ucs2"), "sms.text", 670),
    (FALLBACK, "rcs.fallback.sms.text", 1530),
]


@pytest.mark.parametrize(("template", "path", "longest"), TEXTS)
def test_a_text_has_its_limit(template, path, longest):
    assert faults(changed(template, path, "a" * (longest - 1))) == []
    assert faults(changed(template, path, "a" * longest)) == []
    assert faults(changed(template, path, "a" * (longest + 1))) == [(path, "too_long")]
    assert faults(changed(template, path, "a")) == []
    assert faults(changed(template, path, "")) == [(path, "too_short")]
    assert faults(changed(template, path, " \n")) == [(path, "blank")]
    assert faults(changed(template, path, 7)) == [(path, "wrong_type")]


@pytest.mark.parametrize(("template", "path", "longest"), TEXTS)
def test_a_limit_counts_what_surely_stands_there(template, path, longest):
    assert faults(changed(template, path, "a" * longest + "{{nome|cliente}}")) == []
    assert faults(changed(template, path, "{{nome}}")) == []
    assert faults(changed(template, path, "{{nome}}" + "a" * (longest + 1))) == [(path, "too_long")]


@pytest.mark.parametrize(("template", "path", "longest"), TEXTS)
def test_a_slip_in_a_placeholder_is_told_at_its_text(template, path, longest):
    assert faults(changed(template, path, "Olá {{nome}")) == [(path, "unclosed_placeholder")]
    assert faults(changed(template, path, "{{}}")) == [(path, "empty_placeholder")]


@pytest.mark.parametrize(
    ("template", "path", "longest"),
    [
        (FILE, "rcs.file.file_url", 2000),
        (FILE, "rcs.file.thumbnail_url", 2000),
        (VERTICAL, "rcs.card.media.file_url", 2000),
        (CHIPS, "rcs.suggestions[1].url", 2048),
    ],
)
def test_an_address_is_https_and_has_its_limit(template, path, longest):
    def url(length: int) -> str:
        return "https://x.br/" + "a" * (length - len("https://x.br/"))

    assert faults(changed(template, path, url(longest))) == []
    assert faults(changed(template, path, url(longest + 1))) == [(path, "too_long")]
    assert faults(changed(template, path, "https://x.br/{{codigo}}?a={{b|c}}")) == []
    assert faults(changed(template, path, "{{link}}")) == []
    holes = ("{{link|http://x.br}}", "{{a}}{{b}}", "{{a}}/b")
    for wrong in ("http://x.br", "x.br", "javascript:alert(1)", "https://", "https:// x.br", *holes):
        assert faults(changed(template, path, wrong)) == [(path, "invalid_url")], wrong


# Numbers: (template, path, least, most)
@pytest.mark.parametrize(
    ("template", "path", "least", "most"),
    [
        (text_message(), "rcs.ttl_seconds", 10, 1_296_000),
        (FALLBACK, "rcs.fallback.after_seconds", 10, 259_200),
        (CHIPS, "rcs.suggestions[3].latitude", -90, 90),
        (CHIPS, "rcs.suggestions[3].longitude", -180, 180),
        (voice(), "voice.ring_timeout_s", 10, 60),
        (voice(), "voice.max_attempts", 1, 5),
        (voice(), "voice.retry_interval_s", 60, 86_400),
        (KEYS, "voice.dtmf.timeout_s", 1, 30),
        (KEYS, "voice.dtmf.repeat", 0, 3),
    ],
)
def test_a_number_has_its_bounds(template, path, least, most):
    assert faults(changed(template, path, least)) == []
    assert faults(changed(template, path, most)) == []
    assert faults(changed(template, path, least - 1)) == [(path, "out_of_range")]
    assert faults(changed(template, path, most + 1)) == [(path, "out_of_range")]
    assert faults(changed(template, path, "1")) == [(path, "wrong_type")]
    assert faults(changed(template, path, True)) == [(path, "wrong_type")]


@pytest.mark.parametrize(
    ("template", "path", "item", "least", "most"),
    [
        (text_message(), "rcs.suggestions", reply(), 0, 11),
        (VERTICAL, "rcs.card.suggestions", reply(), 0, 4),
        (carousel(), "rcs.carousel.cards[1].suggestions", reply(), 0, 4),
        (carousel(), "rcs.carousel.cards", {"title": "Oi"}, 2, 10),
    ],
)
def test_a_list_has_its_limits(template, path, item, least, most):
    assert faults(changed(template, path, [item] * least)) == []
    assert faults(changed(template, path, [item] * (most - 1))) == []
    assert faults(changed(template, path, [item] * most)) == []
    assert faults(changed(template, path, [item] * (most + 1))) == [(path, "too_many")]
    assert faults(changed(template, path, [item] * 101)) == [(path, "too_many")]
    if least:
        assert faults(changed(template, path, [item] * (least - 1))) == [(path, "too_few")]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (sms(), "channel"),
        (sms(), "sms.encoding"),
        (text_message(), "rcs.type"),
        (text_message(), "rcs.traffic_type"),
        (VERTICAL, "rcs.card.orientation"),
        (VERTICAL, "rcs.card.media.height"),
        (HORIZONTAL, "rcs.card.thumbnail_alignment"),
        (carousel(), "rcs.carousel.card_width"),
        (CHIPS, "rcs.suggestions[0].type"),
        (voice(), "voice.source"),
        (voice(), "voice.amd"),
        (KEYS, "voice.dtmf.digits[1].key"),
        (KEYS, "voice.dtmf.digits[1].action"),
    ],
)
def test_a_word_outside_the_list_is_not_allowed(template, path):
    assert faults(changed(template, path, "DELIVERED")) == [(path, "not_allowed")]


# (template, the faults it has)
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ({"name": "x", "channel": "sms"}, [("sms", "required")]),
        ({"name": "x", "channel": "rcs", "sms": None}, [("rcs", "required")]),
        ({**sms(), "voice": voice()["voice"]}, [("voice", "not_allowed")]),
        ({**sms(), "rcs": None}, []),
        ({**sms(), "text": "Oi"}, [("text", "unknown_field")]),
        ({**sms(), "name": ""}, [("name", "too_short")]),
        ({**sms(), "name": "a" * 201}, [("name", "too_long")]),
        (changed(text_message(), "rcs.type", "file"),
         [("rcs.text", "not_allowed"), ("rcs.file", "required")]),
        (changed(card(), "rcs.card", {"orientation": "vertical"}), [("rcs.card", "empty_card")]),
        (changed(carousel(3), "rcs.carousel.cards[2]", {}), [("rcs.carousel.cards[2]", "empty_card")]),
        (card(orientation="horizontal"), [("rcs.card.thumbnail_alignment", "required")]),
        (card(thumbnail_alignment="left"), [("rcs.card.thumbnail_alignment", "not_allowed")]),
        (changed(HORIZONTAL, "rcs.card.media.height", "tall"), [("rcs.card.media.height", "not_allowed")]),
        (changed(carousel(), "rcs.carousel.cards[0].orientation", "vertical"),
         [("rcs.carousel.cards[0].orientation", "unknown_field")]),
        (of_width("small", "tall"),
         [("rcs.carousel.cards[0].media.height", "not_allowed")]),
        (of_width("small", "medium"), []),
        (of_width("medium", "tall"), []),
        (changed(CHIPS, "rcs.suggestions[0]", {"text": "a", "postback_data": "b"}),
         [("rcs.suggestions[0].type", "required")]),
        (changed(CHIPS, "rcs.suggestions[0]", reply(url="https://x.br")),
         [("rcs.suggestions[0].url", "unknown_field")]),
        (changed(CHIPS, "rcs.suggestions[0]", "Sim"), [("rcs.suggestions[0]", "wrong_type")]),
        (changed(CHIPS, "rcs.suggestions[1]", chip("open_url")), [("rcs.suggestions[1].url", "required")]),
        (changed(CHIPS, "rcs.suggestions[2].phone", "190x"), [("rcs.suggestions[2].phone", "invalid_phone")]),
        (changed(CHIPS, "rcs.suggestions[2].phone", "{{telefone}}"), []),
        (changed(CHIPS, "rcs.suggestions[5].end_time", "2026-12-01T10:00:00Z"),
         [("rcs.suggestions[5].end_time", "out_of_range")]),
        (changed(CHIPS, "rcs.suggestions[5].start_time", "2026-12-01"),
         [("rcs.suggestions[5].start_time", "invalid_timestamp")]),
        (voice(file_id=FILE_ID), [("voice.file_id", "not_allowed")]),
        (voice(tts=None), [("voice.tts", "required")]),
        (voice(source="audio", tts=None), [("voice.file_id", "required")]),
        (changed(AUDIO, "voice.file_id", "7"), [("voice.file_id", "invalid_id")]),
        (changed(KEYS, "voice.dtmf.digits[1].key", "1"), [("voice.dtmf.digits[1].key", "duplicate")]),
        (changed(KEYS, "voice.dtmf.digits", []), [("voice.dtmf.digits", "too_few")]),
        (voice(retry_on=["busy", "busy"]), [("voice.retry_on", "duplicate")]),
        (sms("😀", encoding="gsm7"), [("sms.text", "blank")]),
        (sms("ã" * 671), [("sms.text", "too_long")]),
        (sms("ã" * 671, encoding="gsm7"), []),
        ([], [("body", "wrong_type")]),
    ],
)  # fmt: skip
def test_a_rule_is_told_at_the_field_that_is_to_be_changed(template, expected):
    assert faults(template) == expected


def test_all_faults_are_told_together():
    template = {
        "name": "",
        "channel": "rcs",
        "sms": {"text": ""},
        "rcs": {
            "type": "card",
            "card": {
                "orientation": "horizontal",
                "suggestions": [reply(text="a" * 26), {"type": "fax"}, reply(), reply(), reply()],
            },
            "ttl_seconds": 1,
        },
        "extra": 1,
    }
    assert set(faults(template)) == {
        ("name", "too_short"),
        ("sms", "not_allowed"),
        ("sms.text", "too_short"),
        ("rcs.card", "empty_card"),
        ("rcs.card.thumbnail_alignment", "required"),
        ("rcs.card.suggestions", "too_many"),
        ("rcs.card.suggestions[0].text", "too_long"),
        ("rcs.card.suggestions[1].type", "not_allowed"),
        ("rcs.ttl_seconds", "out_of_range"),
        ("extra", "unknown_field"),
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PARTS = ["rcs.type", "rcs.card", "rcs.card.media", "rcs.card.suggestions", "rcs.suggestions"]


@given(st.sampled_from(["name", "channel", "rcs", *PARTS]), JSON)
def test_any_shape_of_json_is_taken_or_refused_with_paths(path, value):
    assert all(field for field, _ in faults(changed(VERTICAL, path, value)))


def test_the_document_tells_the_limits():
    parts = TemplateIn.model_json_schema()["$defs"]
    assert parts["TextMessage"]["properties"]["body"]["maxLength"] == 3072
    assert (parts["Carousel"]["properties"]["cards"]["minItems"]) == 2
    assert (parts["Carousel"]["properties"]["cards"]["maxItems"]) == 10
    answers = TemplateOut.model_json_schema(mode="serialization")["$defs"]
    assert answers["Card"]["properties"]["orientation"]["enum"] == ["vertical", "horizontal"]
