"""The list that an editor's form names, and whose message of it the phone shows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import g, request

from sintalk.billing import service as billing
from sintalk.contacts import service as contacts
from sintalk.contacts.models import ContactList
from sintalk.db import session
from sintalk.errors import NotFound
from sintalk.message_templates import people

#: Lists to choose from in an editor, the newest.
LISTS = 100


def lists() -> list[ContactList]:
    """The tenant's newest lists."""
    rows = contacts.lists_of(g.actor.tenant_id).order_by(ContactList.id.desc()).limit(LISTS)
    return list(session().scalars(rows))


def of_request(channel: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What `_people.html` draws: `tried` (None where no list is named), `values` of the person chosen, prices.

    An unknown list is like none: the form may be older than its deletion.
    """
    chosen = request.form.get("person", "")
    tried = None
    with suppress(ValueError, NotFound):
        tried = people.try_on(g.actor.tenant_id, UUID(request.form.get("list_id", "")), channel, content)
    shown = tried.shown if tried else []
    person = next((it for it in shown if str(it.id) == chosen), shown[0] if shown else None)
    return {
        "channel": channel,
        "tried": tried,
        "chosen": str(person.id) if person else "",
        "values": person.values if person else None,
        "prices": billing.prices(g.actor.tenant_id),
    }
