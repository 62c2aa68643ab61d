"""POST /send: each recipient taken or refused alone, paid for exactly, sent once, on time or not at all."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from sintalk import checks, queue
from sintalk.billing import service as billing
from sintalk.contacts import opt_outs
from sintalk.db import atomic, db, now, session
from sintalk.messages import dispatcher, intake, lanes
from sintalk.messages.models import Chunk, Dispatch, Notification, Settlement
from sintalk.web.schemas import rfc3339
from tests import factories
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE, pipeline, times_accepted, work_until

TEXT = "Oi {{nome|cliente}}, seu pedido {{pedido}} chegou."


@pytest.fixture
def shop(app, alice, api):
    """An integrator of Alice's company, with R$ 10 and a template."""
    money(alice.tenant_id, 10)
    return Shop(api, alice.tenant_id)


@pytest.fixture
def running(own_settings, tmp_path):
    """The same, over the real carrier process."""
    with pipeline(own_settings, tmp_path) as (app, simulator):
        owner = factories.owner("alice@example.com", "Padaria")
        money(owner.tenant_id, 10)
        yield Shop(Api(app, factories.key(owner)), owner.tenant_id), simulator


class Shop:
    """Sends, and looks at what came of it."""

    def __init__(self, api: Api, tenant_id: uuid.UUID) -> None:
        self.api, self.tenant_id = api, tenant_id
        made = api.post("/templates", {"name": "Pedido", "channel": "sms", "sms": {"text": TEXT}})
        self.template_id = made.get_json()["id"]

    def ask(self, *recipients, key=None, **more):
        body = {"channel": "sms", "template_id": self.template_id, "recipients": list(recipients), **more}
        return self.api.post("/send", body, **({"Idempotency_Key": key} if key else {}))

    def send(self, *recipients, **more):
        answer = self.ask(*recipients, **more)
        assert answer.status_code == 202, answer.get_json()
        return answer.get_json()

    def statuses(self):
        session().expire_all()
        return sorted(session().scalars(select(Notification.status)))

    def balance(self):
        return billing.balance(self.tenant_id)


def to(phone="(11) 98765-1234", pedido="4711", **more):
    return {"phone": phone, "variables": {"pedido": pedido}, **more}


# --- who is taken, and what is answered ---------------------------------------------------------------------


def test_one_message_is_taken_paid_for_and_answered_with_its_id(shop):
    sent = shop.send(to(name="Ana", external_id="order-4711"))
    (one,) = sent.pop("data")
    assert sent == {"accepted": 1, "rejected": 0, "cost_micros": PRICE}
    assert one.pop("id") == str(session().scalars(select(Notification.id)).one())
    assert one == {
        "phone": "+5511987651234",
        "status": "queued",
        "external_id": "order-4711",
        "error_code": None,
    }
    row = session().scalars(select(Notification)).one()
    assert row.text == "Oi Ana, seu pedido 4711 chegou."
    assert shop.api.get("/notifications", external_id="order-4711").get_json()["total"] == 1
    assert (shop.balance().reserved, shop.balance().available) == (PRICE, 10 * BRL - PRICE)
    assert checks.run() == []


def test_each_bad_recipient_is_rejected_alone_with_its_reason_and_costs_nothing(shop):
    opt_outs.opt_out(shop.tenant_id, phone="+5511987650000", channel="sms")
    sent = shop.send(
        to("11 98765-1111"),
        to("12"),
        to("  "),
        to("98765-1234"),
        to("(11) 3333-4444"),
        to("11987650000"),
        {"phone": "11 98765-2222"},
        to("11 98765-3333", "x" * 4_000, external_id="long"),
        to("11 98765-4444", name="Ana"),
    )
    assert [one["error_code"] for one in sent["data"]] == [
        None,
        "invalid_phone",
        "no_phone",
        "phone_missing_area_code",
        "not_mobile",
        "opted_out",
        "missing_variable",
        "too_long",
        None,
    ]
    assert {one["status"] for one in sent["data"] if one["error_code"]} == {"suppressed"}
    assert [one["phone"] for one in sent["data"]][:3] == ["+5511987651111", "12", "  "]
    assert (sent["accepted"], sent["rejected"], sent["cost_micros"]) == (2, 7, 2 * PRICE)
    assert shop.balance().reserved == 2 * PRICE
    kept = shop.api.get("/notifications", external_id="long").get_json()["data"]
    assert [(one["status"], one["error_code"], one["cost_micros"]) for one in kept] == [
        ("suppressed", "too_long", 0)
    ]
    assert checks.run() == []


