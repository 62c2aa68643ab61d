"""Single sends: a request's recipients, rendered, priced, paid for and written down in one transaction.

What it costs to take a request in decides how many an installation can take, so there are at most two statements:
one look at the template, the prices and the opt-outs, which small requests are spared as long as nothing changes
(`knowing`), and one that takes the messages in (`intake`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from flask_babel import lazy_gettext as _l
from psycopg.errors import UniqueViolation
from sqlalchemy import update

from sintalk.billing import service as billing
from sintalk.contacts import phones
from sintalk.db import atomic, new_id, now
from sintalk.errors import Conflict, Detail, Invalid
from sintalk.message_templates.content import prepare
from sintalk.messages import intake, knowing
from sintalk.messages.composing import SENDABLE, compose
from sintalk.messages.filling import Draft
from sintalk.messages.intake import Rows
from sintalk.messages.knowing import Asked, Changed, Known
from sintalk.messages.models import InboundMessage, Notification
from sintalk.tenancy import Actor

#: How far ahead a message may be scheduled.
LONGEST_AHEAD = timedelta(days=366)


class Recipient(Protocol):
    """Somebody named in a request."""

    phone: str
    name: str | None
    variables: dict[str, str]
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as `compose` reads them: the number is E.164, or None with the `fault`."""

    phone: str | None
    name: str | None
    attributes: dict[str, str]
    fault: str | None
    id: None = None
    email: None = None


@dataclass(frozen=True, slots=True)
class SentOne:
    """What became of one recipient. `phone` as it was written where it is no number."""

    id: UUID
    phone: str
    status: str
    external_id: str | None
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a request, in its order; money in micro-units."""

    data: list[SentOne]
    accepted: int
    rejected: int
    cost_micros: int


def send(
    tenant_id: UUID,
    *,
    channel: str,
    template_id: UUID,
    recipients: Sequence[Recipient],
    scheduled_at: datetime | None = None,
    ttl_seconds: int | None = None,
    key: str | None = None,
    content: dict[str, Any] | None = None,
    by: Actor,
) -> Sent:
    """Take these messages in, paid for and safely stored; the workers are rung for.

    `key` makes the request one, for as long as its messages are kept; `content` goes out instead of the template's
    own (what a scheduled campaign keeps). Raises 422 for an unknown template, one of another channel, a channel that
    cannot send, a time too far ahead; 401 for a key that stands no more; 402 where the balance does not cover the
    good ones; 409 `idempotency_key_reused`. Nothing is written then.
    """
    begins = max(now(), scheduled_at) if scheduled_at else now()
    _check(channel, begins)
    expires_at = begins + timedelta(seconds=ttl_seconds) if ttl_seconds else None
    people = [_person(recipient) for recipient in recipients]
    asked = Asked.by(by, tenant_id, channel, template_id)

    def take_in(known: Known) -> Sent:
        drafts = _drafts(channel, known, people, recipients, content, free=by.mode == "test")
        ids = [new_id() for _ in drafts]
        rows = Rows(template_id, ids, drafts, begins, expires_at, key, known)
        intake.store(rows, (tenant_id, channel, "simulator"))
        return _answer(recipients, ids, drafts)

    try:
        known = knowing.recall(asked) if len(people) <= intake.SMALL else None
        if known is not None:
            with suppress(Changed):
                return take_in(known)
        return take_in(knowing.look(asked, [person.phone for person in people if person.phone]))
    except UniqueViolation as error:
        if error.diag.constraint_name != "uq_notifications_request":
            raise
        # The answer that was kept is gone after 24 hours, the messages are not.
        raise Conflict("idempotency_key_reused", _l("This key was used with another request.")) from None


def answer(
    message: InboundMessage, content: dict[str, Any], *, name: str | None, free: bool, ttl_seconds: int
) -> None:
    """Answer what somebody wrote, by the way it came, whether they opted out or not; once. Raises 402."""
    tenant_id, channel = message.tenant_id, message.channel
    prices = billing.prices(tenant_id)
    if free:
        prices = dict.fromkeys(prices, 0)
    person = Person(message.phone, name, {}, None)
    draft = compose(channel, prepare(channel, content), prices, person, ())
    if draft.error_code:
        return
    id_, begins = new_id(), now()
    rows = Rows(None, [id_], [draft], begins, begins + timedelta(seconds=ttl_seconds), None)
    with atomic() as current:
        intake.store(rows, (tenant_id, channel, message.carrier))
        current.execute(update(Notification).where(Notification.id == id_).values(answers_id=message.id))


def _check(channel: str, begins: datetime) -> None:
    if channel not in SENDABLE:
        raise Invalid(Detail("channel", "not_allowed", _l("This channel cannot send yet.")))
    if begins - now() > LONGEST_AHEAD:
        raise Invalid(Detail("scheduled_at", "out_of_range", _l("Choose a time within the next year.")))


def _drafts(
    channel: str,
    known: Known,
    people: Sequence[Person],
    recipients: Sequence[Recipient],
    content: dict[str, Any] | None = None,
    *,
    free: bool,
) -> list[Draft]:
    prices = known.prices
    if free:  # what test keys send goes to the simulator and costs nothing
        prices = dict.fromkeys(prices, 0)
    prepared = known.template.prepared if content is None else prepare(channel, content)
    return [
        compose(
            channel,
            prepared,
            prices,
            person,
            known.out,
            fault=person.fault,
            external_id=recipient.external_id,
        )
        for person, recipient in zip(people, recipients, strict=True)
    ]


def _person(recipient: Recipient) -> Person:
    reading = phones.read(recipient.phone)
    fault = reading.reason if reading.reason != "missing_phone" else None  # compose says `no_phone`
    return Person(reading.phone, recipient.name, recipient.variables, fault)


def _answer(recipients: Sequence[Recipient], ids: Sequence[UUID], drafts: Sequence[Draft]) -> Sent:
    data = [
        SentOne(
            id_,
            draft.phone or recipient.phone,
            "suppressed" if draft.error_code else "queued",
            draft.external_id,
            draft.error_code,
        )
        for recipient, id_, draft in zip(recipients, ids, drafts, strict=True)
    ]
    rejected = sum(1 for draft in drafts if draft.error_code)
    return Sent(data, len(drafts) - rejected, rejected, sum(draft.price_micros for draft in drafts))
