"""The verbs about campaigns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select, text

from sintalk.accounts import service as accounts
from sintalk.billing import service as billing
from sintalk.campaigns import telling
from sintalk.campaigns.models import UNFINISHED, Campaign
from sintalk.contacts import service as contacts
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, InsufficientBalance, Invalid, NotFound, unknown_reference
from sintalk.message_templates import service as templates
from sintalk.messages import service as messages
from sintalk.messages.composing import SENDABLE, cheapest
from sintalk.messages.models import Dispatch
from sintalk.queue import enqueue
from sintalk.tenancy import Actor, owned


def create(
    tenant_id: UUID,
    *,
    name: str,
    channel: str,
    template_id: UUID,
    contact_list_id: UUID,
    category: str = "marketing",
    by: Actor,
) -> Campaign:
    """A draft. Raises 422: `template_id` or `contact_list_id` unknown, or the template of another channel."""
    _check(tenant_id, channel, template_id, contact_list_id)
    with atomic() as current:
        campaign = Campaign(
            tenant_id=tenant_id,
            name=name,
            channel=channel,
            category=category,
            template_id=template_id,
            contact_list_id=contact_list_id,
            made_by=by.id,
        )
        current.add(campaign)
        current.flush()
    return campaign


def update_draft(tenant_id: UUID, campaign_id: UUID, **fields: Any) -> Campaign:
    """Change name, channel, template or list of a draft. Raises 409 `campaign_not_draft`, 422 as `create`."""
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status != "draft":
            raise Conflict("campaign_not_draft", _l("A launched campaign keeps what it was launched with."))
        for field, value in fields.items():
            setattr(campaign, field, value)
        _check(tenant_id, campaign.channel, campaign.template_id, campaign.contact_list_id)
        campaign.updated_at = now()
    return campaign


def delete_draft(tenant_id: UUID, campaign_id: UUID) -> None:
    """Throw a draft away. Raises 409 `campaign_not_draft`."""
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status != "draft":
            raise Conflict("campaign_not_draft", _l("Only a draft can be thrown away."))
        campaign.deleted_at = now()


def get(tenant_id: UUID, campaign_id: UUID) -> Campaign:
    """The campaign. Raises NotFound."""
    return owned(Campaign, tenant_id, campaign_id)


def campaigns(tenant_id: UUID, *, status: str | None = None, channel: str | None = None) -> Select[Campaign]:
    """The tenant's campaigns."""
    rows = select(Campaign).where(Campaign.tenant_id == tenant_id, Campaign.deleted_at.is_(None))
    if status:
        rows = rows.where(Campaign.status == status)
    if channel:
        rows = rows.where(Campaign.channel == channel)
    return rows


def uses_template(tenant_id: UUID, template_id: UUID) -> bool:
    """Whether a campaign that has work to come was made with this template."""
    rows = campaigns(tenant_id).where(Campaign.template_id == template_id, Campaign.status.in_(UNFINISHED))
    return session().scalar(select(rows.exists())) or False


def running(tenant_id: UUID) -> list[Campaign]:
    """What is under way, newest first, at most 20."""
    rows = campaigns(tenant_id).where(Campaign.status.in_(("launching", "running", "paused")))
    return list(session().scalars(rows.order_by(Campaign.id.desc()).limit(20)))


