"""Sintalk: SMS, RCS and voice campaigns for many tenants on one installation."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask import Flask

from sintalk import crashpoints
from sintalk.config import ConfigError, Settings

ROOT = Path(__file__).parent.parent
#: In the order of their ranks: lower knows nothing of higher.
SLICES = (
    "accounts",
    "auth",
    "files",
    "contacts",
    "message_templates",
    "billing",
    "policies",
    "webhooks",
    "imports",
    "messages",
    "phones",
    "campaigns",
    "dashboard",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The whole application: the core, both doors' manners, then slice by slice."""
    from flask_openapi3 import OpenAPI

    app = OpenAPI(
        __name__,
        doc_ui=False,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    _furnish(app, settings or Settings.from_env())
    _bind_extensions(app)
    _bind_web(app)
    for name in SLICES:
        import_module(f"sintalk.{name}").register(app)
    return app


def create_core(settings: Settings | None = None) -> Flask:
    """The application without doors, for processes that answer nobody: workers, the sweeper, most commands.

    It has no routes, and loads nothing that only pages and operations need: that is 30 MB a process.
    """
    app = Flask(__name__, static_folder=None)
    _furnish(app, settings or Settings.from_env())
    return app


def _furnish(app: Flask, settings: Settings) -> None:
    """What verbs need: the settings, the database with every table known, the languages."""
    from sintalk.db import db
    from sintalk.web import i18n

    crashpoints.arm(settings.crashpoint)
    _configure(app, settings)
    db.init_app(app)
    i18n.init(app)
    for name in SLICES:
        if find_spec(f"sintalk.{name}.models"):
            import_module(f"sintalk.{name}.models")


def _configure(app: Flask, settings: Settings) -> None:
    if not settings.secret_key:
        raise ConfigError(
            "SINTALK_SECRET_KEY is not set, and `sintalk up` has not made one in SINTALK_DATA yet."
        )
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url(),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": settings.web_threads + 2,
            "max_overflow": 8,
            "pool_use_lifo": True,  # the few that are busy keep their statements prepared and their caches warm
        },
        REDIS_URL=settings.redis_url,
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        MAX_FORM_PARTS=2_000,
        SESSION_COOKIE_NAME="__Host-sintalk" if settings.secure else "sintalk",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard asks for the token, after it knows which door it is
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # the guard looks at Sec-Fetch-Site, on every scheme
    )


def _bind_extensions(app: Flask) -> None:
    from sintalk import extensions

    extensions.login_manager.init_app(app)
    extensions.csrf.init_app(app)


def _bind_web(app: Flask) -> None:
    from sintalk.web import docs, faces, health, limits, proxies, security

    for part in (faces, security, limits, docs):
        part.init(app)
    trusted = app.config["SETTINGS"].trusted_proxies
    if trusted:
        app.wsgi_app = proxies.TrustedProxies(app.wsgi_app, trusted)  # type: ignore[method-assign]
    app.register_blueprint(health.bp)
