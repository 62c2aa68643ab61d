from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now

UNFINISHED = ("queued", "running")
STATUSES = (*UNFINISHED, "completed", "failed", "canceled")
PURPOSES = ("contacts", "opt_outs")
#: So long an import can be taken back; what was before it is kept no longer.
UNDO_FOR = timedelta(days=30)

_UNFINISHED = text(f"status IN {UNFINISHED}")


def _list_of(tenant: str = "tenant_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint([tenant, "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"])


class Leased(Identified):
    """Mixin: work that a worker owns while `lease_until` is ahead and it knows the `fence`.

    `cursor` is how far it is, written in the same transaction as the effect of that part.
    """

    tenant_id: Mapped[UUID]
    contact_list_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="queued")
    cursor: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int] = mapped_column(default=0)
    processed_rows: Mapped[int] = mapped_column(default=0)
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


class Wished:
    """Mixin: a file, and how it is to be read."""

    file_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(
        default="contacts", doc="people for the list, or numbers to leave alone"
    )
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, doc="as told, not as guessed")
    on_duplicate: Mapped[str] = mapped_column(default="update")
    default_ddd: Mapped[str | None]
    has_header: Mapped[bool | None] = mapped_column(doc="None: found out from the first row")
    channels: Mapped[list[str]] = mapped_column(JSONB, default=list, doc="of opt-outs; none means all")
    survey: Mapped[dict[str, Any] | None] = mapped_column(JSONB, doc="the file's dialect, header and rows")


class ContactImport(Leased, Wished, Base):
    """One file on its way into one list.

    `cursor` is the last row of the file that is done. At any moment created + updated + skipped + rejected =
    processed_rows, and at the end that is total_rows.
    """

    __tablename__ = "contact_imports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        _list_of(),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["files.tenant_id", "files.id"]),
        Index(
            "uq_contact_imports_unfinished",
            "contact_list_id",
            "file_id",
            unique=True,
            postgresql_where=_UNFINISHED,
        ),
        Index("ix_contact_imports_due", "lease_until", postgresql_where=_UNFINISHED),
        Index("ix_contact_imports_contact_list_id_id", "contact_list_id", "id"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("on_duplicate IN ('update', 'skip')", name="on_duplicate"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
        CheckConstraint(
            "created_count + updated_count + skipped_count + rejected_count = processed_rows", name="adds_up"
        ),
        CheckConstraint("unchanged_count <= updated_count", name="unchanged"),
        CheckConstraint("status <> 'completed' OR processed_rows = total_rows", name="complete"),
    )

    created_count: Mapped[int] = mapped_column(default=0)
    updated_count: Mapped[int] = mapped_column(default=0)
    unchanged_count: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="of the updated ones: rows that said what the list had"
    )
    skipped_count: Mapped[int] = mapped_column(default=0)
    rejected_count: Mapped[int] = mapped_column(default=0)
    opted_out_count: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, doc="how often what was repaired")
    signature: Mapped[str | None] = mapped_column(doc="of the header: the next file like it is mapped so too")

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be taken back; None where it cannot: opt-outs stay, and what never ended."""
        if self.finished_at is None or self.purpose == "opt_outs" or not self.processed_rows:
            return None
        return self.finished_at + UNDO_FOR

    @property
    def undoable(self) -> bool:
        return self.undo_until is not None and self.undo_until > now()


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


class ImportCheck(Leased, Wished, Base):
    """A file looked at before it is imported: what was understood, and what would become of its rows.

    `head` is worked out from the first rows at once, `found` by a worker from all of them, both in the shape
    of `findings.Findings`. It writes nothing to the list.
    """

    __tablename__ = "contact_import_checks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        _list_of(),
        ForeignKeyConstraint(["tenant_id", "file_id"], ["files.tenant_id", "files.id"]),
        ForeignKeyConstraint(["tenant_id", "import_id"], ["contact_imports.tenant_id", "contact_imports.id"]),
        Index("ix_contact_import_checks_due", "lease_until", postgresql_where=_UNFINISHED),
        Index("ix_contact_import_checks_created_at", "created_at"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("on_duplicate IN ('update', 'skip')", name="on_duplicate"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
    )

    head: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    found: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    recalled: Mapped[bool] = mapped_column(default=False, doc="the mapping is that of an earlier file")
    import_id: Mapped[UUID | None] = mapped_column(doc="what it led to")


class ImportKey(Base):
    """Somebody whom a check has met already in its file; gone when the check has ended. Not logged: after a
    crash of the database the check begins anew."""

    __tablename__ = "contact_import_keys"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    check_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class ImportBatch(Base):
    """One transaction of an import: what it created has an id from `first_id` to `last_id`, and what it wrote
    was written at `written_at`. So an import of a million new people needs no million notes to be undone."""

    __tablename__ = "contact_import_batches"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "import_id"], ["contact_imports.tenant_id", "contact_imports.id"]),
    )

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_row: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    created: Mapped[int]
    written_at: Mapped[datetime]


class ImportChange(Base):
    """A contact as it was before an import changed it. `written_at` is the last time that this import did."""

    __tablename__ = "contact_import_changes"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "import_id"], ["contact_imports.tenant_id", "contact_imports.id"]),
    )

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    written_at: Mapped[datetime]
    name: Mapped[str]
    email: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime]


class ImportUndo(Leased, Base):
    """An import being taken back: first what it created, batch by batch (`cursor` is the last row of the batch
    that is done), then what it changed (`contact_cursor`). removed + restored + kept = processed_rows."""

    __tablename__ = "contact_import_undos"
    __table_args__ = (
        UniqueConstraint("import_id"),
        _list_of(),
        ForeignKeyConstraint(["tenant_id", "import_id"], ["contact_imports.tenant_id", "contact_imports.id"]),
        Index("ix_contact_import_undos_due", "lease_until", postgresql_where=_UNFINISHED),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("removed_count + restored_count + kept_count = processed_rows", name="adds_up"),
    )

    import_id: Mapped[UUID]
    contact_cursor: Mapped[UUID | None]
    removed_count: Mapped[int] = mapped_column(default=0)
    restored_count: Mapped[int] = mapped_column(default=0)
    kept_count: Mapped[int] = mapped_column(default=0, doc="changed or removed by somebody since")


class ImportTurn(Base):
    """When a tenant's files were worked on last: whoever waited longest comes next."""

    __tablename__ = "contact_import_turns"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    served_at: Mapped[datetime]
