"""The people of a company: invited, given roles, taken off; and a new company's first owner."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from sintalk.accounts import people
from sintalk.accounts.models import Invitation, User
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Forbidden, NotFound
from tests import factories
from tests.factories import PASSWORD, Api

LINK = re.compile(r"https?://[^\"<\s]+(/invitation/[\w-]{43})")
DANA = {"name": "Dana", "email": "Dana@Example.com", "role": "member"}
PEOPLE = "/settings/people"


@pytest.fixture
def link(signed_in) -> str:
    """The address that Dana was sent."""
    return LINK.search(signed_in.post(PEOPLE, data=DANA).text)[1]


@pytest.fixture(autouse=True)
def without_csrf(app) -> None:
    """Forms need no token here; tests/architecture asks for it at every door."""
    app.config["WTF_CSRF_METHODS"] = set()


def by_email(email: str) -> User | None:
    return session().scalar(select(User).where(User.email == email).execution_options(populate_existing=True))


def test_somebody_invited_comes_in_with_a_password_of_their_own(signed_in, client, alice, link):
    assert "dana@example.com" in signed_in.get(PEOPLE).text
    assert link not in signed_in.get(PEOPLE).text
    assert "Padaria da Alice" in client.get(link).text
    came = client.post(link, data={"name": "Dana Reis", "password": "a sentence of her own"})
    assert (came.status_code, came.location) == (303, "/")
    assert "Dana Reis" in client.get("/").text
    dana = by_email("dana@example.com")
    assert (dana.tenant_id, dana.role, dana.platform_admin) == (alice.tenant_id, "member", False)


def test_a_link_works_once(client, app, link):
    assert client.post(link, data={"name": "Dana", "password": "short"}).status_code == 422
    assert client.post(link, data={"name": "Dana", "password": PASSWORD}).status_code == 303
    stranger = app.test_client()
    for answer in (stranger.get(link), stranger.post(link, data={"name": "x", "password": PASSWORD})):
        assert answer.status_code == 404
    assert stranger.get(f"/invitation/{'x' * 43}").status_code == 404


def test_a_link_ends_after_a_week_when_withdrawn_and_when_a_new_one_is_made(client, signed_in, alice, link):
    again = LINK.search(signed_in.post(PEOPLE, data=DANA).text)[1]
    assert (client.get(link).status_code, client.get(again).status_code) == (404, 200)
    with atomic() as current:
        current.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    assert client.get(again).status_code == 404
    third = LINK.search(signed_in.post(PEOPLE, data=DANA).text)[1]
    newest = people.open_invitations(alice.tenant_id)[0]
    signed_in.post(f"/settings/invitations/{newest.id}/withdraw")
    assert client.get(third).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"email": "alice@example.com"}, {"name": " "}, {"role": "king"}]
)
def test_what_is_wrong_is_said_and_nobody_is_invited(signed_in, wrong):
    assert signed_in.post(PEOPLE, data={**DANA, **wrong}).status_code == 422
    assert session().scalar(select(Invitation)) is None


def test_two_who_open_the_same_link_at_once_make_one_person(app, link):
    answers = []

    def come() -> None:
        answers.append(app.test_client().post(link, data={"name": "Dana", "password": PASSWORD}).status_code)

    threads = [threading.Thread(target=come) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(answers) == [303, 404, 404, 404]


def test_a_role_is_changed_and_counts_with_the_next_click(app, signed_in, alice, bob):
    his = factories.browser(app, bob)
    assert his.get(PEOPLE).status_code == 403
    signed_in.post(f"{PEOPLE}/{bob.id}/role", data={"role": "admin"})
    assert his.get(PEOPLE).status_code == 200
    signed_in.post(f"{PEOPLE}/{bob.id}/role", data={"role": "king"})
    assert by_email("bob@example.com").role == "admin"


def test_somebody_removed_is_out_with_the_next_click_and_may_be_invited_again(app, signed_in, bob):
    his = factories.browser(app, bob)
    assert his.get("/").status_code == 200
    signed_in.post(f"{PEOPLE}/{bob.id}/remove")
    assert his.get("/").status_code == 303
    assert by_email("bob@example.com") is None
    assert signed_in.post(PEOPLE, data={**DANA, "email": "bob@example.com"}).status_code == 201


def test_a_company_keeps_an_owner(signed_in, alice):
    for act, data in (("remove", {}), ("role", {"role": "member"})):
        signed_in.post(f"{PEOPLE}/{alice.id}/{act}", data=data)
        assert by_email("alice@example.com").role == "owner"
    other = factories.colleague(alice, "olivia@example.com", "owner")
    people.change_role(alice.tenant_id, alice.id, "admin", by=other.actor())
    with pytest.raises(Conflict):
        people.remove(alice.tenant_id, other.id, by=other.actor())


def test_only_owners_make_change_and_remove_owners(alice):
    admin = factories.colleague(alice, "ada@example.com", "admin").actor()
    for act in (
        lambda: people.invite(alice.tenant_id, email="x@example.com", name="x", role="owner", by=admin),
        lambda: people.change_role(alice.tenant_id, alice.id, "member", by=admin),
        lambda: people.remove(alice.tenant_id, alice.id, by=admin),
    ):
        with pytest.raises(Forbidden):
            act()


def test_people_of_another_company_are_not_there(app, signed_in, alice, charlie):
    his = factories.browser(app, charlie)
    invited, _ = people.invite(
        alice.tenant_id, email="x@example.com", name="x", role="member", by=alice.actor()
    )
    for act in (
        f"{PEOPLE}/{alice.id}/role",
        f"{PEOPLE}/{alice.id}/remove",
        f"/settings/invitations/{invited.id}/withdraw",
    ):
        assert his.post(act, data={"role": "viewer"}).status_code == 404
    assert "alice@example.com" not in his.get(PEOPLE).text
    with pytest.raises(NotFound):
        people.remove(charlie.tenant_id, uuid4(), by=charlie.actor())


def test_a_platform_admin_makes_a_company_with_its_first_owner(app, client, alice):
    olga = factories.owner("olga@example.com", "Sintalk", platform_admin=True)
    platform = Api(app, factories.key(olga))
    body = {"name": "Mercado do Zé", "owner": {"email": "ze@mercado.example", "name": "Zé"}}
    made = platform.post("/tenants", body, Idempotency_Key="one")
    assert made.status_code == 201, made.get_json()
    link = LINK.search(made.get_json()["invitation"]["url"])[1]
    again = platform.post("/tenants", body, Idempotency_Key="one").get_json()
    assert again["invitation"]["url"] is None and again["id"] == made.get_json()["id"]
    assert client.post(link, data={"name": "Zé", "password": PASSWORD}).status_code == 303
    ze = by_email("ze@mercado.example")
    assert (str(ze.tenant_id), ze.role, ze.platform_admin) == (made.get_json()["id"], "owner", False)


def test_a_company_whose_owner_cannot_be_is_not_made(app, alice):
    olga = factories.owner("olga@example.com", "Sintalk", platform_admin=True)
    platform = Api(app, factories.key(olga))
    for owner, field in (
        ({"email": "alice@example.com", "name": "x"}, "owner.email"),
        ({"email": "x@y.example"}, "owner.name"),
    ):
        answer = platform.post("/tenants", {"name": "Nova", "owner": owner})
        assert (answer.status_code, answer.get_json()["details"][0]["field"]) == (422, field)
    assert platform.get("/tenants").get_json()["total"] == 2
