"""A dispatch belongs to a campaign of the same company."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NAME = "fk_dispatches_tenant_id_campaign_id"


def upgrade() -> None:
    both = ["tenant_id", "campaign_id"], ["tenant_id", "id"]
    op.create_foreign_key(NAME, "dispatches", "campaigns", *both)


def downgrade() -> None:
    op.drop_constraint(NAME, "dispatches", type_="foreignkey")
