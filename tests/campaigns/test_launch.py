"""A campaign by API, from draft to the last receipt, and everything it must refuse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.billing import ledger
from sintalk.campaigns import expansion, jobs, preflight, service
from sintalk.db import atomic, db, now, session
from sintalk.messages.models import Dispatch
from sintalk.messages.states import STATUSES
from sintalk.web.schemas import rfc3339
from tests import factories
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE, pipeline, times_accepted, work_until


def a_list(api: Api, people: list[tuple[str, str | None]]) -> str:
    list_id = api.post("/contact-lists", {"name": "Clientes"}).get_json()["id"]
    for name, phone in people:
        made = api.post(f"/contact-lists/{list_id}/contacts", {"name": name, "phone": phone})
        assert made.status_code == 201, made.get_json()
    return list_id


def a_template(api: Api, text: str = "Oi {{nome}}") -> str:
    made = api.post("/templates", {"name": "Aviso", "channel": "sms", "sms": {"text": text}})
    assert made.status_code == 201, made.get_json()
    return made.get_json()["id"]


def a_campaign(api: Api, list_id: str, template_id: str) -> str:
    body = {"name": "Natal", "channel": "sms", "template_id": template_id, "contact_list_id": list_id}
    made = api.post("/campaigns", body)
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["status"] == "draft"
    return made.get_json()["id"]


PEOPLE = [("Ana", "11 99999-1111"), ("João", "11 99999-0002"), ("Bia", None), ("Caio", "11 3333-4444")]


@pytest.fixture
def draft(api, tenant):
    money(tenant.id, 100)
    return a_campaign(api, a_list(api, PEOPLE), a_template(api))


def test_from_launch_to_the_last_cent(own_settings, tmp_path):
    with pipeline(own_settings, tmp_path) as (app, simulator):
        alice = factories.owner("alice@example.com", "Padaria")
        money(alice.tenant_id, 100)
        api = Api(app, factories.key(alice))
        campaign_id = a_campaign(api, a_list(api, PEOPLE), a_template(api))

        launched = api.post(f"/campaigns/{campaign_id}/launch")
        assert (launched.status_code, launched.get_json()["status"]) == (202, "launching")
        jobs.expand(campaign_id)
        assert api.get("/billing/balance").get_json()["reserved"] == 2 * PRICE

        def settled():
            service.close_finished()
            stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
            assert sum(stats[name] for name in STATUSES) == stats["total"]
            return stats if stats["settled_at"] and stats["delivered"] and stats["not_delivered"] else None

        stats = work_until(settled)
        assert stats["status"] == "completed"
        assert (stats["total"], stats["delivered"], stats["not_delivered"], stats["suppressed"]) == (
            4,
            1,
            1,
            2,
        )
        assert (stats["cost_micros"], stats["reserved_micros"], stats["segments"]) == (2 * PRICE, 0, 2)
        assert api.get("/billing/balance").get_json()["available"] == 100 * BRL - 2 * PRICE
        assert sorted(line["text"] for line in simulator.accepted()) == ["Oi Ana", "Oi João"]
        assert set(times_accepted(simulator).values()) == {1}

        left_out = api.get("/notifications", campaign_id=campaign_id, status="suppressed").get_json()["data"]
        assert {row["error_code"] for row in left_out} == {"no_phone", "not_mobile"}
        assert api.get(f"/campaigns/{campaign_id}").get_json()["completed_at"]
        assert checks.run() == []


def test_a_second_launch_is_refused_and_changes_nothing(api, draft):
    assert api.post(f"/campaigns/{draft}/launch").status_code == 202
    again = api.post(f"/campaigns/{draft}/launch")
    assert (again.status_code, again.get_json()["error_code"]) == (409, "campaign_not_launchable")


def test_a_canceled_one_does_not_go_and_the_error_says_so(api, draft):
    at = rfc3339(now() + timedelta(minutes=30))
    assert api.patch(f"/campaigns/{draft}", {"scheduled_at": at}).status_code == 200
    assert api.post(f"/campaigns/{draft}/launch").get_json()["status"] == "scheduled"
    assert api.post(f"/campaigns/{draft}/cancel").status_code in (200, 202)
    refused = api.post(f"/campaigns/{draft}/launch")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "campaign_not_launchable")
    assert "cancelada" in refused.get_json()["error"]


def test_pressed_by_sixteen_at_once_it_launches_once(app, api, draft):
    def press(_: int) -> int:
        return Api(app, api.headers["X-API-Key"]).post(f"/campaigns/{draft}/launch").status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(press, range(16)))
    assert statuses == [202] + [409] * 15


def test_launching_again_with_the_same_key_replays_the_first_answer(api, draft):
    first = api.post(f"/campaigns/{draft}/launch", Idempotency_Key="go")
    again = api.post(f"/campaigns/{draft}/launch", Idempotency_Key="go")
    assert again.status_code == 202 and again.get_json() == first.get_json()


def test_without_money_nothing_is_launched(api, tenant):
    campaign_id = a_campaign(api, a_list(api, PEOPLE), a_template(api))
    answer = api.post(f"/campaigns/{campaign_id}/launch")
    assert (answer.status_code, answer.get_json()["error_code"]) == (402, "insufficient_balance")
    assert api.get(f"/campaigns/{campaign_id}").get_json()["status"] == "draft"
    assert api.get(f"/campaigns/{campaign_id}/stats").get_json()["total"] == 0


@pytest.mark.parametrize("by_itself", [False, True])
def test_where_the_exact_price_does_not_fit_it_waits_paused_until_there_is_money(api, alice, by_itself):
    """Two people at the cheapest price fit, but the text has two parts."""
    money(alice.tenant_id, 2 * PRICE / BRL)
    long = "{{nome}}, " + "x" * 160
    campaign_id = a_campaign(api, a_list(api, PEOPLE[:2]), a_template(api, long))
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    campaign = api.get(f"/campaigns/{campaign_id}").get_json()
    assert (campaign["status"], campaign["pause_reason"]) == ("paused", "insufficient_balance")
    assert api.get("/billing/balance").get_json()["reserved"] == 0

    money(alice.tenant_id, 10)
    if by_itself:
        assert service.go_on_with_money() == 1
    else:
        service.resume(alice.tenant_id, campaign_id, by=alice.actor())
    assert api.get(f"/campaigns/{campaign_id}").get_json()["status"] == "running"
    # "João" is no GSM-7: 67 characters a part make three of it
    assert api.get("/billing/balance").get_json()["reserved"] == (2 + 3) * PRICE
    assert checks.run() == []


@pytest.mark.parametrize("short_of", [1, 2])
def test_money_held_ahead_for_single_sends_is_no_reason_to_refuse(api, alice, short_of):
    """A shop that sends singles all day has money ahead in its lanes; it is the company's all the same."""
    money(alice.tenant_id, 3 * PRICE / BRL)
    template = a_template(api)
    single = {"channel": "sms", "template_id": template, "recipients": [{"phone": PEOPLE[0][1]}]}
    assert api.post("/send", single).status_code == 202
    with atomic() as current:  # busy: a float stands ahead
        ledger.extend(alice.tenant_id, session().scalars(select(Dispatch.id)).one(), PRICE, unit="sms")
        current.execute(update(Dispatch).values(float_micros=Dispatch.float_micros + PRICE))
    campaign_id = a_campaign(api, a_list(api, PEOPLE[:short_of]), template)
    assert api.post(f"/campaigns/{campaign_id}/preflight").get_json()["missing_micros"] == 0
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    assert api.get(f"/campaigns/{campaign_id}").get_json()["status"] == "running"
    assert checks.run() == []


