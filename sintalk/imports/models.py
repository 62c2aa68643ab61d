from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified

UNFINISHED = ("queued", "running")
STATUSES = (*UNFINISHED, "completed", "failed", "canceled")


class ContactImport(Identified, Base):
    """One file on its way into one list.

    A worker owns it while `lease_until` is ahead and it knows the `fence`; `cursor` is the last row of the
    file that is done, written in the same transaction as that row's effect. At any moment
    created + updated + skipped + rejected = processed_rows, and at the end that is total_rows.
    """

    __tablename__ = "contact_imports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["files.tenant_id", "files.id"]),
        Index(
            "uq_contact_imports_unfinished",
            "contact_list_id",
            "file_id",
            unique=True,
            postgresql_where=text(f"status IN {UNFINISHED}"),
        ),
        Index("ix_contact_imports_due", "lease_until", postgresql_where=text(f"status IN {UNFINISHED}")),
        Index("ix_contact_imports_contact_list_id_id", "contact_list_id", "id"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("on_duplicate IN ('update', 'skip')", name="on_duplicate"),
        CheckConstraint(
            "created_count + updated_count + skipped_count + rejected_count = processed_rows", name="adds_up"
        ),
        CheckConstraint("status <> 'completed' OR processed_rows = total_rows", name="complete"),
    )

    tenant_id: Mapped[UUID]
    contact_list_id: Mapped[UUID]
    file_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="queued")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, doc="as told, not as guessed")
    on_duplicate: Mapped[str] = mapped_column(default="update")
    default_ddd: Mapped[str | None]
    has_header: Mapped[bool | None] = mapped_column(doc="as told; None leaves it to the file")

    survey: Mapped[dict[str, Any] | None] = mapped_column(JSONB, doc="the file's dialect, header and rows")
    cursor: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)

    total_rows: Mapped[int] = mapped_column(default=0)
    processed_rows: Mapped[int] = mapped_column(default=0)
    created_count: Mapped[int] = mapped_column(default=0)
    updated_count: Mapped[int] = mapped_column(default=0)
    skipped_count: Mapped[int] = mapped_column(default=0)
    rejected_count: Mapped[int] = mapped_column(default=0)
    opted_out_count: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, doc="how often what was repaired")

    error_code: Mapped[str | None]
    error_row: Mapped[int | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def unfinished(self) -> bool:
        return self.status in UNFINISHED

    @property
    def progress(self) -> float:
        """Share of the rows that are done, 0 to 1."""
        if self.status == "completed":
            return 1.0
        return self.processed_rows / self.total_rows if self.total_rows else 0.0


class ImportReject(Base):
    """A row that was left out: its number as a spreadsheet counts, why, and its cells as they were."""

    __tablename__ = "contact_import_rejects"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "import_id"], ["contact_imports.tenant_id", "contact_imports.id"]),
    )

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    reason: Mapped[str]
    cells: Mapped[list[str]] = mapped_column(JSONB)
