"""A key may have a rate limit of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("rate_limit_per_minute", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_api_keys_rate_limit_per_minute"), "api_keys", "rate_limit_per_minute > 0"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_keys_rate_limit_per_minute"), "api_keys")
    op.drop_column("api_keys", "rate_limit_per_minute")
