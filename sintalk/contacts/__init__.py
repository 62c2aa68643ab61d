"""Contact lists, the people in them, and the numbers that opted out."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.contacts import api, views, word_views

    app.register_blueprint(views.bp)
    app.register_blueprint(word_views.bp)
    for operations in (api.lists, api.contacts, api.opting):
        app.register_api(operations)  # type: ignore[attr-defined]
