"""Tenants, their people with roles, and the trail of what they did."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages."""
    from sintalk.accounts import views

    app.register_blueprint(views.bp)
