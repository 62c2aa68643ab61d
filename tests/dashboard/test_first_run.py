from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sintalk.accounts.models import User
from sintalk.billing import service as billing
from sintalk.db import session
from tests import factories

FORM = {
    "name": "Maria Souza",
    "email": "Maria@Exemplo.com.br",
    "password": "uma frase bem curta",
    "company": "Loja da Maria",
    "locale": "pt_BR",
    "timezone": "America/Manaus",
}


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser that is not asked for CSRF tokens."""
    app.config["WTF_CSRF_METHODS"] = set()
    return app.test_client()


def test_an_empty_installation_opens_with_the_first_run_page(visitor: FlaskClient) -> None:
    assert visitor.get("/").location.startswith("/sign-in")
    assert visitor.get("/sign-in").location == "/setup"
    assert "Boas-vindas ao Sintalk" in visitor.get("/setup").text


def test_the_first_person_is_signed_in_and_owns_the_installation(visitor: FlaskClient) -> None:
    answer = visitor.post("/setup", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Olá, Maria" in visitor.get("/").text
    user = session().query(User).one()
    assert (user.email, user.role, user.platform_admin) == ("maria@exemplo.com.br", "owner", True)
    assert (user.tenant.name, user.tenant.timezone, user.locale) == (
        "Loja da Maria",
        "America/Manaus",
        "pt_BR",
    )
    assert billing.balance(user.tenant_id).available == 0


def test_the_demo_comes_with_it_where_wanted(visitor: FlaskClient) -> None:
    visitor.post("/setup", data={**FORM, "demo": "y"})
    user = session().query(User).one()
    assert billing.balance(user.tenant_id).available == 1_000 * factories.BRL


def test_mistakes_are_told_at_their_fields_and_nothing_is_made(visitor: FlaskClient) -> None:
    wrong = {**FORM, "email": "not an address", "password": "short"}
    answer = visitor.post("/setup", data=wrong)
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text and 'id="password-error"' in answer.text
    assert 'value="Loja da Maria"' in answer.text
    assert session().query(User).count() == 0


def test_the_second_comer_cannot_take_it_over(visitor: FlaskClient, alice: Any) -> None:
    assert visitor.get("/setup").location == "/sign-in"
    assert visitor.post("/setup", data=FORM).location == "/sign-in"
    assert session().query(User).count() == 1
