"""A carousel of five cards with buttons, made by mouse and by keyboard; drafts; the phone on small screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watched
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(500)]

TITLES = ["Tênis", "Mochila", "Garrafa", "Boné", "Meia"]
CARDS = "rcs.carousel.cards"
#: A picture of one pixel.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x0f\x6e\x63\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

#: Everything that the form would send.
WRITTEN = "form => [...new FormData(form)].filter(([, it]) => typeof it === 'string')"


@pytest.fixture
def watched(browser: Browser, session_of_maria: Any) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="pt-BR", storage_state=session_of_maria
    )
    yield Watched(context)
    context.close()


def control(page: Page, path: str) -> Locator:
    return page.locator(f'[name="{path}"]')


def items(page: Page, path: str = CARDS) -> Locator:
    return page.locator(f'[data-items="{path}"] > li')


def on_phone(page: Page) -> list[str]:
    return page.locator("[data-screen] .rcs-card-title").all_inner_texts()


def drag(page: Page, grip: Locator, to: Locator) -> None:
    grip.scroll_into_view_if_needed()
    start = grip.bounding_box()
    assert start
    page.mouse.move(start["x"] + 10, start["y"] + 15)
    page.mouse.down()
    page.mouse.move(start["x"] + 10, start["y"] + 30, steps=3)
    end = to.bounding_box()
    assert end
    page.mouse.move(end["x"] + 10, end["y"] + end["height"] - 3, steps=8)
    page.mouse.up()


def test_a_carousel_is_built_by_mouse(watched: Watched, product: Product, pictures: Path) -> None:
    page = watched.page
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").fill("Vitrine por mouse")
    page.locator("label.kind-tile", has_text="Carrossel").click()
    while items(page).count() < 5:
        page.get_by_role("button", name="Adicionar card").click()
    for at, title in enumerate(TITLES):
        if not control(page, f"{CARDS}[{at}].title").is_visible():
            items(page).nth(at).locator("summary").first.click()
        control(page, f"{CARDS}[{at}].title").fill(title)
        expect(page.locator("[data-screen] .rcs-card-title").nth(at)).to_have_text(title)
    items(page).nth(0).get_by_role("button", name="Adicionar botão").click()
    control(page, f"{CARDS}[0].suggestions[0].text").fill("Quero, {{nome}}")
    page.locator(f'[data-add="{CARDS}[0].suggestions"]').click()
    control(page, f"{CARDS}[0].suggestions[1].type").select_option("open_url")
    control(page, f"{CARDS}[0].suggestions[1].text").fill("Ver a loja")
    control(page, f"{CARDS}[0].suggestions[1].url").fill("https://example.com/loja")
    expect(page.locator("[data-screen] .rcs-card-chips li")).to_have_count(2)
    upload = page.locator(f'[data-upload-for="{CARDS}[0].media.file_url"]')
    upload.set_input_files({"name": "tênis.gif", "mimeType": "image/gif", "buffer": GIF})
    expect(page.locator("[data-screen] .rcs-media img")).to_have_count(1)
    assert (
        page.locator("[data-screen] .rcs-media img").evaluate("it => it.decode().then(() => it.naturalWidth)")
        == 1
    )

    drag(page, items(page).nth(0).locator("[data-grip]").first, items(page).nth(2))
    expect(page.locator("#announcer")).to_have_text("Agora na posição 3 de 5.")
    assert on_phone(page) == ["Mochila", "Garrafa", "Tênis", "Boné", "Meia"]
    assert control(page, f"{CARDS}[2].suggestions[1].url").input_value() == "https://example.com/loja"
    page.screenshot(path=pictures / "rcs-carousel-mouse.png", full_page=True)
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.locator("#flashes")).to_contain_text("O modelo “Vitrine por mouse” foi salvo.")
    page.get_by_role("link", name="Vitrine por mouse").click()
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text(
        ["Mochila", "Garrafa", "Tênis", "Boné", "Meia"]
    )
    assert watched.complaints == []


def test_a_carousel_is_built_by_keyboard_alone(watched: Watched, product: Product) -> None:
    page, keys = watched.page, watched.page.keyboard
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").focus()
    keys.type("Vitrine por teclado")
    keys.press("Tab")
    keys.press("ArrowRight")
    expect(page.locator('[name="rcs.type"][value="carousel"]')).to_be_checked()
    for at, title in enumerate(TITLES):
        if at < 2:
            body = items(page).nth(at).locator("details").first
            if body.get_attribute("open") is None:
                body.locator("summary").first.focus()
                keys.press("Enter")
            control(page, f"{CARDS}[{at}].title").focus()
        else:
            page.get_by_role("button", name="Adicionar card").focus()
            keys.press("Enter")
            expect(control(page, f"{CARDS}[{at}].title")).to_be_focused()
        keys.type(title)
    page.locator(f'[data-add="{CARDS}[4].suggestions"]').focus()
    keys.press("Enter")
    keys.type("Quero")
    grip = items(page).nth(4).locator("[data-grip]").first
    grip.focus()
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    expect(page.locator("#announcer")).to_have_text("Agora na posição 3 de 5.")
    expect(items(page).nth(2).locator("[data-grip]").first).to_be_focused()
    assert on_phone(page) == ["Tênis", "Mochila", "Meia", "Garrafa", "Boné"]
    assert control(page, f"{CARDS}[2].suggestions[0].text").input_value() == "Quero"
    items(page).nth(0).get_by_role("button", name="Mover para a direita").last.focus()
    keys.press("Enter")
    assert on_phone(page)[:2] == ["Mochila", "Tênis"]
    page.get_by_label("Nome do modelo").focus()
    keys.press("Enter")
    expect(page.locator("#flashes")).to_contain_text("foi salvo")
    assert watched.complaints == []


def test_a_removed_card_comes_back_by_one_click_or_by_enter(
    watched: Watched, product: Product, pictures: Path
) -> None:
    page, keys = watched.page, watched.page.keyboard
    page.goto(product.url + "/templates?channel=rcs")
    page.get_by_role("link", name="Novidades da vitrine").click()
    expect(items(page)).to_have_count(3)
    titles = on_phone(page)
    middle = items(page).nth(1)
    middle.locator("summary").first.click()
    before = page.locator(".rcs-editor").evaluate(WRITTEN)
    middle.get_by_role("button", name="Remover").last.click()
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text([titles[0], *titles[2:]])
    notice = page.locator("[data-undo]")
    expect(notice).to_contain_text(f"“{titles[1]}” foi removido")
    assert Axe().run(page).response["violations"] == []
    page.screenshot(path=pictures / "rcs-undo.png")
    notice.get_by_role("button", name="Desfazer").click()
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text(titles)
    expect(notice).to_have_count(0)
    assert page.locator(".rcs-editor").evaluate(WRITTEN) == before

    middle.get_by_role("button", name="Remover").last.focus()
    keys.press("Enter")
    expect(notice.get_by_role("button")).to_be_focused()
    expect(page.locator("#announcer")).to_contain_text("Removid")
    items(page).nth(0).locator("[data-grip]").first.focus()
    keys.press("ArrowDown")  # what has moved meanwhile stays where it is
    notice.get_by_role("button").focus()
    keys.press("Enter")
    expect(page.locator("#announcer")).to_have_text("De volta na posição 2.")
    expect(items(page).nth(1).locator("[data-grip]").first).to_be_focused()
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text(
        [titles[2], titles[1], titles[0], *titles[3:]]
    )
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.locator("#flashes")).to_contain_text("foi salvo")
    assert watched.complaints == []


def test_what_is_wrong_is_told_at_its_field_and_gets_the_focus(watched: Watched, product: Product) -> None:
    page = watched.page
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_role("button", name="Salvar modelo").click()
    expect(control(page, "name")).to_be_focused()
    page.get_by_label("Nome do modelo").fill("Só o nome")
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.locator('[id="rcs.card-error"]')).to_be_visible()


def test_a_closed_tab_loses_nothing(watched: Watched, product: Product) -> None:
    page = watched.page
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").fill("Pela metade")
    control(page, "rcs.card.title").fill("Oferta de amanhã")
    page.goto(product.url + "/templates")
    page.goto(product.url + "/templates/rcs/new")
    expect(control(page, "rcs.card.title")).to_have_value("")
    page.get_by_role("button", name="Continuar").click()
    expect(control(page, "rcs.card.title")).to_have_value("Oferta de amanhã")
    expect(page.get_by_label("Nome do modelo")).to_have_value("Pela metade")
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.locator("#flashes")).to_contain_text("foi salvo")
    page.goto(product.url + "/templates/rcs/new")
    expect(page.get_by_role("button", name="Continuar")).to_be_hidden()


def test_real_people_fill_the_gaps_and_columns_can_be_inserted(
    watched: Watched, product: Product, pair: str
) -> None:
    page = watched.page
    page.goto(product.url + "/templates/rcs/new")
    page.locator('[name="rcs.type"][value="text"]').check()
    control(page, "rcs.text.body").fill("Oi ")
    page.locator("#list_id").select_option(pair)
    expect(page.locator(".people-sum")).to_contain_text("2 pessoas")
    page.locator('[data-insert="nome"]').click()
    expect(control(page, "rcs.text.body")).to_have_value("Oi {{nome}}")
    page.locator(".person", has_text="Bartolomeu").click()
    expect(page.locator("[data-screen] .rcs-bubble")).to_have_text("Oi Bartolomeu Albuquerque")
    page.locator(".person", has_text="Ana").click()
    expect(page.locator("[data-screen] .rcs-bubble")).to_have_text("Oi Ana Souza")


@pytest.mark.parametrize("variant", [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_editor_is_readable_at_every_size(
    browser: Browser, product: Product, session_of_maria: Any, pictures: Path, variant: Any
) -> None:
    width, scheme = variant
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        locale="pt-BR",
        storage_state=session_of_maria,
    )
    page = context.new_page()
    page.goto(product.url + "/templates?channel=rcs")
    page.get_by_role("link", name="Novidades da vitrine").click()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.screenshot(path=pictures / f"rcs-editor-{width}-{scheme}.png", full_page=width > 400)
    if width < 400:
        page.get_by_role("button", name="Ver no celular").click()
        expect(page.locator(".handset")).to_be_visible()
        page.screenshot(path=pictures / f"rcs-editor-{width}-{scheme}-phone.png")
    found = [(it["id"], it["nodes"][0]["html"][:200]) for it in Axe().run(page).response["violations"]]
    assert found == []
    context.close()


def test_without_scripts_the_buttons_send_the_form(
    browser: Browser, product: Product, session_of_maria: Any, pictures: Path
) -> None:
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria, java_script_enabled=False)
    page = context.new_page()
    page.goto(product.url + "/templates/rcs/new")
    page.get_by_label("Nome do modelo").fill("Sem script")
    page.locator("label.kind-tile", has_text="Carrossel").click()
    page.get_by_role("button", name="Adicionar card").click()
    expect(items(page)).to_have_count(3)
    for at, title in enumerate(TITLES[:3]):
        if not control(page, f"{CARDS}[{at}].title").is_visible():
            items(page).nth(at).locator("summary").first.click()
        control(page, f"{CARDS}[{at}].title").fill(title)
    chosen = {"name": "meia.gif", "mimeType": "image/gif", "buffer": GIF}
    page.locator(f'[name="upload:{CARDS}[2].media.file_url"]').set_input_files(chosen)
    items(page).nth(2).get_by_role("button", name="Enviar o arquivo").click()
    expect(control(page, f"{CARDS}[2].media.file_url")).to_be_visible()
    expect(control(page, f"{CARDS}[2].media.file_url")).to_have_value(re.compile("/media/.*/meia.gif$"))
    expect(page.locator("[data-screen] .rcs-media img")).to_have_count(1)
    expect(control(page, "name")).to_have_value("Sem script")
    page.screenshot(path=pictures / "rcs-upload-without-scripts.png", full_page=True)
    page.get_by_role("button", name="Mostrar no celular").click()
    expect(page.locator("[data-screen] .rcs-card-title")).to_have_text(TITLES[:3])
    page.get_by_role("button", name="Salvar modelo").first.click()
    expect(page.locator("#flashes")).to_contain_text("foi salvo")
    context.close()
