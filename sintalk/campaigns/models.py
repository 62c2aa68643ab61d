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
from sqlalchemy.orm import Mapped, mapped_column, relationship

from sintalk.db import Base, Identified, now

STATUSES = ("draft", "scheduled", "launching", "running", "paused", "completed", "canceled", "failed")
#: These have work to come: their list cannot be deleted under them.
UNFINISHED = ("scheduled", "launching", "running", "paused")
#: What a follow-up may go by, and the statuses of notifications that it means.
OUTCOMES = {
    "delivered": ("delivered", "read"),
    "not_delivered": ("not_delivered",),
    "sent": ("sent",),
    "error": ("error",),
}
#: After an outage nothing scheduled leaves later than this by itself.
MAX_DELAY_MINUTES = 60
#: Nobody is so prompt: a campaign is noticed, written down and claimed in this time.
GRACE_MINUTES = 3


class Campaign(Identified, Base):
    """A message to many. It sends snapshots: `content` from its launch or scheduling on, `prices` from the
    moment it goes.

    Its people are those of `contact_list_id` or, with `follow_up_on_status`, those of `parent_campaign_id` whose
    message stood in that status when it went. Who came into the list later than `until` is none of them; `cursor` is
    the last of them that a notification was written for.
    `late_ok`: a person said that it may leave later than `max_delay_minutes` after its time. `error_code` says
    why it failed, `mode` whether a test key launched it. `spread_minutes`: for how long it leaves, evenly; `canary`:
    a few people get it first, and the others if that went well. `short_since`, `short_after`: when it stopped for lack
    of money, and the last movement of the account that it knew of then.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "template_id"], ["templates.tenant_id", "templates.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "parent_campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint(f"follow_up_on_status IN {tuple(OUTCOMES)}", name="follow_up_on_status"),
        CheckConstraint(
            "contact_list_id IS NOT NULL OR (parent_campaign_id IS NOT NULL AND follow_up_on_status IS NOT NULL)",
            name="people",
        ),
        CheckConstraint("max_delay_minutes >= 0", name="max_delay_minutes"),
        CheckConstraint("spread_minutes > 0", name="spread_minutes"),
        Index("ix_campaigns_unfinished", "status", "id", postgresql_where=text(f"status IN {UNFINISHED}")),
        Index("ix_campaigns_scheduled", "scheduled_at", postgresql_where=text("status = 'scheduled'")),
        Index(
            "ix_campaigns_ending",
            "id",
            postgresql_where=text("status = 'canceled' AND completed_at IS NULL"),
        ),
        Index(
            "ix_campaigns_parent_campaign_id",
            "parent_campaign_id",
            postgresql_where=text("parent_campaign_id IS NOT NULL"),
        ),
        Index(
            "ix_campaigns_status", "tenant_id", "status", "id", postgresql_where=text("deleted_at IS NULL")
        ),
        Index(
            "ix_campaigns_channel", "tenant_id", "channel", "id", postgresql_where=text("deleted_at IS NULL")
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    channel: Mapped[str]
    category: Mapped[str] = mapped_column(default="marketing")
    template_id: Mapped[UUID]
    contact_list_id: Mapped[UUID | None]
    parent_campaign_id: Mapped[UUID | None]
    follow_up_on_status: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="draft")
    pause_reason: Mapped[str | None]
    error_code: Mapped[str | None]
    mode: Mapped[str] = mapped_column(default="live")
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    prices: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    until: Mapped[UUID | None]
    cursor: Mapped[UUID | None]
    expanded_at: Mapped[datetime | None]
    made_by: Mapped[UUID]
    scheduled_at: Mapped[datetime | None]
    max_delay_minutes: Mapped[int] = mapped_column(default=MAX_DELAY_MINUTES)
    late_ok: Mapped[bool] = mapped_column(default=False)
    spread_minutes: Mapped[int | None]
    canary: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    short_since: Mapped[datetime | None]
    short_after: Mapped[int | None] = mapped_column(BigInteger)
    launched_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]

    exclusions: Mapped[list[CampaignExclusion]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="CampaignExclusion.contact_list_id"
    )

    @property
    def exclude_list_ids(self) -> list[UUID]:
        """Lists whose numbers it does not write to."""
        return [one.contact_list_id for one in self.exclusions]

    @property
    def used_list_ids(self) -> list[UUID]:
        """Lists that must stay while it works."""
        mine = [self.contact_list_id] if self.contact_list_id and not self.follow_up_on_status else []
        return mine + self.exclude_list_ids

    @property
    def may_be_scheduled(self) -> bool:
        """Whether its time can be chosen: nothing was taken yet, neither people nor money."""
        return self.status in ("draft", "scheduled") or (self.status == "paused" and self.launched_at is None)

    @property
    def bound(self) -> bool:
        """Whether it keeps to sending hours and frequency cap. What a test key launched reaches nobody."""
        return self.category == "marketing" and self.mode == "live"

    def overdue(self, moment: datetime) -> bool:
        """Whether it would leave later than its maker wanted without having said so."""
        latest = self.scheduled_at and self.scheduled_at + timedelta(minutes=self.delay_minutes)
        return bool(latest and moment > latest and not self.late_ok)

    @property
    def delay_minutes(self) -> int:
        """How late it may be: as its maker wants, but so much that it can go at all."""
        return max(self.max_delay_minutes, GRACE_MINUTES)

    @property
    def unfinished(self) -> bool:
        """Whether its page has something to wait for."""
        return self.status in ("launching", "running") or (
            self.status == "canceled" and self.completed_at is None
        )


class CampaignExclusion(Base):
    """A list whose numbers a campaign does not write to."""

    __tablename__ = "campaign_exclusions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "contact_list_id"], ["contact_lists.tenant_id", "contact_lists.id"]
        ),
    )

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_list_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]


class CampaignCount(Base):
    """The audience of a draft as it is counted in the background (see `preflight`), one a campaign.

    `seal` says of what; `count` holds the figures so far and `cursor` the last person in them; `total` is how many
    there are to read.
    """

    __tablename__ = "campaign_counts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),
        Index("ix_campaign_counts_open", "started_at", postgresql_where=text("finished_at IS NULL")),
    )

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    seal: Mapped[str]
    total: Mapped[int]
    count: Mapped[dict[str, Any]] = mapped_column(JSONB)
    cursor: Mapped[UUID | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class CampaignRecipient(Base):
    """One person of a follow-up's audience, by their message of the campaign before, fixed when it went.

    No foreign key to the message: it would be paid for a million times, and messages are not deleted.
    """

    __tablename__ = "campaign_recipients"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),
    )

    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
