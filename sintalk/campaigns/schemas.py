from __future__ import annotations

from typing import Literal

from pydantic import Field

from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, PageQuery, Path, Timestamp

Channel = Literal["sms", "rcs", "voice"]
Status = Literal["draft", "scheduled", "launching", "running", "paused", "completed", "canceled", "failed"]


class CampaignIn(Body):
    """A campaign to be drafted."""

    name: Name = Field(examples=["Black Friday"])
    channel: Channel
    template_id: Id
    contact_list_id: Id
    category: Literal["marketing", "transactional"] = "marketing"


class CampaignOut(Answer):
    """A campaign. `pause_reason` says what a paused one waits for."""

    id: Id
    name: str = Field(examples=["Black Friday"])
    channel: Channel
    category: Literal["marketing", "transactional"]
    template_id: Id
    contact_list_id: Id | None
    parent_campaign_id: Id | None = None
    follow_up_on_status: str | None = None
    status: Status
    pause_reason: str | None
    scheduled_at: Timestamp | None
    launched_at: Timestamp | None
    completed_at: Timestamp | None
    created_at: Timestamp


class CampaignQuery(PageQuery):
    status: Status | None = None
    channel: Channel | None = None


class CampaignPage(PageOf[CampaignOut]):
    """The tenant's campaigns, newest first."""


class CampaignPath(Path):
    campaign_id: Id


class CampaignStats(Answer):
    """Status counts, which add up to `total` at every instant. Money in micro-units."""

    campaign_id: Id
    status: Status
    total: int = Field(examples=[1000])
    queued: int
    sending: int
    sent: int = Field(examples=[12])
    delivered: int = Field(examples=[988])
    read: int
    not_delivered: int
    error: int
    unknown: int = Field(description="The carrier may or may not have it; never sent again blindly")
    suppressed: int
    canceled: int
    segments: int = Field(examples=[1000])
    cost_micros: int = Field(examples=[80_000_000], description="Captured so far")
    reserved_micros: int = Field(description="Still held")
    settled_at: Timestamp | None = Field(description="When the last held cent found its place")
    updated_at: Timestamp
