from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified

STATUSES = ("pending", "uploaded", "rejected")


class File(Identified, Base):
    """A file that lies in the store, or is on its way there. `etag` pins the bytes that were confirmed."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("ix_files_pending", "created_at", postgresql_where=text("status = 'pending'")),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(doc="csv, xlsx or audio")
    filename: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int | None] = mapped_column(BigInteger, doc="bytes: as declared, once confirmed as it is")
    status: Mapped[str] = mapped_column(default="pending")
    reason: Mapped[str | None] = mapped_column(doc="why it was rejected: an error code")
    etag: Mapped[str | None]
    duration_ms: Mapped[int | None]
    upload_expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    @property
    def key(self) -> str:
        """Where it lies in the bucket; nothing of it is chosen by the client."""
        return f"t/{self.tenant_id}/{self.id}"
