"""Taking requests in: their messages paid for, counted and written down by one guarded statement.

The rows of large requests go by COPY. Small requests that come close together share a chunk, so that a worker
hands them over together; and those that come at the very same time share the statement and its commit: who comes
first writes at once, who comes while that is being written is written next, with all the others who came
meanwhile. Nobody waits for company.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sintalk.crashpoints import crashpoint
from sintalk.db import at_once, atomic, compact, in_atomic, now
from sintalk.messages import filling, knowing, lanes
from sintalk.messages.filling import Common, Draft
from sintalk.messages.knowing import Changed, Known
from sintalk.messages.lanes import Lane
from sintalk.queue import enqueue_soon

#: Requests of up to so many recipients may share a chunk, while it is not older than so many seconds: later
#: ones would keep the workers from it.
SMALL, OPEN_S = 5, 0.2
#: As many numbers back such a chunk is looked for: a lane takes fewer requests in that time.
NEAR = 64
#: As many requests share a statement at the most.
MOST = 32

#: Makes sure of what was remembered, counts, prices and refuses in the lane's row, then finds or makes the chunk. No
#: number: the float is short, or the dispatch is gone or full. A chunk that a worker has, or that others are being
#: written into, is passed over.
TAKE = compact(f"""
    WITH known AS (
      SELECT {knowing.HOLDS} AS holds
    ), lane AS (
      UPDATE dispatches
         SET total = total + %(queued)s + %(suppressed)s, queued = queued + %(queued)s,
             suppressed = suppressed + %(suppressed)s, segments = segments + %(segments)s,
             price_micros = price_micros + %(price)s, chunks = chunks + 1,
             status = CASE WHEN %(queued)s > 0 THEN 'ready' ELSE status END,
             finished_at = CASE WHEN %(queued)s > 0 THEN NULL ELSE finished_at END,
             used_at = clock_timestamp(), updated_at = clock_timestamp()
       WHERE id = %(dispatch_id)s AND total < {lanes.MOST} AND price_micros + %(price)s <= float_micros
         AND (SELECT holds FROM known)
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
      SELECT place.tenant_id, place.id, place.no, r.template_id, %(channel)s, %(carrier)s, 0, 0, %(written_at)s,
             %(written_at)s, r.expires_at, %(request_key)s, r.request_no, r.id, r.phone, r.name, false, r.text,
             r.payload, r.encoding, r.segments, r.price_micros, r.fallback_micros, r.minute_micros, r.status,
             r.error_code, r.external_id
        FROM place, jsonb_to_recordset(CAST(%(rows)s AS jsonb)) AS r(
               template_id uuid, expires_at timestamptz, request_no integer, id uuid, phone text, name text, text text,
               payload jsonb, encoding text, segments smallint, price_micros bigint, fallback_micros bigint,
               minute_micros bigint, status text, error_code text, external_id text)
    )
    SELECT known.holds, place.no FROM known LEFT JOIN place ON true
