"""From held money to the last receipt, against the real carrier process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.billing import service as billing
from sintalk.carriers import registry
from sintalk.carriers.base import Limits, Outcome, SubmitResult
from sintalk.carriers.simulator.adapter import SimulatorCarrier
from sintalk.db import atomic, now, session
from sintalk.errors import InsufficientBalance
from sintalk.messages import dispatcher, reaper, results, service, settling, tally
from sintalk.messages.models import Chunk, Dispatch, Notification
from tests import factories
from tests.factories import BRL, money
from tests.pipeline import PRICE, counts, drafts, fill, pipeline, ready_dispatch, times_accepted, work_until


@pytest.fixture
def running(own_settings, tmp_path):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        owner = factories.owner("alice@example.com", "Padaria")
        money(owner.tenant_id, 1_000)
        yield app, simulator, owner.tenant_id


def test_each_ending_becomes_what_the_carrier_says_and_the_money_follows(running):
    _, simulator, tenant_id = running
    rows = drafts("1111", "2222", "0002", "0003", "0004", "0005", "0006", each=2)
    dispatch = ready_dispatch(tenant_id, rows)
    assert billing.balance(tenant_id).reserved == 14 * PRICE

    done = {"delivered": 8, "not_delivered": 2, "error": 2, "sent": 2}
    work_until(lambda: counts(dispatch) == done and dispatch.settled_at)

    after = billing.balance(tenant_id)
    assert (after.available, after.reserved) == (1_000 * BRL - 12 * PRICE, 0)
    assert (dispatch.status, dispatch.cost_micros, dispatch.reserved_micros) == ("finished", 12 * PRICE, 0)
    assert set(times_accepted(simulator).values()) == {1} and len(times_accepted(simulator)) == 12
    assert checks.run() == []


def test_a_lost_answer_of_a_carrier_that_knows_our_ids_is_asked_for_again(running):
    _, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("0004", each=3))
    work_until(lambda: counts(dispatch) == {"sent": 3})
    assert set(times_accepted(simulator).values()) == {1}
    assert [row.attempts for row in session().scalars(select(Notification))] == [2, 2, 2]


def test_it_is_asked_again_with_growing_pauses_while_nothing_clear_comes_back(running, monkeypatch):
    """The carrier took them at the first call; the answers of four calls are lost on the way."""
    _, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("0005", each=3))
    submit, lost, pauses = SimulatorCarrier.submit, [True] * 4, []

    def without_an_answer(carrier, batch):
        answers = submit(carrier, batch)
        return (
            [SubmitResult(attempt_id=a.id, outcome=Outcome.UNKNOWN, error_code="no_word") for a in batch]
            if lost and lost.pop()
            else answers
        )

    def all_sent():
        with atomic() as current:
            chunk = current.scalars(select(Chunk)).one()
            if chunk.status == "open" and chunk.lease_until is None and chunk.due_at > now():
                pauses.append(round((chunk.due_at - now()).total_seconds()))
                chunk.due_at = now()
        return counts(dispatch) == {"sent": 3}

    monkeypatch.setattr(SimulatorCarrier, "submit", without_an_answer)
    work_until(all_sent)
    assert pauses == [1, 2, 4, 8]
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_any_other_lost_answer_is_unknown_and_its_money_stays_held_until_the_receipt(own_settings, tmp_path):
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_IDEMPOTENT="0") as (_, simulator):
        tenant_id = factories.owner("alice@example.com", "Padaria").tenant_id
        money(tenant_id, 1_000)
        dispatch = ready_dispatch(tenant_id, drafts("0004"))
        work_until(lambda: counts(dispatch) == {"unknown": 1} and dispatch.status == "finished")
        settling.settle_due()
        assert billing.balance(tenant_id).reserved == PRICE
        work_until(lambda: counts(dispatch) == {"delivered": 1} and dispatch.settled_at)
        assert billing.balance(tenant_id).available == 1_000 * BRL - PRICE
        assert len(simulator.accepted()) == 1
        assert checks.run() == []


def test_a_number_that_is_there_twice_is_written_to_once(running):
    _, simulator, tenant_id = running
    dispatch = service.open_dispatch(tenant_id, campaign_id=None, channel="sms", carrier="simulator")
    fill(dispatch, drafts("1111"))
    fill(dispatch, drafts("1111") * 2)
    service.reserve(dispatch, memo="test")
    work_until(lambda: counts(dispatch) == {"delivered": 1, "suppressed": 2})
    assert len(simulator.accepted()) == 1 and dispatch.price_micros == PRICE


def test_without_the_money_nothing_goes_out_and_nothing_is_held(running):
    _, simulator, tenant_id = running
    dispatch = service.open_dispatch(tenant_id, campaign_id=None, channel="sms", carrier="simulator")
    rows = [draft._replace(price_micros=400 * BRL) for draft in drafts("1111", each=3)]
    fill(dispatch, rows)
    with pytest.raises(InsufficientBalance):
        service.reserve(dispatch, memo="test")
    assert dispatcher.drain() == 0
    assert billing.balance(tenant_id).reserved == 0 and simulator.accepted() == []
    assert checks.run() == []


def test_who_opts_out_between_launch_and_send_gets_nothing_and_costs_nothing(running):
    from sintalk.contacts import opt_outs

    _, simulator, tenant_id = running
    rows = drafts("1111", each=3)
    dispatch = ready_dispatch(tenant_id, rows)
    opt_outs.opt_out(tenant_id, phone=rows[1].phone, channel="sms")
    work_until(lambda: counts(dispatch) == {"delivered": 2, "suppressed": 1} and dispatch.settled_at)
    assert rows[1].phone not in [line["to"] for line in simulator.accepted()]
    assert billing.balance(tenant_id).available == 1_000 * BRL - 2 * PRICE
    assert checks.run() == []


def test_a_worker_that_dies_after_the_call_loses_nothing_and_doubles_nothing(running, monkeypatch):
    """Killed between the carrier's yes and our writing it down, on a carrier that knows our ids."""
    app, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("1111", each=30))
    _die_after_submit(app, monkeypatch)
    assert counts(dispatch) == {"sending": 30} and len(simulator.accepted()) == 30
    _let_leases_run_out()
    work_until(lambda: counts(dispatch) == {"delivered": 30} and dispatch.settled_at)
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_on_a_carrier_that_forgets_ids_they_become_unknown_and_a_receipt_settles_them(
    own_settings, tmp_path, monkeypatch
):
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_IDEMPOTENT="0") as (app, simulator):
        tenant_id = factories.owner("alice@example.com", "Padaria").tenant_id
        money(tenant_id, 1_000)
        dispatch = ready_dispatch(tenant_id, drafts("1111", "0005", each=10))
        _die_after_submit(app, monkeypatch)
        _let_leases_run_out()
        reaper.reap()
        work_until(lambda: counts(dispatch) == {"delivered": 10, "unknown": 10})
        work_until(lambda: billing.balance(tenant_id).reserved == 10 * PRICE)
        assert set(times_accepted(simulator).values()) == {1} and len(simulator.accepted()) == 20
        assert checks.run() == []


