"""Why did this person not get it? A message keeps what befell it, and says what it waits for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from sintalk.carriers.base import Outcome, SubmitResult
from sintalk.db import atomic, now, session
from sintalk.messages import dispatcher, reaper, results, trail
from sintalk.messages.models import CarrierState, Chunk, Notification
from sintalk.messages.timeline import BEFELL
from tests.campaigns.test_life import Shop, shop

__all__ = ["shop"]


def life(shop: Shop, message_id=None) -> list[tuple[str, str]]:
    """Events and words of a message, the last one's where none is named."""
    if message_id is None:
        message_id = (
            session().scalars(select(Notification.id).order_by(Notification.id.desc()).limit(1)).one()
        )
    answer = shop.api.get(f"/notifications/{message_id}")
    assert answer.status_code == 200
    steps = answer.get_json()["timeline"]
    assert steps[0]["event"] == "written"
    times = [step["at"] for step in steps[:-1] if step["at"]]
    assert times == sorted(times)
    return [(step["event"], step["text"]) for step in steps]


def test_whatever_can_befall_a_message_has_words():
    assert set(trail.WHATS) == set(BEFELL)


def test_all_went_well(shop: Shop):
    shop.until(shop.campaign(3), delivered=3)
    assert [event for event, _ in life(shop)] == ["written", "sent", "delivered"]
    assert session().scalars(select(Notification.trail)).all() == [None] * 3


def test_what_a_queued_message_waits_for(shop: Shop):
    campaign_id = shop.campaign(110, canary=True)
    event, words = life(shop)[-1]
    assert (event, words) == (
        "canary",
        "Algumas pessoas recebem primeiro. Esta sai quando elas tiverem recebido.",
    )
    shop.do("pause", campaign_id)
    assert life(shop)[-1][0] == "paused"
    shop.do("resume", campaign_id)
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now() + timedelta(minutes=5)))
    assert life(shop)[-1][0] == "time"
    with atomic() as current:
        until = now() + timedelta(seconds=30)
        current.add(CarrierState(carrier="simulator", reason="no_word", since=now(), until=until, times=1))
    assert life(shop)[-1][0] == "carrier"
    shop.do("cancel", campaign_id)
    assert life(shop)[-1][0] == "canceling"


@pytest.mark.parametrize(
    ("outcome", "what"),
    [(Outcome.THROTTLED, "too_fast"), (Outcome.RETRYABLE, "not_taken"), (Outcome.UNKNOWN, "no_answer")],
)
def test_what_a_carrier_did_not_take_at_once(shop: Shop, outcome, what):
    campaign_id = shop.campaign(1)
    for _ in range(3):  # said once, however often
        worker = dispatcher.Worker(dispatcher.claim())
        batch = worker._step(())
        worker._step([SubmitResult(attempt.id, outcome) for attempt in batch])
        with atomic() as current:
            current.execute(text("UPDATE chunks SET due_at = now()"))
    assert [event for event, _ in life(shop)] == ["written", what, "queued"]
    shop.until(campaign_id, delivered=1)
    assert [event for event, _ in life(shop)] == ["written", what, "sent", "delivered"]


def test_a_worker_that_was_cut_off_is_remembered(shop: Shop):
    campaign_id = shop.campaign(1)
    dispatcher.Worker(dispatcher.claim())._step(())
    with atomic() as current:
        current.execute(text("UPDATE chunks SET lease_until = now() - interval '1 second'"))
    assert reaper.reap() == 1
    assert [event for event, _ in life(shop)][:2] == ["written", "worker_lost"]
    shop.until(campaign_id, delivered=1)
    assert [event for event, _ in life(shop)] == ["written", "worker_lost", "sent", "delivered"]


def test_what_was_never_known_says_so_once_all_of_its_price_is_back(shop: Shop):
    """Of an RCS message the part of its SMS goes back first: that is not its end."""
    shop.campaign(1)
    for released, words in ((30_000, "não confirmou se"), (80_000, "devolvido")):
        with atomic() as current:
            current.execute(update(Notification).values(status="unknown", released_micros=released))
        assert words in life(shop)[-1][1], life(shop)


def test_only_who_was_not_tried_yet_had_waited_for_their_hours(shop: Shop):
    shop.campaign(2)
    first = session().scalars(select(Notification.id).order_by(Notification.id).limit(1)).one()
    with atomic() as current:
        current.execute(update(Notification).where(Notification.id == first).values(attempts=1))
        current.execute(text("UPDATE chunks SET held = jsonb_build_object(now() - interval '1 hour', 1)"))
    dispatcher.drain()
    assert "hours" not in [event for event, _ in life(shop, first)]
    assert "hours" in [event for event, _ in life(shop)]


def test_many_things_one_after_the_other_do_not_make_a_row_grow_without_end(shop: Shop):
    shop.campaign(1)
    message_id = session().scalars(select(Notification.id)).one()
    with atomic() as current:
        current.execute(update(Notification).values(status="sending", fence=7, sending_at=now()))
        current.execute(text("UPDATE dispatches SET queued = 0, sending = 1"))
    for turn in range(30):
        outcome = Outcome.THROTTLED if turn % 2 else Outcome.RETRYABLE
        with atomic() as current:
            current.execute(update(Notification).values(status="sending"))
            answers = [SubmitResult(message_id, outcome)]
            results.write(answers, tenant_id=shop.tenant_id, fence=7, idempotent=True)
    session().expire_all()
    assert len(session().scalars(select(Notification.trail)).one()) == trail.MOST


def test_who_was_left_out_reads_why(shop: Shop):
    shop.api.post("/opt-outs", {"phone": "11 90000-1111"})
    shop.campaign(1)
    event, words = life(shop)[-1]
    assert event == "suppressed" and "pediu para não receber" in words
