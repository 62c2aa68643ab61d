"""Holding a campaign back, letting it go on, ending it before its time.

Whatever is with the carrier stays there; whatever is not is kept (paused) or taken back and its money with it
(canceled). Lock order: campaign, then the dispatch's own.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask_babel import lazy_gettext as _l

from sintalk.accounts import service as accounts
from sintalk.campaigns import ending, launching
from sintalk.campaigns.models import Campaign
from sintalk.db import atomic, now
from sintalk.errors import Conflict
from sintalk.messages import service as messages
from sintalk.queue import enqueue
from sintalk.tenancy import Actor, owned


def pause(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> Campaign:
    """Nothing more goes out until it is resumed, whatever money comes. Repeating it is harmless.

    Raises 409 `campaign_not_running`.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        waits_for_money = campaign.pause_reason == "insufficient_balance"
        if campaign.status == "paused" and not waits_for_money:
            return campaign
        if campaign.status not in ("launching", "running", "paused"):
            raise Conflict("campaign_not_running", _l("Only a campaign that is being sent can be paused."))
        if not waits_for_money and not messages.pause(launching.dispatch_of(campaign)):
            raise Conflict("campaign_not_running", _l("Everything has left already."))
        campaign.status, campaign.pause_reason, campaign.updated_at = "paused", "requested", now()
        accounts.record(by, "campaign.paused", campaign.id, name=campaign.name)
    return campaign


def resume(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> Campaign:
    """Go on where it stood, whatever it waited for: a person, money, or somebody's word that late is fine.

    Raises 409 `campaign_not_paused`, 402 where its money does not reach, 409 `empty_audience` where it never
    went and nobody is left to go to.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status != "paused":
            raise Conflict("campaign_not_paused", _l("This campaign is not paused."))
        reason, campaign.late_ok = campaign.pause_reason, True
        go_on(campaign, by)
        accounts.record(by, "campaign.resumed", campaign.id, name=campaign.name, waited_for=reason)
    return campaign


def cancel(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> Campaign:
    """End it: nothing more goes out, the rest is taken back in the background and its money with it.

    Repeating it is harmless. Raises 409 `campaign_not_cancelable` for drafts and for what has ended.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status == "canceled":
            return campaign
        if campaign.status not in ("scheduled", "launching", "running", "paused"):
            raise Conflict("campaign_not_cancelable", _l("There is nothing left to cancel."))
        dispatch = messages.dispatch_of(tenant_id, campaign_id)
        if dispatch is not None and not messages.cancel(dispatch):
            raise Conflict("campaign_not_cancelable", _l("Everything has left already."))
        campaign.status, campaign.pause_reason, campaign.updated_at = "canceled", None, now()
        if dispatch is None:
            ending.end_now(campaign)
        accounts.record(by, "campaign.canceled", campaign.id, name=campaign.name)
    return campaign


def reschedule(campaign: Campaign, scheduled_at: datetime | None, *, by: Actor) -> None:
    """Another time for a campaign that has not gone; None takes it back to a draft. In the caller's transaction."""
    campaign.scheduled_at, campaign.updated_at = scheduled_at, now()
    campaign.status, campaign.pause_reason = "scheduled", None
    if scheduled_at is None:
        campaign.status, campaign.content = "draft", None
        ending.free_lists(campaign)
        accounts.record(by, "campaign.unscheduled", campaign.id, name=campaign.name)
    else:
        at = scheduled_at.isoformat()
        accounts.record(by, "campaign.rescheduled", campaign.id, name=campaign.name, scheduled_at=at)


def go_on(campaign: Campaign, by: Actor) -> None:
    """Let a paused campaign go on, in the caller's transaction, its row locked. Raises 402, 409 `empty_audience`."""
    if campaign.launched_at is None:
        launching.go(campaign, by)
        return
    dispatch = launching.dispatch_of(campaign)
    if dispatch.ready_at is None and campaign.expanded_at is not None:
        launching.start(campaign)
        return
    messages.go_on(dispatch)
    campaign.status = "launching" if dispatch.ready_at is None else "running"
    campaign.pause_reason, campaign.updated_at = None, now()
    if campaign.status == "launching":
        enqueue("sintalk.campaigns.jobs.expand", campaign.id)
