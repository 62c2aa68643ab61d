"""Campaigns: a template to a contact list, from draft to the last settled cent."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind this slice's pages and its operations."""
    from sintalk.campaigns import api, builder_views, service, views
    from sintalk.message_templates.service import holders

    holders["campaigns"] = service.uses_template

    app.register_blueprint(views.bp)
    app.register_blueprint(builder_views.bp)
    app.register_api(api.api)  # type: ignore[attr-defined]
