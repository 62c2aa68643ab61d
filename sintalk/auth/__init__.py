"""Who is it? Sign-in and sessions for people, API keys for programs, and the guard of both doors."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind the guard, this slice's pages and its operations."""
    from sintalk.auth import api, guards, throttle, views

    throttle.init(app)
    guards.init(app)
    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
