"""The import wizard as a marketer meets it, state by state: each on wide and narrow screens, light and dark."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import Watched
from tests.browser.looks import look
from tests.imports.workbooks import workbook
from tests.live.product import Product, eventually, processes_of

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

MANY = 80_000
#: For what never comes.
LONG = 25_000
PHOTO = Path(__file__).parent.parent / "imports/corpus/photo.jpg"

File = dict[str, Any]
Look = Callable[..., None]


@pytest.fixture(scope="module")
def context(browser: Browser, product: Product, session_of_maria: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="pt-BR", storage_state=session_of_maria, base_url=product.url)
    context.set_default_timeout(LONG)
    expect.set_options(timeout=LONG)
    yield context
    expect.set_options(timeout=5_000)
    context.close()


@pytest.fixture
def watched(context: BrowserContext) -> Iterator[Watched]:
    """A tab that nothing in it may complain."""
    watched = Watched(context)
    yield watched
    watched.page.close()
    assert watched.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


@pytest.fixture
def looked(page: Page, pictures: Path) -> Iterator[Look]:
    """Looks at the page as it is now; everything that is wrong is told at the end, so that one sees all of it."""
    faults: list[str] = []
    yield lambda name, **how: faults.extend(look(page, f"import-{name}", pictures, **how))
    assert not faults, "\n".join(faults)


@pytest.fixture
def list_id(http: httpx.Client) -> str:
    """A list of three people: one stays the same, one changes, one has opted out."""
    made = str(http.post("/contact-lists", json={"name": "Clientes da loja"}).raise_for_status().json()["id"])
    for name, phone, city in (
        ("Ana Conceição", "+5511987650101", "Recife"),
        ("João Araújo", "+5511987650102", "Olinda"),
        ("Márcia Gonçalves", "+5511987650103", "Natal"),
    ):
        body = {"name": name, "phone": phone, "attributes": {"Cidade": city}}
        http.post(f"/contact-lists/{made}/contacts", json=body).raise_for_status()
    http.post("/opt-outs", json={"phone": "+5511987650103"}).raise_for_status()
    return made


class Workers:
    """Those who read files: stopped, they leave a check or an import where it is."""

    def __init__(self, product: Product) -> None:
        self._pids = processes_of(product.data, "worker imports")
        assert self._pids

    def stop(self) -> None:
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def work_until(self, true: Callable[[], bool]) -> None:
        """Let them work in small pieces of time, and leave them stopped once this is true."""

        def is_true() -> bool:
            self.go_on()
            time.sleep(0.05)
            self.stop()
            return true()

        eventually(is_true)

    def _send(self, number: signal.Signals) -> None:
        for pid in self._pids:
            os.kill(pid, number)


@pytest.fixture
def workers(product: Product) -> Iterator[Workers]:
    workers = Workers(product)
    with contextlib.ExitStack() as ended:
        ended.callback(workers.go_on)
        yield workers


def a_csv(name: str, *lines: str, encoding: str = "cp1252") -> File:
    content = "".join(f"{line}\r\n" for line in lines).encode(encoding)
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def many() -> File:
    """As Excel writes it in Brazil; every thousandth row is of no use."""
    people = (
        f"João Araújo {i};{'123' if i % 1000 == 7 else f'(11) 9{i // 10_000:04d}-{i % 10_000:04d}'};São Paulo"
        for i in range(MANY)
    )
    return a_csv("clientes-novembro.csv", "Nome;Celular;Cidade", *people)


MIXED = (
    "Nome;Celular;Cidade;E-mail",
    "Ana Conceição;(11) 98765-0101;Recife;",
    "João Araújo Neto;(11) 98765-0102;Jaboatão dos Guararapes;joao@exemplo.com.br",
    "Márcia Gonçalves;11 98765-0103;Natal;",
    "José Antônio Brandão;5511987650104;Caruaru;jose@exemplo.com.br",
    "Rita de Cássia;11 8765-0105;Olinda;rita@exemplo",
    "Rita de Cássia;(11) 98765-0105;Olinda;",
    "Sem Telefone;123;Olinda;",
    "Arredondado;5,51199E+12;Olinda;",
    "Sem DDD;98765-0106;Olinda;",
    '"=cmd()";;Olinda;',
)


# --- the walks -----------------------------------------------------------------------------------------------


def test_a_large_file_is_watched_from_its_upload_to_its_end(
    page: Page, list_id: str, workers: Workers, *, looked: Look, http: httpx.Client
) -> None:
    choose(page, list_id, many())
    looked("01-file-chosen")
    workers.stop()
    with slow_network(page):
        page.get_by_role("button", name="Próximo: conferir").click()
        expect(page.locator("[data-upload-words]")).to_have_text(re.compile(r"Enviando o arquivo: [1-9]\d?%"))
        looked("02-uploading")
    found = page.locator("#found")
    expect(found).to_contain_text("Por enquanto, só as primeiras linhas")
    looked("03-checking-the-first-rows")
    workers.work_until(lambda: "data-poll" in live(page) and "<progress" in live(page))
    expect(found.get_by_role("progressbar")).to_be_visible()
    expect(found).to_contain_text("o resto está sendo conferido")
    looked("04-checking")
    workers.go_on()
    all_checked(page, MANY)
    assert figures(page)["Rejeitadas"] == MANY // 1000
    looked("05-checked")

    workers.stop()
    run(page)
    expect(page.get_by_text("Esperando a vez")).to_be_visible()
    looked("06-waiting")
    workers.work_until(lambda: import_of(http, page)["processed_rows"] > 0)
    expect(page.locator("main")).to_contain_text(re.compile(r"linhas por segundo · falta"))
    looked("07-running")
    page.get_by_role("button", name="Parar", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    looked("08-stop", whole=False)
    page.get_by_role("button", name="Interromper a importação").click(no_wait_after=True)
    workers.work_until(lambda: import_of(http, page)["status"] == "canceled")
    workers.go_on()
    expect(page.get_by_text("A importação foi interrompida")).to_be_visible()
    looked("09-stopped")
    people = http.get(f"/contact-lists/{list_id}").json()["contact_count"]
    assert 3 < people < MANY

    page.get_by_role("link", name="Importar outro arquivo").click()
    expect(page.get_by_label("Escolha uma planilha")).to_be_visible()


def test_what_becomes_of_each_row_is_told_before_and_after_and_taken_back(
    page: Page, list_id: str, workers: Workers, *, looked: Look, http: httpx.Client
) -> None:
    choose(page, list_id, a_csv("clientes.csv", *MIXED))
    go_to_check(page)
    all_checked(page, 10)
    assert figures(page) == {"Novas": 2, "Mudam": 1, "Iguais": 2, "Repetidas no arquivo": 1, "Rejeitadas": 4}
    page.get_by_text("Ver algumas delas").click()
    page.get_by_text("Quem é novo, por exemplo").click()
    page.get_by_text("O que será corrigido").click()
    looked("10-check")

    page.get_by_label("Cidade").select_option(label="Não importar")
    page.get_by_label("DDD").last.fill("11")
    page.get_by_label("DDD").last.press("Tab")
    expect(page.locator("#found .figures")).to_contain_text(re.compile(r"Novas\s*3"))
    all_checked(page, 10)
    assert figures(page) == {"Novas": 3, "Mudam": 1, "Iguais": 2, "Repetidas no arquivo": 1, "Rejeitadas": 3}
    looked("11-mapping-edited")

    run(page)
    done(page)
    assert figures(page) == {"Novas": 3, "Atualizadas": 4, "Já na lista": 0, "Rejeitadas": 3}
    page.get_by_text("O que foi corrigido").click()
    looked("12-result")
    assert rejects(page) == [
        ["Nome", "Celular", "Cidade", "E-mail", "Linha", "Motivo"],
        ["Sem Telefone", "123", "Olinda", "", "8", "Este não é um telefone que possa receber mensagens."],
        [
            "Arredondado",
            "5,51199E+12",
            "Olinda",
            "",
            "9",
            "A planilha arredondou este telefone; alguns dígitos se perderam.",
        ],
        ["'=cmd()", "", "Olinda", "", "11", "Não há telefone nem e-mail válido."],
    ]

    workers.stop()
    page.get_by_role("button", name="Desfazer esta importação").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    looked("13-undoing")
    workers.go_on()
    expect(page.get_by_text("A importação foi desfeita")).to_be_visible()
    assert figures(page, "section:first-of-type") == {
        "Removidos": 3,
        "Restaurados": 1,
        "Mantidos como estão": 0,
    }
    looked("14-undone")
    people = http.get(f"/contact-lists/{list_id}/contacts").json()["data"]
    assert {p["name"] for p in people} == {"Ana Conceição", "João Araújo", "Márcia Gonçalves"}
    assert {p["opted_out"] for p in people if p["name"].startswith("Márcia")} == {True}
    page.goto(f"/contacts/{list_id}/imports")
    looked("15-imports")


def test_a_file_of_opt_outs_adds_nobody_and_says_so(
    page: Page, list_id: str, looked: Look, http: httpx.Client
) -> None:
    file = a_csv(
        "descadastrados.csv", "Telefone", "(11) 98765-0101", "11987650103", "21999990001", "0800 123"
    )
    choose(page, list_id, file, opt_outs=True)
    looked("20-opt-outs-chosen")
    go_to_check(page)
    all_checked(page, 4)
    looked("21-opt-outs-check")
    run(page)
    done(page)
    looked("22-opt-outs-result")
    assert figures(page) == {"Descadastrados": 2, "Já descadastrados": 1, "Rejeitadas": 1}
    assert http.get(f"/contact-lists/{list_id}").json()["contact_count"] == 3
    people = http.get(f"/contact-lists/{list_id}/contacts").json()["data"]
    assert [p["opted_out"] for p in sorted(people, key=lambda p: p["name"])] == [True, False, True]


def test_numbers_are_pasted(page: Page, list_id: str, looked: Look) -> None:
    choose(page, list_id)
    page.get_by_text("Ou cole números").click()
    page.get_by_label("Números ou linhas").fill("(11) 98765-0101\n+55 21 99999-0002, 31 3333-4444\n123")
    looked("23-pasted")
    go_to_check(page)
    all_checked(page, 4)
    looked("24-pasted-check")
    run(page)
    done(page)
    assert figures(page) == {"Novas": 2, "Atualizadas": 1, "Já na lista": 0, "Rejeitadas": 1}


def test_a_workbook_is_read_like_a_text(page: Page, list_id: str, looked: Look) -> None:
    rows = [["Cliente", "WhatsApp", "Valor"], ["Ana", 11987650101, 1234.5], ["Bia", 5521999990002, 7]]
    file = {"name": "vendas.xlsx", "mimeType": "", "buffer": workbook(rows, formats={2: "R$ #,##0.00"})}
    choose(page, list_id, file)
    go_to_check(page)
    all_checked(page, 2)
    looked("25-workbook-check")
    run(page)
    done(page)
    assert figures(page) == {"Novas": 1, "Atualizadas": 1, "Já na lista": 0, "Rejeitadas": 0}


def test_a_file_without_a_header_is_understood_by_its_content(page: Page, list_id: str, looked: Look) -> None:
    choose(page, list_id, a_csv("sem-titulos.csv", "11987650101;Ana Lima;Natal", "21999990002;Bia Sá;Recife"))
    go_to_check(page)
    all_checked(page, 2)
    looked("26-without-header")
    page.get_by_label("Primeira linha").select_option(label="Dá nome às colunas")
    expect(page.locator("#found")).to_contain_text("Nenhuma coluna foi reconhecida")
    looked("27-no-column-known")
    page.get_by_label("Primeira linha").select_option(label="Já é uma pessoa")
    all_checked(page, 2)
    assert figures(page)["Novas"] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.jpg", PHOTO.read_bytes()),
        ("fotos.csv", PHOTO.read_bytes()),
        ("clientes.xlsx", b"Nome;Celular\nAna;11987650101\n"),
    ],
)
def test_what_is_no_table_is_refused_beside_the_file(
    page: Page, list_id: str, watched: Watched, *, looked: Look, name: str, content: bytes
) -> None:
    choose(page, list_id, {"name": name, "mimeType": "", "buffer": content})
    page.get_by_role("button", name="Próximo: conferir").click()
    expect(page.locator(".field-error:visible")).to_be_visible()
    looked(f"28-refused-{name}")
    watched.complaints = [each for each in watched.complaints if "422" not in each]


def test_a_file_that_breaks_far_down_says_where(page: Page, list_id: str, looked: Look) -> None:
    people = (f"João Araújo {i};(11) 9{i // 10_000:04d}-{i % 10_000:04d}" for i in range(20_000))
    choose(page, list_id, a_csv("aspas.csv", "Nome;Celular", *people, f'"{"x" * 103_000};1'))
    go_to_check(page)
    expect(page.locator("#found")).to_contain_text("É a linha 20002.")
    looked("29-broken-far-down")
    assert page.locator("#found").get_by_role("button", name="Importar", exact=True).count() == 0


def test_the_keyboard_is_enough(page: Page, list_id: str, http: httpx.Client) -> None:
    page.goto(f"/contacts/{list_id}/import")
    press_until(page, lambda: page.locator(".paste summary"))
    page.keyboard.press("Enter")
    press_until(page, lambda: page.get_by_label("Números ou linhas"))
    page.keyboard.type("Nome;Celular\nAna Lima;21999990002\nBia;98888-0003")
    press_until(page, lambda: page.get_by_role("button", name="Próximo: conferir"))
    page.keyboard.press("Enter")
    all_checked(page, 2)
    press_until(page, lambda: page.get_by_label("DDD").last)
    page.keyboard.type("21")
    press_until(page, lambda: page.get_by_role("radio", name="Atualizar"))
    expect(page.locator("#found")).not_to_contain_text("Motivo")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#found")).to_contain_text("Mantidos como estão")
    press_until(page, lambda: page.locator("#wishes").get_by_role("button", name="Importar", exact=True))
    page.keyboard.press("Enter")
    done(page)
    assert figures(page)["Novas"] == 2
    press_until(page, lambda: page.get_by_role("button", name="Desfazer esta importação"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("A importação foi desfeita")).to_be_visible()
    assert http.get(f"/contact-lists/{list_id}").json()["contact_count"] == 3


# --- helpers of a walk ---------------------------------------------------------------------------------------


def choose(page: Page, list_id: str, file: File | None = None, *, opt_outs: bool = False) -> None:
    page.goto(f"/contacts/{list_id}/import")
    if opt_outs:
        page.get_by_role("radio", name=re.compile("não querem mais")).check()
    if file is not None:
        page.get_by_label("Escolha uma planilha").set_input_files(cast("Any", file))


def go_to_check(page: Page) -> None:
    page.get_by_role("button", name="Próximo: conferir").click()
    expect(page.get_by_role("heading", name="O que vai acontecer")).to_be_visible()


def all_checked(page: Page, rows: int) -> None:
    shown = f"{rows:,}".replace(",", ".")
    expect(page.locator("#found")).to_contain_text(f"Todas as {shown} linhas foram conferidas.")


def run(page: Page) -> None:
    page.locator("#found").get_by_role("button", name=re.compile("^(Importar|Descadastrar)")).click()
    page.wait_for_url(re.compile("/imports/"))


def done(page: Page) -> None:
    expect(page.get_by_text("Concluída")).to_be_visible()


def figures(page: Page, at: str = "main") -> dict[str, int]:
    """The big numbers by their names."""
    texts = page.locator(at).first.locator(".figures > div").all_inner_texts()
    return {name: int(number.replace(".", "")) for name, number, *_ in map(str.splitlines, texts)}


def live(page: Page) -> str:
    """What the page would poll now."""
    return page.request.get(f"{page.url}/findings").text()


def import_of(http: httpx.Client, page: Page) -> dict[str, Any]:
    """The import that this page shows, as the API tells it."""
    found = re.search(r"/contacts/([^/]+)/imports/([^/?#]+)", page.url)
    assert found, page.url
    return dict(http.get(f"/contact-lists/{found[1]}/import/{found[2]}").json())


def rejects(page: Page) -> list[list[str]]:
    """The file of the rejected rows, as a spreadsheet reads it."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Baixar as linhas rejeitadas").click()
    return list(
        csv.reader(io.StringIO(download.value.path().read_bytes().decode("utf-8-sig")), delimiter=";")
    )


@contextlib.contextmanager
def slow_network(page: Page) -> Iterator[None]:
    """So slow that the bar of an upload can be looked at."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    free = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", {**free, "uploadThroughput": 30 * 1024})
    try:
        yield
    finally:
        network.send("Network.emulateNetworkConditions", free)


def press_until(page: Page, wanted: Callable[[], Locator], key: str = "Tab") -> None:
    """Go through the page by keyboard to this control."""
    for _ in range(80):
        if wanted().count() and wanted().evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted()} cannot be reached by {key}")
