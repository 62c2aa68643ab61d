from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, now


class SendingRules(Base):
    """When and how often a tenant's marketing may reach somebody; no row: whenever and as often as it likes.

    `hours` has a week by channel, and of each kind of day from when to when in minutes since midnight; what is
    left out is always open, or closed that day. `holidays` are the tenant's own days. `version` rises with every
    change, so that whatever was held back by the rules before can tell.
    """

    __tablename__ = "sending_rules"
    __table_args__ = (
        CheckConstraint("(cap_messages IS NULL) = (cap_days IS NULL)", name="cap"),
        CheckConstraint("cap_messages > 0 AND cap_days > 0", name="cap_bounds"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    hours: Mapped[dict[str, Any]] = mapped_column(JSONB)
    national_holidays: Mapped[bool]
    holidays: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    cap_messages: Mapped[int | None] = mapped_column(SmallInteger)
    cap_days: Mapped[int | None] = mapped_column(SmallInteger)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now)
