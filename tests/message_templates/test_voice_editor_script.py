"""The voice editor counts in the browser what the server counts: the script is held to the library."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sintalk.message_templates import voice
from sintalk.message_templates.voice_views import _counting
from tests.message_templates.test_sms_editor_script import CHROMIUM, texts

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "voice-length.js"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    page = browser.new_page()
    page.add_script_tag(path=str(SCRIPT))
    page.evaluate("tables => { window.count = voiceLength(tables); }", _counting(120_001))
    yield page
    browser.close()


def test_seconds_and_prices_are_the_servers(page: Any) -> None:
    seconds = [each / 2 for each in range(500)]
    told = page.evaluate("all => all.map(s => [count.billed(s), count.micros(count.billed(s))])", seconds)
    expected = [voice.billed_seconds(each) for each in seconds]
    assert told == [[billed, voice.price(120_001, billed)] for billed in expected]


def test_texts_are_as_long_as_on_the_server(page: Any) -> None:
    chance = random.Random(3)
    spoken = [(text + str(chance.randrange(10**6)), chance.choice([0.8, 1.0, 1.2])) for text in texts(200)]
    told = page.evaluate("all => all.map(([text, rate]) => count.speechMs(text, rate))", spoken)
    assert told == [voice.speech_ms(text, rate) for text, rate in spoken]


def test_the_longest_call_is_the_servers(page: Any) -> None:
    for spoken, timeout, repeat in ((12_340, 5, 1), (180_000, 30, 3), (1_000, 1, 0)):
        content = {"duration_ms": spoken, "dtmf": {"timeout_s": timeout, "repeat": repeat}}
        told = page.evaluate(
            "([s, timeout, repeat]) => count.length(s, {timeout, repeat})", [spoken, timeout, repeat]
        )
        call = voice.length(content)
        assert (told["longestMs"], told["mostBilled"]) == (call.longest_ms, call.most_billed)
