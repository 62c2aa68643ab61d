"""How fast messages leave, by what was measured of campaigns, and when hours let them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from sintalk.accounts import service as accounts
from sintalk.campaigns.models import Campaign
from sintalk.db import now, session
from sintalk.messages import service as messages
from sintalk.policies import service as policies

#: Messages a second to reckon with before anything has gone out here: far below what two cores do.
CAUTIOUS = 50.0
#: The newest campaigns that finished and were large enough to say something: of the company, or of all companies.
MEASURED = """
    SELECT sum(went) AS went, sum(seconds) AS seconds FROM (
      SELECT d.total - d.suppressed - d.canceled AS went,
             extract(epoch FROM d.finished_at - d.ready_at) AS seconds
        FROM {campaigns} c JOIN dispatches d ON d.tenant_id = c.tenant_id AND d.campaign_id = c.id
       WHERE c.channel = :channel AND c.status = 'completed'
         AND NOT d.waited AND d.spread_minutes IS NULL AND d.canary IS NULL
         AND d.ready_at IS NOT NULL AND d.finished_at > d.ready_at
         AND d.total - d.suppressed - d.canceled >= 20
       ORDER BY c.id DESC LIMIT 5
    ) AS newest
"""
MEASURED_OWN = text(MEASURED.format(campaigns="(SELECT * FROM campaigns WHERE tenant_id = :tenant_id)"))
MEASURED_ALL = text(MEASURED.format(campaigns="(SELECT * FROM campaigns ORDER BY id DESC LIMIT 500)"))
#: What leaves before it: the company's own campaigns that are on their way.
AHEAD = text("""
    SELECT coalesce(sum(queued), 0) FROM dispatches
     WHERE tenant_id = :tenant_id AND status = 'ready' AND campaign_id <> :campaign_id
""")


def measured(tenant_id: UUID, channel: str) -> float:
    """Messages a second from the first to the last: the company's own, else anybody's here, else a cautious guess."""
    for statement in (MEASURED_OWN, MEASURED_ALL):
        found = session().execute(statement, {"tenant_id": tenant_id, "channel": channel}).one()
        if found.went and found.seconds:
            return float(found.went / found.seconds)
    return CAUTIOUS


def finish(campaign: Campaign, areas: Counter[str], per_second: float) -> datetime | None:
    """When the last of these people, by area, has it if it goes now or at its time; None where there is nobody.

    At this rate, or evenly over the time that it shall take; once a few have it, where these get it first.
    """
    if not areas.total():
        return None
    ahead = session().scalar(AHEAD, {"tenant_id": campaign.tenant_id, "campaign_id": campaign.id}) or 0
    begins = start(campaign) + timedelta(seconds=int(ahead) / per_second)
    if campaign.canary and areas.total() >= messages.CANARY_ENOUGH:
        begins += messages.CANARY_WAIT
    rate = per_second
    if campaign.spread_minutes:
        rate = min(rate, areas.total() / (campaign.spread_minutes * 60))
    if not campaign.bound:
        return begins + timedelta(seconds=areas.total() / rate)
    return policies.rules_of(campaign.tenant_id).through(campaign.channel, areas, begins, rate)


def waiting(campaign: Campaign, areas: Counter[str]) -> list[tuple[datetime, int]]:
    """How many of these people, by area, wait for their hours until when, if it goes now or at its time."""
    if not campaign.bound:
        return []
    shut = policies.rules_of(campaign.tenant_id).closed(campaign.channel, start(campaign))
    held: Counter[datetime] = Counter()
    for area in areas.keys() & shut.keys():
        held[shut[area]] += areas[area]
    return sorted(held.items())


def start(campaign: Campaign) -> datetime:
    """When it goes, if somebody launches it now."""
    return max(campaign.scheduled_at or now(), now())


def possible(tenant_id: UUID, channel: str) -> float:
    """Messages a second to reckon with: as measured, but no more than the company may send."""
    rate, limit = measured(tenant_id, channel), accounts.rate_of(tenant_id, channel)
    return min(rate, limit or rate)
