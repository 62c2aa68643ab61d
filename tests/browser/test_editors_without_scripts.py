"""The three editors in a browser that runs no scripts: written, changed, looked at and saved by plain forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_editors_by_keyboard import saved_as
from tests.browser.test_rcs_editor import CARDS, GIF, control, items
from tests.files import sounds
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

VARIANTS = [(1280, "light"), (390, "dark")]


@pytest.fixture(params=VARIANTS, ids=lambda it: f"{it[0]}-{it[1]}")
def page(request: Any, browser: Browser, session_of_maria: Any) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        locale="pt-BR",
        storage_state=session_of_maria,
        java_script_enabled=False,
    )
    yield context.new_page()
    context.close()


def press(page: Page, name: str, within: Locator | None = None) -> None:
    """A button that sends the form, and the page that answers."""
    with page.expect_navigation():
        (within or page).get_by_role("button", name=name, exact=True).last.click()


def focused(page: Page) -> str:
    """The name of the control that the page gives the focus."""
    return page.locator(":focus").evaluate("it => it.name === 'do' ? it.value : it.name")


def look(page: Page, pictures: Path, name: str) -> None:
    """Nothing is cut off; a picture is kept."""
    size = page.viewport_size
    assert size
    page.screenshot(path=pictures / f"plain-{name}-{size['width']}.png", full_page=True)
    wide = page.locator("html").evaluate("it => it.scrollWidth - it.clientWidth")
    assert wide <= 0, name
    beyond = """all => all.map((it) =>
        it.getBoundingClientRect().right - it.closest('fieldset').getBoundingClientRect().right)"""
    assert max([0, *page.locator(".items > li").evaluate_all(beyond)]) <= 1, name


def test_an_sms(page: Page, product: Product, http: httpx.Client, pictures: Path, pair: str) -> None:
    page.goto(product.url + "/templates/new")
    press(page, "Salvar modelo")
    expect(page.locator("#name-error, [name=name] ~ .field-error").first).to_be_visible()
    page.get_by_label("Nome do modelo").fill("SMS sem scripts")
    page.get_by_label("Mensagem", exact=True).fill("Promoção para {{nome}}")
    page.locator("#list_id").select_option(pair)
    press(page, "Mostrar no celular")
    expect(page.locator("[data-bubble]")).to_have_text("Promoção para Ana Souza")
    expect(page.locator("[data-bubble]")).to_be_in_viewport()
    expect(page.locator("[data-letters] kbd")).to_have_text(["ç", "ã"])
    expect(page.locator(".people-sum")).to_contain_text("2 pessoas")
    page.locator(".person", has_text="Bartolomeu").click()
    press(page, "Mostrar no celular")
    expect(page.locator("[data-bubble]")).to_have_text("Promoção para Bartolomeu Albuquerque")
    look(page, pictures, "sms")
    page.locator('[name="encoding"][value="gsm7"]').check()
    press(page, "Salvar modelo")
    made = saved_as(page, http, "SMS sem scripts")
    assert made["sms"] == {"text": "Promoção para {{nome}}", "encoding": "gsm7"}

    page.goto(f"{product.url}/templates/{made['id']}")
    page.get_by_label("Mensagem", exact=True).fill("Curto")
    press(page, "Salvar modelo")
    assert saved_as(page, http, "SMS sem scripts")["sms"]["text"] == "Curto"
    page.goto(f"{product.url}/templates/{made['id']}")
    page.get_by_role("button", name="Excluir").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Excluir modelo").click()
    expect(page.locator("#flashes")).to_contain_text("foi excluído")


def test_a_call(page: Page, product: Product, http: httpx.Client, pictures: Path, tmp_path: Path) -> None:
    sound, text = tmp_path / "aviso.wav", tmp_path / "nada.mp3"
    sound.write_bytes(sounds.make("mulaw.wav", 7))
    text.write_bytes(b"<html>no sound</html>" * 40)
    page.goto(product.url + "/templates/voice/new")
    page.get_by_label("Nome do modelo").fill("Ligação sem scripts")
    press(page, "Salvar modelo")
    expect(page.get_by_text("Grave algo ou escolha um arquivo.").first).to_be_visible()
    page.set_input_files("[name=file]", text)
    press(page, "Salvar modelo")
    expect(page.locator(".field-error").first).to_be_visible()
    page.set_input_files("[name=file]", sound)
    for key, words in (("1", "Confirma"), ("2", "Remarca"), ("9", "Não quer")):
        page.locator('[name="key"]').last.select_option(key)
        page.locator('[name="label"]').last.fill(words)
        press(page, "Mais uma tecla")
        assert focused(page) == "key"
    expect(page.get_by_text("aviso.wav")).to_be_visible()
    press(page, "Remover esta tecla", page.locator("[data-key]").nth(1))
    expect(page.locator("[data-call-keys] dd")).to_have_text(["Confirma", "Não quer"])
    page.locator('[name="effect"]').nth(1).select_option("opt_out")
    page.locator("details.folded > summary").click()
    control(page, "ring_timeout_s").fill("99")
    press(page, "Salvar modelo")
    expect(control(page, "ring_timeout_s")).to_be_visible()
    expect(control(page, "ring_timeout_s")).to_have_attribute("aria-invalid", "true")
    control(page, "ring_timeout_s").fill("20")
    press(page, "Mostrar no celular")
    expect(page.locator(".call-name")).to_be_in_viewport()
    look(page, pictures, "voice")
    press(page, "Salvar modelo")
    made = saved_as(page, http, "Ligação sem scripts")
    assert made["voice"]["ring_timeout_s"] == 20
    assert [each["label"] for each in made["voice"]["dtmf"]["digits"]] == ["Confirma", "Não quer"]

    page.goto(f"{product.url}/templates/{made['id']}")
    page.get_by_label("Um texto lido em voz alta").check()
    page.get_by_label("Texto para ler em voz alta").fill("Oi {{nome}}.")
    press(page, "Salvar modelo")
    assert saved_as(page, http, "Ligação sem scripts")["voice"]["tts"]["text"] == "Oi {{nome}}."


def test_a_carousel(page: Page, product: Product, http: httpx.Client, pictures: Path) -> None:
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").fill("Vitrine sem scripts")
    page.locator("label.kind-tile", has_text="Carrossel").click()
    press(page, "Adicionar card")
    assert focused(page) == f"{CARDS}[2].title"
    control(page, f"{CARDS}[2].title").fill("Boné")
    for at, title in enumerate(("Tênis", "Mochila")):
        items(page).nth(at).locator("summary").first.click()
        control(page, f"{CARDS}[{at}].title").fill(title)
    press(page, "Adicionar botão", items(page).nth(1))
    assert focused(page) == f"{CARDS}[1].suggestions[0].text"
    control(page, f"{CARDS}[1].suggestions[0].text").fill("Ver")
    control(page, f"{CARDS}[1].suggestions[0].type").select_option("open_url")
    control(page, f"{CARDS}[1].suggestions[0].url").fill("http://example.com")
    press(page, "Salvar modelo")
    wrong = page.locator(f'[id="{CARDS}[1].suggestions[0].url-error"]')
    expect(wrong).to_be_visible()
    page.locator(".fault-list a").first.click()
    expect(control(page, f"{CARDS}[1].suggestions[0].url")).to_be_in_viewport()
    control(page, f"{CARDS}[1].suggestions[0].url").fill("https://example.com/{{nome}}")

    chosen = {"name": "mochila.gif", "mimeType": "image/gif", "buffer": GIF}
    page.locator(f'[name="upload:{CARDS}[1].media.file_url"]').set_input_files(chosen)
    press(page, "Enviar o arquivo", items(page).nth(1))
    assert focused(page) == f"{CARDS}[1].media.file_url"
    expect(control(page, f"{CARDS}[1].media.file_url")).to_have_value(re.compile("/media/.*/mochila.gif$"))
    press(page, "Mover para a esquerda", items(page).nth(1))
    assert focused(page) == f"back:{CARDS}[0]"
    press(page, "Duplicar", items(page).nth(0))
    assert focused(page) == f"{CARDS}[1].title"
    press(page, "Remover", items(page).nth(1))
    assert focused(page) == f"add:{CARDS}"
    press(page, "Mostrar no celular")
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text(["Mochila", "Tênis", "Boné"])
    expect(page.locator("[data-screen]")).to_be_in_viewport()
    look(page, pictures, "rcs")
    press(page, "Salvar modelo")
    made = saved_as(page, http, "Vitrine sem scripts")["rcs"]["carousel"]["cards"]
    assert [card["title"] for card in made] == ["Mochila", "Tênis", "Boné"]
    assert made[0]["suggestions"][0]["url"] == "https://example.com/{{nome}}"


#: The fields of each kind of button, and what the contract gets of them.
KINDS: dict[str, dict[str, str]] = {
    "reply": {},
    "open_url": {"url": "https://example.com/loja"},
    "dial": {"phone": "+551140041234"},
    "view_location": {"latitude": "-23,5505", "longitude": "-46,6333", "label": "Loja"},
    "share_location": {},
    "create_calendar_event": {
        "title": "Festa",
        "start_time": "2027-01-05T19:00",
        "end_time": "2027-01-05T23:00",
    },
}


def test_a_text_with_buttons_of_all_six_kinds(page: Page, product: Product, http: httpx.Client) -> None:
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").fill("Seis botões")
    page.locator('[name="rcs.type"][value="text"]').check()
    control(page, "rcs.text.body").fill("Oi {{nome}}")
    for at, (kind, fields) in enumerate(KINDS.items()):
        press(page, "Adicionar botão")
        path = f"rcs.suggestions[{at}]"
        control(page, f"{path}.type").select_option(kind)
        control(page, f"{path}.text").fill(f"Botão {at + 1}")
        for field, value in fields.items():
            control(page, f"{path}.{field}").fill(value)
    press(page, "Mostrar no celular")
    expect(page.locator("[data-screen]").get_by_text("Botão", exact=False)).to_have_count(6)
    press(page, "Salvar modelo")
    made = saved_as(page, http, "Seis botões")["rcs"]["suggestions"]
    assert [chip["type"] for chip in made] == list(KINDS)
    assert (made[3]["latitude"], made[3]["longitude"]) == (-23.5505, -46.6333)
    assert made[5]["start_time"] == "2027-01-05T22:00:00.000Z", "typed by the company's clock"


@pytest.mark.parametrize(
    "path", ["/templates/new?sample=1", "/templates/voice/new?sample=1", "/templates/rcs/new"]
)
def test_it_is_readable(browser: Browser, product: Product, session_of_maria: Any, path: str) -> None:
    """Axe is a script: what a page without scripts looks like is read in one whose own scripts never arrive."""
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria)
    page = context.new_page()
    page.route("**/static/js/**", lambda route: route.abort())
    page.goto(product.url + path)
    assert [it["id"] for it in Axe().run(page).response["violations"]] == []
    context.close()
