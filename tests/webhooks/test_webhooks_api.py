"""Webhooks by API: what an integrator does with them, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from sintalk.db import atomic, now, session
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import delivering, service
from sintalk.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import factories
from tests.factories import Api

HOOK = {"url": "https://shop.example.com/hook", "events": ["notification.status", "balance.low"]}


@pytest.fixture
def made(api: Api) -> dict:
    answer = api.post("/webhooks", HOOK)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(api: Api, made):
    assert made["secret"].startswith("whsec_") and made["status"] == "active"
    assert made["url"] == HOOK["url"] and made["balance_low_micros"] == 50_000_000
    assert "secret" not in api.get(f"/webhooks/{made['id']}").get_json()
    page = api.get("/webhooks").get_json()
    assert page["total"] == 1 and "secret" not in page["data"][0]


def test_a_repeated_request_makes_one_endpoint_and_keeps_its_secret_to_itself(api: Api):
    first = api.post("/webhooks", HOOK, Idempotency_Key="one")
    again = api.post("/webhooks", HOOK, Idempotency_Key="one")
    assert again.status_code == 201 and again.headers["Idempotency-Replayed"] == "true"
    assert first.get_json()["secret"] and not again.get_json().get("secret")
    assert api.get("/webhooks").get_json()["total"] == 1


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"url": "http://shop.example.com/"}, "url", "not_https"),
        ({"url": "https://169.254.169.254/latest"}, "url", "not_public"),
        ({"url": "https://shop.example.com:22/"}, "url", "port_not_allowed"),
        ({"url": "https://me:secret@shop.example.com/"}, "url", "credentials_in_url"),
        ({"url": "nonsense"}, "url", "invalid_url"),
        ({"url": ""}, "url", "too_short"),
        ({"url": None}, "url", "wrong_type"),
        ({"url": "https://x.com/" + "a" * 3_000}, "url", "too_long"),
        ({"url": "https://x.com/\u0000"}, "url", "null_character"),
        ({"events": []}, "events", "too_few"),
        ({"events": ["everything"]}, "events[0]", None),
        ({"events": "balance.low"}, "events", "wrong_type"),
        ({"evnets": []}, "evnets", "unknown_field"),
        ({"balance_low_micros": 10**18}, "balance_low_micros", None),
    ],
)
def test_nonsense_is_named_at_its_field(api: Api, made, change, field, code):
    for answer in (api.post("/webhooks", {**HOOK, **change}), api.patch(f"/webhooks/{made['id']}", change)):
        assert answer.status_code == 422, answer.get_json()
        (detail,) = answer.get_json()["details"]
        assert detail["field"] == field
        assert code in (None, detail["code"])
    assert api.get("/webhooks").get_json()["total"] == 1


def test_a_change_leaves_the_rest_as_it_was(api: Api, made):
    path = f"/webhooks/{made['id']}"
    changed = api.patch(path, {"description": "Balcão"}).get_json()
    assert changed["description"] == "Balcão" and changed["url"] == HOOK["url"]
    assert api.patch(path, {}).get_json()["events"] == ["balance.low", "notification.status"]
    assert api.patch(path, {"events": ["import.finished"]}).get_json()["events"] == ["import.finished"]


def test_ten_are_enough(api: Api, made):
    for _ in range(service.MOST - 1):
        assert api.post("/webhooks", HOOK).status_code == 201
    answer = api.post("/webhooks", HOOK)
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "too_many_webhooks")
    assert api.delete(f"/webhooks/{made['id']}").status_code == 204
    assert api.get(f"/webhooks/{made['id']}").status_code == 404
    assert api.post("/webhooks", HOOK).status_code == 201


def every_request(webhook_id, delivery_id) -> list[tuple]:
    """All operations on one endpoint; those that change something first."""
    one = f"/webhooks/{webhook_id}"
    span = {"from": "2026-01-01T00:00:00Z", "to": "2036-01-01T00:00:00Z"}
    return [
        ("patch", one, {"description": "mine now"}),
        ("post", f"{one}/rotate-secret"),
        ("post", f"{one}/test"),
        ("post", f"{one}/pause"),
        ("post", f"{one}/resume"),
        ("post", f"{one}/deliveries/{delivery_id}/replay"),
        ("post", f"{one}/replay", span),
        ("delete", one),
        ("get", one),
        ("get", f"{one}/deliveries"),
        ("get", f"{one}/deliveries/{delivery_id}"),
    ]


def test_another_tenants_endpoint_is_not_found_whatever_is_asked_of_it(api: Api, charlie_api: Api, made):
    sent = api.post(f"/webhooks/{made['id']}/test").get_json()["id"]
    theirs = charlie_api.post("/webhooks", HOOK).get_json()["id"]
    for method, path, *body in every_request(made["id"], sent):
        assert getattr(charlie_api, method)(path, *body).status_code == 404, path
    for method, path, *body in every_request(uuid4(), uuid4()):
        assert getattr(api, method)(path, *body).status_code == 404, path
    assert charlie_api.get(f"/webhooks/{theirs}/deliveries/{sent}").status_code == 404
    assert charlie_api.post(f"/webhooks/{theirs}/deliveries/{sent}/replay").status_code == 404
    assert charlie_api.get("/webhooks").get_json()["total"] == 1
    assert api.get(f"/webhooks/{made['id']}").get_json()["description"] == ""


def test_only_admin_keys_change_anything(app, api: Api, alice, made):
    member = Api(app, factories.key(alice, role="member"))
    sent = api.post(f"/webhooks/{made['id']}/test").get_json()["id"]
    assert member.post("/webhooks", HOOK).status_code == 403
    for method, path, *body in every_request(made["id"], sent):
        assert getattr(member, method)(path, *body).status_code == (200 if method == "get" else 403), path


def test_a_test_event_arrives_and_its_log_tells_of_it(app, api: Api, shop):
    one = api.post("/webhooks", {**HOOK, "url": shop.url}).get_json()
    shop.statuses = [500]
    shop.answer = "não".encode()
    sent = api.post(f"/webhooks/{one['id']}/test")
    assert sent.status_code == 202 and sent.get_json()["type"] == "webhook.test"
    delivering.deliver()
    path = f"/webhooks/{one['id']}/deliveries"
    detail = api.get(f"{path}/{sent.get_json()['id']}").get_json()
    assert (detail["state"], detail["attempts"]) == ("pending", 1) and detail["next_attempt_at"]
    (attempt,) = detail["log"]
    assert (attempt["status_code"], attempt["answer"], attempt["error"]) == (500, "não", None)
    assert detail["body"]["data"]["webhook_id"] == one["id"] and detail["event_id"] == shop.got[0].id
    assert api.get(path, state="delivered").get_json()["total"] == 0
    assert api.get(path).get_json()["data"][0]["id"] == detail["id"]
    assert api.get(path, state="lost").status_code == 422


def test_one_delivery_is_replayed_under_its_id(app, api: Api, shop):
    one = api.post("/webhooks", {**HOOK, "url": shop.url}).get_json()
    sent = api.post(f"/webhooks/{one['id']}/test").get_json()["id"]
    delivering.deliver()
    again = api.post(f"/webhooks/{one['id']}/deliveries/{sent}/replay")
    assert (again.status_code, again.get_json()["state"]) == (202, "pending")
    delivering.deliver()
    assert len(shop.got) == 2 and shop.got[0].id == shop.got[1].id and shop.got[0].body == shop.got[1].body
    assert len(api.get(f"/webhooks/{one['id']}/deliveries/{sent}").get_json()["log"]) == 2


def test_a_range_is_replayed_and_nothing_beside_it(app, api: Api, shop, tenant):
    one = api.post("/webhooks", {**HOOK, "url": shop.url}).get_json()
    for place in range(4):
        service.announce(tenant.id, "notification.status", uuid4(), {"place": place}, version="sent")
    delivering.deliver()
    assert len(shop.got) == 4
    hour = now().replace(minute=0, second=0, microsecond=0)
    ids = [row.id for row in session().query(WebhookDelivery).order_by(WebhookDelivery.seq)]
    with atomic() as current:
        for place, row_id in enumerate(ids):
            moved = update(WebhookDelivery).where(WebhookDelivery.id == row_id)
            current.execute(moved.values(created_at=hour - timedelta(hours=4 - place)))
        current.execute(update(WebhookDelivery).where(WebhookDelivery.id == ids[1]).values(state="failed"))
    span = {"from": rfc3339(hour - timedelta(hours=3)), "to": rfc3339(hour - timedelta(hours=1))}
    path = f"/webhooks/{one['id']}/replay"
    assert api.post(path, {**span, "failed_only": True}).get_json() == {"replayed": 1}
    delivering.deliver()
    assert api.post(path, span).get_json() == {"replayed": 2}
    delivering.deliver()
    places = [json.loads(got.body)["data"]["place"] for got in shop.got]
    assert sorted(places[:4]) == [0, 1, 2, 3] and places[4] == 1 and sorted(places[5:]) == [1, 2]
    backwards = api.post(path, {"from": span["to"], "to": span["from"]})
    assert backwards.status_code == 422 and backwards.get_json()["details"][0]["field"] == "to"


def test_pause_and_resume_show_in_the_status(api: Api, made):
    path = f"/webhooks/{made['id']}"
    assert api.post(f"{path}/pause").get_json()["status"] == "paused"
    assert api.post(f"{path}/pause").get_json()["status"] == "paused"
    assert api.post(f"{path}/resume").get_json()["status"] == "active"
    with atomic() as current:
        current.execute(update(WebhookEndpoint).values(disabled_at=now(), disabled_reason="failing"))
    session().expire_all()
    assert api.get(path).get_json()["disabled_reason"] == "failing"
    assert api.post(f"{path}/resume").get_json()["status"] == "active"


def test_a_rotated_secret_is_another_one(api: Api, made):
    rotated = api.post(f"/webhooks/{made['id']}/rotate-secret").get_json()
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"]
