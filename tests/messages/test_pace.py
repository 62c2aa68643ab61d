"""How fast messages leave: never faster than was said, never burned against what is broken, nobody lost."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text, update

from sintalk import checks
from sintalk.accounts.models import Tenant
from sintalk.carriers import registry
from sintalk.carriers.base import Outcome, SubmitResult
from sintalk.db import atomic, now, session
from sintalk.messages import breaker, dispatcher, rates, service, spreading, turns
from sintalk.messages.models import CarrierState, Chunk, Dispatch, Notification
from sintalk.messages.rates import Buckets, Limit
from sintalk.queue import connect
from tests import factories
from tests.factories import money
from tests.pipeline import counts, drafts, fill, pipeline, ready_dispatch, times_accepted, work_until


@pytest.fixture
def limit():
    """Ten a second, twenty at once, of a bucket that nobody used before."""
    return Limit(f"test:{uuid4()}", 10, 20)


@pytest.fixture
def tenant(own_settings, tmp_path):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        owner = factories.owner("alice@example.com", "Padaria")
        money(owner.tenant_id, 1_000)
        yield owner.tenant_id, simulator, app


def come_due() -> None:
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.status == "open").values(due_at=now()))


def test_all_workers_draw_on_one_bucket(own_settings, limit):
    one, other = Buckets(own_settings.redis_url), Buckets(own_settings.redis_url)
    assert one.take([limit], 15, 0)[0] == 15
    count, wait_s = other.take([limit], 15, 0)
    assert 5 <= count <= 6 and wait_s == 0
    count, wait_s = one.take([limit], 15, 0)
    assert count == 0 and 0 < wait_s <= 0.1


def test_what_was_not_needed_goes_back_and_no_bucket_overflows(own_settings, limit):
    buckets = Buckets(own_settings.redis_url)
    buckets.take([limit], 20, 0)
    buckets.give_back([limit], 500)
    assert buckets.take([limit], 500, 0)[0] == 20


def test_campaigns_leave_something_to_single_sends(own_settings, limit):
    buckets = Buckets(own_settings.redis_url)
    assert buckets.take([limit], 100, rates.KEEP)[0] == 18
    assert buckets.take([limit], 100, 0)[0] >= 2


def test_a_campaign_waits_for_a_batch_worth_the_while_and_a_single_send_for_itself(own_settings, limit):
    buckets = Buckets(own_settings.redis_url)
    quick = replace(limit, per_second=100, burst=100)
    buckets.take([quick], 100, 0)
    assert buckets.take([quick], 1, 0)[1] <= 0.01
    assert 0.3 < buckets.take([quick], 200, rates.KEEP)[1] <= 0.36  # 25 above the 10 that it leaves


def test_the_tightest_of_several_limits_holds_and_the_others_lose_no_more(own_settings, limit):
    buckets, wide = Buckets(own_settings.redis_url), Limit(f"{limit.name}:wide", 1_000, 1_000)
    assert buckets.take([wide, limit], 500, 0)[0] == 20
    assert buckets.take([wide], 1_000, 0)[0] >= 980


def test_a_carrier_that_says_too_fast_gets_half_and_gets_it_back_slowly(own_settings, limit):
    buckets, valkey = Buckets(own_settings.redis_url), connect(own_settings.redis_url)
    buckets.take([limit], 20, 0)
    buckets.slow(limit)
    buckets.slow(limit)  # the other answers of the same moment
    assert float(valkey.hget(limit.key, "share")) == 0.5
    valkey.hincrbyfloat(limit.key, "at", -5)  # five seconds later
    assert buckets.take([limit], 100, 0)[0] == 20
    assert 0.58 < float(valkey.hget(limit.key, "share")) < 0.65
    valkey.hincrbyfloat(limit.key, "at", -60)
    buckets.take([limit], 1, 0)
    assert float(valkey.hget(limit.key, "share")) == 1


def test_without_valkey_each_worker_keeps_to_its_part(app, limit, monkeypatch):
    monkeypatch.setattr(rates, "seen_lately", lambda: {"dispatch": 4})
    buckets = Buckets("redis://127.0.0.1:1/0")
    assert buckets.take([limit], 100, 0)[0] == 0  # it begins empty
    name, (tokens, at, share) = limit.name, buckets._own[limit.name]
    buckets._own[name] = (tokens, at - 1, share)  # a second later
    assert buckets.take([limit], 100, 0)[0] == 2
    tokens, at, share = buckets._own[name]
    buckets._own[name] = (tokens, at - 60, share)
    assert buckets.take([limit], 100, 0)[0] == 5


def test_a_company_is_not_faster_than_its_limit_and_others_do_not_wait(tenant):
    tenant_id, simulator, _ = tenant
    other = factories.owner("charlie@example.com", "Charlie").tenant_id
    money(other, 10)
    with atomic() as current:
        current.execute(update(Tenant).where(Tenant.id == tenant_id).values(rates={"sms": 0.5, "rcs": 500}))
    slow = ready_dispatch(tenant_id, drafts("1111", "2222", each=5))
    quick = ready_dispatch(other, drafts("3333", each=20))
    dispatcher.drain()
    assert len(simulator.accepted()) == 21
    assert counts(slow)["queued"] == 9 and turns.claim() is None
    work_until(lambda: counts(quick) == {"delivered": 20})
    with atomic() as current:
        current.execute(update(Tenant).values(rates={}))
    come_due()
    work_until(lambda: counts(slow) == {"delivered": 10})
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_a_carriers_limit_holds_for_all_together(own_settings, tmp_path):
    connect(own_settings.redis_url).delete("sintalk:tps:carrier:simulator")
    with pipeline(own_settings, tmp_path, SINTALK_SIMULATOR_TPS="20") as (app, simulator):
        assert registry.get("simulator", app.config["SETTINGS"]).limits.tps == 20
        tenant_id = factories.owner("alice@example.com", "Padaria").tenant_id
        money(tenant_id, 100)
        dispatch = ready_dispatch(tenant_id, drafts("1111", "2222", each=25))
        dispatcher.drain()
        assert 18 <= len(simulator.accepted()) < 50
        work_until(lambda: counts(dispatch) == {"delivered": 50})
        assert {row.attempts for row in session().scalars(select(Notification))} == {1}
        assert checks.run() == []


def test_being_too_fast_is_no_attempt(tenant):
    tenant_id, simulator, _ = tenant
    dispatch = ready_dispatch(tenant_id, drafts("0006", each=3))
    work_until(lambda: counts(dispatch) == {"delivered": 3})
    assert [row.attempts for row in session().scalars(select(Notification))] == [1, 1, 1]
    assert set(times_accepted(simulator).values()) == {1}


def test_a_carrier_that_is_away_is_left_alone_until_a_probe_goes_well(tenant, monkeypatch):
    tenant_id, simulator, app = tenant
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 300.0)
    monkeypatch.setattr(breaker, "LONGEST_PAUSE_S", 600.0)
    simulator.kill()
    sent = [ready_dispatch(tenant_id, drafts(f"111{n}", each=30)) for n in range(8)]
    dispatcher.drain()
    state = session().get_one(CarrierState, "simulator")
    assert (state.reason, state.times) == ("carrier_not_reached", 1) and state.until > now()
    tried = select(Notification.dispatch_id).where(Notification.attempts > 0).distinct()
    assert len(session().scalars(tried).all()) <= breaker.CALLS  # and no more of the list
    assert app.test_client().get("/health/ready").get_json()["carriers"] == {
        "simulator": "carrier_not_reached"
    }
    _pause_over()
    dispatcher.drain()
    assert session().get_one(CarrierState, "simulator", populate_existing=True).times == 2
    simulator.start()
    _pause_over()
    work_until(lambda: all(counts(each) == {"delivered": 30} for each in sent))
    assert session().scalars(select(CarrierState)).all() == []
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_a_carrier_that_hangs_is_left_alone_though_it_fails_seldom(tenant, monkeypatch):
    """Each call waits for its whole time: there are never five of them within the minute."""
    tenant_id, simulator, app = tenant
    carrier = registry.get("simulator", app.config["SETTINGS"])
    monkeypatch.setattr(carrier, "_client", httpx.Client(timeout=1.5, trust_env=False))
    monkeypatch.setattr(breaker, "STUCK_S", 1.0)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 300.0)
    sent = [ready_dispatch(tenant_id, drafts(f"111{n}", each=3)) for n in range(4)]
    simulator.process.send_signal(signal.SIGSTOP)
    try:
        dispatcher.drain()
    finally:
        simulator.process.send_signal(signal.SIGCONT)
    assert session().scalars(select(CarrierState.reason)).all() == ["no_word"]
    tried = select(Notification.dispatch_id).where(Notification.attempts > 0).distinct()
    assert len(session().scalars(tried).all()) == 2
    _pause_over()
    work_until(lambda: all(counts(each) == {"delivered": 3} for each in sent))
    assert set(times_accepted(simulator).values()) == {1}
    assert checks.run() == []


def test_one_slow_call_among_good_ones_pauses_nobody(app, monkeypatch):
    moment = [0.0]
    monkeypatch.setattr(breaker, "monotonic", lambda: moment[0])
    good, bad = ([SubmitResult(uuid4(), outcome)] for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN))
    for at, answers in [(0, good), (20, bad), (21, good), (60, bad), (74, bad)]:
        moment[0] = at
        breaker.note("simulator", answers, probing=False)
        assert session().scalars(select(CarrierState)).all() == []
    moment[0] = 75.0
    breaker.note("simulator", bad, probing=False)
    assert session().scalars(select(CarrierState.carrier)).all() == ["simulator"]


def test_a_refusal_of_our_account_pauses_the_carrier_at_once(tenant, monkeypatch):
    tenant_id, _, app = tenant
    carrier = registry.get("simulator", app.config["SETTINGS"])
    with monkeypatch.context() as patched:
        patched.setattr(carrier, "_url", "nothing://here")
        first, second = (ready_dispatch(tenant_id, drafts(ending, each=3)) for ending in ("1111", "2222"))
        dispatcher.drain()
    assert counts(first) == counts(second) == {"queued": 3}
    assert session().scalars(select(CarrierState.reason)).all() == ["carrier_address_wrong"]
    assert turns.claim() is None
    _pause_over()
    work_until(lambda: counts(first) == counts(second) == {"delivered": 3})
    assert checks.run() == []


def test_only_one_worker_probes(tenant):
    with atomic() as current:
        current.add(CarrierState(carrier="simulator", reason="x", since=now(), until=now(), times=3))
    assert breaker.may_probe("simulator")
    assert not breaker.may_probe("simulator")


def test_a_campaign_that_fails_is_held_back_before_all_of_it_is_burned(tenant, monkeypatch):
    tenant_id, _, app = tenant
    carrier = registry.get("simulator", app.config["SETTINGS"])
    monkeypatch.setattr(carrier, "limits", replace(carrier.limits, max_batch=50))
    bad = ready_dispatch(tenant_id, drafts("0003", "0003", "0003", "0003", each=99))
    good = ready_dispatch(tenant_id, drafts("1111", each=20))
    dispatcher.drain()
    session().refresh(bad)
    assert (bad.status, bad.halted) == ("paused", "too_many_failures")
    assert counts(bad) == {"error": 200, "queued": 196}
    work_until(lambda: counts(good) == {"delivered": 20})
    service.go_on(bad)  # somebody says that these are to be tried all the same
    work_until(lambda: counts(bad) == {"error": 396})
    assert checks.run() == []


def test_a_campaign_that_does_not_arrive_is_held_back_by_its_receipts(tenant):
    """All of it is taken, and then not delivered: the carrier's answers say nothing of it."""
    tenant_id, _, _ = tenant
    plan = {**spreading.plan(250, spread_minutes=None, canary=False), "chunk_size": 200}
    bad = _spread(tenant_id, plan, drafts("0002", "0002", "0002", each=99))
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.no > 0).values(due_at=now() + timedelta(hours=1)))
    work_until(lambda: counts(bad) == {"not_delivered": 200, "queued": 97})
    assert breaker.look() == 1 and breaker.look() == 0
    session().refresh(bad)
    assert (bad.status, bad.halted) == ("paused", "too_many_failures")
    service.go_on(bad)
    assert breaker.look() == 0, "somebody says that the others are to be tried all the same"
    session().refresh(bad)
    assert bad.status == "ready"


