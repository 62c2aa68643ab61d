"""Campaigns are scheduled, follow others, leave lists out, are paused and canceled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OUTCOMES = "follow_up_on_status IN ('delivered', 'not_delivered', 'sent', 'error')"
PEOPLE = "contact_list_id IS NOT NULL OR (parent_campaign_id IS NOT NULL AND follow_up_on_status IS NOT NULL)"


def upgrade() -> None:
    op.alter_column("campaigns", "contact_list_id", nullable=True)
    op.add_column("campaigns", sa.Column("parent_campaign_id", sa.Uuid(), nullable=True))
    op.add_column("campaigns", sa.Column("follow_up_on_status", sa.String(), nullable=True))
    op.add_column("campaigns", sa.Column("error_code", sa.String(), nullable=True))
    _add("campaigns", "mode", sa.String(), "live")
    _add("campaigns", "max_delay_minutes", sa.Integer(), "60")
    _add("campaigns", "late_ok", sa.Boolean(), "false")
    op.create_foreign_key(
        op.f("fk_campaigns_tenant_id_parent_campaign_id"),
        "campaigns",
        "campaigns",
        ["tenant_id", "parent_campaign_id"],
        ["tenant_id", "id"],
    )
    op.create_check_constraint(op.f("ck_campaigns_follow_up_on_status"), "campaigns", OUTCOMES)
    op.create_check_constraint(op.f("ck_campaigns_people"), "campaigns", PEOPLE)
    op.create_check_constraint(op.f("ck_campaigns_max_delay_minutes"), "campaigns", "max_delay_minutes >= 0")
    op.create_index(
        "ix_campaigns_scheduled",
        "campaigns",
        ["scheduled_at"],
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "ix_campaigns_ending",
        "campaigns",
        ["id"],
        postgresql_where=sa.text("status = 'canceled' AND completed_at IS NULL"),
    )
    op.create_index(
        "ix_campaigns_parent_campaign_id",
        "campaigns",
        ["parent_campaign_id"],
        postgresql_where=sa.text("parent_campaign_id IS NOT NULL"),
    )
    _people()
    op.create_index(
        "ix_dispatches_canceling",
        "dispatches",
        ["id"],
        postgresql_where=sa.text("status = 'canceled' AND finished_at IS NULL"),
    )
    op.add_column(
        "notifications", sa.Column("unclear", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("notifications", "unclear")
    op.drop_index("ix_dispatches_canceling", table_name="dispatches")
    op.drop_table("campaign_recipients")
    op.drop_table("campaign_exclusions")
    for index in ("ix_campaigns_parent_campaign_id", "ix_campaigns_ending", "ix_campaigns_scheduled"):
        op.drop_index(index, table_name="campaigns")
    for check in ("max_delay_minutes", "people", "follow_up_on_status"):
        op.drop_constraint(op.f(f"ck_campaigns_{check}"), "campaigns")
    op.drop_constraint(op.f("fk_campaigns_tenant_id_parent_campaign_id"), "campaigns")
    for column in ("late_ok", "max_delay_minutes", "mode", "error_code"):
        op.drop_column("campaigns", column)
    op.execute("DELETE FROM campaigns WHERE contact_list_id IS NULL")
    op.drop_column("campaigns", "follow_up_on_status")
    op.drop_column("campaigns", "parent_campaign_id")
    op.alter_column("campaigns", "contact_list_id", nullable=False)


def _add(table: str, name: str, kind: sa.types.TypeEngine[object], value: str) -> None:
    """A column that has this value in the rows that are there; the models know it from now on."""
    op.add_column(table, sa.Column(name, kind, server_default=value, nullable=False))
    op.alter_column(table, name, server_default=None)


def _people() -> None:
    op.create_table(
        "campaign_exclusions",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("contact_list_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"],
            ["campaigns.tenant_id", "campaigns.id"],
            name=op.f("fk_campaign_exclusions_tenant_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"],
            ["contact_lists.tenant_id", "contact_lists.id"],
            name=op.f("fk_campaign_exclusions_tenant_id_contact_list_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "contact_list_id", name=op.f("pk_campaign_exclusions")),
    )
    op.create_table(
        "campaign_recipients",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"],
            ["campaigns.tenant_id", "campaigns.id"],
            name=op.f("fk_campaign_recipients_tenant_id_campaign_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "notification_id", name=op.f("pk_campaign_recipients")),
    )
