"""What one person gets: rendered, measured, priced; or left out, with the reason, at price 0.

One reading for campaigns, their pre-flight and single sends.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Protocol
from uuid import UUID

from sintalk.contacts import phones
from sintalk.message_templates import sms, voice
from sintalk.message_templates.content import Prepared, Rendered, contact_values
from sintalk.messages.filling import Draft

#: Channels whose messages can be sent so far.
SENDABLE = ("sms", "rcs", "voice")


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
    channel: str,
    prepared: Prepared,
    prices: dict[str, int],
    person: Recipient,
    out: Container[str],
    *,
    fault: str | None = None,
    external_id: str | None = None,
) -> Draft:
    """The message for this person. `out` are the numbers that opted out, or each number that is left out with
    its reason; prices in micro-units by unit.

    `fault` is a reason that is known already.
    """
    reason = fault or unreachable(channel, person.phone, out)
    values = contact_values(
        name=person.name, phone=person.phone, email=person.email, attributes=person.attributes
    )
    rendered = prepared.render(values)
    fallback = fallback_sms(rendered.content) if channel == "rcs" else None
    reason = reason or rendered.fault or _unfit(fallback)
    own = price(channel, prices, rendered)
    second = prices["sms"] * fallback.segments if fallback else 0
    return Draft(
        contact_id=person.id,
        phone=person.phone,
        name=person.name,
        text=rendered.text,
        encoding=rendered.encoding,
        segments=rendered.segments,
        price_micros=0 if reason else own + second,
        fallback_micros=0 if reason else second,
        minute_micros=prices["voice_minute"] if channel == "voice" else None,
        payload=rendered.content,
        error_code=reason,
        external_id=external_id,
    )


def fallback_sms(content: Mapping[str, Any] | None) -> sms.Measured | None:
    """The SMS that takes over where this RCS message does not arrive, as it goes out; None where there is none."""
    fallback = (content or {}).get("fallback")
    return (
        sms.measure(fallback["sms"]["text"], fallback["sms"].get("encoding") or "auto") if fallback else None
    )


def _unfit(fallback: sms.Measured | None) -> str | None:
    return "too_long" if fallback and fallback.segments > sms.MAX_PARTS else None


def unreachable(channel: str, phone: str | None, out: Container[str]) -> str | None:
    """Why this number (E.164) is not written to on this channel; None where it is."""
    if not phone:
        return "no_phone"
    if phone in out:
        return str(out[phone]) if isinstance(out, Mapping) else "opted_out"
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