def test_nobody_to_write_to_is_no_fault_and_costs_nothing(shop):
    sent = shop.send(to("12"), to("13"))
    assert (sent["accepted"], sent["rejected"], sent["cost_micros"]) == (0, 2, 0)
    assert shop.balance().available == 10 * BRL and checks.run() == []


def test_one_number_gets_as_many_messages_as_the_request_has_for_it(shop):
    sent = shop.send(to(pedido="1"), to(pedido="2"), to(pedido="2"))
    assert (sent["accepted"], len({one["id"] for one in sent["data"]})) == (3, 3)


def test_a_thousand_go_in_one_request_in_their_order_and_no_more(shop):
    money(shop.tenant_id, 100)
    people = [to(f"119{number:08d}", external_id=str(number)) for number in range(1_000)]
    sent = shop.send(*people)
    assert sent["accepted"] == 1_000
    assert [one["external_id"] for one in sent["data"]] == [str(number) for number in range(1_000)]
    answer = shop.ask(*people, to())
    assert (answer.status_code, answer.get_json()["details"][0]["field"]) == (422, "recipients")
    assert checks.run() == []


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"recipients": []}, "recipients", "too_few"),
        ({"recipients": [{"phone": 11987654321}]}, "recipients[0].phone", "wrong_type"),
        ({"recipients": [{"phone": "1", "nome": "x"}]}, "recipients[0].nome", "unknown_field"),
        ({"recipients": [{"phone": "1", "variables": {"a": 1}}]}, "recipients[0].variables.a", "wrong_type"),
        ({"template_id": str(uuid.uuid4())}, "template_id", "not_found"),
        ({"ttl_seconds": 0}, "ttl_seconds", "out_of_range"),
        ({"scheduled_at": "2099-01-01T00:00:00Z"}, "scheduled_at", "out_of_range"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at", "invalid_timestamp"),
        ({"campaign_id": None}, "campaign_id", "unknown_field"),
    ],
)
def test_what_is_wrong_with_the_request_itself_is_named_and_nobody_is_written_to(shop, change, field, code):
    answer = (
        shop.ask(*change.get("recipients", [to()]), **change)
        if "recipients" not in change
        else (shop.api.post("/send", {"channel": "sms", "template_id": shop.template_id, **change}))
    )
    assert answer.status_code == 422, answer.get_json()
    assert [(one["field"], one["code"]) for one in answer.get_json()["details"]] == [(field, code)]
    assert shop.statuses() == []


def test_a_template_of_another_channel_is_no_template_for_this(shop):
    rcs = {"name": "x", "channel": "rcs", "rcs": {"type": "text", "text": {"body": "Oi"}}}
    other = shop.api.post("/templates", rcs).get_json()["id"]
    body = {"channel": "sms", "template_id": other, "recipients": [to()]}
    details = shop.api.post("/send", body).get_json()["details"]
    assert [(one["field"], one["code"]) for one in details] == [("template_id", "wrong_channel")]


def test_a_changed_template_is_sent_as_it_is_now_and_a_deleted_one_not_at_all(shop):
    shop.send(to())
    changed = {"name": "Pedido", "channel": "sms", "sms": {"text": "Chegou!"}}
    assert shop.api.put(f"/templates/{shop.template_id}", changed).status_code == 200
    shop.send(to())
    assert session().scalars(select(Notification.text).order_by(Notification.id.desc())).first() == "Chegou!"
    shop.api.delete(f"/templates/{shop.template_id}")
    assert shop.ask(to()).status_code == 422


# --- the money ----------------------------------------------------------------------------------------------


def test_too_little_money_for_the_good_ones_refuses_the_whole_request(shop):
    answer = shop.ask(*[to(f"119{number:08d}") for number in range(126)])  # R$ 10.08
    assert (answer.status_code, answer.get_json()["error_code"]) == (402, "insufficient_balance")
    assert shop.statuses() == [] and shop.balance().available == 10 * BRL
    assert shop.send(*[to(f"119{number:08d}") for number in range(125)], to("12"))["accepted"] == 125
    assert shop.balance().available == 0
    assert checks.run() == []


