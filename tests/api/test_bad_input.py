"""Nonsense at every operation: the right status and code, a detail that names the field, never a 500.

Entry by entry of what is tried against an API; the operations come from its own document, so that a new one
is tried without anybody thinking of it.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from flask import Flask

from sintalk.auth import keys
from sintalk.db import new_id
from sintalk.web import openapi
from tests import factories
from tests.factories import Api

#: Read where they were never asked for, these would be an attack.
INJECTED = (
    "tenant_id",
    "id",
    "balance",
    "platform_admin",
    "cost_micros",
    "contact_count",
    "__proto__",
    "created_at",
)
#: Values of the wrong kind for nearly any field.
WRONG: tuple[Any, ...] = (
    [],
    {},
    [[[]]],
    True,
    -1,
    1.5,
    10**400,
    "",
    " ",
    "\ud83d",
    "x" * 100_000,
    "'; DROP TABLE tenants; --",
    "{{7*7}} ${7*7} {% raw %}",
    "../../etc/passwd",
    "😀\u202e\u200b\ufeff\U000e0001",
    "2026-02-30T25:61:61Z",
    "00000000-0000-0000-0000-000000000000",
)
#: What people put into addresses.
ASKED = (
    "",
    "\x00",
    "-1",
    "1e9",
    "٣",
    "x" * 5_000,
    "' OR 1=1 --",
    "%",
    "\ud83d".encode("utf-8", "surrogatepass"),
    "[]",
    "null",
    "9" * 400,
)


TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """So many requests come from one key here."""
    from sintalk.web import limits

    monkeypatch.setattr(limits, "spend", lambda *_: None)


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return openapi.document(app)


@pytest.fixture
def operations(document) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), _filled(path), operation)
        for path, there in document["paths"].items()
        for method, operation in there.items()
    ]


@pytest.fixture
def with_body(operations) -> list[tuple[str, str, Any]]:
    """Method, address, a body in which nothing is wrong."""
    found = []
    for method, path, operation in operations:
        if "requestBody" in operation:
            media = operation["requestBody"]["content"]["application/json"]
            good = media.get("example") or next(iter(media["examples"].values()))["value"]
            found.append((method, path, good))
    assert len(found) > 12
    return found


@pytest.fixture
def boss(app: Flask) -> Api:
    """Who may do everything: a refusal is then about the input."""
    return Api(app, factories.key(factories.owner("olga@example.com", "Sintalk", platform_admin=True)))


def _filled(path: str) -> str:
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        path = path[:start] + str(new_id()) + path[end + 1 :]
    return path


def send(api: Api, method: str, path: str, raw: bytes, content_type: str = "application/json") -> Any:
    headers = {**api.headers, "Idempotency-Key": str(uuid.uuid4())}
    return api.client.open(
        f"/api/v1{path}", method=method, data=raw, content_type=content_type, headers=headers
    )


def told(answer: Any, status: int | tuple[int, ...], code: str | None = None) -> dict[str, Any]:
    """The body of a refusal, whole and without anything of our inside."""
    body = answer.get_json()
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), (
        answer.status_code,
        body,
    )
    assert {"error_code", "error", "request_id"} <= set(body) and body["error"]
    assert code in (None, body["error_code"]), body
    assert uuid.UUID(body["request_id"]) and answer.headers["X-Request-Id"] == body["request_id"]
    for word in ("Traceback", "psycopg", "sqlalchemy", "pydantic", "/sintalk/"):
        assert word not in answer.text, body
    for fault in body.get("details", ()):
        assert fault["field"] and fault["code"] and fault["message"], body
    return body


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"name": "a",}',
        b"{'name': 'a'}",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a": "\xc3\x28"}',
        b"[" * 50_000,
        b'{"a":' * 50_000,
    ],
    ids=[
        "nothing",
        "cut off",
        "comma",
        "quotes",
        "NaN",
        "infinity",
        "UTF-16",
        "BOM",
        "bad UTF-8",
        "deep lists",
        "deep objects",
    ],
)
def test_what_is_no_json_is_told_so_at_every_operation(boss, operations, with_body, raw):
    bodies = [
        (method, path, each["requestBody"]) for method, path, each in operations if "requestBody" in each
    ]
    optional = {(method, path) for method, path, body in bodies if not body["required"]}
    for method, path, _ in with_body:
        if not raw and (method, path) in optional:
            continue
        told(send(boss, method, path, raw), 400, "malformed_json")


@pytest.mark.parametrize("content_type", TYPES)
def test_another_content_type_is_told_so_at_every_operation(boss, with_body, content_type):
    for method, path, good in with_body:
        told(send(boss, method, path, json.dumps(good).encode(), content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("body", [[], "text", 3, None, True, [{}]])
def test_json_that_is_no_object_is_told_so_at_every_operation(boss, with_body, body):
    for method, path, _ in with_body:
        found = told(send(boss, method, path, json.dumps(body).encode()), 422, "validation_failed")
        assert found["details"][0]["field"] == "body", (path, found)


def test_what_nobody_asked_for_is_refused_at_its_name_at_every_operation(boss, with_body):
    for method, path, good in with_body:
        for name in INJECTED:
            if name in good:
                continue
            found = told(send(boss, method, path, json.dumps({**good, name: "x"}).encode()), 422)
            assert {"field": name, "code": "unknown_field"} in [
                {key: fault[key] for key in ("field", "code")} for fault in found["details"]
            ], (path, found)


def test_a_value_of_the_wrong_kind_is_told_at_its_field_and_breaks_nothing(boss, with_body):
    tried = 0
    for method, path, good in with_body:
        for name in good:
            for wrong in WRONG:
                answer = send(boss, method, path, json.dumps({**good, name: wrong}).encode())
                assert answer.status_code < 500, (method, path, name, wrong, answer.text)
                if answer.status_code == 422:
                    fields = [fault["field"] for fault in told(answer, 422)["details"]]
                    assert any(field.startswith(name) for field in fields) or _about_another(name, fields), (
                        path,
                        name,
                        fields,
                    )
                tried += 1
    assert tried > 500


def _about_another(name: str, fields: list[str]) -> bool:
    """A wrong channel makes its content surplus; an id of nothing is told at that id."""
    return name in ("channel", "kind", "name", "description", "from", "to") or any(
        field.endswith("_id") for field in fields
    )


def test_u0000_is_refused_at_its_field_wherever_it_stands(boss, with_body):
    for method, path, good in with_body:
        for name, value in good.items():
            if isinstance(value, str):
                raw = json.dumps({**good, name: f"a\x00{value}"}).encode()
                found = told(send(boss, method, path, raw), 422)
                assert found["details"][0] == {
                    **found["details"][0],
                    "field": name,
                    "code": "null_character",
                }, path


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(boss, with_body):
    limit = boss.client.application.config["MAX_CONTENT_LENGTH"]
    raw = b'{"name": "' + b"x" * limit + b'"}'
    for method, path, _ in with_body:
        told(send(boss, method, path, raw), 413, "payload_too_large")


def test_nonsense_in_an_address_breaks_no_list(boss, operations):
    tried = 0
    for method, path, operation in operations:
        if method != "GET":
            continue
        names = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
        for name in [*names, "no_such_parameter"]:
            for value in ASKED:
                answer = boss.client.get(f"/api/v1{path}", query_string={name: value}, headers=boss.headers)
                assert answer.status_code in (200, 404, 422), (path, name, value, answer.text)
                if answer.status_code == 422:
                    assert told(answer, 422)["details"][0]["field"] in (name, name.replace("-", "_")), (
                        path,
                        name,
                    )
                tried += 1
    assert tried > 300


@pytest.mark.parametrize("place", ["not-an-id", "0", "..%2f..", "%00", "x" * 3_000, "٣"])
def test_an_address_with_no_id_in_it_is_not_found(boss, document, place):
    for path in document["paths"]:
        if "{" in path:
            address = path[: path.index("{")] + place
            told(boss.client.get(f"/api/v1{address}", headers=boss.headers), (404, 405))


def test_keys_that_are_none_answer_alike_at_every_operation(app, operations, boss, alice):
    revoked = factories.key(alice)
    row = Api(app, revoked).get("/api-keys").get_json()["data"][0]
    assert Api(app, revoked).delete(f"/api-keys/{row['id']}").status_code == 204
    wrong = [
        None,
        "",
        "x",
        revoked,
        keys.make("live"),
        revoked[:-1],
        "stk_live_" + "\u00e9" * 32,
        "x" * 10_000,
    ]
    for method, path, _ in operations:
        bodies = set()
        for key in wrong:
            headers = {} if key is None else {"X-API-Key": key.encode("utf-8").decode("latin-1")}
            answer = app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json={})
            body = told(answer, 401, "unauthorized")
            bodies.add(body["error"])
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert len(bodies) == 1, path


@pytest.mark.parametrize("key", ["", "x" * 256, "ç", "a b"])
def test_an_idempotency_key_that_is_none_is_told_at_its_header(api, key):
    answer = api.client.post(
        "/api/v1/contact-lists",
        json={"name": "a"},
        headers={**api.headers, "Idempotency-Key": key.encode().decode("latin-1")},
    )
    assert told(answer, 422)["details"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("language", "said", "fault"),
    [
        ("en", "Some fields are wrong", "At most 200 characters."),
        ("pt-BR,pt;q=0.9", "Há campos com erro", "No máximo 200 caracteres."),
        ("xx", "campos", "caracteres"),
    ],
)
def test_sentences_come_in_the_language_that_is_asked_for_codes_stay(api, language, said, fault):
    answer = api.client.post(
        "/api/v1/contact-lists",
        json={"name": "x" * 201},
        headers={**api.headers, "Accept-Language": language},
    )
    body = told(answer, 422, "validation_failed")
    assert said in body["error"] and fault in body["details"][0]["message"]
    assert body["details"][0] == {**body["details"][0], "field": "name", "code": "too_long"}
