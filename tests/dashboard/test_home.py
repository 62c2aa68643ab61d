from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sintalk.billing import service as billing
from sintalk.contacts import service as contacts
from sintalk.contacts.models import ContactList
from sintalk.dashboard import demo, service
from sintalk.db import session
from sintalk.message_templates import service as templates
from sintalk.messages import service as messages
from tests import factories


def test_an_empty_company_is_told_what_to_do_first(signed_in: FlaskClient) -> None:
    page = signed_in.get("/").text
    assert "Primeiros passos" in page
    assert "Traga os seus contatos" in page
    assert "Nada está sendo enviado agora." in page


def test_the_demo_gives_money_people_and_a_template_of_each_channel(app: Flask, alice: Any) -> None:
    assert demo.seed(alice.tenant_id) is True
    assert billing.balance(alice.tenant_id).available == 1_000 * factories.BRL
    sample = session().scalars(contacts.lists_of(alice.tenant_id)).one()
    assert sample.contact_count == len(demo.SAMPLE.read_bytes().splitlines()) - 1
    rows = session().scalars(templates.templates_of(alice.tenant_id)).all()
    assert {template.channel for template in rows} == {"sms", "rcs", "voice"}


def test_the_demo_comes_once(app: Flask, alice: Any) -> None:
    demo.seed(alice.tenant_id)
    assert demo.seed(alice.tenant_id) is False
    assert billing.balance(alice.tenant_id).available == 1_000 * factories.BRL
    assert len(session().scalars(contacts.lists_of(alice.tenant_id)).all()) == 1


def test_the_demo_of_one_company_is_not_the_others(app: Flask, alice: Any, charlie: Any) -> None:
    demo.seed(alice.tenant_id)
    assert billing.balance(charlie.tenant_id).available == 0
    assert not service.first_steps(charlie.tenant_id).people
    assert service.first_steps(alice.tenant_id).people


def test_an_empty_list_is_no_first_step(app: Flask, alice: Any) -> None:
    contacts.create_list(alice.tenant_id, name="Vazia")
    assert not service.first_steps(alice.tenant_id).people
    assert session().query(ContactList).count() == 1


def test_the_balance_stands_on_every_page(app: Flask, alice: Any, signed_in: FlaskClient) -> None:
    factories.money(alice.tenant_id, 1234.5)
    for address in ("/", "/balance", "/messages", "/settings"):
        assert "R$\xa01.234,50" in signed_in.get(address).text


def test_the_moving_part_is_a_fragment(signed_in: FlaskClient) -> None:
    answer = signed_in.get("/home/running", headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<section class="card" id="running"')
    assert "<html" not in answer.text


def test_the_balance_can_be_asked_for_alone(app: Flask, alice: Any, signed_in: FlaskClient) -> None:
    factories.money(alice.tenant_id, 5)
    answer = signed_in.get("/home/balance", headers={"HX-Request": "true"})
    assert "R$\xa05,00" in answer.text
    assert "<html" not in answer.text


def test_the_last_30_days_are_all_there_in_the_tenants_time(app: Flask, alice: Any) -> None:
    messages.open_dispatch(alice.tenant_id, campaign_id=None, channel="sms", carrier="simulator")
    days = service.by_day(alice.tenant_id, "America/Noronha")
    assert len(days) == 30
    assert days[-1].date == datetime.now(ZoneInfo("America/Noronha")).date()
    assert [day.total for day in days] == [0] * 30
    assert service.outcomes(alice.tenant_id)["delivered"] == 0


@pytest.mark.parametrize(
    ("page", "entry"),
    [
        ("/campaigns/new", "/campaigns"),
        ("/templates/voice/new", "/templates"),
        ("/settings/sending", "/settings"),
        ("/settings/reply-words", "/settings"),
    ],
)
def test_a_page_below_another_marks_its_entry_in_the_menu(
    signed_in: FlaskClient, page: str, entry: str
) -> None:
    assert f'href="{entry}" aria-current="true"' in signed_in.get(page).text
