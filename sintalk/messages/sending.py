"""Single sends: a request's recipients, rendered, priced, paid for and written down in one transaction.

What it costs to take a request in decides how many an installation can take, so there are two statements: one
look at the template, the prices and the opt-outs, and one guarded statement for money, counters, chunk and
rows (the rows of large requests by COPY). Small requests that come close together share a chunk, so that a
worker hands them over together.
"""

from __future__ import annotations

import json
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
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, new_id, now, straight
from sintalk.errors import Conflict, Detail, Invalid, unknown_reference
from sintalk.message_templates import service as templates
from sintalk.message_templates.content import prepare
from sintalk.messages import filling, lanes
from sintalk.messages.composing import SENDABLE, compose
from sintalk.messages.filling import Common, Draft
from sintalk.messages.lanes import Lane
from sintalk.messages.models import InboundMessage, Notification
from sintalk.queue import enqueue_soon
from sintalk.tenancy import Actor

#: How far ahead a message may be scheduled.
LONGEST_AHEAD = timedelta(days=366)
#: Requests of up to so many recipients may share a chunk, while it is not older than so many seconds: later
#: ones would keep the workers from it.
SMALL, OPEN_S = 5, 0.2
#: As many requests back such a chunk is looked for: a lane takes fewer in that time.
NEAR = 64

#: What is to be known of the tenant, in one go: these tables are other slices', read here and never written.
LOOK = """
    SELECT (SELECT updated_at FROM templates
             WHERE tenant_id = %(tenant_id)s AND id = %(template_id)s AND deleted_at IS NULL) AS version,
           (SELECT jsonb_object_agg(unit, micros) FROM prices WHERE tenant_id = %(tenant_id)s) AS prices,
           ARRAY(SELECT phone FROM opt_outs
                  WHERE tenant_id = %(tenant_id)s AND phone = ANY(CAST(%(phones)s AS text[]))
                    AND (channel IS NULL OR channel = %(channel)s)) AS opted_out
"""

#: Counts, prices and refuses in the lane's row, then finds or makes the chunk. No row: the float is short, or
#: the dispatch is gone or full. A chunk that a worker has, or that others are being written into, is passed over.
TAKE = f"""
    WITH lane AS (
      UPDATE dispatches
         SET total = total + %(queued)s + %(suppressed)s, queued = queued + %(queued)s,
             suppressed = suppressed + %(suppressed)s, segments = segments + %(segments)s,
             price_micros = price_micros + %(price)s, chunks = chunks + 1,
             status = CASE WHEN %(queued)s > 0 THEN 'ready' ELSE status END,
             finished_at = CASE WHEN %(queued)s > 0 THEN NULL ELSE finished_at END,
             used_at = clock_timestamp(), updated_at = clock_timestamp()
       WHERE id = %(dispatch_id)s AND total < {lanes.MOST} AND price_micros + %(price)s <= float_micros
   RETURNING id, tenant_id, chunks - 1 AS no
    ), shared AS (
      SELECT c.dispatch_id, c.no FROM chunks c
       WHERE %(small)s AND c.dispatch_id = %(dispatch_id)s AND c.no > (SELECT no - {NEAR} FROM lane)
         AND c.status = 'open' AND c.fence = 0 AND c.lease_until IS NULL
         AND c.due_at BETWEEN clock_timestamp() - make_interval(secs => {OPEN_S}) AND clock_timestamp()
       ORDER BY c.no DESC LIMIT 1 FOR UPDATE OF c SKIP LOCKED
    ), grown AS (
      UPDATE chunks c SET first_id = least(c.first_id, %(first_id)s), last_id = greatest(c.last_id, %(last_id)s)
        FROM shared WHERE c.dispatch_id = shared.dispatch_id AND c.no = shared.no
    ), paid AS (
      UPDATE settlements s SET price = s.price + %(price)s
        FROM shared WHERE s.dispatch_id = shared.dispatch_id AND s.no = shared.no
    ), chunk AS (
      INSERT INTO chunks (dispatch_id, no, tenant_id, first_id, last_id, status, fence, due_at, setbacks)
      SELECT id, no, tenant_id, %(first_id)s, %(last_id)s, %(chunk_status)s, 0, %(due_at)s, 0
        FROM lane WHERE NOT EXISTS (SELECT FROM shared)
    ), money AS (
      INSERT INTO settlements (dispatch_id, no, tenant_id, price, captured, released, times, due)
      SELECT id, no, tenant_id, %(price)s, 0, 0, 0, false FROM lane WHERE NOT EXISTS (SELECT FROM shared)
    ), place AS (
      SELECT lane.id, lane.tenant_id, coalesce(shared.no, lane.no) AS no FROM lane LEFT JOIN shared ON true
    ), written AS (
      INSERT INTO notifications
             (tenant_id, dispatch_id, chunk_no, template_id, channel, carrier, attempts, fence, created_at, updated_at,
              expires_at, request_key, request_no, id, phone, name, addressable, text, payload, encoding, segments,
              price_micros, fallback_micros, minute_micros, status, error_code, external_id)
      SELECT place.tenant_id, place.id, place.no, %(template_id)s, %(channel)s, %(carrier)s, 0, 0, %(written_at)s,
             %(written_at)s, %(expires_at)s, %(request_key)s, r.request_no, r.id, r.phone, r.name, false, r.text,
             r.payload, r.encoding, r.segments, r.price_micros, r.fallback_micros, r.minute_micros, r.status,
             r.error_code, r.external_id
        FROM place, jsonb_to_recordset(CAST(%(rows)s AS jsonb)) AS r(
               request_no integer, id uuid, phone text, name text, text text, payload jsonb, encoding text,
               segments smallint, price_micros bigint, fallback_micros bigint, minute_micros bigint,
               status text, error_code text, external_id text)
    )
    SELECT no FROM place
"""  # noqa: S608 - the only things put in are numbers of ours


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
    rows = Rows(template_id, ids, drafts, expires_at, key)
    try:
        _store(rows, (tenant_id, channel, "simulator"), due_at=begins)
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
    rows = Rows(None, [id_], [draft], begins + timedelta(seconds=ttl_seconds), None)
    with atomic() as current:
        _store(rows, (tenant_id, channel, message.carrier), due_at=begins)
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


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be written of one request."""

    template_id: UUID | None
    ids: list[UUID]
    drafts: list[Draft]
    expires_at: datetime | None
    key: str | None

    @property
    def price_micros(self) -> int:
        """What the good ones cost."""
        return sum(draft.price_micros for draft in self.drafts if draft.error_code is None)

    def as_json(self) -> str:
        """For `TAKE`: a row each."""
        return json.dumps(
            [
                {
                    "request_no": None if self.key is None else place,
                    "id": id_.hex,
                    "phone": draft.phone,
                    "name": draft.name,
                    "text": draft.text,
                    "payload": draft.payload,
                    "encoding": draft.encoding,
                    "segments": draft.segments,
                    "price_micros": draft.price_micros,
                    "fallback_micros": draft.fallback_micros,
                    "minute_micros": draft.minute_micros,
                    "status": "suppressed" if draft.error_code else "queued",
                    "error_code": draft.error_code,
                    "external_id": draft.external_id,
                }
                for place, (id_, draft) in enumerate(zip(self.ids, self.drafts, strict=True))
            ]
        )


class _Short(Exception):
    """The lane's float does not cover it."""


