"""The real servers and the application once a run, a fresh database for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask, g, request_started
from flask.testing import FlaskClient
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sintalk import create_app, migrating
from sintalk.config import Settings
from sintalk.db import db, release
from sintalk.messages import breaker
from sintalk.queue import connect
from sintalk.servers import start_stack
from tests import factories
from tests.factories import Api

TEMPLATE = "sintalk_template"
#: The database of the test that runs now: always the same name, so that one application can serve all tests.
OWN = f"t{os.getpid()}"
#: Files of tests that together take most of the time, by folder: `make test` runs them, `make check` does not.
THOROUGH = {
    "api": "bad_input rate_limits strangers",
    "campaigns": "campaign_pages launch life pace preflight schedule",
    "carriers": "simulator",
    "contacts": "contacts_api",
    "files": "audio files_api media",
    "imports": "checking corpus import_api memory pages survival undo workbooks",
    "message_templates": "rcs_pages voice_pages",
    "messages": "channels dispatch holding listing pace send turns words",
    "phones": "phone_pages",
    "policies": "sending_rules",
    "servers": "stack",
    "web": "company_pages platform_pages sign_in_pages",
    "webhooks": "delivering webhook_pages webhooks_api",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark those of THOROUGH."""
    files = {f"{folder}/test_{name}.py" for folder, names in THOROUGH.items() for name in names.split()}
    for item in items:
        if "/".join(item.path.parts[-2:]) in files:
            item.add_marker("thorough")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a stack that is started for this run and forgotten after it."""
    data = tmp_path_factory.mktemp("stack", numbered=True)
    mine = {"SINTALK_DATA": str(data), "SINTALK_SECRET_KEY": "a secret key for tests", "PORT": "8000"}
    stack = start_stack(data, Settings.from_env(mine), durable=False)
    try:
        yield Settings.from_env({**mine, **stack.env})
    finally:
        stack.stop(patience=5)


@pytest.fixture(scope="session")
def admin_url(settings: Settings) -> Iterator[str]:
    """The server's database to create others from; the template database is migrated once."""
    assert settings.database_url
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    app = create_app(replace(settings, database_url=database_url(settings.database_url, TEMPLATE)))
    with app.app_context():
        migrating.upgrade()
        db.engine.dispose()
    return settings.database_url


@pytest.fixture(autouse=True)
def _nothing_failed_yet() -> None:
    """What a worker remembers of calls that failed belongs to the test before."""
    breaker.forget()


@pytest.fixture
def database(admin_url: str) -> Iterator[str]:
    """The URL of a fresh database with the schema in it; gone after the test."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {OWN} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {OWN} TEMPLATE {TEMPLATE}")
        yield database_url(admin_url, OWN)


@pytest.fixture
def own_settings(settings: Settings, database: str) -> Settings:
    """The stack's settings with this test's database and an empty Valkey."""
    assert settings.redis_url
    connect(settings.redis_url).flushall()
    return replace(settings, database_url=database)


@pytest.fixture(scope="session")
def apps() -> dict[str, Flask]:
    """The application of all tests, one for each settings that they want: to make it, and to compile its pages,
    takes longer than most tests do.
    """
    return {}


@pytest.fixture
def app(apps: dict[str, Flask], own_settings: Settings) -> Iterator[Flask]:
    """The application on this test's database, its context pushed. What the test sets in its config goes with it."""
    one_app = apps.get(repr(own_settings)) or create_app(own_settings)
    apps[repr(own_settings)] = one_app
    one_app.testing = True
    config = dict(one_app.config)
    with one_app.app_context(), request_started.connected_to(_begin_with_nothing, one_app):
        yield one_app
        release()
        db.session.remove()
        db.engine.dispose()
    one_app.config.clear()
    one_app.config.update(config)
    one_app.extensions.pop("health", None)  # it remembers for some seconds how things stood


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody signed in with."""
    return app.test_client()


@pytest.fixture
def alice(app: Flask) -> Any:
    """The owner of a company."""
    return factories.owner("alice@example.com", "Padaria da Alice")


@pytest.fixture
def bob(alice: Any) -> Any:
    """Alice's colleague, a member."""
    return factories.colleague(alice, "bob@example.com")


@pytest.fixture
def charlie(app: Flask, alice: Any) -> Any:
    """The owner of another company: the one who must never see anything of Alice's."""
    return factories.owner("charlie@example.com", "Charlie & Filhos")


@pytest.fixture
def tenant(alice: Any) -> Any:
    return alice.tenant


@pytest.fixture
def actor(alice: Any) -> Any:
    return alice.actor()


@pytest.fixture
def api(app: Flask, alice: Any) -> Api:
    """The JSON door with an admin key of Alice's."""
    return Api(app, factories.key(alice))


@pytest.fixture
def charlie_api(app: Flask, charlie: Any) -> Api:
    """The JSON door with an admin key of Charlie's."""
    return Api(app, factories.key(charlie))


@pytest.fixture
def signed_in(app: Flask, alice: Any) -> FlaskClient:
    """A browser that Alice is signed in with; forms need no CSRF token here (tests/web has its own)."""
    return factories.browser(app, alice)


def _begin_with_nothing(app: Flask, **_: Any) -> None:
    """Requests share the test's application context: without this, each would know who asked before."""
    for name in list(g):
        g.pop(name)


def database_url(url: str, name: str) -> str:
    """The same server, another database."""
    if "://" not in url:
        return make_conninfo(**{**conninfo_to_dict(url), "dbname": name})
    head, _, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    host = rest.split("/", 1)[0]
    return f"{scheme}://{host}/{name}" + (f"?{query}" if query else "")
