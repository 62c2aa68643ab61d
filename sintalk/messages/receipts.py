"""Receipts: verified, kept as they came, answered, and only then applied; forward only.

A receipt may come twice, late, in any order, or before our own result is written: the rank of the statuses
decides, not the order of arrival.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import ARRAY, Select, Uuid, any_, delete, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.carriers import registry
from sintalk.carriers.base import Event, RawRequest
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, new_id, now, session
from sintalk.messages import arriving, attempts, inbound, results, steering, tally, telling
from sintalk.messages.arriving import Arrived
from sintalk.messages.models import Chunk, Dispatch, Notification, RawReceipt
from sintalk.messages.standing import Standing
from sintalk.messages.trail import noted
from sintalk.queue import enqueue, enqueue_soon, stopping, waiting

#: Callbacks applied in one transaction: with 200 receipts each, a transaction of about 0.1 s.
AT_ONCE = 5
#: Seconds of work before others in the queue have their turn.
TURN_S = 2.0
#: Raw callbacks are kept this long after they were applied: carriers repeat them for a day or two.
KEPT_FOR = timedelta(days=7)
#: After these an RCS message's SMS may take over.
LOST = ("not_delivered", "error")

APPLY = text(f"""
    UPDATE notifications n
       SET status = r.status, error_code = r.error, updated_at = clock_timestamp(), via = r.via,
           trail = {noted("CASE WHEN r.took_over THEN 'took_over' END")},
           attempts = CASE WHEN r.took_over THEN 0 ELSE n.attempts END, unclear = n.unclear AND NOT r.took_over,
           sending_at = CASE WHEN r.took_over THEN NULL ELSE n.sending_at END,
           carrier_message_id = coalesce(n.carrier_message_id, r.ref),
           sent_at = CASE WHEN r.status IN ('error', 'queued') THEN n.sent_at ELSE coalesce(n.sent_at, r.at) END,
           delivered_at = CASE WHEN r.status IN ('delivered', 'read') THEN coalesce(n.delivered_at, r.at) END,
           read_at = CASE WHEN r.status = 'read' THEN r.at ELSE n.read_at END,
           charged_micros = r.charged, released_micros = r.released, decided = r.decided,
           call_result = coalesce(r.call_result, n.call_result),
           answered_by = coalesce(r.answered_by, n.answered_by),
           answered_seconds = coalesce(r.answered_seconds, n.answered_seconds),
           billed_seconds = coalesce(r.billed_seconds, n.billed_seconds)
      FROM jsonb_to_recordset(CAST(:news AS jsonb)) AS r(
             id uuid, status text, error text, ref text, at timestamptz, via text, took_over boolean,
             charged bigint, released bigint, decided boolean,
             call_result text, answered_by text, answered_seconds integer, billed_seconds integer)
     WHERE n.id = r.id
