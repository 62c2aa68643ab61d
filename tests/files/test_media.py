"""Pictures, films and documents for RCS: uploaded, and fetched by whoever has the address."""

from __future__ import annotations

import httpx
import pytest

from sintalk.files import media, service
from sintalk.message_templates.schemas import TemplateIn
from tests import factories
from tests.message_templates.template_contents import card

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200)) * 5
FORMATS = [
    ("image/png", PNG),
    ("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(200)),
    ("image/gif", b"GIF89a" + bytes(range(200))),
    ("video/mp4", b"\0\0\0\x18ftypmp42" + bytes(range(200))),
    ("video/webm", b"\x1a\x45\xdf\xa3" + bytes(range(200))),
    ("application/pdf", b"%PDF-1.7\n" + bytes(range(200))),
]


def put(client, data: bytes, content_type: str = "image/png", filename: str = "Pão de queijo.PNG"):
    wanted = {"kind": "media", "filename": filename, "content_type": content_type, "size": len(data)}
    target = client.post("/files/uploads", data=wanted).get_json()
    assert httpx.put(target["url"], content=data, headers=target["headers"]).status_code == 200
    return client.post("/files/media", data={"file_id": target["file_id"]})


@pytest.fixture
def address(signed_in) -> str:
    return put(signed_in, PNG).get_json()["url"]


def path_of(address: str) -> str:
    return address.removeprefix("http://127.0.0.1:8000")


@pytest.mark.parametrize(("content_type", "data"), FORMATS)
def test_every_format_is_taken_and_served_as_what_it_is(app, signed_in, content_type, data):
    url = put(signed_in, data, content_type).get_json()["url"]
    answer = app.test_client().get(path_of(url))
    assert answer.status_code == 200
    assert (answer.data, answer.mimetype) == (data, content_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.content_length == len(data)


def test_a_part_and_the_head_can_be_asked_for(app, address):
    anybody = app.test_client()
    part = anybody.get(path_of(address), headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, PNG[2:6])
    head = anybody.head(path_of(address))
    assert (head.status_code, head.content_length, head.data) == (200, len(PNG), b"")
    again = anybody.get(path_of(address), headers={"If-None-Match": head.headers["ETag"]})
    assert again.status_code == 304


def test_an_address_cannot_be_guessed(app, address, alice):
    anybody, path = app.test_client(), path_of(address)
    token = path.split("/")[2]
    for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), token[:32], "x" * 64, token + "0", "é"):
        assert anybody.get(path.replace(token, wrong)).status_code == 404
    pending = service.begin(alice.tenant_id, kind="media", filename="a.png", content_type="image/png").file
    assert anybody.get(path_of(media.address(pending))).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "data"),
    [("image/png", b"<html><script>alert(1)</script>"), ("image/png", FORMATS[1][1]), ("video/mp4", PNG)],
)
def test_what_is_not_what_it_says_is_refused(signed_in, content_type, data):
    assert put(signed_in, data, content_type).status_code == 422


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "application/zip"])
def test_other_types_are_not_taken(signed_in, content_type):
    wanted = {"kind": "media", "filename": "a", "content_type": content_type}
    assert signed_in.post("/files/uploads", data=wanted).status_code == 422


def test_another_company_cannot_confirm_it(app, charlie, signed_in):
    target = signed_in.post(
        "/files/uploads", data={"kind": "media", "filename": "a.png", "content_type": "image/png"}
    ).get_json()
    stranger = factories.browser(app, charlie)
    assert stranger.post("/files/media", data={"file_id": target["file_id"]}).status_code == 422


def test_a_template_takes_its_address_and_no_other_plain_http(app, address):
    assert TemplateIn(**card(media={"file_url": address}))
    for wrong in ("http://x.br/media/a.png", address.replace("/media/", "/other/")):
        with pytest.raises(ValueError, match="https"):
            TemplateIn(**card(media={"file_url": wrong}))
