"""Signed, in order, at least once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from sintalk import sweeper
from sintalk.db import atomic, new_id, now, session
from sintalk.queue import connect, waiting
from sintalk.webhooks import announcing, calling, delivering, jobs, outcomes, service
from sintalk.webhooks.announcing import News
from sintalk.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.webhooks.conftest import Got, Receiver

MINUTE = timedelta(minutes=1)


def verified(got: Got, secret: str) -> bool:
    """The convention's rule as its text has it, written without a look at ours."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = got.headers["webhook-id"] + "." + got.headers["webhook-timestamp"] + "." + got.body.decode()
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    given = [one.split(",", 1) for one in got.headers["webhook-signature"].split(" ")]
    fresh = abs(time.time() - int(got.headers["webhook-timestamp"])) < 300
    return fresh and any(v == "v1" and hmac.compare_digest(s, expected) for v, s in given)


def tell(tenant, *versions: str, subject=None, kind: str = "notification.status"):
    subject = subject or new_id()
    for version in versions:
        service.announce(tenant.id, kind, subject, {"status": version}, version=version)
    return subject


def come_due() -> None:
    """Time passes: what waits for its next attempt is due, and every endpoint has rested."""
    with atomic() as current:
        waiting = update(WebhookDelivery).where(WebhookDelivery.state == "pending")
        current.execute(waiting.values(next_attempt_at=now() - timedelta(seconds=1)))
        current.execute(update(WebhookEndpoint).values(resting_until=None))


def states() -> list[str]:
    rows = select(WebhookDelivery.state).order_by(WebhookDelivery.seq)
    return list(session().scalars(rows))


def test_an_event_arrives_signed(shop: Receiver, listening, tenant):
    subject = tell(tenant, "entregue à João")
    assert delivering.deliver() == 1
    (got,) = shop.got
    assert verified(got, listening.secret)
    body = json.loads(got.body)
    assert body["type"] == "notification.status" and body["data"] == {"status": "entregue à João"}
    assert body["id"] == got.id and body["timestamp"].endswith("Z")
    assert got.headers["content-type"] == "application/json"
    event = session().scalars(select(WebhookEvent)).one()
    assert (str(event.id), event.subject_id) == (got.id, subject)
    assert delivering.deliver() == 0


