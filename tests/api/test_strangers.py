"""Every operation with ids of another company: not found, as if they did not exist. A route without a case fails.

In a path that is 404, in a body 422 with the detail code `not_found`; word for word the answer for unknown ids.
"""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from sintalk.db import atomic, session
from sintalk.imports.models import ContactImport, ImportCheck
from sintalk.messages.models import Notification
from sintalk.web import openapi
from tests import factories
from tests.factories import Api
from tests.pipeline import drafts, ready_dispatch

SMS = {"name": "x", "channel": "sms", "sms": {"text": "Oi"}}
RANGE = {"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T12:00:00Z"}
#: Operation -> the things its path names, and a body in which nothing is wrong.
PATHS: dict[str, tuple[tuple[str, ...], Any]] = {
    "DELETE /api-keys/{id}": (("key",), None),
    "GET /campaigns/{id}": (("campaign",), None),
    "PATCH /campaigns/{id}": (("campaign",), {"name": "x"}),
    "DELETE /campaigns/{id}": (("campaign",), None),
    "POST /campaigns/{id}/launch": (("campaign",), None),
    "POST /campaigns/{id}/preflight": (("campaign",), None),
    "POST /campaigns/{id}/pause": (("campaign",), None),
    "POST /campaigns/{id}/resume": (("campaign",), None),
    "POST /campaigns/{id}/cancel": (("campaign",), None),
    "GET /campaigns/{id}/stats": (("campaign",), None),
    "POST /campaigns/{id}/test": (("campaign",), {"phones": ["11999990000"]}),
    "GET /campaigns/{id}/people": (("campaign",), None),
    "GET /contact-lists/{id}": (("list",), None),
    "PUT /contact-lists/{id}": (("list",), {"name": "x"}),
    "DELETE /contact-lists/{id}": (("list",), None),
    "GET /contact-lists/{listId}/contacts": (("list",), None),
    "POST /contact-lists/{listId}/contacts": (("list",), {"name": "x"}),
    "GET /contact-lists/{listId}/contacts/{id}": (("list", "contact"), None),
    "PUT /contact-lists/{listId}/contacts/{id}": (("list", "contact"), {"name": "x"}),
    "DELETE /contact-lists/{listId}/contacts/{id}": (("list", "contact"), None),
    "POST /contact-lists/{listId}/import": (("list",), {"file_id": str(uuid.uuid4())}),
    "GET /contact-lists/{listId}/imports": (("list",), None),
    "GET /contact-lists/{listId}/import/{id}": (("list", "import"), None),
    "GET /contact-lists/{listId}/import/{id}/rejects": (("list", "import"), None),
    "POST /contact-lists/{listId}/import/preview": (("list",), {"file_id": str(uuid.uuid4())}),
    "GET /contact-lists/{listId}/import/preview/{id}": (("list", "check"), None),
    "POST /imports/{id}/cancel": (("import",), None),
    "POST /imports/{id}/undo": (("import",), None),
    "GET /notifications/{id}": (("notification",), None),
    "GET /templates/{id}": (("template",), None),
    "PUT /templates/{id}": (("template",), SMS),
    "DELETE /templates/{id}": (("template",), None),
    "POST /templates/{id}/preview": (("template",), {}),
    "POST /templates/{id}/duplicate": (("template",), None),
    "DELETE /opt-outs/{id}": (("opt-out",), None),
    "GET /webhooks/{id}": (("webhook",), None),
    "PATCH /webhooks/{id}": (("webhook",), {"description": "x"}),
    "DELETE /webhooks/{id}": (("webhook",), None),
    "GET /webhooks/{id}/deliveries": (("webhook",), None),
    "POST /webhooks/{id}/pause": (("webhook",), None),
    "POST /webhooks/{id}/resume": (("webhook",), None),
    "POST /webhooks/{id}/replay": (("webhook",), RANGE),
    "POST /webhooks/{id}/rotate-secret": (("webhook",), None),
    "POST /webhooks/{id}/test": (("webhook",), None),
    "GET /webhooks/{webhookId}/deliveries/{id}": (("webhook", "delivery"), None),
    "POST /webhooks/{webhookId}/deliveries/{id}/replay": (("webhook", "delivery"), None),
}
#: Operation -> the field of its body that names something, and the rest of the body.
BODIES: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "POST /campaigns": {
        "template_id": ("template", {"name": "x", "channel": "sms", "contact_list_id": "my list"}),
        "contact_list_id": ("list", {"name": "x", "channel": "sms", "template_id": "my template"}),
        "parent_campaign_id": (
            "campaign",
            {
                "name": "x",
                "channel": "sms",
                "template_id": "my template",
                "follow_up_on_status": "delivered",
            },
        ),
    },
    "PATCH /campaigns/{id}": {
        "template_id": ("template", {}),
        "contact_list_id": ("list", {}),
        "parent_campaign_id": ("campaign", {"follow_up_on_status": "delivered"}),
    },
    "POST /contact-lists/{listId}/import": {"file_id": ("file", {})},
    "POST /contact-lists/{listId}/import/preview": {"file_id": ("file", {})},
    "POST /files/confirm-upload": {"file_id": ("file", {})},
    "POST /send": {
        "template_id": ("template", {"channel": "sms", "recipients": [{"phone": "+5511987654321"}]}),
    },
}
#: Whoever is not the platform may not even ask: tests/api/test_tenants.py.
FOR_THE_PLATFORM = {"GET /tenants/{id}", "POST /tenants/{id}/credits", "POST /tenants/{id}/refunds"}


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code in (200, 201, 202), answer.get_json()
    return dict(answer.get_json())


