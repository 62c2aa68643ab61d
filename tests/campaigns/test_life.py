"""A campaign held back, let go on and ended before its time: nobody twice, nobody lost, every cent accounted for."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.accounts.models import AuditEvent
from sintalk.campaigns import audience, jobs, service
from sintalk.carriers import registry
from sintalk.db import atomic, now, session
from sintalk.messages import dispatcher, reaper, results, settling, steering
from sintalk.messages.models import Chunk, Dispatch, Notification
from sintalk.messages.states import STATUSES
from tests import factories
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE, pipeline, times_accepted, work_until


class Shop:
    """A company on the real pipeline, with money and a way to make campaigns of so many people."""

    def __init__(self, app, simulator) -> None:
        self.app, self.simulator = app, simulator
        self.owner = factories.owner("alice@example.com", "Padaria")
        self.tenant_id = self.owner.tenant_id
        money(self.tenant_id, 1_000)
        self.api = Api(app, factories.key(self.owner))

    def campaign(self, people: int, *, ending: str = "1111", launched: bool = True, **wishes) -> UUID:
        list_id = self.api.post("/contact-lists", {"name": "Clientes"}).get_json()["id"]
        for number in range(people):
            body = {"name": f"P{number}", "phone": f"11 9{number:04d}-{ending}"}
            assert self.api.post(f"/contact-lists/{list_id}/contacts", body).status_code == 201
        template = {"name": "Aviso", "channel": "sms", "sms": {"text": "Oi {{nome}}"}}
        template_id = self.api.post("/templates", template).get_json()["id"]
        body = {"name": "Natal", "channel": "sms", "template_id": template_id, "contact_list_id": list_id}
        made = self.api.post("/campaigns", {**body, **wishes})
        assert made.status_code == 201, made.get_json()
        campaign_id = UUID(made.get_json()["id"])
        if launched:
            assert self.do("launch", campaign_id)[0] == 202
            jobs.expand(str(campaign_id))
        return campaign_id

    def do(self, verb: str, campaign_id: UUID, body=None) -> tuple[int, dict]:
        answer = self.api.post(f"/campaigns/{campaign_id}/{verb}", body)
        return answer.status_code, answer.get_json()

    def stats(self, campaign_id: UUID) -> dict:
        service.close_finished()
        stats = self.api.get(f"/campaigns/{campaign_id}/stats").get_json()
        assert sum(stats[name] for name in STATUSES) == stats["total"]
        return stats

    def get(self, campaign_id: UUID) -> dict:
        return self.api.get(f"/campaigns/{campaign_id}").get_json()

    def balance(self) -> dict:
        return self.api.get("/billing/balance").get_json()

    def until(self, campaign_id: UUID, **wanted) -> dict:
        """Work until the stats say this."""

        def so():
            steering.take_back()
            stats = self.stats(campaign_id)
            return stats if all(stats[name] == value for name, value in wanted.items()) else None

        return work_until(so)


@pytest.fixture
def shop(own_settings, tmp_path, monkeypatch):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        monkeypatch.setattr("sintalk.campaigns.expansion.PAGE", 10)
        carrier = registry.get("simulator", app.config["SETTINGS"])
        monkeypatch.setattr(carrier, "limits", replace(carrier.limits, max_batch=4))
        yield Shop(app, simulator)


def some_batches(count: int) -> dispatcher.Worker:
    """A worker that has sent so many sub-batches of a chunk and holds it still."""
    worker = dispatcher.Worker(dispatcher.claim())
    answers = ()
    for _ in range(count):
        answers = worker.carrier.submit(batch) if (batch := worker._step(answers)) else ()
    worker.answers = answers
    return worker


def test_paused_in_the_middle_and_resumed_everybody_gets_it_once(shop):
    campaign_id = shop.campaign(35)
    worker = some_batches(2)
    assert shop.do("pause", campaign_id)[0] == 200
    assert worker._step(worker.answers) == []
    dispatcher.drain()
    assert len(shop.simulator.accepted()) == 8

    campaign = shop.get(campaign_id)
    assert (campaign["status"], campaign["pause_reason"]) == ("paused", "requested")
    assert shop.stats(campaign_id)["queued"] == 27
    settling.settle_due(unfinished_too=True)
    assert shop.balance()["reserved"] == 27 * PRICE
    assert shop.do("pause", campaign_id)[0] == 200

    code, resumed = shop.do("resume", campaign_id)
    assert (code, resumed["status"], resumed["pause_reason"]) == (202, "running", None)
    stats = shop.until(campaign_id, status="completed", delivered=35, reserved_micros=0)
    assert stats["settled_at"] and stats["cost_micros"] == 35 * PRICE
    assert set(times_accepted(shop.simulator).values()) == {1} and len(shop.simulator.accepted()) == 35
    assert checks.run() == []


def test_canceled_in_the_middle_what_left_stays_and_the_rest_is_given_back(shop):
    campaign_id = shop.campaign(35)
    worker = some_batches(3)
    code, canceled = shop.do("cancel", campaign_id)
    assert (code, canceled["status"]) == (202, "canceled")
    assert canceled["completed_at"] is None
    steering.take_back()
    assert shop.stats(campaign_id)["sending"] == 2  # the chunk is the worker's: 10 people, 4 + 4 + 2
    assert worker._step(worker.answers) == []

    stats = shop.until(campaign_id, delivered=10, canceled=25, reserved_micros=0)
    assert (stats["status"], stats["queued"], stats["sending"]) == ("canceled", 0, 0)
    assert stats["settled_at"] and stats["cost_micros"] == 10 * PRICE
    assert shop.balance()["available"] == 1_000 * BRL - 10 * PRICE
    assert len(shop.simulator.accepted()) == 10
    assert shop.get(campaign_id)["completed_at"]
    assert checks.run() == []
    rows = shop.api.get("/notifications", campaign_id=str(campaign_id), status="canceled").get_json()["data"]
    assert {(row["error_code"], row["cost_micros"]) for row in rows} == {("campaign_canceled", 0)}


@pytest.mark.parametrize("batches", [0, 1, 2, 3, 4])
def test_whenever_it_is_canceled_sent_and_given_back_add_up(shop, batches):
    campaign_id = shop.campaign(12)
    worker = some_batches(batches)
    shop.do("cancel", campaign_id)
    worker._step(worker.answers)
    stats = shop.until(campaign_id, queued=0, sending=0, sent=0, reserved_micros=0)
    sent = len(shop.simulator.accepted())
    assert (stats["delivered"], stats["canceled"]) == (sent, 12 - sent)
    assert shop.balance()["available"] == 1_000 * BRL - sent * PRICE
    assert checks.run() == []


def test_a_worker_killed_before_the_cancel_leaves_what_may_be_out_unconfirmed(shop):
    """Its sub-batch may be with the carrier: taken for canceled, a message that arrived would cost nothing."""
    campaign_id = shop.campaign(12)
    worker = some_batches(1)
    del worker
    shop.do("cancel", campaign_id)
    with atomic() as current:
        current.execute(
            update(Chunk).where(Chunk.lease_until.is_not(None)).values(lease_until=now() - timedelta(1))
        )
    reaper.reap()
    steering.take_back()
    stats = shop.stats(campaign_id)
    assert (stats["unknown"] + stats["delivered"], stats["canceled"], stats["queued"]) == (4, 8, 0)
    shop.until(campaign_id, delivered=4, canceled=8, reserved_micros=0)
    assert set(times_accepted(shop.simulator).values()) == {1}
    assert shop.balance()["available"] == 1_000 * BRL - 4 * PRICE
    assert checks.run() == []


def test_what_may_be_out_since_a_worker_died_is_not_called_canceled_later(shop):
    """Paused in between, the messages are queued again; the cancel remembers that a carrier may have them."""
    campaign_id = shop.campaign(12)
    some_batches(1)
    shop.do("pause", campaign_id)
    with atomic() as current:
        current.execute(
            update(Chunk).where(Chunk.lease_until.is_not(None)).values(lease_until=now() - timedelta(1))
        )
    reaper.reap()
    assert shop.stats(campaign_id)["queued"] == 12
    shop.do("cancel", campaign_id)
    stats = shop.until(campaign_id, delivered=4, canceled=8, reserved_micros=0)
    assert stats["cost_micros"] == 4 * PRICE
    assert checks.run() == []


def test_a_cancel_that_was_cut_goes_on_where_it_stood(shop, monkeypatch):
    campaign_id = shop.campaign(35)
    shop.do("cancel", campaign_id)
    original, seen = results.settle_later, []

    def die(dispatch_id, nos):
        original(dispatch_id, nos)
        seen.append(nos)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(results, "settle_later", die)
        with pytest.raises(KeyboardInterrupt):
            steering.take_back()
    assert shop.stats(campaign_id)["canceled"] == 10
    stats = shop.until(campaign_id, canceled=35, reserved_micros=0)
    assert stats["cost_micros"] == 0 and shop.simulator.accepted() == []
    assert shop.balance()["available"] == 1_000 * BRL
    assert checks.run() == []


def test_paused_while_its_people_are_written_down_it_goes_on_from_there(shop, monkeypatch):
    campaign_id = shop.campaign(25, launched=False)
    shop.do("launch", campaign_id)
    monkeypatch.setattr("sintalk.campaigns.expansion.TURN_S", -1)
    jobs.expand(str(campaign_id))
    monkeypatch.setattr("sintalk.campaigns.expansion.TURN_S", 2)
    assert shop.do("pause", campaign_id)[1]["status"] == "paused"
    before = shop.stats(campaign_id)["total"]
    jobs.expand(str(campaign_id))
    assert shop.stats(campaign_id)["total"] == before and shop.balance()["reserved"] == 0
    assert shop.do("resume", campaign_id)[1]["status"] == "launching"
    jobs.expand(str(campaign_id))
    shop.until(campaign_id, status="completed", delivered=25, reserved_micros=0)
    assert set(times_accepted(shop.simulator).values()) == {1}
    assert checks.run() == []


def test_canceled_while_its_people_are_written_down_nothing_was_held_and_nothing_goes_out(shop, monkeypatch):
    campaign_id = shop.campaign(25, launched=False)
    shop.do("launch", campaign_id)
    original, written = audience.drafts, []

    def once(*args):
        if written:
            raise KeyboardInterrupt
        written.append(1)
        return original(*args)

    with monkeypatch.context() as patched:
        patched.setattr("sintalk.campaigns.audience.drafts", once)
        with pytest.raises(KeyboardInterrupt):
            jobs.expand(str(campaign_id))
    assert shop.stats(campaign_id)["total"] == 10
    shop.do("cancel", campaign_id)
    jobs.expand(str(campaign_id))
    stats = shop.until(campaign_id, canceled=10, total=10)
    assert stats["settled_at"] and shop.simulator.accepted() == []
    assert (shop.balance()["available"], shop.balance()["reserved"]) == (1_000 * BRL, 0)
    assert shop.get(campaign_id)["completed_at"]
    assert checks.run() == []


def waiting_for_money(shop):
    """A campaign of 12 that is written down whole, the balance gone meanwhile."""
    campaign_id = shop.campaign(12, launched=False)
    shop.do("launch", campaign_id)
    factories.billing.top_up(shop.tenant_id, -999 * BRL - 100_000, key="spent", memo="spent")
    jobs.expand(str(campaign_id))
    assert shop.get(campaign_id)["pause_reason"] == "insufficient_balance"
    return campaign_id


def test_paused_while_it_waits_for_money_though_all_is_written(shop):
    campaign_id = waiting_for_money(shop)
    for _ in range(2):
        shop.do("pause", campaign_id)
        assert shop.get(campaign_id)["pause_reason"] == "requested"
    money(shop.tenant_id, 100)
    assert service.go_on_with_money() == 0 and shop.simulator.accepted() == []
    shop.do("resume", campaign_id)
    shop.until(campaign_id, delivered=12)
    assert checks.run() == []


def test_canceled_while_it_waits_for_money(shop):
    campaign_id = waiting_for_money(shop)
    shop.do("cancel", campaign_id)
    stats = shop.until(campaign_id, canceled=12)
    assert stats["settled_at"] and shop.balance()["reserved"] == 0
    assert checks.run() == []


def test_who_comes_into_the_list_after_the_launch_is_not_written_to(shop, monkeypatch):
    """Paused while its people are written down, the list grows, and it goes on: those it was launched for get it."""
    campaign_id = shop.campaign(12, launched=False)
    assert shop.do("launch", campaign_id)[0] == 202
    list_id = shop.get(campaign_id)["contact_list_id"]
    body = {"name": "Nova", "phone": "11 97777-1111"}
    assert shop.api.post(f"/contact-lists/{list_id}/contacts", body).status_code == 201
    jobs.expand(str(campaign_id))
    assert shop.until(campaign_id, delivered=12)["total"] == 12


def test_paused_with_its_last_messages_in_the_air_it_completes_by_itself(shop):
    campaign_id = shop.campaign(4)
    worker = some_batches(1)
    shop.do("pause", campaign_id)
    worker._step(worker.answers)
    shop.until(campaign_id, status="completed", delivered=4, reserved_micros=0)
    assert shop.get(campaign_id)["pause_reason"] is None


def test_cancel_twice_is_one_and_what_has_ended_has_nothing_to_cancel(shop):
    campaign_id = shop.campaign(4)
    assert shop.do("cancel", campaign_id)[0] == shop.do("cancel", campaign_id)[0] == 202
    for verb, error in (("pause", "campaign_not_running"), ("resume", "campaign_not_paused")):
        code, said = shop.do(verb, campaign_id)
        assert (code, said["error_code"]) == (409, error)
    done = shop.campaign(4)
    shop.until(done, status="completed")
    for verb, error in (
        ("pause", "campaign_not_running"),
        ("resume", "campaign_not_paused"),
        ("cancel", "campaign_not_cancelable"),
    ):
        code, said = shop.do(verb, done)
        assert (code, said["error_code"]) == (409, error)


def test_whatever_is_pressed_and_whoever_dies_it_adds_up(shop):
    """Pause, resume, cancel and dying workers in any order, by a seed that is printed."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    campaign_id = shop.campaign(60)
    for _ in range(25):
        deed = chance.choice(["pause", "resume", "work", "work", "die", "receipts"])
        if deed in ("pause", "resume"):
            shop.do(deed, campaign_id)
        elif deed == "work" and (chunk := dispatcher.claim()):
            dispatcher.Worker(chunk).run()
        elif deed == "die" and dispatcher.anything_due():
            some_batches(chance.randrange(3))
            with atomic() as current:
                late = now() - timedelta(1)
                current.execute(update(Chunk).where(Chunk.lease_until.is_not(None)).values(lease_until=late))
            reaper.reap()
        elif deed == "receipts":
            settling.settle_due()
        shop.stats(campaign_id)
        assert checks.run() == []
    ended = shop.get(campaign_id)["status"] == "completed"
    if not ended and chance.random() < 0.5:
        shop.do("cancel", campaign_id)
    elif not ended:
        shop.do("resume", campaign_id)
    stats = shop.until(campaign_id, queued=0, sending=0, sent=0, unknown=0, reserved_micros=0)
    took = times_accepted(shop.simulator)
    assert set(took.values()) <= {1}
    assert (stats["delivered"], stats["delivered"] + stats["canceled"]) == (len(took), 60)
    assert shop.balance()["available"] == 1_000 * BRL - len(took) * PRICE
    assert checks.run() == []


