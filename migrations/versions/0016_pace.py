"""How fast a company may send, campaigns spread over hours or tried on a few first, carriers that are left alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tenants",
        sa.Column("rates", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
    )
    for column in (
        sa.Column("chunk_size", sa.SmallInteger(), nullable=False, server_default=sa.text("1000")),
        sa.Column("spread_minutes", sa.Integer(), nullable=True),
        sa.Column("canary", postgresql.JSONB(), nullable=True),
        sa.Column("canary_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("halted", sa.String(), nullable=True),
    ):
        op.add_column("dispatches", column)
    op.create_index(
        "ix_dispatches_canary",
        "dispatches",
        ["canary_until"],
        postgresql_where=sa.text("canary_until IS NOT NULL"),
    )
    op.create_index(
        "ix_dispatches_halted",
        "dispatches",
        ["id"],
        postgresql_where=sa.text("status = 'paused' AND halted IS NOT NULL"),
    )
    op.add_column("campaigns", sa.Column("spread_minutes", sa.Integer(), nullable=True))
    op.add_column(
        "campaigns", sa.Column("canary", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.create_check_constraint(op.f("ck_campaigns_spread_minutes"), "campaigns", "spread_minutes > 0")
    op.create_table(
        "carrier_states",
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("carrier", name=op.f("pk_carrier_states")),
    )


def downgrade() -> None:
    op.drop_table("carrier_states")
    op.drop_constraint(op.f("ck_campaigns_spread_minutes"), "campaigns")
    op.drop_column("campaigns", "canary")
    op.drop_column("campaigns", "spread_minutes")
    op.drop_index("ix_dispatches_halted", table_name="dispatches")
    op.drop_index("ix_dispatches_canary", table_name="dispatches")
    for name in ("halted", "canary_until", "canary", "spread_minutes", "chunk_size"):
        op.drop_column("dispatches", name)
    op.drop_column("tenants", "rates")
