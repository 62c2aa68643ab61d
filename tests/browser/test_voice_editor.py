"""A call is recorded, uploaded and read aloud in a real browser, with the microphone that Chromium makes up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Playwright, expect

from sintalk.message_templates import voice_speech
from tests.browser.conftest import Watched, until
from tests.files import sounds
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
READY = "[data-player]:not([hidden])"
LENGTH = "document.querySelector('[data-player]').duration"


@pytest.fixture(scope="module")
def hearing(playwright: Playwright, browser_type_launch_args: Any) -> Iterator[Browser]:
    """A browser with a microphone that hears beeps."""
    arguments = [*browser_type_launch_args["args"], *MICROPHONE]
    browser = playwright.chromium.launch(**{**browser_type_launch_args, "args": arguments})
    yield browser
    browser.close()


@pytest.fixture
def watched(hearing: Browser, product: Product, session_of_maria: Any) -> Iterator[Watched]:
    context = hearing.new_context(
        locale="pt-BR", viewport={"width": 1280, "height": 900}, storage_state=session_of_maria
    )
    watched = Watched(context)
    yield watched
    context.close()
    assert not watched.complaints


def open_saved(watched: Watched, product: Product, name: str) -> None:
    page = watched.page
    page.get_by_role("button", name="Salvar modelo").click()
    page.wait_for_url(product.url + "/templates")
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(re.compile("/templates/voice/"))


def test_a_message_is_recorded_again_kept_and_played(
    watched: Watched, product: Product, pictures: Path
) -> None:
    page = watched.page
    page.goto(product.url + "/templates/voice/new")
    page.get_by_label("Nome do modelo").fill("Aviso gravado")
    page.get_by_role("button", name="Gravar agora").click()
    until(page, "document.querySelector('[data-level]').value > 0.02")
    until(page, "document.querySelector('[data-clock]').textContent === '0:02'")
    page.screenshot(path=pictures / "voice-recording.png", full_page=True)
    page.get_by_role("button", name="Parar a gravação").click()
    page.wait_for_selector(READY)
    first = page.input_value("[name=file_id]")
    page.get_by_role("button", name="Gravar de novo").click()
    until(page, "document.querySelector('[data-clock]').textContent === '0:04'")
    page.get_by_role("button", name="Parar a gravação").click()
    until(page, f"document.querySelector('[name=file_id]').value !== '{first}'")
    until(page, f"{LENGTH} > 3.9 && {LENGTH} < 9")
    expect(page.locator("[data-count=billed]")).to_have_text("30 s")
    open_saved(watched, product, "Aviso gravado")
    until(page, f"{LENGTH} > 3.9")
    page.evaluate("document.querySelector('[data-player]').play()")
    until(page, "document.querySelector('[data-player]').currentTime > 0.3")


def test_a_file_goes_to_the_store_and_what_is_no_sound_is_said(
    watched: Watched, product: Product, tmp_path: Path
) -> None:
    page, good, bad = watched.page, tmp_path / "oi.m4a", tmp_path / "nao.mp3"
    good.write_bytes(sounds.make("aac.m4a", 31))
    bad.write_bytes(b"<html>no sound</html>" * 40)
    page.goto(product.url + "/templates/voice/new")
    page.set_input_files("[name=file]", bad)
    page.get_by_role("alert").filter(has_text="não corresponde").wait_for()
    watched.complaints.clear()  # the console notes the 422
    page.set_input_files("[name=file]", good)
    page.wait_for_selector(READY)
    expect(page.locator("[data-sound-name]")).to_have_text("oi.m4a")
    expect(page.locator("[data-count=billed]")).to_have_text("36 s")


def test_keys_by_keyboard_alone_and_the_phone_follows(watched: Watched, product: Product) -> None:
    page = watched.page
    page.goto(product.url + "/templates/voice/new")
    page.get_by_label("Nome do modelo").fill("Com teclas")
    page.get_by_label("Um texto lido em voz alta").check()
    page.get_by_label("Texto para ler em voz alta").fill("Oi {{nome}}, tecle 1.")
    expect(page.locator("[data-call-words] mark")).to_have_text("João da Silva")
    for words in ("Confirma", "Não quer"):
        page.get_by_role("button", name="Adicionar tecla").focus()
        page.keyboard.press("Enter")
        page.keyboard.type(words)
    page.locator("[name=effect]").last.select_option("opt_out")
    expect(page.locator("[data-call-keys] dd")).to_have_text(["Confirma", "Não quer"])
    expect(page.locator(".keypad .is-used")).to_have_text(["1", "2"])
    page.get_by_role("button", name="Remover esta tecla").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Desfazer")).to_be_focused()
    expect(page.locator("[data-call-keys] dd")).to_have_text(["Não quer"])
    open_saved(watched, product, "Com teclas")
    expect(page.locator("[data-call-keys] dd")).to_have_text(["Não quer"])


@pytest.mark.skipif(not voice_speech.engine(), reason="no speech engine: apt-get install espeak-ng")
def test_a_text_is_listened_to_before_it_is_kept(watched: Watched, product: Product) -> None:
    page = watched.page
    page.goto(product.url + "/templates/voice/new?sample=1")
    page.get_by_role("button", name="Ouvir").click()
    until(page, f"{LENGTH} > 3")
    page.get_by_label("Texto para ler em voz alta").press_sequentially("!")
    page.wait_for_selector("[data-player]", state="hidden")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_is_readable_and_fits(
    hearing: Browser, product: Product, *, session_of_maria: Any, pictures: Path, width: int, scheme: Any
) -> None:
    context = hearing.new_context(
        locale="pt-BR",
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        storage_state=session_of_maria,
    )
    page = context.new_page()
    for query in ("", "?sample=1"):
        page.goto(product.url + "/templates/voice/new" + query)
        page.locator("details.folded").evaluate("each => { each.open = true; }")
        page.screenshot(path=pictures / f"voice-{width}-{scheme}{query[1:7]}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert not Axe().run(page).response["violations"]
    context.close()


def test_without_scripts_the_form_carries_the_audio(
    browser: Browser, product: Product, session_of_maria: Any, tmp_path: Path
) -> None:
    sound = tmp_path / "simples.wav"
    sound.write_bytes(sounds.make("mulaw.wav", 40))
    context = browser.new_context(locale="pt-BR", java_script_enabled=False, storage_state=session_of_maria)
    page = context.new_page()
    page.goto(product.url + "/templates/voice/new")
    page.get_by_label("Nome do modelo").fill("Sem scripts")
    page.set_input_files("[name=file]", sound)
    page.get_by_role("button", name="Mostrar no celular").click()
    expect(page.get_by_text("42 s")).to_be_visible()
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.get_by_role("link", name="Sem scripts", exact=True)).to_be_visible()
    context.close()


def test_a_closed_tab_loses_nothing(hearing: Browser, product: Product, session_of_maria: Any) -> None:
    context = hearing.new_context(locale="pt-BR", storage_state=session_of_maria)
    page = context.new_page()
    page.goto(product.url + "/templates/voice/new")
    page.get_by_label("Nome do modelo").fill("Quase perdida")
    page.get_by_role("button", name="Gravar agora").click()
    until(page, "document.querySelector('[data-clock]').textContent === '0:01'")
    page.get_by_role("button", name="Parar a gravação").click()
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Adicionar tecla").click()
    page.keyboard.type("Confirma")
    page.close()
    again = context.new_page()
    again.goto(product.url + "/templates/voice/new")
    again.get_by_role("button", name="Continuar").click()
    again.wait_for_selector(READY)
    expect(again.get_by_label("Nome do modelo")).to_have_value("Quase perdida")
    expect(again.locator("[data-call-keys] dd")).to_have_text(["Confirma"])
    context.close()
