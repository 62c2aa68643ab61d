"""Two web processes draw on the same lanes, while workers send, the sweeper gives idle money back and more comes in.

Threads of one process never write on one lane at the same time; processes do. Each message is sent once and paid for
once, and PostgreSQL has no deadlock to break (`test_who_waits_for_the_account_holds_no_lane` has the reason alone).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from sqlalchemy import select

from sintalk import create_app
from sintalk.accounts.models import Tenant
from sintalk.billing.models import Price
from sintalk.config import Settings
from sintalk.db import atomic, db
from tests.factories import money
from tests.live.journey import Integrator, accepted, number
from tests.live.product import Product

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]
#: One at a time in each thread; a request's price is above the step by which a float grows, so each needs more money.
THREADS, REQUESTS, PEOPLE = 6, 50, 5
DEAR = 5_000_000


@pytest.fixture
def product(tmp_path) -> Iterator[Product]:
    product = Product(tmp_path / "product", SINTALK_WEB_WORKERS="2", SINTALK_WEB_THREADS="4")
    try:
        yield product.start()
    finally:
        product.end()


def test_short_requests_of_two_processes_never_wait_for_each_other(product):
    shop = Integrator(product)
    _is_dear(product)
    template = shop.post("/templates", {"name": "Um", "channel": "sms", "sms": {"text": "Oi"}})["id"]
    before = shop.get("/billing/balance")["available"]

    def press(thread: int) -> list[int]:
        statuses = []
        with httpx.Client(base_url=shop.http.base_url, headers=shop.http.headers, trust_env=False) as http:
            for place in range(REQUESTS):
                first = (thread * REQUESTS + place) * PEOPLE
                people = [{"phone": number(first + more, "7777")} for more in range(PEOPLE)]
                body = {"channel": "sms", "template_id": template, "recipients": people}
                # With a key the request is part of a larger transaction, and has to give a row free within it.
                head = {"Idempotency-Key": f"{thread}-{place}"} if thread % 2 else {}
                statuses.append(http.post("/send", json=body, headers=head, timeout=60).status_code)
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        answers = Counter(status for statuses in pool.map(press, range(THREADS)) for status in statuses)
    assert answers == {202: THREADS * REQUESTS}, f"{answers}\n{product.logs()}"
    assert _deadlocks(product) == 0

    everybody = {number(place, "7777") for place in range(THREADS * REQUESTS * PEOPLE)}
    shop.wait("/billing/balance", lambda seen: seen["reserved"] == 0)
    took = accepted(product.data)
    assert set(took) == everybody and set(took.values()) == {1}
    assert before - shop.get("/billing/balance")["available"] == DEAR * len(everybody)
    checked = product.run("check")
    assert checked.stdout == "No violation.\n", checked.stdout


def _is_dear(product: Product) -> None:
    """The company that the product began with is rich, and an SMS costs it R$ 5."""
    app = create_app(Settings.from_env(product.env))
    with app.app_context():
        with atomic() as current:
            tenant_id = current.scalars(select(Tenant.id).order_by(Tenant.created_at).limit(1)).one()
            current.add(Price(tenant_id=tenant_id, unit="sms", micros=DEAR))
        money(tenant_id, 1_000_000)
        db.session.remove()
        db.engine.dispose()


def _deadlocks(product: Product) -> int:
    """How many PostgreSQL had to break. Its statistics come in late by up to a second."""
    time.sleep(1.5)
    with psycopg.connect(product.servers()["DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row
    return int(row[0])
