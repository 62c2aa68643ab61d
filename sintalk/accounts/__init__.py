"""Tenants, their people with roles, and the trail of what they did."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.accounts import api, views

    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
