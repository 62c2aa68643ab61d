"""What the check says is what the launch then does, to the cent and for any size."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from sintalk import checks
from sintalk.campaigns import jobs, preflight
from sintalk.campaigns.models import CampaignCount
from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.db import atomic, session
from sintalk.messages.models import Notification
from tests.campaigns.test_campaign_pages import page_of, seal_of
from tests.campaigns.test_launch import a_list, a_template
from tests.factories import BRL, Api, money
from tests.pipeline import PRICE

#: Names that make a message long, short, empty, of another alphabet, or left out.
NASTY = (
    *("Ana", "João", "Zoë", "Łukasz", "😀" * 30, "x" * 200, "€" * 100, "{{nome}}", "a\tb", "ß" * 70),
    *("[~]" * 60, "–" * 67, "O'Neil; DROP", "中文" * 40, " . "),
)
TEMPLATES = (
    "Oi {{nome}}!",
    "{{nome}}" + "y" * 150,
    "Oi {{nome}}, {{cidade}}",
    "{{cidade|aqui}} {{nome}} " + "ã" * 60,
    "{{cidade}}",
)


def a_nasty_list(tenant_id: UUID, size: int, seed: int) -> UUID:
    """People of every kind: landlines, no phone, opted out, without values, with odd names."""
    chance = random.Random(seed)
    made = contacts.create_list(tenant_id, name="x")
    for number in range(size):
        phone = chance.choice(
            [f"+55119{seed % 1000:03d}{number:05d}", f"+55113{seed % 100:02d}{number:05d}", None]
        )
        city = chance.choice(
            [{}, {"Cidade": "São Paulo"}, {"Cidade": "" if chance.random() < 0.5 else "Rio" * 90}]
        )
        contacts.create_contact(tenant_id, made.id, name=chance.choice(NASTY), phone=phone, attributes=city)
        if phone and chance.random() < 0.2:
            opt_outs.opt_out(tenant_id, phone=phone, channel=chance.choice([None, "sms", "voice"]))
    return made.id


def a_draft(api: Api, list_id: object, words: str = "Oi {{nome}}", **wishes: object) -> str:
    body = {
        "name": "x",
        "channel": "sms",
        "template_id": a_template(api, words),
        "contact_list_id": str(list_id),
    }
    made = api.post("/campaigns", {**body, **wishes})
    assert made.status_code == 201, made.get_json()
    return made.get_json()["id"]


def counted(api: Api, campaign_id: str) -> dict:
    """The finished pre-flight, however large."""
    for _ in range(50):
        answer = api.post(f"/campaigns/{campaign_id}/preflight")
        if answer.status_code == 200:
            assert answer.get_json()["status"] == "completed"
            return answer.get_json()
        assert (answer.status_code, answer.get_json()["status"]) == (202, "counting")
        jobs.count(campaign_id)
    raise AssertionError("never counted")


def launched(api: Api, campaign_id: str) -> dict:
    """What the launch made of it, in the words of the pre-flight."""
    assert api.post(f"/campaigns/{campaign_id}/launch").status_code == 202
    jobs.expand(campaign_id)
    stats = api.get(f"/campaigns/{campaign_id}/stats").get_json()
    rows = session().execute(
        text("""SELECT coalesce(error_code, '') AS reason, n.segments FROM notifications n
                  JOIN dispatches d ON d.id = n.dispatch_id WHERE d.campaign_id = :id"""),
        {"id": campaign_id},
    )
    left_out: dict[str, int] = {}
    parts = []
    for row in rows:
        if row.reason:
            left_out[row.reason] = left_out.get(row.reason, 0) + 1
        else:
            parts.append(row.segments)
    return {
        "people": stats["queued"],
        "left_out": left_out,
        "price_micros": stats["reserved_micros"],
        "segments_min": min(parts, default=0),
        "segments_max": max(parts, default=0),
    }


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    case=st.tuples(st.integers(1, 40), st.integers(0, 10**6), st.sampled_from(TEMPLATES)),
    at_once=st.sampled_from([0, 10_000]),
    leaves_out=st.booleans(),
)
def test_whatever_the_list_the_launch_does_what_the_check_said(case, at_once, leaves_out, request):
    """Counted while one waits and counted in the background alike."""
    api, tenant, monkeypatch = map(request.getfixturevalue, ("api", "tenant", "monkeypatch"))
    size, seed, words = case
    money(tenant.id, 1_000)
    monkeypatch.setattr(preflight, "AT_ONCE", at_once)
    monkeypatch.setattr(preflight, "CHUNK", 7)
    list_id = a_nasty_list(tenant.id, size, seed)
    excluded = [a_list(api, [("x", f"+55119{seed % 1000:03d}00001")])] if leaves_out else []
    campaign_id = a_draft(api, list_id, words, exclude_list_ids=excluded)
    said = counted(api, campaign_id)
    did = launched(api, campaign_id)
    assert {name: said[name] for name in did} == did
    assert said["people"] + sum(said["left_out"].values()) == size


def test_figures_of_a_small_list(api, tenant):
    money(tenant.id, 1)
    people = [("Ana", "11 99999-1111"), ("x" * 160, "11 99999-2222"), ("Bia", None), ("Caio", "11 3333-4444")]
    campaign_id = a_draft(api, a_list(api, people), "Oi {{nome}}")
    said = counted(api, campaign_id)
    assert (said["people"], said["left_out"]) == (2, {"no_phone": 1, "not_mobile": 1})
    assert (said["segments_min"], said["segments_median"], said["segments_max"]) == (1, 1, 2)
    assert said["longest"]["text"] == "Oi " + "x" * 160
    assert said["price_micros"] == 3 * PRICE
    assert said["available_after_micros"] == BRL - 3 * PRICE
    assert {sample["name"] for sample in said["samples"]} == {"Ana", "x" * 160}
    assert said["missing_micros"] == 0


def test_what_is_missing_is_said_and_nothing_has_changed(api, tenant):
    campaign_id = a_draft(api, a_list(api, [("Ana", "11 99999-1111")]))
    said = counted(api, campaign_id)
    assert said["missing_micros"] == PRICE
    assert api.get(f"/campaigns/{campaign_id}").get_json()["status"] == "draft"


def test_who_is_left_out_does_not_stand_in_the_way_of_the_rest(api, tenant):
    """Ten people, of whom nine opted out: money for one is enough."""
    money(tenant.id, PRICE / BRL)
    people = [(f"P{n}", f"11 9{n:04d}-1111") for n in range(10)]
    list_id = a_list(api, people)
    for number in range(9):
        opt_outs.opt_out(tenant.id, phone=f"+55119{number:04d}1111")
    campaign_id = a_draft(api, list_id)
    said = counted(api, campaign_id)
    assert (said["people"], said["missing_micros"]) == (1, 0)
    assert launched(api, campaign_id)["price_micros"] == said["price_micros"]


def test_a_large_audience_is_counted_in_turns_and_a_cut_costs_nothing(api, tenant, monkeypatch):
    monkeypatch.setattr(preflight, "AT_ONCE", 5)
    monkeypatch.setattr(preflight, "CHUNK", 4)
    campaign_id = a_draft(api, a_list(api, [(f"P{n}", f"11 9{n:04d}-1111") for n in range(18)]))
    first = api.post(f"/campaigns/{campaign_id}/preflight")
    assert (first.status_code, first.get_json()["progress"]) == (202, 0.0)

    original, pages = preflight._count_page, []

    def die_at_the_third(*args):
        original(*args)
        pages.append(1)
        if len(pages) == 3:
            raise KeyboardInterrupt  # after the page is counted, before its commit

    with monkeypatch.context() as patched:
        patched.setattr(preflight, "_count_page", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            jobs.count(campaign_id)
    midway = api.post(f"/campaigns/{campaign_id}/preflight").get_json()
    assert (midway["people"], midway["price_micros"]) == (8, 8 * PRICE)
    assert preflight.to_count() == [UUID(campaign_id)]
    jobs.count(campaign_id)
    done = api.post(f"/campaigns/{campaign_id}/preflight")
    assert (done.status_code, done.get_json()["people"]) == (200, 18)
    assert preflight.to_count() == []


@pytest.mark.parametrize("change", ["add", "edit", "remove", "template", "price", "excluded"])
def test_whatever_would_make_a_count_wrong_breaks_its_seal(api, tenant, monkeypatch, change):
    monkeypatch.setattr(preflight, "AT_ONCE", 0)
    list_id, other = a_list(api, [("Ana", "11 99999-1111"), ("Bia", "11 99999-2222")]), a_list(api, [])
    campaign_id = a_draft(api, list_id, exclude_list_ids=[other])
    counted(api, campaign_id)
    path = f"/contact-lists/{list_id}/contacts"
    contact = api.get(path).get_json()["data"][0]
    if change == "add":
        api.post(path, {"name": "Caio", "phone": "11 99999-3333"})
    elif change == "edit":
        api.put(f"{path}/{contact['id']}", {"name": "x" * 200, "phone": contact["phone"], "email": None})
    elif change == "remove":
        api.delete(f"{path}/{contact['id']}")
    elif change == "template":
        template_id = api.get(f"/campaigns/{campaign_id}").get_json()["template_id"]
        api.put(f"/templates/{template_id}", {"name": "x", "channel": "sms", "sms": {"text": "y" * 200}})
    elif change == "price":
        with atomic() as current:
            current.execute(
                text("INSERT INTO prices (tenant_id, unit, micros) VALUES (:id, 'sms', 1)"), {"id": tenant.id}
            )
    else:
        api.post(f"/contact-lists/{other}/contacts", {"name": "Ana", "phone": "11 99999-1111"})
    assert api.post(f"/campaigns/{campaign_id}/preflight").status_code == 202
    money(tenant.id, 10)
    said = counted(api, campaign_id)
    did = launched(api, campaign_id)
    assert {name: said[name] for name in did} == did


def test_counting_keeps_one_row_a_campaign_and_forgets_it(api, tenant, monkeypatch):
    monkeypatch.setattr(preflight, "AT_ONCE", 0)
    campaign_id = a_draft(api, a_list(api, [("Ana", "11 99999-1111")]))
    for name in ("Bia", "Caio"):
        counted(api, campaign_id)
        list_id = api.get(f"/campaigns/{campaign_id}").get_json()["contact_list_id"]
        api.post(f"/contact-lists/{list_id}/contacts", {"name": name, "phone": None})
    assert len(session().scalars(select(CampaignCount)).all()) == 1
    with atomic() as current:
        current.execute(text("UPDATE campaign_counts SET started_at = now() - interval '2 days'"))
    preflight.forget_old()
    assert session().scalars(select(CampaignCount)).all() == []


def test_after_its_launch_there_is_nothing_to_check(api, tenant):
    money(tenant.id, 1)
    campaign_id = a_draft(api, a_list(api, [("Ana", "11 99999-1111")]))
    api.post(f"/campaigns/{campaign_id}/launch")
    answer = api.post(f"/campaigns/{campaign_id}/preflight")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "campaign_not_launchable")


def test_the_page_counts_before_it_offers_the_button(api, alice, signed_in, monkeypatch):
    money(alice.tenant_id, 10)
    monkeypatch.setattr(preflight, "AT_ONCE", 1)
    campaign_id = a_draft(api, a_list(api, [("Ana", "11 99999-1111"), ("Bia", "11 99999-2222")]))
    page = page_of(signed_in.get(f"/campaigns/{campaign_id}/check"))
    assert "data-poll" in page and 'name="seal"' not in page
    jobs.count(campaign_id)
    part = page_of(signed_in.get(f"/campaigns/{campaign_id}/count"))
    assert "data-poll" not in part
    assert "2 pessoas por R$\xa00,16" in part
    sent = signed_in.post(f"/campaigns/{campaign_id}/launch", data={"seal": seal_of(part)})
    assert sent.location.endswith(campaign_id)
    assert api.get(f"/campaigns/{campaign_id}").get_json()["status"] == "launching"


def test_a_follow_up_is_checked_and_its_people_are_fixed_when_it_goes(api, tenant):
    """Receipts that come after the launch change nothing about who gets it."""
    money(tenant.id, 10)
    parent = a_draft(api, a_list(api, [(f"P{n}", f"11 9{n:04d}-1111") for n in range(6)]))
    launched(api, parent)
    _stand(parent, {0: "delivered", 1: "read", 2: "not_delivered", 3: "error"})
    body = {"parent_campaign_id": parent, "follow_up_on_status": "delivered"}
    follow_up = a_follow_up(api, **body)
    said = counted(api, follow_up)
    assert (said["people"], said["price_micros"]) == (2, 2 * PRICE)

    assert api.post(f"/campaigns/{follow_up}/launch").status_code == 202
    _stand(parent, {0: "not_delivered", 4: "delivered"})
    jobs.expand(follow_up)
    rows = api.get("/notifications", campaign_id=follow_up).get_json()["data"]
    assert sorted(row["phone"] for row in rows) == ["+5511900001111", "+5511900011111"]
    assert checks_but_for_made_up_rows() == []


def test_each_outcome_has_its_own_people(api, tenant):
    money(tenant.id, 10)
    parent = a_draft(api, a_list(api, [(f"P{n}", f"11 9{n:04d}-1111") for n in range(6)]))
    launched(api, parent)
    _stand(parent, {0: "delivered", 1: "read", 2: "not_delivered", 3: "error", 4: "sent"})
    for status, people in {"delivered": 2, "not_delivered": 1, "error": 1, "sent": 1}.items():
        follow_up = a_follow_up(api, parent_campaign_id=parent, follow_up_on_status=status)
        assert counted(api, follow_up)["people"] == people, status


def test_who_was_deleted_since_is_not_followed(api, tenant):
    money(tenant.id, 10)
    list_id = a_list(api, [("Ana", "11 90000-1111"), ("Bia", "11 90001-1111")])
    parent = a_draft(api, list_id)
    launched(api, parent)
    _stand(parent, {0: "delivered", 1: "delivered"})
    contact = api.get(f"/contact-lists/{list_id}/contacts", search="Ana").get_json()["data"][0]
    api.delete(f"/contact-lists/{list_id}/contacts/{contact['id']}")
    follow_up = a_follow_up(api, parent_campaign_id=parent, follow_up_on_status="delivered")
    said = counted(api, follow_up)
    assert (said["people"], said["left_out"]) == (1, {"contact_deleted": 1})
    did = launched(api, follow_up)
    assert {name: said[name] for name in did} == did


def test_a_follow_up_of_what_was_never_launched_has_nobody(api, tenant):
    money(tenant.id, 10)
    parent = a_draft(api, a_list(api, [("Ana", "11 90000-1111")]))
    follow_up = a_follow_up(api, parent_campaign_id=parent, follow_up_on_status="delivered")
    answer = api.post(f"/campaigns/{follow_up}/launch")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "empty_audience")


def test_an_outcome_without_its_campaign_names_nobody(api):
    body = {"name": "x", "channel": "sms", "template_id": a_template(api), "follow_up_on_status": "sent"}
    faults = api.post("/campaigns", body).get_json()["details"]
    assert [(one["field"], one["code"]) for one in faults] == [("parent_campaign_id", "required")]
    del body["follow_up_on_status"]
    faults = api.post("/campaigns", body).get_json()["details"]
    assert [(one["field"], one["code"]) for one in faults] == [("contact_list_id", "required")]


def a_follow_up(api: Api, **body: object) -> str:
    wishes = {"name": "y", "channel": "sms", "template_id": a_template(api, "De novo, {{nome}}"), **body}
    made = api.post("/campaigns", wishes)
    assert made.status_code == 201, made.get_json()
    return made.get_json()["id"]


def _stand(campaign_id: str, statuses: dict[int, str]) -> None:
    """As if receipts had said so: message number -> status, and the counters with them."""
    with atomic() as current:
        rows = current.scalars(
            select(Notification)
            .where(text("dispatch_id = (SELECT id FROM dispatches WHERE campaign_id = :id)"))
            .params(id=campaign_id)
            .order_by(Notification.phone)
        ).all()
        for number, status in statuses.items():
            before, rows[number].status = rows[number].status, status
            current.flush()
            current.execute(
                text(
                    f"UPDATE dispatches SET {before} = {before} - 1, {status} = {status} + 1"
                    " WHERE campaign_id = :id"
                ),
                {"id": campaign_id},
            )


def checks_but_for_made_up_rows() -> list[str]:
    """The invariants of counters and money held; what rows were charged is made up here."""
    made_up = ("an SMS costs", "what a settled chunk")
    return [one.sentence for one in checks.run() if not one.sentence.startswith(made_up)]
