"""Every page, wide and narrow, light and dark: readable by everybody, nothing refused, nothing cut off."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(500)]

WIDTHS = {"desktop": (1280, 800), "phone": (390, 844), "small": (360, 640)}
#: At the smallest width it is only asked whether everything fits.
VARIANTS = [
    ("desktop", "light"),
    ("desktop", "dark"),
    ("phone", "light"),
    ("phone", "dark"),
    ("small", "light"),
]
STRANGERS = ("/sign-in",)
#: Where the search for pages begins; it follows the links of each kind once.
STARTS = ("/", "/campaigns/new", "/templates/new", "/messages?status=delivered", "/there-is-nothing-here")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
NO_PAGES = re.compile(r"^/(static|api)/|\.csv(\?|$)")


@pytest.fixture(params=VARIANTS, ids="-".join)
def watched(request: Any, browser: Browser, session_of_maria: Any) -> Iterator[Watched]:
    width, scheme = request.param
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(
        viewport=size, color_scheme=scheme, locale="pt-BR", storage_state=session_of_maria
    )
    yield Watched(context)
    context.close()


@pytest.fixture(scope="session")
def places(browser: Browser, product: Product, session_of_maria: Any) -> list[str]:
    """A page of every kind, found by following links."""
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria)
    waiting, seen = list(STARTS), dict.fromkeys(map(kind_of, STARTS))
    found = []
    while waiting:
        path = waiting.pop(0)
        found.append(path)
        for link in re.findall(r'href="(/[^"#]*)"', context.request.get(product.url + path).text()):
            target = html.unescape(link)
            if kind_of(target) not in seen and not NO_PAGES.search(target):
                seen[kind_of(target)] = None
                waiting.append(target)
    context.close()
    return found


def kind_of(path: str) -> str:
    """Pages that differ only in their ids and filters are of one kind."""
    return UUID.sub("*", path.partition("?")[0])


def test_the_search_finds_the_pages_of_the_main_job(places: list[str]) -> None:
    kinds = {kind_of(path) for path in places}
    assert {"/campaigns", "/templates", "/templates/*", "/contacts", "/contacts/*", "/balance"} <= kinds
    assert {"/messages", "/settings", "/developers/keys", "/campaigns/new"} <= kinds


def test_every_page_is_whole_and_readable(
    watched: Watched, product: Product, places: list[str], pictures: Path, request: Any
) -> None:
    faults = [fault for path in places for fault in look(watched, product.url + path, pictures, request)]
    assert not faults, "\n".join(faults)


def test_pages_of_strangers_are_whole_and_readable(
    watched: Watched, product: Product, pictures: Path, request: Any
) -> None:
    watched.page.context.clear_cookies()
    faults = [fault for path in STRANGERS for fault in look(watched, product.url + path, pictures, request)]
    assert not faults, "\n".join(faults)


def look(watched: Watched, url: str, pictures: Path, request: Any) -> list[str]:
    """What is wrong with this page: its complaints, axe's findings, and whether it must be pushed sideways."""
    page = watched.page
    watched.complaints.clear()
    answer = page.goto(url)
    page.wait_for_load_state("load")
    name = re.sub(r"\W+", "-", UUID.sub("one", url.split("/", 3)[3].partition("?")[0])).strip("-") or "home"
    variant = request.node.callspec.id.replace("chromium-", "").replace("-chromium", "")
    page.screenshot(path=pictures / f"page-{name}-{variant}.png", full_page=True)
    complaints = [
        f"{url}: {text}"
        for text in watched.complaints
        if not (answer and answer.status == 404 and "404" in text)
    ]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0:
        complaints.append(f"{url}: {too_wide} pixels too wide")
    if "small" in variant:
        return complaints
    for found in Axe().run(page).response["violations"]:
        where = "; ".join(node["html"][:160] for node in found["nodes"][:3])
        complaints.append(f"{url}: {found['id']} ({found['impact']}): {where}")
    return complaints


def test_the_keyboard_reaches_content_and_menus(
    browser: Browser, product: Product, session_of_maria: Any
) -> None:
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria)
    page = context.new_page()
    page.goto(product.url + "/balance")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Ir para o conteúdo"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    menu = page.locator("header details.menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sair")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sair")).to_be_hidden()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    context.close()


def test_a_wrong_field_is_announced_and_gets_the_focus(
    browser: Browser, product: Product, session_of_maria: Any
) -> None:
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria)
    page = context.new_page()
    page.goto(product.url + "/developers/keys")
    page.get_by_role("button", name="Criar chave").click()
    field = page.locator("[aria-invalid=true]")
    field.wait_for()
    expect(field).to_be_focused()
    described = (field.get_attribute("aria-describedby") or "").split()[-1]
    assert page.locator(f"#{described}").inner_text().strip() == "Preencha este campo."
    page.get_by_role("status").filter(has_text="Confira os campos marcados").wait_for(state="attached")
    context.close()


def test_everything_works_without_script(browser: Browser, product: Product, session_of_maria: Any) -> None:
    context = browser.new_context(
        java_script_enabled=False,
        locale="pt-BR",
        viewport={"width": 390, "height": 844},
        storage_state=session_of_maria,
    )
    page = context.new_page()
    page.goto(product.url + "/messages")
    page.goto(product.url + "/settings")
    page.get_by_label("Fuso horário").select_option("America/Recife")
    page.get_by_role("button", name="Salvar").click()
    expect(page.get_by_text("As configurações foram salvas.")).to_be_visible()
    page.locator("nav details.menu summary").click()
    page.get_by_role("link", name="Chaves de API").locator("visible=true").click()
    expect(page.get_by_role("heading", name="Chaves de API")).to_be_visible()
    context.close()


def test_menus_fit_a_phone(browser: Browser, product: Product, session_of_maria: Any) -> None:
    context = browser.new_context(
        locale="pt-BR", viewport={"width": 360, "height": 740}, storage_state=session_of_maria
    )
    page = context.new_page()
    page.goto(product.url + "/contacts")
    page.get_by_role("table").get_by_role("link").first.click()
    page.wait_for_url(re.compile(UUID.pattern))
    for menu in page.locator("details.menu:visible").all():
        menu.locator("summary").click()
        box = menu.locator(".menu-panel").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
        assert box["y"] >= 0 and box["height"] > 40
        page.keyboard.press("Escape")
    context.close()
