"""Imports are checked before they run, can be taken back, and take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)
STATUS = "status IN ('queued', 'running', 'completed', 'failed', 'canceled')"
PURPOSE = "purpose IN ('contacts', 'opt_outs')"
UNFINISHED = sa.text("status IN ('queued', 'running')")


def upgrade() -> None:
    op.add_column(
        "contact_imports", sa.Column("purpose", sa.String(), nullable=False, server_default="contacts")
    )
    op.add_column("contact_imports", sa.Column("channels", JSONB, nullable=False, server_default="[]"))
    op.add_column("contact_imports", sa.Column("signature", sa.String(), nullable=True))
    op.add_column(
        "contact_imports", sa.Column("unchanged_count", sa.Integer(), nullable=False, server_default="0")
    )
    op.alter_column("contact_imports", "purpose", server_default=None)
    op.alter_column("contact_imports", "channels", server_default=None)
    op.create_check_constraint(op.f("ck_contact_imports_purpose"), "contact_imports", PURPOSE)
    op.create_check_constraint(
        op.f("ck_contact_imports_unchanged"), "contact_imports", "unchanged_count <= updated_count"
    )
    _checks()
    op.create_table(
        "contact_import_keys",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("check_id", "key", name=op.f("pk_contact_import_keys")),
        prefixes=["UNLOGGED"],
    )
    _undo()
    op.create_table(
        "contact_import_turns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("served_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_contact_import_turns_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_contact_import_turns")),
    )


def _leased() -> list[sa.Column]:
    return [
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("contact_list_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=False),
        sa.Column("processed_rows", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_row", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    ]


def _to_list(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "contact_list_id"],
        ["contact_lists.tenant_id", "contact_lists.id"],
        name=op.f(f"fk_{table}_tenant_id_contact_list_id"),
    )


def _to_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "import_id"],
        ["contact_imports.tenant_id", "contact_imports.id"],
        name=op.f(f"fk_{table}_tenant_id_import_id"),
    )


def _checks() -> None:
    op.create_table(
        "contact_import_checks",
        *_leased(),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("mapping", JSONB, nullable=False),
        sa.Column("on_duplicate", sa.String(), nullable=False),
        sa.Column("default_ddd", sa.String(), nullable=True),
        sa.Column("has_header", sa.Boolean(), nullable=True),
        sa.Column("channels", JSONB, nullable=False),
        sa.Column("survey", JSONB, nullable=True),
        sa.Column("head", JSONB, nullable=False),
        sa.Column("found", JSONB, nullable=False),
        sa.Column("recalled", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(STATUS, name=op.f("ck_contact_import_checks_status")),
        sa.CheckConstraint(
            "on_duplicate IN ('update', 'skip')", name=op.f("ck_contact_import_checks_on_duplicate")
        ),
        sa.CheckConstraint(PURPOSE, name=op.f("ck_contact_import_checks_purpose")),
        _to_list("contact_import_checks"),
        _to_import("contact_import_checks"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["files.tenant_id", "files.id"],
            name=op.f("fk_contact_import_checks_tenant_id_file_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_import_checks")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_contact_import_checks_tenant_id_id")),
    )
    op.create_index(
        "ix_contact_import_checks_due",
        "contact_import_checks",
        ["lease_until"],
        unique=False,
        postgresql_where=UNFINISHED,
    )
    op.create_index(
        "ix_contact_import_checks_created_at", "contact_import_checks", ["created_at"], unique=False
    )


def _undo() -> None:
    op.create_table(
        "contact_import_batches",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("last_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        _to_import("contact_import_batches"),
        sa.PrimaryKeyConstraint("import_id", "last_row", name=op.f("pk_contact_import_batches")),
    )
    op.create_table(
        "contact_import_changes",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        _to_import("contact_import_changes"),
        sa.PrimaryKeyConstraint("import_id", "contact_id", name=op.f("pk_contact_import_changes")),
    )
    op.create_table(
        "contact_import_undos",
        *_leased(),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("contact_cursor", sa.Uuid(), nullable=True),
        sa.Column("removed_count", sa.Integer(), nullable=False),
        sa.Column("restored_count", sa.Integer(), nullable=False),
        sa.Column("kept_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(STATUS, name=op.f("ck_contact_import_undos_status")),
        sa.CheckConstraint(
            "removed_count + restored_count + kept_count = processed_rows",
            name=op.f("ck_contact_import_undos_adds_up"),
        ),
        _to_list("contact_import_undos"),
        _to_import("contact_import_undos"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_import_undos")),
        sa.UniqueConstraint("import_id", name=op.f("uq_contact_import_undos_import_id")),
    )
    op.create_index(
        "ix_contact_import_undos_due",
        "contact_import_undos",
        ["lease_until"],
        unique=False,
        postgresql_where=UNFINISHED,
    )


def downgrade() -> None:
    for table in ("turns", "undos", "changes", "batches", "keys", "checks"):
        op.drop_table(f"contact_import_{table}")
    for name in ("unchanged", "purpose"):
        op.drop_constraint(op.f(f"ck_contact_imports_{name}"), "contact_imports")
    for column in ("unchanged_count", "signature", "channels", "purpose"):
        op.drop_column("contact_imports", column)
