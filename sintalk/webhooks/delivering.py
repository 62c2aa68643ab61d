"""Delivering: claim what is due, call with no transaction open, write down what was answered.

A claim moves a delivery's `next_attempt_at` ahead by the length of a lease, so what a dead worker held is
due again by itself, under the same event id: at least once. A delivery with an earlier one of the same
subject before it waits until that one succeeded, or was given up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import exists, func, or_, select, text

from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, new_id, now, session
from sintalk.queue import enqueue, stopping
from sintalk.web.schemas import rfc3339
from sintalk.webhooks import addresses, calling, outcomes, signing
from sintalk.webhooks.announcing import JOB
from sintalk.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

#: Longer than looking a name up and a whole call may take.
LEASE_S = 90
#: Calls in one round, all at the same time, so that a round takes no longer than its slowest call.
ROUND = 32
#: Deliveries of one endpoint in a round: many while all goes well, one to try it while it fails.
ROOM, ROOM_FAILING = 16, 1
#: After this long a job makes room for others of its queue and rings again.
BUDGET_S = 5.0

CLAIM = text("""
    WITH due AS (
      SELECT id, subject_id, seq FROM webhook_deliveries
       WHERE endpoint_id = :endpoint_id AND state = 'pending' AND next_attempt_at <= statement_timestamp()
       ORDER BY next_attempt_at, seq LIMIT :room FOR UPDATE SKIP LOCKED
    ), placed AS (
      SELECT due.id, (SELECT min(p.next_attempt_at) FROM webhook_deliveries p
                       WHERE p.endpoint_id = :endpoint_id AND p.subject_id = due.subject_id
                         AND p.state = 'pending' AND p.seq < due.seq) AS behind
        FROM due
    )
    UPDATE webhook_deliveries d
       SET claim = CASE WHEN behind IS NULL THEN CAST(:claim AS uuid) END,
           attempts = attempts + CASE WHEN behind IS NULL THEN 1 ELSE 0 END,
           next_attempt_at = CASE WHEN behind IS NULL THEN clock_timestamp() + make_interval(secs => :lease)
                                  ELSE greatest(behind, clock_timestamp() + interval '1 second') END
      FROM placed WHERE d.id = placed.id
""")

#: How long events are kept after they happened, with their deliveries and the log of attempts.
KEPT_FOR = timedelta(days=30)
FORGET = text("""
    DELETE FROM webhook_events WHERE created_at < :before
       AND id IN (SELECT id FROM webhook_events ORDER BY id LIMIT 5000)
""")


@dataclass(frozen=True)
class Call:
    """A delivery that is ours, with all that a thread needs to make the call."""

    delivery_id: UUID
    tenant_id: UUID
    endpoint_id: UUID
    subject_id: UUID
    event_id: UUID
    number: int
    claim: UUID
    url: str
    secrets: Sequence[str]
    body: bytes


def deliver(*, resolve: calling.Resolve = calling.resolve, budget_s: float = BUDGET_S) -> int:
    """Deliver round by round until nothing is due, for a few seconds at most; how many calls that were."""
    made, began = 0, time.monotonic()
    allow = current_app.config["SETTINGS"].webhooks_allow_loopback
    one = partial(make, allow_loopback=allow, resolve=resolve)
    with ThreadPoolExecutor(ROUND) as threads:
        while not stopping.is_set():
            calls, touched = claim()
            if not touched:
                return made
            crashpoint("delivery_claimed")
            answers = list(threads.map(one, calls))
            crashpoint("delivery_called")
            outcomes.write(list(zip(calls, answers, strict=True)))
            made += len(calls)
            if time.monotonic() - began > budget_s:
                enqueue(JOB)
                return made
    return made


def make(call: Call, *, allow_loopback: bool, resolve: calling.Resolve = calling.resolve) -> calling.Answer:
    """One call. Touches no database, never raises."""
    try:
        target = addresses.read(call.url, allow_loopback=allow_loopback)
    except addresses.Refused as refused:
        return calling.Answer(None, None, refused.code, 0)
    signed = signing.headers(str(call.event_id), int(time.time()), call.body, call.secrets)
    headers = {"content-type": "application/json", "user-agent": "Sintalk-Webhooks/1", **signed}
    return calling.post(target, call.body, headers, resolve=resolve)


def claim() -> tuple[list[Call], int]:
    """Take what is due, a few of each endpoint, so that a slow one leaves room for the others.

    Also how many rows that moved: those that wait for an earlier one were only put off.
    """
    mine, touched = new_id(), 0
    with atomic() as current:
        for endpoint_id, failures in current.execute(_waiting_endpoints().limit(ROUND)).all():
            room = ROOM_FAILING if failures >= outcomes.PATIENCE else ROOM
            moved = current.execute(
                CLAIM,
                {
                    "endpoint_id": endpoint_id,
                    "claim": mine,
                    "room": min(room, ROUND - touched),
                    "lease": LEASE_S,
                },
            )
            touched += moved.rowcount  # type: ignore[attr-defined]
            if touched >= ROUND:
                break
        return _calls(mine), touched


def anything_due() -> bool:
    """Whether a worker would find something to deliver now."""
    return session().execute(_waiting_endpoints().limit(1)).first() is not None


def body_of(event_id: UUID, kind: str, created_at: datetime, payload: dict[str, Any]) -> bytes:
    """The body of an event, the same bytes at every attempt: `{"data", "id", "timestamp", "type"}`."""
    shown = {"id": str(event_id), "type": kind, "timestamp": rfc3339(created_at), "data": payload}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _waiting_endpoints() -> Any:
    due = exists().where(
        WebhookDelivery.endpoint_id == WebhookEndpoint.id,
        WebhookDelivery.state == "pending",
        WebhookDelivery.next_attempt_at <= func.statement_timestamp(),
    )
    rested = or_(WebhookEndpoint.resting_until.is_(None), WebhookEndpoint.resting_until <= now())
    return (
        select(WebhookEndpoint.id, WebhookEndpoint.failures)
        .where(
            WebhookEndpoint.deleted_at.is_(None),
            WebhookEndpoint.disabled_at.is_(None),
            WebhookEndpoint.paused_at.is_(None),
            rested,
            due,
        )
        .order_by(func.random())
    )


def _calls(mine: UUID) -> list[Call]:
    rows = session().execute(
        select(WebhookDelivery, WebhookEvent, WebhookEndpoint)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.claim == mine, WebhookDelivery.state == "pending")
        .order_by(WebhookDelivery.seq)
        .execution_options(populate_existing=True)
    )
    return [
        Call(
            delivery_id=delivery.id,
            tenant_id=delivery.tenant_id,
            endpoint_id=endpoint.id,
            subject_id=delivery.subject_id,
            event_id=event.id,
            number=delivery.attempts,
            claim=mine,
            url=endpoint.url,
            secrets=endpoint.secrets(),
            body=body_of(event.id, event.kind, event.created_at, event.payload),
        )
        for delivery, event, endpoint in rows
    ]


def forget_old() -> int:
    """Drop the oldest events that are past keeping, up to 5,000; how many that were. For the sweeper."""
    with atomic() as current:
        gone = current.execute(FORGET, {"before": now() - KEPT_FOR})
    return gone.rowcount  # type: ignore[attr-defined]
