"""What a launch would do, said before it and to the cent: people, reasons, parts, price, from the same reading.

A small audience is counted while one waits. A large one is counted in the background, page by page, and the
count is kept under a seal: whatever would make it wrong (list, template, prices, lists left out, the frequency cap,
receipts of the campaign that it follows) breaks it. Only opt-outs that come in between do not: they are fewer people
and less money, and are checked again when messages leave; and who comes under the cap again, or over it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from sintalk.billing import service as billing
from sintalk.campaigns import audience, pace
from sintalk.campaigns.counting import Count
from sintalk.campaigns.models import OUTCOMES, Campaign, CampaignCount
from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict
from sintalk.message_templates import service as templates
from sintalk.message_templates.content import Prepared, prepare
from sintalk.messages import service as messages
from sintalk.messages.service import CHUNK
from sintalk.policies import service as policies
from sintalk.queue import enqueue, stopping
from sintalk.tenancy import owned

#: So many people are counted while one waits.
AT_ONCE = 10_000
#: A kept count is looked at for this long, then made anew.
FRESH = timedelta(minutes=15)
#: Seconds of counting before others in the queue have their turn.
TURN_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A count against the balance. Money in micro-units; `total` is how many people there are to read, `waiting`
    how many of those who get it have to wait for their hours, and until when.

    While `complete` is false the count is still going on, and its figures are those so far.
    """

    count: Count
    complete: bool
    total: int
    at: datetime
    seal: str
    available_micros: int
    overdraft_micros: int
    per_second: float
    finishes_at: datetime | None
    waiting: list[tuple[datetime, int]]

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return 1.0 if self.complete else min(self.count.read / self.total, 0.99) if self.total else 0.0

    @property
    def after_micros(self) -> int:
        """The balance afterwards."""
        return self.available_micros - self.count.price_micros

    @property
    def missing_micros(self) -> int:
        """What the balance with its overdraft lacks."""
        return max(self.count.price_micros - self.available_micros - self.overdraft_micros, 0)

    @property
    def affordable(self) -> bool:
        """Whether the balance with its overdraft covers it."""
        return self.missing_micros == 0


def preflight(tenant_id: UUID, campaign_id: UUID, *, mode: str = "live") -> Preflight:
    """Count the audience as the launch will, or say how far the counting is; a draft as who asks would launch it,
    by a test key for nothing.

    Raises NotFound, also for what the draft names and was deleted; 409 `campaign_not_launchable` after its launch.
    """
    campaign = owned(Campaign, tenant_id, campaign_id)
    if not campaign.may_be_scheduled:
        raise Conflict("campaign_not_launchable", _l("This campaign was launched before."))
    if campaign.status == "draft" and campaign.mode != mode:
        with atomic():
            campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
            if campaign.status == "draft":  # nobody launched it meanwhile
                campaign.mode = mode
    mark, total = seal(campaign), people_of(campaign)
    if total <= AT_ONCE:
        return _seen(campaign, _counted_now(campaign), complete=True, total=total, at=now(), mark=mark)
    kept = _kept(campaign, mark) or _begin(campaign, mark, total)
    count, complete = Count.from_json(kept.count), kept.finished_at is not None
    return _seen(campaign, count, complete=complete, total=kept.total, at=kept.started_at, mark=mark)


def exact_price(campaign: Campaign) -> int | None:
    """What it costs to the cent, in micro-units; None where nobody has counted so many people lately."""
    if people_of(campaign) <= AT_ONCE:
        return _counted_now(campaign).price_micros
    kept = _kept(campaign, seal(campaign))
    return Count.from_json(kept.count).price_micros if kept and kept.finished_at else None


def seal(campaign: Campaign) -> str:
    """Changes with whatever would make a count wrong. Raises NotFound where something was deleted."""
    tenant_id = campaign.tenant_id
    parts = [
        campaign.channel,
        campaign.mode,
        campaign.content or templates.get(tenant_id, campaign.template_id).updated_at.isoformat(),
        str(campaign.template_id),
        billing.prices(tenant_id),
        [(str(each), contacts.get_list(tenant_id, each).version) for each in campaign.used_list_ids],
        _parent(campaign),
        _cap(campaign),
    ]
    written = json.dumps(parts, sort_keys=True).encode()
    return hashlib.blake2b(written, digest_size=12).hexdigest()


def go_on(campaign_id: UUID) -> None:
    """Count where the cursor stands, until everybody is read. Safe to run twice at once, and to be cut off.

    After a few seconds it rings for itself and makes room: receipts wait in the same queue.
    """
    began = monotonic()
    prepared: Prepared | None = None
    while not stopping.is_set():
        if monotonic() - began > TURN_S:
            enqueue("sintalk.campaigns.jobs.count", campaign_id)
            return
        with atomic() as current:
            kept = current.scalar(
                select(CampaignCount)
                .where(CampaignCount.campaign_id == campaign_id, CampaignCount.finished_at.is_(None))
                .with_for_update(skip_locked=True)
                .execution_options(populate_existing=True)
            )
            campaign = current.get(Campaign, campaign_id, populate_existing=True)
            if kept is None or campaign is None:
                return  # done, or in another worker's hands
            prepared = prepared or prepare(campaign.channel, _content(campaign))
            _count_page(campaign, kept, prepared)


