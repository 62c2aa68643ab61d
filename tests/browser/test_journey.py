"""The main job by hand: from a file with people in it to the last cent, as a marketer does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched, sign_in
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(500)]

PEOPLE = 400
#: For what never comes; the carrier is asked again for a throttled number after some seconds.
LONG = 120_000
#: What the simulator makes of numbers that end so; everybody else gets the message.
NOT_DELIVERED, REFUSED = "0002", "0003"


@pytest.fixture
def spreadsheet(tmp_path: Path) -> Path:
    """As Excel writes it in Brazil: semicolons, cp1252, and a row that nobody can be reached by."""
    names = ("Ana Conceição", "João Araújo", "Márcia Gonçalves", "José Antônio Brandão")
    rows = [
        f"{names[number % 4]} {number};(11) 98{number // 10_000:03d}-{number % 10_000:04d};Recife"
        for number in range(1, PEOPLE + 1)
    ]
    file = tmp_path / "clientes.csv"
    lines = ["Nome;Celular;Cidade", *rows, "Sem Telefone;123;Olinda"]
    file.write_bytes("\r\n".join(lines).encode("cp1252"))
    return file


def test_the_main_job(browser: Browser, product: Product, spreadsheet: Path, pictures: Path) -> None:
    context = browser.new_context(locale="pt-BR", viewport={"width": 1280, "height": 900})
    watched = Watched(context)
    page = watched.page
    page.set_default_timeout(LONG)

    def picture(name: str) -> None:
        page.screenshot(path=pictures / f"journey-{name}.png", full_page=True)

    sign_in(page, product.url)
    picture("01-home")
    before = balance(page)
    import_people(page, spreadsheet, picture)
    write_template(page, picture)
    send_campaign(page, picture)
    look_at_outcomes(page, before, picture)
    assert watched.complaints == []
    context.close()
    check = product.run("check")
    assert check.returncode == 0, check.stdout + check.stderr


def import_people(page: Page, spreadsheet: Path, picture: Callable[[str], None]) -> None:
    page.get_by_role("link", name="Contatos").locator("visible=true").first.click()
    page.get_by_role("link", name="Nova lista").click()
    page.get_by_label("Nome da lista").fill("Clientes de novembro")
    page.get_by_role("button", name="Criar a lista").click()
    page.get_by_role("link", name="Importar um arquivo").first.click()
    page.get_by_label("Escolha uma planilha").set_input_files(spreadsheet)
    picture("02-upload")
    page.get_by_role("button", name="Próximo: conferir").click()
    expect(page.get_by_text(f"Todas as {PEOPLE + 1} linhas foram conferidas.")).to_be_visible(timeout=LONG)
    picture("02-check")
    page.get_by_role("button", name="Importar", exact=True).first.click()
    expect(page.get_by_text("Concluída")).to_be_visible(timeout=LONG)
    expect(page.get_by_text(f"{PEOPLE + 1} linhas foram lidas")).to_be_visible()
    expect(page.get_by_text("1 não pôde ser aproveitada.")).to_be_visible()
    picture("03-imported")
    page.get_by_role("link", name="Ver a lista").click()
    expect(page.get_by_text(f"{PEOPLE} pessoas").first).to_be_visible()
    expect(page.get_by_text("José Antônio Brandão").first).to_be_visible()
    picture("04-list")


def write_template(page: Page, picture: Callable[[str], None]) -> None:
    page.get_by_role("link", name="Modelos").locator("visible=true").first.click()
    page.get_by_role("link", name="Novo SMS").click()
    page.get_by_label("Nome do modelo").fill("Oferta de novembro")
    page.get_by_label("Mensagem", exact=True).fill(
        "Oi {{nome}}! Passe na loja de {{Cidade}} e ganhe 20% de desconto."
    )
    picture("05-template")
    page.get_by_role("button", name="Salvar modelo").click()
    expect(page.locator("#flashes")).to_contain_text("O modelo “Oferta de novembro” foi salvo.")


def send_campaign(page: Page, picture: Callable[[str], None]) -> None:
    page.get_by_role("link", name="Campanhas").locator("visible=true").first.click()
    page.get_by_role("link", name="Nova campanha").first.click()
    page.get_by_label("Nome da campanha").fill("Novembro com desconto")
    page.get_by_role("radio", name=re.compile("Clientes de novembro")).check()
    picture("06-who")
    page.locator("main form button[type=submit]").first.click()
    page.get_by_role("radio", name=re.compile("Oferta de novembro")).check()
    picture("07-what")
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("radio", name=re.compile("Agora mesmo"))).to_be_checked()
    picture("07b-when")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator(".samples .bubble")).to_have_count(5)
    expect(page.locator(".samples .bubble").first).to_contain_text("Passe na loja de Recife")
    picture("08-check")
    page.get_by_role("button", name=re.compile(f"{PEOPLE} pessoas por R")).click()
    expect(page.locator("#progress")).to_be_visible()
    picture("09-sending")


def look_at_outcomes(page: Page, before: int, picture: Callable[[str], None]) -> None:
    progress = page.locator("#progress")
    expect(progress.get_by_text("Concluída")).to_be_visible(timeout=LONG)
    outcome = progress.locator(".outcomes li")
    expect(outcome.filter(has_text="Não entregue").locator("a.num")).to_contain_text("1", timeout=LONG)
    expect(outcome.filter(has_text="Recusada").locator("a.num")).to_contain_text("1")
    expect(outcome.filter(has_text="Entregue").locator("a.num").first).to_contain_text("3", timeout=LONG)
    picture("10-outcomes")
    page.get_by_role("link", name="Mensagens desta campanha").click()
    expect(page.get_by_role("table", name="Mensagens")).to_be_visible()
    page.get_by_label("Situação").select_option("error")
    expect(page.get_by_role("row", name=re.compile("Recusada"))).to_have_count(1)
    picture("11-messages")
    page.locator("tbody a").first.click()
    expect(page.get_by_text("A operadora recusou. Não custou nada.")).to_be_visible()
    picture("12-message")
    page.get_by_role("link", name="Saldo").locator("visible=true").first.click()
    expect(page.get_by_text("Novembro com desconto").first).to_be_visible()
    spent = before - balance(page)
    assert spent >= (PEOPLE - 1) * 8, "captured or still held: eight cents a message that was taken"
    picture("13-balance")


def balance(page: Page) -> int:
    """The balance in the top bar, in cents."""
    return int(re.sub(r"\D", "", page.locator("#balance .money").inner_text()))
