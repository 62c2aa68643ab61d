"""What is unknown is looked up at a carrier that can tell: what it has was sent, what never came goes out after all."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flask import current_app
from sqlalchemy import select, update

from sintalk import checks
from sintalk.billing import service as billing
from sintalk.carriers import registry
from sintalk.carriers.base import Attempt, Outcome, SubmitResult
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.db import atomic, now, release, session
from sintalk.messages import asking, dispatcher, reaper, receipts, settling, steering
from sintalk.messages.models import Chunk, Dispatch, Notification
from tests import factories
from tests.factories import BRL, money
from tests.pipeline import PRICE, counts, drafts, pipeline, ready_dispatch, times_accepted, work_until


@pytest.fixture
def blind(own_settings, tmp_path):
    """A carrier that takes a repeated id again, and says what it has; a company with money."""
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_IDEMPOTENT="0") as (_, simulator):
        yield simulator, with_money()


def with_money() -> UUID:
    tenant_id = factories.owner("alice@example.com", "Padaria").tenant_id
    money(tenant_id, 10)
    return tenant_id


def befell() -> list[list[str]]:
    """What each message keeps of its way."""
    return [[each["what"] for each in trail] for trail in session().scalars(select(Notification.trail))]


def time_passes(since: timedelta) -> None:
    with atomic() as current:
        times = {name: getattr(Notification, name) - since for name in ("sending_at", "updated_at")}
        current.execute(update(Notification).where(Notification.status == "unknown").values(times))


def died_before_the_call(tenant_id: UUID, *endings: str, canceled: bool = False) -> Dispatch:
    """A dispatch whose worker died with its messages marked as being sent, and nothing handed over.

    `canceled`: somebody ended it before that was found out.
    """
    dispatch = ready_dispatch(tenant_id, drafts(*endings))
    worker = dispatcher.Worker(dispatcher.claim())
    worker.leave = worker.pace.leave()
    assert len(worker._step([])) == len(endings)
    if canceled:
        assert steering.cancel(dispatch)
    with atomic() as current:
        current.execute(update(Chunk).values(lease_until=now()))
    reaper.reap()
    steering.take_back()
    assert counts(dispatch) == {"unknown": len(endings)}
    return dispatch


def test_what_the_carrier_has_was_sent_and_is_paid_for(blind):
    simulator, tenant_id = blind
    dispatch = ready_dispatch(tenant_id, drafts("0004", "0004"))
    dispatcher.drain()
    assert counts(dispatch) == {"unknown": 2}
    assert asking.ask() == 0, "it may be about to say so itself"
    time_passes(asking.SOON)
    assert asking.anything_to_ask() and asking.ask() == 2
    assert counts(dispatch) == {"sent": 2}
    settling.settle_due(unfinished_too=True)
    assert (billing.balance(tenant_id).reserved, asking.ask()) == (0, 0)
    work_until(lambda: counts(dispatch) == {"delivered": 2})
    assert befell() == [["no_answer", "looked_up"]] * 2
    assert set(times_accepted(simulator).values()) == {1}
    assert billing.balance(tenant_id).available == 10 * BRL - 2 * PRICE
    assert checks.run() == []


def test_what_the_carrier_has_not_is_sent_once_it_can_never_come(blind):
    simulator, tenant_id = blind
    dispatch = died_before_the_call(tenant_id, "1111", "2222")
    for since in (asking.SOON, asking.NEVER_CAME - 2 * asking.SOON):
        time_passes(since)
        assert asking.ask() == 0
        assert counts(dispatch) == {"unknown": 2}, "it may still come"
    assert not asking.anything_to_ask(), "it was asked, and the next answer counts"
    time_passes(asking.SOON)
    assert asking.ask() == 2
    work_until(lambda: counts(dispatch) == {"delivered": 2})
    assert len(times_accepted(simulator)) == 2 and set(times_accepted(simulator).values()) == {1}
    assert befell() == [["worker_lost", "never_came"]] * 2
    work_until(lambda: billing.balance(tenant_id).reserved == 0)
    assert checks.run() == []


def test_of_a_canceled_campaign_what_never_came_is_canceled_and_paid_back(blind):
    simulator, tenant_id = blind
    dispatch = died_before_the_call(tenant_id, "1111", "2222", canceled=True)
    assert dispatch.finished_at
    time_passes(asking.NEVER_CAME)
    assert asking.ask() == 2
    steering.take_back()
    settling.settle_due(unfinished_too=True)
    assert counts(dispatch) == {"canceled": 2}
    session().refresh(dispatch)
    assert dispatch.finished_at and dispatch.settled_at
    assert billing.balance(tenant_id).available == 10 * BRL
    dispatcher.drain()
    assert times_accepted(simulator).total() == 0
    assert checks.run() == []


@pytest.mark.parametrize(
    ("waits", "times"), [(asking.NEVER_CAME, 1), (timedelta(0), 2)], ids=("as it is", "control")
)
def test_a_no_of_the_carrier_is_not_believed_while_it_may_still_come(blind, monkeypatch, waits, times):
    """The control believes it at once, and somebody is written to twice: what the first worker wrote comes late."""
    monkeypatch.setattr(asking, "NEVER_CAME", waits)
    simulator, tenant_id = blind
    died_before_the_call(tenant_id, "1111")
    row = session().scalars(select(Notification)).one()
    call = Attempt(row.id, row.phone, "sms", row.text)
    time_passes(asking.SOON)
    asking.ask()
    dispatcher.drain()
    registry.get("simulator", current_app.config["SETTINGS"]).submit([call])
    assert list(times_accepted(simulator).values()) == [times]


def test_of_one_batch_some_came_and_some_did_not(blind):
    _, tenant_id = blind
    dispatch = ready_dispatch(tenant_id, drafts("0004", "0004"))
    dispatcher.drain()
    more = died_before_the_call(tenant_id, "1111", "2222")
    time_passes(asking.NEVER_CAME)
    assert asking.ask() == 4
    assert (counts(dispatch), counts(more)) == ({"sent": 2}, {"queued": 2})


def test_what_was_given_up_after_three_days_stays_as_it_is(blind):
    _, tenant_id = blind
    dispatch = died_before_the_call(tenant_id, "1111")
    time_passes(settling.FINAL_AFTER)
    assert not asking.anything_to_ask() and asking.ask() == 0
    assert counts(dispatch) == {"unknown": 1}


def test_a_carrier_that_says_nothing_is_asked_again(blind):
    simulator, tenant_id = blind
    dispatch = died_before_the_call(tenant_id, "1111")
    time_passes(asking.NEVER_CAME)
    simulator.kill()
    assert asking.ask() == 0
    assert counts(dispatch) == {"unknown": 1}
    simulator.start()
    assert asking.ask() == 1


def test_a_receipt_that_comes_first_has_the_say(blind, monkeypatch):
    _, tenant_id = blind
    dispatch = ready_dispatch(tenant_id, drafts("0004"))
    dispatcher.drain()
    time_passes(asking.SOON)
    asked = asking._asked

    def slowly(*args):
        found = asked(*args)
        work_until(lambda: receipts.apply_waiting() or counts(dispatch) == {"delivered": 1})
        return found

    monkeypatch.setattr(asking, "_asked", slowly)
    assert asking.ask() == 0
    assert counts(dispatch) == {"delivered": 1}
    assert checks.run() == []


def test_a_carrier_that_cannot_tell_is_not_asked(own_settings, tmp_path):
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_IDEMPOTENT="0", SINTALK_SIMULATOR_LOOKUP="0") as (
        _,
        _simulator,
    ):
        dispatch = died_before_the_call(with_money(), "1111")
        time_passes(asking.NEVER_CAME)
        assert not asking.anything_to_ask() and asking.ask() == 0
        assert counts(dispatch) == {"unknown": 1}


def test_no_connection_is_held_while_a_carrier_is_asked(blind, monkeypatch):
    _, tenant_id = blind
    died_before_the_call(tenant_id, "1111")
    time_passes(asking.NEVER_CAME)
    release()
    asked, seen = asking._asked, []

    def watching(*args):
        seen.append(session().in_transaction())
        return asked(*args)

    monkeypatch.setattr(asking, "_asked", watching)
    assert asking.ask() == 1
    assert seen == [False]


def test_who_stood_still_after_the_intent_hands_nothing_over(blind, monkeypatch):
    simulator, tenant_id = blind
    dispatch = ready_dispatch(tenant_id, drafts("1111"))
    monkeypatch.setattr(dispatcher, "CALL_WITHIN_S", -1.0)
    dispatcher.Worker(dispatcher.claim()).run()
    assert counts(dispatch) == {"sending": 1}
    assert times_accepted(simulator).total() == 0


def test_one_that_was_unclear_and_then_too_fast_is_looked_up_too(own_settings, tmp_path, monkeypatch):
    """The carrier may have it from the first call, whatever it says of the second."""
    answers = [Outcome.UNKNOWN, Outcome.THROTTLED]

    def submit(_, batch):
        outcome = answers.pop(0)
        return [SubmitResult(attempt_id=each.id, outcome=outcome) for each in batch]

    with pipeline(own_settings, tmp_path):
        dispatch = ready_dispatch(with_money(), drafts("1111"))
        monkeypatch.setattr(SimulatorCarrier, "submit", submit)
        while answers:
            dispatcher.drain()
            with atomic() as current:
                current.execute(update(Chunk).values(due_at=now()))
        assert steering.cancel(dispatch)
        steering.take_back()
        assert counts(dispatch) == {"unknown": 1}
        time_passes(asking.NEVER_CAME)
        assert asking.ask() == 1
        steering.take_back()
        assert counts(dispatch) == {"canceled": 1}
