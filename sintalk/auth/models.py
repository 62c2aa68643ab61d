from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now
from sintalk.tenancy import Actor


class ApiKey(Identified, Base):
    """A program's credential. Only `prefix` (for people) and the SHA-256 of the whole key are kept."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("role IN ('admin', 'member')", name="role"),
        CheckConstraint("mode IN ('live', 'test')", name="mode"),
        CheckConstraint("rate_limit_per_minute > 0", name="rate_limit_per_minute"),
        Index("ix_api_keys_tenant_id_id", "tenant_id", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    role: Mapped[str]
    mode: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    platform_admin: Mapped[bool] = mapped_column(default=False)
    made_by: Mapped[UUID]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    rate_limit_per_minute: Mapped[int | None] = mapped_column(doc="None: the usual one")


#: What `usable` says, for statements.
USABLE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())"


def usable(key: Any) -> bool:
    """Neither revoked nor expired. `key`: an ApiKey, or its row."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now())


def actor(key: Any) -> Actor:
    """This key, or its row, as the one who does something."""
    return Actor(
        tenant_id=key.tenant_id,
        kind="api_key",
        id=key.id,
        name=key.name,
        role=key.role,
        mode=key.mode,
        platform_admin=key.platform_admin,
        requests_per_minute=key.rate_limit_per_minute,
    )


class SignedIn(Identified, Base):
    """One browser that signed in. The cookie carries a random token, the row its SHA-256."""

    __tablename__ = "sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    ip: Mapped[str | None]
