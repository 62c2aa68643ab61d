from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from sintalk.web.schemas import Answer, Body, Id, PageOf, PageQuery, Path, Timestamp
from sintalk.webhooks.addresses import MAX_URL
from sintalk.webhooks.models import LOW_MICROS

Kind = Literal[
    "notification.status", "campaign.finished", "campaign.paused", "import.finished", "balance.low"
]
State = Literal["pending", "delivered", "failed"]
Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_URL)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Events = Annotated[list[Kind], Field(min_length=1, max_length=20)]
Micros = Annotated[int, Field(ge=-(10**15), le=10**15)]

EXAMPLE_URL = "https://shop.example.com/sintalk"


class WebhookIn(Body):
    """An address of yours that wants to hear of some events. It must be public, https, on port 443."""

    url: Url = Field(examples=[EXAMPLE_URL])
    events: Events = Field(examples=[["notification.status", "campaign.finished"]])
    description: Words = Field("", examples=["The shop's order desk"])
    balance_low_micros: Micros = Field(
        LOW_MICROS, description="`balance.low` is told when `available` falls below this, in micro-units"
    )


class WebhookChange(Body):
    """What is left out stays as it is."""

    url: Url = Field(EXAMPLE_URL, examples=[EXAMPLE_URL])
    events: Events = Field(default_factory=list, examples=[["campaign.finished"]])
    description: Words = ""
    balance_low_micros: Micros = LOW_MICROS


class WebhookOut(Answer):
    id: Id
    url: str
    events: list[str]
    description: str
    balance_low_micros: int
    status: Literal["active", "paused", "disabled"] = Field(
        description="`paused`: events wait. `disabled`: it failed for three days or answered 410; resume it"
    )
    disabled_reason: str | None = Field(examples=["failing"])
    failing_since: Timestamp | None
    previous_secret_until: Timestamp | None = Field(description="Until then two secrets sign")
    created_at: Timestamp
    updated_at: Timestamp


class WebhookMade(WebhookOut):
    """An endpoint with its secret, which is shown here only."""

    secret: str | None = Field(
        None,
        description="Signs by the Standard Webhooks convention. Shown once; not in a replayed answer",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    )


class WebhookPage(PageOf[WebhookOut]):
    """The tenant's endpoints, newest first."""


class WebhookPath(Path):
    webhook_id: Id


class DeliveryPath(Path):
    webhook_id: Id
    delivery_id: Id


class AttemptOut(Answer):
    """One call of your endpoint."""

    number: int
    url: str
    status_code: int | None = Field(examples=[200])
    answer: str | None = Field(description="The first 1,000 bytes of your answer")
    error: str | None = Field(
        description="Why no answer came: timeout, connection, certificate, name_not_found, not_public, ...",
        examples=[None],
    )
    duration_ms: int
    created_at: Timestamp


class DeliveryOut(Answer):
    """One event on its way to one endpoint. `event_id` is what your endpoint sees as `webhook-id`."""

    id: Id
    webhook_id: Id
    event_id: Id
    type: str = Field(examples=["notification.status"])
    subject_id: Id
    state: State
    attempts: int
    next_attempt_at: Timestamp | None
    delivered_at: Timestamp | None
    created_at: Timestamp


class DeliveryDetail(DeliveryOut):
    """With the body that is sent, and every attempt, oldest first."""

    body: dict[str, Any]
    log: list[AttemptOut]


class DeliveryPage(PageOf[DeliveryOut]):
    """The deliveries of an endpoint, newest first. They are kept for 30 days."""


class DeliveryQuery(PageQuery):
    state: State | None = None


class ReplayIn(Body):
    """Which deliveries to send again, by the time at which they were first due."""

    from_: Timestamp = Field(alias="from", examples=["2026-11-22T10:00:00Z"])
    to: Timestamp = Field(description="Not included", examples=["2026-11-22T12:00:00Z"])
    failed_only: bool = False


class Replayed(Answer):
    replayed: int
