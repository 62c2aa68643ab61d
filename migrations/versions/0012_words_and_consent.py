"""Words that opt out and back in, what is answered to them, and the history of who wanted to hear from whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('opted_out', 'opted_in')", name=op.f("ck_consent_events_kind")),
        sa.CheckConstraint("channel IN ('sms', 'rcs', 'voice')", name=op.f("ck_consent_events_channel")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_consent_events_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    op.create_index("ix_consent_events_tenant_id_id", "consent_events", ["tenant_id", "id"])
    op.create_index("ix_consent_events_tenant_id_phone_id", "consent_events", ["tenant_id", "phone", "id"])
    op.execute("""
        INSERT INTO consent_events (id, created_at, tenant_id, phone, channel, kind, source)
        SELECT id, created_at, tenant_id, phone, channel, 'opted_out', source FROM opt_outs
    """)
    _make_append_only()
    op.create_table(
        "reply_words",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("out_words", postgresql.JSONB(), nullable=False),
        sa.Column("back_words", postgresql.JSONB(), nullable=False),
        sa.Column("out_reply", sa.String(), nullable=True),
        sa.Column("back_reply", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_reply_words_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_reply_words")),
    )
    op.create_table(
        "owed_replies",
        sa.Column("inbound_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('opted_out', 'opted_in')", name=op.f("ck_owed_replies_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "inbound_id"],
            ["inbound_messages.tenant_id", "inbound_messages.id"],
            name=op.f("fk_owed_replies_tenant_id_inbound_id"),
        ),
        sa.PrimaryKeyConstraint("inbound_id", name=op.f("pk_owed_replies")),
    )
    op.add_column("notifications", sa.Column("answers_id", sa.Uuid(), nullable=True))
    op.create_index(
        "uq_notifications_answers",
        "notifications",
        ["tenant_id", "answers_id"],
        unique=True,
        postgresql_where=sa.text("answers_id IS NOT NULL"),
    )


def _make_append_only() -> None:
    op.execute("""
        CREATE OR REPLACE FUNCTION consent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION 'the history of consent is append-only: % on % refused', TG_OP, TG_TABLE_NAME;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER consent_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION consent_is_append_only()"
    )


def downgrade() -> None:
    op.drop_index("uq_notifications_answers", table_name="notifications")
    op.drop_column("notifications", "answers_id")
    for table in ("owed_replies", "reply_words", "consent_events"):
        op.drop_table(table)
    op.execute("DROP FUNCTION consent_is_append_only")
