"""Brings the database's tables up to date. Only commands that do so load what it takes: Alembic is 11 MB a process."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
from alembic.config import Config
from flask import current_app

from sintalk.db import db

FOLDER = Path(__file__).parent.parent / "migrations"


def upgrade() -> None:
    """Run what is new in `migrations/`, each in a transaction of its own; a second process waits for the first."""
    config()
    flask_migrate.upgrade()


def config() -> Config:
    """Alembic's settings, for this application."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if "migrate" not in app.extensions:
        flask_migrate.Migrate(app, db, directory=str(FOLDER))
    return app.extensions["migrate"].migrate.get_config()
