"""A campaign that leaves evenly, one that a few people get first, and one that is held back by itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.accounts.models import Tenant
from sintalk.campaigns import service
from sintalk.campaigns.pace import measured
from sintalk.db import atomic, now, session
from sintalk.messages import dispatcher, reasons, spreading
from sintalk.messages.models import CarrierState, Chunk, Dispatch, Notification
from sintalk.web.schemas import rfc3339
from sintalk.webhooks.models import WebhookEvent
from tests import factories
from tests.campaigns.test_life import Shop, shop
from tests.pipeline import work_until

__all__ = ["shop"]


@pytest.fixture(autouse=True)
def _pages_as_they_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sintalk.campaigns.expansion.PAGE", 1_000)


def until_judged(shop: Shop) -> None:
    work_until(spreading.judge)
    service.hold_halted()


def in_half_an_hour() -> str:
    return rfc3339(now() + timedelta(minutes=30))


def waiting() -> int:
    return len(session().scalars(select(Chunk.no).where(Chunk.due_at > now() + timedelta(days=1))).all())


def test_a_few_get_it_first_and_the_others_once_those_have_it(shop: Shop):
    campaign_id = shop.campaign(110, canary=True)
    dispatcher.drain()
    assert len(shop.simulator.accepted()) == 20 and waiting() > 0
    assert shop.get(campaign_id)["status"] == "running"
    assert shop.stats(campaign_id)["canary"] == {"people": 20, "failed": None, "passed": None}
    until_judged(shop)
    shop.until(campaign_id, delivered=110, reserved_micros=0)
    assert shop.get(campaign_id)["status"] == "completed"
    assert checks.run() == []


def test_where_too_many_of_the_first_do_not_get_it_the_others_are_not_tried(shop: Shop):
    hook = {"url": "https://shop.example.com/x", "events": ["campaign.paused"]}
    assert shop.api.post("/webhooks", hook).status_code == 201
    campaign_id = shop.campaign(110, ending="0002", canary=True)
    until_judged(shop)
    assert len(shop.simulator.accepted()) == 20
    campaign = shop.get(campaign_id)
    assert (campaign["status"], campaign["pause_reason"]) == ("paused", "canary_failed")
    [event] = session().scalars(select(WebhookEvent)).all()
    assert (event.kind, event.payload["pause_reason"]) == ("campaign.paused", "canary_failed")
    figures = shop.stats(campaign_id)["canary"]
    assert figures["people"] == 20 and figures["failed"] > 4 and figures["passed"] is False

    assert shop.do("resume", campaign_id)[0] == 202
    shop.until(campaign_id, not_delivered=110)
    assert shop.get(campaign_id)["status"] == "completed"
    assert checks.run() == []


def test_the_first_who_never_answer_are_waited_for_and_then_taken_as_well(shop: Shop):
    campaign_id = shop.campaign(110, ending="0005", canary=True)
    dispatcher.drain()
    assert spreading.judge() == 0
    they_left(spreading.WAIT)
    assert spreading.judge() == 1
    shop.until(campaign_id, sent=110)


def test_the_first_who_leave_late_are_waited_for_as_long_as_any(shop: Shop):
    """Hours, a pause or an outage kept them until after the time by which they were to be judged."""
    shop.campaign(110, ending="0005", canary=True)
    dispatcher.drain()
    with atomic() as current:
        current.execute(update(Dispatch).values(canary_until=now() - timedelta(minutes=1)))
    assert spreading.judge() == 0
    until = session().scalars(select(Dispatch.canary_until)).one()
    assert now() + timedelta(minutes=4) < until < now() + spreading.WAIT
    they_left(spreading.WAIT)
    assert spreading.judge() == 1


def they_left(ago: timedelta) -> None:
    """As if the first had left so long ago."""
    with atomic() as current:
        current.execute(update(Notification).values(sending_at=Notification.sending_at - ago))
        current.execute(update(Dispatch).values(canary_until=Dispatch.canary_until - ago))


def test_a_first_try_that_somebody_paused_goes_on_as_a_first_try(shop: Shop):
    campaign_id = shop.campaign(110, canary=True)
    shop.do("pause", campaign_id)
    assert spreading.judge() == 0
    shop.do("resume", campaign_id)
    dispatcher.drain()
    assert len(shop.simulator.accepted()) == 20
    shop.do("cancel", campaign_id)
    shop.until(campaign_id, canceled=90, queued=0, sending=0, sent=0, reserved_micros=0)
    assert checks.run() == []


def test_a_spread_campaign_leaves_piece_by_piece(shop: Shop):
    campaign_id = shop.campaign(30, spread_minutes=10)
    preflighted = shop.get(campaign_id)
    assert (preflighted["spread_minutes"], preflighted["canary"]) == (10, False)
    dispatcher.drain()
    first = len(shop.simulator.accepted())
    assert 0 < first < 5
    with atomic() as current:  # five minutes later
        late = Chunk.due_at - timedelta(minutes=5)
        current.execute(update(Chunk).where(Chunk.status == "open").values(due_at=late))
    dispatcher.drain()
    assert 12 <= len(shop.simulator.accepted()) <= 20
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.status == "open").values(due_at=now()))
    shop.until(campaign_id, delivered=30, reserved_micros=0)
    assert checks.run() == []


def test_the_preflight_knows_when_a_spread_campaign_is_through(shop: Shop):
    campaign_id = shop.campaign(3, launched=False, spread_minutes=120)
    said = shop.do("preflight", campaign_id)[1]["finishes_at"]
    assert rfc3339(now() + timedelta(minutes=119)) < said < rfc3339(now() + timedelta(minutes=121))


def test_the_preflight_says_when_it_is_through_before_anything_was_measured(shop: Shop):
    campaign_id, before = shop.campaign(100, launched=False), now()
    said = shop.do("preflight", campaign_id)[1]
    assert said["per_second"] == 50
    takes = timedelta(seconds=2)
    assert rfc3339(before + takes) <= said["finishes_at"] <= rfc3339(now() + takes)
    page = factories.browser(shop.app, shop.owner).get(f"/campaigns/{campaign_id}/check").text
    assert "Termina por volta de" in page


def test_the_first_campaign_of_a_company_goes_by_the_pace_of_the_others(shop: Shop):
    gone = shop.campaign(20)
    shop.until(gone, delivered=20)
    pace = shop.do("preflight", shop.campaign(1, launched=False))[1]["per_second"]
    assert pace != 50
    other = factories.owner("charlie@example.com", "Charlie & Filhos")
    assert measured(other.tenant_id, "sms") == pace
    assert measured(other.tenant_id, "rcs") == 50


def test_the_preflight_reckons_with_what_the_company_may_send(shop: Shop):
    with atomic() as current:
        current.execute(update(Tenant).values(rates={"sms": 0.1}))
    campaign_id = shop.campaign(6, launched=False)
    said = shop.do("preflight", campaign_id)[1]
    assert said["per_second"] == 0.1
    assert (
        rfc3339(now() + timedelta(seconds=50)) < said["finishes_at"] < rfc3339(now() + timedelta(seconds=61))
    )


def test_the_pace_of_a_scheduled_campaign_may_change_and_that_of_a_launched_one_not(shop: Shop):
    at = rfc3339(now() + timedelta(hours=2))
    campaign_id = shop.campaign(3, launched=False, scheduled_at=at)
    shop.do("launch", campaign_id)
    changed = shop.api.patch(f"/campaigns/{campaign_id}", {"spread_minutes": 60, "canary": True}).get_json()
    assert (changed["status"], changed["spread_minutes"], changed["canary"]) == ("scheduled", 60, True)
    gone = shop.campaign(3)
    assert shop.api.patch(f"/campaigns/{gone}", {"spread_minutes": 60}).status_code == 409
    assert shop.api.patch(f"/campaigns/{campaign_id}", {"spread_minutes": 0}).status_code == 422


def test_a_completed_campaign_with_something_to_send_again_is_on_its_way_again(shop: Shop):
    """As after a late receipt of RCS, whose SMS takes over when all had left."""
    campaign_id = shop.campaign(3)
    shop.until(campaign_id, delivered=3, reserved_micros=0)
    assert shop.get(campaign_id)["status"] == "completed"
    with atomic() as current:
        one = current.scalars(select(Notification).limit(1)).one()
        one.status, one.sending_at, one.sent_at = "queued", None, None
        one.charged_micros = 0
        current.execute(update(Chunk).values(status="open", due_at=now()))
        current.flush()
        again = {"status": "ready", "queued": 1, "delivered": 2}
        current.execute(update(Dispatch).values(**again))
    service.close_finished()
    assert (shop.get(campaign_id)["status"], shop.get(campaign_id)["completed_at"]) == ("running", None)
    shop.until(campaign_id, queued=0, sending=0)
    assert shop.get(campaign_id)["status"] == "completed"


def test_the_builder_asks_for_the_pace_and_keeps_it(shop: Shop):
    campaign_id = shop.campaign(3, launched=False, spread_minutes=45)
    browser = factories.browser(shop.app, shop.owner)
    page = browser.get(f"/campaigns/{campaign_id}/when").text
    assert "ao longo de 45 minutos" in page and "Testar primeiro com poucas pessoas" in page
    wish = {"when": "now", "spread_minutes": "240", "canary": "y"}
    assert browser.post(f"/campaigns/{campaign_id}/when", data=wish).status_code == 303
    campaign = shop.get(campaign_id)
    assert (campaign["spread_minutes"], campaign["canary"]) == (240, True)
    browser.post(f"/campaigns/{campaign_id}/when", data={"when": "now", "spread_minutes": "0"})
    campaign = shop.get(campaign_id)
    assert (campaign["spread_minutes"], campaign["canary"]) == (None, False)


def test_the_builder_asks_whether_it_is_advertising(shop: Shop):
    campaign_id = shop.campaign(3, launched=False)
    browser = factories.browser(shop.app, shop.owner)
    for wish, category in (({"notice": "y"}, "transactional"), ({}, "marketing")):
        browser.post(f"/campaigns/{campaign_id}/when", data={"when": "now", "spread_minutes": "0", **wish})
        assert shop.get(campaign_id)["category"] == category
        assert ("checked" in page_field(browser, campaign_id)) == bool(wish)


def test_what_was_chosen_stands_on_check_and_page(shop: Shop):
    campaign_id = shop.campaign(
        3,
        launched=False,
        spread_minutes=45,
        canary=True,
        category="transactional",
        scheduled_at=in_half_an_hour(),
    )
    browser = factories.browser(shop.app, shop.owner)
    check = browser.get(f"/campaigns/{campaign_id}/check").text
    chosen = ["1 hora", "ao longo de 45 minutos", "não, com menos de 100 pessoas", "aviso, não propaganda"]
    assert [words for words in chosen if f"<dd>{words}</dd>" not in check] == []
    shop.do("launch", campaign_id)
    page = browser.get(f"/campaigns/{campaign_id}").text
    chosen[2] = "sim"  # who is in the list at its time is not known yet
    assert [words for words in chosen if f"<dd>{words}</dd>" not in page] == []
    plain = browser.get(f"/campaigns/{shop.campaign(3, launched=False)}/check").text
    assert "aviso, não propaganda" not in plain and "Testar primeiro" not in plain


def test_the_page_counts_the_reasons(shop: Shop):
    """Also of what was left out from the start, and with a word where they are not those of all."""
    campaign_id = shop.campaign(4, ending="0002")
    browser = factories.browser(shop.app, shop.owner)
    shop.until(campaign_id, not_delivered=4)
    with atomic() as current:
        some = select(Notification.id).order_by(Notification.id).limit(1).scalar_subquery()
        current.execute(update(Notification).where(Notification.id == some).values(error_code="expired"))
    page = browser.get(f"/campaigns/{campaign_id}/progress").text
    counted = re.findall(r'<p><span class="num">(\d+)</span> <span>([^<]+)</span></p>', page)
    assert counted == [
        ("3", "celular desligado, sem sinal ou com a memória cheia"),
        ("1", "não deu tempo de chegar"),
    ]
    assert "entre as primeiras" not in page


def test_of_many_the_first_are_looked_at_for_their_reasons(shop: Shop, monkeypatch):
    campaign_id = shop.campaign(4, ending="0003")
    shop.until(campaign_id, error=4)
    monkeypatch.setattr(reasons, "MOST", 3)
    page = factories.browser(shop.app, shop.owner).get(f"/campaigns/{campaign_id}/progress").text
    assert '<span class="num">3</span>' in page and "entre as primeiras 3" in page


def page_field(browser, campaign_id: str) -> str:
    page = browser.get(f"/campaigns/{campaign_id}/when").text
    return next(line for line in page.splitlines() if 'name="notice"' in line)


def test_the_page_says_why_it_waits(shop: Shop):
    def page(campaign_id) -> str:
        return factories.browser(shop.app, shop.owner).get(f"/campaigns/{campaign_id}").text

    tried = shop.campaign(110, ending="0002", canary=True)
    assert "20 pessoas recebem primeiro" in page(tried)
    until_judged(shop)
    said = page(tried)
    assert "O teste inicial deu errado" in said and "O envio foi testado primeiro com 20 pessoas" in said
    assert "90 pessoas ainda" in said

    spread = shop.campaign(5, spread_minutes=60)
    with atomic() as current:
        current.execute(update(Tenant).values(rates={"sms": 7}))
        current.add(CarrierState(carrier="simulator", reason="x", since=now(), until=now(), times=1))
    said = page(spread)
    assert "Envio distribuído por igual" in said
    assert "Sua empresa pode enviar 7 mensagens por segundo" in said
    assert "A operadora não está aceitando mensagens agora" in said
