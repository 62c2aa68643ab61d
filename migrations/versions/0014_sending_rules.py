"""When and how often marketing may reach somebody, and chunks that wait for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sending_rules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("national_holidays", sa.Boolean(), nullable=False),
        sa.Column("holidays", postgresql.JSONB(), nullable=False),
        sa.Column("cap_messages", sa.SmallInteger(), nullable=True),
        sa.Column("cap_days", sa.SmallInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(cap_messages IS NULL) = (cap_days IS NULL)", name=op.f("ck_sending_rules_cap")),
        sa.CheckConstraint("cap_messages > 0 AND cap_days > 0", name=op.f("ck_sending_rules_cap_bounds")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sending_rules_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_sending_rules")),
    )
    op.add_column("dispatches", sa.Column("marketing", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("dispatches", sa.Column("waited", sa.Boolean(), server_default="false", nullable=False))
    op.execute("""
        UPDATE dispatches d SET marketing = true FROM campaigns c
         WHERE c.tenant_id = d.tenant_id AND c.id = d.campaign_id AND c.category = 'marketing' AND c.mode = 'live'
    """)
    op.add_column("chunks", sa.Column("held", postgresql.JSONB(), nullable=True))
    op.add_column("chunks", sa.Column("held_version", sa.Integer(), nullable=True))
    op.create_index(
        "ix_chunks_held",
        "chunks",
        ["dispatch_id"],
        postgresql_where=sa.text("held IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_chunks_held", table_name="chunks")
    op.drop_column("chunks", "held_version")
    op.drop_column("chunks", "held")
    op.drop_column("dispatches", "waited")
    op.drop_column("dispatches", "marketing")
    op.drop_table("sending_rules")