def to_count() -> list[UUID]:
    """Campaigns whose audience is being counted, for the sweeper to ring again."""
    waiting = select(CampaignCount.campaign_id).where(CampaignCount.finished_at.is_(None))
    return list(session().scalars(waiting.order_by(CampaignCount.started_at).limit(20)))


def forget_old() -> None:
    """Counts that nobody asks for any more. For the sweeper."""
    with atomic() as current:
        old = select(CampaignCount).where(CampaignCount.started_at < now() - timedelta(days=1))
        for kept in current.scalars(old.limit(1_000)):
            current.delete(kept)


def _count_page(campaign: Campaign, kept: CampaignCount, prepared: Prepared) -> None:
    page = audience.page(campaign, after=kept.cursor, limit=CHUNK)
    if not page:
        kept.finished_at = now()
        return
    count = Count.from_json(kept.count)
    for draft in audience.drafts(campaign, prepared, _prices(campaign), page):
        count.add(draft, campaign.id)
    kept.count, kept.cursor = count.as_json(), page[-1].place


def _counted_now(campaign: Campaign) -> Count:
    count, prices = Count(), _prices(campaign)
    prepared = prepare(campaign.channel, _content(campaign))
    for page in audience.pages(campaign):
        for draft in audience.drafts(campaign, prepared, prices, page):
            count.add(draft, campaign.id)
    return count


def _kept(campaign: Campaign, mark: str) -> CampaignCount | None:
    return session().scalar(
        select(CampaignCount)
        .where(
            CampaignCount.tenant_id == campaign.tenant_id,
            CampaignCount.campaign_id == campaign.id,
            CampaignCount.seal == mark,
            CampaignCount.started_at > now() - FRESH,
        )
        .execution_options(populate_existing=True)
    )


def _begin(campaign: Campaign, mark: str, total: int) -> CampaignCount:
    fresh = {
        "seal": mark,
        "total": total,
        "count": Count().as_json(),
        "cursor": None,
        "started_at": now(),
        "finished_at": None,
    }
    with atomic() as current:
        mine = insert(CampaignCount).values(campaign_id=campaign.id, tenant_id=campaign.tenant_id, **fresh)
        current.execute(mine.on_conflict_do_update(index_elements=["campaign_id"], set_=fresh))
        enqueue("sintalk.campaigns.jobs.count", campaign.id)
        return current.get_one(CampaignCount, campaign.id, populate_existing=True)


def _seen(
    campaign: Campaign, count: Count, *, complete: bool, total: int, at: datetime, mark: str
) -> Preflight:
    balance = billing.balance(campaign.tenant_id)
    if count.price_micros > balance.spendable and messages.give_back_floats(campaign.tenant_id):
        balance = billing.balance(campaign.tenant_id)  # the launch takes no notice of it either
    rate = pace.possible(campaign.tenant_id, campaign.channel)
    return Preflight(
        count=count,
        complete=complete,
        total=total,
        at=at,
        seal=mark,
        available_micros=balance.available,
        overdraft_micros=balance.overdraft_limit,
        per_second=rate,
        finishes_at=pace.finish(campaign, count.areas, rate) if complete else None,
        waiting=pace.waiting(campaign, count.areas),
    )


def _content(campaign: Campaign) -> dict[str, object]:
    """Of a scheduled campaign what it keeps, of a draft what the template says."""
    return campaign.content or templates.get(campaign.tenant_id, campaign.template_id).content


def _prices(campaign: Campaign) -> dict[str, int]:
    prices = billing.prices(campaign.tenant_id)
    return dict.fromkeys(prices, 0) if campaign.mode == "test" else prices


def people_of(campaign: Campaign) -> int:
    """How many people there are to read: those of its list, or of the campaign that it follows."""
    if campaign.follow_up_on_status is None:
        assert campaign.contact_list_id is not None
        return contacts.get_list(campaign.tenant_id, campaign.contact_list_id).contact_count
    return audience.size(campaign, at_most=0)


def _parent(campaign: Campaign) -> list[object]:
    """How many stand in the outcome that it follows; receipts change that."""
    if campaign.follow_up_on_status is None or campaign.parent_campaign_id is None:
        return []
    parent = messages.dispatch_of(campaign.tenant_id, campaign.parent_campaign_id)
    if parent is None:
        return [str(campaign.parent_campaign_id)]
    counts = [getattr(parent, name) for name in OUTCOMES[campaign.follow_up_on_status]]
    return [str(parent.id), campaign.follow_up_on_status, counts]


def _cap(campaign: Campaign) -> list[int]:
    cap = policies.rules_of(campaign.tenant_id).cap if campaign.bound else None
    return [cap.messages, cap.days] if cap else []
