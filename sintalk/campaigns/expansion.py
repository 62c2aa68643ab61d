"""From an audience to rows, page by page: the cursor moves in the transaction that writes the page.

While one page is being written, the next one is read and composed in a thread, down to the bytes that COPY takes:
rendering keeps one core busy, COPY the other.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from flask import Flask, current_app
from sqlalchemy import select

from sintalk.campaigns import audience, launching
from sintalk.campaigns.models import Campaign
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session
from sintalk.message_templates.content import prepare
from sintalk.messages import service as messages
from sintalk.messages.service import CHUNK, Piece
from sintalk.queue import enqueue, stopping, waiting

#: Seconds of work before others in the queue have their turn.
TURN_S = 2.0
#: People who are written down in one transaction, in chunks of CHUNK: a commit waits for the disk.
PAGE = 4 * CHUNK


@dataclass(frozen=True, slots=True)
class Page:
    """The recipients that come `after` this place, up to `last`, as chunks from `no` on; none: there are no more."""

    after: UUID | None
    no: int
    pieces: list[Piece]
    last: UUID | None


def expand(campaign_id: UUID) -> None:
    """Go on where the cursor stands, until everybody has a row; then hold the money. Safe to run twice at once.

    After a few seconds it makes room for others, where there are any (receipts wait in the same queue), and rings for
    itself.
    """
    began = monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        ahead = _Ahead(campaign_id, pool)
        while not stopping.is_set():
            if monotonic() - began > TURN_S and waiting("default"):
                enqueue("sintalk.campaigns.jobs.expand", campaign_id)
                return
            if not _write_next(campaign_id, ahead):
                return


def _write_next(campaign_id: UUID, ahead: _Ahead) -> bool:
    """Write the next page, or hold the money where there is none; whether there may be more to do."""
    with atomic() as current:
        campaign = current.scalar(
            select(Campaign)
            .where(Campaign.id == campaign_id, Campaign.status == "launching")
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if campaign is None:
            return False  # done, stopped, or in another worker's hands
        if campaign.expanded_at is None:
            dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
            assert dispatch is not None
            page = ahead.page(campaign.cursor, dispatch.chunks)
            if page.pieces:
                messages.write(dispatch, page.pieces, template_id=campaign.template_id)
                campaign.cursor = page.last
                crashpoint("page_written")
                return True
            campaign.expanded_at = now()
    crashpoint("expanded")
    launching.reserve(campaign_id)
    return False


class _Ahead:
    """Composes pages, always one further than asked for. The thread reads with a connection of its own."""

    def __init__(self, campaign_id: UUID, pool: ThreadPoolExecutor) -> None:
        self.campaign_id, self.pool = campaign_id, pool
        self.app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self.coming: Future[Page] | None = None

    def page(self, after: UUID | None, no: int) -> Page:
        """The page after this place, as chunks from this number on."""
        page = self.coming.result() if self.coming else self._composed(after, no)
        if (page.after, page.no) != (after, no):  # another worker went on meanwhile
            page = self._composed(after, no)
        if page.pieces:
            self.coming = self.pool.submit(self._composed, page.last, no + len(page.pieces))
        return page

    def _composed(self, after: UUID | None, no: int) -> Page:
        with self.app.app_context():
            campaign = session().get_one(Campaign, self.campaign_id)
            dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
            assert campaign.prices is not None and dispatch is not None
            people = audience.page(campaign, after=after, limit=PAGE)
            if not people:
                return Page(after, no, [], None)
            prepared = prepare(campaign.channel, campaign.content or {})
            drafts = audience.drafts(campaign, prepared, campaign.prices, people)
            pieces = messages.cut(dispatch, drafts, no=no, template_id=campaign.template_id)
            return Page(after, no, pieces, people[-1].place)
