"""A campaign on one's own phone first: its content, a real person's values, priced and ruled as any message."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sintalk.campaigns import service
from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.db import now, session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from sintalk.messages.models import Notification
from tests import factories
from tests.campaigns.test_campaign_pages import draft_of, list_of, page_of, template_of


@pytest.fixture
def draft(alice):
    return draft_of(alice, list_of(alice), template_of(alice))


@pytest.fixture
def rich(alice):
    factories.money(alice.tenant_id, 10)


def written() -> list[Notification]:
    return list(session().scalars(select(Notification).order_by(Notification.id)))


def test_own_numbers_get_it_with_the_values_of_a_real_person(api, rich, draft):
    answer = api.post(f"/campaigns/{draft.id}/test", {"phones": ["(11) 98888-7777", "123"]})
    sent = answer.get_json()
    assert (answer.status_code, sent["accepted"], sent["rejected"]) == (202, 1, 1)
    assert sent["data"][1]["error_code"] == "invalid_phone"
    assert [(one.phone, one.text) for one in written() if one.status == "queued"] == [
        ("+5511988887777", "Oi Ana, tem pão hoje")
    ]
    assert sent["cost_micros"] == written()[0].price_micros > 0
    assert api.get(f"/campaigns/{draft.id}/stats").get_json()["total"] == 0


def test_who_would_not_get_it_lends_no_values(api, alice, rich, draft):
    opt_outs.opt_out(alice.tenant_id, phone="+5511987654321")
    api.post(f"/campaigns/{draft.id}/test", {"phones": ["11988887777"]})
    assert written()[0].text == "Oi Bento, tem pão hoje"


def test_with_nobody_in_the_list_the_made_up_person_stands_in(api, alice, rich):
    empty = draft_of(alice, contacts.create_list(alice.tenant_id, name="Nova"), template_of(alice))
    api.post(f"/campaigns/{empty.id}/test", {"phones": ["11988887777"]})
    assert written()[0].text == "Oi João da Silva, tem pão hoje"


def test_a_scheduled_campaign_is_tried_with_the_words_that_it_keeps(api, alice, rich):
    offer = template_of(alice)
    campaign = draft_of(alice, list_of(alice), offer)
    later = now() + timedelta(days=1)
    service.update(alice.tenant_id, campaign.id, scheduled_at=later, by=alice.actor())
    service.launch(alice.tenant_id, campaign.id, by=alice.actor())
    other = TemplateIn(name="Oferta", channel="sms", sms={"text": "Outra coisa"})
    templates.update(alice.tenant_id, offer.id, other, by=alice.actor())
    assert api.post(f"/campaigns/{campaign.id}/test", {"phones": ["11988887777"]}).status_code == 202
    assert written()[0].text == "Oi Ana, tem pão hoje"


def test_without_money_and_after_the_launch_nothing_is_tried(api, alice, draft):
    body = {"phones": ["11988887777"]}
    assert api.post(f"/campaigns/{draft.id}/test", body).get_json()["error_code"] == "insufficient_balance"
    factories.money(alice.tenant_id, 10)
    service.launch(alice.tenant_id, draft.id, by=alice.actor())
    assert api.post(f"/campaigns/{draft.id}/test", body).get_json()["error_code"] == "campaign_not_launchable"
    assert written() == []


@pytest.mark.parametrize("phones", [[], ["1"] * 6, [""], ["1" * 101], [7]])
def test_one_to_five_numbers_are_taken(api, draft, phones):
    assert api.post(f"/campaigns/{draft.id}/test", {"phones": phones}).status_code == 422


def test_the_check_step_has_a_button_for_it(signed_in, rich, draft):
    assert f"/campaigns/{draft.id}/test" in page_of(signed_in.get(f"/campaigns/{draft.id}/check"))
    answer = signed_in.post(f"/campaigns/{draft.id}/test", data={"phone": "11 98888-7777"})
    page = page_of(signed_in.get(answer.location, follow_redirects=True))
    assert (answer.status_code, "O teste está a caminho" in page) == (303, True)
    answer = signed_in.post(f"/campaigns/{draft.id}/test", data={"phone": "12"})
    assert "Este não é um telefone" in page_of(signed_in.get(answer.location, follow_redirects=True))


def test_so_has_the_page_of_a_scheduled_one(signed_in, alice, rich):
    campaign = draft_of(alice, list_of(alice), template_of(alice))
    service.update(alice.tenant_id, campaign.id, scheduled_at=now() + timedelta(days=1), by=alice.actor())
    service.launch(alice.tenant_id, campaign.id, by=alice.actor())
    where = f"/campaigns/{campaign.id}"
    assert f"{where}/test" in page_of(signed_in.get(where))
    answer = signed_in.post(f"{where}/test", data={"phone": "11 98888-7777"})
    assert "O teste está a caminho" in page_of(signed_in.get(answer.location, follow_redirects=True))
    service.cancel(alice.tenant_id, campaign.id, by=alice.actor())
    assert f"{where}/test" not in page_of(signed_in.get(where))
