"""What is written in an editor outlives its tab: offered back, gone on with or dropped, and gone once it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import until
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

#: Of each editor: its empty form, a field of its content beside the name, and a template as the API takes it.
EDITORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sms": ("/templates/new", "text", {"channel": "sms", "sms": {"text": "Oi"}}),
    "rcs": (
        "/templates/rcs/new",
        "rcs.card.title",
        {"channel": "rcs", "rcs": {"type": "card", "card": {"orientation": "vertical", "title": "Oi"}}},
    ),
    "voice": (
        "/templates/voice/new",
        "text",
        {"channel": "voice", "voice": {"source": "tts", "tts": {"text": "Oi"}}},
    ),
}
KEPT = "Object.keys(localStorage).filter((key) => key.startsWith('draft:')).length"


@pytest.fixture
def context(browser: Browser, session_of_maria: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria)
    yield context
    context.close()


@pytest.fixture(params=EDITORS)
def editor(request: Any) -> tuple[str, str, dict[str, Any]]:
    return EDITORS[request.param]


def write(page: Page, field: str, name: str, words: str) -> None:
    page.locator('[name="name"]').fill(name)
    speech = page.locator('[name="source"][value="tts"]')
    if speech.count():
        speech.check()
    page.locator(f'[name="{field}"]').fill(words)


def offered(page: Page) -> Any:
    return page.locator("[data-drafts] strong")


def take(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.locator(".draft", has_text=name).get_by_role("button", name="Continuar").click()


def save(page: Page) -> None:
    page.locator(".editor .actions").get_by_role("button", name="Salvar modelo").click()
    expect(page.locator("#flashes")).to_contain_text("foi salvo")


def test_two_tabs_keep_two_drafts_and_saving_one_leaves_the_other(
    context: BrowserContext, product: Product, editor: Any
) -> None:
    path, field, _template = editor
    first, second = context.new_page(), context.new_page()
    for page, name in ((first, "Primeira"), (second, "Segunda")):
        page.goto(product.url + path)
        write(page, field, name, f"Texto da {name}")
        page.close()

    page = context.new_page()
    page.goto(product.url + path)
    expect(offered(page)).to_have_text(["Segunda", "Primeira"])
    # what is begun without looking at the offer takes nothing from it
    write(page, field, "Terceira", "Texto da Terceira")
    page.goto(product.url + path)
    expect(offered(page)).to_have_text(["Terceira", "Segunda", "Primeira"])

    take(page, "Primeira")
    expect(page.locator('[name="name"]')).to_have_value("Primeira")
    expect(page.locator(f'[name="{field}"]')).to_have_value("Texto da Primeira")
    expect(offered(page)).to_have_text(["Terceira", "Segunda"])
    page.locator('[name="name"]').fill("Primeira, melhor")
    save(page)
    page.goto(product.url + path)
    expect(offered(page)).to_have_text(["Terceira", "Segunda"])
    page.locator(".draft", has_text="Terceira").get_by_role("button", name="Descartar").click()
    expect(offered(page)).to_have_text(["Segunda"])
    expect(page.get_by_role("button", name="Descartar")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-draft-offer]")).to_be_hidden()
    expect(page.locator('[name="name"]')).to_be_focused()
    assert page.evaluate(KEPT) == 0


def test_a_draft_of_a_kept_template_is_offered_at_that_template_only(
    context: BrowserContext, product: Product, http: httpx.Client, editor: Any
) -> None:
    path, field, template = editor
    one, other = (
        http.post("/templates", json={"name": name, **template}).raise_for_status().json()["id"]
        for name in ("Um", "Outro")
    )
    page = context.new_page()
    page.goto(f"{product.url}/templates/{one}")
    write(page, field, "Um, mudado", "Outro texto")
    page.close()

    page = context.new_page()
    for elsewhere in (path, f"/templates/{other}"):
        page.goto(product.url + elsewhere)
        expect(page.locator("[data-draft-offer]")).to_be_hidden()
    page.goto(f"{product.url}/templates/{one}")
    take(page, "Um, mudado")
    expect(page.locator(f'[name="{field}"]')).to_have_value("Outro texto")
    save(page)
    assert page.evaluate(KEPT) == 0
    assert http.get(f"/templates/{one}").json()["name"] == "Um, mudado"


def test_what_was_refused_is_still_kept_and_is_one_draft(
    context: BrowserContext, product: Product, editor: Any
) -> None:
    path, field, _template = editor
    page = context.new_page()
    page.goto(product.url + path)
    write(page, field, "", "Sem nome ainda")
    page.locator(".editor .actions").get_by_role("button", name="Salvar modelo").click()
    expect(page.locator('[name="name"]')).to_be_focused()
    page.locator('[name="name"]').fill("Agora com nome")
    page.close()
    page = context.new_page()
    page.goto(product.url + path)
    expect(offered(page)).to_have_text(["Agora com nome"])
    take(page, "Agora com nome")
    save(page)
    page.go_back()
    page.goto(product.url + "/templates")
    assert page.evaluate(KEPT) == 0, "going back to what was saved makes no draft"


def test_a_removed_key_and_a_removed_button_come_back_as_they_were(
    context: BrowserContext, product: Product
) -> None:
    page = context.new_page()
    page.goto(product.url + "/templates/voice/new?sample=1")
    said = page.locator("[data-call-keys] > div")
    expect(said).to_have_text(["1Confirma", "9Não quer mais ligações"])
    page.get_by_role("button", name="Remover esta tecla").last.click()
    expect(said).to_have_count(1)
    until(page, f"{KEPT} === 1")  # what is left is kept
    page.get_by_role("button", name="Desfazer").click()
    expect(said).to_have_text(["1Confirma", "9Não quer mais ligações"])
    assert page.locator('[name="effect"]').last.input_value() == "opt_out"

    page.goto(product.url + "/templates/rcs/new")
    page.locator('[name="rcs.type"][value="text"]').check()
    page.locator('[data-add="rcs.suggestions"]').click()
    chip = page.locator('[data-items="rcs.suggestions"] > li')
    chip.locator('[name$=".type"]').select_option("dial")
    chip.locator('[name$=".text"]').fill("Ligar")
    chip.locator('[name$=".phone"]').fill("(11) 4004-1234")
    chip.get_by_role("button", name="Remover").click()
    expect(chip).to_have_count(0)
    page.get_by_role("button", name="Desfazer").click()
    expect(chip.locator('[name$=".phone"]')).to_have_value("(11) 4004-1234")
    expect(chip.locator('[name$=".type"]')).to_have_value("dial")