def test_one_byte_changed_is_no_signature_any_more(shop: Receiver, listening, tenant):
    tell(tenant, "sent")
    delivering.deliver()
    (got,) = shop.got
    assert verified(got, listening.secret)
    for place in range(0, len(got.body), 7):
        body = bytearray(got.body)
        body[place] ^= 1
        assert not verified(Got(got.headers, bytes(body), got.path), listening.secret)
    for name in ("webhook-id", "webhook-timestamp"):
        last = "1" if got.headers[name][-1] != "1" else "2"
        other = {**got.headers, name: got.headers[name][:-1] + last}
        assert not verified(Got(other, got.body, got.path), listening.secret)
    assert not verified(got, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_both_secrets_sign_while_one_is_rotated(shop: Receiver, listening, tenant, actor):
    before = listening.secret
    after = service.rotate_secret(tenant.id, listening.id, by=actor).secret
    assert before != after
    tell(tenant, "sent")
    delivering.deliver()
    assert verified(shop.got[0], before) and verified(shop.got[0], after)
    with atomic() as current:
        current.execute(update(WebhookEndpoint).values(previous_secret_until=now()))
    tell(tenant, "sent")
    delivering.deliver()
    assert not verified(shop.got[1], before) and verified(shop.got[1], after)


def test_nothing_is_written_for_who_does_not_listen(app, shop: Receiver, tenant, charlie, actor):
    service.create(tenant.id, url=shop.url, events=["import.finished"], by=actor)
    tell(tenant, "sent")
    tell(charlie.tenant, "sent", kind="import.finished")
    assert not service.wanted(tenant.id, "notification.status")
    for table in (WebhookEvent, WebhookDelivery):
        assert session().scalar(select(func.count()).select_from(table)) == 0


def test_a_version_of_a_subject_is_told_once(shop: Receiver, listening, tenant):
    tell(tenant, "sent", "sent", "delivered", "sent")
    delivering.deliver()
    come_due()
    delivering.deliver()
    assert [json.loads(got.body)["data"]["status"] for got in shop.got] == ["sent", "delivered"]


def test_what_is_rolled_back_did_not_happen(listening, tenant):
    with pytest.raises(ZeroDivisionError), atomic():
        tell(tenant, "sent")
        raise ZeroDivisionError
    assert states() == []


def test_many_at_once_keep_their_order(shop: Receiver, listening, tenant):
    subjects = [new_id() for _ in range(60)]
    news = [
        News(subject, word, {"status": word})
        for word in ("sent", "delivered", "read")
        for subject in subjects
    ]
    service.announce_many(tenant.id, "notification.status", news)
    while "pending" in states():
        delivering.deliver()
        come_due()
    assert len(shop.got) == 180
    heard: dict[str, list[str]] = {}
    place = {str(event.id): str(event.subject_id) for event in session().scalars(select(WebhookEvent))}
    for got in shop.got:
        heard.setdefault(place[got.id], []).append(json.loads(got.body)["data"]["status"])
    assert set(map(tuple, heard.values())) == {("sent", "delivered", "read")}


def test_a_later_event_of_a_subject_waits_for_the_earlier_one_and_others_do_not(shop, listening, tenant):
    shop.statuses = [500]
    first = tell(tenant, "sent")
    delivering.deliver()
    tell(tenant, "delivered", subject=first)
    tell(tenant, "sent")
    delivering.deliver()
    assert states() == ["pending", "pending", "delivered"]
    delivering.deliver()
    assert len(shop.got) == 2
    come_due()
    delivering.deliver()
    assert states() == ["delivered"] * 3
    assert [json.loads(got.body)["data"]["status"] for got in shop.got] == [
        "sent",
        "sent",
        "sent",
        "delivered",
    ]


def test_an_earlier_event_that_is_given_up_sets_the_later_one_free(shop, listening, tenant):
    first = tell(tenant, "sent")
    with atomic() as current:
        current.execute(update(WebhookDelivery).values(attempts=len(outcomes.WAITS_S)))
    shop.statuses = [500]
    delivering.deliver()
    tell(tenant, "delivered", subject=first)
    delivering.deliver()
    assert states() == ["failed", "delivered"]


def test_it_is_tried_eleven_times_over_a_day_with_the_same_id(shop: Receiver, listening, tenant):
    shop.statuses = [500] * 20
    tell(tenant, "sent")
    waits = []
    while states() == ["pending"]:
        assert delivering.deliver() == 1
        row = session().scalars(select(WebhookDelivery).execution_options(populate_existing=True)).one()
        if row.state == "pending":
            waits.append((row.next_attempt_at - now()).total_seconds())
        come_due()
    assert states() == ["failed"] and len(shop.got) == 11
    for wait, planned in zip(waits, outcomes.WAITS_S, strict=True):
        assert planned * 0.9 - 5 <= wait <= planned * 1.1
    assert 23 * 3_600 < sum(outcomes.WAITS_S) < 25 * 3_600
    assert len({got.id for got in shop.got}) == 1
    assert len({got.body for got in shop.got}) == 1
    log = session().scalars(select(WebhookAttempt).order_by(WebhookAttempt.id)).all()
    assert [attempt.number for attempt in log] == list(range(1, 12))
    assert {(attempt.status_code, attempt.answer) for attempt in log} == {(500, "ok")}


def test_an_endpoint_that_fails_rests_and_is_not_asked_meanwhile(shop: Receiver, listening, tenant):
    shop.statuses = [503] * 50
    for _ in range(outcomes.PATIENCE):
        tell(tenant, "sent")
        delivering.deliver()
    for _ in range(20):
        tell(tenant, "sent")
    assert delivering.deliver() == 0
    with atomic() as current:
        current.execute(update(WebhookEndpoint).values(resting_until=None))
    assert delivering.deliver() == 1, "one is enough to see whether it is back"


def test_a_slow_endpoint_rests_though_it_answers_well(shop: Receiver, listening, tenant, monkeypatch):
    monkeypatch.setattr(outcomes, "SLOW_S", 0.05)
    shop.dawdle_s = 0.1
    tell(tenant, "sent")
    assert delivering.deliver() == 1
    tell(tenant, "sent")
    monkeypatch.setattr(outcomes, "SLOW_S", 60)
    with atomic() as current:
        current.execute(update(WebhookEndpoint).values(resting_until=WebhookEndpoint.resting_until + MINUTE))
    assert delivering.deliver() == 0
    come_due()
    assert delivering.deliver() == 1
    session().refresh(listening)
    assert listening.resting_until is None


def test_a_name_that_leads_inwards_is_not_called_and_the_log_says_so(app, canary, tenant, actor):
    service.create(tenant.id, url="https://shop.example.com/", events=["notification.status"], by=actor)
    tell(tenant, "sent")
    delivering.deliver(resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    assert session().scalars(select(WebhookAttempt.error)).one() == "not_public"
    assert canary.visits == 0


def test_an_endpoint_is_given_up_after_three_days_and_comes_back_when_told(shop, listening, tenant, actor):
    shop.statuses = [500, 500]
    tell(tenant, "sent")
    delivering.deliver()
    with atomic() as current:
        current.execute(update(WebhookEndpoint).values(failing_since=now() - timedelta(days=4)))
    come_due()
    delivering.deliver()
    session().refresh(listening)
    assert (listening.status, listening.disabled_reason) == ("disabled", "failing")
    tell(tenant, "sent")
    come_due()
    assert delivering.deliver() == 0 and states() == ["pending"]
    service.resume(tenant.id, listening.id, by=actor)
    assert delivering.deliver() == 1 and states() == ["delivered"]


def test_who_answers_gone_is_not_asked_again(shop: Receiver, listening, tenant):
    shop.statuses = [410]
    tell(tenant, "sent")
    delivering.deliver()
    session().refresh(listening)
    assert (listening.status, listening.disabled_reason) == ("disabled", "gone")


def test_a_paused_endpoint_gets_what_waited_in_order(shop: Receiver, listening, tenant, actor):
    service.pause(tenant.id, listening.id, by=actor)
    subject = tell(tenant, "sent", "delivered")
    assert delivering.deliver() == 0 and not delivering.anything_due()
    service.resume(tenant.id, listening.id, by=actor)
    delivering.deliver()
    come_due()
    delivering.deliver()
    assert [json.loads(got.body)["data"]["status"] for got in shop.got] == ["sent", "delivered"]
    assert subject


def test_a_redirect_is_not_followed(shop: Receiver, canary: Receiver, listening, tenant):
    shop.statuses, shop.location = [302], canary.url
    tell(tenant, "sent")
    delivering.deliver()
    assert canary.visits == 0 and states() == ["pending"]
    assert session().scalars(select(WebhookAttempt.status_code)).one() == 302


def test_of_a_huge_answer_no_more_than_the_cap_is_read(shop: Receiver, listening, tenant):
    shop.answer = b"x\x00" * (8 * 1024 * 1024)
    tell(tenant, "sent")
    delivering.deliver()
    attempt = session().scalars(select(WebhookAttempt)).one()
    assert attempt.status_code == 200 and len(attempt.answer or "") == calling.KEPT_BYTES
    assert states() == ["delivered"]


def test_a_dawdling_answer_ends_at_the_deadline(shop: Receiver, listening, tenant, monkeypatch):
    monkeypatch.setattr(calling, "TOTAL_S", 0.3)
    shop.dawdle_s = 5
    tell(tenant, "sent")
    delivering.deliver()
    assert session().scalars(select(WebhookAttempt.error)).one() == "timeout"
    assert states() == ["pending"]


def test_loopback_is_not_called_where_the_operator_does_not_allow_it(strict_app, shop, listening, tenant):
    tell(tenant, "sent")
    with strict_app.app_context():
        delivering.deliver()
    assert shop.visits == 0
    assert session().scalars(select(WebhookAttempt.error)).one() == "not_https"


def test_no_transaction_is_open_while_an_endpoint_is_called(shop, listening, tenant, app, monkeypatch):
    seen = []

    def looking(call, **rest):
        seen.append(open_transactions(app))
        return calling.Answer(200, "", None, 1)

    monkeypatch.setattr(delivering, "make", looking)
    tell(tenant, "sent")
    delivering.deliver()
    assert seen == [0]


def open_transactions(app) -> int:
    from sintalk.db import db

    with app.app_context(), db.engine.connect() as other:
        return other.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state IN ('idle in transaction', 'active') AND pid <> pg_backend_pid()"
        ).scalar_one()


def test_a_sender_that_dies_in_the_call_leaves_the_event_to_the_next_one(
    shop: Receiver, listening, tenant, own_settings, tmp_path
):
    """kill -9 again and again in the middle of the calls: each event at least once, always under its id."""
    shop.dawdle_s = 1.5
    ids = set()
    for _ in range(12):
        tell(tenant, "sent")
    ids = {str(one) for one in session().scalars(select(WebhookEvent.id))}
    session().rollback()
    for _ in range(3):
        heard = len(shop.got)
        sender = subprocess.Popen([sys.executable, "-c", SENDER], env=environment(own_settings, tmp_path))
        deadline = time.monotonic() + 30
        while len(shop.got) == heard:
            assert time.monotonic() < deadline and sender.poll() is None
            time.sleep(0.01)
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait()
        come_due()  # the lease runs out
    shop.dawdle_s = 0
    assert "pending" in states()
    while "pending" in states():
        delivering.deliver()
        come_due()
    assert {got.id for got in shop.got} == ids
    assert len(shop.got) > len(ids), "nobody died in the middle of anything"
    assert all(verified(got, listening.secret) for got in shop.got)


SENDER = textwrap.dedent("""
    from sintalk import create_app
    from sintalk.webhooks import delivering
    with create_app().app_context():
        delivering.deliver()
    import time
    time.sleep(60)
""")


def environment(settings, tmp_path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/tmp"),
        "SINTALK_DATA": str(tmp_path),
        "SINTALK_SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SINTALK_WEBHOOKS_ALLOW_LOOPBACK": "1",
    }


def test_events_are_forgotten_after_a_month_with_all_that_belongs_to_them(shop, listening, tenant):
    tell(tenant, "sent")
    delivering.deliver()
    with atomic() as current:
        current.execute(update(WebhookEvent).values(created_at=now() - timedelta(days=31)))
    tell(tenant, "sent")
    assert delivering.forget_old() == 1
    assert session().scalar(select(func.count()).select_from(WebhookAttempt)) == 0
    assert states() == ["pending"]


def test_the_ring_is_heard(app, listening, tenant, monkeypatch):
    rung = []
    monkeypatch.setattr(announcing, "enqueue", rung.append)
    tell(tenant, "sent")
    assert rung == ["sintalk.webhooks.jobs.deliver"]


def test_the_sweeper_rings_where_the_ring_was_lost_and_only_while_something_is_due(
    app, shop, listening, tenant
):
    redis = connect(app.config["REDIS_URL"])
    tell(tenant, "sent")
    redis.flushall()
    sweeper.ring_webhooks()
    assert waiting("webhooks") == 1
    jobs.deliver()
    redis.flushall()
    sweeper.ring_webhooks()
    assert waiting("webhooks") == 0 and states() == ["delivered"]
