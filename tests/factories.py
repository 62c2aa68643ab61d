"""People and things for tests, made by the same verbs that the product uses."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sintalk.accounts import service as accounts
from sintalk.accounts.models import User
from sintalk.auth import service as auth
from sintalk.auth.guards import SESSION_KEY
from sintalk.billing import service as billing

PASSWORD = "a long enough password"
BRL = 1_000_000


def owner(email: str, company: str, *, platform_admin: bool = False) -> User:
    """The owner of a company of their own."""
    tenant = accounts.create_tenant(name=company)
    return accounts.create_user(
        tenant.id,
        name=email.split("@", maxsplit=1)[0].title(),
        email=email,
        password=PASSWORD,
        role="owner",
        platform_admin=platform_admin,
    )


def colleague(user: User, email: str, role: str = "member") -> User:
    """Somebody of the same company."""
    return accounts.create_user(
        user.tenant_id,
        name=email.split("@", maxsplit=1)[0].title(),
        email=email,
        password=PASSWORD,
        role=role,
    )


def key(user: User, **wishes: Any) -> str:
    """The plain text of an API key of this person's company."""
    _, plain = auth.create_key(
        user.tenant_id, **{"name": "tests", "role": "admin", **wishes}, by=user.actor()
    )
    return plain


def money(tenant_id: UUID, reais: float) -> None:
    """Top a tenant up."""
    billing.top_up(tenant_id, round(reais * BRL), key=f"test:{uuid4()}", memo="test")


def browser(app: Flask, user: User) -> FlaskClient:
    """A browser that this person is signed in with, and that is not asked for CSRF tokens."""
    app.config["WTF_CSRF_METHODS"] = set()  # the guard calls csrf.protect() itself
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie[SESSION_KEY] = auth.begin(user, ip="127.0.0.1")
    return client


class Api:
    """The JSON door: `api.post("/contact-lists", {"name": "x"})`."""

    def __init__(self, app: Flask, plain_key: str | None) -> None:
        self.client = app.test_client()
        self.headers = {"X-API-Key": plain_key} if plain_key else {}

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self._send("POST", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self._send("PUT", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self._send("PATCH", path, body, headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self._send("DELETE", path, None, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers={**self.headers, **named})
