"""The API's docs: read by a stranger, tried with a key, and true to the last line."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.live.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(500)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_stranger_reads_the_reference_and_tries_it_with_a_key(
    browser: Browser, product: Product, key: str, pictures: Path, scheme
):
    context = browser.new_context(
        locale="pt-BR", color_scheme=scheme, viewport={"width": 1280, "height": 900}
    )
    watched = Watched(context)
    page = watched.page
    page.goto(f"{product.url}/api/docs")
    page.set_default_timeout(60_000)
    page.locator("#operations-billing-getBillingBalance").wait_for()
    page.screenshot(path=pictures / f"docs-{scheme}.png")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#api_key_value").fill(key)
    page.locator(".auth-container", has_text="X-API-Key").get_by_role(
        "button", name="Apply credentials"
    ).click()
    page.get_by_role("button", name="Close", exact=True).first.click()
    balance = page.locator("#operations-billing-getBillingBalance")
    balance.locator(".opblock-summary-control").click()
    balance.get_by_role("button", name="Execute").click()
    expect(balance.locator(".live-responses-table .response-col_status").last).to_contain_text(
        "200", timeout=60_000
    )
    expect(balance.locator(".live-responses-table")).to_contain_text("overdraft_limit")
    balance.scroll_into_view_if_needed()
    page.screenshot(path=pictures / f"docs-tried-{scheme}.png")
    assert watched.complaints == []
    context.close()


def test_getting_started_speaks_both_languages(browser: Browser, product: Product, pictures: Path):
    for locale, heading in (("pt-BR", "Primeiros passos"), ("en", "Getting started")):
        context = browser.new_context(locale=locale)
        watched = Watched(context)
        watched.page.goto(f"{product.url}/api/docs/getting-started")
        expect(watched.page.get_by_role("heading", level=1)).to_have_text(heading)
        watched.page.screenshot(path=pictures / f"getting-started-{locale}.png", full_page=True)
        assert watched.complaints == []
        context.close()


def blocks(product: Product, language: str) -> list[str]:
    """What the page tells people to run."""
    page = httpx.get(f"{product.url}/api/docs/getting-started", trust_env=False).text
    found = re.findall(rf'<pre[^>]* data-run="{language}">(.*?)</pre>', page, re.DOTALL)
    return [html.unescape(block) for block in found]


def test_the_python_of_getting_started_sends_a_message(product: Product, key: str):
    (program,) = blocks(product, "python")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "SINTALK_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split()[-1] == "delivered"


def test_the_lines_of_getting_started_send_a_message(product: Product, key: str):
    lines = blocks(product, "sh")
    assert len(lines) == 5
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(lines)],
        input=f"{key}\n",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert '"available":' in done.stdout and '"status":"delivered"' in done.stdout
