"""Every route is guarded, and every tenant's row is found through its owner."""

from __future__ import annotations

import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from sintalk import migrating
from sintalk.db import Base, db

#: Open to everybody, each with its reason.
OPEN = {
    "static": "style, scripts, pictures",
    "health.live": "for the process manager",
    "health.ready": "for the process manager",
    "openapi_json": "the API's document",
    "docs": "read before one has a key",
    "docs_getting_started": "read before one has a key",
    "auth.sign_in": "how one gets in",
    "auth.sign_in_post": "how one gets in",
    "callbacks.receive": "carriers sign what they send",
    "files.medium": "carriers fetch what a message shows, by an address that cannot be guessed",
}
#: Open in some states only, or harmless: the language, the first run of an empty installation.
OPEN_SOMETIMES = {
    "accounts.preferences",
    "accounts.invitation",  # the token of its link is the key
    "accounts.join",
    "auth.sign_out",
    "dashboard.first_run",
    "dashboard.first_run_post",
}


def addresses(app: Flask, method: str | None = None):
    for rule in app.url_map.iter_rules():
        values = {name: uuid.uuid4() if name.endswith("id") else "x" for name in rule.arguments}
        with app.test_request_context():
            url = app.url_map.bind("localhost").build(rule.endpoint, values, force_external=False)
        for each in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if method in (None, each):
                yield rule.endpoint, each, url


def test_every_route_is_closed_to_strangers_but_for_the_list(app: Flask, alice):
    stranger = app.test_client()
    closed = 0
    for endpoint, method, url in addresses(app):
        if endpoint in OPEN or endpoint in OPEN_SOMETIMES:
            continue
        answer = stranger.open(url, method=method)
        if url.startswith("/api/"):
            assert answer.status_code == 401, (method, url, answer.status_code)
        else:
            assert answer.status_code == 303 and "/sign-in" in answer.headers["Location"], (method, url)
        closed += 1
    assert closed > 40


def test_the_list_of_open_routes_names_only_what_exists(app: Flask):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= set(OPEN) | OPEN_SOMETIMES


def test_every_unsafe_page_wants_its_csrf_token(app: Flask, alice):
    from tests import factories

    client = factories.browser(app, alice)
    app.config["WTF_CSRF_METHODS"] = {"POST", "PUT", "PATCH", "DELETE"}
    tried = 0
    for endpoint, method, url in addresses(app):
        if method == "GET" or url.startswith("/api/") or endpoint == "callbacks.receive":
            continue
        assert client.open(url, method=method).status_code == 403, (method, url)
        tried += 1
    assert tried >= 10


def test_a_request_from_another_site_is_refused(signed_in):
    for site in ("cross-site", "same-site"):
        answer = signed_in.post("/preferences", data={"locale": "en"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_unknown_ids_are_not_found_on_every_page(app: Flask, alice, role):
    from tests import factories

    person = alice if role == "owner" else factories.colleague(alice, "v@example.com", "viewer")
    client = factories.browser(app, person)
    for endpoint, _, url in addresses(app, "GET"):
        rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
        if any(name.endswith("id") for name in rule.arguments) and not url.startswith("/api/"):
            view = app.view_functions[endpoint]
            closed = hasattr(view, "platform_only") or (role == "viewer" and hasattr(view, "admin_only"))
            assert client.get(url).status_code == (403 if closed else 404), url


def test_unknown_ids_are_not_found_at_every_operation(app: Flask, api):
    bodies = {"POST": {}, "PUT": {}, "PATCH": {}}
    for endpoint, method, url in addresses(app):
        rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
        if not rule.arguments or not url.startswith("/api/"):
            continue
        answer = api.client.open(url, method=method, json=bodies.get(method), headers=api.headers)
        if url.startswith("/api/v1/tenants/"):
            assert answer.status_code in (403, 422), (
                method,
                url,
            )  # of no concern to anybody but the platform
            continue
        # a body with faults is told of them first: that says nothing about whose the id is
        assert answer.status_code in (404, 422), (method, url, answer.status_code, answer.get_json())
        if method in ("GET", "DELETE"):
            assert answer.status_code == 404, (method, url)


def test_migrations_make_what_the_models_say(app: Flask):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_migration_head(app: Flask):
    from alembic.script import ScriptDirectory

    assert len(ScriptDirectory.from_config(migrating.config()).get_heads()) == 1


def test_every_row_of_a_tenant_refers_to_rows_of_the_same_tenant():
    """A foreign key to a tenant's table is composite: a row cannot point into another tenant."""
    owned = {table.name for table in Base.metadata.tables.values() if "tenant_id" in table.columns}
    #: chunk and dispatch carry the tenant by their own composite key
    by_way_of = {("settlements", "chunks")}
    loose = []
    for table in Base.metadata.tables.values():
        for key in table.foreign_key_constraints:
            target = key.referred_table.name
            both = target in owned and table.name in owned
            if both and "tenant_id" not in key.column_keys and (table.name, target) not in by_way_of:
                loose.append(f"{table.name} -> {target}")
    assert loose == []
