"""What the campaign's pages say about it: progress, pace, outcomes. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from sintalk.campaigns import preflight, service
from sintalk.campaigns.forms import DELAYS, SPREADS
from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.contacts.models import ContactList
from sintalk.db import now, session
from sintalk.errors import NotFound
from sintalk.message_templates import service as templates
from sintalk.message_templates.models import Template
from sintalk.messages import holding, reasons
from sintalk.messages import service as messages
from sintalk.messages.models import Dispatch

T = TypeVar("T")

#: Receipts of a finished campaign still come in; its page looks after them for this long.
RECEIPTS_FOR = timedelta(minutes=10)
#: The order of the bar and its legend: what arrived first, what is still to come last, so that the bar fills.
SHOWN = (
    "read",
    "delivered",
    "sent",
    "sending",
    "unknown",
    "not_delivered",
    "error",
    "suppressed",
    "canceled",
    "queued",
)
#: A pace out of less than this is a guess.
STEADY_AFTER = timedelta(seconds=3)

#: Why people are left out, said of many.
LEFT_OUT = {
    "opted_out": _l("asked not to receive messages"),
    "excluded": _l("stand in a list that is left out"),
    "frequency_cap": _l("got as many messages lately as your limit allows"),
    "contact_deleted": _l("were deleted since"),
    "duplicate": _l("stand in the list more than once; each number gets one message"),
    "no_phone": _l("have no phone number"),
    "missing_phone": _l("have no phone number"),
    "not_mobile": _l("have a landline, which receives no messages"),
    "missing_variable": _l("lack a value that the template needs"),
    "empty_message": _l("would get an empty message"),
    "invalid_link": _l("would get a link that leads nowhere"),
    "too_long": _l("would get a message of more than ten parts"),
}
#: Why people did not get it, said of many.
WHY = {
    **LEFT_OUT,
    "invalid_number": _l("numbers that do not exist, says the carrier"),
    "rejected": _l("refused by the carrier at once"),
    "undelivered": _l("phone switched off, out of reach or full"),
    "absent_subscriber": _l("phone switched off, out of reach or full"),
    "expired": _l("not possible in time"),
    "revoke_failed": _l("not possible in time, nor taken back: may still arrive"),
    "no_rcs": _l("phone that does not receive RCS"),
    "busy": _l("line busy"),
    "no_answer": _l("not answered"),
    "no_word": _l("no clear answer of the carrier"),
    "worker_lost": _l("connection lost in the handing over"),
}


@dataclass(frozen=True)
class Ingredients:
    """What a campaign is made of; None where there is none, or it was deleted meanwhile."""

    contact_list: ContactList | None
    template: Template | None
    parent: Campaign | None
    excluded: list[ContactList]
    complete: bool


def dispatches(tenant_id: UUID, campaigns: Iterable[Campaign]) -> dict[UUID, Dispatch]:
    """The dispatch of each of these campaigns that was launched."""
    wanted = [campaign.id for campaign in campaigns]
    rows = select(Dispatch).where(Dispatch.tenant_id == tenant_id, Dispatch.campaign_id.in_(wanted))
    found = session().scalars(rows.execution_options(populate_existing=True))
    return {row.campaign_id: row for row in found if row.campaign_id}


@dataclass(frozen=True)
class Progress:
    """A launched campaign as it stands now; `waiting`: how many of its people wait until when for their hours;
    `reasons`: why people did not get it, in words and by outcome, of the first `reasons.MOST` of each.
    """

    campaign: Campaign
    dispatch: Dispatch
    people: int
    waiting: list[tuple[datetime, int]]
    reasons: Mapping[str, Counter[str]]

    @property
    def done(self) -> int:
        """How many have left, or will not."""
        return self.dispatch.total - self.dispatch.queued - self.dispatch.sending

    @property
    def left_the_house(self) -> int:
        """How many a carrier has, or may have."""
        counted = ("sent", "delivered", "read", "not_delivered", "unknown")
        return sum(getattr(self.dispatch, name) for name in counted)

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """Status and count, what is none left out."""
        counts = [(name, getattr(self.dispatch, name)) for name in SHOWN]
        return [(name, count) for name, count in counts if count]

    @property
    def only_first(self) -> list[str]:
        """The outcomes whose reasons are not those of all."""
        return [name for name in self.reasons if getattr(self.dispatch, name) > reasons.MOST]

    @property
    def per_second(self) -> float | None:
        """The pace since the money was held; None while it would be a guess, or where it waits on purpose."""
        start = self.dispatch.ready_at
        if self.dispatch.spread_minutes or self.dispatch.canary_until:
            return None
        if self.campaign.status != "running" or start is None or now() - start < STEADY_AFTER:
            return None
        if self.dispatch.waited:  # the time that it waited is no pace
            return None
        return self._without_left_out / (now() - start).total_seconds()

    @property
    def planned_end(self) -> datetime | None:
        """When the last of a spread campaign is due; None where it is not spread, or is not known yet."""
        spread, begun = self.dispatch.spread_minutes, self.dispatch.ready_at
        if not spread or begun is None or self.dispatch.canary_until is not None:
            return None
        return service.last_due(self.dispatch)

    @property
    def carrier_back_at(self) -> datetime | None:
        """When the carrier that takes nothing just now is asked again; None where it is well."""
        return service.carrier_back_at(self.dispatch) if self.campaign.status == "running" else None

    @property
    def most_per_second(self) -> float | None:
        """The company's own limit on this channel, set by the platform."""
        return service.limit_of(self.campaign) if self.campaign.status == "running" else None

    @property
    def seconds_left(self) -> int | None:
        """How long the rest takes at this pace."""
        pace = self.per_second
        if not pace:
            return None
        return round((self.dispatch.queued + self.dispatch.sending) / pace)

    @property
    def poll_after(self) -> int | None:
        """In how many seconds the page shall ask again; None: nothing more will happen."""
        if self.campaign.unfinished:
            return 15 if self.all_wait else 1
        finished = self.campaign.completed_at
        awaited = self.dispatch.sent + self.dispatch.unknown > 0 or self.dispatch.settled_at is None
        if finished is not None and awaited and now() - finished < RECEIPTS_FOR:
            return 3 if now() - finished < RECEIPTS_FOR / 10 else 15
        return None

    @property
    def all_wait(self) -> bool:
        """Whether nothing is to be done before somebody's hours begin."""
        held = sum(people for _, people in self.waiting)
        return bool(held) and held >= self.dispatch.queued and not self.dispatch.sending

    @property
    def _without_left_out(self) -> int:
        return self.done - self.dispatch.suppressed - self.dispatch.canceled


