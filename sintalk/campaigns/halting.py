"""Campaigns that were held back by what became of their messages, or as too late for them: they say so, and who
listens is told.
"""

from __future__ import annotations

from sqlalchemy import text

from sintalk.campaigns import launching
from sintalk.campaigns.models import Campaign
from sintalk.db import atomic

#: The dispatch is paused already: nothing leaves while this has not run yet.
HOLD = text("""
    UPDATE campaigns c SET status = 'paused', pause_reason = d.halted, completed_at = NULL, updated_at = now()
      FROM dispatches d
     WHERE d.status = 'paused' AND d.halted IS NOT NULL
       AND c.tenant_id = d.tenant_id AND c.id = d.campaign_id AND c.status IN ('running', 'completed')
 RETURNING c.id
""")


def hold_halted() -> int:
    """Pause the campaigns whose messages may not leave by themselves any more; how many those were."""
    with atomic() as current:
        ids = current.scalars(HOLD).all()
        for campaign_id in sorted(ids):
            campaign = current.get_one(Campaign, campaign_id, populate_existing=True)
            launching.say_paused(campaign)
    return len(ids)