class Careful(Api):
    """Sends an idempotency key along with everything, as one should."""

    def __init__(self, api: Api) -> None:
        self.client, self.headers = api.client, api.headers

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return super().post(path, body, Idempotency_Key=str(uuid.uuid4()), **headers)


def things(api: Api, tenant_id: uuid.UUID) -> dict[str, str]:
    """One of everything that has an id, of this company."""
    api = Careful(api)
    found = {
        "key": made(api.post("/api-keys", {"name": "x"})),
        "list": made(api.post("/contact-lists", {"name": "x"})),
        "template": made(api.post("/templates", SMS)),
        "opt-out": made(api.post("/opt-outs", {"phone": "+5511987654321"})),
        "webhook": made(
            api.post("/webhooks", {"url": "https://shop.example.com/x", "events": ["campaign.finished"]})
        ),
    }
    ids = {name: str(thing["id"]) for name, thing in found.items()}
    upload = {"kind": "csv", "filename": "x.csv", "content_type": "text/csv"}
    ids["file"] = made(api.post("/files/upload-url", upload))["file_id"]
    ids["contact"] = made(api.post(f"/contact-lists/{ids['list']}/contacts", {"name": "x"}))["id"]
    ids["delivery"] = made(api.post(f"/webhooks/{ids['webhook']}/test"))["id"]
    campaign = {
        "name": "x",
        "channel": "sms",
        "template_id": ids["template"],
        "contact_list_id": ids["list"],
    }
    ids["campaign"] = made(api.post("/campaigns", campaign))["id"]
    factories.money(tenant_id, 10)
    dispatch = ready_dispatch(tenant_id, drafts("1234"))
    ids["notification"] = str(session().query(Notification).filter_by(dispatch_id=dispatch.id).one().id)
    with atomic() as current:
        job = ContactImport(
            tenant_id=tenant_id,
            contact_list_id=uuid.UUID(ids["list"]),
            file_id=uuid.UUID(ids["file"]),
            status="completed",
        )
        check = ImportCheck(
            tenant_id=tenant_id,
            contact_list_id=uuid.UUID(ids["list"]),
            file_id=uuid.UUID(ids["file"]),
            status="completed",
        )
        current.add_all([job, check])
    ids["import"], ids["check"] = str(job.id), str(check.id)
    return ids


@pytest.fixture
def charlies(charlie, charlie_api) -> dict[str, str]:
    return things(charlie_api, charlie.tenant_id)


@pytest.fixture
def mine(alice, api) -> dict[str, str]:
    return things(api, alice.tenant_id)