def launch(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> Campaign:
    """Let it go: the rest happens in the background.

    Takes the snapshot of content and prices. Raises 409 `campaign_not_launchable`, 409 `empty_audience`, 402
    where even the cheapest price is beyond the balance; nothing has changed then.
    """
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status not in ("draft", "scheduled"):
            raise Conflict("campaign_not_launchable", _l("This campaign was launched before."))
        if campaign.channel not in SENDABLE:
            raise Conflict("campaign_not_launchable", _l("This channel cannot send yet."))
        template, contact_list = _check(
            tenant_id, campaign.channel, campaign.template_id, campaign.contact_list_id
        )
        campaign.content, campaign.prices = dict(template.content), billing.prices(tenant_id)
        if by.mode == "test":  # what test keys send goes to the simulator and costs nothing
            campaign.prices = dict.fromkeys(campaign.prices, 0)
        if contact_list.contact_count == 0:
            raise Conflict("empty_audience", _l("The list is empty: there is nobody to send to."))
        _check_money(campaign)
        campaign.status, campaign.launched_at, campaign.updated_at = "launching", now(), now()
        contacts.hold_list(tenant_id, campaign.contact_list_id, "campaign", campaign.id)
        messages.open_dispatch(
            tenant_id, campaign_id=campaign.id, channel=campaign.channel, carrier="simulator"
        )
        accounts.record(by, "campaign.launched", campaign.id, name=campaign.name)
        enqueue("sintalk.campaigns.jobs.expand", campaign.id)
    return campaign


def retry(tenant_id: UUID, campaign_id: UUID, *, by: Actor) -> Campaign:
    """Go on with a campaign that waits for money. Raises 409 `campaign_not_paused`, 402 while it does not reach."""
    with atomic():
        campaign = owned(Campaign, tenant_id, campaign_id, lock=True)
        if campaign.status != "paused" or campaign.pause_reason != "insufficient_balance":
            raise Conflict("campaign_not_paused", _l("This campaign does not wait for money."))
        _reserve(campaign)
        accounts.record(by, "campaign.resumed", campaign.id)
    return campaign


def reserve(campaign_id: UUID) -> None:
    """Hold the money of an expanded campaign and start it; where it does not reach, pause it with its reason."""
    waiting = select(Campaign).where(
        Campaign.id == campaign_id, Campaign.status == "launching", Campaign.expanded_at.is_not(None)
    )
    locked = waiting.with_for_update().execution_options(populate_existing=True)
    try:
        with atomic() as current:
            campaign = current.scalar(locked)
            if campaign is not None:
                _reserve(campaign)
    except InsufficientBalance:
        with atomic() as current:
            campaign = current.scalar(locked)
            if campaign is not None:
                campaign.status, campaign.pause_reason = "paused", "insufficient_balance"
                campaign.updated_at = now()
                messages.pause(_dispatch(campaign))


def close_finished() -> int:
    """Mark as completed what has nothing queued or sending any more; how many that were."""
    finished = text("""
        UPDATE campaigns c SET status = 'completed', completed_at = d.finished_at, updated_at = now()
          FROM dispatches d
         WHERE d.tenant_id = c.tenant_id AND d.campaign_id = c.id AND d.status = 'finished' AND c.status = 'running'
     RETURNING c.tenant_id, c.contact_list_id, c.id
    """)
    with atomic() as current:
        rows = current.execute(finished).all()
        for tenant_id, list_id, campaign_id in rows:
            contacts.free_list(tenant_id, list_id, "campaign", campaign_id)
            telling.finished(tenant_id, campaign_id)
    return len(rows)


def to_expand() -> list[UUID]:
    """Campaigns that are to be expanded or reserved, for the sweeper to ring again."""
    return list(session().scalars(select(Campaign.id).where(Campaign.status == "launching")))


def stats(tenant_id: UUID, campaign_id: UUID) -> tuple[Campaign, Dispatch]:
    """The campaign and its dispatch with the counters; an empty one before the launch. Raises NotFound."""
    campaign = get(tenant_id, campaign_id)
    session().refresh(campaign)
    dispatch = messages.dispatch_of(tenant_id, campaign_id) or messages.nothing_yet(tenant_id, campaign_id)
    return campaign, dispatch


def _check(tenant_id: UUID, channel: str, template_id: UUID, list_id: UUID) -> tuple[Any, Any]:
    try:
        template = templates.get(tenant_id, template_id)
    except NotFound:
        raise unknown_reference("template_id", _l("There is no such template.")) from None
    try:
        contact_list = contacts.get_list(tenant_id, list_id)
    except NotFound:
        raise unknown_reference("contact_list_id", _l("There is no such list.")) from None
    if template.channel != channel:
        raise Invalid(Detail("template_id", "wrong_channel", _l("This template is for another channel.")))
    return template, contact_list


def _check_money(campaign: Campaign) -> None:
    """402 right away where not even the cheapest price fits; the exact sum is known after the expansion."""
    assert campaign.prices is not None
    spendable = billing.balance(campaign.tenant_id).spendable
    price = cheapest(campaign.channel, campaign.prices)
    if price == 0:
        return
    covered = max(spendable, 0) // price
    people = contacts.reachable(campaign.tenant_id, campaign.contact_list_id, at_most=covered + 1)
    if people > covered:
        raise InsufficientBalance(needed_micros=people * price, spendable_micros=spendable)


def _reserve(campaign: Campaign) -> None:
    messages.reserve(_dispatch(campaign), memo=campaign.name)
    campaign.status, campaign.pause_reason, campaign.updated_at = "running", None, now()


def _dispatch(campaign: Campaign) -> Dispatch:
    dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
    assert dispatch is not None
    return dispatch
