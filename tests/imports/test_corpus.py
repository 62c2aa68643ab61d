"""Files with one trait each, and some with all, on their whole way: upload, import, contacts, counts by reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from sintalk.contacts.models import Contact
from sintalk.db import session
from sintalk.imports import jobs
from sintalk.imports.models import ImportReject
from tests.imports.corpus import make
from tests.imports.workbooks import CONTENT_TYPE

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = tomllib.loads((CORPUS / "expected.toml").read_text())
FILES = sorted(path.name for path in CORPUS.iterdir() if path.suffix not in (".py", ".toml", ""))


def test_every_file_has_its_expectation_and_there_are_many():
    assert sorted(EXPECTED) == FILES
    assert len(FILES) >= 40
    assert len(make.CSV) + len(make.XLSX) == len(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_what_it_should(api, list_id, name):
    expected = EXPECTED[name]
    started = _start(api, list_id, name, expected.get("wishes", {}))
    if "refused" in expected:
        assert started == expected["refused"]
        return
    jobs.work()
    done = api.get(f"/contact-lists/{list_id}/import/{started}").get_json()
    assert (done["status"], done["error_code"]) == ("completed", None)
    rejected = expected.get("rejected", {})
    created, updated = expected.get("created", 0), expected.get("updated", 0)
    assert _counts(done) == (created, updated, 0, sum(rejected.values()))
    assert done["total_rows"] == created + updated + sum(rejected.values())
    assert _reasons(started) == rejected
    assert done["warnings"] == expected.get("warnings", {})
    people = {
        c.phone: c for c in session().scalars(select(Contact).where(Contact.contact_list_id == list_id))
    }
    assert {phone: people[phone].name for phone in expected.get("people", {})} == expected.get("people", {})
    attributes = expected.get("attributes", {})
    assert {phone: people[phone].attributes for phone in attributes} == attributes


@pytest.mark.parametrize("name", ["everything.csv", "numbers_and_dates.xlsx", "no_header.csv"])
def test_the_same_file_again_makes_nobody_new(api, list_id, name):
    expected = EXPECTED[name]
    _start(api, list_id, name, {})
    jobs.work()
    again = _start(api, list_id, name, {})
    jobs.work()
    done = api.get(f"/contact-lists/{list_id}/import/{again}").get_json()
    rejected = sum(expected.get("rejected", {}).values())
    assert _counts(done) == (0, expected["created"] + expected.get("updated", 0), 0, rejected)


def _start(api, list_id: str, name: str, wishes) -> str:
    """The import's id, or the code it is refused with."""
    kind = "xlsx" if name.endswith(("xlsx", "docx")) else "csv"
    body = {"kind": kind, "filename": name, "content_type": CONTENT_TYPE if kind == "xlsx" else "text/csv"}
    target = api.post("/files/upload-url", body).get_json()
    content = (CORPUS / name).read_bytes()
    assert httpx.put(target["upload_url"], content=content, headers=target["headers"]).status_code == 200
    answer = api.post("/files/confirm-upload", {"file_id": target["file_id"]})
    if answer.status_code == 200:
        body = {"file_id": target["file_id"], **wishes}
        answer = api.post(f"/contact-lists/{list_id}/import", body)
        if answer.status_code == 202:
            return str(answer.get_json()["id"])
    assert answer.status_code == 422, answer.get_json()
    told = answer.get_json()
    return str(told["details"][0]["code"] if told.get("details") else told["error_code"])


def _counts(done) -> tuple[int, ...]:
    return tuple(done[f"{name}_count"] for name in ("created", "updated", "skipped", "rejected"))


def _reasons(import_id: str) -> dict[str, int]:
    counted = select(ImportReject.reason, func.count().label("rows")).where(
        ImportReject.import_id == import_id
    )
    found = session().execute(counted.group_by(ImportReject.reason)).all()
    return {row.reason: row.rows for row in found}
