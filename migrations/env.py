"""How migrations run: within the application, on its engine, each in a transaction of its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from sintalk.db import Base, db

#: Serialises `sintalk up` and `sintalk migrate` on several machines.
LOCK = 5_711_000


def run_migrations_online() -> None:
    """Bring the database to the newest revision; a second process waits for the first."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_type=True,
        )
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        try:
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()


run_migrations_online()
