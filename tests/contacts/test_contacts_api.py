"""Lists, contacts and opt-outs at the JSON door, as the wire contract has them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from sintalk.contacts import service

NOWHERE = str(uuid4())


@pytest.fixture
def list_id(api):
    return api.post("/contact-lists", {"name": "Clientes"}).get_json()["id"]


def add(api, list_id, **person):
    answer = api.post(f"/contact-lists/{list_id}/contacts", {"name": "Ana", **person})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def details(answer):
    return [(d["field"], d["code"]) for d in answer.get_json()["details"]]


# --- lists


def test_a_list_is_created_read_renamed_and_deleted(api):
    made = api.post("/contact-lists", {"name": "  Clientes \n de  novembro "})
    assert made.status_code == 201
    body = made.get_json()
    assert set(body) == {"id", "name", "contact_count", "created_at", "updated_at"}
    assert (body["name"], body["contact_count"]) == ("Clientes de novembro", 0)
    one = f"/contact-lists/{body['id']}"
    assert api.get(one).get_json() == body
    renamed = api.put(one, {"name": "Outros"})
    assert (renamed.status_code, renamed.get_json()["name"]) == (200, "Outros")
    assert renamed.get_json()["updated_at"] > body["updated_at"]
    assert api.delete(one).status_code == 204
    for gone in (api.get(one), api.put(one, {"name": "x"}), api.delete(one), api.get(f"{one}/contacts")):
        assert gone.status_code == 404


def test_lists_are_paged_newest_first(api):
    ids = [api.post("/contact-lists", {"name": "mesmo nome"}).get_json()["id"] for _ in range(3)]
    first = api.get("/contact-lists", limit=2).get_json()
    assert [row["id"] for row in first["data"]] == ids[:0:-1]
    assert (first["total"], first["limit"], first["offset"], first["has_more"]) == (3, 2, 0, True)
    rest = api.get("/contact-lists", after=ids[1]).get_json()
    assert [row["id"] for row in rest["data"]] == ids[:1]
    assert api.get("/contact-lists", limit=2, offset=2).get_json()["has_more"] is False


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "x"}, {"page": 2}])
def test_paging_out_of_range_is_refused(api, query):
    assert api.get("/contact-lists", **query).status_code == 422


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("name", "required")),
        ({"name": ""}, ("name", "too_short")),
        ({"name": " \n "}, ("name", "too_short")),
        ({"name": "x" * 201}, ("name", "too_long")),
        ({"name": 5}, ("name", "wrong_type")),
        ({"name": None}, ("name", "wrong_type")),
        ({"name": "a\u0000b"}, ("name", "null_character")),
        ({"name": "x", "nome": "x"}, ("nome", "unknown_field")),
    ],
)
def test_a_wrong_list_is_refused_at_its_field(api, body, fault):
    answer = api.post("/contact-lists", body)
    assert (answer.status_code, details(answer)) == (422, [fault])


def test_a_list_keeps_its_count(api, list_id):
    people = [add(api, list_id, phone=f"1199999000{i}") for i in range(3)]
    api.delete(f"/contact-lists/{list_id}/contacts/{people[0]['id']}")
    assert api.delete(f"/contact-lists/{list_id}/contacts/{people[0]['id']}").status_code == 404
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 2
    assert api.get(f"/contact-lists/{list_id}/contacts").get_json()["total"] == 2


# --- contacts


def test_a_contact_is_created_read_replaced_and_deleted(api, list_id):
    made = add(
        api, list_id, email="ana@exemplo.com", phone="(11) 99999-0001", attributes={"Cidade": "São Paulo"}
    )
    assert set(made) == {
        "id",
        "contact_list_id",
        "name",
        "email",
        "phone",
        "attributes",
        "opted_out",
        "created_at",
        "updated_at",
    }
    assert (made["phone"], made["contact_list_id"], made["opted_out"]) == ("+5511999990001", list_id, False)
    one = f"/contact-lists/{list_id}/contacts/{made['id']}"
    assert api.get(one).get_json() == made
    changed = api.put(one, {"name": "Ana Souza", "email": None, "phone": None}).get_json()
    assert (changed["name"], changed["email"], changed["phone"]) == ("Ana Souza", None, None)
    assert changed["attributes"] == {"Cidade": "São Paulo"}
    assert api.put(one, {"name": "Ana", "attributes": {}}).get_json()["attributes"] == {}
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


def test_a_phone_lives_once_in_a_list(api, list_id):
    first = add(api, list_id, phone="11999990001")
    again = api.post(f"/contact-lists/{list_id}/contacts", {"name": "Bia", "phone": "+55 11 99999-0001"})
    assert (again.status_code, again.get_json()["error_code"]) == (409, "duplicate_phone")
    second = add(api, list_id, phone="11999990002")
    one = f"/contact-lists/{list_id}/contacts/{second['id']}"
    moved = api.put(one, {"name": "Bia", "phone": "11999990001"})
    assert (moved.status_code, moved.get_json()["error_code"]) == (409, "duplicate_phone")
    assert api.put(one, {"name": "Bia", "phone": "11999990002"}).status_code == 200
    api.delete(f"/contact-lists/{list_id}/contacts/{first['id']}")
    add(api, list_id, phone="11999990001")
    other = api.post("/contact-lists", {"name": "Outra"}).get_json()["id"]
    add(api, other, phone="11999990001")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"phone": "11999990001"}, ("name", "required")),
        ({"name": " "}, ("name", "too_short")),
        ({"name": "x" * 201}, ("name", "too_long")),
        ({"name": "Ana", "phone": "123"}, ("phone", "invalid_phone")),
        ({"name": "Ana", "phone": "99999-0001"}, ("phone", "invalid_phone")),
        ({"name": "Ana", "phone": 11999990001}, ("phone", "wrong_type")),
        ({"name": "Ana", "email": "ana"}, ("email", "invalid_email")),
        ({"name": "Ana", "attributes": {"idade": 5}}, ("attributes.idade", "wrong_type")),
        ({"name": "Ana", "attributes": {" ": "x"}}, ("attributes", "too_short")),
        ({"name": "Ana", "attributes": []}, ("attributes", "wrong_type")),
        ({"name": "Ana", "attributes": {"a": "x\u0000"}}, ("attributes.a", "null_character")),
        ({"name": "Ana", "telefone": "1"}, ("telefone", "unknown_field")),
    ],
)
def test_a_wrong_contact_is_refused_at_its_field(api, list_id, body, fault):
    answer = api.post(f"/contact-lists/{list_id}/contacts", body)
    assert (answer.status_code, details(answer)) == (422, [fault])


def test_odd_unicode_is_no_reason_to_refuse(api, list_id):
    odd = "Zoë\u200d \U0001f469\u200d\U0001f680 ﷽ \ud800 \u202e"
    made = add(api, list_id, name=odd, attributes={"nota": "linha 1\nlinha 2 \ud83d"})
    assert "\U0001f680" in made["name"]
    assert made["attributes"] == {"nota": "linha 1\nlinha 2"}


def test_contacts_are_found_by_what_people_know_of_them(api, list_id):
    add(api, list_id, name="João da Conceição", phone="11999990001", email="Joao@Exemplo.com")
    add(api, list_id, name="MARIA D'ÁVILA", phone="+351 912 345 678")
    add(api, list_id, name="Jo%ana_\\ 'x'", phone="2133334444")

    def found(**query):
        page = api.get(f"/contact-lists/{list_id}/contacts", **query)
        assert page.status_code == 200, page.get_json()
        return [row["name"].split()[0] for row in page.get_json()["data"]]

    assert found() == ["Jo%ana_\\", "MARIA", "João"]
    assert found(search="joao") == ["João"]
    assert found(search="CONCEICAO joa") == ["João"]
    assert found(search="d'avila") == ["MARIA"]
    assert found(search="11 99999-0001") == ["João"]
    assert found(search="99999-0001") == ["João"]
    assert found(search="11999") == ["João"]
    assert found(search="+351") == ["MARIA"]
    assert found(search="joao@ex") == ["João"]
    assert found(search="jo%") == ["Jo%ana_\\"]
    for nobody in ("oao", "%", "':*", "& | !", "(((", "\\", "zzz@_"):
        assert "João" not in found(search=nobody)
    assert found(phone="(11) 99999-0001") == ["João"]
    assert found(email="joao@exemplo.COM") == ["João"]
    assert found(email="joao@exemplo.com", phone="912") == []


def test_what_another_company_has_does_not_exist(api, charlie_api, list_id):
    person = add(api, list_id, phone="11999990001")
    one_list, one = f"/contact-lists/{list_id}", f"/contact-lists/{list_id}/contacts/{person['id']}"
    theirs = charlie_api.post("/contact-lists", {"name": "Meus"}).get_json()["id"]
    body = {"name": "x"}
    for answer in (
        charlie_api.get(one_list),
        charlie_api.put(one_list, body),
        charlie_api.delete(one_list),
        charlie_api.get(f"{one_list}/contacts"),
        charlie_api.post(f"{one_list}/contacts", body),
        charlie_api.get(one),
        charlie_api.put(one, body),
        charlie_api.delete(one),
        charlie_api.get(f"/contact-lists/{theirs}/contacts/{person['id']}"),
        api.get(f"/contact-lists/{NOWHERE}"),
        api.get(f"{one_list}/contacts/{NOWHERE}"),
    ):
        assert (answer.status_code, answer.get_json()["error_code"]) == (404, "not_found")
    assert [row["id"] for row in charlie_api.get("/contact-lists").get_json()["data"]] == [theirs]
    assert api.get(one).get_json() == person


# --- opt-outs


def test_an_opt_out_belongs_to_the_number_and_outlives_the_contact(api, list_id):
    person = add(api, list_id, phone="11999990001")
    made = api.post("/opt-outs", {"phone": "11 99999-0001"})
    assert made.status_code == 201
    assert {k: made.get_json()[k] for k in ("phone", "channel")} == {
        "phone": "+5511999990001",
        "channel": None,
    }
    again = api.post("/opt-outs", {"phone": "+5511999990001"})
    assert (again.status_code, again.get_json()) == (200, made.get_json())
    one = f"/contact-lists/{list_id}/contacts/{person['id']}"
    assert api.get(one).get_json()["opted_out"] is True
    api.delete(one)
    assert add(api, list_id, phone="11999990001")["opted_out"] is True
    assert api.delete(f"/opt-outs/{made.get_json()['id']}").status_code == 204
    assert api.get(f"/contact-lists/{list_id}/contacts").get_json()["data"][0]["opted_out"] is False


def test_opt_outs_are_told_apart_by_channel(api, alice):
    for channel in ("sms", "voice"):
        assert api.post("/opt-outs", {"phone": "11999990001", "channel": channel}).status_code == 201
    api.post("/opt-outs", {"phone": "11999990002"})
    phones = ["+5511999990001", "+5511999990002", "+5511999990003"]
    assert service.opted_out_phones(alice.tenant_id, "sms", phones) == set(phones[:2])
    assert service.opted_out_phones(alice.tenant_id, "rcs", phones) == {phones[1]}
    assert service.opted_out_phones(alice.tenant_id, None, phones) == set(phones[:2])
    assert api.get("/opt-outs", channel="voice").get_json()["total"] == 1
    assert api.get("/opt-outs", phone="11 99999 0001").get_json()["total"] == 2


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("phone", "required")),
        ({"phone": "1"}, ("phone", "invalid_phone")),
        ({"phone": "11999990001", "channel": "fax"}, ("channel", "not_allowed")),
    ],
)
def test_a_wrong_opt_out_is_refused(api, body, fault):
    answer = api.post("/opt-outs", body)
    assert (answer.status_code, details(answer)) == (422, [fault])


def test_another_companys_opt_outs_are_not_ours(api, charlie_api, alice, charlie):
    made = api.post("/opt-outs", {"phone": "11999990001"}).get_json()
    assert charlie_api.delete(f"/opt-outs/{made['id']}").status_code == 404
    assert charlie_api.get("/opt-outs").get_json()["total"] == 0
    assert service.opted_out_phones(charlie.tenant_id, "sms", ["+5511999990001"]) == set()
    assert service.opted_out_phones(alice.tenant_id, "sms", ["+5511999990001"]) == {"+5511999990001"}


# --- for campaigns


def test_the_audience_comes_in_pages_by_id(alice, api, list_id):
    ids = [add(api, list_id, phone=f"1199999000{i}")["id"] for i in range(5)]
    add(api, list_id, name="Sem telefone")
    api.delete(f"/contact-lists/{list_id}/contacts/{ids[1]}")
    seen, after = [], None
    while page := service.audience(alice.tenant_id, list_id, after=after, limit=2):
        seen += [row.name for row in page]
        after = page[-1].id
    assert seen == ["Ana"] * 4 + ["Sem telefone"]
    assert service.reachable(alice.tenant_id, list_id, at_most=100) == 4
    assert service.reachable(alice.tenant_id, list_id, at_most=3) == 3


def test_a_held_list_stays(alice, api, list_id):
    ref = uuid4()
    for _ in range(2):
        service.hold_list(alice.tenant_id, list_id, "campaign", ref)
    refused = api.delete(f"/contact-lists/{list_id}")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "list_in_use")
    service.free_list(alice.tenant_id, list_id, "campaign", ref)
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204