def test_sending_again_on_expiry_would_have_doubled(own_settings, tmp_path, monkeypatch):
    """The control: a reaper that queues again on a carrier that forgets ids."""
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_IDEMPOTENT="0") as (app, simulator):
        tenant_id = factories.owner("alice@example.com", "Padaria").tenant_id
        money(tenant_id, 1_000)
        dispatch = ready_dispatch(tenant_id, drafts("0005", each=10))
        _die_after_submit(app, monkeypatch)
        _let_leases_run_out()
        with atomic() as current:
            current.execute(update(Notification).values(status="queued"))
            current.execute(update(Chunk).values(lease_until=None))
            tally.move(dispatch.id, [("sending", "queued")] * 10)
        work_until(lambda: counts(dispatch) == {"sent": 10})
        assert set(times_accepted(simulator).values()) == {2}


def test_a_worker_that_slept_through_its_lease_writes_nothing_of_the_new_owners(running):
    """The zombie: its chunk was taken over and finished; what it knows comes too late and changes nothing."""
    app, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("1111", each=5))
    zombie = dispatcher.Worker(dispatcher.claim())
    batch = zombie._step(())
    _let_leases_run_out()
    work_until(lambda: counts(dispatch) == {"delivered": 5})
    answers = registry.get("simulator", app.config["SETTINGS"]).submit(batch)
    with pytest.raises(dispatcher.Lost):
        zombie._step(answers)
    assert counts(dispatch) == {"delivered": 5}
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_a_carrier_that_is_away_is_waited_for_and_nothing_is_lost(running):
    _, simulator, tenant_id = running
    simulator.kill()
    dispatch = ready_dispatch(tenant_id, drafts("1111", each=3))
    dispatcher.drain()
    assert counts(dispatch) == {"queued": 3}
    simulator.start()
    work_until(lambda: counts(dispatch) == {"delivered": 3})
    assert set(times_accepted(simulator).values()) == {1}


