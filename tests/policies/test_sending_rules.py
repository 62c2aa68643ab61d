"""The rules by API and by page: set, shown, refused where they cannot work, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from sintalk.accounts.models import AuditEvent
from sintalk.campaigns import pace
from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.db import now, session
from sintalk.policies import service as policies
from sintalk.policies.calendar import Calendar
from sintalk.policies.hours import Cap, Hours, Rules, Week
from tests import factories
from tests.campaigns.test_preflight import a_draft


def sunday(channel: str, opens: str, closes: str) -> dict:
    return {"hours": {channel: {"sunday": {"opens": opens, "closes": closes}}}}


DAY = {"opens": "08:00", "closes": "20:00"}
WISH = {
    "hours": {"sms": {"weekdays": DAY, "saturday": {"opens": "09:30", "closes": "24:00"}}, "voice": None},
    "national_holidays": True,
    "holidays": [{"date": "01-25", "name": "Aniversário de São Paulo"}, {"date": "2027-02-09"}],
    "frequency_cap": {"messages": 5, "days": 7},
}


def test_without_rules_everything_may_go(api):
    told = api.get("/settings/sending").get_json()
    assert told["hours"] == {"sms": None, "rcs": None, "voice": None}
    assert told["frequency_cap"] is None and told["holidays"] == []
    assert len(told["next_national_holidays"]) == 5


def test_rules_are_read_and_changed_by_api(api, charlie_api, alice):
    answer = api.put("/settings/sending", WISH)
    assert answer.status_code == 200, answer.get_json()
    told = api.get("/settings/sending").get_json()
    assert told == answer.get_json()
    assert told["hours"]["sms"] == {
        "weekdays": DAY,
        "saturday": {"opens": "09:30", "closes": "24:00"},
        "sunday": None,
        "holidays": None,
    }
    assert told["holidays"] == [WISH["holidays"][0], {"date": "2027-02-09", "name": ""}]
    assert told["frequency_cap"] == WISH["frequency_cap"]
    assert charlie_api.get("/settings/sending").get_json()["hours"]["sms"] is None
    (event,) = session().scalars(select(AuditEvent).where(AuditEvent.action == "sending_rules.updated"))
    assert event.data["cap_messages"] == 5
    assert policies.rules_of(alice.tenant_id).version == 1
    assert api.put("/settings/sending", {}).status_code == 200
    cleared = policies.rules_of(alice.tenant_id)
    assert (cleared.weeks, cleared.cap, cleared.version) == ({}, None, 2)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"hours": {"sms": {}}}, ("hours.sms", "never_open")),
        ({"hours": {"sms": {"holidays": DAY}}}, ("hours.sms", "never_open")),
        (sunday("sms", "20:00", "08:00"), ("hours.sms.sunday", "out_of_order")),
        (sunday("rcs", "8h", "09:00"), ("hours.rcs.sunday.opens", "invalid_time")),
        (sunday("rcs", "08:00", "24:01"), ("hours.rcs.sunday.closes", "invalid_time")),
        (sunday("rcs", "0٨:00", "09:00"), ("hours.rcs.sunday.opens", "invalid_time")),
        ({"hours": {"pigeon": None}}, ("hours.pigeon", "unknown_field")),
        ({"holidays": [{"date": "2027-02-29"}]}, ("holidays[0].date", "invalid_date")),
        ({"holidays": [{"date": "01-01"}] * 101}, ("holidays", "too_many")),
        ({"frequency_cap": {"messages": 0, "days": 7}}, ("frequency_cap.messages", "out_of_range")),
        ({"frequency_cap": {"messages": 5, "days": 91}}, ("frequency_cap.days", "out_of_range")),
    ],
)  # fmt: skip
def test_rules_that_cannot_work_are_refused(api, change, fault):
    answer = api.put("/settings/sending", change)
    assert answer.status_code == 422
    (found,) = answer.get_json()["details"]
    assert (found["field"], found["code"]) == fault


def test_a_member_changes_no_rules(app, alice, bob):
    member = factories.Api(app, factories.key(alice, role="member"))
    assert member.put("/settings/sending", WISH).status_code == 403
    assert member.get("/settings/sending").status_code == 200
    assert factories.browser(app, bob).get("/settings/sending").status_code == 403
    assert factories.browser(app, bob).post("/settings/sending", data={}).status_code == 403


def test_the_page_keeps_what_is_typed_and_says_at_the_field_what_is_wrong(signed_in, alice):
    wrong = {
        "sms_on": "y",
        "sms_weekdays_opens": "20:00",
        "sms_weekdays_closes": "08:00",
        "rcs_on": "y",
        "voice_on": "y",
        "voice_saturday_opens": "10:00",
        "cap_messages": "cinco",
    }
    answer = signed_in.post("/settings/sending", data=wrong)
    assert answer.status_code == 422
    for name in ("sms_weekdays_closes", "rcs_on", "voice_saturday_closes", "cap_messages", "cap_days"):
        assert f'id="{name}-error"' in answer.text, name
    assert 'value="20:00"' in answer.text
    for line in ("32/01 Nada", "amanhã"):
        answer = signed_in.post("/settings/sending", data={"holidays": line})
        assert answer.status_code == 422 and 'id="holidays-error"' in answer.text
    assert policies.rules_of(alice.tenant_id) == Rules("America/Sao_Paulo")


def test_the_page_saves_and_shows_again(signed_in, alice):
    right = {
        "sms_on": "y",
        "sms_weekdays_opens": "08:00",
        "sms_weekdays_closes": "00:00",
        "rcs_weekdays_opens": "01:00",  # not switched on: it does not hold
        "national_holidays": "y",
        "holidays": "25/01 Aniversário\r\n\r\n9/2/2027\r\n",
        "cap_messages": "5",
        "cap_days": " 7 ",
    }
    assert signed_in.post("/settings/sending", data=right).status_code == 303
    rules = policies.rules_of(alice.tenant_id)
    assert rules.weeks == {"sms": Week(weekdays=Hours(480, 1440))}
    assert [one.written for one in rules.calendar.own] == ["01-25", "2027-02-09"]
    assert rules.cap == Cap(5, 7)
    page = signed_in.get("/settings/sending").text
    for shown in ('value="00:00"', "25/01 Aniversário", "09/02/2027", 'value="7"'):
        assert shown in page


def test_usual_hours_are_filled_in_and_not_saved(signed_in, alice):
    page = signed_in.get("/settings/sending?fill=usual")
    assert page.status_code == 200 and 'value="21:00"' in page.text
    assert policies.rules_of(alice.tenant_id).weeks == {}
    assert signed_in.get("/settings/sending?fill=nonsense").status_code == 200


def test_the_check_says_who_waits_and_takes_the_hours_into_the_end(api, signed_in, alice, monkeypatch):
    made = contacts.create_list(alice.tenant_id, name="x")
    for number in range(30):
        contacts.create_contact(
            alice.tenant_id, made.id, name="Ana", phone=f"+55{11 if number % 3 else 68}9{number:08d}"
        )
    week = Week(*[Hours(8 * 60, 20 * 60)] * 4)
    policies.set_rules(alice.tenant_id, Rules("", {"sms": week}, Calendar(False)), by=alice.actor())
    zone = ZoneInfo("America/Sao_Paulo")
    night = (now().astimezone(zone) + timedelta(days=3)).replace(hour=3, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(pace, "now", lambda: night)
    monkeypatch.setattr(pace, "measured", lambda *_: 10.0)
    campaign_id = a_draft(api, made.id)
    check = api.post(f"/campaigns/{campaign_id}/preflight").get_json()
    assert [one["people"] for one in check["waiting"]] == [20, 10]
    assert check["waiting"][0]["until"] == night.replace(hour=8).astimezone(ZoneInfo("UTC")).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z"
    )
    assert check["finishes_at"] == night.replace(hour=10, second=1).astimezone(ZoneInfo("UTC")).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z"
    )
    assert "20 pessoas esperam até" in signed_in.get(f"/campaigns/{campaign_id}/check").text
    campaign = session().get_one(Campaign, UUID(campaign_id))
    campaign.category = "transactional"
    assert pace.waiting(campaign, pace.Counter({"11": 5})) == []
    session().rollback()


def test_a_persons_page_tells_what_they_got_and_why_not(signed_in, api, alice):
    from sintalk.contacts import opt_outs
    from tests.campaigns.test_launch import a_template

    factories.money(alice.tenant_id, 10)
    opt_outs.opt_out(alice.tenant_id, phone="+5511987654321")
    body = {
        "channel": "sms",
        "template_id": a_template(api, "Oi"),
        "recipients": [{"phone": "+5511987654321"}],
    }
    api.post("/send", body)
    part = signed_in.get("/messages/latest", query_string={"phone": "+5511987654321"}).text
    assert "pediu para não receber" in part
    assert "Nada foi enviado" in signed_in.get("/messages/latest", query_string={"phone": "\x00"}).text
    made = api.post("/contact-lists", {"name": "x"}).get_json()
    person = api.post(
        f"/contact-lists/{made['id']}/contacts", {"name": "Ana", "phone": "+5511987654321"}
    ).get_json()
    page = signed_in.get(f"/contacts/{made['id']}/people/{person['id']}").text
    assert "/messages/latest?phone=%2B5511987654321" in page


def test_nobody_sees_the_messages_of_another_company(app, api, charlie, alice):
    from tests.campaigns.test_launch import a_template

    factories.money(alice.tenant_id, 10)
    body = {
        "channel": "sms",
        "template_id": a_template(api, "Segredo"),
        "recipients": [{"phone": "+5511987654321"}],
    }
    assert api.post("/send", body).status_code == 202
    stranger = factories.browser(app, charlie)
    part = stranger.get("/messages/latest", query_string={"phone": "+5511987654321"}).text
    assert "Segredo" not in part and "Nada foi enviado" in part