def progress(tenant_id: UUID, campaign_id: UUID) -> Progress:
    """The campaign with its counters. Raises NotFound."""
    campaign, dispatch = service.stats(tenant_id, campaign_id)
    contact_list = ingredients(campaign).contact_list
    people = contact_list.contact_count if contact_list else dispatch.total
    waits = holding.waiting(dispatch) if campaign.status == "running" else []
    return Progress(campaign, dispatch, people, waits, _in_words(reasons.of(dispatch)))


def _in_words(found: Mapping[str, list[tuple[str, int]]]) -> dict[str, Counter[str]]:
    said: dict[str, Counter[str]] = {}
    for outcome, codes in found.items():
        said[outcome] = Counter()
        for code, people in codes:
            said[outcome][str(WHY.get(code, code))] += people
    return said


def chosen(campaign: Campaign, people: int | None = None) -> list[tuple[Any, Any]]:
    """When and how it leaves, as label and words, what goes without saying left out. `people`: so many, if known."""
    delay, spread = campaign.max_delay_minutes, campaign.spread_minutes
    facts: list[tuple[Any, Any]] = []
    if campaign.scheduled_at is not None:
        facts.append((_l("At most this late"), DELAYS.get(delay) or _l("%(count)s minutes", count=delay)))
    if spread:
        facts.append((_l("How fast?"), SPREADS.get(spread) or _l("over %(count)s minutes", count=spread)))
    if campaign.canary:
        few = people is not None and people < messages.CANARY_ENOUGH
        facts.append((_l("A few people first"), _l("not with fewer than 100 people") if few else _l("yes")))
    if campaign.category == "transactional":
        facts.append((_l("Kind"), _l("a notice, no advertising")))
    return facts


def ingredients(campaign: Campaign) -> Ingredients:
    """What the campaign names."""
    tenant_id = campaign.tenant_id
    contact_list = _if_there(contacts.get_list, tenant_id, campaign.contact_list_id)
    template = _if_there(templates.get, tenant_id, campaign.template_id)
    parent = _if_there(service.get, tenant_id, campaign.parent_campaign_id)
    excluded = [_if_there(contacts.get_list, tenant_id, each) for each in campaign.exclude_list_ids]
    people = parent if campaign.follow_up_on_status else contact_list
    complete = None not in (people, template, *excluded)
    return Ingredients(contact_list, template, parent, [each for each in excluded if each], complete)


def seal(campaign: Campaign, counted: str | None = None) -> str:
    """What the check showed, so that nothing else is sent: the audience that was `counted` (`preflight.seal`), and
    when and how it leaves. Empty where something that it names was deleted.
    """
    with suppress(NotFound):
        counted = counted or preflight.seal(campaign)
        at = campaign.scheduled_at and campaign.scheduled_at.isoformat()
        leaves = campaign.category, campaign.spread_minutes, campaign.canary
        return blake2b(repr((counted, at, leaves)).encode(), digest_size=12).hexdigest()
    return ""


def _if_there(get: Callable[[UUID, UUID], T], tenant_id: UUID, row_id: UUID | None) -> T | None:
    with suppress(NotFound):
        return get(tenant_id, row_id) if row_id else None
    return None
