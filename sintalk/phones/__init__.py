"""The simulator's phones: what a message looks like where it arrives, and a person who answers it."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages."""
    from sintalk.phones import views

    app.register_blueprint(views.bp)
