"""Keys, settings, balance and messages, as people see them."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from sintalk.auth.models import ApiKey
from sintalk.db import session
from tests import factories
from tests.factories import Api

KEY = re.compile(r"stk_live_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}")


def test_a_key_is_shown_once_and_works(app: Flask, signed_in: FlaskClient) -> None:
    made = signed_in.post("/developers/keys", data={"name": "Loja", "mode": "live", "role": "member"})
    assert made.status_code == 201
    key = KEY.search(made.text)
    assert key
    assert Api(app, key[0]).get("/billing/balance").status_code == 200
    listed = signed_in.get("/developers/keys").text
    assert "Loja" in listed and not KEY.search(listed)


def test_a_revoked_key_stops_at_once(app: Flask, signed_in: FlaskClient, alice: Any) -> None:
    plain = factories.key(alice)
    row = session().query(ApiKey).one()
    signed_in.post(f"/developers/keys/{row.id}/revoke")
    assert Api(app, plain).get("/billing/balance").status_code == 401
    assert "Revogada" in signed_in.get("/developers/keys").text


def test_another_companys_key_is_not_there(signed_in: FlaskClient, charlie: Any) -> None:
    factories.key(charlie, name="Segredo do Charlie")
    row = session().query(ApiKey).one()
    assert "Segredo do Charlie" not in signed_in.get("/developers/keys").text
    assert signed_in.post(f"/developers/keys/{row.id}/revoke").status_code == 404
    session().refresh(row)
    assert row.revoked_at is None


def test_a_key_without_a_name_is_asked_for_one(signed_in: FlaskClient) -> None:
    answer = signed_in.post("/developers/keys", data={"name": "", "mode": "live", "role": "member"})
    assert answer.status_code == 422
    assert 'aria-describedby="name-hint name-error"' in answer.text
    assert session().query(ApiKey).count() == 0


def test_members_have_no_keys_and_no_settings(app: Flask, bob: Any) -> None:
    browser = factories.browser(app, bob)
    for address in ("/developers/keys", "/settings"):
        assert browser.get(address).status_code == 403
        assert browser.post(address, data={}).status_code == 403


def test_settings_change_the_company(signed_in: FlaskClient, alice: Any) -> None:
    data = {"company": "Padaria Nova", "locale": "en", "timezone": "America/Manaus"}
    assert signed_in.post("/settings", data=data).status_code == 303
    session().refresh(alice.tenant)
    assert (alice.tenant.name, alice.tenant.locale) == ("Padaria Nova", "en")
    assert "Padaria Nova" in signed_in.get("/").text


def test_a_wrong_setting_is_told_at_its_field(signed_in: FlaskClient, alice: Any) -> None:
    for wrong in ({"company": " "}, {"locale": "xx"}, {"timezone": "Mars/Base"}):
        good = {"company": "Padaria Nova", "locale": "en", "timezone": "America/Manaus"}
        answer = signed_in.post("/settings", data={**good, **wrong})
        assert answer.status_code == 422
        assert answer.text.count('aria-invalid="true"') == 1
    session().refresh(alice.tenant)
    assert alice.tenant.name == "Padaria da Alice"


def test_the_statement_has_a_line_for_every_movement(signed_in: FlaskClient, alice: Any) -> None:
    assert "Nenhum movimento ainda" in signed_in.get("/balance").text
    factories.money(alice.tenant_id, 10)
    page = signed_in.get("/balance").text
    assert "Recarga" in page and "+R$\xa010,00" in page


def test_nonsense_in_the_address_is_the_first_page(signed_in: FlaskClient) -> None:
    for query in ("?offset=abc", "?offset=-5", "?utm_source=mail", "?status=nope&campaign_id=1&phone=%00"):
        assert signed_in.get(f"/messages{query}").status_code == 200, query
        assert signed_in.get(f"/balance{query}").status_code == 200, query


def test_a_message_that_is_not_there_is_a_page_that_says_so(signed_in: FlaskClient) -> None:
    answer = signed_in.get(f"/messages/{uuid4()}")
    assert answer.status_code == 404
    assert "Não há nada aqui" in answer.text


def test_messages_of_one_campaign_say_so_and_lead_back(signed_in: FlaskClient) -> None:
    campaign = uuid4()
    page = signed_in.get(f"/messages?campaign_id={campaign}&status=sent").text
    assert f'href="/campaigns/{campaign}"' in page
    assert 'href="/messages?status=sent"' in page
    assert f'name="campaign_id" value="{campaign}"' in page
