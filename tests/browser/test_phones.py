"""A marketer sends a carousel and a call to the simulator, looks at the phone, and answers from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched, until
from tests.files import sounds
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


def uploaded(http: httpx.Client, name: str, content_type: str) -> str:
    """The id of four seconds of sound in this form, put into the store as an integrator does it."""
    data = sounds.make(name, 4)
    wanted = {"kind": "audio", "filename": name, "content_type": content_type, "size": len(data)}
    target = http.post("/files/upload-url", json=wanted).raise_for_status().json()
    httpx.put(
        target["upload_url"], content=data, headers=target["headers"], trust_env=False
    ).raise_for_status()
    http.post("/files/confirm-upload", json={"file_id": target["file_id"]}).raise_for_status()
    return str(target["file_id"])


def recorded(page: Page, product: Product) -> str:
    """The id of a recording as the voice editor sends it: WebM, which becomes an MP3."""
    page.goto(f"{product.url}/templates/voice/new")
    sent = {"name": "gravacao.webm", "mimeType": "audio/webm", "buffer": sounds.make("opus.webm", 4)}
    token = page.locator('meta[name="csrf-token"]').get_attribute("content")
    parts = {"file": sent, "recorded": "1", "csrf_token": token}
    answer = page.request.post(f"{product.url}/files/audio", multipart=parts)
    assert answer.ok, answer.text()
    return str(answer.json()["file_id"])


def test_a_voice_message_is_heard_on_the_phone_and_a_reply_being_typed_outlives_its_polls(
    browser: Browser, product: Product, http: httpx.Client, *, session_of_maria: Any, pictures: Path
) -> None:
    context = browser.new_context(
        locale="pt-BR", storage_state=session_of_maria, viewport={"width": 1280, "height": 900}
    )
    watched = Watched(context)
    page = watched.page
    list_id = http.post("/contact-lists", json={"name": "Quem ouve"}).json()["id"]
    person = {"name": "Clara Lima", "phone": "+5511987653333"}
    http.post(f"/contact-lists/{list_id}/contacts", json=person).raise_for_status()
    sounded = [
        uploaded(http, "vbr.mp3", "audio/mpeg"),
        uploaded(http, "pcm.wav", "audio/wav"),
        uploaded(http, "opus.ogg", "audio/ogg"),
        recorded(page, product),
    ]
    for file_id in sounded:
        content = {"source": "audio", "file_id": file_id}
        campaign_id = campaign_of(product, "voice", content, list_id, http)
    page.goto(f"{product.url}/campaigns/{campaign_id}")
    page.get_by_role("link", name="Ver no telefone").click()
    expect(page.locator("#phone audio")).to_have_count(len(sounded))
    for file_id in sounded:
        player = f"""document.querySelector('#phone audio[src$="/files/{file_id}/audio"]')"""
        page.evaluate(f"{player}.play()")
        until(page, f"{player}.currentTime > 0.3")
        until(page, f"{player}.duration > 3.8 && {player}.duration < 4.3")
        page.evaluate(f"{player}.pause()")
    page.screenshot(path=pictures / "phones-calls-1280-light.png", full_page=True)

    reply = page.get_by_label("Responder")
    reply.fill("Oi!")
    page.get_by_role("button", name="Enviar a resposta").click()
    page.evaluate(f"{player}.play()")  # the phone is looked at every second now
    reply.press_sequentially("Posso ir ")
    for _ in range(2):
        with page.expect_response(re.compile("/screen")):
            pass
    page.keyboard.type("amanhã")  # where the cursor was left
    expect(reply).to_have_value("Posso ir amanhã")
    page.locator("h1").click()
    expect(page.locator("#phone .phone-mine")).to_have_text(["Oi!"])
    expect(page.locator("#phone")).not_to_have_attribute("hx-trigger", re.compile("."), timeout=20_000)
    expect(reply).to_have_value("Posso ir amanhã")
    assert page.evaluate(f"{player}.currentTime") > 0.3, "the polls did not stop the call"
    reply.press("Enter")
    expect(page.locator("#phone .phone-mine")).to_have_text(["Oi!", "Posso ir amanhã"])
    expect(reply).to_have_value("")
    assert watched.complaints == []
    context.close()
