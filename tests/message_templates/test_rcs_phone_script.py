"""The phone that the script draws is the phone that the server draws, element by element."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sintalk.message_templates import preview, service
from sintalk.message_templates.content import prepare
from sintalk.message_templates.placeholders import contact_values
from tests.message_templates.template_contents import URL, card, carousel, chip, rcs, reply, text_message

CHROMIUM = os.environ.get("SINTALK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCRIPTS = [Path(__file__).parents[2] / "static" / "js" / name for name in ("sms-text.js", "rcs-phone.js")]
FILM, PAPER = "https://example.com/a%20b/filme.mp4?x=1", "https://example.com/tabela.PDF"
CHIPS = [
    reply(text="Sim, {{nome}}"),
    chip("open_url", url=URL),
    chip("dial", phone="+551140041234"),
    chip("view_location", latitude=1, longitude=2),
    chip("share_location"),
    chip("create_calendar_event", title="x", start_time="2026-12-01T10:00:00Z", end_time="2026-12-02T10:00:00Z"),
]  # fmt: skip
CONTENTS = [
    text_message("Olá {{nome}},\n\n<b>5 & 6</b> {{x|y}} \\{{z}}", suggestions=CHIPS),
    text_message(""),
    rcs("file", {"file_url": URL}),
    rcs("file", {"file_url": FILM, "thumbnail_url": URL}, suggestions=[reply()]),
    rcs("file", {"file_url": PAPER}),
    rcs("file", {"file_url": "nonsense"}),
    card(description="Vem\n{{nome}}", media={"file_url": URL, "height": "tall"}, suggestions=CHIPS[:4]),
    card(media={"file_url": FILM}),
    card(orientation="horizontal", thumbnail_alignment="right", media={"file_url": URL}),
    card(
        orientation="horizontal", title=None, description="a", media={"file_url": "https://x.br/{{nome}}.jpg"}
    ),
    carousel(5),
    carousel(2, card_width="small", cards=[{"media": {"file_url": URL, "height": "short"}}, {}]),
]
VALUES = contact_values(name="João", phone=None, email=None)
SPRITE = "/static/vendor/tabler-icons-3.51.0/sprite.svg"


@pytest.fixture(scope="module")
def browser_page(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    )
    page = browser.new_page()
    for script in SCRIPTS:
        page.add_script_tag(path=script)
    yield page
    browser.close()


def tidy(markup: str) -> str:
    """Marks of gaps are the script's alone; numbers in `src` and the hash of a file do not matter."""
    return re.sub(r">\s+<", "><", re.sub(r"</?mark>", "", markup)).strip()


@pytest.mark.browser
@pytest.mark.parametrize("template", CONTENTS)
def test_script_and_server_draw_the_same(app, browser_page, template):
    content = template["rcs"]
    with app.test_request_context():
        macros = app.jinja_env.get_template("message_templates/_rcs_phone.html").module
        filled = prepare("rcs", content).render(VALUES).content
        ours = str(macros.message(preview.phone(filled)))
    facts = {
        "chipIcons": preview.CHIP_ICONS,
        "mediaKinds": preview.MEDIA_KINDS,
        "mediaIcons": preview.MEDIA_ICONS,
        "sms": service.counting_tables(),
    }
    theirs, expected = browser_page.evaluate(
        """([facts, sprite, content, values, markup]) => {
            const drawn = document.createElement("div"), given = document.createElement("div");
            drawn.append(...rcsPhone(facts, sprite).message(content, values));
            given.innerHTML = markup;
            return [drawn.innerHTML, given.innerHTML];
        }""",
        [facts, SPRITE, content, VALUES, ours],
    )
    assert tidy(theirs) == tidy(expected)
