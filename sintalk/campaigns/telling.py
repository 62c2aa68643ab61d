"""`campaign.finished` for the tenant's webhooks."""

from __future__ import annotations

from uuid import UUID

from sintalk.campaigns.models import Campaign
from sintalk.db import session
from sintalk.messages import service as messages
from sintalk.messages.states import STATUSES
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import service as webhooks

KIND = "campaign.finished"


def finished(tenant_id: UUID, campaign_id: UUID) -> None:
    """Nothing of this campaign is queued or sending any more; its receipts may still come."""
    if not webhooks.wanted(tenant_id, KIND):
        return
    campaign = session().get_one(Campaign, campaign_id, populate_existing=True)
    dispatch = messages.dispatch_of(tenant_id, campaign_id) or messages.nothing_yet(tenant_id, campaign_id)
    payload = {
        "id": campaign.id,
        "name": campaign.name,
        "channel": campaign.channel,
        "status": campaign.status,
        "launched_at": campaign.launched_at and rfc3339(campaign.launched_at),
        "completed_at": campaign.completed_at and rfc3339(campaign.completed_at),
        "total": dispatch.total,
        **{name: getattr(dispatch, name) for name in STATUSES},
    }
    webhooks.announce(tenant_id, KIND, campaign_id, payload, version=campaign.status)
