"""An import may be told whether the first row of its file names the columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_imports", sa.Column("has_header", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact_imports", "has_header")
