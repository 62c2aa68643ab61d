"""What is said: SMS, RCS and voice templates, their placeholders, limits and cost facts."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and operations."""
    from sintalk.message_templates import api, preview, views, voice_views

    app.jinja_env.filters["on_phone"] = preview.phone

    app.register_blueprint(views.bp)
    app.register_blueprint(voice_views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
