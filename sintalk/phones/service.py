"""What stands on a phone, and what its owner does with it.

A phone is found by a message to it, so that everybody sees only what their own company sent. What it shows is what
the carrier says has arrived; what is done with it goes to the simulator, which calls back as a carrier would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from sintalk.carriers.simulator import remote
from sintalk.carriers.simulator.remote import Away, Power
from sintalk.db import release, session
from sintalk.errors import Conflict, NotFound
from sintalk.messages import service as messages
from sintalk.messages.composing import fallback_sms
from sintalk.messages.listing import Wanted, newest
from sintalk.messages.models import InboundMessage, Notification

#: Messages that a phone shows, the newest; people that are offered.
SHOWN = 20
OFFERED = 30
CARRIER = "simulator"
ARRIVED = ("delivered", "read")
ON_THE_WAY = ("queued", "sending", "sent")


@dataclass(frozen=True)
class Entry:
    """One thing on the screen: a message that arrived (`message`), or what was answered (`answer`)."""

    at: datetime
    message: Notification | None = None
    answer: InboundMessage | None = None

    @property
    def sms(self) -> str:
        """The words of an SMS: of the message itself, or of the one that took over."""
        assert self.message is not None
        fallback = fallback_sms(self.message.payload) if self.message.via else None
        return fallback.text if fallback else self.message.text


@dataclass(frozen=True)
class Phone:
    """A number, its owner's name, what it shows, oldest first, and `power`: None where the simulator is away."""

    number: str
    name: str | None
    entries: Sequence[Entry]
    on_the_way: int
    power: Power | None

    @property
    def last_call(self) -> Notification | None:
        """The call that keys can be pressed in: the last, where it was answered."""
        calls = [each.message for each in self.entries if each.message and each.message.channel == "voice"]
        return calls[-1] if calls else None


def people(tenant_id: UUID, campaign_id: UUID | None = None) -> list[Notification]:
    """Messages that went by the simulator, the newest of each number: whose phone may be looked at. At most 30."""
    rows = newest(tenant_id, Wanted(campaign_id=campaign_id)).where(
        Notification.carrier == CARRIER, Notification.addressable, Notification.status != "suppressed"
    )
    found: dict[str, Notification] = {}
    for row in session().scalars(rows.limit(OFFERED)):
        found.setdefault(row.phone or "", row)
    return list(found.values())


def phone_of(tenant_id: UUID, message_id: UUID) -> Phone:
    """The phone that this message went to. Raises NotFound, also where no simulator carried it."""
    message = _simulated(tenant_id, message_id)
    mine = (Notification.tenant_id == tenant_id, Notification.phone == message.phone)
    rows = list(
        session().scalars(
            select(Notification)
            .where(*mine, Notification.carrier == CARRIER)
            .order_by(Notification.id.desc())
            .limit(SHOWN)
            .execution_options(populate_existing=True)
        )
    )
    entries = sorted([*_messages(rows), *_answers(tenant_id, message)], key=lambda entry: entry.at)
    return Phone(
        number=message.phone or "",
        name=message.name,
        entries=entries[-SHOWN:],
        on_the_way=sum(1 for row in rows if row.status in ON_THE_WAY),
        power=_power(message.phone or ""),
    )


def switch(tenant_id: UUID, message_id: UUID, *, on: bool) -> None:
    """Switch the phone on or off. Raises NotFound, 409 `simulator_away`."""
    _use(_simulated(tenant_id, message_id), "on" if on else "off")


def write(tenant_id: UUID, message_id: UUID, text: str) -> None:
    """Answer with words. Raises NotFound, 409 `simulator_away`."""
    message = _simulated(tenant_id, message_id)
    _use(message, "write", id=str(message.id), text=text)


def read(tenant_id: UUID, message_id: UUID) -> None:
    """Look at an RCS message. Raises NotFound, 409 `simulator_away`."""
    message = _simulated(tenant_id, message_id)
    _use(message, "read", id=str(message.id))


def tap(tenant_id: UUID, message_id: UUID, place: str) -> None:
    """Tap the chip at this place of the message (see `chips`). Raises NotFound, 409 `simulator_away`."""
    message = _simulated(tenant_id, message_id)
    chip = dict(chips(message.payload or {})).get(place)
    if chip is None:
        raise NotFound
    _use(message, "tap", id=str(message.id), text=chip["text"], data=chip["postback_data"])


def press(tenant_id: UUID, message_id: UUID, key: str) -> None:
    """Press a key in a call. Raises NotFound, 409 `simulator_away`."""
    message = _simulated(tenant_id, message_id)
    if message.channel != "voice" or len(key) != 1 or key not in "0123456789*#":
        raise NotFound
    _use(message, "key", id=str(message.id), text=key)


def chips(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All chips of an RCS content by their place: `0` under the message, `2.0` on its third card."""
    cards = [content["card"]] if content.get("card") else (content.get("carousel") or {}).get("cards", [])
    for number, chip in enumerate(content.get("suggestions") or []):
        yield str(number), chip
    for card_number, card in enumerate(cards):
        for number, chip in enumerate(card.get("suggestions") or []):
            yield f"{card_number}.{number}", chip


def _messages(rows: Sequence[Notification]) -> Iterator[Entry]:
    for row in rows:
        if row.status in ARRIVED and row.delivered_at:
            yield Entry(row.delivered_at, message=row)


def _answers(tenant_id: UUID, message: Notification) -> Iterator[Entry]:
    found = (
        select(InboundMessage)
        .where(InboundMessage.tenant_id == tenant_id, InboundMessage.phone == message.phone)
        .order_by(InboundMessage.id.desc())
        .limit(SHOWN)
    )
    for row in session().scalars(found):
        yield Entry(row.at, answer=row)


def _simulated(tenant_id: UUID, message_id: UUID) -> Notification:
    message = messages.get(tenant_id, message_id)
    if message.carrier != CARRIER or not message.phone:
        raise NotFound
    return message


def _power(phone: str) -> Power | None:
    release()
    try:
        return remote.use(current_app.config["SETTINGS"], phone, "look")
    except Away:
        return None


def _use(message: Notification, do: str, **what: Any) -> None:
    phone = message.phone or ""
    release()
    try:
        remote.use(current_app.config["SETTINGS"], phone, do, **what)
    except Away:
        raise Conflict("simulator_away", _l("The simulator does not answer. Is it running?")) from None
