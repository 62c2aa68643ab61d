"""Files into contact lists: what they hold, who is in them, and how far we are."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.imports import api, views

    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