""")  # noqa: S608 - the only thing put in is our own


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
                events=[_as_kept(event) for event in events],
                created_at=now(),
                unmatched=0,
            )
            .on_conflict_do_nothing()
        )
        enqueue_soon("sintalk.messages.jobs.apply_receipts")
    crashpoint("receipt_kept")
    return bool(kept.rowcount)  # type: ignore[attr-defined]


def apply_waiting() -> int:
    """Apply the callbacks that were kept, in sets; how many callbacks that were.

    After a few seconds it makes room for others in its queue, where there are any, and rings for itself.
    """
    applied, began = 0, monotonic()
    while not stopping.is_set() and (done := _apply_some()):
        applied += done
        if monotonic() - began > TURN_S and waiting("default"):
            enqueue("sintalk.messages.jobs.apply_receipts")
            break
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
        events = [(receipt.carrier, event) for receipt in raw for event in receipt.events]
        known = _apply([event for _, event in events if event.get("kind", "receipt") == "receipt"])
        known |= inbound.take(
            [(carrier, event) for carrier, event in events if event.get("kind") in inbound.KINDS]
        )
        for receipt in raw:
            receipt.applied_at = now()
            receipt.unmatched = sum(1 for event in receipt.events if event["id"] and event["id"] not in known)
        crashpoint("receipts_applied")
    return len(raw)


def _as_kept(event: Event) -> dict[str, Any]:
    """The event as it is stored: what is not there is left out."""
    kept: dict[str, Any] = {
        "kind": event.kind,
        "id": str(event.message_id) if event.message_id else None,
        "error": event.error_code,
        "ref": event.carrier_message_id,
        "at": event.at.isoformat(),
    }
    if event.status is not None:
        kept["status"] = event.status
    if event.call is not None:
        kept["call"] = asdict(event.call)
    if event.kind != "receipt":
        own = {"phone": event.phone, "channel": event.channel, "text": event.text, "data": event.data}
        kept.update((name, value) for name, value in own.items() if value is not None)
    return kept


def _apply(events: Sequence[dict[str, Any]]) -> set[str]:
    """Apply receipts to their messages; the ids that exist, as the events name them."""
    lost = [attempts.read(UUID(event["id"])) for event in events if event["id"] and event["status"] in LOST]
    _lock_chunks([message_id for message_id, second in lost if not second])
    arrived = arriving.arrive(events)
    known = {event_id for each in arrived for event_id in each.ids}
    others, moved = _weigh([event for event in events if event["id"] and event["id"] not in known])
    if moved:
        _write([news for _, news in moved])
    _tell(arrived, [each.row for each, news in moved if news["status"] != each.row.status])
    _count(arrived, [each for each, _ in moved])
    return known | others


def _weigh(events: Sequence[dict[str, Any]]) -> tuple[set[str], list[tuple[Standing, dict[str, Any]]]]:
    """What these receipts make of their messages, which are locked: the ids that exist, and whose row changes how."""
    told = [(*attempts.read(UUID(event["id"])), event) for event in events]
    ids = list({message_id for message_id, _, _ in told})
    standings = {row.id: Standing(row) for row in session().execute(_locked(ids))} if ids else {}
    known = set()
    for message_id, second, event in told:
        if message_id in standings:
            known.add(event["id"])
            standings[message_id].take(event, second=second)
    return known, [(each, news) for each in standings.values() if (news := each.news)]


def _locked(ids: Sequence[UUID]) -> Select[Any]:
    names = (
        *("id", "tenant_id", "status", "dispatch_id", "chunk_no", "channel", "via", "decided"),
        *("price_micros", "fallback_micros", "minute_micros", "charged_micros", "released_micros"),
    )
    return (
        select(
            *(getattr(Notification, name) for name in names),
            Dispatch.status.label("dispatch_status"),
            func.coalesce(Notification.payload.has_key("fallback"), False).label("falls_back"),
        )
        .join(Dispatch, Dispatch.id == Notification.dispatch_id)
        .where(Notification.id == any_(literal(list(ids), ARRAY(Uuid))))
        .order_by(Notification.id)
        .with_for_update(of=Notification)
    )


def _lock_chunks(ids: Sequence[UUID]) -> None:
    """Chunks that may have to open again are locked before their messages, as workers do it."""
    if not ids:
        return
    mine = (
        select(Notification.dispatch_id, Notification.chunk_no)
        .where(
            Notification.id == any_(literal(list(ids), ARRAY(Uuid))),
            Notification.channel == "rcs",
            Notification.via.is_(None),
            Notification.payload.has_key("fallback"),
        )
        .distinct()
    )
    pairs = tuple_(Chunk.dispatch_id, Chunk.no).in_(mine)
    session().execute(
        select(Chunk.no).where(pairs).order_by(Chunk.dispatch_id, Chunk.no).with_for_update()
    ).all()


def _write(news: list[dict[str, Any]]) -> None:
    session().execute(APPLY, {"news": json.dumps(news)})


def _tell(arrived: Sequence[Arrived], moved: Sequence[Any]) -> None:
    by_tenant: defaultdict[UUID, list[str]] = defaultdict(list)
    for each in arrived:
        by_tenant[each.tenant_id] += each.ids
    for row in moved:
        by_tenant[row.tenant_id].append(str(row.id))
    for tenant_id in sorted(by_tenant):
        telling.tell(tenant_id, by_tenant[tenant_id])


def _count(arrived: Sequence[Arrived], moved: Sequence[Standing]) -> None:
    """Money first, then counters, dispatch by dispatch in one order, so that no two workers wait for each other."""
    by_dispatch: defaultdict[UUID, list[Standing]] = defaultdict(list)
    steps: defaultdict[UUID, list[tuple[str | None, str]]] = defaultdict(list)
    for those in arrived:
        steps[those.dispatch_id] += [("sent", "delivered")] * len(those.ids)
    for each in moved:
        by_dispatch[each.row.dispatch_id].append(each)
        steps[each.row.dispatch_id].append((each.row.status, each.status))
    for dispatch_id in sorted(by_dispatch):
        took_over = {each.row.chunk_no for each in by_dispatch[dispatch_id] if each.took_over}
        steering.open_again(dispatch_id, took_over)
    for dispatch_id in sorted(by_dispatch):
        if nos := {each.row.chunk_no for each in by_dispatch[dispatch_id] if each.money_moved}:
            results.settle_later(dispatch_id, nos)
    for dispatch_id in sorted(steps):
        if any(each.took_over for each in by_dispatch[dispatch_id]):
            steering.send_again(dispatch_id)
        tally.move(dispatch_id, steps[dispatch_id])