def test_a_refusal_for_money_says_how_much(api, tenant):
    money(tenant.id, 0.05)
    campaign_id = a_campaign(api, a_list(api, PEOPLE), a_template(api))
    answer = api.post(f"/campaigns/{campaign_id}/launch").get_json()
    assert (answer["needed_micros"], answer["spendable_micros"]) == (2 * PRICE, 50_000)


def test_an_empty_list_has_nobody_to_send_to(api, tenant):
    money(tenant.id, 1)
    campaign_id = a_campaign(api, a_list(api, []), a_template(api))
    answer = api.post(f"/campaigns/{campaign_id}/launch")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "empty_audience")


def test_a_follow_up_of_nobody_names_the_campaign_before_and_no_list(api, tenant):
    money(tenant.id, 1)
    template = a_template(api)
    before = a_campaign(api, a_list(api, PEOPLE), template)
    body = {"name": "De novo", "channel": "sms", "template_id": template, "parent_campaign_id": before}
    again = api.post("/campaigns", {**body, "follow_up_on_status": "error"}).get_json()["id"]
    answer = api.post(f"/campaigns/{again}/launch")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "empty_audience")
    assert "campanha anterior" in answer.get_json()["error"] and "lista" not in answer.get_json()["error"]


def test_a_campaign_of_people_left_out_completes_without_costing_anything(api, tenant):
    money(tenant.id, 1)
    campaign_id = a_campaign(api, a_list(api, [("Bia", None)]), a_template(api))
    api.post(f"/campaigns/{campaign_id}/launch")
    jobs.expand(campaign_id)
    service.close_finished()
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    assert (stats["status"], stats["suppressed"], stats["cost_micros"]) == ("completed", 1, 0)
    assert stats["settled_at"]
    assert checks.run() == []


def test_a_missing_value_leaves_that_person_out(api, tenant):
    money(tenant.id, 1)
    campaign_id = a_campaign(api, a_list(api, PEOPLE[:1]), a_template(api, "Oi {{nome}}, pedido {{Pedido}}"))
    api.post(f"/campaigns/{campaign_id}/launch")
    jobs.expand(campaign_id)
    rows = api.get("/notifications", campaign_id=campaign_id).get_json()["data"]
    assert [(row["status"], row["error_code"]) for row in rows] == [("suppressed", "missing_variable")]


