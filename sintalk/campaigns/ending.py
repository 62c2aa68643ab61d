"""How a campaign ends: completed, canceled or failed. Its lists are free then, and who listens is told."""

from __future__ import annotations

from sqlalchemy import text

from sintalk.campaigns import telling
from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session

#: The SMS that takes over from an RCS message long after everything had left: there is something to send again.
REOPEN = text("""
    UPDATE campaigns c SET status = 'running', completed_at = NULL, updated_at = now()
      FROM dispatches d
     WHERE d.status = 'ready' AND d.lane IS NULL AND d.finished_at IS NOT NULL
       AND c.tenant_id = d.tenant_id AND c.id = d.campaign_id AND c.status = 'completed'
""")
COMPLETE = text("""
    UPDATE campaigns c
       SET status = 'completed', pause_reason = NULL, completed_at = d.finished_at, updated_at = now()
      FROM dispatches d
     WHERE d.tenant_id = c.tenant_id AND d.campaign_id = c.id AND d.status = 'finished'
       AND c.status IN ('running', 'paused')
 RETURNING c.id
""")
#: A canceled one ends when nothing of it is with a worker any more.
CALL_IT_CANCELED = text("""
    UPDATE campaigns c SET completed_at = d.finished_at, updated_at = now()
      FROM dispatches d
     WHERE d.tenant_id = c.tenant_id AND d.campaign_id = c.id AND d.finished_at IS NOT NULL
       AND c.status = 'canceled' AND c.completed_at IS NULL
 RETURNING c.id
""")


def close_finished() -> int:
    """End the campaigns that have nothing queued or sending any more; how many that were."""
    with atomic() as current:
        current.execute(REOPEN)
        ids = [*current.scalars(COMPLETE), *current.scalars(CALL_IT_CANCELED)]
        for campaign_id in ids:
            _end(current.get_one(Campaign, campaign_id, populate_existing=True))
            crashpoint("campaign_ended")
    return len(ids)


def fail(campaign: Campaign, code: str) -> None:
    """It cannot be sent, ever: `code` says why. In the caller's transaction."""
    campaign.status, campaign.error_code = "failed", code
    end_now(campaign)


def end_now(campaign: Campaign) -> None:
    """It ended with nothing on its way."""
    campaign.completed_at = campaign.updated_at = now()
    session().flush()
    _end(campaign)


def free_lists(campaign: Campaign) -> None:
    """It works on its lists no more."""
    for list_id in campaign.used_list_ids:
        contacts.free_list(campaign.tenant_id, list_id, "campaign", campaign.id)


def _end(campaign: Campaign) -> None:
    free_lists(campaign)
    telling.finished(campaign.tenant_id, campaign.id)