def ask(api: Api, operation: str, ids: list[str], body: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer, without what differs from request to request."""
    method, path = operation.split()
    for each in ids:
        path = re.sub(r"\{\w+\}", each, path, count=1)
    answer = api.client.open(f"/api/v1{path}", method=method, json=body, headers=api.headers)
    said = dict(answer.get_json() or {})
    assert said.pop("request_id", None) or answer.status_code < 300
    return answer.status_code, said


def test_every_route_with_an_id_has_a_case(app: Flask):
    document = openapi.document(app)
    routes = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if "{" in path
    }
    assert routes == set(PATHS) | FOR_THE_PLATFORM


def test_every_body_that_names_something_has_a_case(app: Flask):
    document = openapi.document(app)
    schemas = document["components"]["schemas"]
    naming = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                fields = schemas[ref.rsplit("/", 1)[1]].get("properties", {})
                naming |= {f"{method.upper()} {path} {name}" for name in fields if name.endswith("_id")}
    naming -= {
        "POST /send external_id",
        "POST /tenants/{id}/refunds reference_id",
    }  # nobody's id; FOR_THE_PLATFORM
    assert naming == {f"{operation} {field}" for operation, fields in BODIES.items() for field in fields}


def test_what_is_anothers_is_not_found_at_any_path(api, charlies):
    for operation, (names, body) in PATHS.items():
        theirs = ask(api, operation, [charlies[name] for name in names], body)
        nobodys = ask(api, operation, [str(uuid.uuid4()) for _ in names], body)
        assert (theirs[0], theirs[1]["error_code"]) == (404, "not_found"), (operation, theirs)
        assert theirs == nobodys, operation


def test_what_is_anothers_is_not_found_below_ones_own(api, mine, charlies):
    """A list of one's own does not open another's contact, nor one's own of another list."""
    for operation, (names, body) in PATHS.items():
        if len(names) == 2:
            crossed = ask(api, operation, [mine[names[0]], charlies[names[1]]], body)
            assert crossed == ask(api, operation, [mine[names[0]], str(uuid.uuid4())], body), operation
            assert crossed[0] == 404, operation


def test_what_is_anothers_is_not_found_in_any_body(api, mine, charlies):
    for operation, fields in BODIES.items():
        for field, (name, rest) in fields.items():
            body = {
                key: mine[value.removeprefix("my ")] if "my " in value else value
                for key, value in rest.items()
            }
            below = [mine["campaign" if "/campaigns/" in operation else "list"]]
            theirs = ask(api, operation, below, {**body, field: charlies[name]})
            nobodys = ask(api, operation, below, {**body, field: str(uuid.uuid4())})
            assert theirs[0] == 422 and theirs == nobodys, (operation, theirs)
            assert [(one["field"], one["code"]) for one in theirs[1]["details"]] == [(field, "not_found")]


def test_anothers_list_cannot_be_left_out_either(api, mine, charlies):
    body = {"name": "x", "channel": "sms", "template_id": mine["template"], "contact_list_id": mine["list"]}
    other = api.post("/contact-lists", {"name": "VIP"}).get_json()["id"]
    for foreign in (charlies["list"], str(uuid.uuid4())):
        answer = api.post("/campaigns", {**body, "exclude_list_ids": [other, foreign]})
        assert answer.status_code == 422
        assert [(one["field"], one["code"]) for one in answer.get_json()["details"]] == [
            ("exclude_list_ids[1]", "not_found")
        ]


def test_filters_by_anothers_ids_find_nothing(api, charlies):
    assert api.get("/notifications", campaign_id=charlies["campaign"]).get_json()["data"] == []
    assert api.get("/contact-lists", after=charlies["list"]).status_code == 200


def test_nothing_of_charlies_was_touched(api, charlie_api, charlies):
    def everything() -> list[Any]:
        places = ("campaigns", "contact-lists", "templates", "files", "opt-outs", "webhooks", "notifications")
        return [charlie_api.get(f"/{place}").get_json() for place in places]

    before = everything()
    for operation, (names, body) in PATHS.items():
        ask(api, operation, [charlies[name] for name in names], body)
    assert everything() == before


def test_sixty_four_at_once_with_one_key_make_one_effect(app, api):
    def create(_: int) -> int:
        again = Api(app, api.headers["X-API-Key"])
        return again.post("/contact-lists", {"name": "once"}, Idempotency_Key="k").status_code

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(create, range(64)))
    assert set(statuses) <= {201, 409} and 201 in statuses
    assert api.get("/contact-lists").get_json()["total"] == 1
