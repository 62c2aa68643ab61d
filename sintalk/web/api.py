"""The JSON door: a blueprint whose views take checked schemas and return schemas.

flask-openapi3 reads the signatures and writes the OpenAPI document from them; reading and checking the
request is ours, since the contract's errors (400, 415, exact paths) are finer than the library's and it
rebuilds the schema of a query on every request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag, utils
from flask_openapi3.utils import parse_parameters
from pydantic import BaseModel

from sintalk.web import idempotency
from sintalk.web.schemas import Problem
from sintalk.web.validation import check, read_body, read_query

PREFIX = "/api/v1"
SECURITY: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}]
PROBLEMS: dict[Any, Any] = {
    str(status): Problem for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500)
}

# Every operation asks for the schemas of the same error answers: a third of the time that a process takes to start.
utils.get_model_schema = cache(utils.get_model_schema)


class Api(APIBlueprint):
    """A blueprint of operations; see `blueprint()`."""

    @staticmethod
    def create_view_func(func: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Response]:
        """Wrap an operation: read what its signature names, run it once, write what it returns."""
        _h, _c, path, query, _f, body, _r = parse_parameters(func, doc_ui=False)

        def perform(ids: dict[str, Any]) -> Response:
            given: dict[str, Any] = {}
            if path:
                given["path"] = check(path, ids)
            if query:
                given["query"] = read_query(query)
            if body:
                given["body"] = read_body(body)
            return respond(func(**given))

        @wraps(func)
        def view(**ids: Any) -> Response:
            if request.method == "POST":
                return idempotency.once(lambda: perform(ids))
            return perform(ids)

        return view


def blueprint(name: str, *, tag: str, description: str = "") -> Api:
    """The operations of one slice, under /api/v1, documented under this tag."""
    return Api(
        f"api_{name}",
        f"sintalk.{name}.api",
        url_prefix=PREFIX,
        abp_tags=[Tag(name=tag, description=description)],
        abp_security=SECURITY,
        abp_responses=PROBLEMS,
        operation_id_callback=lambda *, name, path, method: name,
    )


def respond(result: Any) -> Response:
    """A schema, a (schema, status) pair, None (204) or a ready response."""
    if isinstance(result, Response):
        return result
    answer, status = result if isinstance(result, tuple) else (result, 200)
    if answer is None:
        return Response(status=204)
    assert isinstance(answer, BaseModel)
    return Response(answer.model_dump_json(), status=status, mimetype="application/json")
