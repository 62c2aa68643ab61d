"""The verbs about campaigns: drafts, and what there is to be read. How one goes, waits, and ends stands in
`launching`, `steering` and `ending`; whoever comes from outside finds all verbs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from sintalk.accounts import service as accounts
from sintalk.campaigns import references
from sintalk.campaigns.ending import close_finished
from sintalk.campaigns.funding import go_on_with_money
from sintalk.campaigns.halting import hold_halted
from sintalk.campaigns.launching import launch, launch_due, reserve
from sintalk.campaigns.models import MAX_DELAY_MINUTES, UNFINISHED, Campaign, CampaignExclusion
from sintalk.campaigns.steering import cancel, pause, reschedule, resume
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, Invalid
from sintalk.messages import service as messages
from sintalk.messages.models import Dispatch
from sintalk.tenancy import Actor, owned

__all__ = [
    "campaigns",
    "cancel",
    "close_finished",
    "create",
    "delete_draft",
    "get",
    "go_on_with_money",
    "hold_halted",
    "launch",
    "launch_due",
    "pause",
    "reserve",
    "resume",
    "running",
    "stats",
    "to_expand",
    "update",
]

#: What may be changed once it is scheduled; anything else was looked at before and stays.
WHILE_SCHEDULED = {"name", "category", "scheduled_at", "max_delay_minutes", "spread_minutes", "canary"}
#: Nothing is scheduled further ahead.
FURTHEST = timedelta(days=366)


def create(
    tenant_id: UUID,
    *,
    name: str,
    channel: str,
    template_id: UUID,
    contact_list_id: UUID | None = None,
    category: str = "marketing",
    scheduled_at: datetime | None = None,
    max_delay_minutes: int = MAX_DELAY_MINUTES,
    exclude_list_ids: Sequence[UUID] = (),
    parent_campaign_id: UUID | None = None,
    follow_up_on_status: str | None = None,
    spread_minutes: int | None = None,
    canary: bool = False,
    by: Actor,
) -> Campaign:
    """A draft. Raises 422: something it names is unknown, the template is of another channel, the time is past."""
    _check_time(scheduled_at)
    with atomic() as current:
        campaign = Campaign(
            tenant_id=tenant_id,
            name=name,
            channel=channel,
            category=category,
            template_id=template_id,
            contact_list_id=contact_list_id,
            scheduled_at=scheduled_at,
            max_delay_minutes=max_delay_minutes,
            parent_campaign_id=parent_campaign_id,
            follow_up_on_status=follow_up_on_status,
            spread_minutes=spread_minutes,
            canary=canary,
            made_by=by.id,
        )
        _leave_out(campaign, exclude_list_ids)
        references.check(campaign)
        current.add(campaign)
        current.flush()
    return campaign


def update(tenant_id: UUID, campaign_id: UUID, *, by: Actor, **wishes: Any) -> Campaign:
    """Change a draft, or name, category, time and pace of a scheduled one; without a time that is a draft again.

    So too of one that was held back before it went, and with another time it is scheduled again.
    Raises 409 `campaign_not_draft`, 422 as `create`.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        scheduled = campaign.status != "draft"
        if scheduled and not (campaign.may_be_scheduled and WHILE_SCHEDULED.issuperset(wishes)):
            kept = _l("A launched campaign keeps what it was launched with.")
            if campaign.may_be_scheduled:
                kept = _l("A scheduled campaign keeps its people and its message: take its time away first.")
            raise Conflict("campaign_not_draft", kept)
        if "scheduled_at" in wishes:
            _check_time(wishes["scheduled_at"])
        if "exclude_list_ids" in wishes:
            _leave_out(campaign, wishes.pop("exclude_list_ids"))
        if scheduled and "scheduled_at" in wishes:
            reschedule(campaign, wishes.pop("scheduled_at"), by=by)
        for field, value in wishes.items():
            setattr(campaign, field, value)
        if not scheduled:
            references.check(campaign)
        campaign.updated_at = now()
    return campaign


def delete_draft(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> None:
    """Throw a draft away. Raises 409 `campaign_not_draft`."""
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status != "draft":
            raise Conflict("campaign_not_draft", _l("Only a draft can be thrown away."))
        campaign.deleted_at = now()
        accounts.record(by, "campaign.deleted", campaign.id, name=campaign.name)


def get(tenant_id: UUID, campaign_id: UUID) -> Campaign:
    """The campaign. Raises NotFound."""
    return owned(Campaign, tenant_id, campaign_id)


def campaigns(tenant_id: UUID, *, status: str | None = None, channel: str | None = None) -> Select[Campaign]:
    """The tenant's campaigns."""
    rows = select(Campaign).where(Campaign.tenant_id == tenant_id, Campaign.deleted_at.is_(None))
    if status:
        rows = rows.where(Campaign.status == status)
    if channel:
        rows = rows.where(Campaign.channel == channel)
    return rows


def uses_template(tenant_id: UUID, template_id: UUID) -> bool:
    """Whether a campaign that has work to come was made with this template."""
    rows = campaigns(tenant_id).where(Campaign.template_id == template_id, Campaign.status.in_(UNFINISHED))
    return session().scalar(select(rows.exists())) or False


def running(tenant_id: UUID) -> list[Campaign]:
    """What is under way, newest first, at most 20."""
    rows = campaigns(tenant_id).where(Campaign.status.in_(("launching", "running", "paused")))
    return list(session().scalars(rows.order_by(Campaign.id.desc()).limit(20)))


def to_expand() -> list[UUID]:
    """Campaigns that are to be expanded or reserved, for the sweeper to ring again."""
    return list(session().scalars(select(Campaign.id).where(Campaign.status == "launching")))


def stats(tenant_id: UUID, campaign_id: UUID) -> tuple[Campaign, Dispatch]:
    """The campaign and its dispatch with the counters; an empty one before the launch. Raises NotFound."""
    campaign = get(tenant_id, campaign_id)
    session().refresh(campaign)
    dispatch = messages.dispatch_of(tenant_id, campaign_id) or messages.nothing_yet(tenant_id, campaign_id)
    return campaign, dispatch


def last_due(dispatch: Dispatch) -> datetime | None:
    """When the last chunk of a campaign may leave; None where all of them may."""
    return messages.last_due(dispatch)


def carrier_back_at(dispatch: Dispatch) -> datetime | None:
    """When a carrier that is left alone is asked again; None where it is well."""
    return messages.carrier_back_at(dispatch)


def limit_of(campaign: Campaign) -> float | None:
    """So many a second its company may send on this channel; None where nobody set a limit."""
    return accounts.rate_of(campaign.tenant_id, campaign.channel)


def _check_time(scheduled_at: datetime | None) -> None:
    if scheduled_at is None:
        return
    if scheduled_at <= now():
        raise Invalid(Detail("scheduled_at", "in_the_past", _l("This time is over already.")))
    if scheduled_at > now() + FURTHEST:
        raise Invalid(Detail("scheduled_at", "too_far", _l("Choose a time within a year.")))


def _leave_out(campaign: Campaign, list_ids: Sequence[UUID]) -> None:
    standing = {one.contact_list_id: one for one in campaign.exclusions}
    campaign.exclusions = [
        standing.get(list_id)
        or CampaignExclusion(tenant_id=campaign.tenant_id, campaign_id=campaign.id, contact_list_id=list_id)
        for list_id in dict.fromkeys(list_ids)
    ]
