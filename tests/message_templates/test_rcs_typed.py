"""What is typed in the RCS editor, and the content that the contract gets of it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sintalk.message_templates import rcs_typed
from sintalk.message_templates.samples import SAMPLES
from sintalk.message_templates.schemas import TemplateIn
from sintalk.web.validation import check
from tests.message_templates.template_contents import URL, card, carousel, chip, rcs, reply, text_message

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
EVENT = chip(
    "create_calendar_event",
    title="Festa",
    start_time="2026-12-01T13:00:00.000Z",
    end_time="2026-12-01T15:30:00.000Z",
)
CONTENTS = [
    text_message("Oi {{nome}}", suggestions=[reply(), chip("share_location"), EVENT]),
    text_message(suggestions=[chip("view_location", latitude=-23.5, longitude=-46.6, label="Loja")]),
    rcs("file", {"file_url": URL, "thumbnail_url": URL}),
    card(description="Vem", media={"file_url": URL, "height": "tall"}, suggestions=[reply()]),
    card(orientation="horizontal", thumbnail_alignment="right", media={"file_url": URL}),
    carousel(10),
    carousel(2, cards=[{"media": {"file_url": URL, "height": "short"}}, {"description": "b"}]),
    text_message(ttl_seconds=5400, traffic_type="promotion"),
    text_message(ttl_seconds=10, fallback={"sms": {"text": "Oi"}, "after_seconds": 90}),
    *[sample for sample in SAMPLES if sample["channel"] == "rcs"],
]


def pairs(tree: Any, path: str = "rcs") -> list[tuple[str, str]]:
    """The tree as a browser sends it."""
    if isinstance(tree, dict):
        return [pair for name, value in tree.items() for pair in pairs(value, f"{path}.{name}")]
    if isinstance(tree, list):
        return [pair for at, value in enumerate(tree) for pair in pairs(value, f"{path}[{at}]")]
    return [(path, tree)]


@pytest.mark.parametrize("template", CONTENTS)
def test_a_content_comes_back_from_the_form_as_it_was(template):
    kept = check(TemplateIn, template).content()
    typed = rcs_typed.of_content(kept, SAO_PAULO)
    sent = rcs_typed.content(rcs_typed.read(pairs(typed)), SAO_PAULO)
    assert check(TemplateIn, {"name": "x", "channel": "rcs", "rcs": sent}).content() == kept


def test_a_time_is_typed_by_the_clock_of_the_company():
    typed = rcs_typed.of_content(check(TemplateIn, CONTENTS[0]).content(), SAO_PAULO)
    assert typed["suggestions"][2]["start_time"] == "2026-12-01T10:00"


def content(**fields: str) -> dict[str, Any]:
    """The content of a form with these fields, `text__body` for `rcs.text.body`."""
    sent = [(f"rcs.{name.replace('__', '.')}", value) for name, value in fields.items()]
    return rcs_typed.content(rcs_typed.read(sent), SAO_PAULO)


def test_what_belongs_to_another_kind_is_kept_in_the_form_and_left_out_of_the_content():
    sent = [("rcs.type", "text"), ("rcs.text.body", "Oi"), ("rcs.card.title", "Oferta")]
    typed = rcs_typed.read(sent)
    assert typed["card"] == {"title": "Oferta"}
    assert rcs_typed.content(typed, SAO_PAULO) == {"type": "text", "text": {"body": "Oi"}}


def test_what_cannot_go_together_does_not_reach_the_contract():
    horizontal = content(type="card", card__orientation="horizontal", card__media__file_url=URL,
                         card__media__height="tall")  # fmt: skip
    assert horizontal["card"] == {
        "media": {"file_url": URL}, "orientation": "horizontal", "thumbnail_alignment": "left"
    }  # fmt: skip
    vertical = content(type="card", card__orientation="vertical", card__thumbnail_alignment="left")
    assert vertical["card"] == {"orientation": "vertical"}


def test_blank_fields_are_left_out_and_a_chip_brings_its_words_back():
    sent = [
        *[("rcs.type", "text"), ("rcs.text.body", "Oi"), ("rcs.traffic_type", ""), ("rcs.ttl_seconds", "")],
        *[("rcs.suggestions[0].type", "dial"), ("rcs.suggestions[0].text", "Ligar")],
        *[("rcs.suggestions[0].phone", "11 4004-1234"), ("rcs.suggestions[0].url", "https://x.br")],
        *[("rcs.fallback.sms.text", ""), ("rcs.fallback.sms.encoding", "gsm7")],
    ]
    made = rcs_typed.content(rcs_typed.read(sent), SAO_PAULO)
    assert made == {
        "type": "text",
        "text": {"body": "Oi"},
        "suggestions": [{"type": "dial", "text": "Ligar", "postback_data": "Ligar", "phone": "11 4004-1234"}],
    }


@pytest.mark.parametrize(
    ("number", "unit", "seconds"),
    [("1", "days", 86_400), ("1,5", "hours", 5400), ("0.5", "minutes", 30), ("abc", "days", "abc"),
     ("nan", "days", "nan"), ("1e300", "days", "1e300")],
)  # fmt: skip
def test_how_long_is_said_in_units(number, unit, seconds):
    assert content(type="text", ttl_seconds=number, ttl_unit=unit)["ttl_seconds"] == seconds


def test_a_decimal_comma_is_a_number():
    sent = [("rcs.suggestions[0].type", "view_location"), ("rcs.suggestions[0].latitude", "-23,55")]
    assert rcs_typed.content(rcs_typed.read(sent), SAO_PAULO)["suggestions"][0]["latitude"] == -23.55


THREE = {"carousel": {"cards": [{"title": "a"}, {"title": "b"}, {"title": "c"}]}}


@pytest.mark.parametrize(
    ("deed", "titles"),
    [
        ("add:rcs.carousel.cards", ["a", "b", "c", None]),
        ("remove:rcs.carousel.cards[1]", ["a", "c"]),
        ("copy:rcs.carousel.cards[0]", ["a", "a", "b", "c"]),
        ("back:rcs.carousel.cards[2]", ["a", "c", "b"]),
        ("forth:rcs.carousel.cards[0]", ["b", "a", "c"]),
        ("back:rcs.carousel.cards[0]", ["a", "b", "c"]),
        ("forth:rcs.carousel.cards[2]", ["a", "b", "c"]),
        ("remove:rcs.carousel.cards[7]", ["a", "b", "c"]),
        ("remove:rcs.nothing[0]", ["a", "b", "c"]),
        ("add:rcs.carousel.card_width", ["a", "b", "c"]),
        ("show:", ["a", "b", "c"]),
        ("remove:../etc", ["a", "b", "c"]),
    ],
)
def test_a_button_of_the_form_changes_one_thing(deed, titles):
    after = rcs_typed.act(THREE, deed)
    assert [card.get("title") for card in after["carousel"]["cards"]] == titles
    assert [card["title"] for card in THREE["carousel"]["cards"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("deed", "path"),
    [
        ("add:rcs.carousel.cards", "rcs.carousel.cards[3]"),
        ("add:rcs.carousel.cards[1].suggestions", "rcs.carousel.cards[1].suggestions[0]"),
        ("remove:rcs.carousel.cards[1]", "rcs.carousel.cards"),
        ("copy:rcs.carousel.cards[0]", "rcs.carousel.cards[1]"),
        ("back:rcs.carousel.cards[2]", "rcs.carousel.cards[1]"),
        ("back:rcs.carousel.cards[0]", "rcs.carousel.cards[0]"),
        ("forth:rcs.carousel.cards[0]", "rcs.carousel.cards[1]"),
        ("forth:rcs.carousel.cards[2]", "rcs.carousel.cards[2]"),
        ("upload:rcs.carousel.cards[2].media", "rcs.carousel.cards[2].media"),
        ("show:", ""),
        ("remove:../etc", ""),
    ],
)
def test_it_is_known_what_a_button_has_changed(deed, path):
    assert rcs_typed.changed(rcs_typed.act(THREE, deed), deed) == path


def test_a_chip_is_added_where_there_was_none():
    after = rcs_typed.act(THREE, "add:rcs.carousel.cards[1].suggestions")
    assert after["carousel"]["cards"][1]["suggestions"] == [{"type": "reply"}]


def test_gaps_in_the_numbers_close_and_strange_names_are_passed_over():
    sent = [("rcs.suggestions[7].text", "b"), ("rcs.suggestions[2].text", "a"), ("csrf_token", "x"),
            ("rcs.__class__.x", "x"), ("rcs.suggestions[999].text", "x")]  # fmt: skip
    assert rcs_typed.read(sent) == {"suggestions": [{"text": "a"}, {"text": "b"}]}


DEEDS = [
    "",
    "add:rcs",
    "add:rcs.suggestions",
    "remove:rcs.suggestions[0]",
    "copy:rcs.card[0]",
    "back:rcs.card.title[1]",
]
NAMES = st.from_regex(rcs_typed._CONTROL, fullmatch=True) | st.from_regex(rcs_typed._PATH, fullmatch=True)


@given(st.lists(st.tuples(NAMES, st.text(max_size=20)), max_size=8), st.sampled_from(DEEDS))
def test_whatever_a_browser_sends_is_read_and_told_about(sent, deed):
    typed = rcs_typed.act(rcs_typed.read(sent), deed)
    assert isinstance(rcs_typed.content(typed, SAO_PAULO), dict)
    assert isinstance(rcs_typed.changed(typed, deed), str)
