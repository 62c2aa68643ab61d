"""What one person gets: rendered, measured, priced; or left out, with the reason, at price 0.

One reading for campaigns, their pre-flight and single sends.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol
from uuid import UUID

from sintalk.contacts import phones
from sintalk.message_templates import voice
from sintalk.message_templates.content import Prepared, Rendered, contact_values
from sintalk.messages.filling import Draft

#: Channels whose messages can be sent so far.
SENDABLE = ("sms",)


class Recipient(Protocol):
    """A person as a draft needs them: a row of `contacts.audience`, or somebody named in a request."""

    @property
    def id(self) -> UUID | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def attributes(self) -> dict[str, str]: ...


def compose(
    channel: str, prepared: Prepared, prices: dict[str, int], person: Recipient, out: Container[str]
) -> Draft:
    """The message for this person. `out` are the numbers that opted out; prices in micro-units by unit."""
    reason = unreachable(channel, person.phone, out)
    values = contact_values(
        name=person.name, phone=person.phone, email=person.email, attributes=person.attributes
    )
    rendered = prepared.render(values)
    reason = reason or rendered.fault
    return Draft(
        contact_id=person.id,
        phone=person.phone,
        name=person.name,
        text=rendered.text,
        encoding=rendered.encoding,
        segments=rendered.segments,
        price_micros=0 if reason else price(channel, prices, rendered),
        payload=rendered.content,
        error_code=reason,
    )


def unreachable(channel: str, phone: str | None, out: Container[str]) -> str | None:
    """Why this number (E.164) is not written to on this channel; None where it is."""
    if not phone:
        return "no_phone"
    if phone in out:
        return "opted_out"
    if channel != "voice" and phones.is_fixed(phone):
        return "not_mobile"
    return None


def price(channel: str, prices: dict[str, int], rendered: Rendered) -> int:
    """What one message costs, in micro-units; of a call, what the longest one may cost."""
    if channel == "sms":
        return prices["sms"] * rendered.segments
    if channel == "rcs":
        return prices[f"rcs_{rendered.encoding}"]
    return voice.price(prices["voice_minute"], rendered.billed_seconds)


def cheapest(channel: str, prices: dict[str, int]) -> int:
    """The least that one message can cost, in micro-units."""
    if channel == "voice":
        return voice.price(prices["voice_minute"], voice.LEAST)
    return prices[{"sms": "sms", "rcs": "rcs_basic"}[channel]]
