"""The editor counts in the browser what the server counts: the script is held to the library, text by text."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sintalk.message_templates import placeholders, sms
from sintalk.message_templates.placeholders import fold
from sintalk.message_templates.service import counting_tables

CHROMIUM = os.environ.get("SINTALK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCRIPT = Path(__file__).parents[2] / "static" / "js" / "sms-text.js"
LETTERS = [*"aaaaaaaaaé€ã😀\n\r^ç`[ªº“”–…½™•\t\u00a0", "\r\n", "e\u0301", "Ж", "漢", "\u200b", "👍🏽", "ﬁ"]
TEXTS = [
    *("", "a" * 160, "a" * 161, "ã" * 70, "ã" * 71, "€" * 80 + "a", "a" * 152 + "€" + "a" * 152),
    *("ã" * 66 + "😀" + "ã" * 66, "a" * 1530, "a" * 1531, "Promoção só hoje\r\nvenha"),
]
PIECES = [
    *(
        "Olá {{nome}}!",
        "{{ Nome | cliente }}{{x}}",
        r"\{{nome}} \\{{nome}}",
        "{{{nome}}}",
        "{{7*7}} {{2}} {{ }",
    ),
    *(
        "Olá {{nome",
        "{{a|b\\}c\\|d}}",
        "{{}}",
        "{{|x}}",
        "{{a\nb}}",
        "{{a|{{b}}}}",
        "100% {{E-mail}}",
        "{{ação}}",
    ),
]


def texts(count: int) -> list[str]:
    chance = random.Random(7)
    return TEXTS + ["".join(chance.choices(LETTERS, k=chance.randrange(400))) for _ in range(count)]


@pytest.fixture(scope="module")
def page(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    page = browser.new_page()
    page.add_script_tag(path=str(SCRIPT))
    page.evaluate("tables => { window.counting = smsText.counter(tables); }", counting_tables())
    yield page
    browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("encoding", ["auto", "gsm7", "ucs2"])
def test_the_script_measures_as_the_server_does(page, encoding):
    given = texts(150)
    found = page.evaluate(
        "([texts, encoding]) => texts.map((text) => counting.measure(text, encoding))", [given, encoding]
    )
    for text, theirs in zip(given, found, strict=True):
        ours = sms.measure(text, encoding)
        assert theirs == {
            "text": ours.text,
            "alphabet": ours.encoding,
            "characters": ours.characters,
            "units": ours.units,
            "segments": ours.segments,
            "left": ours.left,
        }, json.dumps(text)


@pytest.mark.browser
def test_the_script_names_the_same_letters(page):
    given = texts(100)
    found = page.evaluate("texts => texts.map(counting.outsideGsm)", given)
    assert found == [sms.outside_gsm(text) for text in given]


@pytest.mark.browser
def test_the_script_reads_the_same_placeholders(page):
    found = page.evaluate("texts => texts.map(smsText.pieces)", PIECES)
    for text, theirs in zip(PIECES, found, strict=True):
        ours = placeholders.compile(text)
        holes = [piece for piece in theirs if "name" in piece]
        assert [(it["name"], it["key"], it.get("standIn")) for it in holes] == [
            (hole.name, fold(hole.name), hole.default) for hole in ours.holes
        ], text
        assert any(piece.get("slip") for piece in theirs) == bool(ours.faults), text
        literal = "".join(piece.get("text", "#") for piece in theirs)
        assert literal == ours.filled_with("#"), text


LINKS = [
    "https://x.br/{{a}}?q={{a}} {{a}}",
    "Veja www.x.br/\n{{a}} https://{{a}}/{{a}}",
    "https://x.br/{{b|ofertas/são joão?x=1%20}} {{b|são}}",
    "{{a}}/{{a}} http://x{{a}} x.br/{{a}}",
]


@pytest.mark.browser
def test_the_script_puts_the_same_into_links(page):
    values = {"a": "Pão & café/1 (!*'~) ☕"}
    found = page.evaluate(
        """([texts, values]) => texts.map((text) =>
            smsText.pieces(text).map((piece) => piece.text ?? smsText.fill(piece, values)).join(""))""",
        [LINKS, values],
    )
    assert found == [placeholders.compile(text).render(values)[0] for text in LINKS]
