"""The audit trail is read by the thing that something was done to: a campaign's page tells its story."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_events_subject_id_id", "audit_events", ["subject_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_events_subject_id_id", table_name="audit_events")
