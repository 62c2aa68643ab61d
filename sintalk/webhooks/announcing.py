"""Writing down what happened, within the transaction in which it happened.

For a tenant that listens to nothing, nothing is written: that costs one look at an index.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import Select, any_, select, text

from sintalk.db import after_commit, atomic, compact, new_id, straight
from sintalk.queue import enqueue, waiting
from sintalk.webhooks.models import WebhookEndpoint

JOB = "sintalk.webhooks.jobs.deliver"
#: No more rings than this are left waiting; one drains all there is.
ENOUGH = 8

KEEP = text("""
    INSERT INTO webhook_events (id, tenant_id, kind, subject_id, version, payload, created_at)
    SELECT n.id, :tenant_id, :kind, n.subject_id, n.version, CAST(n.payload AS jsonb), clock_timestamp()
      FROM unnest(CAST(:ids AS uuid[]), CAST(:subjects AS uuid[]), CAST(:versions AS text[]),
                  CAST(:payloads AS text[])) WITH ORDINALITY AS n(id, subject_id, version, payload, place)
     ORDER BY n.place
    ON CONFLICT (tenant_id, kind, subject_id, version) DO NOTHING
 RETURNING id
""")
ADDRESS = text("""
    INSERT INTO webhook_deliveries
           (id, tenant_id, endpoint_id, event_id, subject_id, seq, state, attempts, next_attempt_at, created_at)
    SELECT n.id, e.tenant_id, n.endpoint_id, e.id, e.subject_id, e.seq, 'pending', 0, clock_timestamp(),
           clock_timestamp()
      FROM unnest(CAST(:ids AS uuid[]), CAST(:events AS uuid[]), CAST(:endpoints AS uuid[]))
           AS n(id, event_id, endpoint_id)
      JOIN webhook_events e ON e.id = n.event_id
     ORDER BY e.seq
""")


LISTENED_TO = compact("""
    SELECT id FROM webhook_endpoints
     WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL AND disabled_at IS NULL AND %(kind)s = ANY(events) LIMIT 1
""")


@dataclass(frozen=True)
class News:
    """One thing that happened to a subject; the same `version` of it is told once."""

    subject_id: UUID
    version: str
    payload: dict[str, Any]


def wanted(tenant_id: UUID, kind: str) -> bool:
    """Whether anybody listens: asked before a payload is even put together."""
    return straight(LISTENED_TO, {"tenant_id": tenant_id, "kind": kind}) is not None


def announce(
    tenant_id: UUID, kind: str, subject_id: UUID, payload: dict[str, Any], *, version: str = ""
) -> None:
    """Tell the tenant's endpoints that listen to this kind, once for this version of the subject."""
    announce_many(tenant_id, kind, [News(subject_id, version, payload)])


def announce_many(
    tenant_id: UUID, kind: str, news: Sequence[News], *, only: Sequence[UUID] | None = None
) -> None:
    """Tell many things, in this order, with two statements. `only` these endpoints, whatever they listen to."""
    if not news:
        return
    with atomic() as current:
        listeners = list(only) if only is not None else current.scalars(_listeners(tenant_id, kind)).all()
        if not listeners:
            return
        kept = current.scalars(
            KEEP,
            {
                "tenant_id": tenant_id,
                "kind": kind,
                "ids": [new_id() for _ in news],
                "subjects": [one.subject_id for one in news],
                "versions": [one.version for one in news],
                "payloads": [json.dumps(one.payload, ensure_ascii=False, default=str) for one in news],
            },
        ).all()
        pairs = list(product(kept, listeners))
        current.execute(
            ADDRESS,
            {
                "ids": [new_id() for _ in pairs],
                "events": [event_id for event_id, _ in pairs],
                "endpoints": [endpoint_id for _, endpoint_id in pairs],
            },
        )
        after_commit(ring)


def ring() -> None:
    """Ring for the deliveries; the sweeper does where this one is lost."""
    if waiting("default") < ENOUGH:
        enqueue(JOB)


def _listeners(tenant_id: UUID, kind: str) -> Select[UUID]:
    return select(WebhookEndpoint.id).where(
        WebhookEndpoint.tenant_id == tenant_id,
        WebhookEndpoint.deleted_at.is_(None),
        WebhookEndpoint.disabled_at.is_(None),
        any_(WebhookEndpoint.events) == kind,
    )
