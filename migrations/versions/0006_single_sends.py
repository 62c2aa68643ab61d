"""Single sends: lanes with a float, keys of requests, an end to waiting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispatches", sa.Column("lane", sa.SmallInteger(), nullable=True))
    op.add_column("dispatches", sa.Column("float_micros", sa.BigInteger(), nullable=True))
    op.add_column("dispatches", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_dispatches_float"), "dispatches", "price_micros <= float_micros")
    op.create_index(
        "ix_dispatches_lanes",
        "dispatches",
        ["tenant_id", "channel", "lane", "id"],
        unique=False,
        postgresql_where=sa.text("lane IS NOT NULL"),
    )
    op.add_column("notifications", sa.Column("request_key", sa.String(), nullable=True))
    op.add_column("notifications", sa.Column("request_no", sa.SmallInteger(), nullable=True))
    op.add_column("notifications", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_notifications_request",
        "notifications",
        ["tenant_id", "request_key", "request_no"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_notifications_request", table_name="notifications")
    for column in ("expires_at", "request_no", "request_key"):
        op.drop_column("notifications", column)
    op.drop_index("ix_dispatches_lanes", table_name="dispatches")
    op.drop_constraint(op.f("ck_dispatches_float"), "dispatches")
    for column in ("used_at", "float_micros", "lane"):
        op.drop_column("dispatches", column)