def test_who_did_it_stands_in_the_audit_trail(shop):
    campaign_id = shop.campaign(4)
    for verb in ("pause", "resume", "cancel"):
        shop.do(verb, campaign_id)
    trail = session().scalars(
        select(AuditEvent.action).where(AuditEvent.subject_id == campaign_id).order_by(AuditEvent.id)
    )
    assert list(trail) == ["campaign.launched", "campaign.paused", "campaign.resumed", "campaign.canceled"]


def test_a_list_is_free_once_its_campaign_was_canceled(shop):
    campaign_id = shop.campaign(4)
    list_id = shop.get(campaign_id)["contact_list_id"]
    assert shop.api.delete(f"/contact-lists/{list_id}").status_code == 409
    shop.do("cancel", campaign_id)
    shop.until(campaign_id, canceled=4)
    assert shop.api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_nothing_is_left_in_the_tables_of_what_is_to_do(shop):
    campaign_id = shop.campaign(12)
    shop.do("cancel", campaign_id)
    shop.until(campaign_id, canceled=12)
    assert steering.canceling() == []
    assert session().scalars(select(Chunk).where(Chunk.status == "open")).all() == []
    assert session().scalars(select(Dispatch.status)).all() == ["canceled"]
    assert set(session().scalars(select(Notification.status))) == {"canceled"}
