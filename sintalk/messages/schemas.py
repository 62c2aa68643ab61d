from __future__ import annotations

from typing import Literal

from pydantic import Field

from sintalk.messages.states import STATUSES
from sintalk.web.schemas import Answer, Id, PageOf, PageQuery, Path, Timestamp

Status = Literal[STATUSES]  # type: ignore[valid-type]


class NotificationQuery(PageQuery):
    channel: Literal["sms", "rcs", "voice"] | None = None
    status: Status | None = None
    from_: Timestamp | None = Field(None, alias="from", description="Made at this time or later")
    to: Timestamp | None = Field(None, description="Made before this time")
    campaign_id: Id | None = None
    phone: str | None = Field(None, description="E.164 or any common Brazilian spelling")
    external_id: str | None = None


class NotificationOut(Answer):
    """One message to one person."""

    id: Id
    campaign_id: Id | None
    contact_id: Id | None
    template_id: Id | None
    channel: Literal["sms", "rcs", "voice"]
    phone: str | None = Field(examples=["+5511999999999"])
    status: Status
    segments: int = Field(examples=[1])
    cost_micros: int = Field(examples=[80_000])
    carrier: str | None = Field(examples=["simulator"])
    carrier_message_id: str | None
    error_code: str | None
    external_id: str | None
    created_at: Timestamp
    sent_at: Timestamp | None
    delivered_at: Timestamp | None
    read_at: Timestamp | None


class NotificationPage(PageOf[NotificationOut]):
    """Notifications, newest first."""


class NotificationPath(Path):
    notification_id: Id
