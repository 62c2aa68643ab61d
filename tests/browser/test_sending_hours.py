"""Sending hours as a marketer meets them: set, waited for, taken back."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PICTURES, Watched
from tests.browser.test_pages import VARIANTS, WIDTHS, look
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]


def test_a_campaign_waits_for_its_hours_and_goes_when_they_are_taken_back(
    browser: Browser,
    product: Product,
    session_of_maria: Any,
    http: httpx.Client,
    pair: str,
) -> None:
    """The pages are looked at on every width, light and dark, while it waits."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="pt-BR", storage_state=session_of_maria
    )
    watched = Watched(context)
    page = watched.page
    page.goto(f"{product.url}/settings/sending?fill=usual")
    expect(page.get_by_text("Preenchido, ainda não salvo")).to_be_visible()
    opens = f"{(datetime.now(ZoneInfo('America/Sao_Paulo')).hour + 6) % 24:02d}"
    card = page.locator("section.card", has_text="Enviar SMS de campanhas só nestes horários")
    for day in ("Segunda a sexta", "Sábado", "Domingo", "Feriados"):
        card.get_by_label(f"Das, {day}").fill(f"{opens}:00")
        card.get_by_label(f"Até, {day}").fill(f"{opens}:59")
    page.get_by_label("Feriados da sua empresa").fill("25/01 Aniversário de São Paulo")
    page.get_by_role("button", name="Salvar").click()
    expect(page.locator("#flashes").get_by_text("As configurações foram salvas.")).to_be_visible()
    try:
        template = {"name": "Aviso", "channel": "sms", "sms": {"text": "Oi {{nome}}"}}
        template_id = http.post("/templates", json=template).raise_for_status().json()["id"]
        wish = {
            "name": "Fim de semana",
            "channel": "sms",
            "template_id": template_id,
            "contact_list_id": pair,
        }
        campaign_id = http.post("/campaigns", json=wish).raise_for_status().json()["id"]
        page.goto(f"{product.url}/campaigns/{campaign_id}/check")
        expect(page.get_by_text("2 pessoas esperam até")).to_be_visible()
        page.get_by_role("button", name="Enviar para 2 pessoas").click()
        expect(page.get_by_text("2 pessoas esperam até")).to_be_visible(timeout=30_000)
        message = http.get("/notifications", params={"campaign_id": campaign_id}).json()["data"][0]
        person = http.get(f"/contact-lists/{pair}/contacts").json()["data"][0]["id"]
        places = [
            "/settings/sending",
            f"/campaigns/{campaign_id}",
            f"/messages/{message['id']}",
            f"/contacts/{pair}/people/{person}",
        ]
        for width, scheme in VARIANTS:
            size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
            seen = browser.new_context(
                viewport=size, color_scheme=scheme, locale="pt-BR", storage_state=session_of_maria
            )
            shown, variant = Watched(seen), _named(f"{width}-{scheme}")
            faults = [
                fault for path in places for fault in look(shown, product.url + path, PICTURES, variant)
            ]
            seen.close()
            assert not faults, "\n".join(faults)
    finally:
        http.put("/settings/sending", json={}).raise_for_status()
    expect(page.get_by_text("Concluída").first).to_be_visible(timeout=60_000)
    context.close()
    assert not watched.complaints


def _named(variant: str) -> Any:
    """What `look` takes a picture's name from."""
    return SimpleNamespace(node=SimpleNamespace(callspec=SimpleNamespace(id=variant)))