def test_a_busy_lane_holds_money_ahead_and_what_stands_idle_goes_back(shop):
    shop.send(to())
    assert shop.balance().reserved == PRICE
    shop.send(to())
    assert shop.balance().reserved > 2 * PRICE
    assert checks.run() == []
    assert lanes.give_back_idle() == 0  # used this very second
    _a_moment_later()
    assert lanes.give_back_idle() > 0
    assert (shop.balance().reserved, shop.balance().available) == (2 * PRICE, 10 * BRL - 2 * PRICE)
    assert lanes.give_back_idle() == 0 and checks.run() == []
    shop.send(to())
    assert shop.balance().reserved == 3 * PRICE and checks.run() == []


def test_what_another_lane_holds_idle_is_no_reason_to_refuse(shop, actor):
    shop.send(to())
    shop.send(to())
    idle = shop.balance().reserved - 2 * PRICE
    assert idle > 0
    with _in_use_by_somebody_else(shop):
        rest = (10 * BRL - 2 * PRICE) // PRICE
        assert shop.send(*[to(f"119{number:08d}") for number in range(rest)])["accepted"] == rest
    assert session().scalars(select(Dispatch.lane).order_by(Dispatch.lane)).all() == [0, 1]
    assert shop.balance().available == 0 and shop.ask(to()).status_code == 402
    assert checks.run() == []


def test_sixty_four_at_once_over_a_small_balance_get_exactly_what_it_covers(app, shop):
    """R$ 10 cover 125 messages; 64 threads ask for 320."""

    def burst(_):
        one = Shop.__new__(Shop)
        one.api, one.template_id = Api(app, shop.api.headers["X-API-Key"]), shop.template_id
        return [one.ask(to()).status_code for _ in range(5)]

    with ThreadPoolExecutor(64) as pool:
        answers = [status for statuses in pool.map(burst, range(64)) for status in statuses]
    assert (answers.count(202), answers.count(402), len(answers)) == (125, 195, 320)
    assert len(shop.statuses()) == 125
    assert shop.balance().available == 0 and shop.balance().reserved == 10 * BRL
    assert checks.run() == []


def test_reading_first_and_writing_after_would_have_overdrawn(app, shop):
    """The control: the same crowd over a float that is read, compared and written back."""
    lane = _lane_with_float(shop, 10 * PRICE)
    granted, together = [], threading.Barrier(16)

    def naive(_):
        with app.app_context():
            together.wait()
            dispatch = session().get_one(Dispatch, lane)
            together.wait()
            if dispatch.price_micros + PRICE <= dispatch.float_micros:
                with atomic() as current:
                    values = {"price_micros": dispatch.price_micros + PRICE}
                    current.execute(update(Dispatch).where(Dispatch.id == lane).values(**values))
                granted.append(1)
            db.session.remove()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(naive, range(16)))
    assert len(granted) > 10


def test_what_a_test_key_sends_costs_nothing_and_needs_no_money(app, alice):
    api = Api(app, factories.key(alice, mode="test"))
    sent = Shop(api, alice.tenant_id).send(to())
    assert (sent["accepted"], sent["cost_micros"]) == (1, 0)
    dispatch = session().scalars(select(Dispatch)).one()
    assert (dispatch.carrier, dispatch.price_micros) == ("simulator", 0)
    assert billing.balance(alice.tenant_id).reserved == 0 and checks.run() == []


