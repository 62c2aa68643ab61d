"""The simulator's phones on their page: what arrived, what is answered, and nobody else's."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from sintalk.db import release, session
from sintalk.messages.models import InboundMessage, Notification
from tests import factories
from tests.messages.test_channels import FALLBACK, KEYS, SPEECH, TEXT, sent, told
from tests.pipeline import pipeline, work_until

CHIPS = [
    {"type": "reply", "text": "Quero!", "postback_data": "quero"},
    {"type": "open_url", "text": "Ver loja", "postback_data": "loja", "url": "https://example.com"},
]
CAROUSEL = {
    "type": "carousel",
    "carousel": {
        "card_width": "medium",
        "cards": [
            {"title": "Pão", "description": "Hoje, {{nome}}"},
            {
                "title": "Sonho",
                "media": {"file_url": "https://example.com/sonho.jpg"},
                "suggestions": CHIPS[1:],
            },
        ],
    },
    "suggestions": CHIPS[:1],
}


@pytest.fixture
def running(own_settings, alice, charlie, tmp_path):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        yield SimpleNamespace(
            app=app,
            simulator=simulator,
            tenant=alice.tenant,
            alice=factories.browser(app, alice),
            charlie=factories.browser(app, charlie),
        )


def words(answer: Any) -> str:
    assert answer.status_code == 200, answer.status
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def arrived(running: Any, channel: str, content: dict[str, Any], ending: str = "1111") -> Notification:
    _, rows = sent(running.tenant, channel, content, ending)
    work_until(lambda: told(rows)[0][0] == "delivered")
    release()
    return rows[0]


def answers(running: Any, count: int) -> list[tuple[str, str, str | None]]:
    def found() -> Any:
        rows = session().scalars(select(InboundMessage).order_by(InboundMessage.id)).all()
        return len(rows) == count and rows

    return [(row.kind, row.text, row.data) for row in work_until(found)]


def test_a_carousel_is_drawn_and_a_chip_that_is_tapped_comes_back(running):
    message = arrived(running, "rcs", CAROUSEL)
    page = running.alice.get("/phones")
    assert all(part in words(page) for part in ("Pão", "Hoje, Ana", "Sonho", "Ver loja", "Quero!"))
    assert '<img src="https://example.com/sonho.jpg"' in page.text
    assert "img-src 'self' https:" in page.headers["Content-Security-Policy"]
    assert 'name="chip" value="1.0"' in page.text and 'name="chip" value="0"' in page.text
    answer = running.alice.post(f"/phones/{message.id}/tap", data={"chip": "1.0"})
    assert answer.status_code == 303
    assert answers(running, 1) == [("tap", "Ver loja", "loja")]
    assert "Ver loja" in words(running.alice.get(f"/messages/{message.id}"))


def test_what_is_written_back_stands_on_the_phone(running):
    message = arrived(running, "sms", {"text": "Olá {{nome}}"})
    running.alice.post(f"/phones/{message.id}/reply", data={"text": "SAIR"})
    assert answers(running, 1) == [("inbound", "SAIR", None)]
    assert "SAIR" in words(running.alice.get(f"/phones/{message.id}"))


def test_a_key_is_pressed_in_a_call(running):
    message = arrived(running, "voice", SPEECH | {"dtmf": KEYS})
    assert "Sair" in words(running.alice.get(f"/phones/{message.id}"))
    running.alice.post(f"/phones/{message.id}/key", data={"key": "9"})
    assert answers(running, 1) == [("key", "9", None)]
    assert "Sair" in words(running.alice.get(f"/messages/{message.id}"))
    assert running.alice.post(f"/phones/{message.id}/key", data={"key": "x"}).status_code == 404


def test_a_message_is_marked_as_read(running):
    message = arrived(running, "rcs", TEXT)
    running.alice.post(f"/phones/{message.id}/read")
    work_until(lambda: told([message])[0][0] == "read")


def test_a_phone_that_is_off_says_what_waits_and_gets_it_when_it_is_on(running):
    message = arrived(running, "sms", {"text": "Olá {{nome}}"})
    running.alice.post(f"/phones/{message.id}/power", data={"on": "0"})
    _, rows = sent(running.tenant, "sms", {"text": "Outra"}, "1111")
    work_until(lambda: told(rows)[0][0] == "sent")
    release()
    page = running.alice.get(f"/phones/{message.id}")
    assert "Uma mensagem espera por ele." in words(page)
    assert "data-poll" not in page.text
    running.alice.post(f"/phones/{message.id}/power", data={"on": "1"})
    work_until(lambda: told(rows)[0][0] == "delivered")
    assert "Outra" in words(running.alice.get(f"/phones/{message.id}"))


def test_the_sms_that_took_over_is_what_the_phone_shows(running):
    message = arrived(running, "rcs", TEXT | FALLBACK, "0010")
    assert "Oi Ana, por SMS" in words(running.alice.get(f"/phones/{message.id}"))


def test_the_screen_stops_polling_after_a_few_looks(running):
    message = arrived(running, "sms", {"text": "Olá"})
    polls = [
        "data-poll" in running.alice.get(f"/phones/{message.id}/screen?looks={looks}").text
        for looks in (8, 2, 1, 0, -5)
    ]
    assert polls == [True, True, False, False, False]


@pytest.mark.parametrize("path", ["", "/screen"])
def test_somebody_elses_phone_is_not_there(running, path):
    message = arrived(running, "sms", {"text": "Olá"})
    assert running.charlie.get(f"/phones/{message.id}{path}").status_code == 404
    assert "Ana" not in words(running.charlie.get("/phones"))


@pytest.mark.parametrize("what", ["power", "reply", "tap", "read", "key"])
def test_somebody_elses_phone_cannot_be_used(running, what):
    message = arrived(running, "sms", {"text": "Olá"})
    sent_form = {"on": "0", "text": "x", "chip": "0", "key": "1"}
    assert running.charlie.post(f"/phones/{message.id}/{what}", data=sent_form).status_code == 404


def test_without_the_simulator_the_page_says_so(running):
    message = arrived(running, "sms", {"text": "Olá"})
    running.simulator.kill()
    assert "Ele está ligado?" in words(running.alice.get(f"/phones/{message.id}"))
    answer = running.alice.post(f"/phones/{message.id}/reply", data={"text": "x"}, follow_redirects=True)
    assert "Ele está ligado?" in words(answer)
