"""The JSON door: a blueprint whose views take checked schemas and return schemas.

flask-openapi3 binds the routes and reads the signatures. Reading and checking a request is ours, since the
contract's errors (400, 415, exact paths) are finer than the library's and it rebuilds the schema of a query
on every request; so is the document, written by `sintalk.web.openapi` from the operations kept here, with
examples and the refusals that an operation really knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request
from flask_openapi3 import APIBlueprint
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters
from pydantic import BaseModel

from sintalk.web import API_PREFIX as PREFIX
from sintalk.web import idempotency
from sintalk.web.validation import check, read_body, read_query

View = TypeVar("View", bound=Callable[..., Any])
Security = list[dict[str, list[str]]]
SECURITY: Security = [{"ApiKey": []}, {"Bearer": []}]


@dataclass(frozen=True)
class Refusal:
    """An error that an operation knows, beside those that all of its kind have in common."""

    status: int
    code: str
    sentence: str


@dataclass(frozen=True)
class Operation:
    """One operation as it was written down: where it stands, what it takes, answers and refuses."""

    method: str
    rule: str
    name: str
    summary: str
    description: str
    tag: str
    security: Security
    path: type[BaseModel] | None
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answers: Mapping[str, type[BaseModel] | dict[str, Any] | None]
    refusals: tuple[Refusal, ...]
    demands_key: bool


def refuses(status: int, code: str, sentence: str) -> Callable[[View], View]:
    """Say in the document what this operation may refuse; the service is who refuses it."""

    def mark(view: View) -> View:
        said = (Refusal(status, code, sentence), *getattr(view, "refusals", ()))
        view.refusals = said  # type: ignore[attr-defined]
        return view

    return mark


def demands_idempotency_key(view: View) -> View:
    """Say in the document that this operation is not done without a key; the service is who asks for it."""
    view.demands_key = True  # type: ignore[attr-defined]
    return view


class Api(APIBlueprint):
    """A blueprint of operations; see `blueprint()`."""

    tag: str
    about: str
    operations: list[Operation]

    def _collect_openapi_info(
        self,
        rule: str,
        func: Callable[..., Any],
        *,
        summary: str | None = None,
        responses: Any = None,
        security: Security | None = None,
        method: Any = "GET",
        **_: Any,
    ) -> ParametersTuple:
        read = parse_parameters(func, doc_ui=False)
        _h, _c, path, query, _f, body, _r = read
        self.operations.append(
            Operation(
                method=str(getattr(method, "value", method)).lower(),
                rule=rule,
                name=func.__name__,
                summary=summary or "",
                description=inspect.getdoc(func) or "",
                tag=self.tag,
                security=security or SECURITY,
                path=path,
                query=query,
                body=body,
                answers={str(status): answer for status, answer in (responses or {}).items()},
                refusals=getattr(func, "refusals", ()),
                demands_key=getattr(func, "demands_key", False),
            )
        )
        return read

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
    api = Api(f"api_{name}", f"sintalk.{name}.api", url_prefix=PREFIX)
    api.tag, api.about, api.operations = tag, description, []
    return api


def respond(result: Any) -> Response:
    """A schema, a (schema, status) pair, None (204) or a ready response."""
    if isinstance(result, Response):
        return result
    answer, status = result if isinstance(result, tuple) else (result, 200)
    if answer is None:
        return Response(status=204)
    assert isinstance(answer, BaseModel)
    return Response(answer.model_dump_json(), status=status, mimetype="application/json")