def test_an_expansion_that_was_cut_goes_on_where_it_stood(api, alice, monkeypatch):
    money(alice.tenant_id, 1_000)
    monkeypatch.setattr("sintalk.campaigns.expansion.PAGE", 3)
    people = [(f"Pessoa {i}", f"11 9{i:04d}-1111") for i in range(10)]
    campaign_id = a_campaign(api, a_list(api, people), a_template(api))
    api.post(f"/campaigns/{campaign_id}/launch")

    pages = iter(range(100))
    original = expansion.messages.write

    def die_at_the_third(*args, **kwargs):
        original(*args, **kwargs)
        if next(pages) == 2:
            raise KeyboardInterrupt  # after the page is written, before its commit

    with monkeypatch.context() as patched:
        patched.setattr(expansion.messages, "write", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            jobs.expand(campaign_id)
    assert api.get(f"/campaigns/{campaign_id}/stats").get_json()["total"] == 6
    jobs.expand(campaign_id)
    jobs.expand(campaign_id)
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    assert (stats["total"], stats["queued"], stats["status"]) == (10, 10, "running")
    assert checks.run() == []


def test_two_workers_expanding_at_once_write_everybody_once(app, api, alice, monkeypatch):
    money(alice.tenant_id, 1_000)
    monkeypatch.setattr("sintalk.campaigns.expansion.PAGE", 5)
    people = [(f"Pessoa {i}", f"11 9{i:04d}-1111") for i in range(40)]
    campaign_id = a_campaign(api, a_list(api, people), a_template(api))
    api.post(f"/campaigns/{campaign_id}/launch")

    def work(_: int) -> None:
        with app.app_context():
            jobs.expand(campaign_id)
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    jobs.expand(campaign_id)
    assert api.get(f"/campaigns/{campaign_id}/stats").get_json()["queued"] == 40
    assert checks.run() == []


def test_the_list_of_a_running_campaign_cannot_be_deleted(api, draft):
    list_id = api.get(f"/campaigns/{draft}").get_json()["contact_list_id"]
    api.post(f"/campaigns/{draft}/launch")
    answer = api.delete(f"/contact-lists/{list_id}")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "list_in_use")


@pytest.mark.parametrize("field", ["template_id", "contact_list_id"])
def test_foreign_and_unknown_references_answer_alike(api, charlie_api, field):
    body = {
        "name": "x",
        "channel": "sms",
        "template_id": a_template(charlie_api),
        "contact_list_id": a_list(charlie_api, []),
    }
    foreign = (
        api.post("/campaigns", {**body, "template_id": a_template(api), field: body[field]})
        if (field == "contact_list_id")
        else api.post("/campaigns", {**body, "contact_list_id": a_list(api, [])})
    )
    unknown = charlie_api.post("/campaigns", {**body, field: str(uuid4())})
    for answer in (foreign, unknown):
        assert answer.status_code == 422
        fault = answer.get_json()["details"][0]
        assert (fault["field"], fault["code"]) == (field, "not_found")


def test_a_template_of_another_channel_is_refused(api):
    body = {
        "name": "x",
        "channel": "voice",
        "template_id": a_template(api),
        "contact_list_id": a_list(api, []),
    }
    answer = api.post("/campaigns", body)
    assert answer.get_json()["details"][0]["code"] == "wrong_channel"


def test_a_campaign_does_not_leave_out_its_own_list(api):
    list_id, other = a_list(api, []), a_list(api, [])
    body = {"name": "x", "channel": "sms", "template_id": a_template(api), "contact_list_id": list_id}
    answer = api.post("/campaigns", {**body, "exclude_list_ids": [other, list_id]})
    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.get_json()["details"]] == [
        ("exclude_list_ids[1]", "own_list")
    ]


def test_charlie_sees_nothing_of_it(api, charlie_api, draft):
    for path in (f"/campaigns/{draft}", f"/campaigns/{draft}/stats"):
        assert charlie_api.get(path).status_code == 404
    assert charlie_api.post(f"/campaigns/{draft}/launch").status_code == 404
    assert charlie_api.get("/campaigns").get_json()["total"] == 0


def test_what_the_check_step_says_is_what_the_launch_does(api, alice, draft):
    found = preflight.preflight(alice.tenant_id, draft)
    assert (found.count.people, dict(found.count.left_out)) == (2, {"no_phone": 1, "not_mobile": 1})
    api.post(f"/campaigns/{draft}/launch")
    jobs.expand(draft)
    stats = api.get(f"/campaigns/{draft}/stats").get_json()
    assert stats["queued"] == found.count.people
    assert stats["reserved_micros"] == found.count.price_micros == 2 * PRICE


def test_what_a_test_key_launches_costs_nothing(app, api, alice):
    campaign_id = a_campaign(api, a_list(api, PEOPLE), a_template(api))
    trying = Api(app, factories.key(alice, mode="test"))
    for asked, price in ((trying, 0), (api, 2 * PRICE), (trying, 0)):  # each as they would launch it
        assert asked.post(f"/campaigns/{campaign_id}/preflight").get_json()["price_micros"] == price
    assert trying.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    assert (stats["status"], stats["queued"], stats["reserved_micros"]) == ("running", 2, 0)
    assert checks.run() == []
