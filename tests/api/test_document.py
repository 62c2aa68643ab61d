"""The OpenAPI document: complete, valid, with examples that hold, the same every time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests import factories
from tests.factories import Api

#: The index of the Sintalk Public API. Its 29th operation, the presigned PUT, stands at the store.
INDEX = """
POST /api-keys createApiKey
GET /billing/balance getBillingBalance
POST /campaigns createCampaign
GET /campaigns listCampaigns
GET /campaigns/{id} getCampaign
POST /campaigns/{id}/launch launchCampaign
GET /campaigns/{id}/stats getCampaignStats
POST /contact-lists/{listId}/contacts createContact
GET /contact-lists/{listId}/contacts listContacts
GET /contact-lists/{listId}/contacts/{id} getContact
PUT /contact-lists/{listId}/contacts/{id} updateContact
DELETE /contact-lists/{listId}/contacts/{id} deleteContact
POST /contact-lists createContactList
GET /contact-lists listContactLists
GET /contact-lists/{id} getContactList
PUT /contact-lists/{id} updateContactList
DELETE /contact-lists/{id} deleteContactList
POST /contact-lists/{listId}/import startContactImport
GET /contact-lists/{listId}/import/{id} getContactImport
GET /contact-lists/{listId}/imports listContactImports
POST /files/upload-url createFileUploadUrl
POST /files/confirm-upload confirmFileUpload
GET /files listFiles
POST /send sendNotification
GET /notifications listNotifications
POST /templates createTemplate
GET /templates listTemplates
GET /templates/{id} getTemplate
"""
TAGS = [
    "auth",
    "billing",
    "campaigns",
    "contacts",
    "contact-lists",
    "contact-import",
    "files",
    "notifications",
    "templates",
]
ERRORS_OF_ALL = {"401", "429", "500"}


@pytest.fixture
def document(client) -> dict[str, Any]:
    return client.get("/api/v1/openapi.json").get_json()


@pytest.fixture
def operations(document) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def contents(operation: dict[str, Any]):
    """Every body of an operation: its media type, and whether it is a request, an answer or an error."""
    if "requestBody" in operation:
        yield "request", operation["requestBody"]["content"]["application/json"]
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            yield status, media


def examples(media: dict[str, Any]) -> list[Any]:
    named = [example["value"] for example in media.get("examples", {}).values()]
    return [media["example"]] if "example" in media else named


def test_it_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_is_the_same_every_time(app, client):
    first = client.get("/api/v1/openapi.json")
    app.extensions.pop("sintalk.openapi")
    again = client.get("/api/v1/openapi.json")
    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    unchanged = client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert unchanged.status_code == 304


def test_every_operation_of_the_index_is_there_under_its_name(operations):
    index = {tuple(line.split()) for line in INDEX.strip().splitlines()}
    assert len(index) == 28
    there = {(method, path, operation["operationId"]) for method, path, operation in operations}
    assert index - there == set()


def test_only_what_the_index_lacks_is_marked_as_an_extension(operations):
    index = {tuple(line.split()[:2]) for line in INDEX.strip().splitlines()}
    marked = {(method, path) for method, path, operation in operations if "x-sintalk-extension" in operation}
    assert marked == {(method, path) for method, path, _ in operations} - index


def test_every_operation_has_a_name_of_its_own_words_and_a_tag(operations, document):
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    told = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert list(told)[: len(TAGS)] == TAGS and all(told.values())
    for method, path, operation in operations:
        assert operation["summary"] and operation["description"], (method, path)
        assert set(operation["tags"]) <= set(told), (method, path)


def test_every_body_and_every_answer_has_an_example_that_its_schema_allows(operations, document):
    seen = 0
    for method, path, operation in operations:
        for kind, media in contents(operation):
            schema = {**media["schema"], "components": document["components"]}
            assert examples(media), (method, path, kind)
            for example in examples(media):
                faults = [fault.message for fault in Draft202012Validator(schema).iter_errors(example)]
                assert not faults, (method, path, kind, faults, example)
                seen += 1
    assert seen > 300


def test_every_operation_names_its_errors_with_a_body(operations):
    for method, path, operation in operations:
        answers = operation["responses"]
        expected = set(ERRORS_OF_ALL)
        if "{" in path:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415", "422"}
        if method == "POST":
            expected |= {"409", "422"}
        assert expected <= set(answers), (method, path)
        for status in answers:
            if status >= "400":
                for code, example in answers[status]["content"]["application/json"]["examples"].items():
                    assert example["value"]["error_code"] == code, (method, path, status)


def test_every_post_takes_an_idempotency_key_and_says_when_it_answers_again(operations):
    for method, path, operation in operations:
        keys = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]
        assert len(keys) == (method == "POST"), (method, path)
        for status, answer in operation["responses"].items():
            said = set(answer["headers"])
            assert said >= {"X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
            assert ("Idempotency-Replayed" in said) == (method == "POST" and status < "300"), (method, path)
            assert ("Retry-After" in said) == (status in ("429", "503"))


def test_no_schema_is_left_over(document):
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name
    assert "$defs" not in text


def test_the_server_is_the_public_address(document, own_settings):
    assert document["servers"] == [{"url": f"{own_settings.public_url}/api/v1"}]


def test_the_body_examples_are_taken_by_the_api_itself(app, operations):
    """Those that refer to nothing: what the reference shows can be sent as it stands."""
    api = Api(app, factories.key(factories.owner("olga@example.com", "Sintalk", platform_admin=True)))
    sent = 0
    for method, path, operation in operations:
        if "requestBody" not in operation or "{" in path:
            continue
        for example in examples(operation["requestBody"]["content"]["application/json"]):
            if not any(name.endswith("_id") for name in example):
                answer = {"POST": api.post, "PUT": api.put}[method](path, example)
                assert answer.status_code < 300, (method, path, example, answer.get_json())
                sent += 1
    assert sent >= 9


def test_examples_say_something(operations):
    for method, path, operation in operations:
        for _, media in contents(operation):
            assert "texto" not in json.dumps(examples(media), ensure_ascii=False), (method, path)
        for one in operation["parameters"]:
            if one["name"] in ("phone", "search", "email", "external_id"):
                assert one["example"], (method, path, one["name"])


def test_what_only_admins_may_do_says_so(operations):
    for method, path, operation in operations:
        if path.startswith(("/webhooks", "/tenants")) and (method != "GET" or path.startswith("/tenants")):
            answers = operation["responses"]["403"]["content"]["application/json"]["examples"]
            assert "forbidden" in answers, (method, path)
