"""Who runs the installation: companies, their money, their first owners."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from sintalk import checks
from sintalk.accounts.models import Tenant
from sintalk.billing import service as billing
from sintalk.db import session
from tests import factories
from tests.factories import BRL, PASSWORD

LINK = re.compile(r"https?://[^\"<\s]+(/invitation/[\w-]{43})")
NEW = {"name": "Mercado do Zé", "owner_name": "Zé", "owner_email": "ze@mercado.example"}


@pytest.fixture
def olga(app, alice):
    """A browser of who runs the installation."""
    return factories.browser(app, factories.owner("olga@example.com", "Sintalk", platform_admin=True))


def key_of(page: str) -> str:
    return re.search(r'name="key"[^>]*value="([^"]+)"', page)[1]


def test_a_company_is_made_and_its_owner_comes_in(olga, client):
    made = olga.post("/platform/tenants", data=NEW)
    assert made.status_code == 201
    link = LINK.search(made.text)[1]
    assert client.post(link, data={"name": "Zé", "password": PASSWORD}).status_code == 303
    assert "Mercado do Zé" in client.get("/").text and "Plataforma" not in client.get("/").text
    listed = olga.get("/platform/tenants").text
    assert "Mercado do Zé" in listed and "Padaria da Alice" in listed


def test_a_company_without_a_possible_owner_is_not_made(olga):
    for wrong in (
        {"owner_email": "alice@example.com"},
        {"owner_email": "x"},
        {"name": " "},
        {"owner_name": " "},
    ):
        assert olga.post("/platform/tenants", data={**NEW, **wrong}).status_code == 422
    assert session().scalar(select(Tenant).where(Tenant.name == NEW["name"])) is None


def test_money_is_put_in_once_for_a_page_however_often_it_is_pressed(olga, alice):
    path = f"/platform/tenants/{alice.tenant_id}"
    wish = {"amount": "1.250,50", "reason": "Pix de hoje", "key": key_of(olga.get(path).text)}
    for _ in range(2):
        assert olga.post(f"{path}/credits", data=wish).status_code == 303
    assert billing.balance(alice.tenant_id).available == 1_250_500_000
    assert "1.250,50" in olga.get(path).text
    olga.post(f"{path}/credits", data={**wish, "key": key_of(olga.get(path).text), "amount": "1"})
    assert billing.balance(alice.tenant_id).available == 1_250_500_000 + BRL
    assert checks.run() == []


@pytest.mark.parametrize("amount", ["", "abc", "-5", "0", "0,001", "1e99", "99999999999999", "NaN", "1,2,3"])
def test_what_is_no_amount_puts_nothing_in(olga, alice, amount):
    path = f"/platform/tenants/{alice.tenant_id}"
    answer = olga.post(f"{path}/credits", data={"amount": amount, "reason": "x", "key": "k"})
    assert answer.status_code == 422 and billing.balance(alice.tenant_id).available == 0


def test_how_fast_a_company_may_send_is_set_and_lifted(olga, alice):
    path = f"/platform/tenants/{alice.tenant_id}"
    assert olga.post(f"{path}/rates", data={"sms": "0,5", "rcs": "1.000", "voice": ""}).status_code == 303
    tenant = session().get_one(Tenant, alice.tenant_id, populate_existing=True)
    assert tenant.rates == {"sms": 0.5, "rcs": 1000}
    assert 'value="0,5"' in olga.get(path).text
    for wrong in ("abc", "0", "-1", "1e9", "NaN"):
        assert olga.post(f"{path}/rates", data={"sms": wrong}).status_code == 422
    assert olga.post(f"{path}/rates", data={"sms": "", "rcs": "20"}).status_code == 303
    assert session().get_one(Tenant, alice.tenant_id, populate_existing=True).rates == {"rcs": 20}


def test_a_lost_link_is_made_anew(olga, client, alice):
    first = LINK.search(olga.post("/platform/tenants", data=NEW).text)[1]
    tenant = session().scalar(select(Tenant).where(Tenant.name == NEW["name"]))
    again = olga.post(f"/platform/tenants/{tenant.id}/owners", data=NEW)
    assert (client.get(first).status_code, client.get(LINK.search(again.text)[1]).status_code) == (404, 200)


def test_nobody_else_sees_any_of_it(signed_in, alice):
    path = f"/platform/tenants/{alice.tenant_id}"
    assert "/platform" not in signed_in.get("/").text
    for page in ("/platform/tenants", path):
        assert signed_in.get(page).status_code == 403
    for act in ("/platform/tenants", f"{path}/credits", f"{path}/owners", f"{path}/rates"):
        assert signed_in.post(act, data={**NEW, "amount": "5", "reason": "x", "key": "k"}).status_code == 403
    assert billing.balance(alice.tenant_id).available == 0
