"""What waits for money goes on by itself once there is some, if that is not too late for it.

Money that comes sets it going, a credit or a refund: the campaigns that stopped without knowing of it are tried once,
the oldest first. Later than `max_delay_minutes` after its time, or after it stopped, nobody may want it any more: then
it waits for a word.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from sintalk.accounts import service as accounts
from sintalk.billing import service as billing
from sintalk.campaigns import launching, steering
from sintalk.campaigns.models import GRACE_MINUTES, Campaign
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, InsufficientBalance

FUNDED = text(f"""
    SELECT c.id FROM campaigns c
     WHERE c.status = 'paused' AND c.pause_reason = 'insufficient_balance'
       AND c.short_since > :now - make_interval(mins => greatest(c.max_delay_minutes, {GRACE_MINUTES}))
       AND EXISTS (SELECT FROM ledger_transactions t
                    WHERE t.tenant_id = c.tenant_id AND t.kind IN ('credit', 'refund') AND t.seq > c.short_after)
     ORDER BY c.short_since, c.id LIMIT 100
""")  # noqa: S608 - the only thing put in is our own


def go_on_with_money() -> int:
    """Let campaigns go on whose money came; how many those were. For the sweeper."""
    ids = session().scalars(FUNDED, {"now": now()}).all()
    return launching.one_by_one(ids, _tried)


def _tried(campaign_id: UUID) -> bool:
    known = 0
    try:
        with atomic():
            campaign = _waiting(campaign_id)
            if campaign is None or campaign.overdue(now()):
                return False
            known = billing.movements(campaign.tenant_id)
            by = launching.clock(campaign)
            steering.go_on(campaign, by)
            accounts.record(
                by, "campaign.resumed", campaign.id, name=campaign.name, waited_for="insufficient_balance"
            )
    except (InsufficientBalance, Conflict):
        with atomic():
            campaign = _waiting(campaign_id)
            if campaign is not None:
                campaign.short_after = known
        return False
    return True


def _waiting(campaign_id: UUID) -> Campaign | None:
    campaign = session().get_one(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    waits = campaign.status == "paused" and campaign.pause_reason == "insufficient_balance"
    return campaign if waits else None
