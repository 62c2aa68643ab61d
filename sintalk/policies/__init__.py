"""Who may be written to when, and how often: sending hours, holidays, the frequency cap."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's page and its operations."""
    from sintalk.policies import api, views

    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
