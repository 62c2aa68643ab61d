"""`campaign.finished` and `campaign.paused` for the tenant's webhooks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sintalk.campaigns.models import Campaign
from sintalk.db import session
from sintalk.messages import service as messages
from sintalk.messages.states import STATUSES
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import service as webhooks

KIND = "campaign.finished"
PAUSED = "campaign.paused"


def finished(tenant_id: UUID, campaign_id: UUID) -> None:
    """Nothing of this campaign is queued or sending any more; its receipts may still come."""
    if not webhooks.wanted(tenant_id, KIND):
        return
    campaign = session().get_one(Campaign, campaign_id, populate_existing=True)
    webhooks.announce(tenant_id, KIND, campaign_id, _shown(campaign), version=campaign.status)


def paused(campaign: Campaign) -> None:
    """It was held back by itself, and waits for somebody's word."""
    if not webhooks.wanted(campaign.tenant_id, PAUSED):
        return
    payload = {**_shown(campaign), "pause_reason": campaign.pause_reason}
    version = f"{campaign.pause_reason}:{campaign.updated_at.isoformat()}"
    webhooks.announce(campaign.tenant_id, PAUSED, campaign.id, payload, version=version)


def _shown(campaign: Campaign) -> dict[str, Any]:
    tenant_id = campaign.tenant_id
    dispatch = messages.dispatch_of(tenant_id, campaign.id) or messages.nothing_yet(tenant_id, campaign.id)
    return {
        "id": campaign.id,
        "name": campaign.name,
        "channel": campaign.channel,
        "status": campaign.status,
        "launched_at": campaign.launched_at and rfc3339(campaign.launched_at),
        "completed_at": campaign.completed_at and rfc3339(campaign.completed_at),
        "total": dispatch.total,
        **{name: getattr(dispatch, name) for name in STATUSES},
    }
