from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from sintalk import create_app
from sintalk.config import Settings
from sintalk.web.security import content_security_policy, origin_of

ROOT = Path(__file__).parent.parent.parent
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def addresses(app: Flask) -> list[str]:
    """An address of every route that can be looked at, with ids that nobody has."""

    def address(rule: Rule) -> str:
        return re.sub(r"<(?:(\w+):)?\w+>", lambda part: str(uuid4()) if part[1] == "uuid" else "x", rule.rule)

    return sorted({address(rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())})


def test_every_answer_carries_the_headers(app: Flask, signed_in: FlaskClient, client: FlaskClient) -> None:
    for browser in (signed_in, client):
        for address in [*addresses(app), "/there-is-nothing-here"]:
            answer = browser.get(address)
            found = {name: answer.headers.get(name) for name in ALWAYS}
            assert found == ALWAYS, address
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy, address
            assert answer.headers["Permissions-Policy"]


def test_pages_of_signed_in_people_are_kept_nowhere(signed_in: FlaskClient) -> None:
    for address in ("/", "/balance", "/messages", "/developers/keys", "/settings"):
        answer = signed_in.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Cookie" in answer.headers["Vary"]


def test_no_page_has_anything_inline(signed_in: FlaskClient, client: FlaskClient) -> None:
    pages = [signed_in.get(address) for address in ("/", "/balance", "/messages", "/developers/keys")]
    for answer in [*pages, client.get("/sign-in")]:
        assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text), answer.request.path
        assert not re.search(r"<style|<script(?![^>]* src=)", answer.text), answer.request.path
        assert "//cdn" not in answer.text


def test_the_store_may_be_reached_and_nothing_else() -> None:
    policy = content_security_policy(origin_of("https://s3.example.com:9000/bucket?x=1"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["connect-src"] == "'self' https://s3.example.com:9000"
    assert rules["script-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("url", [None, "", "sintalk-bucket", "/path"])
def test_no_store_is_no_origin(url: str | None) -> None:
    assert origin_of(url) == ""
    assert "connect-src 'self';" in content_security_policy(origin_of(url))


def test_a_static_file_is_named_by_its_content_and_kept_for_ever(client: FlaskClient, alice: Any) -> None:
    page = client.get("/sign-in").text
    named = re.search(r'"(/static/css/tokens\.css\?v=[0-9a-f]{12})"', page)
    assert named
    assert client.get(named[1]).headers["Cache-Control"].endswith("immutable")
    assert "immutable" not in client.get("/static/css/tokens.css").headers["Cache-Control"]
    vendored = client.get("/static/vendor/htmx-2.0.11/htmx.min.js")
    assert vendored.headers["Cache-Control"].endswith("immutable")


def test_a_file_that_does_not_exist_is_not_kept_for_ever(client: FlaskClient) -> None:
    answer = client.get("/static/vendor/nothing.js?v=000000000000")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_https_is_remembered_only_on_https(own_settings: Settings, client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers
    secure = create_app(replace(own_settings, public_url="https://sintalk.example.com"))
    answer = secure.test_client().get("/health/live")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "static" / "vendor").glob("*/")), ids=lambda path: path.name
)
def test_every_vendored_folder_is_pinned_licensed_and_whole(folder: Path) -> None:
    assert re.fullmatch(r"[a-z-]+-\d+\.\d+\.\d+", folder.name)
    assert (folder / "LICENSE").stat().st_size > 400
    listed = (folder.parent / "README.md").read_text(encoding="utf-8")
    assert f"| {folder.name} |" in listed
    for file in folder.glob("*.[cj]s*"):
        assert "sourceMappingURL" not in file.read_text(encoding="utf-8"), "its map would be a 404"


def test_every_icon_and_file_that_templates_name_exists() -> None:
    sprite = (ROOT / "static/vendor/tabler-icons-3.51.0/sprite.svg").read_text(encoding="utf-8")
    icons = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert set(re.findall(r"\bicon\('([\w-]+)'", text)) <= icons, template
        for name in re.findall(r"url_for\('static', filename='([^']+)'\)", text):
            assert name.endswith("/") or (ROOT / "static" / name).exists(), f"{template}: {name}"


def test_htmx_is_told_to_run_nothing_inline(client: FlaskClient, alice: Any) -> None:
    page = client.get("/sign-in").text
    for setting in ('"allowEval": false', '"selfRequestsOnly": true', '"includeIndicatorStyles": false'):
        assert setting in page


def test_words_have_icons_of_the_sprite() -> None:
    from sintalk.web import words

    sprite = (ROOT / "static/vendor/tabler-icons-3.51.0/sprite.svg").read_text(encoding="utf-8")
    kinds: list[dict[str, Any]] = [
        words.NOTIFICATION,
        words.CAMPAIGN,
        words.IMPORT,
        words.FILE,
        words.CHANNEL,
    ]
    for kind in kinds:
        for word in kind.values():
            assert f'<symbol id="{word.icon}"' in sprite
