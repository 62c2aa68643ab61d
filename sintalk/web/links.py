"""Addresses that leave this installation: in mails, in answers, in messages to people."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from sintalk.config import Settings


def public_url(endpoint: str, **values: Any) -> str:
    """The address of a page as people elsewhere reach it, whatever host this request came by."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.public_url + url_for(endpoint, **values)
