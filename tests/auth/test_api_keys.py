"""Keys: shown once, kept hashed, gone at once when revoked."""

from __future__ import annotations

import base64
from datetime import timedelta

from sqlalchemy import select

from sintalk.auth import keys
from sintalk.auth.models import ApiKey
from sintalk.db import atomic, now, session
from sintalk.web.schemas import rfc3339
from tests import factories
from tests.factories import PASSWORD, Api


def basic(email: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


def test_an_admin_makes_a_key_with_e_mail_and_password_and_uses_it(app, alice):
    made = Api(app, None).post("/api-keys", {"name": "Loja"}, **basic("alice@example.com", PASSWORD))
    assert made.status_code == 201
    answer = made.get_json()
    assert answer["key"].startswith(answer["prefix"]) and keys.well_formed(answer["key"])
    assert (answer["role"], answer["mode"]) == ("member", "live")

    for headers in ({"X-API-Key": answer["key"]}, {"Authorization": f"Bearer {answer['key']}"}):
        assert app.test_client().get("/api/v1/billing/balance", headers=headers).status_code == 200


def test_the_database_keeps_nothing_that_could_be_used(app, alice, api):
    plain = api.headers["X-API-Key"]
    row = session().scalars(select(ApiKey)).one()
    assert plain not in repr(vars(row)) and row.hash == keys.hashed(plain)
    assert len(row.prefix) < len(plain) - 32


def test_a_wrong_password_is_one_answer_and_slows_down_after_five(app, alice):
    door = Api(app, None)
    for _ in range(5):
        answer = door.post("/api-keys", {"name": "x"}, **basic("alice@example.com", "wrong"))
        assert (answer.status_code, answer.get_json()["error_code"]) == (401, "unauthorized")
    answer = door.post("/api-keys", {"name": "x"}, **basic("alice@example.com", PASSWORD))
    assert (answer.status_code, answer.get_json()["error_code"]) == (429, "rate_limited")
    assert answer.headers["Retry-After"]


def test_no_key_a_broken_one_an_unknown_one_and_a_revoked_one_answer_alike(app, api):
    revoked = api.post("/api-keys", {"name": "old"}).get_json()
    assert api.delete(f"/api-keys/{revoked['id']}").status_code == 204
    for bad in (None, "nonsense", "stk_live_" + "a" * 39, keys.make("live"), revoked["key"]):
        answer = Api(app, bad).get("/billing/balance")
        assert (answer.status_code, answer.get_json()["error_code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_key_does_not_work(app, api):
    soon = api.post(
        "/api-keys", {"name": "soon", "expires_at": rfc3339(now() + timedelta(hours=1))}
    ).get_json()
    assert Api(app, soon["key"]).get("/billing/balance").status_code == 200
    with atomic() as current:
        current.get_one(ApiKey, soon["id"]).expires_at = now() - timedelta(seconds=1)
    assert Api(app, soon["key"]).get("/billing/balance").status_code == 401


def test_an_expiry_in_the_past_is_refused_at_its_field(api):
    answer = api.post("/api-keys", {"name": "late", "expires_at": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 422
    assert answer.get_json()["details"][0]["field"] == "expires_at"


def test_member_keys_make_no_keys(app, alice):
    member = Api(app, factories.key(alice, role="member"))
    assert member.post("/api-keys", {"name": "more"}).status_code == 403
    assert member.get("/api-keys").status_code == 200


def test_a_colleague_without_the_right_makes_no_keys(app, bob):
    answer = Api(app, None).post("/api-keys", {"name": "x"}, **basic("bob@example.com", PASSWORD))
    assert answer.status_code == 403


def test_basic_opens_no_other_operation(app, alice):
    answer = Api(app, None).get("/billing/balance")
    assert answer.status_code == 401
    answer = app.test_client().get("/api/v1/billing/balance", headers=basic("alice@example.com", PASSWORD))
    assert answer.status_code == 401


def test_a_cookie_opens_nothing_under_api(signed_in):
    assert signed_in.get("/api/v1/billing/balance").status_code == 401


def test_keys_of_another_company_do_not_exist_for_charlie(api, charlie_api):
    mine = api.post("/api-keys", {"name": "mine"}).get_json()
    assert charlie_api.delete(f"/api-keys/{mine['id']}").status_code == 404
    assert mine["id"] not in [key["id"] for key in charlie_api.get("/api-keys").get_json()["data"]]


def test_a_leaked_key_is_told_from_noise_by_its_checksum():
    made = [keys.make("live") for _ in range(200)]
    assert all(keys.well_formed(key) for key in made)
    assert not any(keys.well_formed(key[:-1] + ("a" if key[-1] != "a" else "b")) for key in made)
