"""A campaign on one's own phone before it goes to others: its content, with the values of a real person of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_babel import lazy_gettext as _l

from sintalk.billing import service as billing
from sintalk.campaigns import audience
from sintalk.campaigns.models import Campaign
from sintalk.errors import Conflict
from sintalk.message_templates import service as templates
from sintalk.message_templates.content import prepare
from sintalk.messages import sending
from sintalk.messages.sending import Sent
from sintalk.tenancy import Actor, owned

#: So many people are looked at for one who would get it.
LOOKED_AT = 200


@dataclass
class _Tester:
    """One of the own numbers, under somebody's name."""

    phone: str
    name: str | None
    variables: dict[str, str]
    external_id: str | None = None


def test(tenant_id: UUID, campaign_id: UUID, *, phones: Sequence[str], by: Actor) -> Sent:
    """Send what it would send to these numbers, with the values of the first person who would get it.

    Single messages: priced and ruled as any, and no part of the campaign. Raises NotFound, also for what the draft
    names and was deleted; 409 `campaign_not_launchable`; 402.
    """
    campaign = owned(Campaign, tenant_id, campaign_id)
    if campaign.status not in ("draft", "scheduled"):
        raise Conflict("campaign_not_launchable", _l("This campaign was launched before."))
    name, values = _somebody(campaign)
    return sending.send(
        tenant_id,
        channel=campaign.channel,
        template_id=campaign.template_id,
        content=campaign.content,
        recipients=[_Tester(phone, name, values) for phone in phones],
        by=by,
    )


def _somebody(campaign: Campaign) -> tuple[str | None, dict[str, str]]:
    """Name and values of a real person; those of the made-up one where nobody would get it."""
    content = campaign.content or templates.get(campaign.tenant_id, campaign.template_id).content
    people = audience.page(campaign, after=None, limit=LOOKED_AT)
    prices = billing.prices(campaign.tenant_id)
    drafts = audience.drafts(campaign, prepare(campaign.channel, content), prices, people)
    for person, draft in zip(people, drafts, strict=True):
        if draft.error_code is None:
            return person.name, {**person.attributes, **({"email": person.email} if person.email else {})}
    made_up = templates.made_up(content)
    return made_up["nome"], made_up
