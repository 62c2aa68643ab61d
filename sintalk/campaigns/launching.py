"""From a draft to messages on their way: now, at its time, or once there is money."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from sintalk.accounts import service as accounts
from sintalk.billing import service as billing
from sintalk.campaigns import audience, ending, preflight, references, telling
from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, new_id, now, session
from sintalk.errors import Conflict, Detail, InsufficientBalance, Invalid
from sintalk.messages import service as messages
from sintalk.messages.composing import SENDABLE, cheapest
from sintalk.messages.models import Dispatch
from sintalk.queue import enqueue
from sintalk.tenancy import Actor, owned

log = logging.getLogger(__name__)


def launch(tenant_id: UUID, campaign_id: UUID, *, at_once: bool = False, by: Actor) -> Campaign:
    """Let it go, or let it wait for its `scheduled_at` where that lies ahead and not `at_once`.

    The content is what the template says now, so that what was looked at is what goes out; people, prices and
    money are taken when it goes. Raises 409 `campaign_not_launchable`, 409 `empty_audience`, 402 where even the
    cheapest price is beyond the balance, 422 where what it names was deleted or a draft's time went by; nothing has
    changed then.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status == "canceled":
            raise Conflict("campaign_not_launchable", _l("This campaign was canceled. Make a new one."))
        if campaign.status not in ("draft", "scheduled"):
            raise Conflict("campaign_not_launchable", _l("This campaign was launched before."))
        if campaign.channel not in SENDABLE:
            raise Conflict("campaign_not_launchable", _l("This channel cannot send yet."))
        waits = not at_once and campaign.scheduled_at is not None and campaign.scheduled_at > now()
        if campaign.status == "draft":
            _refuse_a_time_gone_by(campaign, at_once or waits)
            campaign.content, campaign.mode = dict(references.check(campaign).content), by.mode
        elif waits:
            return campaign
        if waits:
            _schedule(campaign, by)
        else:
            campaign.late_ok = True
            go(campaign, by)
    return campaign


def go(campaign: Campaign, by: Actor) -> None:
    """Take people, prices and money now, in the caller's transaction. Raises 409 `empty_audience`, 402."""
    campaign.prices = billing.prices(campaign.tenant_id)
    if campaign.mode == "test":  # what test keys send goes to the simulator and costs nothing
        campaign.prices = dict.fromkeys(campaign.prices, 0)
    _check_money(campaign)
    _hold_lists(campaign)
    audience.fix(campaign)
    campaign.until = new_id()
    campaign.status, campaign.pause_reason = "launching", None
    campaign.launched_at = campaign.updated_at = now()
    messages.open_dispatch(
        campaign.tenant_id,
        campaign_id=campaign.id,
        channel=campaign.channel,
        carrier="simulator",
        marketing=campaign.bound,
        **messages.plan(
            preflight.people_of(campaign), spread_minutes=campaign.spread_minutes, canary=campaign.canary
        ),
    )
    accounts.record(by, "campaign.launched", campaign.id, name=campaign.name)
    enqueue("sintalk.campaigns.jobs.expand", campaign.id)


def launch_due() -> int:
    """Launch what was scheduled for now or before; how many that were. For the sweeper."""
    due = select(Campaign.id).where(Campaign.status == "scheduled", Campaign.scheduled_at <= now())
    ids = session().scalars(due.order_by(Campaign.scheduled_at).limit(100)).all()
    return one_by_one(ids, _launch_scheduled)


def one_by_one(ids: Iterable[UUID], act: Callable[[UUID], bool]) -> int:
    """How many of these campaigns it did that for. One that cannot be is logged, and keeps nobody else waiting."""
    done = 0
    for campaign_id in ids:
        try:
            done += act(campaign_id)
        except OperationalError:
            raise  # the database is away: for the sweeper
        except Exception:
            log.exception("campaign %s cannot go on, will try again", campaign_id)
    return done


def reserve(campaign_id: UUID) -> None:
    """Hold the money of an expanded campaign and start it; where it does not reach, pause it with its reason.

    So too where it became too late for it meanwhile, for nothing scheduled leaves late without somebody's word.
    """
    waiting = select(Campaign).where(
        Campaign.id == campaign_id, Campaign.status == "launching", Campaign.expanded_at.is_not(None)
    )
    locked = waiting.with_for_update().execution_options(populate_existing=True)
    known = 0
    try:
        with atomic() as current:
            campaign = current.scalar(locked)
            if campaign is not None and campaign.overdue(now()):
                wait(campaign, "overdue")
            elif campaign is not None:
                known = billing.movements(campaign.tenant_id)
                start(campaign)
    except InsufficientBalance:
        with atomic() as current:
            campaign = current.scalar(locked)
            if campaign is not None:
                wait_for_money(campaign, known)


