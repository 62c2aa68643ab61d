"""Who gets what, and who is left out and why: one reading for the pre-flight and for the launch itself.

The people are a contact list's or, in a follow-up, those of another campaign whose message came to a certain
end. A follow-up's people are fixed when it goes (`fix`): receipts that come later change nothing. A number
stands in a list once, and a campaign writes to a number once, so no number comes twice here either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, literal, select, text

from sintalk.campaigns.models import OUTCOMES, Campaign, CampaignRecipient
from sintalk.contacts import service as contacts
from sintalk.contacts.models import Contact, ContactList
from sintalk.db import session
from sintalk.message_templates.content import Prepared
from sintalk.messages import service as messages
from sintalk.messages.capping import capped_phones
from sintalk.messages.composing import compose
from sintalk.messages.models import Notification
from sintalk.messages.service import CHUNK, Draft
from sintalk.policies import service as policies


def pages(campaign: Campaign, *, after: UUID | None = None) -> Iterator[Sequence[Any]]:
    """The people in pages of CHUNK, from `after` on; see `page`."""
    while found := page(campaign, after=after, limit=CHUNK):
        yield found
        after = found[-1].place


def page(campaign: Campaign, *, after: UUID | None, limit: int) -> Sequence[Any]:
    """The next people: rows of `id` (the contact's), `name`, `email`, `phone`, `attributes`, and `place`, the cursor.

    In a follow-up `id` is None where the contact was deleted since.
    """
    if campaign.follow_up_on_status is None:
        assert campaign.contact_list_id is not None
        places = {"after": after, "until": campaign.until}
        return contacts.audience(campaign.tenant_id, campaign.contact_list_id, **places, limit=limit)
    rows = _fixed(campaign) if campaign.launched_at else _standing(campaign)
    if rows is None:
        return []
    if after is not None:
        rows = rows.where(Notification.id > after)
    return session().execute(rows.order_by(Notification.id).limit(limit)).all()


def size(campaign: Campaign, *, at_most: int) -> int:
    """How many there are to write to at best. A list's are counted no further than `at_most`."""
    if campaign.follow_up_on_status is None:
        assert campaign.contact_list_id is not None
        contact_list = contacts.get_list(campaign.tenant_id, campaign.contact_list_id)
        if contact_list.contact_count == 0:
            return 0
        found = contacts.reachable(campaign.tenant_id, contact_list.id, at_most=at_most)
        return max(found, 1)  # nobody with a phone is still somebody to be told about
    assert campaign.parent_campaign_id is not None
    parent = messages.dispatch_of(campaign.tenant_id, campaign.parent_campaign_id)
    return sum(getattr(parent, name) for name in OUTCOMES[campaign.follow_up_on_status]) if parent else 0


def fix(campaign: Campaign) -> None:
    """Write down who a follow-up goes to, in one statement: what stands now, whatever receipts come later."""
    standing = _standing(campaign) if campaign.follow_up_on_status else None
    if standing is not None:
        who = standing.with_only_columns(
            literal(campaign.tenant_id), literal(campaign.id), Notification.id, maintain_column_froms=True
        )
        session().execute(
            insert(CampaignRecipient).from_select(["tenant_id", "campaign_id", "notification_id"], who)
        )


def drafts(
    campaign: Campaign, prepared: Prepared, prices: dict[str, int], page: Sequence[Any]
) -> list[Draft]:
    """A notification for each of a page: rendered, measured, priced; or left out, with its reason, at price 0."""
    numbers = [person.phone for person in page if person.phone]
    cap = policies.rules_of(campaign.tenant_id).cap if campaign.bound else None
    left_out = dict.fromkeys(capped_phones(campaign.tenant_id, cap, numbers), "frequency_cap")
    left_out |= dict.fromkeys(
        contacts.phones_in(campaign.tenant_id, campaign.exclude_list_ids, numbers), "excluded"
    )
    left_out |= dict.fromkeys(
        contacts.opted_out_phones(campaign.tenant_id, campaign.channel, numbers), "opted_out"
    )
    left_out |= {person.phone: "contact_deleted" for person in page if person.id is None}
    return [compose(campaign.channel, prepared, prices, person, left_out) for person in page]


def _standing(campaign: Campaign) -> Select[Any] | None:
    """Those whose message of the campaign before stands in the outcome now; None where it was never launched."""
    assert campaign.parent_campaign_id is not None and campaign.follow_up_on_status is not None
    parent = messages.dispatch_of(campaign.tenant_id, campaign.parent_campaign_id)
    if parent is None:
        return None
    return _people().where(
        Notification.dispatch_id == parent.id,
        Notification.status.in_(OUTCOMES[campaign.follow_up_on_status]),
        Notification.addressable,
    )


def _fixed(campaign: Campaign) -> Select[Any]:
    return (
        _people()
        .join(CampaignRecipient, CampaignRecipient.notification_id == Notification.id)
        .where(CampaignRecipient.campaign_id == campaign.id)
    )


def _people() -> Select[Any]:
    """Messages with the person as they are known today, if they still are."""
    known = (
        select(Contact.id, Contact.tenant_id, Contact.name, Contact.email, Contact.attributes)
        .join(ContactList, ContactList.id == Contact.contact_list_id)
        .where(Contact.deleted_at.is_(None), ContactList.deleted_at.is_(None))
        .subquery()
    )
    return (
        select(
            Notification.id.label("place"),
            known.c.id.label("id"),
            func.coalesce(known.c.name, Notification.name).label("name"),
            known.c.email,
            Notification.phone,
            func.coalesce(known.c.attributes, text("'{}'::jsonb")).label("attributes"),
        )
        .select_from(Notification)
        .outerjoin(
            known, and_(known.c.id == Notification.contact_id, known.c.tenant_id == Notification.tenant_id)
        )
    )
