from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now

STATUSES = ("draft", "scheduled", "launching", "running", "paused", "completed", "canceled", "failed")
#: These have work to come: their list cannot be deleted under them.
UNFINISHED = ("scheduled", "launching", "running", "paused")


class Campaign(Identified, Base):
    """A message to many. From its launch on it sends the snapshot taken then: `content` and `prices`.

    `cursor` is the last contact that the expansion has written a notification for.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "template_id"], ["templates.tenant_id", "templates.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        Index("ix_campaigns_unfinished", "status", "id", postgresql_where=text(f"status IN {UNFINISHED}")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    channel: Mapped[str]
    category: Mapped[str] = mapped_column(default="marketing")
    template_id: Mapped[UUID]
    contact_list_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="draft")
    pause_reason: Mapped[str | None]
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    prices: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    cursor: Mapped[UUID | None]
    expanded_at: Mapped[datetime | None]
    made_by: Mapped[UUID]
    scheduled_at: Mapped[datetime | None]
    launched_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]

    @property
    def unfinished(self) -> bool:
        """Whether its page has something to wait for."""
        return self.status in ("launching", "running")