def test_requests_that_come_while_one_is_being_written_are_written_together(app, shop):
    """The first waits for the lane, which somebody holds; nine come meanwhile, one of them with a bad number."""
    shop.send(to())
    asked = [[to("12")] if number == 4 else [to(f"11 98765-00{number:02d}")] * 2 for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        with db.engine.begin() as holding:
            holding.execute(text("SELECT FROM dispatches FOR UPDATE"))
            first = pool.submit(_burst(app, shop), asked[0])
            _until(lambda: intake._waiting)
            rest = [pool.submit(_burst(app, shop), recipients) for recipients in asked[1:]]
            _until(lambda: sum(map(len, intake._waiting.values())) == 9)
        answers = [one.result(20) for one in (first, *rest)]
    assert [status for status, _ in answers] == [202] * 10 and not intake._waiting
    assert [answer["accepted"] for _, answer in answers] == [2, 2, 2, 2, 0, 2, 2, 2, 2, 2]
    written = session().execute(text("SELECT id, xmin::text AS by FROM notifications")).all()
    assert len({row.by for row in written}) == 3  # the one before, the first, and all the others
    told = {one["id"] for _, answer in answers for one in answer["data"]}
    assert len(told) == 19 and told < {str(row.id) for row in written}
    assert session().scalars(select(Dispatch.price_micros)).all() == [19 * PRICE] and checks.run() == []


def test_a_request_that_is_refused_together_hears_it_for_itself(app, shop):
    """R$ 10 cover 125 messages: the four of one are covered once, then there is only room for single ones."""
    with db.engine.connect() as holding, ThreadPoolExecutor(4) as pool:
        shop.send(*[to(f"119{number:08d}") for number in range(120)])
        holding.execute(text("SELECT FROM dispatches FOR UPDATE"))
        first = pool.submit(_burst(app, shop), [to()] * 4)
        _until(lambda: intake._waiting)
        rest = [pool.submit(_burst(app, shop), [to()] * count) for count in (4, 1, 4)]
        _until(lambda: sum(map(len, intake._waiting.values())) == 3)
        holding.rollback()
        assert [one.result(20)[0] for one in (first, *rest)] == [202, 402, 202, 402]
    assert shop.balance().available == 0 and checks.run() == []


@pytest.mark.parametrize("key", [None, "order-1"])
def test_who_waits_for_the_account_holds_no_lane(app, shop, key):
    """Else two short requests would wait for each other: the one that has the account wants the lane next.

    The request waits for the lane, and finds no room when it gets it: PostgreSQL keeps such a row locked.
    """
    _lane_with_float(shop, 10 * PRICE)
    with db.engine.connect() as mover, db.engine.connect() as drawer, ThreadPoolExecutor(1) as pool:
        mover.execute(text("SELECT FROM accounts FOR UPDATE"))
        drawer.execute(text("UPDATE dispatches SET price_micros = float_micros"))
        asked = pool.submit(_burst(app, shop), [to()], key=key)
        _until(lambda: _waits_for("dispatches"))
        drawer.commit()
        _until(lambda: _waits_for("accounts"))
        mover.execute(text("SELECT FROM dispatches FOR UPDATE NOWAIT"))
        mover.rollback()
        assert asked.result(20)[0] == 202


def test_a_lane_is_followed_by_another_one_once_it_is_full(shop):
    shop.send(to(), to())
    with atomic() as current:
        current.execute(text("UPDATE dispatches SET total = total + 99998, suppressed = 99998"))
    shop.send(to())
    assert sorted(session().scalars(select(Dispatch.queued))) == [1, 2]


# --- once ---------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_sends_once(shop):
    first = shop.ask(to(), to("12"), key="order-1")
    again = shop.ask(to(), to("12"), key="order-1")
    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert shop.statuses() == ["queued", "suppressed"]
    assert shop.balance().reserved == PRICE
    other = shop.ask(to("11 98765-0001"), key="order-1")
    assert (other.status_code, other.get_json()["error_code"]) == (409, "idempotency_key_reused")


def test_a_key_sends_once_even_when_its_answer_is_long_forgotten(shop):
    shop.ask(to(), key="order-1")
    with atomic() as current:
        current.execute(text("DELETE FROM idempotency_keys"))
    again = shop.ask(to(), key="order-1")
    assert (again.status_code, again.get_json()["error_code"]) == (409, "idempotency_key_reused")
    assert shop.statuses() == ["queued"] and shop.balance().reserved == PRICE
    assert checks.run() == []


class Death(BaseException):
    """The web process ends here."""


def _die(*_args, **_kwargs):
    raise Death


def test_killed_after_the_commit_the_retry_gets_the_answer_that_was_lost(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(queue, "_ring_soon", _die)
        with pytest.raises(Death):
            shop.ask(to(), key="order-1")
    again = shop.ask(to(), key="order-1")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert [one["id"] for one in again.get_json()["data"]] == [
        str(id_) for id_ in session().scalars(select(Notification.id))
    ]
    assert shop.balance().reserved == PRICE and checks.run() == []


def test_killed_before_the_commit_nothing_was_done_and_the_retry_does_it(shop, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(db.session.registry().__class__, "commit", _die)
        with pytest.raises(Death):
            shop.ask(to(), key="order-1")
    assert shop.statuses() == [] and shop.balance().reserved == 0
    again = shop.ask(to(), key="order-1")
    assert again.status_code == 202 and "Idempotency-Replayed" not in again.headers
    assert shop.statuses() == ["queued"] and checks.run() == []


def test_another_company_may_use_the_same_key(shop, charlie, charlie_api):
    money(charlie.tenant_id, 10)
    assert shop.ask(to(), key="1").status_code == 202
    assert Shop(charlie_api, charlie.tenant_id).ask(to(), key="1").status_code == 202


def test_sixty_four_at_once_with_one_key_send_once(app, shop):
    def press(_):
        one = Shop.__new__(Shop)
        one.api, one.template_id = Api(app, shop.api.headers["X-API-Key"]), shop.template_id
        return one.ask(to(), to("11 98765-0001"), key="once").status_code

    with ThreadPoolExecutor(64) as pool:
        statuses = set(pool.map(press, range(64)))
    assert 202 in statuses and statuses <= {202, 409}
    assert shop.statuses() == ["queued", "queued"] and shop.balance().reserved == 2 * PRICE
    assert checks.run() == []


# --- on its way ---------------------------------------------------------------------------------------------


def test_messages_of_many_requests_are_delivered_once_and_paid_for(running):
    shop, simulator = running
    for number in range(10):
        shop.send(to(f"119{number:04d}1234"))
    shop.send(to("11 98765-0002"), to("11 98765-0003"), to("12"))
    work_until(lambda: shop.statuses() == ["delivered"] * 10 + ["error", "not_delivered", "suppressed"])
    _a_moment_later()
    work_until(lambda: not lanes.give_back_idle() and shop.balance().reserved == 0)
    assert shop.balance().available == 10 * BRL - 11 * PRICE
    assert set(times_accepted(simulator).values()) == {1} and len(times_accepted(simulator)) == 11
    assert [d.settled_at is not None for d in session().scalars(select(Dispatch))] == [True]
    assert checks.run() == []


def test_small_requests_that_come_together_are_handed_over_together(running):
    shop, _ = running
    for _ in range(5):
        shop.send(to())
    chunks = session().scalars(select(Chunk)).all()
    assert len(chunks) < 5
    assert sum(row.price for row in session().scalars(select(Settlement))) == 5 * PRICE
    work_until(lambda: shop.statuses() == ["delivered"] * 5)
    assert checks.run() == []


def test_nothing_is_written_into_a_chunk_that_a_worker_has(running):
    shop, simulator = running
    shop.send(to())
    worker = dispatcher.Worker(dispatcher.claim())
    shop.send(to("11 98765-0001"))
    worker.run()
    assert len(simulator.accepted()) == 1
    work_until(lambda: shop.statuses() == ["delivered"] * 2)
    assert session().scalars(select(Chunk.no).order_by(Chunk.no)).all() == [0, 1]
    assert checks.run() == []


def test_what_is_scheduled_waits_for_its_time(running):
    shop, simulator = running
    shop.send(to(), scheduled_at=rfc3339(now() + timedelta(hours=1)))
    shop.send(to("11 98765-0001"), scheduled_at=rfc3339(now() - timedelta(hours=1)))
    work_until(lambda: shop.statuses() == ["delivered", "queued"])
    assert [line["to"] for line in simulator.accepted()] == ["+5511987650001"]
    assert shop.balance().reserved >= PRICE
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.status == "open").values(due_at=now()))
    work_until(lambda: shop.statuses() == ["delivered"] * 2)
    assert checks.run() == []


def test_what_was_not_handed_over_in_time_never_is_and_costs_nothing(running):
    shop, simulator = running
    shop.send(to(), to("11 98765-0001"), ttl_seconds=60)
    with atomic() as current:
        one = select(Notification.id).limit(1).scalar_subquery()
        expired = {"expires_at": now() - timedelta(seconds=1)}
        current.execute(update(Notification).where(Notification.id == one).values(**expired))
    work_until(lambda: shop.statuses() == ["delivered", "not_delivered"])
    late = session().scalars(select(Notification).where(Notification.status == "not_delivered")).one()
    assert (late.error_code, late.sent_at, late.cost_micros) == ("expired", None, 0)
    assert len(simulator.accepted()) == 1
    work_until(lambda: shop.balance().reserved == 0)
    assert shop.balance().available == 10 * BRL - PRICE
    assert checks.run() == []


def test_a_ttl_counts_from_the_scheduled_time(shop):
    begins = now() + timedelta(hours=1)
    shop.send(to(), scheduled_at=rfc3339(begins), ttl_seconds=60)
    expires = session().scalars(select(Notification.expires_at)).one()
    assert abs(expires - begins - timedelta(seconds=60)) < timedelta(seconds=1)


def test_what_the_carrier_did_not_take_expires_too(running):
    shop, simulator = running
    simulator.kill()
    shop.send(to(), ttl_seconds=60)
    dispatcher.drain()
    assert shop.statuses() == ["queued"]
    with atomic() as current:
        current.execute(update(Notification).values(expires_at=now() - timedelta(seconds=1)))
        current.execute(update(Chunk).values(due_at=now()))
    simulator.start()
    work_until(lambda: shop.statuses() == ["not_delivered"])
    assert simulator.accepted() == []


def test_what_the_carrier_may_have_is_asked_for_and_does_not_expire(running):
    """Ending 0004: taken, the answer lost. After its time it may be on the phone: no `expired`, no money back."""
    shop, simulator = running
    shop.send(to("11 98765-0004"), ttl_seconds=60)
    worker = dispatcher.Worker(dispatcher.claim())
    worker.run()
    assert shop.statuses() == ["queued"] and len(simulator.accepted()) == 1
    with atomic() as current:
        current.execute(update(Notification).values(expires_at=now() - timedelta(seconds=1)))
    work_until(lambda: shop.statuses() == ["delivered"])
    work_until(lambda: shop.balance().reserved == 0)
    assert shop.balance().available == 10 * BRL - PRICE and len(simulator.accepted()) == 1
    assert checks.run() == []


def test_who_opts_out_while_a_message_waits_gets_nothing(running):
    shop, simulator = running
    shop.send(to(), scheduled_at=rfc3339(now() + timedelta(hours=1)))
    opt_outs.opt_out(shop.tenant_id, phone="+5511987651234", channel="sms")
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now()))
    work_until(lambda: shop.statuses() == ["suppressed"])
    work_until(lambda: shop.balance().reserved == 0)
    assert simulator.accepted() == [] and shop.balance().available == 10 * BRL
    assert checks.run() == []


