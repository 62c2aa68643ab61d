"""Who gets what, and who is left out and why: one reading for the pre-flight and for the launch itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sintalk.contacts import phones
from sintalk.contacts import service as contacts
from sintalk.message_templates.content import Prepared, contact_values
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
    return [_draft(channel, prepared, prices, contact, out) for contact in page]


def cheapest(channel: str, prices: dict[str, int]) -> int:
    """The least that one message can cost, in micro-units."""
    return {"sms": prices["sms"], "rcs": prices["rcs_basic"], "voice": prices["voice_minute"] // 2}[channel]


def _draft(channel: str, prepared: Prepared, prices: dict[str, int], contact: Any, out: set[str]) -> Draft:
    reason = _unreachable(channel, contact, out)
    values = contact_values(
        name=contact.name, phone=contact.phone, email=contact.email, attributes=contact.attributes
    )
    rendered = prepared.render(values)
    reason = reason or rendered.fault
    return Draft(
        contact_id=contact.id,
        phone=contact.phone,
        name=contact.name,
        text=rendered.text,
        encoding=rendered.encoding,
        segments=rendered.segments,
        price_micros=0 if reason else _price(channel, prices, rendered.encoding, rendered.segments),
        payload=rendered.content,
        error_code=reason,
    )


def _unreachable(channel: str, contact: Any, out: set[str]) -> str | None:
    if not contact.phone:
        return "no_phone"
    if contact.phone in out:
        return "opted_out"
    if channel != "voice" and phones.is_fixed(contact.phone):
        return "not_mobile"
    return None


def _price(channel: str, prices: dict[str, int], encoding: str, segments: int) -> int:
    if channel == "sms":
        return prices["sms"] * segments
    if channel == "rcs":
        return prices[f"rcs_{encoding}"]
    return prices["voice_minute"]
