"""The pages of lists, people and imports, as a browser without script uses them."""

from __future__ import annotations

import io
import re

import pytest

from sintalk.contacts import service as contacts
from sintalk.imports import jobs
from sintalk.imports import service as imports

CSV = "Nome;Celular;Cidade\nJoão;11999990001;São Paulo\nMaria;123;Rio\n"


@pytest.fixture
def people(alice):
    """A list with one person in it."""
    made = contacts.create_list(alice.tenant_id, name="Clientes")
    person = contacts.create_contact(
        alice.tenant_id,
        made.id,
        name="Ana <b>Souza</b>",
        phone="+5511999990009",
        attributes={"Cidade": "Rio"},
    )
    return made, person


def form(data: str, **fields: str):
    return {"file": (io.BytesIO(data.encode("cp1252")), "contatos.csv"), "on_duplicate": "update", **fields}


def test_empty_pages_teach(signed_in):
    page = signed_in.get("/contacts").get_data(as_text=True)
    assert "/contacts/new" in page and "contatos-exemplo.csv" in page
    assert signed_in.get("/static/samples/contatos-exemplo.csv").status_code == 200


def test_a_list_is_made_renamed_and_deleted(signed_in, alice):
    made = signed_in.post("/contacts", data={"name": " Clientes  novos "})
    assert made.status_code == 303
    url = made.headers["Location"]
    assert "Clientes novos" in signed_in.get(url).get_data(as_text=True)
    assert signed_in.post(f"{url}/edit", data={"name": "Antigos"}).status_code == 303
    assert "Antigos" in signed_in.get("/contacts").get_data(as_text=True)
    assert signed_in.post(f"{url}/delete").status_code == 303
    assert signed_in.get(url).status_code == 404


def test_a_list_without_a_name_is_refused_beside_the_field(signed_in):
    answer = signed_in.post("/contacts", data={"name": "  "})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)


def test_people_are_added_changed_searched_and_taken_off(signed_in, people):
    made, _ = people
    url = f"/contacts/{made.id}"
    body = {"name": "João", "phone": "(21) 99999-0001", "email": "", "attributes": "Cidade: Rio\nCor: azul"}
    assert signed_in.post(f"{url}/people", data=body).status_code == 303
    found = signed_in.get(url, query_string={"search": "joao"}).get_data(as_text=True)
    assert "João" in found and "Souza" not in found
    person = re.search(rf"{url}/people/([0-9a-f-]{{36}})", found)[0]
    shown = signed_in.get(person).get_data(as_text=True)
    assert "Cidade: Rio" in shown and "Cor: azul" in shown and "+55 (21) 99999-0001" in shown
    assert signed_in.post(person, data={**body, "name": "João Neto"}).status_code == 303
    assert "João Neto" in signed_in.get(url).get_data(as_text=True)
    assert signed_in.post(f"{person}/delete").status_code == 303
    assert signed_in.get(person).status_code == 404
    assert "data-label" not in signed_in.get(url, query_string={"search": "joao"}).get_data(as_text=True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"phone": "123"}, "phone"),
        ({"phone": "11999990009"}, "phone"),
        ({"email": "x"}, "email"),
        ({"name": ""}, "name"),
        ({"attributes": "sem dois pontos"}, "attributes"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(signed_in, people, wrong, field):
    body = {"name": "João", "phone": "21999990001", "email": "j@exemplo.com", "attributes": "", **wrong}
    answer = signed_in.post(f"/contacts/{people[0].id}/people", data=body)
    page = answer.get_data(as_text=True)
    assert answer.status_code in (409, 422)
    assert f'id="{field}-error"' in page
    assert "João" in page or field == "name"


def test_names_are_shown_as_text(signed_in, people):
    page = signed_in.get(f"/contacts/{people[0].id}").get_data(as_text=True)
    assert "Ana &lt;b&gt;Souza" in page and "<b>Souza" not in page


def test_opting_out_and_in_again_is_marked(signed_in, people):
    url = f"/contacts/{people[0].id}/people/{people[1].id}"
    assert "opt-out" in signed_in.get(url).get_data(as_text=True)
    signed_in.post(f"{url}/opt-out")
    assert "opt-in" in signed_in.get(url).get_data(as_text=True)
    signed_in.post(f"{url}/opt-in")
    assert "opt-out" in signed_in.get(url).get_data(as_text=True)


def test_a_file_is_imported_by_a_plain_form_and_watched(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    started = signed_in.post(f"{url}/import", data=form(CSV))
    assert started.status_code == 303, started.get_data(as_text=True)
    page = started.headers["Location"]
    waiting = signed_in.get(page).get_data(as_text=True)
    assert "data-poll" in waiting
    [job_id] = imports.due()
    jobs.run(str(job_id))
    fragment = signed_in.get(f"{page}/progress", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "data-poll" not in fragment and "<html" not in fragment
    assert f"{page}/rejects.csv" in fragment
    rejects = signed_in.get(f"{page}/rejects.csv").get_data().decode("utf-8-sig")
    assert rejects.splitlines()[1].startswith("Maria;123;Rio;3;")
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 2
    assert str(job_id) in signed_in.get(f"{url}/imports").get_data(as_text=True)


def test_a_file_larger_than_other_forms_is_taken(signed_in, people, app):
    lines = "".join(f"Pessoa de nome comprido número {i};119{i:08d};São Paulo\n" for i in range(180_000))
    assert len(lines) > app.config["MAX_CONTENT_LENGTH"]
    assert (
        signed_in.post(
            f"/contacts/{people[0].id}/import", data=form("Nome;Celular;Cidade\n" + lines)
        ).status_code
        == 303
    )


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ("Cor;Tamanho\nazul;3\n", {}),
        ("%PDF-1.7\n", {}),
        ("", {}),
        (CSV, {"default_ddd": "20"}),
        (CSV, {"file_id": "nonsense"}),
        (CSV, {"file_id": "0192f4a5-0000-7000-8000-000000000000"}),
    ],
)
def test_what_cannot_be_imported_is_said_on_the_form(signed_in, people, data, fields):
    answer = signed_in.post(f"/contacts/{people[0].id}/import", data=form(data, **fields))
    assert answer.status_code == 422
    assert "-error" in answer.get_data(as_text=True)
    assert imports.due() == []


def test_an_import_is_stopped_from_its_page(signed_in, people):
    page = signed_in.post(f"/contacts/{people[0].id}/import", data=form(CSV)).headers["Location"]
    assert signed_in.post(f"{page}/cancel").status_code == 303
    assert "data-poll" not in signed_in.get(page).get_data(as_text=True)


def test_nobody_elses_pages_open(app, people, charlie, signed_in):
    from tests.factories import browser

    page = signed_in.post(f"/contacts/{people[0].id}/import", data=form(CSV)).headers["Location"]
    theirs = browser(app, charlie)
    one = f"/contacts/{people[0].id}"
    person = f"{one}/people/{people[1].id}"
    for path in (one, f"{one}/edit", f"{one}/import", f"{one}/imports", person, page, f"{page}/rejects.csv"):
        assert theirs.get(path).status_code == 404, path
    for path in (
        f"{one}/delete",
        f"{one}/edit",
        f"{one}/people",
        person,
        f"{person}/delete",
        f"{page}/cancel",
    ):
        assert theirs.post(path, data={"name": "x"}).status_code == 404, path
    assert theirs.post(f"{one}/import", data=form(CSV)).status_code == 404