def test_their_pages_read_well_without_a_campaign(shop, signed_in):
    shop.send(to(name="Ana", external_id="order-4711"))
    sent = session().scalars(select(Notification)).one()
    page = signed_in.get(f"/messages/{sent.id}").get_data(as_text=True)
    assert "order-4711" in page and "See the whole campaign" not in page
    assert "Ana" in signed_in.get("/messages").get_data(as_text=True)


def test_the_page_of_a_scheduled_message_says_when_it_leaves(shop, signed_in):
    sent = shop.send(to(), scheduled_at=rfc3339(now() + timedelta(hours=1)))
    page = signed_in.get(f"/messages/{sent['data'][0]['id']}", headers={"Accept-Language": "en"})
    assert "It leaves at this time." in page.get_data(as_text=True)


def _burst(app, shop):
    """Ask as another client does."""
    one = Shop.__new__(Shop)
    one.api, one.template_id = Api(app, shop.api.headers["X-API-Key"]), shop.template_id

    def ask(recipients, **more):
        answer = one.ask(*recipients, **more)
        return answer.status_code, answer.get_json()

    return ask


def _waits_for(table):
    """Whether somebody waits for a lock in a statement about this table."""
    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ :about)"
    with db.engine.connect() as watching:
        return watching.scalar(text(waiting), {"about": rf"(FROM|UPDATE)\s+{table}\M"})


def _until(true):
    patience = time.monotonic() + 20
    while not true():
        assert time.monotonic() < patience
        time.sleep(0.01)


def _a_moment_later():
    with atomic() as current:
        current.execute(update(Dispatch).values(used_at=Dispatch.used_at - timedelta(seconds=2)))


def _in_use_by_somebody_else(shop):
    """Lane 0 is another thread's."""
    from contextlib import contextmanager

    @contextmanager
    def taken():
        key = (shop.tenant_id, "sms", "simulator")
        lanes._in_use[key][0] = -1
        try:
            yield
        finally:
            lanes._give_up(key, 0, -1)

    return taken()


def _lane_with_float(shop, micros):
    with atomic(), lanes.taken(shop.tenant_id, "sms", "simulator") as lane:
        lanes.with_room(lane, micros)
    return lane.dispatch_id
