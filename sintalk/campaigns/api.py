from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, g

from sintalk.campaigns import exporting, preflight, service, trying
from sintalk.campaigns.models import Campaign
from sintalk.campaigns.schemas import (
    CampaignChange,
    CampaignIn,
    CampaignOut,
    CampaignPage,
    CampaignPath,
    CampaignQuery,
    CampaignStats,
    CampaignTestIn,
    LaunchIn,
    PeopleQuery,
    PreflightOut,
    SampleOut,
    WaitingOut,
)
from sintalk.counts import kept
from sintalk.messages import holding
from sintalk.messages.schemas import SendOut
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate

api = blueprint("campaigns", tag="campaigns", description="Bulk messages to contact lists")
ONE = "/campaigns/<uuid:campaign_id>"
CSV: dict[str, Any] = {
    "content": {
        "text/csv": {
            "schema": {"type": "string"},
            "example": "Telefone;Nome;Situação;Motivo;Criado;Enviado;Entregue;Lido\r\n"
            "+5511999999999;Ana;Entregue;;2026-11-22 10:00:00;2026-11-22 10:00:01;2026-11-22 10:00:02;\r\n",
        }
    }
}
SHORT = "The balance does not cover this. Top it up and try again."


@api.post("/campaigns", summary="Create a campaign", responses={"201": CampaignOut})
def create_campaign(body: CampaignIn) -> tuple[CampaignOut, int]:
    """Draft a campaign: a template of the same channel, to a contact list or to the outcome of another campaign."""
    campaign = service.create(g.actor.tenant_id, **body.model_dump(), by=g.actor)
    return CampaignOut.model_validate(campaign), 201


@api.get("/campaigns", summary="List campaigns", responses={"200": CampaignPage})
def list_campaigns(query: CampaignQuery) -> CampaignPage:
    """The tenant's campaigns, newest first."""
    rows = service.campaigns(g.actor.tenant_id, status=query.status, channel=query.channel)
    total = kept(g.actor.tenant_id, "campaigns") if query.status is query.channel is None else None
    return CampaignPage.model_validate(paginate(rows, query, by=Campaign.id, total=total))


@api.get(ONE, summary="Get a campaign", responses={"200": CampaignOut})
def get_campaign(path: CampaignPath) -> CampaignOut:
    """One campaign."""
    return CampaignOut.model_validate(service.get(g.actor.tenant_id, path.campaign_id))


@api.post(f"{ONE}/launch", summary="Launch a campaign", responses={"202": CampaignOut})
@refuses(402, "insufficient_balance", SHORT)
@refuses(409, "campaign_not_launchable", "This campaign was launched before.")
@refuses(409, "empty_audience", "The list is empty: there is nobody to send to.")
def launch_campaign(path: CampaignPath, body: LaunchIn) -> tuple[CampaignOut, int]:
    """Start sending; always in the background. Watch `GET /campaigns/{id}/stats`.

    With a `scheduled_at` ahead it becomes `scheduled`: the content is fixed now, people and money are taken then.
    `{"now": true}` sends at once.
    """
    campaign = service.launch(g.actor.tenant_id, path.campaign_id, at_once=body.now, by=g.actor)
    return CampaignOut.model_validate(campaign), 202


@api.patch(ONE, summary="Change a campaign", responses={"200": CampaignOut})
@refuses(409, "campaign_not_draft", "A launched campaign keeps what it was launched with.")
def change_campaign(path: CampaignPath, body: CampaignChange) -> CampaignOut:
    """Change a draft; of a scheduled one its name and its time. Without a time that one is a draft again."""
    wishes = body.model_dump(include=body.model_fields_set)
    return CampaignOut.model_validate(
        service.update(g.actor.tenant_id, path.campaign_id, by=g.actor, **wishes)
    )


@api.delete(ONE, summary="Delete a draft", responses={"204": None})
@refuses(409, "campaign_not_draft", "Only a draft can be thrown away.")
def delete_campaign(path: CampaignPath) -> None:
    """Throw a draft away. What was launched stays."""
    service.delete_draft(g.actor.tenant_id, path.campaign_id, by=g.actor)


@api.post(
    f"{ONE}/preflight",
    summary="Check a campaign before launching it",
    responses={"200": PreflightOut, "202": PreflightOut},
)
@refuses(409, "campaign_not_launchable", "This campaign was launched before.")
def preflight_campaign(path: CampaignPath) -> tuple[PreflightOut, int]:
    """People, who is left out and why, parts, and the exact price, without sending anything.

    More than 10,000 people are counted in the background: 202 then, until asking again answers 200.
    """
    found = preflight.preflight(g.actor.tenant_id, path.campaign_id, mode=g.actor.mode)
    return _counted(path.campaign_id, found), 200 if found.complete else 202