@pytest.mark.parametrize(("not_delivered", "sent", "held"), [(100, 100, 0), (101, 99, 1), (199, 0, 0)])
def test_more_than_half_of_enough_people_is_what_fails(app, alice, not_delivered, sent, held):
    money(alice.tenant_id, 100)
    dispatch = ready_dispatch(alice.tenant_id, drafts("1111", "2222", "3333", each=99))
    with atomic() as current:
        left = 297 - not_delivered - sent
        figures = {"not_delivered": not_delivered, "sent": sent, "queued": left}
        current.execute(update(Dispatch).where(Dispatch.id == dispatch.id).values(figures))
    assert breaker.look() == held


def test_a_spread_campaign_is_due_evenly_and_keeps_its_distances_after_a_pause(app, alice):
    money(alice.tenant_id, 100)
    plan = spreading.plan(120, spread_minutes=60, canary=False)
    assert plan["chunk_size"] == 1
    dispatch = _spread(alice.tenant_id, plan, drafts("1111", "2222", each=60))
    due = session().scalars(select(Chunk.due_at).order_by(Chunk.no)).all()
    steps = {round((after - before).total_seconds(), 3) for before, after in pairwise(due)}
    assert steps == {30.0} and len(due) == 120
    assert turns.claim().no == 0 and turns.claim() is None

    service.pause(dispatch)
    with atomic() as current:  # two hours pass
        current.execute(text("UPDATE chunks SET due_at = due_at - interval '2 hours'"))
    service.go_on(dispatch)
    assert turns.claim().no == 1 and turns.claim() is None
    later = session().scalars(select(Chunk.due_at).where(Chunk.no >= 2).order_by(Chunk.no)).all()
    assert timedelta(seconds=25) < later[0] - now() < timedelta(seconds=31)

    with atomic() as current:  # half of it left, and one of its first comes back
        current.execute(update(Chunk).values(lease_until=None))
        current.execute(update(Chunk).where(Chunk.no.between(1, 59)).values(status="done"))
    service.pause(dispatch)
    with atomic() as current:
        current.execute(text("UPDATE chunks SET due_at = due_at - interval '2 hours' WHERE status = 'open'"))
    service.go_on(dispatch)
    left = session().scalars(select(Chunk.due_at).where(Chunk.status == "open").order_by(Chunk.no)).all()
    assert {round((after - before).total_seconds(), 3) for before, after in pairwise(left)} == {30.0}
    assert turns.claim().no == 0


