"""Redis goes away in the middle of everything and stays away: rows are the truth, and the workers read them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.chaos.proxy import Proxy
from tests.live.journey import Integrator, accepted, customers, number
from tests.live.product import Product

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(280)]
ROWS = 600
#: How long Redis is away at least. Longer than every lease (30 s).
AWAY_S = float(os.environ.get("SINTALK_CHAOS_AWAY_S", "33"))


@pytest.fixture
def link(settings) -> Iterator[Proxy]:
    """The way to a Redis, which can be cut."""
    address = urlsplit(settings.redis_url)
    link = Proxy((address.hostname, address.port))
    try:
        yield link
    finally:
        link.down()


@pytest.fixture
def product(settings, tmp_path, link) -> Iterator[Product]:
    url = urlsplit(settings.redis_url)
    product = Product(tmp_path / "product", REDIS_URL=f"redis://:{url.password}@127.0.0.1:{link.port}/7")
    try:
        yield product.start()
    finally:
        product.end()


def test_while_redis_is_away_launches_answer_imports_run_and_everybody_is_written_to(product, link):
    shop = Integrator(product)
    list_id, done = shop.import_list(customers(ROWS))
    assert done["created_count"] == ROWS
    time.sleep(
        3
    )  # the workers stand idle, listening: the moment in which they could miss that nobody is there
    link.down()
    began = time.monotonic()

    campaign_id = shop.draft(list_id, "Oi {{nome}}!")
    shop.launch(campaign_id)
    stats = shop.wait(
        f"/campaigns/{campaign_id}/stats", lambda seen: seen["delivered"] == ROWS and seen["settled_at"]
    )
    assert (stats["total"], stats["status"]) == (ROWS, "completed")
    _, again = shop.import_list(customers(ROWS, seed=2))
    assert (again["status"], again["created_count"]) == ("completed", ROWS)

    time.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
    late = shop.draft(list_id, "De novo, {{nome}}!")
    shop.launch(late)
    link.up()
    shop.wait(f"/campaigns/{late}/stats", lambda seen: seen["delivered"] == ROWS and seen["settled_at"])
    took = accepted(product.data)
    assert set(took) == {number(row) for row in range(ROWS)}
    assert set(took.values()) == {2}
    checked = product.run("check")
    assert (checked.returncode, checked.stdout) == (0, "No violation.\n"), checked.stdout
