from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from sintalk.campaigns.models import MAX_DELAY_MINUTES
from sintalk.messages.schemas import Status as NotificationStatus
from sintalk.web.examples import ID
from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, PageQuery, Path, Query, Timestamp

Channel = Literal["sms", "rcs", "voice"]
Status = Literal["draft", "scheduled", "launching", "running", "paused", "completed", "canceled", "failed"]


Category = Literal["marketing", "transactional"]
FollowUp = Literal["delivered", "not_delivered", "sent", "error"]
MaxDelay = Annotated[
    int,
    Field(
        ge=0,
        le=7 * 24 * 60,
        description="After an outage a scheduled campaign leaves no later than this by itself: it waits for a "
        "person then, `paused` as `overdue`. To be noticed and written down takes a moment: fewer than 3 count as 3",
    ),
]
ListIds = Annotated[
    list[Id], Field(max_length=20, description="Numbers in these lists are left out, as `excluded`")
]
SCHEDULED = (
    "Launched before this time, it waits for it; people and money are taken then, the content at launch"
)
FOLLOWS = "With `follow_up_on_status`: its people are those of this campaign, and no list is needed"
FOLLOW_UP = (
    "People whose message of `parent_campaign_id` stands so when this one goes; `delivered` takes `read` in"
)


Spread = Annotated[
    int,
    Field(
        ge=1,
        le=7 * 24 * 60,
        examples=[240],
        description="Leaves evenly over so many minutes; null as fast as it can",
    ),
]
CANARY = (
    "One in a hundred people (at least 20) get it first; the others when most of those did, else it is `paused` as"
    " `canary_failed`. With fewer than 100 people it changes nothing"
)


class CampaignIn(Body):
    """A campaign to be drafted."""

    name: Name = Field(examples=["Black Friday"])
    channel: Channel
    template_id: Id
    contact_list_id: Id | None = Field(None, examples=[ID], description="Needed but for a follow-up")
    category: Category = "marketing"
    scheduled_at: Timestamp | None = Field(None, description=SCHEDULED)
    max_delay_minutes: MaxDelay = MAX_DELAY_MINUTES
    exclude_list_ids: ListIds = Field(default_factory=list)
    parent_campaign_id: Id | None = Field(None, description=FOLLOWS)
    follow_up_on_status: FollowUp | None = Field(None, description=FOLLOW_UP)
    spread_minutes: Spread | None = None
    canary: bool = Field(False, description=CANARY)


class CampaignChange(Body):
    """What is left out stays as it is. A scheduled campaign takes name, category, time and pace: `name`, `category`,
    `scheduled_at`, `max_delay_minutes`, `spread_minutes` and `canary`.
    """

    name: Name = Field("Black Friday", examples=["Black Friday"])
    channel: Channel = "sms"
    template_id: Id | None = None
    contact_list_id: Id | None = None
    category: Category = "marketing"
    scheduled_at: Timestamp | None = Field(
        None, description=f"{SCHEDULED}. null takes a scheduled campaign back to a draft"
    )
    max_delay_minutes: MaxDelay = MAX_DELAY_MINUTES
    exclude_list_ids: ListIds = Field(default_factory=list)
    parent_campaign_id: Id | None = Field(None, description=FOLLOWS)
    follow_up_on_status: FollowUp | None = Field(None, description=FOLLOW_UP)
    spread_minutes: Spread | None = None
    canary: bool = Field(False, description=CANARY)


class LaunchIn(Body):
    """Nothing need be said, so the body may be left out."""

    may_be_missing: ClassVar[bool] = True
    now: bool = Field(False, description="Send at once, whatever `scheduled_at` says")


