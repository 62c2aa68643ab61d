"""Single sends: a request's recipients, rendered, priced, paid for and written down in one transaction.

What it costs to take a request in decides how many an installation can take, so there are two statements: one
look at the template, the prices and the opt-outs, and one that takes the messages in (`intake`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from flask_babel import lazy_gettext as _l
from psycopg.errors import UniqueViolation
from sqlalchemy import update

from sintalk.billing import service as billing
from sintalk.billing.models import DEFAULT_PRICES
from sintalk.contacts import phones
from sintalk.db import atomic, new_id, now, straight
from sintalk.errors import Conflict, Detail, Invalid, unknown_reference
from sintalk.message_templates import service as templates
from sintalk.message_templates.content import prepare
from sintalk.messages import intake
from sintalk.messages.composing import SENDABLE, compose
from sintalk.messages.filling import Draft
from sintalk.messages.intake import Rows
from sintalk.messages.models import InboundMessage, Notification
from sintalk.tenancy import Actor

#: How far ahead a message may be scheduled.
LONGEST_AHEAD = timedelta(days=366)

#: What is to be known of the tenant, in one go: these tables are other slices', read here and never written.
LOOK = """
    SELECT (SELECT updated_at FROM templates
             WHERE tenant_id = %(tenant_id)s AND id = %(template_id)s AND deleted_at IS NULL) AS version,
           (SELECT jsonb_object_agg(unit, micros) FROM prices WHERE tenant_id = %(tenant_id)s) AS prices,
           ARRAY(SELECT phone FROM opt_outs
                  WHERE tenant_id = %(tenant_id)s AND phone = ANY(CAST(%(phones)s AS text[]))
                    AND (channel IS NULL OR channel = %(channel)s)) AS opted_out
"""


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
    own (what a scheduled campaign keeps). Raises 422 for an unknown template, one of
    another channel, a channel that cannot send, a time too far ahead; 402 where the balance does not cover the
    good ones; 409 `idempotency_key_reused`. Nothing is written then.
    """
    begins = max(now(), scheduled_at) if scheduled_at else now()
    _check(channel, begins)
    drafts = _drafts(tenant_id, channel, template_id, recipients, content, free=by.mode == "test")
    expires_at = begins + timedelta(seconds=ttl_seconds) if ttl_seconds else None
    ids = [new_id() for _ in drafts]
    try:
        intake.store(
            Rows(template_id, ids, drafts, begins, expires_at, key), (tenant_id, channel, "simulator")
        )
    except UniqueViolation as error:
        if error.diag.constraint_name != "uq_notifications_request":
            raise
        # The answer that was kept is gone after 24 hours, the messages are not.
        raise Conflict("idempotency_key_reused", _l("This key was used with another request.")) from None
    return _answer(recipients, ids, drafts)


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
    tenant_id: UUID,
    channel: str,
    template_id: UUID,
    recipients: Sequence[Recipient],
    content: dict[str, Any] | None = None,
    *,
    free: bool,
) -> list[Draft]:
    people = [_person(recipient) for recipient in recipients]
    asked = {
        "tenant_id": tenant_id,
        "template_id": template_id,
        "channel": channel,
        "phones": [person.phone for person in people if person.phone],
    }
    known = straight(LOOK, asked)
    if known.version is None:
        raise unknown_reference("template_id", _l("There is no such template."))
    template = templates.ready(tenant_id, template_id, known.version)
    if template.channel != channel:
        raise Invalid(Detail("template_id", "wrong_channel", _l("This template is for another channel.")))
    prices = {**DEFAULT_PRICES, **(known.prices or {})}
    if free:  # what test keys send goes to the simulator and costs nothing
        prices = dict.fromkeys(prices, 0)
    prepared = template.prepared if content is None else prepare(channel, content)
    out = set(known.opted_out)
    return [
        compose(
            channel,
            prepared,
            prices,
            person,
            out,
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
