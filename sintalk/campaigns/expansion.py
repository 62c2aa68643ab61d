"""From an audience to rows, page by page: the cursor moves in the transaction that writes the page."""

from __future__ import annotations

from time import monotonic
from uuid import UUID

from sqlalchemy import select

from sintalk.campaigns import audience, launching
from sintalk.campaigns.models import Campaign
from sintalk.db import atomic, now
from sintalk.message_templates.content import Prepared, prepare
from sintalk.messages import service as messages
from sintalk.messages.service import CHUNK
from sintalk.queue import enqueue, stopping

#: Seconds of work before others in the queue have their turn.
TURN_S = 2.0


def expand(campaign_id: UUID) -> None:
    """Go on where the cursor stands, until everybody has a row; then hold the money. Safe to run twice at once.

    After a few seconds it rings for itself and makes room: receipts wait in the same queue.
    """
    prepared: Prepared | None = None
    began = monotonic()
    while not stopping.is_set():
        if monotonic() - began > TURN_S:
            enqueue("sintalk.campaigns.jobs.expand", campaign_id)
            return
        with atomic() as current:
            campaign = current.scalar(
                select(Campaign)
                .where(Campaign.id == campaign_id, Campaign.status == "launching")
                .with_for_update(skip_locked=True)
                .execution_options(populate_existing=True)
            )
            if campaign is None:
                return  # done, stopped, or in another worker's hands
            if campaign.expanded_at is None:
                prepared = prepared or prepare(campaign.channel, campaign.content or {})
                if _next_page(campaign, prepared):
                    continue
                campaign.expanded_at = now()
        launching.reserve(campaign_id)
        return


def _next_page(campaign: Campaign, prepared: Prepared) -> bool:
    """Write the next page of recipients; False where there is none."""
    page = audience.page(campaign, after=campaign.cursor, limit=CHUNK)
    if not page:
        return False
    dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
    assert dispatch is not None and campaign.prices is not None
    rows = audience.drafts(campaign, prepared, campaign.prices, page)
    messages.fill(dispatch, rows, template_id=campaign.template_id)
    campaign.cursor = page[-1].place
    return True
