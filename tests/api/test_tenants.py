"""Companies and their money, for platform admins."""

from __future__ import annotations

import uuid

import pytest

from sintalk import checks
from tests import factories
from tests.factories import BRL, Api


@pytest.fixture
def olga(app, alice):
    """Who runs the installation."""
    return factories.owner("olga@example.com", "Sintalk", platform_admin=True)


@pytest.fixture
def platform(app, olga) -> Api:
    return Api(app, factories.key(olga))


def faults(answer) -> dict[str, str]:
    return {fault["field"]: fault["code"] for fault in answer.get_json()["details"]}


def test_a_platform_admin_makes_companies_and_sees_all_of_them(platform, alice):
    made = platform.post("/tenants", {"name": "Mercado do Zé"})
    assert made.status_code == 201
    tenant = made.get_json()
    assert (tenant["name"], tenant["locale"], tenant["currency"]) == ("Mercado do Zé", "pt_BR", "BRL")
    assert tenant.pop("invitation") is None
    assert platform.get(f"/tenants/{tenant['id']}").get_json() == tenant
    names = [row["name"] for row in platform.get("/tenants").get_json()["data"]]
    assert names == ["Mercado do Zé", "Sintalk", "Padaria da Alice"]


def test_faults_of_a_company_are_told_at_their_fields(platform):
    answer = platform.post("/tenants", {"name": " ", "locale": "xx", "timezone": "Mars/Olympus"})
    assert answer.status_code == 422
    assert faults(answer) == {"name": "too_short", "locale": "not_allowed", "timezone": "not_allowed"}


def test_nobody_else_sees_makes_or_pays_companies(api, alice, charlie):
    key = {"Idempotency_Key": "k"}
    body = {"amount_micros": BRL, "reason": "x"}
    for whose in (alice.tenant_id, charlie.tenant_id, uuid.uuid4()):
        assert api.get(f"/tenants/{whose}").status_code == 403
        assert api.post(f"/tenants/{whose}/credits", body, **key).status_code == 403
        assert api.post(f"/tenants/{whose}/credits", body).status_code == 403
    assert api.get("/tenants").status_code == 403
    assert api.post("/tenants", {"name": "x"}).status_code == 403
    assert api.get("/billing/balance").get_json()["available"] == 0


def test_a_members_key_of_the_platforms_company_is_nobody_special(app, olga, alice):
    member = Api(app, factories.key(olga, role="member"))
    assert member.get("/tenants").status_code == 403


def test_a_credit_stands_in_the_balance_and_in_the_statement(platform, api, alice):
    answer = platform.post(
        f"/tenants/{alice.tenant_id}/credits",
        {"amount_micros": 50 * BRL, "reason": "Pix"},
        Idempotency_Key="p1",
    )
    assert answer.status_code == 201
    assert answer.get_json()["available"] == 50 * BRL
    assert platform.get("/billing/balance", tenant_id=alice.tenant_id).get_json()["available"] == 50 * BRL
    (movement,) = api.get("/billing/statement").get_json()["data"]
    assert (movement["kind"], movement["amount_micros"], movement["memo"]) == ("credit", 50 * BRL, "Pix")
    assert checks.run() == []


def test_money_moves_only_with_an_idempotency_key_and_once_for_it(platform, alice):
    path, body = f"/tenants/{alice.tenant_id}/credits", {"amount_micros": BRL, "reason": "Pix"}
    refused = platform.post(path, body)
    assert (refused.status_code, faults(refused)) == (422, {"Idempotency-Key": "required"})
    first = platform.post(path, body, Idempotency_Key="p1")
    again = platform.post(path, body, Idempotency_Key="p1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true" and again.get_json() == first.get_json()
    assert platform.get("/billing/balance", tenant_id=alice.tenant_id).get_json()["available"] == BRL


def test_a_key_never_pays_twice_even_when_its_answer_is_forgotten(platform, alice):
    from sintalk.db import atomic
    from sintalk.web.idempotency import IdempotencyKey

    path, body = f"/tenants/{alice.tenant_id}/credits", {"amount_micros": BRL, "reason": "Pix"}
    platform.post(path, body, Idempotency_Key="p1")
    with atomic() as session:
        session.query(IdempotencyKey).delete()
    late = platform.post(path, body, Idempotency_Key="p1")
    assert (late.status_code, late.get_json()["error_code"]) == (409, "idempotency_key_reused")
    assert platform.get("/billing/balance", tenant_id=alice.tenant_id).get_json()["available"] == BRL


def test_a_company_that_does_not_exist_is_not_found(platform):
    nobody = uuid.uuid4()
    assert platform.get(f"/tenants/{nobody}").status_code == 404
    body = {"amount_micros": BRL, "reason": "x"}
    assert platform.post(f"/tenants/{nobody}/credits", body, Idempotency_Key="k").status_code == 404
    assert platform.get("/billing/balance", tenant_id=nobody).status_code == 404


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1", None, 10**16])
def test_only_whole_positive_amounts_are_credits(platform, alice, amount):
    body = {"amount_micros": amount, "reason": "x"}
    assert platform.post(f"/tenants/{alice.tenant_id}/credits", body, Idempotency_Key="k").status_code == 422
