"""An import is taken back: exactly what it did, and nothing of what others did since."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from sintalk.contacts.models import Contact
from sintalk.db import atomic, now, session
from sintalk.imports import jobs, turns, undoing
from sintalk.imports.models import ContactImport, ImportBatch, ImportChange
from tests.imports.test_survival import die, let_the_lease_run_out

FIRST = (
    "Nome;Celular;Email;Cidade\nAna;11999990001;ana@x.com;Rio\nBia;11999990002;;Rio\nCaio;;caio@x.com;Rio\n"
)
SECOND = (
    "Nome;Celular;Email;Cidade;Cor\nAna Souza;11999990001;;Belém;azul\nBia;11999990002;;Rio;\n"
    "Caio Lima;;CAIO@x.com;Recife;\nDuda;11999990004;;;\nEva;;eva@x.com;;\nDuda M;11999990004;;Natal;\n"
)


def people(list_id: str) -> dict[str, tuple]:
    """Everybody in the list by name, with everything that an import may touch."""
    session().rollback()
    rows = session().execute(
        select(Contact.name, Contact.phone, Contact.email, Contact.attributes, Contact.updated_at, Contact.id)
        .where(Contact.contact_list_id == list_id, Contact.deleted_at.is_(None))
        .order_by(Contact.id)
    )
    return {row.name: tuple(row) for row in rows}


@pytest.fixture
def undone(api):
    """Take an import back, to the end: the import as the API tells it then."""

    def undone(job):
        answer = api.post(f"/imports/{job['id']}/undo")
        assert answer.status_code == 202, answer.get_json()
        jobs.work()
        return api.get(f"/contact-lists/{job['contact_list_id']}/import/{job['id']}").get_json()

    return undone


def counts(job):
    return [job["undo"][f"{name}_count"] for name in ("removed", "restored", "kept")]


def test_the_list_is_as_it_was_before(api, imported, list_id, undone):
    imported(FIRST)
    before = people(list_id)
    second = imported(SECOND)
    assert set(people(list_id)) == {"Ana Souza", "Bia", "Caio Lima", "Duda M", "Eva"}
    assert (second["created_count"], second["updated_count"], second["unchanged_count"]) == (2, 4, 1)
    job = undone(second)
    assert people(list_id) == before
    assert (job["undo"]["status"], counts(job)) == ("completed", [2, 2, 0])
    assert job["undo"]["processed"] == job["undo"]["total"] == 4
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 3
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_batches_make_no_difference(imported, list_id, undone, monkeypatch):
    from sintalk.imports import batches

    imported(FIRST)
    before = people(list_id)
    monkeypatch.setattr(batches, "SIZE", 1)
    monkeypatch.setattr(undoing, "CHUNK", 1)
    assert counts(undone(imported(SECOND))) == [2, 2, 0]
    assert people(list_id) == before


def test_imports_are_taken_back_one_after_another(imported, list_id, undone):
    first = imported(FIRST)
    before = people(list_id)
    second = imported(SECOND)
    undone(second)
    assert people(list_id) == before
    assert counts(undone(first)) == [3, 0, 0]
    assert people(list_id) == {}


def test_what_somebody_did_since_stays(api, imported, list_id, undone):
    imported(FIRST)
    second = imported(SECOND)
    ids = {name: row[-1] for name, row in people(list_id).items()}
    url = f"/contact-lists/{list_id}/contacts"
    api.put(f"{url}/{ids['Ana Souza']}", {"name": "Ana à mão", "phone": "11999990001"})
    api.put(f"{url}/{ids['Eva']}", {"name": "Eva à mão", "email": "eva@x.com"})
    api.delete(f"{url}/{ids['Duda M']}")
    assert counts(undone(second)) == [0, 1, 3]
    assert set(people(list_id)) == {"Ana à mão", "Bia", "Caio", "Eva à mão"}
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 4


def test_a_later_import_protects_whom_it_changed(imported, list_id, undone):
    first = imported(FIRST)
    imported(SECOND)
    assert counts(undone(first)) == [1, 0, 2]
    assert set(people(list_id)) == {"Ana Souza", "Caio Lima", "Duda M", "Eva"}


def test_the_same_file_can_come_again_and_go_again(imported, list_id, undone):
    undone(imported(FIRST))
    again = imported(FIRST)
    assert again["created_count"] == 3
    assert counts(undone(again)) == [3, 0, 0]


def test_an_opt_out_stays(api, imported, undone, list_id):
    job = imported(FIRST)
    api.post("/opt-outs", {"phone": "11999990001"})
    undone(job)
    assert api.get("/opt-outs").get_json()["total"] == 1
    imported(FIRST)
    assert api.get(f"/contact-lists/{list_id}/contacts", phone="11999990001").get_json()["data"][0][
        "opted_out"
    ]


def test_repeating_it_is_harmless(api, imported, undone, list_id):
    job = imported(FIRST)
    undone(job)
    imported(FIRST)
    assert counts(undone(job)) == [3, 0, 0]
    assert len(people(list_id)) == 3


def test_what_cannot_be_taken_back_is_refused(api, imported, upload, list_id):
    file_id = upload(FIRST.encode())
    waiting = api.post(f"/contact-lists/{list_id}/import", {"file_id": file_id}).get_json()
    refused = api.post(f"/imports/{waiting['id']}/undo")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "import_unfinished")
    api.post(f"/imports/{waiting['id']}/cancel")
    refused = api.post(f"/imports/{waiting['id']}/undo")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "import_not_undoable")
    gone = imported("Celular\n11999990001\n", purpose="opt_outs")
    refused = api.post(f"/imports/{gone['id']}/undo")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "import_not_undoable")
    assert api.post(f"/imports/{uuid4()}/undo").status_code == 404


def test_after_thirty_days_it_stays_and_what_was_before_is_forgotten(api, imported):
    imported(FIRST)
    job = imported(SECOND)
    assert undoing.purge() == 0
    with atomic() as current:
        current.execute(update(ContactImport).values(finished_at=now() - timedelta(days=31)))
    refused = api.post(f"/imports/{job['id']}/undo")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "undo_expired")
    assert undoing.purge(limit=1) == 2
    assert undoing.purge() > 0
    for notes in (ImportChange, ImportBatch):
        assert session().scalar(select(func.count()).select_from(notes)) == 0


def test_a_stopped_import_is_taken_back_as_far_as_it_came(api, upload, list_id, undone, monkeypatch):
    from sintalk.imports import batches, runner

    monkeypatch.setattr(batches, "SIZE", 1)
    started = api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(FIRST.encode())}).get_json()
    write = runner._write

    def write_and_cancel(job, batch):
        write(job, batch)
        api.post(f"/imports/{started['id']}/cancel")

    with monkeypatch.context() as patch:
        patch.setattr(runner, "_write", write_and_cancel)
        jobs.work()
    assert len(people(list_id)) == 1
    assert counts(undone(started)) == [1, 0, 0]
    assert people(list_id) == {}


@pytest.fixture
def big(imported):
    """An import of 1,900 rows that creates 900 people and changes 900 others; 100 rows are rejected."""
    imported("Nome;Celular;Cidade\n" + "".join(f"Ana {i};119{10_000_000 + i};Rio\n" for i in range(900)))
    return imported(
        "Nome;Celular;Cidade\n"
        + "".join(f"Bia {i};119{10_000_000 + i};Natal\n" for i in range(1_800))
        + "X;123;\n" * 100
    )


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("point", "nth"),
    [("claimed", 1), ("removing", 1), ("restoring", 3), ("restored", 2), ("finishing", 1)],
)
def test_an_undo_goes_on_after_a_sudden_death(app, api, big, point, nth):
    list_id = big["contact_list_id"]
    api.post(f"/imports/{big['id']}/undo")
    die(app, point, nth)
    let_the_lease_run_out()
    assert [row.kind for row in turns.due()] == ["undo"]
    jobs.work()
    job = api.get(f"/contact-lists/{list_id}/import/{big['id']}").get_json()
    assert (job["undo"]["status"], counts(job)) == ("completed", [900, 900, 0])
    left = people(list_id)
    assert len(left) == 900 and all(row[3] == {"Cidade": "Rio"} for row in left.values())
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 900
