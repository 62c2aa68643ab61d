"""Files in the S3 store: presigned uploads, a look at what arrived, streaming reads."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's page and its operations."""
    from sintalk.files import api, views

    app.register_blueprint(views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
