from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sintalk.contacts.schemas import Attributes, OneLine
from sintalk.messages.states import STATUSES
from sintalk.web.schemas import Answer, Body, Id, PageOf, PageQuery, Path, Timestamp

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
    via: Literal["sms"] | None = Field(description="`sms` where an SMS took over from RCS")
    call_result: str | None = Field(description="How a call ended", examples=["answered"])
    answered_by: str | None = Field(description="`human` or `machine`, where it was asked for")
    billed_seconds: int | None = Field(description="What a call was charged for", examples=[36])
    keys: str | None = Field(description="Keys pressed in a call, in order", examples=["9"])


class StepOut(Answer):
    """One step of a message's life: the last one says where it stands, or what it waits for."""

    at: Timestamp | None = Field(description="When; where it lies ahead, when it is due")
    event: str = Field(
        examples=["sent"],
        description="For programs: `written`, a status, what befell it (`hours`, `too_fast`, `not_taken`,"
        " `no_answer`, `took_over`, `worker_lost`, `looked_up`, `never_came`), what it waits for (`preparing`,"
        " `paused`, `canceling`, `canary`, `hours`, `carrier`, `time`), how a call ended, or what was answered",
    )
    text: str = Field(examples=["The carrier took it."], description="For people, in their language")


class NotificationWithTimeline(NotificationOut):
    """One message to one person, and its life step by step."""

    timeline: list[StepOut] = Field(description="Oldest first")


class NotificationPage(PageOf[NotificationOut]):
    """Notifications, newest first."""


class NotificationPath(Path):
    notification_id: Id


class RecipientIn(Body):
    """One person to be written to. A number that cannot be read is rejected alone, with its reason."""

    phone: Annotated[str, StringConstraints(max_length=100)] = Field(
        description="E.164 or any common Brazilian spelling", examples=["(11) 99999-9999"]
    )
    name: OneLine | None = Field(None, description="{{nome}} of the template", examples=["Ana Souza"])
    variables: Attributes = Field(
        default_factory=dict, description="The template's other placeholders", examples=[{"pedido": "4711"}]
    )
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        None, description="Your own reference, kept as it is", examples=["order-4711"]
    )


class SendIn(Body):
    """Messages to be sent. The same number may stand here more than once: each entry is a message of its own."""

    channel: Literal["sms", "rcs", "voice"]
    template_id: Id
    recipients: list[RecipientIn] = Field(min_length=1, max_length=1_000)
    scheduled_at: Timestamp | None = Field(
        None,
        description="Not before this time; at once where it is past. At most a year ahead. After an outage it leaves"
        " late, unless `ttl_seconds` says how late is too late",
    )
    ttl_seconds: int | None = Field(
        None,
        ge=1,
        le=1_296_000,
        description="What the carrier does not have this long after `scheduled_at` (or now) is not sent any more:"
        " it becomes `not_delivered` with `expired`, and costs nothing",
    )


class SentOut(Answer):
    """What became of one recipient: `queued`, or `suppressed` with the reason as `error_code`."""

    id: Id
    phone: str = Field(
        examples=["+5511999999999"], description="E.164; as you wrote it where it is no number"
    )
    status: Status
    external_id: str | None = Field(examples=["order-4711"])
    error_code: str | None


class SendOut(Answer):
    """The recipients in the order of the request."""

    data: list[SentOut]
    accepted: int = Field(examples=[1])
    rejected: int = Field(examples=[0])
    cost_micros: int = Field(examples=[80_000], description="What is set aside for the accepted ones")
