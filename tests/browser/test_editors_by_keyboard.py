"""The SMS and voice editors without a mouse, from an empty form to a saved template; the focus is always to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watched
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

#: What is wrong with the element that has the focus: nobody has it, nothing marks it, or something lies over it.
FAULT = """() => {
    const it = document.activeElement;
    if (!it || it === document.body) return "lost";
    const label = it.closest("label");
    const marked = [it, label].some((each) => {
        const style = each && getComputedStyle(each);
        const outlined = style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return outlined || (style && style.boxShadow !== "none");
    });
    if (!marked) return "not marked";
    const box = (it.getBoundingClientRect().width > 1 ? it : label ?? it).getBoundingClientRect();
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 20));
    if (!there) return "out of sight";
    return it.contains(there) || there.contains(it) || label?.contains(there) ? "" : "covered";
}"""
WHO = "(document.activeElement.name || document.activeElement.textContent.trim() || document.activeElement.tagName)"


@pytest.fixture(params=[1280, 390])
def watched(request: Any, browser: Browser, session_of_maria: Any) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": request.param, "height": 844},
        locale="pt-BR",
        storage_state=session_of_maria,
        reduced_motion="reduce",  # a focus is looked at where it comes to rest
    )
    watched = Watched(context)
    yield watched
    context.close()
    assert watched.complaints == []


def go(page: Page, to: Locator, key: str = "Tab") -> None:
    """Press Tab until `to` has the focus; wherever the focus comes by, it is seen."""
    for _press in range(80):
        if to.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press(key)
        fault = page.evaluate(FAULT)
        assert not fault, f"{fault}: {page.evaluate(WHO)}"
    raise AssertionError(f"not reached by {key}")


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("navigation").first.wait_for()
    page.locator("#content, main").first.focus()


def saved_as(page: Page, http: httpx.Client, name: str) -> dict[str, Any]:
    """What the API answers for the template that the page has just told to be saved."""
    expect(page.locator("#flashes")).to_contain_text(f"O modelo “{name}” foi salvo.")
    found = http.get("/templates").raise_for_status().json()["data"]
    return next(each for each in found if each["name"] == name)


def test_an_sms_is_written_tried_and_saved(
    watched: Watched, product: Product, http: httpx.Client, pair: str
) -> None:
    page, keys = watched.page, watched.page.keyboard
    start(page, product.url + "/templates/new")
    go(page, page.get_by_label("Nome do modelo"))
    keys.type("SMS por teclado")
    go(page, page.get_by_label("Mensagem", exact=True))
    keys.type("Promoção, ")
    go(page, page.locator('[data-insert="nome"]'))
    keys.press("Enter")
    expect(page.locator("[data-bubble]")).to_have_text("Promoção, João da Silva")
    expect(page.get_by_label("Mensagem", exact=True)).to_be_focused()

    go(page, page.get_by_role("button", name="Enviar sem acentos"))
    keys.press("Enter")
    expect(page.locator('[name="encoding"][value="gsm7"]')).to_be_focused()
    expect(page.locator("[data-bubble]")).to_have_text("Promocao, Joao da Silva")

    go(page, page.locator("#list_id"), "Shift+Tab")
    keys.press("ArrowDown")
    expect(page.locator(".people-sum")).to_contain_text("2 pessoas")
    expect(page.locator("#list_id")).to_be_focused()
    go(page, page.locator('[name="person"]:checked'))
    keys.press("ArrowDown")
    expect(page.locator("[data-bubble]")).to_contain_text("Bartolomeu Albuquerque")

    go(page, page.get_by_role("button", name="Salvar modelo"))
    keys.press("Enter")
    made = saved_as(page, http, "SMS por teclado")
    assert made["sms"] == {"text": "Promoção, {{nome}}", "encoding": "gsm7"}


def test_a_call_is_written_its_keys_taken_away_and_back_and_saved(
    watched: Watched, product: Product, http: httpx.Client
) -> None:
    page, keys = watched.page, watched.page.keyboard
    start(page, product.url + "/templates/voice/new")
    go(page, page.get_by_label("Nome do modelo"))
    keys.type("Ligação por teclado")
    go(page, page.locator('[name="source"]:checked'))
    keys.press("ArrowDown")
    go(page, page.get_by_label("Texto para ler em voz alta"))
    keys.type("Oi ")
    go(page, page.locator('[data-insert="nome"]'))
    keys.press("Enter")
    keys.type(", tecle 1 ou 2.")
    expect(page.locator("[data-call-words]")).to_have_text("Oi João da Silva, tecle 1 ou 2.")
    for words in ("Confirma", "Não quer"):
        go(page, page.get_by_role("button", name="Adicionar tecla"))
        keys.press("Enter")
        keys.type(words)
    go(page, page.locator('[name="effect"]').last)
    keys.press("ArrowDown")

    said = page.locator("[data-call-keys] dd")
    go(page, page.get_by_role("button", name="Remover esta tecla").first, "Shift+Tab")
    keys.press("Enter")
    expect(said).to_have_text(["Não quer"])
    expect(page.locator("[data-undo]")).to_contain_text("“Confirma” foi removido")
    expect(page.get_by_role("button", name="Desfazer")).to_be_focused()
    keys.press("Enter")
    expect(said).to_have_text(["Confirma", "Não quer"])
    expect(page.locator('[name="label"]').first).to_be_focused()
    expect(page.locator("[data-undo]")).to_have_count(0)

    go(page, page.get_by_label("Nome do modelo"), "Shift+Tab")
    keys.press("Enter")
    made = saved_as(page, http, "Ligação por teclado")["voice"]
    assert made["tts"]["text"] == "Oi {{nome}}, tecle 1 ou 2."
    assert [(key["key"], key["label"], key["action"]) for key in made["dtmf"]["digits"]] == [
        ("1", "Confirma", "record"),
        ("2", "Não quer", "opt_out"),
    ]


def test_a_phone_has_twelve_keys_and_none_more_can_be_added(watched: Watched, product: Product) -> None:
    page = watched.page
    page.goto(product.url + "/templates/voice/new")
    add = page.get_by_role("button", name="Adicionar tecla")
    for _key in range(12):
        add.click()
    expect(add).to_be_disabled()
    assert sorted(page.locator('[name="key"]').evaluate_all("all => all.map((it) => it.value)")) == sorted(
        "1234567890*#"
    )
    page.get_by_role("button", name="Remover esta tecla").first.click()
    expect(add).to_be_enabled()


@pytest.mark.parametrize(
    "path", ["/templates/new?sample=1", "/templates/voice/new?sample=1", "/templates/rcs/new"]
)
def test_wherever_the_focus_comes_by_it_is_seen(watched: Watched, product: Product, path: str) -> None:
    page = watched.page
    page.goto(product.url + path)
    cancel = page.get_by_role("link", name="Cancelar")
    page.get_by_label("Nome do modelo").focus()
    go(page, cancel)
    go(page, page.get_by_label("Nome do modelo"), "Shift+Tab")
