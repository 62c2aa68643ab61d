from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sintalk.db import Base, Identified
from sintalk.tenancy import ROLES, Actor


class Tenant(Identified, Base):
    """A company on this installation: everything else belongs to one.

    `rates`: channel -> messages a second at the most, where the platform set that.
    """

    __tablename__ = "tenants"

    name: Mapped[str]
    locale: Mapped[str] = mapped_column(default="pt_BR")
    timezone: Mapped[str] = mapped_column(default="America/Sao_Paulo")
    currency: Mapped[str] = mapped_column(default="BRL")
    rates: Mapped[dict[str, float]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))


class User(UserMixin, Identified, Base):
    """A person of one tenant. `platform_admin` may also look after other tenants."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint(f"role IN {ROLES}", name="role"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    email: Mapped[str] = mapped_column(unique=True, doc="lower case")
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default="member")
    platform_admin: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str | None]
    last_sign_in_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship(lazy="joined")

    def actor(self) -> Actor:
        """This person as the one who does something."""
        return Actor(
            tenant_id=self.tenant_id,
            kind="user",
            id=self.id,
            name=self.name,
            role=self.role,
            platform_admin=self.platform_admin,
        )


class Invitation(Identified, Base):
    """A link by which somebody becomes a person of a tenant, once. The row keeps the SHA-256 of its token."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint(f"role IN {ROLES}", name="role"),
        Index("ix_invitations_tenant_id_email", "tenant_id", "email"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    email: Mapped[str] = mapped_column(doc="lower case")
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    made_by: Mapped[UUID]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship(lazy="joined")


class AuditEvent(Identified, Base):
    """Something that was done, by whom, to what. Never changed, never deleted."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_tenant_id_id", "tenant_id", "id"),
        Index("ix_audit_events_subject_id_id", "subject_id", "id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
