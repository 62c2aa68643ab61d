"""A file is looked at before it is imported: what would happen is counted, and nothing happens."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from sintalk.contacts.models import Contact
from sintalk.db import atomic, session
from sintalk.imports import batches, jobs, turns
from sintalk.imports.models import ImportCheck, ImportKey
from tests.imports.test_survival import die, let_the_lease_run_out
from tests.imports.test_undo import FIRST, SECOND, people


@pytest.fixture
def begun(api, upload, list_id):
    """Ask for a look at a file: the answer of the moment."""

    def begun(text: str | bytes, **wishes):
        data = text.encode() if isinstance(text, str) else text
        answer = api.post(f"/contact-lists/{list_id}/import/preview", {"file_id": upload(data), **wishes})
        assert answer.status_code == 202, answer.get_json()
        return answer.get_json()

    return begun


@pytest.fixture
def looked(api, begun, list_id):
    """Look at a file to its end: what is known then."""

    def looked(text: str | bytes, **wishes):
        check = begun(text, **wishes)
        jobs.work()
        return api.get(f"/contact-lists/{list_id}/import/preview/{check['id']}").get_json()

    return looked


def counts(found):
    return [found[name] for name in ("created", "changed", "same", "doubled", "rejected")]


def test_the_head_is_judged_at_once(begun, imported):
    imported(FIRST)
    check = begun(SECOND)
    assert (check["status"], check["found"]) == ("queued", None)
    assert check["understood"]["header"] == ["Nome", "Celular", "Email", "Cidade", "Cor"]
    assert (check["understood"]["separator"], check["understood"]["has_header"]) == (";", True)
    assert check["places"] == {
        "name": "Nome",
        "surname": None,
        "phone": "Celular",
        "email": "Email",
        "ddd": None,
        "attributes": {"Cidade": "Cidade", "Cor": "Cor"},
    }
    assert check["rows"][0] == ["Ana Souza", "11999990001", "", "Belém", "azul"]
    assert counts(check["head"]) == [2, 2, 1, 1, 0]


def test_all_of_it_is_judged_in_the_background_and_the_import_then_agrees(looked, imported):
    imported(FIRST)
    check = looked(SECOND)
    assert (check["status"], check["processed_rows"], check["progress"]) == ("completed", 6, 1)
    assert counts(check["found"]) == [2, 2, 1, 1, 0]
    done = imported(SECOND)
    assert (done["created_count"], done["updated_count"]) == (2, 4)


def test_old_and_new_values_are_shown(looked, imported):
    imported(FIRST)
    changes = {each["name"]: each for each in looked(SECOND)["found"]["changes"]}
    assert {tuple(value[part] for part in ("field", "old", "new")) for value in changes["Ana"]["values"]} == {
        ("name", "Ana", "Ana Souza"),
        ("attributes.Cor", None, "azul"),
        ("attributes.Cidade", "Rio", "Belém"),
    }
    assert (changes["Caio"]["email"], changes["Caio"]["values"][0]["new"]) == ("caio@x.com", "Caio Lima")


def test_rows_that_would_be_rejected_are_counted_by_reason_with_examples(looked):
    found = looked("Nome;Celular\nAna;123\nBia;99999-0001\n;11999990001\nCaio;456\nEva;11999990002\n")[
        "found"
    ]
    assert found["reasons"] == {"invalid_phone": 2, "phone_missing_area_code": 1, "missing_name": 1}
    assert counts(found) == [1, 0, 0, 0, 4]
    assert found["rejects"][0] == {"row": 2, "reason": "invalid_phone", "cells": ["Ana", "123"]}


def test_nothing_is_written_to_the_list(looked, imported, list_id):
    imported(FIRST)
    before = people(list_id)
    looked(SECOND)
    assert people(list_id) == before
    assert session().scalar(select(func.count()).select_from(ImportKey)) == 0


def test_whoever_is_known_stays_as_they_are_where_nothing_is_to_be_updated(looked, imported):
    imported(FIRST)
    assert counts(looked(SECOND, on_duplicate="skip")["found"]) == [2, 0, 3, 1, 0]


def test_the_same_file_again_would_change_nothing(looked, imported):
    imported(FIRST)
    assert counts(looked(FIRST)["found"]) == [0, 0, 3, 0, 0]


def test_batches_make_no_difference(looked, imported, monkeypatch):
    imported(FIRST)
    monkeypatch.setattr(batches, "SIZE", 1)
    assert counts(looked(SECOND)["found"]) == [2, 2, 1, 1, 0]


def test_a_fault_deep_in_the_file_is_found_before_the_import(looked):
    good = "".join(f"Ana {i};1199{i:07d}\n" for i in range(20_000))
    check = looked("Nome;Celular\n" + good + "Bia;" + "9" * 110_000 + "\n")
    assert (check["status"], check["error_code"], check["error_row"]) == ("failed", "cell_too_large", 20_002)


def test_a_file_of_opt_outs_is_looked_at_as_such(api, looked):
    api.post("/opt-outs", {"phone": "11999990001", "channel": "sms"})
    text = "Celular\n11999990001\n11999990002\n11999990002\n123\n"
    assert counts(looked(text, purpose="opt_outs", channels=["sms"])["found"]) == [1, 0, 1, 1, 1]
    assert counts(looked(text, purpose="opt_outs")["found"]) == [2, 0, 0, 1, 1]
    assert api.get("/opt-outs").get_json()["total"] == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"Cor;Tamanho\nazul;3\n", ("mapping", "cannot_be_mapped")),
        (b";;;;\n;;\n", ("file_id", "file_empty")),
    ],
)
def test_what_an_import_would_refuse_a_look_refuses(api, upload, list_id, data, fault):
    answer = api.post(f"/contact-lists/{list_id}/import/preview", {"file_id": upload(data)})
    assert answer.status_code == 422
    assert [(d["field"], d["code"]) for d in answer.get_json()["details"]] == [fault]


def test_a_list_deleted_meanwhile_is_no_trouble(api, begun, list_id):
    check = begun(FIRST)
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204
    jobs.work()
    assert turns.due() == []
    assert api.get(f"/contact-lists/{list_id}/import/preview/{check['id']}").status_code == 404


ROWS = 1_500


def a_file() -> str:
    return "Nome;Celular\n" + "".join(f"Ana {i};119{10_000_000 + i // 2}\n" for i in range(ROWS))


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("point", "nth"), [("claimed", 1), ("surveyed", 1), ("comparing", 3), ("finishing", 1)]
)
def test_a_check_goes_on_after_a_sudden_death(app, api, begun, point, nth):
    check = begun(a_file())
    die(app, point, nth)
    let_the_lease_run_out()
    jobs.work()
    url = f"/contact-lists/{check['contact_list_id']}/import/preview/{check['id']}"
    done = api.get(url).get_json()
    assert (done["status"], done["processed_rows"]) == ("completed", ROWS)
    assert counts(done["found"]) == [750, 0, 0, 750, 0]
    assert session().scalar(select(func.count()).select_from(Contact)) == 0


def test_after_a_crash_of_the_database_a_check_begins_anew(api, begun, list_id, monkeypatch):
    monkeypatch.setattr(batches, "SIZE", 500)
    monkeypatch.setattr(turns.Turn, "over", lambda _: True)
    check = begun(a_file())
    turns.take_turn()
    with atomic() as current:
        current.execute(ImportKey.__table__.delete())  # what is not logged is empty after a crash
    monkeypatch.undo()
    jobs.work()
    done = api.get(f"/contact-lists/{list_id}/import/preview/{check['id']}").get_json()
    assert counts(done["found"]) == [750, 0, 0, 750, 0]


def test_old_looks_are_forgotten(begun):
    from datetime import timedelta

    from sqlalchemy import update

    from sintalk.db import now
    from sintalk.imports import preview

    begun(FIRST)
    preview.forget_old()
    assert session().scalar(select(func.count()).select_from(ImportCheck)) == 1
    with atomic() as current:
        current.execute(update(ImportCheck).values(created_at=now() - timedelta(days=8)))
    preview.forget_old()
    assert session().scalar(select(func.count()).select_from(ImportCheck)) == 0
