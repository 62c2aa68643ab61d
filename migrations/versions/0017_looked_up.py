"""Dispatches of which somebody is unknown are found at once: carriers are asked about those."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dispatches_unknown", "dispatches", ["id"], postgresql_where=sa.text("unknown > 0"))


def downgrade() -> None:
    op.drop_index("ix_dispatches_unknown", table_name="dispatches")