def _store(rows: Rows, lane: lanes.Key, *, due_at: datetime) -> None:
    """Write them down on one of these lanes, paid for, and ring for the workers. Raises InsufficientBalance."""
    try:
        with atomic(alone=True), lanes.taken(*lane) as taken:
            _write(taken, rows, due_at=due_at)
    except _Short:
        # An UPDATE that waited for somebody and then finds no room keeps the row locked (EvalPlanQual). It is free
        # again now: account first, dispatch last, or two requests wait for each other.
        with atomic(), lanes.taken(*lane) as taken:
            _write(lanes.with_room(taken, rows.price_micros), rows, due_at=due_at)


def _write(lane: Lane, rows: Rows, *, due_at: datetime) -> None:
    """Money, counters, chunk and rows, or nothing of it. Raises _Short."""
    few = len(rows.drafts) <= SMALL
    no = _take(lane, rows, few=few, due_at=due_at)
    if not few:
        common = Common(
            lane.tenant_id,
            lane.dispatch_id,
            no,
            rows.template_id,
            lane.channel,
            lane.carrier,
            rows.expires_at,
            rows.key,
            once=False,
        )
        filling.copy(common, zip(rows.ids, rows.drafts, strict=True))
    crashpoint("send_written")
    enqueue_soon("sintalk.messages.jobs.drain")


def _take(lane: Lane, rows: Rows, *, few: bool, due_at: datetime) -> int:
    """The number of the chunk they stand in."""
    drafts, ids = rows.drafts, rows.ids
    good = [draft for draft in drafts if draft.error_code is None]
    small = bool(good) and few and due_at <= now()
    if not small and due_at <= now():
        due_at -= timedelta(seconds=OPEN_S)  # nobody else is written into a large one
    values: dict[str, Any] = {
        "queued": len(good),
        "suppressed": len(drafts) - len(good),
        "segments": sum(draft.segments for draft in good),
        "price": rows.price_micros,
        "small": small,
        "first_id": min(ids),
        "last_id": max(ids),
        "chunk_status": "open" if good else "done",
        "due_at": due_at,
        "template_id": rows.template_id,
        "channel": lane.channel,
        "carrier": lane.carrier,
        "written_at": now(),
        "expires_at": rows.expires_at,
        "request_key": rows.key,
        "rows": rows.as_json() if few else "[]",
    }
    taken = straight(TAKE, {**values, "dispatch_id": lane.dispatch_id})
    if taken is None:
        raise _Short
    return int(taken.no)


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