@api.post(f"{ONE}/pause", summary="Pause a campaign", responses={"200": CampaignOut})
@refuses(409, "campaign_not_running", "Only a campaign that is being sent can be paused.")
def pause_campaign(path: CampaignPath) -> CampaignOut:
    """Nothing more goes out, from the next call of the carrier on; its money stays held. Repeating it is harmless."""
    return CampaignOut.model_validate(service.pause(g.actor.tenant_id, path.campaign_id, by=g.actor))


@api.post(f"{ONE}/resume", summary="Resume a campaign", responses={"202": CampaignOut})
@refuses(402, "insufficient_balance", SHORT)
@refuses(409, "campaign_not_paused", "This campaign is not paused.")
@refuses(409, "empty_audience", "The list is empty: there is nobody to send to.")
def resume_campaign(path: CampaignPath) -> tuple[CampaignOut, int]:
    """Go on where it stood, whatever its `pause_reason`: nobody gets it twice, nobody is left out."""
    return CampaignOut.model_validate(service.resume(g.actor.tenant_id, path.campaign_id, by=g.actor)), 202


@api.post(f"{ONE}/cancel", summary="Cancel a campaign", responses={"202": CampaignOut})
@refuses(409, "campaign_not_cancelable", "There is nothing left to cancel.")
def cancel_campaign(path: CampaignPath) -> tuple[CampaignOut, int]:
    """Nothing more goes out; the rest becomes `canceled` in the background and its money is given back.

    What is with the carrier stays there. `completed_at` tells when all of it is done. Repeating it is harmless.
    """
    return CampaignOut.model_validate(service.cancel(g.actor.tenant_id, path.campaign_id, by=g.actor)), 202


@api.post(f"{ONE}/test", summary="Send a campaign to yourself", responses={"202": SendOut})
@refuses(402, "insufficient_balance", SHORT)
@refuses(409, "campaign_not_launchable", "This campaign was launched before.")
def try_campaign(path: CampaignPath, body: CampaignTestIn) -> tuple[SendOut, int]:
    """Send what a draft or scheduled campaign would send to up to five own numbers, with a real person's values.

    Single messages, priced and ruled as any: a number that cannot be written to is rejected alone, with its reason.
    They are no part of the campaign and of its stats. An extension of the index.
    """
    sent = trying.test(g.actor.tenant_id, path.campaign_id, phones=body.phones, by=g.actor)
    return SendOut.model_validate(sent), 202


@api.get(f"{ONE}/people", summary="Download a campaign's people", responses={"200": CSV})
def download_campaign_people(path: CampaignPath, query: PeopleQuery) -> Response:
    """Everybody with what became of their message, or those of one outcome: phone, name, status, reason, times.

    Streamed, whatever their number. An extension of the index.
    """
    return exporting.download(g.actor.tenant_id, path.campaign_id, status=query.status)


@api.get(f"{ONE}/stats", summary="Get campaign stats", responses={"200": CampaignStats})
def get_campaign_stats(path: CampaignPath) -> CampaignStats:
    """Notification counts by status, and the money. Costs the same for ten recipients and for ten million."""
    campaign, dispatch = service.stats(g.actor.tenant_id, path.campaign_id)
    counted = {
        name: getattr(dispatch, name) for name in CampaignStats.model_fields if hasattr(dispatch, name)
    }
    about = {"campaign_id": campaign.id, "status": campaign.status}
    waiting = _waiting(holding.waiting(dispatch))
    return CampaignStats.model_validate({**counted, **about, "waiting": waiting})


def _counted(campaign_id: UUID, found: preflight.Preflight) -> PreflightOut:
    count = found.count
    return PreflightOut(
        campaign_id=campaign_id,
        status="completed" if found.complete else "counting",
        progress=found.progress,
        people=count.people,
        left_out=dict(count.left_out),
        segments_min=count.segments_min,
        segments_median=count.segments_median,
        segments_max=count.segments_max,
        longest=SampleOut.model_validate(count.longest) if count.longest else None,
        samples=[SampleOut.model_validate(sample) for sample in count.samples],
        price_micros=count.price_micros,
        available_micros=found.available_micros,
        overdraft_limit_micros=found.overdraft_micros,
        available_after_micros=found.after_micros,
        missing_micros=found.missing_micros,
        per_second=found.per_second,
        finishes_at=found.finishes_at,
        waiting=_waiting(found.waiting),
        counted_at=found.at,
    )


def _waiting(rows: Sequence[tuple[datetime, int]]) -> list[WaitingOut]:
    return [WaitingOut(until=until, people=people) for until, people in rows]
