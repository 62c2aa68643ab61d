"""Sixty-four at once launch over one balance, through the JSON door and the real expansion: no cent too much."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update

from sintalk import checks, create_app
from sintalk.auth.models import ApiKey
from sintalk.billing import ledger
from sintalk.billing.models import Account, Hold
from sintalk.campaigns import jobs
from sintalk.db import atomic, db, release, session
from sintalk.errors import InsufficientBalance
from tests import factories
from tests.factories import BRL, Api
from tests.pipeline import PRICE

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]
THREADS = 64
#: 100 in the long form.
EACH = int(os.environ.get("SINTALK_CHAOS_LAUNCHES", "3"))
ALL = THREADS * EACH
COVERED = ALL // 4


@pytest.fixture
def app(own_settings):
    """An application with connections for all of them: each expansion needs a second one."""
    app = create_app(replace(own_settings, web_threads=2 * THREADS))
    app.testing = True
    with app.app_context():
        yield app
        release()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def shop(app):
    """A company with money for some, a list of one person and a text of one part."""
    alice = factories.owner("alice@example.com", "Padaria")
    factories.money(alice.tenant_id, COVERED * PRICE / BRL)
    api = Api(app, factories.key(alice))
    with atomic() as current:
        current.execute(update(ApiKey).values(rate_limit_per_minute=10**6))
    with app.app_context():
        list_id = api.post("/contact-lists", {"name": "Clientes"}).get_json()["id"]
        api.post(f"/contact-lists/{list_id}/contacts", {"name": "Ana", "phone": "11 99999-1111"})
        body = {"name": "Aviso", "channel": "sms", "sms": {"text": "Oi {{nome}}"}}
        body = {"template_id": api.post("/templates", body).get_json()["id"], "contact_list_id": list_id}
    return api, {"name": "Natal", "channel": "sms", **body}


def pressed_by_everybody(app: Flask, shop: tuple[Api, dict[str, str]]) -> Counter[str]:
    """Draft, launch and expand, all at once; how many campaigns ended up how, 402 among them."""
    api, body = shop

    def press(_: int) -> list[str]:
        mine, ended = Api(app, api.headers["X-API-Key"]), []
        for _ in range(EACH):
            campaign_id = mine.post("/campaigns", body).get_json()["id"]
            answer = mine.post(f"/campaigns/{campaign_id}/launch")
            if answer.status_code != 202:
                ended.append(str(answer.status_code))
                continue
            with app.app_context():
                jobs.expand(campaign_id)
                db.session.remove()
            seen = mine.get(f"/campaigns/{campaign_id}").get_json()
            ended.append(f"{seen['status']} {seen['pause_reason'] or ''}".strip())
        return ended

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(end for ends in pool.map(press, range(THREADS)) for end in ends)


def test_sixty_four_threads_launch_exactly_what_the_money_covers(app, shop):
    ended = pressed_by_everybody(app, shop)
    short = ended["402"] + ended["paused insufficient_balance"]
    assert (ended["running"], short, ended.total()) == (COVERED, ALL - COVERED, ALL), ended
    balance = shop[0].get("/billing/balance").get_json()
    assert (balance["available"], balance["reserved"]) == (0, COVERED * PRICE)
    release()
    assert checks.run() == []


def test_a_launch_that_reads_first_and_writes_after_sends_what_nobody_paid_for(app, shop, monkeypatch):
    """The control: the same crowd over a balance that is read, compared and written back."""

    def naive(tenant_id, subject_id, amount_micros, *, unit, memo=""):
        with atomic() as current:
            account = current.execute(
                select(Account.posted, Account.held).where(Account.tenant_id == tenant_id)
            ).one()
            if account.posted - account.held < amount_micros:
                raise InsufficientBalance(needed_micros=amount_micros, spendable_micros=0)
            time.sleep(0.02)
            held = account.held + amount_micros
            current.execute(update(Account).where(Account.tenant_id == tenant_id).values(held=held))
            current.add(
                Hold(tenant_id=tenant_id, subject_id=subject_id, amount=amount_micros, unit=unit, memo=memo)
            )
            current.flush()

    monkeypatch.setattr(ledger, "reserve", naive)
    assert pressed_by_everybody(app, shop)["running"] > COVERED, "the control went green: it proves nothing"
    assert session().scalar(select(Account.held)) <= COVERED * PRICE
    release()
    assert checks.run() != []
