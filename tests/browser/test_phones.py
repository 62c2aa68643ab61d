"""A marketer sends a carousel and a call to the simulator, looks at the phone, and answers from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.live.product import Product, eventually

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

CHIPS = [{"type": "reply", "text": "Quero!", "postback_data": "quero"}]
CARDS = [{"title": "Pão de queijo", "suggestions": CHIPS}, {"title": "Sonho", "description": "Para {{nome}}"}]
CAROUSEL = {"type": "carousel", "carousel": {"card_width": "medium", "cards": CARDS}}
CALL = {
    "source": "tts",
    "tts": {"text": "Olá {{nome}}, seu pedido está pronto."},
    "dtmf": {"digits": [{"key": "9", "label": "Não quero mais ligações", "action": "opt_out"}]},
}


def campaign_of(
    product: Product, channel: str, content: dict[str, Any], list_id: str, http: httpx.Client
) -> str:
    """A campaign with this content, sent and delivered; its id."""

    def post(path: str, body: Any = None) -> dict[str, Any]:
        return http.post(path, json=body).raise_for_status().json()

    template = post("/templates", {"name": f"Padaria {channel}", "channel": channel, channel: content})
    body = {"name": f"Padaria {channel}", "channel": channel, "template_id": template["id"]}
    made = post("/campaigns", {**body, "contact_list_id": list_id})
    post(f"/campaigns/{made['id']}/launch")
    stats = f"/campaigns/{made['id']}/stats"
    eventually(lambda: http.get(stats).json()["delivered"] == 1, lambda: http.get(stats).text)
    return str(made["id"])


@pytest.mark.parametrize("screen", [(1280, "light"), (390, "dark")], ids=["wide", "narrow"])
def test_the_phone_shows_what_arrived_and_answers(
    browser: Browser,
    product: Product,
    http: httpx.Client,
    *,
    session_of_maria: Any,
    pictures: Path,
    screen: Any,
) -> None:
    width, scheme = screen
    list_id = http.post("/contact-lists", json={"name": "Clientes da padaria"}).json()["id"]
    person = {"name": "Ana Souza", "phone": f"+551198765{width:04d}"}
    http.post(f"/contact-lists/{list_id}/contacts", json=person).raise_for_status()
    campaign_of(product, "voice", CALL, list_id, http)
    campaign_id = campaign_of(product, "rcs", CAROUSEL, list_id, http)
    context = browser.new_context(
        locale="pt-BR",
        storage_state=session_of_maria,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    )
    watched = Watched(context)
    page = watched.page
    page.goto(f"{product.url}/campaigns/{campaign_id}")
    page.get_by_role("link", name="Ver no telefone").click()
    phone = page.locator("#phone")
    expect(phone).to_contain_text("Para Ana Souza")
    expect(phone).to_contain_text("seu pedido está pronto")
    phone.get_by_role("button", name="Quero!").click()
    expect(phone.locator(".phone-mine")).to_have_text(["Quero!"])
    phone.get_by_role("button", name="Não quero mais ligações").click()
    expect(phone.locator(".phone-mine")).to_have_text(["Quero!", "Tecla 9"])
    phone.get_by_label("Responder").fill("SAIR")
    phone.get_by_role("button", name="Enviar a resposta").click()
    expect(phone.locator(".phone-mine")).to_have_text(["Quero!", "Tecla 9", "SAIR"])
    page.screenshot(path=pictures / f"phones-{width}-{scheme}.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    phone.get_by_role("button", name="Desligar o telefone").click()
    expect(phone).to_contain_text("Este telefone está desligado.")
    assert Axe().run(page).response["violations"] == []
    page.screenshot(path=pictures / f"phones-off-{width}-{scheme}.png", full_page=True)
    assert watched.complaints == []
    context.close()
