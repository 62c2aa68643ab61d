"""The errors of operations, as the document tells of them: those it says itself, and those of its kind."""

from __future__ import annotations

from typing import Any

from sintalk.web import openapi_headers
from sintalk.web.api import Operation, Refusal
from sintalk.web.examples import ID, REF

Json = dict[str, Any]
#: Errors of every operation, and those that come with what it takes.
ALWAYS = (
    Refusal(401, "unauthorized", "A valid API key is needed, as X-API-Key or as a Bearer token."),
    Refusal(429, "rate_limited", "Too many requests. Wait a moment and try again."),
    Refusal(500, "internal_error", "Something went wrong on our side; nothing was changed."),
    Refusal(503, "unavailable", "The service is not available just now. Try again in a moment."),
)
NOT_FOUND = Refusal(404, "not_found", "There is nothing here, or it is not yours.")
INVALID = Refusal(422, "validation_failed", "Some fields are wrong; see details.")
OF_BODIES = (
    Refusal(400, "malformed_json", "The body is not JSON."),
    Refusal(413, "payload_too_large", "The body is larger than allowed."),
    Refusal(415, "unsupported_media_type", "Send JSON, with Content-Type: application/json."),
)
OF_POSTS = (
    Refusal(409, "idempotency_key_reused", "This key was used with another request."),
    Refusal(409, "idempotency_in_progress", "The first request with this key is still running."),
    Refusal(413, "payload_too_large", "The body is larger than allowed."),
)


def errors_of(operation: Operation) -> Json:
    """Every error that the operation can give, by status, with a body of each."""
    known = [*ALWAYS, *operation.refusals]
    if "<" in operation.rule:
        known.append(NOT_FOUND)
    if operation.body or operation.query or operation.method == "post":
        known.append(INVALID)
    if operation.body:
        known += OF_BODIES
    if operation.method == "post":
        known += OF_POSTS
    by_status: dict[int, dict[str, Refusal]] = {}
    for refusal in known:
        by_status.setdefault(refusal.status, {}).setdefault(refusal.code, refusal)
    return {
        str(status): _problem(status, list(refusals.values()), operation)
        for status, refusals in sorted(by_status.items())
    }


def _problem(status: int, refusals: list[Refusal], operation: Operation) -> Json:
    names = list(openapi_headers.always()) + (["Retry-After"] if status in (429, 503) else [])
    examples = {one.code: {"summary": one.sentence, "value": _body(one, operation)} for one in refusals}
    return {
        "description": ", ".join(f"`{one.code}`" for one in refusals),
        "headers": openapi_headers.refs(names),
        "content": {"application/json": {"schema": {"$ref": f"{REF}Problem"}, "examples": examples}},
    }


def _body(refusal: Refusal, operation: Operation) -> Json:
    body: Json = {"error_code": refusal.code, "error": refusal.sentence}
    if refusal.status == 422:
        body["details"] = [_fault(operation)]
    if refusal.status == 402:
        body |= {"needed_micros": 80_000_000, "spendable_micros": 1_250_000}
    return {**body, "request_id": ID}


def _fault(operation: Operation) -> Json:
    if operation.body:
        field = next(iter(operation.body.model_fields), "body")
        return {"field": field, "code": "required", "message": "This field is required."}
    if operation.query:
        return {"field": "limit", "code": "out_of_range", "message": "A number up to 200."}
    return {
        "field": "Idempotency-Key",
        "code": "too_long",
        "message": "An idempotency key has 1 to 255 characters, without spaces or accents.",
    }
