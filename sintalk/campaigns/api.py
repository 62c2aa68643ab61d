from __future__ import annotations

from flask import g

from sintalk.campaigns import service
from sintalk.campaigns.models import Campaign
from sintalk.campaigns.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPage,
    CampaignPath,
    CampaignQuery,
    CampaignStats,
)
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate

api = blueprint("campaigns", tag="campaigns", description="Bulk messages to contact lists")


@api.post("/campaigns", summary="Create a campaign", responses={"201": CampaignOut})
def create_campaign(body: CampaignIn) -> tuple[CampaignOut, int]:
    """Draft a campaign: a template of the same channel, to a contact list."""
    campaign = service.create(g.actor.tenant_id, **body.model_dump(), by=g.actor)
    return CampaignOut.model_validate(campaign), 201


@api.get("/campaigns", summary="List campaigns", responses={"200": CampaignPage})
def list_campaigns(query: CampaignQuery) -> CampaignPage:
    """The tenant's campaigns, newest first."""
    rows = service.campaigns(g.actor.tenant_id, status=query.status, channel=query.channel)
    return CampaignPage.model_validate(paginate(rows, query, by=Campaign.id))


@api.get("/campaigns/<uuid:campaign_id>", summary="Get a campaign", responses={"200": CampaignOut})
def get_campaign(path: CampaignPath) -> CampaignOut:
    """One campaign."""
    return CampaignOut.model_validate(service.get(g.actor.tenant_id, path.campaign_id))


@api.post(
    "/campaigns/<uuid:campaign_id>/launch",
    summary="Launch a campaign",
    responses={"202": CampaignOut},
)
@refuses(402, "insufficient_balance", "The balance does not cover this. Top it up and try again.")
@refuses(409, "campaign_not_launchable", "This campaign was launched before.")
@refuses(409, "empty_audience", "The list is empty: there is nobody to send to.")
def launch_campaign(path: CampaignPath) -> tuple[CampaignOut, int]:
    """Start sending; always in the background. Watch `GET /campaigns/{id}/stats`."""
    return CampaignOut.model_validate(service.launch(g.actor.tenant_id, path.campaign_id, by=g.actor)), 202


@api.get(
    "/campaigns/<uuid:campaign_id>/stats", summary="Get campaign stats", responses={"200": CampaignStats}
)
def get_campaign_stats(path: CampaignPath) -> CampaignStats:
    """Notification counts by status, and the money. Costs the same for ten recipients and for ten million."""
    campaign, dispatch = service.stats(g.actor.tenant_id, path.campaign_id)
    counted = {
        name: getattr(dispatch, name) for name in CampaignStats.model_fields if hasattr(dispatch, name)
    }
    return CampaignStats.model_validate({**counted, "campaign_id": campaign.id, "status": campaign.status})
