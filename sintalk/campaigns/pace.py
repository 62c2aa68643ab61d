"""How fast messages leave, by what was measured of this company's own campaigns."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from sintalk.campaigns.models import Campaign
from sintalk.db import now, session

#: The newest campaigns that finished and were large enough to say something.
MEASURED = text("""
    SELECT sum(went) AS went, sum(seconds) AS seconds FROM (
      SELECT d.total - d.suppressed - d.canceled AS went,
             extract(epoch FROM d.finished_at - d.ready_at) AS seconds
        FROM campaigns c JOIN dispatches d ON d.tenant_id = c.tenant_id AND d.campaign_id = c.id
       WHERE c.tenant_id = :tenant_id AND c.channel = :channel AND c.status = 'completed'
         AND d.ready_at IS NOT NULL AND d.finished_at > d.ready_at AND d.total - d.suppressed - d.canceled >= 20
       ORDER BY c.id DESC LIMIT 5
    ) AS newest
""")
#: What leaves before it: the company's own campaigns that are on their way.
AHEAD = text("""
    SELECT coalesce(sum(queued), 0) FROM dispatches
     WHERE tenant_id = :tenant_id AND status = 'ready' AND campaign_id <> :campaign_id
""")


def measured(tenant_id: UUID, channel: str) -> float | None:
    """Messages a second from the first to the last; None where nothing has gone out yet."""
    found = session().execute(MEASURED, {"tenant_id": tenant_id, "channel": channel}).one()
    return float(found.went / found.seconds) if found.went and found.seconds else None


def finish(campaign: Campaign, people: int, per_second: float | None) -> datetime | None:
    """When the last of so many people has it, if it goes now or at its time; None while nobody can tell."""
    if per_second is None or not people:
        return None
    ahead = session().scalar(AHEAD, {"tenant_id": campaign.tenant_id, "campaign_id": campaign.id}) or 0
    start = max(campaign.scheduled_at or now(), now())
    return start + timedelta(seconds=(people + int(ahead)) / per_second)