def test_those_who_get_it_first_do_so_at_once_after_a_pause_too(app, alice):
    money(alice.tenant_id, 100)
    plan = spreading.plan(120, spread_minutes=60, canary=True)
    assert plan["canary"]["chunks"] == 20
    dispatch = _spread(alice.tenant_id, plan, drafts("1111", "2222", each=60))
    service.pause(dispatch)
    service.go_on(dispatch)
    assert [turns.claim().no for _ in range(20)] == list(range(20)) and turns.claim() is None


def test_chunks_are_as_small_as_an_even_pace_wants_and_no_smaller():
    sizes = {
        (people, minutes): spreading.plan(people, spread_minutes=minutes, canary=False)["chunk_size"]
        for people, minutes in [(100, 60), (1_000, 60), (100_000, 240), (1_000_000, 60), (50, None)]
    }
    assert sizes == {
        (100, 60): 1,
        (1_000, 60): 9,
        (100_000, 240): 200,
        (1_000_000, 60): 1_000,
        (50, None): 1_000,
    }


def test_the_first_few_are_one_in_a_hundred_and_never_most_of_a_small_campaign():
    tried = {
        people: spreading.plan(people, spread_minutes=None, canary=True)["canary"]
        for people in (99, 100, 50_000)
    }
    assert tried == {99: None, 100: {"chunks": 1, "people": 20}, 50_000: {"chunks": 1, "people": 500}}
    assert spreading.plan(1_000_000, spread_minutes=None, canary=True)["canary"]["chunks"] == 10


def _spread(tenant_id, plan, rows):
    dispatch = service.open_dispatch(tenant_id, campaign_id=None, channel="sms", carrier="simulator", **plan)
    fill(dispatch, rows)
    service.reserve(dispatch, memo="test")
    return dispatch


def _pause_over() -> None:
    with atomic() as current:
        current.execute(update(CarrierState).values(until=now()))
        current.execute(update(Dispatch).values(turn_at=now()))
    come_due()