def test_a_carrier_that_is_not_set_up_on_a_machine_is_left_to_the_others(running, monkeypatch):
    _, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("1111"))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(registry, "MAKERS", {})
        assert dispatcher.drain() == 0
    chunk = session().scalars(select(Chunk).execution_options(populate_existing=True)).one()
    assert chunk.lease_until is None and chunk.due_at > now()
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now()))
    work_until(lambda: counts(dispatch) == {"delivered": 1})
    assert set(times_accepted(simulator).values()) == {1}


def test_turns_go_round_the_tenants(running):
    _, _, big = running
    small = factories.owner("charlie@example.com", "Charlie").tenant_id
    money(small, 10)
    ready_dispatch(big, drafts("1111", "2222", each=10))
    assert dispatcher.claim().tenant_id == big
    ready_dispatch(big, drafts("3333"))
    ready_dispatch(small, drafts("4444"))
    assert dispatcher.claim().tenant_id == small
    assert dispatcher.claim().tenant_id == big
    assert dispatcher.claim() is None


def test_a_paused_dispatch_is_left_alone(running):
    _, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("1111"))
    service.pause(dispatch)
    assert dispatcher.drain() == 0 and simulator.accepted() == []


def test_a_dispatch_paused_in_the_middle_of_a_chunk_goes_on_with_the_rest(running, monkeypatch):
    app, simulator, tenant_id = running
    dispatch = ready_dispatch(tenant_id, drafts("1111", each=10))
    carrier = registry.get("simulator", app.config["SETTINGS"])
    monkeypatch.setattr(carrier, "limits", Limits(max_batch=4))
    worker = dispatcher.Worker(dispatcher.claim())
    answers = carrier.submit(worker._step(()))
    service.pause(dispatch)
    assert worker._step(answers) == []
    assert counts(dispatch) == {"sent": 4, "queued": 6} or counts(dispatch) == {"delivered": 4, "queued": 6}
    assert dispatcher.drain() == 0
    with atomic() as current:
        current.execute(update(Dispatch).values(status="ready"))
    work_until(lambda: counts(dispatch) == {"delivered": 10})
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_any_text_reaches_the_phone_as_it_was_written(running):
    _, simulator, tenant_id = running
    text = "linha\tum\\nada\nlinha \\N dois\r\\."
    rows = [draft._replace(text=text, name="A\tB\\") for draft in drafts("1111")]
    dispatch = ready_dispatch(tenant_id, rows)
    work_until(lambda: counts(dispatch) == {"delivered": 1})
    assert simulator.accepted()[0]["text"] == text
    assert session().scalars(select(Notification)).one().name == "A\tB\\"


def _die_after_submit(app, monkeypatch):
    """A worker whose process ends right after the carrier's answer."""

    class Death(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise Death

    with monkeypatch.context() as patched:
        patched.setattr(results, "write", die)
        with pytest.raises(Death):
            dispatcher.drain()


def _let_leases_run_out():
    with atomic() as current:
        current.execute(
            update(Chunk).where(Chunk.lease_until.is_not(None)).values(lease_until=now() - timedelta(1))
        )
    assert session().scalars(select(Dispatch)).all()
