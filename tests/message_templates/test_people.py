"""A content tried on a list: who is shown, who is left out, what it costs."""

from __future__ import annotations

import html

import pytest

from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.db import session
from sintalk.message_templates import people
from tests import factories

PEOPLE = [
    ("Ana", "+5511988880001", {"Cidade": "Itu"}),
    ("José Antônio Brandão de Albuquerque", "+5511988880002", {"Cidade": "Recife", "Valor": "9"}),
    ("João", "+5511988880003", {"Cidade": "Olinda"}),
    ("Sem Cidade", "+5511988880004", {}),
    ("Fixo", "+551133330005", {"Cidade": "Itu"}),
    ("Sem Telefone", None, {"Cidade": "Itu"}),
]


@pytest.fixture
def people_of(alice):
    found = contacts.create_list(alice.tenant_id, name="Clientes")
    for name, phone, attributes in PEOPLE:
        contacts.create_contact(
            alice.tenant_id, found.id, name=name, phone=phone, email=None, attributes=attributes
        )
    return found


def test_the_shortest_and_the_longest_are_shown_and_the_rest_is_told(alice, people_of):
    content = {"text": "Oi {{nome}} de {{Cidade}}", "encoding": "auto"}
    tried = people.try_on(alice.tenant_id, people_of.id, "sms", content)
    assert tried.shortest and tried.shortest.name == "Ana"
    assert tried.longest and tried.longest.name == PEOPLE[1][0]
    assert [person.name for person in tried.shown] == ["Ana", PEOPLE[1][0], "João"]
    assert dict(tried.left_out) == {"missing_variable": 1, "not_mobile": 1, "no_phone": 1}
    assert tried.columns == ["nome", "telefone", "email", "Cidade", "Valor"]
    assert (tried.bill.people, tried.bill.parts, tried.bill.micros) == (3, 3, 3 * 80_000)
    assert tried.exact


def test_accents_are_told_in_money(alice, people_of):
    content = {"text": "ã" * 71, "encoding": "auto"}
    tried = people.try_on(alice.tenant_id, people_of.id, "sms", content)
    assert (tried.bill.people, tried.bill.parts, tried.bill.micros) == (4, 8, 8 * 80_000)
    assert (tried.plain.people, tried.plain.parts, tried.plain.micros) == (4, 4, 4 * 80_000)


def test_rcs_is_counted_by_what_each_message_is_billed_as(alice, people_of):
    body = "a" * 150 + "{{nome}}"  # one name makes it longer than 160 bytes
    tried = people.try_on(alice.tenant_id, people_of.id, "rcs", {"type": "text", "text": {"body": body}})
    assert tried.bill.people == 4
    assert tried.bill.micros == 3 * 100_000 + 150_000


def test_who_opted_out_is_left_out(alice, people_of):
    opt_outs.opt_out(alice.tenant_id, phone="+5511988880001")
    tried = people.try_on(alice.tenant_id, people_of.id, "sms", {"text": "Oi", "encoding": "auto"})
    assert tried.left_out["opted_out"] == 1
    assert tried.shortest and tried.shortest.name != "Ana"


def test_a_long_list_is_read_in_part_and_projected(alice, people_of, monkeypatch):
    session().expire_all()
    monkeypatch.setattr(people, "READ_AT_MOST", 1)
    monkeypatch.setattr(
        contacts, "audience", lambda *given, **_: [] if _.get("after") else real(*given, limit=2)
    )
    tried = people.try_on(alice.tenant_id, people_of.id, "sms", {"text": "Oi", "encoding": "auto"})
    assert not tried.exact
    assert tried.bill.people == 6


real = contacts.audience


def test_the_fragment_follows_what_is_written(signed_in, people_of):
    sent = {"text": "ã" * 71, "encoding": "auto", "list_id": str(people_of.id)}
    page = html.unescape(signed_in.post("/templates/people", data=sent).get_data(as_text=True))
    assert "8 partes × R$\xa00,08" in page
    assert "Sem acentos você economiza R$\xa00,32." in page
    assert "Cidade" in page


def test_without_a_script_the_phone_shows_the_person_that_was_chosen(signed_in, alice, people_of):
    sent = {"name": "x", "text": "Oi {{nome}}", "preview": "1", "list_id": str(people_of.id)}
    page = html.unescape(signed_in.post("/templates", data=sent).get_data(as_text=True))
    assert "Oi Ana" in page
    joao = next(it for it in contacts.audience(alice.tenant_id, people_of.id) if it.name == "João")
    page = html.unescape(
        signed_in.post("/templates", data={**sent, "person": str(joao.id)}).get_data(as_text=True)
    )
    assert "Oi João" in page


def test_another_company_s_list_is_like_none(app, charlie, people_of):
    stranger = factories.browser(app, charlie)
    for list_id in (str(people_of.id), "nonsense", ""):
        answer = stranger.post("/templates/people", data={"text": "Oi {{nome}}", "list_id": list_id})
        assert answer.status_code == 200
        assert answer.get_data(as_text=True).strip() == ""
