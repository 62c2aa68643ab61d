"""Receipts: verified, kept as they came, answered, and only then applied; forward only.

A receipt may come twice, late, in any order, or before our own result is written: the rank of the statuses
decides, not the order of arrival.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import ARRAY, Uuid, any_, delete, literal, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.carriers import registry
from sintalk.carriers.base import RawRequest
from sintalk.db import atomic, new_id, now, session
from sintalk.messages import results, tally, telling
from sintalk.messages.models import Notification, RawReceipt
from sintalk.messages.states import after_receipt
from sintalk.queue import enqueue, stopping

#: Callbacks applied in one transaction: with 200 receipts each, a transaction of about 0.1 s.
AT_ONCE = 5
#: Raw callbacks are kept this long after they were applied: carriers repeat them for a day or two.
KEPT_FOR = timedelta(days=7)

APPLY = text("""
    UPDATE notifications n
       SET status = r.status, error_code = r.error, updated_at = clock_timestamp(),
           carrier_message_id = coalesce(n.carrier_message_id, r.ref),
           sent_at = CASE WHEN r.status = 'error' THEN n.sent_at ELSE coalesce(n.sent_at, r.at) END,
           delivered_at = CASE WHEN r.status IN ('delivered', 'read') THEN coalesce(n.delivered_at, r.at) END,
           read_at = CASE WHEN r.status = 'read' THEN r.at ELSE n.read_at END
      FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:errors AS text[]),
                  CAST(:refs AS text[]), CAST(:ats AS timestamptz[])) AS r(id, status, error, ref, at)
     WHERE n.id = r.id
""")


def keep(carrier: str, request: RawRequest) -> bool:
    """Check a callback and keep its events; False where it was kept before.

    Raises BadSignature, BadPayload, UnknownCarrier.
    """
    events = registry.get(carrier, current_app.config["SETTINGS"]).parse_callback(request)
    with atomic() as current:
        kept = current.execute(
            upsert(RawReceipt)
            .values(
                id=new_id(),
                carrier=carrier,
                hash=hashlib.sha256(request.body).digest(),
                events=[
                    {
                        "id": str(event.message_id),
                        "status": event.status,
                        "error": event.error_code,
                        "ref": event.carrier_message_id,
                        "at": event.at.isoformat(),
                    }
                    for event in events
                    if event.message_id is not None
                ],
                created_at=now(),
                unmatched=0,
            )
            .on_conflict_do_nothing()
        )
        enqueue("sintalk.messages.jobs.apply_receipts")
    return bool(kept.rowcount)  # type: ignore[attr-defined]


def apply_waiting() -> int:
    """Apply the callbacks that were kept, in sets; how many callbacks that were."""
    applied = 0
    while not stopping.is_set() and (done := _apply_some()):
        applied += done
    return applied


def forget_applied() -> int:
    """Drop callbacks that were applied long ago; how many that were. For the sweeper."""
    with atomic() as current:
        gone = current.execute(delete(RawReceipt).where(RawReceipt.applied_at < now() - KEPT_FOR))
    return gone.rowcount  # type: ignore[attr-defined]


def anything_waiting() -> bool:
    """Whether a callback is kept and not applied."""
    return session().scalar(select(RawReceipt.id).where(RawReceipt.applied_at.is_(None)).limit(1)) is not None


def _apply_some() -> int:
    with atomic() as current:
        raw = current.scalars(
            select(RawReceipt)
            .where(RawReceipt.applied_at.is_(None))
            .order_by(RawReceipt.id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        if not raw:
            return 0
        events = [event for receipt in raw for event in receipt.events]
        known = _apply(events)
        for receipt in raw:
            receipt.applied_at = now()
            receipt.unmatched = sum(1 for event in receipt.events if event["id"] not in known)
    return len(raw)


def _apply(events: Sequence[dict[str, Any]]) -> set[str]:
    """Apply events to their messages; the ids that exist."""
    ids = list({UUID(event["id"]) for event in events})
    rows = (
        session()
        .execute(
            select(
                Notification.id,
                Notification.tenant_id,
                Notification.status,
                Notification.dispatch_id,
                Notification.chunk_no,
            )
            .where(Notification.id == any_(literal(ids, ARRAY(Uuid))))
            .order_by(Notification.id)
            .with_for_update()
        )
        .all()
    )
    status = {str(row.id): row.status for row in rows}
    news: dict[str, dict[str, Any]] = {}
    for event in events:
        after = after_receipt(status[event["id"]], event["status"]) if event["id"] in status else None
        if after:
            status[event["id"]] = after
            news[event["id"]] = event
    if news:
        _write(list(news.values()))
        _tell([row for row in rows if str(row.id) in news])
        _count([row for row in rows if str(row.id) in news], status)
    return set(status)


def _write(news: list[dict[str, Any]]) -> None:
    session().execute(
        APPLY,
        {
            "ids": [UUID(event["id"]) for event in news],
            "statuses": [event["status"] for event in news],
            "errors": [event["error"] for event in news],
            "refs": [event["ref"] for event in news],
            "ats": [datetime.fromisoformat(event["at"]) for event in news],
        },
    )


def _tell(moved: Sequence[Any]) -> None:
    by_tenant = defaultdict(list)
    for row in moved:
        by_tenant[row.tenant_id].append(row.id)
    for tenant_id in sorted(by_tenant):
        telling.tell(tenant_id, by_tenant[tenant_id])


def _count(moved: Sequence[Any], status: dict[str, str]) -> None:
    """Money first, then counters, dispatch by dispatch in one order, so that no two workers wait for each other."""
    by_dispatch = defaultdict(list)
    for row in moved:
        by_dispatch[row.dispatch_id].append(row)
    for dispatch_id in sorted(by_dispatch):
        results.settle_later(
            dispatch_id, {row.chunk_no for row in by_dispatch[dispatch_id] if row.status != "sent"}
        )
    for dispatch_id in sorted(by_dispatch):
        tally.move(dispatch_id, [(row.status, status[str(row.id)]) for row in by_dispatch[dispatch_id]])
