"""Who gets what, and who is left out and why: one reading for the pre-flight and for the launch itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sintalk.contacts import service as contacts
from sintalk.message_templates.content import Prepared
from sintalk.messages.composing import compose
from sintalk.messages.service import CHUNK, Draft


def pages(tenant_id: UUID, list_id: UUID, *, after: UUID | None = None) -> Iterator[Sequence[Any]]:
    """The list's contacts in pages of CHUNK, by id."""
    while page := contacts.audience(tenant_id, list_id, after=after, limit=CHUNK):
        yield page
        after = page[-1].id


def drafts(
    tenant_id: UUID, channel: str, prepared: Prepared, prices: dict[str, int], page: Sequence[Any]
) -> list[Draft]:
    """A notification for each contact: rendered, measured, priced; or left out, with its reason, at price 0."""
    out = contacts.opted_out_phones(tenant_id, channel, [contact.phone for contact in page if contact.phone])
    return [compose(channel, prepared, prices, contact, out) for contact in page]
