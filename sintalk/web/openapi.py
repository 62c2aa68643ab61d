"""The OpenAPI 3.1 document, written from the operations and their schemas.

Paths and names are those of the index (`/contact-lists/{listId}/contacts/{id}`, `createContact`). What the
index lacks carries `x-sintalk-extension: true`. An operation names the errors that it can really give, with
a body of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sintalk.config import Settings
from sintalk.web import openapi_errors, openapi_headers
from sintalk.web.api import PREFIX, Api, Operation
from sintalk.web.examples import BY_NAME, ID, REF, example_of, examples_of
from sintalk.web.index import ABOUT, OPERATIONS, TAGS
from sintalk.web.schemas import Problem

Json = dict[str, Any]
WITH_BODY = ("post", "put", "patch")
IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any word of yours, 1 to 255 characters. The same request with the same key has one "
    "effect: for 24 hours the first answer is given again, with `Idempotency-Replayed: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "pedido-4711",
}


def document(app: Flask) -> Json:
    """The whole document, as JSON values."""
    apis = [api for api in app.blueprints.values() if isinstance(api, Api)]
    operations = [operation for api in apis for operation in api.operations]
    schemas, refs = _schemas(operations)
    paths: dict[str, Json] = {}
    for operation in sorted(operations, key=_place):
        where = paths.setdefault(_path(operation), {})
        where[operation.method] = _operation(operation, schemas, refs)
    settings: Settings = app.config["SETTINGS"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sintalk Public API",
            "version": "1.0.0",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{settings.public_url}{PREFIX}"}],
        "tags": _tags(apis),
        "security": [{"ApiKey": []}, {"Bearer": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": SECURITY_SCHEMES,
            "headers": openapi_headers.component(),
        },
    }


SECURITY_SCHEMES: Json = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of your company, from the page API keys or from `POST /api-keys`",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a Bearer token"},
    "Basic": {"type": "http", "scheme": "basic", "description": "E-mail and password of an admin"},
}


def _place(operation: Operation) -> tuple[int, str, str]:
    """Tags in the index's order, what it lacks after it; within a tag by path and method."""
    order = list(TAGS)
    rank = order.index(operation.tag) if operation.tag in order else len(order)
    methods = ("get", "post", "put", "patch", "delete")
    return rank, f"{operation.tag} {_path(operation)}", str(methods.index(operation.method))


def _tags(apis: Iterable[Api]) -> list[Json]:
    told = {api.tag: api.about for api in apis if api.operations and api.about}
    names = [name for name in TAGS if name in told] + sorted(told.keys() - TAGS.keys())
    return [{"name": name, "description": TAGS.get(name) or told[name]} for name in names]


def _path(operation: Operation) -> str:
    """`/contact-lists/<uuid:list_id>/contacts/<uuid:contact_id>` -> `/contact-lists/{listId}/contacts/{id}`"""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: f"{{{_shown(found[1], operation)}}}", operation.rule)


def _shown(parameter: str, operation: Operation) -> str:
    """The thing itself is `id`; what it is a part of has its own name."""
    inner = operation.rule.rindex("<") == operation.rule.index(f"<uuid:{parameter}>")
    whole_list = parameter == "list_id" and not operation.rule.endswith(">")
    return "id" if inner and not whole_list else _camel(parameter)


def _schemas(operations: list[Operation]) -> tuple[dict[str, Json], Mapping[Any, Json]]:
    """The schemas of all bodies and answers by name, and how each model is referred to."""
    wanted: dict[tuple[type[BaseModel], Any], None] = {(Problem, "serialization"): None}
    for operation in operations:
        if operation.body:
            wanted[operation.body, "validation"] = None
        for answer in operation.answers.values():
            if isinstance(answer, type):
                wanted[answer, "serialization"] = None
    refs, found = models_json_schema(list(wanted), ref_template=REF + "{model}")
    return {name: _bare(schema) for name, schema in found["$defs"].items()}, refs


def _bare(schema: Any) -> Any:
    """Without the titles that repeat the names of fields."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "title"}
    return {
        key: {name: _bare(field) for name, field in value.items()} if key == "properties" else _bare(value)
        for key, value in kept.items()
        if key not in ("examples", "default", "const", "enum")
    } | {key: kept[key] for key in ("examples", "default", "const", "enum") if key in kept}


def _operation(operation: Operation, schemas: Mapping[str, Json], refs: Mapping[Any, Json]) -> Json:
    written: Json = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "operationId": _camel(operation.name),
        "security": operation.security,
        "parameters": list(_parameters(operation)),
    }
    if operation.body:
        ref = refs[operation.body, "validation"]
        written["requestBody"] = {
            "required": not _may_be_missing(operation),
            "content": _content(ref, schemas),
        }
    written["responses"] = {
        status: _answer(status, answer, operation, schemas, refs)
        for status, answer in operation.answers.items()
        if answer is not Problem
    } | openapi_errors.errors_of(operation)
    if (operation.method, _path(operation)) not in OPERATIONS:
        written["x-sintalk-extension"] = True
    return written


def _may_be_missing(operation: Operation) -> bool:
    return bool(getattr(operation.body, "may_be_missing", False))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _content(ref: Json, schemas: Mapping[str, Json]) -> Json:
    found = examples_of(ref, schemas)
    if len(found) == 1:
        return {"application/json": {"schema": ref, "example": found[0]}}
    named = {_title(example, number): {"value": example} for number, example in enumerate(found, 1)}
    return {"application/json": {"schema": ref, "examples": named}}


def _title(example: Any, number: int) -> str:
    """The channel tells templates apart; other examples are numbered."""
    name = example.get("channel") if isinstance(example, dict) else None
    kind = (example.get("rcs") or {}).get("type") if name == "rcs" else None
    return "-".join(str(part) for part in (name or f"example-{number}", kind) if part)


def _parameters(operation: Operation) -> Iterable[Json]:
    for name in re.findall(r"<uuid:(\w+)>", operation.rule):
        yield {
            "name": _shown(name, operation),
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
            "example": ID,
        }
    if operation.query:
        yield from _of_query(operation.query)
    if operation.method == "post":
        yield {**IDEMPOTENCY_KEY, "required": operation.demands_key}


def _of_query(query: type[BaseModel]) -> Iterable[Json]:
    found = _bare(query.model_json_schema())
    for name, schema in found.get("properties", {}).items():
        about = schema.pop("description", "")
        given: Json = {"name": name, "in": "query", "required": name in found.get("required", ())}
        plain = _never_null(schema)
        shown = {"example": example_of(plain, {}, name)} if name in BY_NAME else {}
        yield given | ({"description": about} if about else {}) | {"schema": plain} | shown


def _never_null(schema: Json) -> Json:
    """A URL cannot say null: a parameter is there or it is not."""
    real = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    plain = {**schema, **real[0]} if real else dict(schema)
    plain.pop("anyOf", None)
    if plain.get("default", "") is None:
        del plain["default"]
    return plain


def _answer(
    status: str,
    answer: Any,
    operation: Operation,
    schemas: Mapping[str, Json],
    refs: Mapping[Any, Json],
) -> Json:
    names = list(openapi_headers.always())
    if operation.method == "post":
        names.append("Idempotency-Replayed")
    written: Json = {"description": HTTPStatus(int(status)).phrase, "headers": openapi_headers.refs(names)}
    if isinstance(answer, dict):
        return {**written, **answer}
    if answer is not None:
        written["content"] = _content(refs[answer, "serialization"], schemas)
    return written
