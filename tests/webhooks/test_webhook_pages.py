"""Webhooks for people who would rather click than curl."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from sintalk.db import session
from sintalk.webhooks import delivering, service
from sintalk.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import factories

HOOK = {"url": "https://shop.example.com/hook", "events": ["notification.status", "balance.low"]}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{20,}")
INDEX = "/developers/webhooks"


@pytest.fixture
def endpoint(alice):
    return service.create(alice.tenant_id, **HOOK, by=alice.actor())


def test_a_webhook_is_made_and_its_secret_shown_once(signed_in, alice):
    made = signed_in.post(INDEX, data={**HOOK, "description": "Loja"})
    row = session().scalars(select(WebhookEndpoint)).one()
    assert made.status_code == 201 and SECRET.search(made.text)[0] == row.secret
    assert (row.tenant_id, row.url, row.events) == (alice.tenant_id, HOOK["url"], sorted(HOOK["events"]))
    for page in (INDEX, f"{INDEX}/{row.id}"):
        text = signed_in.get(page).text
        assert HOOK["url"] in text and "Loja" in text and not SECRET.search(text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://shop.example.com"}, "https://"),
        ({"url": "https://10.0.0.1/"}, "rede pública"),
        ({"url": ""}, "Preencha"),
        ({"events": []}, "field-error"),
        ({"events": ["everything"]}, "opções"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(signed_in, wrong, said):
    answer = signed_in.post(INDEX, data={**HOOK, **wrong})
    assert answer.status_code == 422 and said in answer.text
    assert session().scalar(select(WebhookEndpoint)) is None


def test_the_eleventh_is_refused_in_words(signed_in, alice):
    for number in range(service.MOST):
        service.create(
            alice.tenant_id, url=f"https://s{number}.example.com/", events=["balance.low"], by=alice.actor()
        )
    answer = signed_in.post(INDEX, data=HOOK)
    assert answer.status_code == 409 and "dez" in answer.text


def test_a_test_event_is_told_with_its_request_and_its_answer_and_sent_again(signed_in, shop, alice):
    endpoint = service.create(alice.tenant_id, url=shop.url, events=["balance.low"], by=alice.actor())
    shop.answer = b"we took it"
    sent = signed_in.post(f"{INDEX}/{endpoint.id}/test")
    assert sent.status_code == 303
    page = sent.location
    assert "alguns segundos" in signed_in.get(page).text
    delivering.deliver()
    told = signed_in.get(page).text
    assert "we took it" in told and ">200<" in told.replace("\n", "") and "webhook.test" in told
    assert signed_in.post(f"{page}/replay").status_code == 303
    delivering.deliver()
    assert [got.id for got in shop.got] == [shop.got[0].id] * 2
    assert "Tentativa 2" in signed_in.get(page).text or "Tentativa 1" in signed_in.get(page).text


def test_it_is_paused_switched_on_given_a_new_secret_and_deleted(signed_in, endpoint):
    page, old = f"{INDEX}/{endpoint.id}", endpoint.secret
    signed_in.post(f"{page}/pause")
    assert "Em pausa" in signed_in.get(page).text
    signed_in.post(f"{page}/resume")
    assert "Em pausa" not in signed_in.get(page).text
    shown = SECRET.search(signed_in.post(f"{page}/rotate-secret").text)[0]
    session().refresh(endpoint)
    assert shown == endpoint.secret != old == endpoint.previous_secret
    signed_in.post(f"{page}/delete")
    assert signed_in.get(page).status_code == 404 and HOOK["url"] not in signed_in.get(INDEX).text


def test_members_and_other_companies_see_none_of_it(app, alice, bob, charlie, endpoint):
    sent = service.send_test(alice.tenant_id, endpoint.id, by=alice.actor())
    pages = [f"{INDEX}/{endpoint.id}", f"{INDEX}/{endpoint.id}/deliveries/{sent.id}"]
    acts = [f"{pages[0]}/{verb}" for verb in ("test", "pause", "resume", "rotate-secret", "delete")] + [
        f"{pages[1]}/replay"
    ]
    strangers, members = factories.browser(app, charlie), factories.browser(app, bob)
    for page in pages:
        assert strangers.get(page).status_code == 404 and members.get(page).status_code == 403
    for act in acts:
        assert strangers.post(act).status_code == 404 and members.post(act).status_code == 403
    assert members.get(INDEX).status_code == 403
    assert strangers.get(f"{INDEX}/{uuid4()}").status_code == 404
    assert session().get(WebhookDelivery, sent.id).attempts == 0