""")  # noqa: S608 - the only things put in are words and numbers of ours


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be written of one request, which is due at `due_at`. `key`: the request's own, if it has one.
    `known` is what the drafts were made by."""

    template_id: UUID | None
    ids: list[UUID]
    drafts: list[Draft]
    due_at: datetime
    expires_at: datetime | None
    key: str | None
    known: Known | None = None

    @property
    def price_micros(self) -> int:
        """What the good ones cost."""
        return sum(draft.price_micros for draft in self.drafts if draft.error_code is None)

    @property
    def few(self) -> bool:
        """Whether they fit into the statement itself."""
        return len(self.drafts) <= SMALL

    def as_json(self) -> list[dict[str, Any]]:
        """For `TAKE`: a row each."""
        return [
            {
                "template_id": self.template_id and self.template_id.hex,
                "expires_at": self.expires_at and self.expires_at.isoformat(),
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


def store(rows: Rows, lane: lanes.Key) -> None:
    """Write them down on one of these lanes, paid for, and ring for the workers.

    Raises InsufficientBalance, Changed, and UniqueViolation where a request of this key was taken in already.
    """
    if rows.few and rows.key is None and rows.due_at <= now() and not in_atomic():
        _together(_Turn(rows), lane)
    else:
        _pay_and_write([rows], lane)


# --- together


@dataclass(slots=True, eq=False)
class _Turn:
    """A request that waits to be written. `called`: it was, or is to write itself, together with `others`."""

    rows: Rows
    called: threading.Event = field(default_factory=threading.Event)
    others: list[_Turn] = field(default_factory=list)
    written: bool = False
    alone: bool = False


_lock = threading.Lock()
#: Lanes on which somebody is writing, and who waits for them, in order.
_waiting: dict[lanes.Key, list[_Turn]] = {}


def _together(turn: _Turn, lane: lanes.Key) -> None:
    with _lock:
        before = _waiting.get(lane)
        if before is None:
            _waiting[lane] = []
        else:
            before.append(turn)
    if before is not None:
        turn.called.wait()
    if not turn.written and not turn.alone:
        _write_with(turn.others, turn, lane)
    if not turn.written:
        _pay_and_write([turn.rows], lane)  # together they were refused: each hears for itself


def _write_with(others: list[_Turn], turn: _Turn, lane: lanes.Key) -> None:
    """All of them or nobody. Raises what was refused where nobody else is in it."""
    try:
        _pay_and_write([each.rows for each in (turn, *others)], lane)
        turn.written = True
    except Exception:
        if not others:
            raise
    finally:
        _call_next(lane)
        for other in others:
            other.written, other.alone = turn.written, not turn.written
            other.called.set()


def _call_next(lane: lanes.Key) -> None:
    with _lock:
        waiting = _waiting.pop(lane)
        if waiting:
            _waiting[lane] = waiting[MOST:]
    if waiting:
        leader, *leader.others = waiting[:MOST]
        leader.called.set()


# --- written


class _Short(Exception):
    """The lane's float does not cover it."""


def _pay_and_write(requests: Sequence[Rows], lane: lanes.Key) -> None:
    try:
        with _transaction(requests), lanes.taken(*lane) as taken:
            _write(taken, requests)
    except _Short:
        # An UPDATE that waited for somebody and then finds no room keeps the row locked (EvalPlanQual). It is free
        # again now: account first, dispatch last, or two requests wait for each other.
        price = sum(rows.price_micros for rows in requests)
        with atomic(), lanes.taken(*lane) as taken:
            _write(lanes.with_room(taken, price), requests)


def _transaction(requests: Sequence[Rows]) -> AbstractContextManager[Any]:
    """What few rows are written in: their statement is its own, unless it joins somebody's. COPY follows on many."""
    return nullcontext() if requests[0].few and not in_atomic() else atomic(alone=True)


def _write(lane: Lane, requests: Sequence[Rows]) -> None:
    """Money, counters, chunk and rows, or nothing of it: one request, or some of few rows. Raises _Short, Changed."""
    taken = at_once(TAKE, {**_values(requests), **_remembered(requests), **_place(lane)})
    if not taken.holds:
        raise Changed
    if taken.no is None:
        raise _Short
    first = requests[0]
    if not first.few:
        place = (lane.tenant_id, lane.dispatch_id, taken.no, first.template_id, lane.channel, lane.carrier)
        common = Common(*place, first.expires_at, first.key, once=False)
        filling.copy(filling.block(common, zip(first.ids, first.drafts, strict=True)))
    crashpoint("send_written")
    enqueue_soon("sintalk.messages.jobs.drain")


def _place(lane: Lane) -> dict[str, Any]:
    return {
        "tenant_id": lane.tenant_id,
        "dispatch_id": lane.dispatch_id,
        "channel": lane.channel,
        "carrier": lane.carrier,
    }


def _remembered(requests: Sequence[Rows]) -> dict[str, Any]:
    """What nobody looked at for these requests."""
    theirs = [(rows, rows.known) for rows in requests if rows.known and rows.known.remembered]
    phones = [
        draft.phone for rows, _ in theirs for draft in rows.drafts if draft.phone and not draft.error_code
    ]
    return knowing.to_make_sure_of([known for _, known in theirs], phones)


def _values(requests: Sequence[Rows]) -> dict[str, Any]:
    first, moment = requests[0], now()
    ids = [id_ for rows in requests for id_ in rows.ids]
    good = [draft for rows in requests for draft in rows.drafts if draft.error_code is None]
    due_at = first.due_at
    small = bool(good) and first.few and due_at <= moment
    if not small and due_at <= moment:
        due_at -= timedelta(seconds=OPEN_S)  # nobody else is written into a large one
    return {
        "queued": len(good),
        "suppressed": len(ids) - len(good),
        "segments": sum(draft.segments for draft in good),
        "price": sum(draft.price_micros for draft in good),
        "small": small,
        "first_id": min(ids),
        "last_id": max(ids),
        "chunk_status": "open" if good else "done",
        "due_at": due_at,
        "written_at": moment,
        "request_key": first.key,
        "rows": json.dumps([row for rows in requests for row in rows.as_json()] if first.few else []),
    }
