"""A chunk knows since when it was to leave; campaigns of one company take turns; one without money knows what came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

#: What waits for money already goes by when it last changed, as it did so far.
WAITING = """
UPDATE campaigns c SET short_since = updated_at, short_after = (
    SELECT coalesce(max(t.seq), 0) FROM ledger_transactions t
     WHERE t.tenant_id = c.tenant_id AND t.created_at <= c.updated_at)
 WHERE status = 'paused' AND pause_reason = 'insufficient_balance'
"""


def upgrade() -> None:
    op.add_column("chunks", sa.Column("since", sa.DateTime(timezone=True)))
    op.add_column("dispatches", sa.Column("served_at", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("short_since", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("short_after", sa.BigInteger()))
    op.execute(WAITING)


def downgrade() -> None:
    op.drop_column("campaigns", "short_after")
    op.drop_column("campaigns", "short_since")
    op.drop_column("dispatches", "served_at")
    op.drop_column("chunks", "since")
