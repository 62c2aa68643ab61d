"""What is looked at first: the home page, the first run, and the demo to play with."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages, and the balance in the top bar of every page."""
    from sintalk.dashboard import chrome, views

    app.register_blueprint(views.bp)
    app.context_processor(chrome.words)
