"""A message carries what it was charged and what of its price went back, how its call went, and its second way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MONEY = ("charged_micros", "released_micros", "fallback_micros")
NULLABLE = (
    ("minute_micros", sa.BigInteger()),
    ("via", sa.String()),
    ("call_result", sa.String()),
    ("answered_by", sa.String()),
    ("answered_seconds", sa.Integer()),
    ("billed_seconds", sa.Integer()),
    ("keys", sa.String()),
)
#: Until now all messages were SMS, charged as accepted.
SMS_SO_FAR = """
    UPDATE notifications
       SET charged_micros = CASE WHEN sent_at IS NOT NULL THEN price_micros ELSE 0 END,
           released_micros = CASE WHEN sent_at IS NULL AND status = 'not_delivered' THEN price_micros ELSE 0 END
     WHERE status NOT IN ('error', 'suppressed', 'canceled')
"""


def upgrade() -> None:
    for name in MONEY:
        op.add_column("notifications", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("notifications", sa.Column("decided", sa.Boolean(), server_default="false", nullable=False))
    for name, kind in NULLABLE:
        op.add_column("notifications", sa.Column(name, kind, nullable=True))
    op.execute(SMS_SO_FAR)
    op.create_check_constraint(
        op.f("ck_notifications_money"),
        "notifications",
        "charged_micros >= 0 AND released_micros >= 0 AND charged_micros + released_micros <= price_micros",
    )
    op.create_table(
        "inbound_messages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=True),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('inbound', 'tap', 'key')", name=op.f("ck_inbound_messages_kind")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_inbound_messages_tenant_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notifications.tenant_id", "notifications.id"],
            name=op.f("fk_inbound_messages_tenant_id_notification_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_inbound_messages_tenant_id_id")),
    )
    for names in (("tenant_id", "phone", "id"), ("tenant_id", "notification_id")):
        op.create_index(f"ix_inbound_messages_{'_'.join(names)}", "inbound_messages", list(names))


def downgrade() -> None:
    op.drop_table("inbound_messages")
    op.drop_constraint(op.f("ck_notifications_money"), "notifications")
    for name in (*MONEY, "decided", *(name for name, _ in NULLABLE)):
        op.drop_column("notifications", name)
