"""What happened, who wants to hear of it, and what became of telling them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now

#: What an endpoint may ask for. `webhook.test` comes only when it is asked for by hand.
KINDS = ("notification.status", "campaign.finished", "campaign.paused", "import.finished", "balance.low")
TEST = "webhook.test"
STATES = ("pending", "delivered", "failed")
#: Below this, in micro-units, a balance is low where the endpoint says nothing else: R$ 50.00.
LOW_MICROS = 50_000_000


class WebhookEndpoint(Identified, Base):
    """An address of a tenant's own that wants to hear of some events.

    `secret` signs; for a day after a rotation `previous_secret` signs as well. `failures` counts failed rounds
    since the last success: while there are many, the endpoint rests until `resting_until` between two calls.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index(
            "ix_webhook_endpoints_open",
            "tenant_id",
            postgresql_where=text("deleted_at IS NULL AND disabled_at IS NULL"),
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    url: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(String))
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None] = mapped_column(doc="failing, gone")
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    resting_until: Mapped[datetime | None]
    balance_low_micros: Mapped[int] = mapped_column(BigInteger, default=LOW_MICROS)
    balance_is_low: Mapped[bool] = mapped_column(default=False, doc="as it was told last")
    updated_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]

    @property
    def status(self) -> str:
        """active, paused (events wait) or disabled (events are not even written down)."""
        if self.disabled_at is not None:
            return "disabled"
        return "paused" if self.paused_at is not None else "active"

    def secrets(self) -> list[str]:
        """Those that sign now, the newest first."""
        if self.previous_secret and self.previous_secret_until and self.previous_secret_until > now():
            return [self.secret, self.previous_secret]
        return [self.secret]


class WebhookEvent(Identified, Base):
    """Something that happened to a subject. `version` makes it happen once; `seq` is the order of happening.

    Whoever writes an event holds the lock of its subject, so per subject `seq` rises in the order of commits;
    ids come from the clocks of several machines and do not.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "kind", "subject_id", "version"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    version: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class WebhookDelivery(Identified, Base):
    """One event on its way to one endpoint.

    It is due at `next_attempt_at`. A worker that takes it writes its `claim` and moves that time ahead by the
    length of a lease: whatever becomes of the worker, the delivery is due again.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "event_id", "endpoint_id"),
        ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"], ["webhook_endpoints.tenant_id", "webhook_endpoints.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "event_id"], ["webhook_events.tenant_id", "webhook_events.id"], ondelete="CASCADE"
        ),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "seq",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_order",
            "endpoint_id",
            "subject_id",
            "seq",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_endpoint_id_state_id", "endpoint_id", "state", "id"),
    )

    tenant_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=now)
    claim: Mapped[UUID | None]
    delivered_at: Mapped[datetime | None]


class WebhookAttempt(Identified, Base):
    """One call: when, what was answered (status and the first bytes), or what went wrong before an answer."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["webhook_deliveries.tenant_id", "webhook_deliveries.id"],
            ondelete="CASCADE",
        ),
        Index("ix_webhook_attempts_tenant_id_delivery_id_id", "tenant_id", "delivery_id", "id"),
    )

    tenant_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    url: Mapped[str]
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[str | None] = mapped_column(doc="its first bytes")
    error: Mapped[str | None]
    duration_ms: Mapped[int]
