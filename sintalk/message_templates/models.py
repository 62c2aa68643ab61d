from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now
from sintalk.message_templates.content import CHANNELS, words


class Template(Identified, Base):
    """What is said to many. `content` is the channel's object of the wire contract, as its schema took it.

    A launched campaign keeps its own copy, so a template may be changed and deleted at any time.
    """

    __tablename__ = "templates"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        Index(
            "ix_templates_channel", "tenant_id", "channel", "id", postgresql_where=text("deleted_at IS NULL")
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    channel: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    variables: Mapped[list[str]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    deleted_at: Mapped[datetime | None]

    @property
    def words(self) -> str:
        """What it says, in plain words."""
        return words(self.channel, self.content)

    @property
    def sms(self) -> dict[str, Any] | None:
        """The content of an SMS template."""
        return self.content if self.channel == "sms" else None

    @property
    def rcs(self) -> dict[str, Any] | None:
        """The content of an RCS template."""
        return self.content if self.channel == "rcs" else None

    @property
    def voice(self) -> dict[str, Any] | None:
        """The content of a voice template."""
        return self.content if self.channel == "voice" else None
