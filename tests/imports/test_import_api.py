"""From a confirmed file to contacts in a list, and everything that may be wrong on the way."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest

from sintalk.imports import jobs
from tests.imports.workbooks import workbook, zipped

SMALL = (
    "Nome;Celular;E-mail;Cidade\nJoão;11999990001;joao@exemplo.com;São Paulo\nMaria;(21) 99999-0002;;Rio\n"
)


def contacts(api, list_id, **query):
    return api.get(f"/contact-lists/{list_id}/contacts", **query).get_json()


def counts(done):
    return [done[f"{name}_count"] for name in ("created", "updated", "skipped", "rejected")]


def test_a_file_becomes_contacts(api, imported, list_id):
    done = imported(SMALL)
    assert (done["status"], done["progress"], done["total_rows"], done["processed_rows"]) == (
        "completed",
        1,
        2,
        2,
    )
    assert counts(done) == [2, 0, 0, 0]
    assert done["rejects_url"] is None and done["error_code"] is None
    assert done["started_at"] and done["finished_at"]
    found = contacts(api, list_id)
    assert found["total"] == 2
    assert {(c["name"], c["phone"], c["email"]) for c in found["data"]} == {
        ("João", "+5511999990001", "joao@exemplo.com"),
        ("Maria", "+5521999990002", None),
    }
    assert found["data"][1]["attributes"] == {"Cidade": "São Paulo"}
    assert api.get(f"/contact-lists/{list_id}").get_json()["contact_count"] == 2


def test_a_file_without_a_header_is_understood_and_somebody_may_say_otherwise(api, imported, list_id):
    bare = "Ana Souza;11999990001;Rio\nBia Lima;11999990002;Natal\n"
    assert counts(imported(bare)) == [2, 0, 0, 0]
    [ana] = contacts(api, list_id, phone="11999990001")["data"]
    assert (ana["name"], ana["attributes"]) == ("Ana Souza", {"Coluna 3": "Rio"})
    assert counts(imported(bare, has_header=False, mapping={"phone": "Coluna 2"})) == [0, 2, 0, 0]
    assert counts(imported(bare, has_header=True, mapping={"phone": "11999990001"})) == [0, 1, 0, 0]


def test_a_workbook_becomes_contacts_as_a_csv_does(api, imported, list_id):
    rows = [
        ["Nome", "Celular", "Cidade"],
        ["Ana", 11999990001, "Rio"],
        ["Bia", "(21) 9999-0002", "São Paulo"],
    ]
    done = imported(workbook([], rows), kind="xlsx")
    assert (done["status"], counts(done), done["warnings"]) == (
        "completed",
        [2, 0, 0, 0],
        {"ninth_digit_added": 1},
    )
    [bia] = contacts(api, list_id, phone="21999990002")["data"]
    assert (bia["name"], bia["attributes"]) == ("Bia", {"Cidade": "São Paulo"})


def test_a_zip_that_is_no_workbook_is_refused_at_once(api, upload, list_id):
    file_id = upload(zipped({"word/document.xml": "<w/>"}), kind="xlsx")
    answer = api.post(f"/contact-lists/{list_id}/import", {"file_id": file_id})
    assert (answer.status_code, answer.get_json()["details"][0]["code"]) == (422, "not_an_xlsx")


def test_the_same_file_again_changes_nothing(api, imported, list_id):
    imported(SMALL)
    before = contacts(api, list_id)
    assert counts(imported(SMALL)) == [0, 2, 0, 0]
    assert counts(imported(SMALL, on_duplicate="skip")) == [0, 0, 2, 0]
    assert contacts(api, list_id) == before


def test_doubled_numbers_are_updated_or_skipped_never_rejected(api, imported, list_id):
    doubled = "Nome;Celular;Cidade\nAna;11999990001;Rio\nAna Souza;011 99999-0001;\nBia;11999990002;\n"
    assert counts(imported(doubled)) == [2, 1, 0, 0]
    [ana] = contacts(api, list_id, phone="11999990001")["data"]
    assert (ana["name"], ana["attributes"]) == ("Ana Souza", {"Cidade": "Rio"})
    assert counts(imported("Nome;Celular\nOutra;11999990001\nCaio;11999990003\n", on_duplicate="skip")) == [
        1,
        0,
        1,
        0,
    ]
    assert contacts(api, list_id, phone="11999990001")["data"][0]["name"] == "Ana Souza"


def test_people_without_a_phone_are_known_by_their_address(api, imported, list_id):
    text = "Nome;Celular;Email\nAna;;ana@exemplo.com\nBia;;bia@exemplo.com\nAna S;;ANA@exemplo.com\n"
    assert counts(imported(text)) == [2, 1, 0, 0]
    assert counts(imported(text)) == [0, 3, 0, 0]
    assert counts(imported(text, on_duplicate="skip")) == [0, 0, 3, 0]
    assert {c["name"] for c in contacts(api, list_id)["data"]} == {"Ana S", "Bia"}


def test_rejected_rows_come_back_as_a_file_with_reasons(api, imported):
    done = imported(
        'Nome;Celular;Nota\nAna;123;=HYPERLINK("x")\n;11999990001;\nBia;99999-0001;+5511\nCaio;11999990003;\n'
    )
    assert counts(done) == [1, 0, 0, 3]
    assert done["rejects_url"].endswith("/rejects")
    answer = api.get(done["rejects_url"].partition("/api/v1")[2])
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))
    assert rows[0][:3] == ["Nome", "Celular", "Nota"]
    assert [row[:4] for row in rows[1:]] == [
        ["Ana", "123", '\'=HYPERLINK("x")', "2"],
        ["", "11999990001", "", "3"],
        ["Bia", "99999-0001", "+5511", "4"],
    ]
    assert all(row[4] for row in rows[1:])


def test_an_opt_out_outlives_an_import_and_is_counted(api, imported, list_id):
    api.post("/opt-outs", {"phone": "11999990001", "channel": "sms"})
    done = imported(SMALL)
    assert (done["opted_out_count"], done["created_count"]) == (1, 2)
    assert contacts(api, list_id, phone="11999990001")["data"][0]["opted_out"] is True


def test_a_default_area_code_and_a_mapping_are_used(api, imported, list_id):
    text = "Quem;Onde;Fone A;Fone B\nAna;Rio;99999-0001;11988880001\n"
    done = imported(
        text,
        default_ddd="21",
        mapping={"name": "Quem", "phone": "Fone A", "attributes": {"cidade": "Onde"}},
    )
    assert counts(done) == [1, 0, 0, 0]
    [ana] = contacts(api, list_id)["data"]
    assert (ana["phone"], ana["attributes"]) == ("+5521999990001", {"cidade": "Rio"})


def test_warnings_say_what_was_repaired(imported):
    done = imported("Nome;Celular;Email\nAna;1199990001;x\nBia;11999990002 / 11999990003;;;sobra\n")
    assert done["warnings"] == {
        "ninth_digit_added": 1,
        "invalid_email": 1,
        "several_numbers": 1,
        "extra_cells": 1,
    }


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("file_id", "required")),
        ({"file_id": "x"}, ("file_id", "invalid_id")),
        ({"file_id": str(uuid4())}, ("file_id", "not_found")),
        ({"file_id": ..., "on_duplicate": "merge"}, ("on_duplicate", "not_allowed")),
        ({"file_id": ..., "default_ddd": "20"}, ("default_ddd", "invalid_ddd")),
        ({"file_id": ..., "default_ddd": 11}, ("default_ddd", "wrong_type")),
        ({"file_id": ..., "maping": {}}, ("maping", "unknown_field")),
        ({"file_id": ..., "mapping": {"phone": "Fax"}}, ("mapping.phone", "unknown_column")),
        ({"file_id": ..., "mapping": {"phone": None, "email": None}}, ("mapping", "cannot_be_mapped")),
    ],
)
def test_a_wrong_body_is_refused_at_its_field(api, upload, list_id, body, fault):
    if body.get("file_id") is ...:
        body["file_id"] = upload(SMALL.encode())
    answer = api.post(f"/contact-lists/{list_id}/import", body)
    assert (answer.status_code, answer.get_json()["error_code"]) == (422, "validation_failed")
    assert [(d["field"], d["code"]) for d in answer.get_json()["details"]] == [fault]
    assert api.get(f"/contact-lists/{list_id}/imports").get_json()["total"] == 0


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"Cor;Tamanho\nazul;3\n", ("mapping", "cannot_be_mapped")),
        (b"Querida Ana,\n\nescrevo para dizer que sim.\n", ("mapping", "cannot_be_mapped")),
        (b";;;;\n;;\n", ("file_id", "file_empty")),
        (b"a;" * 300 + b"\n", ("file_id", "too_many_columns")),
    ],
)
def test_what_is_no_list_of_people_is_refused_before_anything_is_written(api, upload, list_id, data, fault):
    answer = api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(data)})
    assert answer.status_code == 422
    assert [(d["field"], d["code"]) for d in answer.get_json()["details"]] == [fault]


def test_a_fault_deep_in_the_file_fails_the_import_and_leaves_nothing(api, imported, list_id):
    good = "".join(f"Ana {i};1199{i:07d}\n" for i in range(20_000))
    done = imported("Nome;Celular\n" + good + "Bia;" + "9" * 110_000 + "\n")
    assert (done["status"], done["error_code"], done["error_row"]) == ("failed", "cell_too_large", 20_002)
    assert (done["processed_rows"], contacts(api, list_id)["total"]) == (0, 0)
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_an_unconfirmed_file_is_409(api, upload, list_id):
    answer = api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(SMALL.encode(), confirm=False)})
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "file_not_confirmed")


def test_a_file_goes_into_a_list_once_at_a_time(api, upload, list_id):
    body = {"file_id": upload(SMALL.encode())}
    api.post(f"/contact-lists/{list_id}/import", body)
    second = api.post(f"/contact-lists/{list_id}/import", body)
    assert (second.status_code, second.get_json()["error_code"]) == (409, "import_in_progress")
    jobs.work()
    assert api.post(f"/contact-lists/{list_id}/import", body).status_code == 202


def test_a_list_in_use_stays(api, upload, list_id):
    api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(SMALL.encode())})
    refused = api.delete(f"/contact-lists/{list_id}")
    assert (refused.status_code, refused.get_json()["error_code"]) == (409, "list_in_use")
    jobs.work()
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_canceling_stops_it_and_frees_the_list(api, upload, list_id):
    started = api.post(f"/contact-lists/{list_id}/import", {"file_id": upload(SMALL.encode())}).get_json()
    for _ in range(2):
        canceled = api.post(f"/imports/{started['id']}/cancel")
        assert (canceled.status_code, canceled.get_json()["status"]) == (200, "canceled")
    jobs.work()
    assert contacts(api, list_id)["total"] == 0
    assert api.delete(f"/contact-lists/{list_id}").status_code == 204


def test_a_finished_import_cannot_be_canceled(api, imported):
    answer = api.post(f"/imports/{imported(SMALL)['id']}/cancel")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "import_finished")


def test_imports_are_listed_newest_first(api, imported, list_id):
    ids = [imported(SMALL)["id"] for _ in range(3)]
    page = api.get(f"/contact-lists/{list_id}/imports", limit=2).get_json()
    assert [row["id"] for row in page["data"]] == ids[:0:-1]
    assert (page["total"], page["has_more"]) == (3, True)


def test_nobody_elses_import_file_or_list_can_be_seen_or_used(api, charlie_api, upload, imported, list_id):
    done = imported(SMALL)
    theirs = charlie_api.post("/contact-lists", {"name": "Meus"}).get_json()["id"]
    one = f"/contact-lists/{list_id}/import/{done['id']}"
    for path in (one, f"{one}/rejects", f"/contact-lists/{list_id}/imports"):
        assert charlie_api.get(path).status_code == 404
    assert charlie_api.get(f"/contact-lists/{theirs}/import/{done['id']}").status_code == 404
    assert charlie_api.post(f"/imports/{done['id']}/cancel").status_code == 404
    body = {"file_id": done["file_id"]}
    assert charlie_api.post(f"/contact-lists/{list_id}/import", body).status_code == 404
    answer = charlie_api.post(f"/contact-lists/{theirs}/import", body)
    assert (answer.status_code, answer.get_json()["details"][0]["code"]) == (422, "not_found")
