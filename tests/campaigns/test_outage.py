"""What was scheduled, and was on its way when everything stood still, waits for somebody's word."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from sintalk import checks
from sintalk.campaigns import jobs, service
from sintalk.db import atomic, now, session
from sintalk.messages import asking, dispatcher, results, tally
from sintalk.messages.models import Chunk, Dispatch, Notification
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
        current.execute(
            update(Chunk).values(due_at=Chunk.due_at - ago, lease_until=None, fence=Chunk.fence + 1)
        )


def test_what_is_left_of_it_after_an_outage_does_not_leave_by_itself(shop: Shop):
    hook = {"url": "https://shop.example.com/x", "events": ["campaign.paused"]}
    assert shop.api.post("/webhooks", hook).status_code == 201
    campaign_id = under_way(shop, 12)
    worker = some_batches(1)
    with atomic():
        worker._step(worker.answers)  # four are written down, and four are with the carrier
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


def test_what_turns_out_after_hours_never_to_have_come_waits_for_a_word(shop: Shop):
    campaign_id = under_way(shop, 4)
    worker = dispatcher.Worker(dispatcher.claim())
    batch = worker._step(())
    with atomic() as current:  # nobody knows what became of one, and the carrier has never seen it
        ids = [attempt.id for attempt in batch]
        for statement in (
            update(Notification)
            .where(Notification.id.in_(ids))
            .values(status="unknown", error_code="no_answer"),
            update(Chunk).values(status="done", lease_until=None),
        ):
            current.execute(statement)
        results.settle_later(worker.dispatch_id, [worker.no])
        tally.move(worker.dispatch_id, [("sending", "unknown")] * len(ids))
    service.close_finished()
    assert shop.get(campaign_id)["status"] == "completed"
    hours = timedelta(hours=10)
    with atomic() as current:
        current.execute(update(Notification).values(sending_at=now() - hours, updated_at=now() - hours))
        current.execute(update(Dispatch).values(left_at=now() - hours))
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
