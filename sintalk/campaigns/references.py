"""What a campaign names: template, lists, the campaign before. All of it must be the tenant's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l

from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.db import session
from sintalk.errors import Detail, Invalid, NotFound
from sintalk.message_templates import service as templates
from sintalk.message_templates.models import Template
from sintalk.tenancy import owned

LEAVES_NOBODY = _l("It goes to this list: leave it out, and nobody is left.")


def check(campaign: Campaign) -> Template:
    """The campaign's template. Raises 422 with every reference that is unknown, missing or does not fit."""
    with session().no_autoflush:  # what is wrong with it the database would say less kindly
        template = _template(campaign)
        faults = [*_template_faults(campaign, template), *_people_faults(campaign)]
    if faults or template is None:
        raise Invalid(*faults)
    return template


def _template(campaign: Campaign) -> Template | None:
    with suppress(NotFound):
        return templates.get(campaign.tenant_id, campaign.template_id)
    return None


def _template_faults(campaign: Campaign, template: Template | None) -> Iterator[Detail]:
    if template is None:
        yield _unknown("template_id", _l("There is no such template."))
    elif template.channel != campaign.channel:
        yield Detail("template_id", "wrong_channel", _l("This template is for another channel."))


def _people_faults(campaign: Campaign) -> Iterator[Detail]:
    tenant_id, parent_id = campaign.tenant_id, campaign.parent_campaign_id
    if campaign.contact_list_id is not None:
        if not _list_exists(tenant_id, campaign.contact_list_id):
            yield _unknown("contact_list_id", _l("There is no such list."))
    elif campaign.follow_up_on_status is None:
        yield Detail("contact_list_id", "required", _l("Name a list, or the outcome of another campaign."))
    if parent_id is not None:
        if parent_id == campaign.id or not _campaign_exists(tenant_id, parent_id):
            yield _unknown("parent_campaign_id", _l("There is no such campaign."))
    elif campaign.follow_up_on_status is not None:
        yield Detail("parent_campaign_id", "required", _l("Name the campaign that this one follows."))
    for place, list_id in enumerate(campaign.exclude_list_ids):
        field = f"exclude_list_ids[{place}]"
        if not _list_exists(tenant_id, list_id):
            yield _unknown(field, _l("There is no such list."))
        elif list_id == campaign.contact_list_id and campaign.follow_up_on_status is None:
            yield Detail(field, "own_list", LEAVES_NOBODY)


def _unknown(field: str, sentence: Any) -> Detail:
    return Detail(field, "not_found", sentence)


def _list_exists(tenant_id: UUID, list_id: UUID) -> bool:
    with suppress(NotFound):
        return bool(contacts.get_list(tenant_id, list_id))
    return False


def _campaign_exists(tenant_id: UUID, campaign_id: UUID) -> bool:
    with suppress(NotFound):
        return bool(owned(Campaign, tenant_id, campaign_id))
    return False
