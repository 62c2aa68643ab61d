"""What a launch would do, said before it: people, reasons, parts and the price, from the same reading."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from sintalk.billing import service as billing
from sintalk.campaigns import audience, service
from sintalk.message_templates import service as templates
from sintalk.message_templates.content import prepare
from sintalk.messages.service import Draft

#: Contacts read at the most; beyond that the numbers are projected and `exact` is false.
READ_AT_MOST = 50_000
SAMPLES = 5


@dataclass
class Preflight:
    """`people` get the message; `left_out` counts the others by reason. Money in micro-units."""

    people: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    segments: Counter[int] = field(default_factory=Counter)
    price_micros: int = 0
    available_micros: int = 0
    overdraft_micros: int = 0
    samples: list[Draft] = field(default_factory=list)
    longest: Draft | None = None
    exact: bool = True

    @property
    def affordable(self) -> bool:
        """Whether the balance with its overdraft covers it."""
        return self.price_micros <= self.available_micros + self.overdraft_micros

    @property
    def after_micros(self) -> int:
        """The balance afterwards."""
        return self.available_micros - self.price_micros

    @property
    def segments_min(self) -> int:
        return min(self.segments, default=0)

    @property
    def segments_max(self) -> int:
        return max(self.segments, default=0)

    @property
    def segments_median(self) -> int:
        """The parts of the person in the middle."""
        seen = 0
        for count in sorted(self.segments):
            seen += self.segments[count]
            if 2 * seen >= self.people:
                return count
        return 0


def preflight(tenant_id: UUID, campaign_id: UUID) -> Preflight:
    """Read the audience as the launch will. Raises NotFound."""
    campaign = service.get(tenant_id, campaign_id)
    template = templates.get(tenant_id, campaign.template_id)
    prepared, prices = prepare(campaign.channel, template.content), billing.prices(tenant_id)
    balance = billing.balance(tenant_id)
    found = Preflight(available_micros=balance.available, overdraft_micros=balance.overdraft_limit)
    chance = random.Random(campaign.id.int)  # noqa: S311 - the same five people each time one looks
    read = 0
    phones: set[str] = set()
    for page in audience.pages(campaign):
        for draft in audience.drafts(campaign, prepared, prices, page):
            _count(found, draft, phones, chance)
        read += len(page)
        if read >= READ_AT_MOST:
            if campaign.contact_list_id:
                _project(found, read, tenant_id, campaign.contact_list_id)
            break
    return found


def _count(found: Preflight, draft: Draft, phones: set[str], chance: random.Random) -> None:
    reason = draft.error_code or ("duplicate" if draft.phone in phones else None)
    if reason:
        found.left_out[reason] += 1
        return
    phones.add(draft.phone or "")
    found.people += 1
    found.segments[draft.segments] += 1
    found.price_micros += draft.price_micros
    if found.longest is None or draft.segments > found.longest.segments:
        found.longest = draft
    if len(found.samples) < SAMPLES:
        found.samples.append(draft)
    elif (place := chance.randrange(found.people)) < SAMPLES:
        found.samples[place] = draft


def _project(found: Preflight, read: int, tenant_id: UUID, list_id: UUID) -> None:
    from sintalk.contacts import service as contacts

    total = contacts.get_list(tenant_id, list_id).contact_count
    if total <= read:
        return
    found.exact = False
    found.people = found.people * total // read
    found.price_micros = found.price_micros * total // read
    found.left_out = Counter({reason: count * total // read for reason, count in found.left_out.items()})
