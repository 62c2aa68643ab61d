"""Who is to send next stands in an index: a dispatch without anything due is out of the line until it has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: More to send, or sending again: whatever put it off is over.
LINE_UP = """
CREATE FUNCTION line_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.turn_at := 'epoch';
  RETURN NEW;
END $$
"""
LINES_UP = """
CREATE TRIGGER lines_up BEFORE UPDATE ON dispatches FOR EACH ROW
  WHEN (NEW.status = 'ready' AND NEW.turn_at > clock_timestamp()
        AND (OLD.status <> 'ready' OR NEW.queued > OLD.queued))
  EXECUTE FUNCTION line_up()
"""
#: A chunk came back. At the commit, since the dispatch is locked last; and always written, so that whoever is
#: putting the dispatch off just now sees that something happened.
CHUNK_BACK = """
CREATE FUNCTION line_up_for_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE dispatches SET turn_at = least(turn_at, NEW.due_at), updated_at = clock_timestamp()
   WHERE id = NEW.dispatch_id AND status = 'ready';
  RETURN NULL;
END $$
"""
CHUNKS_BACK = """
CREATE CONSTRAINT TRIGGER chunks_back AFTER UPDATE ON chunks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.status = 'open' AND NEW.lease_until IS NULL
        AND (OLD.status <> 'open' OR OLD.lease_until IS NOT NULL OR NEW.due_at < OLD.due_at))
  EXECUTE FUNCTION line_up_for_chunk()
"""


def upgrade() -> None:
    op.add_column(
        "dispatches",
        sa.Column("turn_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("'epoch'")),
    )
    op.drop_index("ix_dispatches_ready", table_name="dispatches")
    for name, kind in (("ix_dispatches_bulk", "IS NULL"), ("ix_dispatches_single", "IS NOT NULL")):
        op.create_index(
            name,
            "dispatches",
            ["turn_at", "id"],
            postgresql_where=sa.text(f"status = 'ready' AND lane {kind}"),
        )
    op.drop_index("ix_chunks_open", table_name="chunks")
    op.create_index(
        "ix_chunks_due",
        "chunks",
        ["dispatch_id", "due_at", "no"],
        postgresql_where=sa.text("status = 'open' AND lease_until IS NULL"),
    )
    op.drop_table("dispatch_turns")
    op.create_table(
        "dispatch_turns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("last_turn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dispatch_turns_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "single", name=op.f("pk_dispatch_turns")),
    )
    for statement in (LINE_UP, LINES_UP, CHUNK_BACK, CHUNKS_BACK):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER chunks_back ON chunks")
    op.execute("DROP TRIGGER lines_up ON dispatches")
    op.execute("DROP FUNCTION line_up_for_chunk()")
    op.execute("DROP FUNCTION line_up()")
    op.drop_table("dispatch_turns")
    op.create_table(
        "dispatch_turns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("last_turn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dispatch_turns_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_dispatch_turns")),
    )
    op.drop_index("ix_chunks_due", table_name="chunks")
    op.create_index(
        "ix_chunks_open", "chunks", ["dispatch_id", "no"], postgresql_where=sa.text("status = 'open'")
    )
    op.drop_index("ix_dispatches_single", table_name="dispatches")
    op.drop_index("ix_dispatches_bulk", table_name="dispatches")
    op.create_index("ix_dispatches_ready", "dispatches", ["id"], postgresql_where=sa.text("status = 'ready'"))
    op.drop_column("dispatches", "turn_at")
