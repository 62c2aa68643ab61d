"""Our events to the tenants' own endpoints: signed, in order, at least once."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.webhooks import api, views

    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
