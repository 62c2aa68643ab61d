"""What was scheduled, and was on its way when everything stood still, waits for somebody's word."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from sintalk import checks
from sintalk.campaigns import jobs, service
from sintalk.carriers import registry
from sintalk.db import atomic, now, session
from sintalk.messages import asking, dispatcher, reaper, results, steering, tally, turns
from sintalk.messages.models import CarrierState, Chunk, Dispatch, Notification
from sintalk.policies import service as policies
from sintalk.policies.calendar import Calendar
from sintalk.policies.hours import Hours, Rules, Week
from sintalk.web.schemas import rfc3339
from sintalk.webhooks.models import WebhookEvent
from tests.campaigns.test_life import Shop, shop, some_batches
from tests.campaigns.test_schedule import its_time_came
from tests.pipeline import work_until

__all__ = ["shop"]


def under_way(shop: Shop, people: int, **wishes) -> UUID:
    """A campaign whose time came, of which four people have it, and a worker died over the next ones."""
    at = rfc3339(now() + timedelta(minutes=30))
    campaign_id = shop.campaign(people, launched=False, scheduled_at=at, **wishes)
    assert shop.do("launch", campaign_id)[1]["status"] == "scheduled"
    its_time_came(str(campaign_id))
    assert service.launch_due() == 1
    jobs.expand(str(campaign_id))
    return campaign_id


def nothing_happened_for(minutes: float) -> None:
    """As if all machines had been off."""
    ago = timedelta(minutes=minutes)
    with atomic() as current:
        current.execute(
            update(Dispatch).values(ready_at=Dispatch.ready_at - ago, left_at=Dispatch.left_at - ago)
        )
        current.execute(update(Chunk).values(due_at=Chunk.due_at - ago, since=Chunk.since - ago))
        current.execute(update(Chunk).values(lease_until=Chunk.lease_until - max(ago, turns.LEASE)))
    reaper.reap()


def test_what_is_left_of_it_after_an_outage_does_not_leave_by_itself(shop: Shop):
    hook = {"url": "https://shop.example.com/x", "events": ["campaign.paused"]}
    assert shop.api.post("/webhooks", hook).status_code == 201
    campaign_id = under_way(shop, 8)
    worker = some_batches(1)
    with atomic():
        worker._step(worker.answers)  # four are written down, and four were about to be handed over
    before = len(shop.simulator.accepted())
    nothing_happened_for(61)
    dispatcher.drain()
    assert len(shop.simulator.accepted()) == before
    assert shop.get(campaign_id)["status"] == "running"
    service.hold_halted()
    campaign = shop.get(campaign_id)
    assert (campaign["status"], campaign["pause_reason"]) == ("paused", "overdue")
    [event] = session().scalars(select(WebhookEvent)).all()
    assert (event.kind, event.payload["pause_reason"]) == ("campaign.paused", "overdue")

    assert shop.do("resume", campaign_id)[0] == 202
    nothing_happened_for(600)  # once it was said that late is fine, it is
    dispatcher.drain()
    assert len(shop.simulator.accepted()) == before + 4
    assert checks.run() == []


def test_a_short_outage_and_a_slow_campaign_are_no_reason_to_stop(shop: Shop):
    campaign_id = under_way(shop, 12)
    some_batches(1)
    nothing_happened_for(55)
    dispatcher.drain()
    assert shop.get(campaign_id)["status"] == "running"
    assert len(shop.simulator.accepted()) >= 8
    with atomic() as current:  # for hours it was due, and something of it left all the time
        current.execute(update(Chunk).values(due_at=now() - timedelta(hours=5)))
    shop.until(campaign_id, queued=0)


def test_what_nobody_scheduled_is_never_late(shop: Shop):
    campaign_id = shop.campaign(12)
    nothing_happened_for(60 * 24)
    shop.until(campaign_id, delivered=12)
    assert shop.get(campaign_id)["status"] == "completed"


def test_a_company_whose_campaigns_come_one_after_the_other_is_not_late(shop: Shop):
    first, second = under_way(shop, 40), under_way(shop, 12)
    order = []
    for _ in range(4):
        worker = some_batches(1)
        order.append(worker.dispatch_id)
        worker.turn_ends = 0.0
        worker._step(worker.answers)
    assert len(set(order)) == 2 and order[:2] == order[2:]
    for campaign_id, people in ((first, 40), (second, 12)):
        shop.until(campaign_id, delivered=people)
    assert checks.run() == []


@pytest.mark.parametrize(("minutes", "stands"), [(55, "running"), (61, "paused")])
def test_a_carrier_that_was_away_makes_it_late_like_any_outage(shop: Shop, monkeypatch, minutes, stands):
    campaign_id = under_way(shop, 12)
    carrier = registry.get("simulator", shop.app.config["SETTINGS"])
    with monkeypatch.context() as patched:
        patched.setattr(carrier, "_url", "nothing://here")
        for _ in range(3):  # tried again and again
            dispatcher.drain()
            nothing_happened_for(minutes / 3)
            with atomic() as current:
                current.execute(delete(CarrierState))
                current.execute(update(Dispatch).values(turn_at=now()))
                current.execute(update(Chunk).values(due_at=now()))
    dispatcher.drain()
    service.hold_halted()
    assert shop.get(campaign_id)["status"] == stands
    assert len(shop.simulator.accepted()) == (12 if stands == "running" else 0)


def test_what_failed_before_can_be_late_too(shop: Shop):
    campaign_id = under_way(shop, 4)
    with atomic() as current:
        current.execute(update(Dispatch).values(halted="too_many_failures"))
    nothing_happened_for(61)
    dispatcher.drain()
    service.hold_halted()
    assert shop.get(campaign_id)["pause_reason"] == "overdue"


def never_came(shop: Shop, worker: dispatcher.Worker, batch, ago: timedelta) -> None:
    """Nobody knows what became of these, handed over so long ago; the carrier has never seen them."""
    with atomic() as current:
        ids = [attempt.id for attempt in batch]
        lost = update(Notification).where(Notification.id.in_(ids))
        sending_at = now() - ago
        values = {"status": "unknown", "error_code": "no_answer", "updated_at": sending_at}
        current.execute(lost.values(sending_at=sending_at, **values))
        results.settle_later(worker.dispatch_id, [worker.no])
        tally.move(worker.dispatch_id, [("sending", "unknown")] * len(ids))


def test_one_that_never_came_is_no_outage(shop: Shop):
    """It is known twenty minutes later at the soonest, whatever delay its maker wants; the others wait for morning."""
    campaign_id = under_way(shop, 12, max_delay_minutes=5)
    worker = dispatcher.Worker(dispatcher.claim())
    batch = worker._step(())
    never_came(shop, worker, batch, asking.NEVER_CAME + timedelta(seconds=1))
    with atomic() as current:
        morning = now() + timedelta(hours=8)
        current.execute(update(Chunk).values(due_at=morning, lease_until=None))
        current.execute(update(Dispatch).values(left_at=now() - timedelta(hours=1)))
    assert asking.ask() == 4
    dispatcher.drain()
    service.hold_halted()
    assert shop.get(campaign_id)["status"] == "running"
    assert len(shop.simulator.accepted()) >= 4


def test_what_waits_for_its_hours_is_not_late(shop: Shop):
    """Looked up by night it waits for the morning with the others, however long ago it was handed over."""
    week = Week(Hours(0, 1), Hours(0, 1), Hours(0, 1), Hours(0, 1))
    shut = Rules("America/Sao_Paulo", {"sms": week}, Calendar(national=False), None)
    campaign_id = under_way(shop, 12)
    worker = dispatcher.Worker(dispatcher.claim())
    batch = worker._step(())
    never_came(shop, worker, batch, timedelta(hours=3))
    with atomic() as current:
        current.execute(update(Chunk).values(lease_until=None, due_at=now() + timedelta(hours=8)))
        current.execute(update(Dispatch).values(left_at=now() - timedelta(hours=3)))
    policies.set_rules(shop.tenant_id, shut, by=shop.owner.actor())
    if shut.opens_at("sms", "11", now()) <= now():
        pytest.skip("the one minute of the day that is open")
    assert asking.ask() == 4
    dispatcher.drain()
    service.hold_halted()
    assert shop.get(campaign_id)["status"] == "running"
    assert shop.simulator.accepted() == []
    assert shop.stats(campaign_id)["queued"] == 12


def test_a_receipt_that_opens_a_piece_again_does_not_excuse_what_waits(shop: Shop):
    under_way(shop, 4)
    nothing_happened_for(61)
    dispatch_id, no = session().execute(select(Chunk.dispatch_id, Chunk.no)).one()
    with atomic():
        steering.open_again(dispatch_id, [no])
    dispatcher.drain()
    assert shop.simulator.accepted() == []


def test_what_turns_out_after_hours_never_to_have_come_waits_for_a_word(shop: Shop):
    campaign_id, hours = under_way(shop, 4), timedelta(hours=10)
    worker = dispatcher.Worker(dispatcher.claim())
    batch = worker._step(())
    never_came(shop, worker, batch, hours)
    with atomic() as current:
        current.execute(update(Chunk).values(status="done", lease_until=None))
        current.execute(update(Dispatch).values(left_at=now() - hours))
    service.close_finished()
    assert shop.get(campaign_id)["status"] == "completed"
    assert asking.ask() == 4
    dispatcher.drain()
    assert shop.simulator.accepted() == []
    service.hold_halted()
    service.close_finished()
    campaign = shop.get(campaign_id)
    assert (campaign["status"], campaign["pause_reason"]) == ("paused", "overdue")
    assert campaign["completed_at"] is None
    assert shop.do("resume", campaign_id)[0] == 202
    shop.until(campaign_id, delivered=4)
    work_until(lambda: service.close_finished() or shop.get(campaign_id)["status"] == "completed")
    assert checks.run() == []