class CampaignOut(Answer):
    """A campaign. `pause_reason` says what a paused one waits for."""

    id: Id
    name: str = Field(examples=["Black Friday"])
    channel: Channel
    category: Category
    template_id: Id
    contact_list_id: Id | None
    exclude_list_ids: list[Id]
    parent_campaign_id: Id | None
    follow_up_on_status: FollowUp | None
    status: Status
    pause_reason: str | None = Field(
        description="`requested`, `insufficient_balance`, `overdue`, `canary_failed` or `too_many_failures`: what a"
        " resume is waited for"
    )
    error_code: str | None = Field(description="Why it failed: `empty_audience`")
    scheduled_at: Timestamp | None
    max_delay_minutes: int
    spread_minutes: int | None
    canary: bool
    launched_at: Timestamp | None
    completed_at: Timestamp | None = Field(description="When nothing was queued or sending any more")
    created_at: Timestamp


class CampaignQuery(PageQuery):
    status: Status | None = None
    channel: Channel | None = None


class CampaignPage(PageOf[CampaignOut]):
    """The tenant's campaigns, newest first."""


class CampaignPath(Path):
    campaign_id: Id


class SampleOut(Answer):
    """One message as it would go out."""

    name: str | None = Field(examples=["Ana"])
    phone: str | None = Field(examples=["+5511999999999"])
    text: str = Field(examples=["Oi Ana"])
    segments: int = Field(examples=[1])
    price_micros: int = Field(examples=[80_000])


class WaitingOut(Answer):
    """People whose sending hours have not begun."""

    until: Timestamp
    people: int = Field(examples=[1204])


class CampaignTestIn(Body):
    """Own numbers to try a campaign on."""

    phones: list[Annotated[str, StringConstraints(min_length=1, max_length=100)]] = Field(
        min_length=1,
        max_length=5,
        description="E.164 or any common Brazilian spelling",
        examples=[["(11) 99999-9999"]],
    )


class PeopleQuery(Query):
    status: NotificationStatus | None = Field(None, description="Only those whose message stands so")


class PreflightOut(Answer):
    """What the launch would do now. Money in micro-units."""

    campaign_id: Id
    status: Literal["counting", "completed"] = Field(
        examples=["completed"], description="`counting`: the figures are those so far; ask again"
    )
    progress: float = Field(examples=[1.0])
    people: int = Field(examples=[988], description="Who gets the message")
    left_out: dict[str, int] = Field(examples=[{"opted_out": 12}], description="Who does not, by reason")
    segments_min: int = Field(examples=[1])
    segments_median: int = Field(examples=[1])
    segments_max: int = Field(examples=[2])
    longest: SampleOut | None = Field(description="The message with the most parts")
    samples: list[SampleOut] = Field(description="Five of them, drawn by lot")
    price_micros: int = Field(examples=[79_040_000], description="What is held at launch, exactly")
    available_micros: int = Field(examples=[1_000_000_000])
    overdraft_limit_micros: int = Field(examples=[0])
    available_after_micros: int = Field(examples=[920_960_000])
    missing_micros: int = Field(examples=[0], description="What the balance lacks; 0 where it covers it")
    per_second: float = Field(
        examples=[2400.0],
        description="What is reckoned with: your last campaigns' rate, else this installation's, else 50",
    )
    finishes_at: Timestamp | None = Field(
        description="At this rate and within the sending hours, if it goes now or at its time; null without people"
    )
    waiting: list[WaitingOut] = Field(description="Who waits for the sending hours, if it goes so")
    counted_at: Timestamp


class CanaryOut(Answer):
    """A few people who get it before the others."""

    people: int = Field(examples=[20])
    failed: int | None = Field(
        None, description="How many of them did not get it; null until that was judged"
    )
    passed: bool | None = Field(None, description="Whether the others follow; null until that was judged")


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
    price_micros: int = Field(
        examples=[80_000_000], description="What those who are written to cost at the most"
    )
    cost_micros: int = Field(examples=[80_000_000], description="Captured so far")
    reserved_micros: int = Field(description="Still held")
    canary: CanaryOut | None = Field(description="Those who get it first; null where nobody does")
    waiting: list[WaitingOut] = Field(
        description="Who waits for the sending hours; they are among the queued"
    )
    settled_at: Timestamp | None = Field(description="When the last held cent found its place")
    updated_at: Timestamp
