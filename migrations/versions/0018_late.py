"""What is left of a scheduled campaign after an outage waits for somebody's word; messages keep what befell them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispatches", sa.Column("max_delay_minutes", sa.Integer()))
    op.add_column("dispatches", sa.Column("left_at", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("until", sa.Uuid()))
    op.add_column("notifications", sa.Column("trail", JSONB()))


def downgrade() -> None:
    op.drop_column("notifications", "trail")
    op.drop_column("campaigns", "until")
    op.drop_column("dispatches", "left_at")
    op.drop_column("dispatches", "max_delay_minutes")
