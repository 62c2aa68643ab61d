"""A short round of chaos: every kind of process killed with -9 while a campaign runs.

The oracle is the carrier's own log, never our tables.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.live.journey import Integrator, accepted, customers, number
from tests.live.product import Product, processes_of

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
ROWS = 6_000
#: Words of the command lines of what is killed, and how often.
VICTIMS = ("worker dispatch", "worker default", "worker imports", "sweep", "simulator", "gunicorn")
KILLS = 60


@pytest.fixture
def product(tmp_path) -> Iterator[Product]:
    product = Product(tmp_path / "product")
    try:
        yield product.start()
    finally:
        product.end()


def test_nobody_is_lost_and_nobody_is_written_to_twice_whatever_is_killed(product: Product):
    seed = int(os.environ.get("SINTALK_CHAOS_SEED", random.randrange(10**6)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    shop = Integrator(product)
    list_id, done = shop.import_list(customers(ROWS))
    assert done["created_count"] == ROWS
    campaign_id = shop.draft(list_id, "Oi {{nome}}!")
    shop.launch(campaign_id)

    killed = _kill_some(product, chance)
    stats = _calm_down(shop, campaign_id)
    took = accepted(product.data)
    assert set(took) == {number(row) for row in range(ROWS)}, f"lost after {killed} kills"
    assert set(took.values()) == {1}, f"doubled after {killed} kills"
    assert (stats["total"], stats["delivered"]) == (ROWS, ROWS)
    assert (stats["reserved_micros"], shop.get("/billing/balance")["reserved"]) == (0, 0)
    checked = product.run("check")
    assert (checked.returncode, checked.stdout) == (0, "No violation.\n"), checked.stdout


def _kill_some(product: Product, chance: random.Random) -> int:
    killed = 0
    give_up = time.monotonic() + 90
    while killed < KILLS and time.monotonic() < give_up:
        time.sleep(chance.uniform(0.05, 0.4))
        prey = processes_of(product.data, chance.choice(VICTIMS))
        if prey:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(prey), signal.SIGKILL)
                killed += 1
    return killed


def _calm_down(shop: Integrator, campaign_id: str):
    """Until the campaign is through; the web server may have been killed a moment ago."""
    give_up = time.monotonic() + 200
    stats: dict = {}
    while time.monotonic() < give_up:
        with contextlib.suppress(Exception):
            stats = shop.stats(campaign_id)
            if (
                stats["status"] == "completed"
                and stats["settled_at"]
                and stats["delivered"] == stats["total"]
            ):
                break
        time.sleep(0.5)
    return stats
