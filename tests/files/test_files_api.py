"""Uploads through the real store: only what was announced, confirmed by its content."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from sintalk.db import atomic, now
from sintalk.files import service
from sintalk.files.models import File
from sintalk.files.storage import FileGone, storage
from tests.files import sounds

CSV = b"Nome;Telefone\nAna;11999990001\n"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 28

XLSX = {
    "kind": "xlsx",
    "filename": "contatos.xlsx",
    "content_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def begin(api, **wishes):
    body = {"kind": "csv", "filename": "contatos.csv", "content_type": "text/csv", **wishes}
    answer = api.post("/files/upload-url", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def put(target, data, **headers):
    return httpx.put(target["upload_url"], content=data, headers={**target["headers"], **headers}).status_code


def confirm(api, target):
    return api.post("/files/confirm-upload", {"file_id": target["file_id"]})


def uploaded(api, data=CSV, **wishes):
    target = begin(api, **wishes)
    assert put(target, data) == 200
    assert confirm(api, target).status_code == 200
    return target


def test_a_file_is_announced_uploaded_and_confirmed(api):
    target = begin(api, size=len(CSV))
    assert set(target) == {"file_id", "upload_url", "method", "headers", "expires_at"}
    assert (target["method"], target["headers"]) == ("PUT", {"Content-Type": "text/csv"})
    assert put(target, CSV) == 200
    answer = confirm(api, target)
    assert answer.status_code == 200
    file = answer.get_json()
    assert set(file) == {
        "id",
        "kind",
        "filename",
        "content_type",
        "size",
        "status",
        "created_at",
        "confirmed_at",
        "duration_ms",
        "url",
    }
    assert file["url"] is None, "a list has no public address"
    assert (file["id"], file["status"], file["size"]) == (target["file_id"], "uploaded", len(CSV))
    assert confirm(api, target).get_json() == file
    assert api.get("/files").get_json()["data"] == [file]


def test_a_confirmed_medium_says_where_everybody_can_fetch_it(app, api):
    data = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(20)
    target = begin(api, kind="media", filename="a.gif", content_type="image/gif", size=len(data))
    assert api.get("/files").get_json()["data"][0]["url"] is None
    assert put(target, data) == 200
    url = confirm(api, target).get_json()["url"]
    assert api.get("/files").get_json()["data"][0]["url"] == url
    assert app.test_client().get(urlsplit(url).path).data == data


def test_the_store_takes_only_what_was_announced(api):
    target = begin(api, size=len(CSV))
    assert put(target, CSV, **{"Content-Type": "text/html"}) == 403
    assert put(target, CSV + b"more") == 403
    assert put({**target, "upload_url": target["upload_url"].replace("/t/", "/u/")}, CSV) == 403
    assert confirm(api, target).get_json()["error_code"] == "upload_missing"


def test_a_file_that_never_came_is_409(api):
    answer = confirm(api, begin(api))
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "upload_missing")


@pytest.mark.parametrize(
    ("wishes", "data"),
    [
        ({}, b"PK\x03\x04" + b"\x00" * 40),
        ({}, b"%PDF-1.7 ..."),
        ({}, b"<html><table>"),
        ({}, b" \r\n"),
        (XLSX, CSV),
        (XLSX, OLD_EXCEL),
        ({"kind": "audio", "content_type": "audio/mpeg"}, WAV),
        ({"kind": "audio", "content_type": "audio/wav"}, b"hello, this is text"),
    ],
)
def test_content_that_is_not_what_it_claims_is_refused_and_removed(api, wishes, data):
    target = begin(api, **wishes)
    assert put(target, data) == 200
    for expected in ((422, "content_mismatch"), (409, "upload_missing")):
        answer = confirm(api, target)
        assert (answer.status_code, answer.get_json()["error_code"]) == expected
    assert api.get("/files").get_json()["data"][0]["status"] == "rejected"


@pytest.mark.parametrize(
    ("wishes", "data", "word"),
    [
        ({}, OLD_EXCEL, "(.xlsx)"),
        (XLSX, OLD_EXCEL, "(.xlsx)"),
        ({}, b"PK\x03\x04rest", "(.xlsx)"),
        (XLSX, CSV, "CSV"),
    ],
)
def test_somebody_who_sends_the_wrong_table_is_told_what_to_do(api, wishes, data, word):
    target = begin(api, **wishes)
    put(target, data)
    assert word in confirm(api, target).get_json()["error"]


def test_audio_is_known_by_its_bytes(api):
    uploaded(api, sounds.make("pcm.wav"), kind="audio", filename="oi.wav", content_type="audio/wav")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "zip"}, ("kind", "not_allowed")),
        ({"content_type": "text/html"}, ("content_type", "not_allowed")),
        ({"kind": "audio"}, ("content_type", "not_allowed")),
        ({"filename": ""}, ("filename", "too_short")),
        ({"size": 0}, ("size", "out_of_range")),
        ({"size": "10"}, ("size", "wrong_type")),
        ({"path": "x"}, ("path", "unknown_field")),
    ],
)
def test_a_wrong_announcement_is_refused_at_its_field(api, change, fault):
    body = {"kind": "csv", "filename": "a.csv", "content_type": "text/csv", **change}
    answer = api.post("/files/upload-url", body)
    assert answer.status_code == 422
    assert [(d["field"], d["code"]) for d in answer.get_json()["details"]] == [fault]


def test_too_large_is_413_when_announced_and_when_it_came(api, monkeypatch):
    monkeypatch.setitem(service.LIMITS, "csv", 20)
    body = {"kind": "csv", "filename": "a.csv", "content_type": "text/csv", "size": 21}
    announced = api.post("/files/upload-url", body)
    assert (announced.status_code, announced.get_json()["error_code"]) == (413, "payload_too_large")
    target = begin(api)
    assert put(target, CSV) == 200
    came = confirm(api, target)
    assert (came.status_code, came.get_json()["error_code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("body", [{"file_id": str(uuid4())}, {"file_id": "x"}, {}])
def test_an_unknown_file_is_422(api, body):
    assert api.post("/files/confirm-upload", body).status_code == 422


def test_another_companys_file_does_not_exist(api, charlie_api):
    answer = confirm(charlie_api, begin(api))
    assert answer.status_code == 422
    assert answer.get_json()["details"][0]["code"] == "not_found"
    assert charlie_api.get("/files").get_json()["total"] == 0


def test_bytes_changed_after_the_confirmation_are_not_read(api, alice):
    target = uploaded(api)
    assert put(target, CSV.replace(b"Ana", b"Eva")) == 200
    file = service.get(alice.tenant_id, target["file_id"])
    with pytest.raises(FileGone):
        b"".join(service.open_stream(file))


def test_a_file_is_read_from_any_byte_on(api, alice):
    data = b"Nome;Telefone\n" + b"Ana;11999990001\n" * 60_000
    file = service.get(alice.tenant_id, uploaded(api, data)["file_id"])
    assert b"".join(service.open_stream(file)) == data
    assert b"".join(service.open_stream(file, offset=700_001)) == data[700_001:]
    assert b"".join(service.open_stream(file, offset=len(data))) == b""


def test_a_cut_connection_is_taken_up_where_it_broke(api, alice, monkeypatch):
    data = b"Nome;Telefone\n" + b"Ana;11999990001\n" * 60_000
    file = service.get(alice.tenant_id, uploaded(api, data)["file_id"])
    store, ask, cuts = storage(), storage()._ask, []

    def flaky(operation, **params):
        answer = ask(operation, **params)
        if operation == "get_object" and len(cuts) < 3:
            cuts.append(params["Range"])
            answer["Body"]._raw_stream.close()
        return answer

    monkeypatch.setattr(store, "_ask", flaky)
    assert b"".join(service.open_stream(file)) == data
    assert len(cuts) == 3


def test_uploads_that_never_came_are_given_up(api, alice):
    old, young = begin(api), begin(api)
    with atomic() as session:
        session.execute(
            update(File).where(File.id == old["file_id"]).values(created_at=now() - timedelta(hours=25))
        )
    assert service.expire() == 1
    assert service.get(alice.tenant_id, old["file_id"]).status == "rejected"
    assert put(young, CSV) == 200
    assert confirm(api, young).status_code == 200