def start(campaign: Campaign) -> None:
    """Hold the money and open it to the workers, in the caller's transaction. Raises 402."""
    by_itself = campaign.scheduled_at is not None and not campaign.late_ok
    most = campaign.delay_minutes if by_itself else None
    messages.reserve(dispatch_of(campaign), memo=campaign.name, max_delay_minutes=most)
    campaign.status, campaign.pause_reason, campaign.updated_at = "running", None, now()


def wait(campaign: Campaign, reason: str) -> None:
    """Keep it from going on until somebody says so; who listens is told. In the caller's transaction."""
    campaign.status, campaign.pause_reason, campaign.updated_at = "paused", reason, now()
    dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
    if dispatch is not None:
        messages.pause(dispatch)
    say_paused(campaign)


def wait_for_money(campaign: Campaign, known: int) -> None:
    """Keep it until there is money. `known`: the account's last movement before its balance was looked at."""
    campaign.short_since, campaign.short_after = now(), known
    wait(campaign, "insufficient_balance")


def say_paused(campaign: Campaign) -> None:
    """It was held back by itself: write that down, and tell who listens."""
    by, reason = clock(campaign), campaign.pause_reason
    accounts.record(by, "campaign.paused", campaign.id, name=campaign.name, reason=reason)
    telling.paused(campaign)


def dispatch_of(campaign: Campaign) -> Dispatch:
    """What a launched campaign has put on its way."""
    dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
    assert dispatch is not None
    return dispatch


def _schedule(campaign: Campaign, by: Actor) -> None:
    _hold_lists(campaign)
    campaign.status, campaign.updated_at = "scheduled", now()
    assert campaign.scheduled_at is not None
    at = campaign.scheduled_at.isoformat()
    accounts.record(by, "campaign.scheduled", campaign.id, name=campaign.name, scheduled_at=at)


def _launch_scheduled(campaign_id: UUID) -> bool:
    with atomic() as current:
        campaign = current.scalar(
            select(Campaign)
            .where(Campaign.id == campaign_id, Campaign.status == "scheduled", Campaign.scheduled_at <= now())
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if campaign is None:
            return False
        by, known = clock(campaign), billing.movements(campaign.tenant_id)
        try:
            if campaign.overdue(now()):
                wait(campaign, "overdue")
            else:
                go(campaign, by)
        except InsufficientBalance:
            wait_for_money(campaign, known)
        except Conflict as error:
            ending.fail(campaign, error.code)
            accounts.record(by, "campaign.failed", campaign.id, name=campaign.name, reason=error.code)
        crashpoint("schedule_kept")
    return True


def clock(campaign: Campaign) -> Actor:
    """Who acts where nobody does: the campaign's own schedule."""
    return Actor(
        tenant_id=campaign.tenant_id, kind="schedule", id=campaign.id, name=campaign.name, role="member"
    )


def _refuse_a_time_gone_by(campaign: Campaign, fine: bool) -> None:
    """Who says "schedule it" does not mean "now", however long the draft lay there."""
    if campaign.scheduled_at is not None and not fine:
        raise Invalid(
            Detail(
                "scheduled_at",
                "in_the_past",
                _l("Its time has gone by. Choose another time, or send it at once."),
            )
        )


def _check_money(campaign: Campaign) -> None:
    """402 right away where not even the cheapest price fits; the exact sum is known after the expansion.

    Where it does not fit, it is looked at more closely: an audience that is small, or was counted lately, has an
    exact price, and what the pre-flight promised holds.
    """
    assert campaign.prices is not None
    price = cheapest(campaign.channel, campaign.prices)
    spendable = billing.balance(campaign.tenant_id).spendable
    people = audience.size(campaign, at_most=_covered(spendable, price) + 1)
    if people > _covered(spendable, price) and (freed := messages.give_back_floats(campaign.tenant_id)):
        spendable += freed
        people = audience.size(campaign, at_most=_covered(spendable, price) + 1)
    if not people:
        nobody = _l("The list is empty: there is nobody to send to.")
        if campaign.follow_up_on_status:
            nobody = _l("Nobody of the campaign that it follows up stands so: there is nobody to send to.")
        raise Conflict("empty_audience", nobody)
    if price and people > _covered(spendable, price):
        exact = preflight.exact_price(campaign)  # people who are left out cost nothing
        if exact is None or exact > spendable:
            raise InsufficientBalance(needed_micros=exact or people * price, spendable_micros=spendable)


def _covered(spendable: int, price: int) -> int:
    return max(spendable, 0) // price if price else 0


def _hold_lists(campaign: Campaign) -> None:
    for list_id in sorted(campaign.used_list_ids):
        contacts.hold_list(campaign.tenant_id, list_id, "campaign", campaign.id)
