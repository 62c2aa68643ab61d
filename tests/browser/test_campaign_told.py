"""What a campaign's pages tell a marketer: what was chosen, why it was held back, why people did not get it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PICTURES, Watched
from tests.browser.looks import look
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

#: By their numbers, what becomes of them: on the simulator, `0002` is not delivered and `0003` refused.
FATES = [("1111", 96), ("0002", 25), ("0003", 4)]


@pytest.fixture
def mixed(http: httpx.Client) -> str:
    """A list of people with all kinds of phones; its id."""
    made = http.post("/contact-lists", json={"name": "De todo tipo"}).raise_for_status().json()["id"]
    for ending, count in FATES:
        for place in range(count):
            person = {"name": f"Pessoa {place}", "phone": f"+551196{place:03d}{ending}"}
            http.post(f"/contact-lists/{made}/contacts", json=person).raise_for_status()
    return str(made)


def test_what_was_chosen_and_why_it_was_held_back(
    browser: Browser,
    product: Product,
    session_of_maria: Any,
    http: httpx.Client,
    mixed: str,
) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="pt-BR", storage_state=session_of_maria
    )
    watched = Watched(context)
    page = watched.page
    template = {"name": "Boleto", "channel": "sms", "sms": {"text": "Oi {{nome}}"}}
    template_id = http.post("/templates", json=template).raise_for_status().json()["id"]
    wish = {"name": "Boletos", "channel": "sms", "template_id": template_id, "contact_list_id": mixed}
    campaign_id = http.post("/campaigns", json=wish).raise_for_status().json()["id"]
    PICTURES.mkdir(exist_ok=True)
    faults = []

    page.goto(f"{product.url}/campaigns/{campaign_id}/when")
    time = page.get_by_label("Dia e hora")
    expect(time).to_be_hidden()
    page.get_by_role("radio", name="Em um horário marcado").check()
    expect(time).to_be_visible()
    time.fill(f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT10:00}")
    page.get_by_label("Em que ritmo?").select_option("60")
    page.get_by_label("Testar primeiro com poucas pessoas").check()
    page.get_by_label("É um aviso").check()
    faults += look(page, "told-when", PICTURES)
    page.get_by_role("button", name="Próximo").click()
    facts = page.locator(".send-box .facts")
    for words in ("ao longo de 1 hora", "sim", "aviso, não propaganda"):
        expect(facts).to_contain_text(words)
    faults += look(page, "told-check", PICTURES)
    page.get_by_role("button", name="Agendar para 125 pessoas").click()
    expect(page.locator(".facts")).to_contain_text("ao longo de 1 hora")
    faults += look(page, "told-scheduled", PICTURES)

    http.post(f"/campaigns/{campaign_id}/cancel").raise_for_status()
    again = http.post("/campaigns", json={**wish, "name": "Sem teste"}).raise_for_status().json()["id"]
    http.post(f"/campaigns/{again}/launch").raise_for_status()
    page.goto(f"{product.url}/campaigns/{again}")
    reasons = page.locator(".outcome-why")
    expect(reasons.filter(has_text="celular desligado")).to_be_visible(timeout=60_000)
    expect(reasons.filter(has_text="números que não existem")).to_be_visible()
    expect(page.locator("#progress").get_by_text("Concluída")).to_be_visible(timeout=60_000)
    expect(page.locator(".outcomes li", has_text="Entregue").first).to_contain_text("96", timeout=60_000)
    faults += look(page, "told-reasons", PICTURES)
    context.close()
    assert faults == [] and watched.complaints == []
