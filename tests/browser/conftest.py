"""Chromium against the whole product, as its own processes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.live.product import Product, eventually

EMAIL, PASSWORD = "maria@exemplo.com.br", "uma frase bem curta"
#: How long a page may take.
SECONDS = 20
PICTURES = Path(__file__).parent.parent.parent / "test-results"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, quiet."""
    chromium = (
        os.environ.get("SINTALK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    assert chromium, "Chromium is missing: apt-get install chromium, or name it in SINTALK_CHROMIUM."
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    return {"executable_path": chromium, "args": ["--no-sandbox", "--disable-dev-shm-usage", *quiet]}


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product in demo mode; its first owner is Maria."""
    running = Product(
        tmp_path_factory.mktemp("browser") / "var", SINTALK_OWNER_EMAIL=EMAIL, SINTALK_OWNER_PASSWORD=PASSWORD
    )
    try:
        running.start()
        eventually(lambda: running.ready().get("status") == "ok", lambda: str(running.ready()))
        yield running
    finally:
        running.end()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept."""
    PICTURES.mkdir(exist_ok=True)
    return PICTURES


@pytest.fixture(scope="session")
def session_of_maria(browser: Browser, product: Product) -> Any:
    """Cookies of a browser that Maria signed in with."""
    context = browser.new_context(locale="pt-BR")
    sign_in(context.new_page(), product.url)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="session")
def key(product: Product) -> str:
    """A key of the API that may do everything."""
    made = httpx.post(
        f"{product.url}/api/v1/api-keys",
        json={"name": "browser", "role": "admin"},
        auth=(EMAIL, PASSWORD),
        trust_env=False,
    )
    return str(made.raise_for_status().json()["key"])


@pytest.fixture(scope="session")
def http(product: Product, key: str) -> Iterator[httpx.Client]:
    """The API, for what a page's test needs to be there before."""
    with httpx.Client(
        base_url=f"{product.url}/api/v1", headers={"X-API-Key": key}, trust_env=False, timeout=30
    ) as client:
        yield client


@pytest.fixture
def pair(http: httpx.Client) -> str:
    """A list of two people that no other test sends to, and who so have not opted out; its id."""
    made = http.post("/contact-lists", json={"name": "Só para olhar"}).raise_for_status().json()["id"]
    for name, phone in (("Ana Souza", "+5511987650001"), ("Bartolomeu Albuquerque", "+5511987650002")):
        http.post(f"/contact-lists/{made}/contacts", json={"name": name, "phone": phone}).raise_for_status()
    return str(made)


def sign_in(page: Page, url: str) -> None:
    """As a person does it."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Senha").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()
    page.wait_for_url(f"{url}/")


def until(page: Page, true: str) -> None:
    """Wait for an expression to become true. Playwright's own way evaluates in the page, which its policy forbids."""
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(50)


class Watched:
    """A page with everything that it complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _failed(self, url: str, why: str | None) -> None:
        if why != "net::ERR_ABORTED":  # a poll that was under way when the page was left
            self.complaints.append(f"failed: {url} {why}")
