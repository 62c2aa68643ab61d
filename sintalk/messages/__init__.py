"""One row a recipient: dispatching them, their receipts, their money."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages, its operations and the carriers' callbacks."""
    from sintalk.messages import api, callbacks, views

    app.register_blueprint(views.bp)
    app.register_blueprint(callbacks.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
