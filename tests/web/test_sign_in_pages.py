from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories


def token(page: str) -> str:
    """The CSRF token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(client: FlaskClient, email: str, password: str, **query: str) -> Any:
    page = client.get("/sign-in").text
    data = {"email": email, "password": password, "csrf_token": token(page)}
    return client.post("/sign-in", data=data, query_string=query)


def test_a_person_signs_in_and_out(client: FlaskClient, alice: Any) -> None:
    answer = sign_in(client, "alice@example.com", factories.PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    home = client.get("/")
    assert home.status_code == 200 and "Alice" in home.text
    client.post("/sign-out", data={"csrf_token": token(home.text)})
    assert client.get("/").location.startswith("/sign-in")


def test_a_wrong_password_is_one_sentence_and_keeps_the_email(client: FlaskClient, alice: Any) -> None:
    known = sign_in(client, "alice@example.com", "not the password")
    nobody = sign_in(client, "nobody@example.com", "not the password")
    assert known.status_code == nobody.status_code == 401
    for answer, email in ((known, "alice@example.com"), (nobody, "nobody@example.com")):
        assert answer.text.count("E-mail ou senha incorretos.") == 1
        assert f'value="{email}"' in answer.text
        assert "not the password" not in answer.text


def test_guessing_is_slowed_down(client: FlaskClient, alice: Any) -> None:
    for _ in range(5):
        assert sign_in(client, "alice@example.com", "wrong").status_code == 401
    answer = sign_in(client, "alice@example.com", factories.PASSWORD)
    assert answer.status_code == 429
    assert "Muitas senhas erradas" in answer.text


def test_people_come_back_to_where_they_wanted_to_go(client: FlaskClient, alice: Any) -> None:
    wanted = client.get("/balance?offset=0").location
    assert wanted == "/sign-in?next=/balance?offset%3D0"
    answer = sign_in(client, "alice@example.com", factories.PASSWORD, next="/balance?offset=0")
    assert answer.location == "/balance?offset=0"


def test_nobody_is_sent_to_another_site(client: FlaskClient, alice: Any) -> None:
    answer = sign_in(client, "alice@example.com", factories.PASSWORD, next="https://evil.example/")
    assert answer.location == "/"


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, alice: Any) -> None:
    answer = client.post("/sign-in", data={"email": "alice@example.com", "password": factories.PASSWORD})
    assert answer.status_code == 403
    assert client.get("/").status_code == 303


def test_language_and_appearance_are_remembered(client: FlaskClient, alice: Any) -> None:
    page = client.get("/sign-in").text
    answer = client.post(
        "/preferences", data={"language": "en", "csrf_token": token(page), "next": "/sign-in"}
    )
    assert answer.location == "/sign-in"
    english = client.get("/sign-in").text
    assert 'lang="en"' in english and "Sign in" in english
    client.post("/preferences", data={"theme": "dark", "csrf_token": token(english)})
    assert 'data-bs-theme="dark"' in client.get("/sign-in").text
    client.post("/preferences", data={"theme": "auto", "csrf_token": token(english)})
    assert "data-bs-theme" not in client.get("/sign-in").text


def test_a_language_chosen_while_signed_in_stays_with_the_person(
    app: Flask, signed_in: FlaskClient, alice: Any
) -> None:
    signed_in.post("/preferences", data={"language": "en"})
    elsewhere = factories.browser(app, alice)
    assert "Hello, Alice" in elsewhere.get("/").text


@pytest.mark.parametrize("wish", [{"language": "xx"}, {"theme": "pink"}, {}])
def test_an_unknown_preference_is_no_preference(signed_in: FlaskClient, wish: dict[str, str]) -> None:
    answer = signed_in.post("/preferences", data=wish)
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers or "language=xx" not in answer.headers["Set-Cookie"]
