"""Companies and their money, for platform admins."""

from __future__ import annotations

import uuid

import pytest

from sintalk import checks
from sintalk.billing import ledger
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


@pytest.fixture
def charged(alice):
    """A hold of this company of which one real was charged and one given back."""
    subject = uuid.uuid4()
    factories.money(alice.tenant_id, 10)
    hold = ledger.reserve(alice.tenant_id, subject, 2 * BRL, unit="sms", memo="Natal")
    ledger.settle(alice.tenant_id, subject, capture=BRL, release=BRL, key="x")
    return str(hold.id)


def test_what_was_charged_is_refunded_and_no_more(platform, api, alice, charged):
    lines = api.get("/billing/statement").get_json()["data"]
    assert {line["reference_id"] for line in lines if line["kind"] != "credit"} == {charged}
    path, body = f"/tenants/{alice.tenant_id}/refunds", {"reference_id": charged, "reason": "Link errado"}
    made = platform.post(path, {**body, "amount_micros": BRL - 1}, Idempotency_Key="r1")
    assert (made.status_code, made.get_json()["available"]) == (201, 10 * BRL - 1)
    line = api.get("/billing/statement").get_json()["data"][0]
    assert (line["kind"], line["amount_micros"], line["memo"]) == ("refund", BRL - 1, "Link errado")
    for amount, status, key, code in (
        (2, 409, "r2", "refund_exceeds_charge"),
        (1, 201, "r3", None),
        (1, 409, "r4", "refund_exceeds_charge"),
    ):
        answer = platform.post(path, {**body, "amount_micros": amount}, Idempotency_Key=key)
        assert (answer.status_code, answer.get_json().get("error_code")) == (status, code)
    assert api.get("/billing/balance").get_json()["available"] == 10 * BRL
    assert checks.run() == []


def test_a_refund_is_for_the_platform_and_needs_a_key_of_its_own(platform, api, alice, charlie, charged):
    body = {"reference_id": charged, "reason": "x", "amount_micros": 1}
    path = f"/tenants/{alice.tenant_id}/refunds"
    assert api.post(path, body, Idempotency_Key="k").status_code == 403
    assert platform.post(path, body).status_code == 422
    elsewhere = f"/tenants/{charlie.tenant_id}/refunds"
    assert platform.post(elsewhere, body, Idempotency_Key="k").status_code == 404
    assert platform.post(f"/tenants/{uuid.uuid4()}/refunds", body, Idempotency_Key="k").status_code == 404


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
