"""The pages of lists, people and imports, as a browser without script uses them."""

from __future__ import annotations

import io
import re

import pytest

from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts
from sintalk.db import session
from sintalk.imports import jobs, turns

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
    session().expire_all()  # a request has a session of its own, and sees the list with her in it
    return made, person


def form(data: str, **fields: str):
    return {"file": (io.BytesIO(data.encode("cp1252")), "contatos.csv"), "purpose": "contacts", **fields}


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


def looked_at(browser, url: str, data: str = CSV, **fields: str) -> str:
    """Sends the form of the first step; the address of the second."""
    answer = browser.post(f"{url}/import", data=form(data, **fields))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def run(browser, url: str, data: str = CSV, **fields: str) -> str:
    """Through the wizard without touching anything; the address of the import's page."""
    answer = browser.post(looked_at(browser, url, data, **fields), data={"action": "run"})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def text(answer) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def test_a_file_is_imported_by_plain_forms_and_watched(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    page = run(signed_in, url)
    waiting = signed_in.get(page).get_data(as_text=True)
    assert "data-poll" in waiting
    jobs.work()
    fragment = signed_in.get(f"{page}/progress", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "data-poll" not in fragment and "<html" not in fragment
    assert f"{page}/rejects.csv" in fragment
    rejects = signed_in.get(f"{page}/rejects.csv").get_data().decode("utf-8-sig")
    assert rejects.splitlines()[1].startswith("Maria;123;Rio;3;")
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 2
    assert page in signed_in.get(f"{url}/imports").get_data(as_text=True)


def test_nothing_is_written_before_somebody_says_so(signed_in, people, alice):
    check = looked_at(signed_in, f"/contacts/{people[0].id}")
    seen = signed_in.get(check)
    assert "data-poll" in seen.get_data(as_text=True)
    assert "João" in text(seen) and "Windows-1252" in text(seen)
    jobs.work()
    fragment = signed_in.get(f"{check}/findings", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "data-poll" not in fragment and "<html" not in fragment and "Maria · 123" in fragment
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 1


def test_the_check_shows_old_and_new_values(signed_in, people):
    file = "Nome;Celular;Cidade\nAna Souza;11999990009;São Paulo\n"
    page = signed_in.get(looked_at(signed_in, f"/contacts/{people[0].id}", file)).get_data(as_text=True)
    assert "<del>Rio</del>" in page and "<ins>São Paulo</ins>" in page
    assert "<del>Ana &lt;b&gt;Souza&lt;/b&gt;</del>" in page


def test_what_is_changed_is_looked_at_again_before_it_is_imported(signed_in, people, alice):
    check = looked_at(signed_in, f"/contacts/{people[0].id}", "Quem;Celular;Outro\nAna;123;11999990001\n")
    chosen = {"column-0": "name", "column-1": "ignore", "column-2": "phone", "action": "run"}
    again = signed_in.post(check, data=chosen)
    assert again.headers["Location"] == check
    jobs.work()
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 1
    assert "/imports/" in signed_in.post(check, data=chosen).headers["Location"]
    jobs.work()
    found = contacts.contacts_of(alice.tenant_id, people[0].id, phone="11999990001")
    [ana] = session().scalars(found)
    assert (ana.name, ana.attributes) == ("Ana", {})


def test_columns_that_nobody_knows_are_chosen_by_hand(signed_in, people, alice):
    check = looked_at(signed_in, f"/contacts/{people[0].id}", "Cor;Tamanho\nazul;11999990001\n")
    assert 'value="run"' not in signed_in.get(check).get_data(as_text=True)
    chosen = {"column-0": "keep", "column-1": "phone"}
    assert signed_in.post(check, data=chosen).headers["Location"] == check
    assert 'value="run"' in signed_in.get(check).get_data(as_text=True)
    signed_in.post(check, data={**chosen, "action": "run"})
    jobs.work()
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 2


def test_two_columns_are_not_the_same_thing(signed_in, people):
    check = looked_at(signed_in, f"/contacts/{people[0].id}")
    answer = signed_in.post(check, data={"column-0": "phone", "column-1": "phone"})
    assert answer.status_code == 422
    assert "data-announce" in answer.get_data(as_text=True)


def test_an_area_code_that_is_none_is_said_beside_its_field(signed_in, people):
    check = looked_at(signed_in, f"/contacts/{people[0].id}")
    answer = signed_in.post(check, data={"default_ddd": "20"})
    assert answer.status_code == 422
    assert 'id="default_ddd-error"' in answer.get_data(as_text=True)


def test_the_columns_chosen_for_a_list_are_remembered(signed_in, people):
    url = f"/contacts/{people[0].id}"
    check = looked_at(signed_in, url, "Quem;A;B\nAna;123;11999990001\n")
    chosen = {"column-0": "name", "column-1": "ignore", "column-2": "phone", "default_ddd": "21"}
    signed_in.post(check, data=chosen)
    signed_in.post(check, data={**chosen, "action": "run"})
    jobs.work()
    again = signed_in.get(looked_at(signed_in, url, "quem;a;b\nBia;123;99999-0002\n")).get_data(as_text=True)
    assert 'value="21"' in again
    assert re.findall(r'<option value="(\w+)" selected', again)[:3] == ["name", "ignore", "phone"]


def test_pasted_numbers_are_a_file_like_any_other(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    pasted = {
        "pasted": "(11) 99999-0001, 11999990002\r\n+55 11 99999-0003;11999990009",
        "purpose": "contacts",
    }
    check = signed_in.post(f"{url}/import", data=pasted).headers["Location"]
    signed_in.post(check, data={"action": "run"})
    jobs.work()
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 4


def test_pasted_rows_keep_their_columns(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    pasted = {"pasted": "Nome\tCelular\tCidade\r\nBia\t11999990001\tRio, RJ", "purpose": "contacts"}
    check = signed_in.post(f"{url}/import", data=pasted).headers["Location"]
    signed_in.post(check, data={"action": "run"})
    jobs.work()
    [bia] = session().scalars(contacts.contacts_of(alice.tenant_id, people[0].id, phone="11999990001"))
    assert (bia.name, bia.attributes) == ("Bia", {"Cidade": "Rio, RJ"})


def test_neither_file_nor_numbers_is_said_at_the_file(signed_in, people):
    answer = signed_in.post(
        f"/contacts/{people[0].id}/import", data={"pasted": " \r\n", "purpose": "contacts"}
    )
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.get_data(as_text=True)


def test_a_file_of_opt_outs_takes_nobody_into_the_list(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    page = run(signed_in, url, "Celular\n11999990009\n11999990001\n", purpose="opt_outs")
    jobs.work()
    assert opt_outs.is_opted_out(alice.tenant_id, "voice", "+5511999990009")
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 1
    assert "/undo" not in signed_in.get(page).get_data(as_text=True)


def test_an_import_is_undone_with_one_click(signed_in, people, alice):
    page = run(signed_in, f"/contacts/{people[0].id}")
    jobs.work()
    assert f'action="{page}/undo"' in signed_in.get(page).get_data(as_text=True)
    assert signed_in.post(f"{page}/undo").status_code == 303
    assert "data-poll" in signed_in.get(page).get_data(as_text=True)
    jobs.work()
    done = signed_in.get(page).get_data(as_text=True)
    assert "data-poll" not in done and f'action="{page}/undo"' not in done
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 1


def test_a_check_and_an_undo_are_stopped_from_their_pages(signed_in, people, alice):
    url = f"/contacts/{people[0].id}"
    check = looked_at(signed_in, url)
    assert signed_in.post(f"{check}/cancel").status_code == 303
    stopped = signed_in.get(check).get_data(as_text=True)
    assert "data-poll" not in stopped and 'value="run"' in stopped
    page = run(signed_in, url)
    jobs.work()
    signed_in.post(f"{page}/undo")
    signed_in.post(f"{page}/undo/stop")
    jobs.work()
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 2
    signed_in.post(f"{page}/undo")
    jobs.work()
    assert contacts.get_list(alice.tenant_id, people[0].id).contact_count == 1


def test_the_button_pressed_twice_imports_once(signed_in, people):
    check = looked_at(signed_in, f"/contacts/{people[0].id}")
    first, second = (signed_in.post(check, data={"action": "run"}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert signed_in.get(check).headers["Location"] == first.headers["Location"]


def test_a_file_larger_than_other_forms_is_taken(signed_in, people, app):
    lines = "".join(f"Pessoa de nome comprido número {i};119{i:08d};São Paulo\n" for i in range(180_000))
    assert len(lines) > app.config["MAX_CONTENT_LENGTH"]
    looked_at(signed_in, f"/contacts/{people[0].id}", "Nome;Celular;Cidade\n" + lines)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ("%PDF-1.7\n", {}),
        ("", {}),
        (CSV, {"file_id": "nonsense"}),
        (CSV, {"file_id": "0192f4a5-0000-7000-8000-000000000000"}),
    ],
)
def test_what_cannot_be_imported_is_said_on_the_form(signed_in, people, data, fields):
    answer = signed_in.post(f"/contacts/{people[0].id}/import", data=form(data, **fields))
    assert answer.status_code == 422
    assert "-error" in answer.get_data(as_text=True)
    assert turns.due() == []


def test_an_import_is_stopped_from_its_page(signed_in, people):
    page = run(signed_in, f"/contacts/{people[0].id}")
    assert signed_in.post(f"{page}/cancel").status_code == 303
    assert "data-poll" not in signed_in.get(page).get_data(as_text=True)


def test_nobody_elses_pages_open(app, people, charlie, signed_in):
    from tests.factories import browser

    check = looked_at(signed_in, f"/contacts/{people[0].id}")
    page = signed_in.post(check, data={"action": "run"}).headers["Location"]
    theirs = browser(app, charlie)
    one = f"/contacts/{people[0].id}"
    person = f"{one}/people/{people[1].id}"
    for path in (
        one,
        f"{one}/edit",
        f"{one}/import",
        f"{one}/imports",
        person,
        page,
        f"{page}/rejects.csv",
        check,
    ):
        assert theirs.get(path).status_code == 404, path
    for path in (
        f"{one}/delete",
        f"{one}/edit",
        f"{one}/people",
        person,
        f"{person}/delete",
        f"{page}/cancel",
        f"{page}/undo",
        f"{page}/undo/stop",
        check,
        f"{check}/cancel",
    ):
        assert theirs.post(path, data={"name": "x"}).status_code == 404, path
    assert theirs.post(f"{one}/import", data=form(CSV)).status_code == 404
