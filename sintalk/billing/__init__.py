"""The prepaid balance: an append-only ledger, holds, and the prices of a message."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.billing import api, views

    app.register_blueprint(views.bp)
    app.register_blueprint(views.platform)
    app.register_api(api.api)  # type: ignore[attr-defined]
    app.register_api(api.credits)  # type: ignore[attr-defined]
