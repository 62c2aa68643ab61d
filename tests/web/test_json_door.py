"""What every operation does alike: bodies, errors, idempotency, paging."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sintalk.web.validation import path_of
from tests.factories import Api


def send_raw(api: Api, data: bytes | str, content_type: str = "application/json"):
    headers = {**api.headers, "Accept-Language": "en"}
    return api.client.post("/api/v1/api-keys", data=data, content_type=content_type, headers=headers)


@pytest.mark.parametrize("raw", [b"{", b"", b"nul", b"\xff\xfe", b'{"name": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_malformed(api, raw):
    answer = send_raw(api, raw)
    assert (answer.status_code, answer.get_json()["error_code"]) == (400, "malformed_json")


def test_another_content_type_is_refused(api):
    answer = send_raw(api, '{"name": "x"}', "text/plain")
    assert (answer.status_code, answer.get_json()["error_code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("raw", ['"a string"', "[]", "3", "null"])
def test_json_that_is_no_object_is_a_fault_of_the_body(api, raw):
    answer = send_raw(api, raw)
    assert answer.status_code == 422
    assert answer.get_json()["details"][0]["field"] == "body"


def test_all_faults_are_told_together_with_their_fields(api):
    answer = api.post("/api-keys", {"name": "", "role": "king", "nmae": "x", "expires_at": 0})
    assert answer.status_code == 422
    faults = {fault["field"]: fault["code"] for fault in answer.get_json()["details"]}
    assert faults == {
        "name": "too_short",
        "role": "not_allowed",
        "nmae": "unknown_field",
        "expires_at": "invalid_timestamp",
    }


def test_a_null_character_is_refused_at_its_field_and_a_lone_surrogate_is_dropped(api):
    answer = send_raw(api, json.dumps({"name": "a\x00b"}))
    assert answer.get_json()["details"][0] == {
        "field": "name",
        "code": "null_character",
        "message": "Text cannot contain U+0000.",
    }
    assert send_raw(api, r'{"name": "a\ud800b"}').get_json()["name"] == "ab"


def test_a_body_over_the_limit_is_refused(api):
    answer = send_raw(api, b'{"name": "' + b"x" * (9 * 1024 * 1024) + b'"}')
    assert (answer.status_code, answer.get_json()["error_code"]) == (413, "payload_too_large")


def test_every_answer_names_its_request(api):
    answer = api.get("/nowhere")
    assert answer.status_code == 404
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_names_the_right_ones(api):
    answer = api.delete("/billing/balance")
    assert (answer.status_code, answer.get_json()["error_code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"offset": -1}, "offset"), ({"limt": 5}, "limt")],
)
def test_paging_out_of_range_is_refused_and_never_clamped(api, query, field):
    answer = api.get("/api-keys", **query)
    assert answer.status_code == 422
    assert answer.get_json()["details"][0]["field"] == field


def test_pages_by_offset_and_by_keyset_show_each_row_once_newest_first(api):
    made = [api.post("/api-keys", {"name": f"key {i}"}).get_json()["id"] for i in range(6)]
    page = api.get("/api-keys", limit=4).get_json()
    assert (page["total"], page["has_more"], len(page["data"])) == (7, True, 4)
    assert [row["id"] for row in page["data"]] == made[::-1][:4]
    rest = api.get("/api-keys", limit=4, after=page["data"][-1]["id"]).get_json()
    assert [row["id"] for row in rest["data"]][:2] == made[::-1][4:] and not rest["has_more"]
    assert api.get("/api-keys", limit=4, offset=4).get_json()["data"] == rest["data"]


def test_the_same_key_and_body_give_the_first_answer_again_without_the_secret(api):
    first = api.post("/api-keys", {"name": "once"}, Idempotency_Key="a")
    again = api.post("/api-keys", {"name": "once"}, Idempotency_Key="a")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    expected = first.get_json()
    assert expected.pop("key") and again.get_json() == expected


def test_the_same_key_with_another_body_is_refused(api):
    api.post("/api-keys", {"name": "one"}, Idempotency_Key="a")
    answer = api.post("/api-keys", {"name": "two"}, Idempotency_Key="a")
    assert (answer.status_code, answer.get_json()["error_code"]) == (409, "idempotency_key_reused")


def test_a_refused_request_is_not_remembered(api):
    assert api.post("/api-keys", {"name": ""}, Idempotency_Key="a").status_code == 422
    assert api.post("/api-keys", {"name": "right"}, Idempotency_Key="a").status_code == 201


def test_another_company_may_use_the_same_key(api, charlie_api):
    mine = api.post("/api-keys", {"name": "x"}, Idempotency_Key="a").get_json()
    theirs = charlie_api.post("/api-keys", {"name": "x"}, Idempotency_Key="a").get_json()
    assert mine["id"] != theirs["id"]


def test_sixteen_at_once_with_one_key_make_one_effect(app, api):
    def ask(_: int) -> int:
        return (
            Api(app, api.headers["X-API-Key"])
            .post("/api-keys", {"name": "x"}, Idempotency_Key="k")
            .status_code
        )

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(16)))
    assert set(statuses) <= {201, 409} and 201 in statuses
    assert api.get("/api-keys").get_json()["total"] == 2


def test_the_document_is_valid_openapi_3_1(client):
    from openapi_spec_validator import validate

    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_paths_of_faults_are_written_as_people_write_them():
    assert path_of(("rcs", "carousel", "cards", 2, "title")) == "rcs.carousel.cards[2].title"
