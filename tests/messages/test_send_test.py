"""A test send from the editor: one message of the saved template to one's own number."""

from __future__ import annotations

import pytest
from flask import Flask

from sintalk.billing import service as billing
from sintalk.db import session
from sintalk.message_templates import service as templates
from sintalk.message_templates.schemas import TemplateIn
from sintalk.messages.models import Notification
from tests import factories
from tests.message_templates.template_contents import sms, text_message


@pytest.fixture
def template(alice):
    body = TemplateIn(**sms("Oi {{nome}} de {{Cidade}}, {{Pedido|nada}}"))
    return templates.create(alice.tenant_id, body, by=alice.actor())


def test_a_test_goes_out_with_the_values_of_the_made_up_person(signed_in, alice, template):
    billing.top_up(alice.tenant_id, 10 * factories.BRL, key="start", memo="")
    sent = {"template_id": str(template.id), "phone": "(11) 98888-7777"}
    answer = signed_in.post("/messages/test", data=sent)
    found = session().query(Notification).one()
    assert answer.status_code == 303
    assert answer.location == f"/messages/{found.id}"
    assert (found.phone, found.text) == ("+5511988887777", "Oi João da Silva de Cidade, nada")


@pytest.mark.parametrize("phone", ["", "123", "x" * 200, "(11) 3333-4444"])
def test_a_number_that_cannot_get_it_is_told_and_costs_nothing(signed_in, alice, template, phone):
    billing.top_up(alice.tenant_id, 10 * factories.BRL, key="start", memo="")
    answer = signed_in.post("/messages/test", data={"template_id": str(template.id), "phone": phone})
    assert answer.location == f"/templates/{template.id}"
    assert session().query(Notification).filter_by(status="queued").count() == 0


def test_without_money_nothing_goes_out(signed_in, template):
    sent = {"template_id": str(template.id), "phone": "11988887777"}
    assert signed_in.post("/messages/test", data=sent).location == f"/templates/{template.id}"
    assert session().query(Notification).count() == 0


def test_another_company_s_template_is_not_there(app: Flask, charlie, template):
    stranger = factories.browser(app, charlie)
    for template_id in (str(template.id), "nonsense", ""):
        sent = {"template_id": template_id, "phone": "11988887777"}
        assert stranger.post("/messages/test", data=sent).status_code == 404


def test_the_editors_offer_it_once_a_template_is_saved(signed_in, alice, template):
    rcs = templates.create(alice.tenant_id, TemplateIn(**text_message()), by=alice.actor())
    for made in (template, rcs):
        assert b'id="test-send"' in signed_in.get(f"/templates/{made.id}").data
    assert b'id="test-send"' not in signed_in.get("/templates/rcs/new").data
