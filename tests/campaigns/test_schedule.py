"""At its time, and not later than its maker wanted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from sintalk import checks
from sintalk.accounts.models import AuditEvent
from sintalk.billing import ledger
from sintalk.billing import service as billing
from sintalk.campaigns import jobs, launching, service
from sintalk.campaigns.models import Campaign
from sintalk.db import atomic, new_id, now, session
from sintalk.web.schemas import rfc3339
from sintalk.webhooks.models import WebhookEvent
from tests import factories
from tests.campaigns.test_launch import PEOPLE, a_list, a_template
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE


def later(minutes: float) -> str:
    return rfc3339(now() + timedelta(minutes=minutes))


def scheduled(api: Api, list_id: str | None = None, *, minutes: float = 30, **wishes) -> str:
    """A campaign that waits for its time."""
    body = {
        "name": "Natal",
        "channel": "sms",
        "template_id": a_template(api),
        "contact_list_id": list_id or a_list(api, PEOPLE),
        "scheduled_at": later(minutes),
    }
    made = api.post("/campaigns", {**body, **wishes})
    assert made.status_code == 201, made.get_json()
    campaign_id = made.get_json()["id"]
    launched = api.post(f"/campaigns/{campaign_id}/launch")
    assert (launched.status_code, launched.get_json()["status"]) == (202, "scheduled"), launched.get_json()
    return campaign_id


def its_time_came(campaign_id: str, minutes_ago: float = 0) -> None:
    """As if the clock stood that much after its time."""
    with atomic() as current:
        at = now() - timedelta(minutes=minutes_ago, seconds=1)
        current.execute(update(Campaign).where(Campaign.id == campaign_id).values(scheduled_at=at))


def state(api: Api, campaign_id: str) -> tuple[str, str | None]:
    campaign = api.get(f"/campaigns/{campaign_id}").get_json()
    return campaign["status"], campaign["pause_reason"]


@pytest.fixture
def rich(tenant):
    money(tenant.id, 100)


def test_it_waits_for_its_time_and_then_goes_by_itself(api, rich):
    campaign_id = scheduled(api)
    service.launch_due()
    assert state(api, campaign_id) == ("scheduled", None)
    assert api.get("/billing/balance").get_json()["reserved"] == 0
    its_time_came(campaign_id)
    assert service.launch_due() == 1
    assert state(api, campaign_id) == ("launching", None)
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("running", None)
    assert service.launch_due() == 0
    assert checks.run() == []


def test_people_and_money_are_taken_at_its_time_and_the_words_when_it_was_scheduled(api, rich):
    list_id = a_list(api, PEOPLE[:1])
    campaign_id = scheduled(api, list_id)
    template_id = api.get(f"/campaigns/{campaign_id}").get_json()["template_id"]
    other = {"name": "Aviso", "channel": "sms", "sms": {"text": "Outra coisa {{nome}}"}}
    assert api.put(f"/templates/{template_id}", other).status_code == 200
    api.post(f"/contact-lists/{list_id}/contacts", {"name": "Bia", "phone": "11 98888-1111"})
    its_time_came(campaign_id)
    service.launch_due()
    jobs.expand(campaign_id)
    rows = api.get("/notifications", campaign_id=campaign_id).get_json()["data"]
    assert len(rows) == 2
    assert api.get("/billing/balance").get_json()["reserved"] == 2 * PRICE
    from sintalk.messages.models import Notification

    assert {row.text for row in session().scalars(select(Notification))} == {"Oi Ana", "Oi Bia"}


def test_the_lists_of_a_scheduled_campaign_stay(api, rich):
    excluded = a_list(api, PEOPLE[:1])
    campaign_id = scheduled(api, exclude_list_ids=[excluded])
    list_id = api.get(f"/campaigns/{campaign_id}").get_json()["contact_list_id"]
    for each in (list_id, excluded):
        assert api.delete(f"/contact-lists/{each}").get_json()["error_code"] == "list_in_use"
    assert api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": None}).get_json()["status"] == "draft"
    for each in (list_id, excluded):
        assert api.delete(f"/contact-lists/{each}").status_code == 204


def test_the_time_is_changed_and_taken_back(api, rich):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    moved = api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": later(60)})
    assert (moved.status_code, moved.get_json()["status"]) == (200, "scheduled")
    assert service.launch_due() == 0
    back = api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": None}).get_json()
    assert (back["status"], back["scheduled_at"]) == ("draft", None)
    assert api.patch(f"/campaigns/{campaign_id}", {"name": "Páscoa"}).get_json()["name"] == "Páscoa"


def test_what_was_looked_at_is_not_changed_under_a_schedule(api, rich):
    campaign_id = scheduled(api)
    answer = api.patch(f"/campaigns/{campaign_id}", {"template_id": a_template(api, "Outra")})
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "campaign_not_draft")
    assert "agendada" in answer.get_json()["error"]
    renamed = api.patch(f"/campaigns/{campaign_id}", {"name": "Natal 2", "max_delay_minutes": 5})
    assert (renamed.get_json()["name"], renamed.get_json()["max_delay_minutes"]) == ("Natal 2", 5)


def test_now_sends_at_once_whatever_the_schedule_says(api, rich):
    campaign_id = scheduled(api)
    again = api.post(f"/campaigns/{campaign_id}/launch")
    assert (again.status_code, again.get_json()["status"]) == (202, "scheduled")
    sent = api.post(f"/campaigns/{campaign_id}/launch", {"now": True})
    assert (sent.status_code, sent.get_json()["status"]) == (202, "launching")
    assert service.launch_due() == 0


def test_a_canceled_schedule_never_goes(api, rich):
    campaign_id = scheduled(api)
    canceled = api.post(f"/campaigns/{campaign_id}/cancel").get_json()
    assert canceled["status"] == "canceled" and canceled["completed_at"]
    its_time_came(campaign_id)
    assert service.launch_due() == 0
    assert api.delete(f"/contact-lists/{canceled['contact_list_id']}").status_code == 204


def test_after_an_outage_it_waits_for_a_person(api, rich):
    campaign_id = scheduled(api, max_delay_minutes=30)
    its_time_came(campaign_id, minutes_ago=31)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", "overdue")
    assert service.launch_due() == 0
    resumed = api.post(f"/campaigns/{campaign_id}/resume")
    assert (resumed.status_code, resumed.get_json()["status"]) == (202, "launching")
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("running", None)


def test_a_little_late_it_still_goes(api, rich):
    campaign_id = scheduled(api)
    its_time_came(campaign_id, minutes_ago=59)
    service.launch_due()
    assert state(api, campaign_id) == ("launching", None)


def test_no_delay_at_all_still_lets_it_go(api, rich):
    campaign_id = scheduled(api, max_delay_minutes=0)
    its_time_came(campaign_id)
    service.launch_due()
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("running", None)


def test_an_outage_between_its_launch_and_its_money_makes_it_wait_too(api, rich):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    service.launch_due()
    its_time_came(campaign_id, minutes_ago=61)
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("paused", "overdue")
    assert api.get("/billing/balance").get_json()["reserved"] == 0
    assert api.post(f"/campaigns/{campaign_id}/resume").get_json()["status"] == "running"
    assert checks.run() == []


def test_without_money_at_its_time_it_waits_and_a_resume_sends_it(api, tenant):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert api.post(f"/campaigns/{campaign_id}/resume").status_code == 402
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    money(tenant.id, 10)
    assert api.post(f"/campaigns/{campaign_id}/resume").get_json()["status"] == "launching"
    jobs.expand(campaign_id)
    assert billing.balance(tenant.id).reserved == 2 * PRICE


@pytest.mark.parametrize("cause", ["overdue", "insufficient_balance"])
def test_what_was_held_back_before_it_went_can_have_another_time(api, tenant, cause):
    if cause == "overdue":
        money(tenant.id, 100)
    campaign_id = scheduled(api)
    its_time_came(campaign_id, minutes_ago=120 if cause == "overdue" else 0)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", cause)
    assert api.post(f"/campaigns/{campaign_id}/preflight").status_code == 200
    refused = api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": later(-5)})
    assert (refused.status_code, state(api, campaign_id)) == (422, ("paused", cause))
    assert api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": later(45)}).status_code == 200
    assert state(api, campaign_id) == ("scheduled", None)
    if cause == "overdue":
        its_time_came(campaign_id)
        service.launch_due()
        assert state(api, campaign_id) == ("launching", None)
        refused = api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": later(45)})
        assert (refused.status_code, refused.get_json()["error_code"]) == (409, "campaign_not_draft")
    else:
        assert api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": None}).get_json()["status"] == "draft"


def test_topped_up_soon_enough_it_goes_on_by_itself(api, tenant):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert service.go_on_with_money() == 0
    money(tenant.id, 0.08)  # for one of two
    assert service.go_on_with_money() == 0
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert service.go_on_with_money() == 0, "nothing has changed since"
    money(tenant.id, 0.08)
    assert service.go_on_with_money() == 1
    assert state(api, campaign_id) == ("launching", None)
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("running", None)
    assert (billing.balance(tenant.id).available, billing.balance(tenant.id).reserved) == (0, 2 * PRICE)
    assert checks.run() == []


def test_paused_by_somebody_while_it_waits_for_money_it_waits_for_a_word(api, tenant):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert api.post(f"/campaigns/{campaign_id}/pause").get_json()["pause_reason"] == "requested"
    money(tenant.id, 10)
    assert service.go_on_with_money() == 0
    assert state(api, campaign_id) == ("paused", "requested")
    assert api.post(f"/campaigns/{campaign_id}/resume").get_json()["status"] == "launching"
    jobs.expand(campaign_id)
    assert state(api, campaign_id) == ("running", None)


def test_topped_up_too_late_it_waits_for_a_word(api, tenant):
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    service.launch_due()
    hours = timedelta(hours=2)
    with atomic() as current:
        values = {"scheduled_at": now() - hours, "short_since": now() - hours}
        current.execute(update(Campaign).values(values))
    money(tenant.id, 10)
    assert service.go_on_with_money() == 0
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert api.post(f"/campaigns/{campaign_id}/resume").status_code == 202


def test_an_edit_or_a_try_in_vain_gives_it_no_more_time(api, tenant):
    """Sent at once, with a time far ahead: it counts from when it stopped."""
    money(tenant.id, 0.08)
    list_id = a_list(api, PEOPLE)
    campaign_id = scheduled(api, list_id, minutes=600, max_delay_minutes=30)
    with atomic() as current:
        row = current.get_one(Campaign, UUID(campaign_id))
        row.status, row.late_ok = "paused", True
        launching.wait_for_money(row, billing.movements(tenant.id))
        row.short_since = now() - timedelta(minutes=29)
    money(tenant.id, 0.01)
    assert service.go_on_with_money() == 0
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    with atomic() as current:
        row = current.get_one(Campaign, UUID(campaign_id))
        assert row.short_since < now() - timedelta(minutes=28)
        row.short_since = now() - timedelta(minutes=31)
    money(tenant.id, 10)
    assert service.go_on_with_money() == 0


@pytest.mark.parametrize("kind", ["credit", "refund"])
def test_money_that_comes_in_the_moment_it_stops_is_seen(api, tenant, monkeypatch, kind):
    """After its balance was looked at, and before it says that it waits."""
    money(tenant.id, 0.16)
    subject = new_id()
    ledger.reserve(tenant.id, subject, 2 * PRICE, unit="sms")
    ledger.settle(tenant.id, subject, capture=2 * PRICE, release=0, key="one")
    campaign_id = scheduled(api)
    its_time_came(campaign_id)
    wait = launching.wait_for_money

    def just_then(campaign: Campaign, known: int) -> None:
        if kind == "credit":
            money(tenant.id, 10)
        else:
            ledger.refund(tenant.id, subject, 2 * PRICE, key="sorry")
        wait(campaign, known)

    monkeypatch.setattr(launching, "wait_for_money", just_then)
    service.launch_due()
    assert state(api, campaign_id) == ("paused", "insufficient_balance")
    assert service.go_on_with_money() == 1
    assert state(api, campaign_id) == ("launching", None)


def test_one_that_cannot_go_keeps_nobody_else_waiting(api, rich, monkeypatch):
    broken, fine = scheduled(api), scheduled(api)
    its_time_came(broken, minutes_ago=5)
    its_time_came(fine)
    go = launching.go

    def stumble(campaign, by):
        if str(campaign.id) == broken:
            raise ZeroDivisionError
        go(campaign, by)

    monkeypatch.setattr(launching, "go", stumble)
    assert service.launch_due() == 1
    assert (state(api, broken)[0], state(api, fine)[0]) == ("scheduled", "launching")


def test_an_audience_that_is_gone_at_its_time_fails_with_its_reason(api, rich):
    list_id = a_list(api, PEOPLE[:1])
    campaign_id = scheduled(api, list_id)
    contact = api.get(f"/contact-lists/{list_id}/contacts").get_json()["data"][0]
    api.delete(f"/contact-lists/{list_id}/contacts/{contact['id']}")
    its_time_came(campaign_id)
    service.launch_due()
    campaign = api.get(f"/campaigns/{campaign_id}").get_json()
    assert (campaign["status"], campaign["error_code"]) == ("failed", "empty_audience")
    assert campaign["completed_at"]
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_a_time_that_is_over_or_far_away_is_no_time(api):
    body = {"name": "x", "channel": "sms", "template_id": a_template(api), "contact_list_id": a_list(api, [])}
    for at, code in ((later(-1), "in_the_past"), (later(60 * 24 * 400), "too_far")):
        answer = api.post("/campaigns", {**body, "scheduled_at": at})
        fault = answer.get_json()["details"][0]
        assert (answer.status_code, fault["field"], fault["code"]) == (422, "scheduled_at", code)


def test_a_draft_whose_time_went_by_does_not_leave_at_once_by_a_press_on_schedule(api, rich):
    body = {"name": "x", "channel": "sms", "template_id": a_template(api)}
    made = api.post(
        "/campaigns", {**body, "contact_list_id": a_list(api, PEOPLE), "scheduled_at": later(30)}
    ).get_json()
    its_time_came(made["id"])
    answer = api.post(f"/campaigns/{made['id']}/launch")
    fault = answer.get_json()["details"][0]
    assert (answer.status_code, fault["field"], fault["code"]) == (422, "scheduled_at", "in_the_past")
    assert state(api, made["id"]) == ("draft", None)
    assert api.post(f"/campaigns/{made['id']}/launch", {"now": True}).status_code == 202
    assert state(api, made["id"]) == ("launching", None)


@pytest.mark.parametrize("cause", ["overdue", "insufficient_balance"])
def test_who_listens_hears_that_it_waits_for_somebody(api, tenant, cause):
    hook = {"url": "https://shop.example.com/x", "events": ["campaign.paused"]}
    assert api.post("/webhooks", hook).status_code == 201
    if cause == "overdue":
        money(tenant.id, 100)
    campaign_id = scheduled(api)
    its_time_came(campaign_id, minutes_ago=61 if cause == "overdue" else 0)
    service.launch_due()
    [event] = session().scalars(select(WebhookEvent)).all()
    assert (event.kind, event.payload["id"]) == ("campaign.paused", campaign_id)
    assert event.payload["pause_reason"] == cause


def test_what_a_test_key_schedules_costs_nothing_either(app, api, alice):
    trying = Api(app, factories.key(alice, mode="test"))
    campaign_id = scheduled(trying)
    its_time_came(campaign_id)
    service.launch_due()
    jobs.expand(campaign_id)
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    assert (stats["status"], stats["queued"], stats["reserved_micros"]) == ("running", 2, 0)


def test_the_schedule_stands_in_the_audit_trail(api, rich):
    campaign_id = scheduled(api)
    api.patch(f"/campaigns/{campaign_id}", {"scheduled_at": later(90)})
    its_time_came(campaign_id, minutes_ago=120)
    service.launch_due()
    trail = list(
        session().scalars(
            select(AuditEvent).where(AuditEvent.subject_id == campaign_id).order_by(AuditEvent.id)
        )
    )
    assert [event.action for event in trail] == [
        "campaign.scheduled",
        "campaign.rescheduled",
        "campaign.paused",
    ]
    assert (trail[-1].actor_kind, trail[-1].data) == ("schedule", {"name": "Natal", "reason": "overdue"})


def test_a_draft_is_changed_and_thrown_away_by_api(api, rich):
    campaign_id = api.post(
        "/campaigns",
        {"name": "x", "channel": "sms", "template_id": a_template(api), "contact_list_id": a_list(api, [])},
    ).get_json()["id"]
    other = a_list(api, PEOPLE)
    changed = api.patch(f"/campaigns/{campaign_id}", {"contact_list_id": other, "scheduled_at": later(5)})
    assert (changed.status_code, changed.get_json()["contact_list_id"]) == (200, other)
    missing = api.patch(f"/campaigns/{campaign_id}", {"contact_list_id": None})
    assert [(one["field"], one["code"]) for one in missing.get_json()["details"]] == [
        ("contact_list_id", "required")
    ]
    assert api.get(f"/campaigns/{campaign_id}").get_json()["contact_list_id"] == other
    assert api.delete(f"/campaigns/{campaign_id}").status_code == 204
    assert api.get(f"/campaigns/{campaign_id}").status_code == 404


def test_what_was_launched_cannot_be_thrown_away(api, rich):
    campaign_id = scheduled(api)
    answer = api.delete(f"/campaigns/{campaign_id}")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "campaign_not_draft")


def test_the_money_of_a_moved_schedule_is_not_held_meanwhile(api, tenant, rich):
    scheduled(api)
    assert billing.balance(tenant.id).available == 100 * BRL
