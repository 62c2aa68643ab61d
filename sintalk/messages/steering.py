"""A dispatch is held back, let go on, or ended before its time.

Whoever sends looks at the dispatch before every sub-batch, so a change of its status holds within one call of
the carrier. What is canceled is taken back chunk by chunk in the background: a chunk that a worker holds is
left until that worker, or the reaper, gave it up, since what it handed to the carrier may be on its way. The
open chunks of a canceled dispatch are the list of what is to do, so the work may stop and begin anywhere.

Lock order: chunk, notifications (by id), settlement, dispatch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from time import monotonic
from uuid import UUID

from sqlalchemy import select, text, update

from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session
from sintalk.messages import results, spreading, tally, telling
from sintalk.messages.models import Chunk, Dispatch
from sintalk.queue import enqueue, stopping, waiting

#: Seconds of work before others in the queue have their turn.
TURN_S = 2.0
#: What the carrier may have under this id already is not taken back: only a receipt can tell. Where an SMS was to
#: take over, the message before it is what went: it did not arrive (money as in `charging`).
TAKE_BACK = text("""
    WITH rest AS (
      SELECT id, price_micros - charged_micros - released_micros AS held FROM notifications
       WHERE dispatch_id = :dispatch_id AND id BETWEEN :first_id AND :last_id AND chunk_no = :no
         AND status = 'queued'
       ORDER BY id FOR UPDATE
    )
    UPDATE notifications n
       SET status = CASE WHEN n.unclear THEN 'unknown' WHEN n.via IS NOT NULL THEN 'not_delivered'
                         ELSE 'canceled' END,
           error_code = CASE WHEN n.unclear THEN coalesce(n.error_code, 'no_answer') ELSE 'campaign_canceled' END,
           released_micros = n.released_micros + CASE
             WHEN n.unclear OR n.via IS NULL THEN 0
             WHEN n.decided THEN held
             ELSE least(n.fallback_micros, held) END,
           updated_at = clock_timestamp()
      FROM rest WHERE n.id = rest.id
 RETURNING n.id, n.status, n.attempts
""")
#: Canceled, and nothing queued or sending any more: its end. Where nothing was ever held, all is settled.
CLOSE = text("""
    UPDATE dispatches
       SET finished_at = clock_timestamp(), updated_at = clock_timestamp(),
           settled_at = CASE WHEN ready_at IS NULL THEN clock_timestamp() ELSE settled_at END
     WHERE id = :id AND status = 'canceled' AND queued = 0 AND sending = 0 AND finished_at IS NULL
 RETURNING id
""")
#: What was looked up, or is to be followed by its SMS, is worked on again; what waits in vain already, since then.
REOPEN = text("""
    UPDATE chunks
       SET since = CASE WHEN status = 'open' AND due_at <= clock_timestamp() THEN since
                        ELSE CAST(:since AS timestamptz) END,
           due_at = least(CASE WHEN status = 'open' THEN due_at END, clock_timestamp()), status = 'open'
     WHERE (dispatch_id, no) IN (
       SELECT dispatch_id, no FROM chunks WHERE dispatch_id = :dispatch_id AND no = ANY(CAST(:nos AS integer[]))
        ORDER BY no FOR UPDATE)
""")
#: What finished is on its way again; what was canceled is taken back once more.
SEND_AGAIN = text("""
    UPDATE dispatches
       SET status = CASE WHEN status = 'finished' THEN 'ready' ELSE status END,
           finished_at = CASE WHEN status = 'canceled' THEN NULL ELSE finished_at END
     WHERE id = :id AND status IN ('finished', 'canceled')
""")


def pause(dispatch: Dispatch) -> bool:
    """Keep the workers away from it; False where nothing is left to be kept from them."""
    return _turn(dispatch, "paused", "paused", "filling", "ready")


def go_on(dispatch: Dispatch) -> None:
    """Let a paused dispatch go on where it stood: its filling, or its sending where its money is held. From here on
    it may be late: somebody said so.
    """
    with atomic() as current:
        after = "filling" if dispatch.ready_at is None else "ready"
        dispatch.max_delay_minutes = None
        current.flush()
        if _turn(dispatch, after, "paused") and after == "ready":
            spreading.resume(dispatch)
            current.execute(tally.FINISH, {"id": dispatch.id})
            enqueue("sintalk.messages.jobs.drain")
            enqueue("sintalk.campaigns.jobs.close_finished")


def cancel(dispatch: Dispatch) -> bool:
    """Let nothing more of it out and take back what has not left; False where it has finished already."""
    with atomic():
        if not _turn(dispatch, "canceled", "filling", "paused", "ready"):
            return False
        enqueue("sintalk.messages.jobs.take_back")
    return True


def open_again(dispatch_id: UUID, nos: Iterable[int], *, since: datetime | None = None) -> None:
    """Let workers look into these chunks again: messages of theirs come back into the queue. Locks them.

    `since`: when they ought to have left; now, unless it is said.
    """
    if chunks := sorted(nos):
        session().execute(REOPEN, {"dispatch_id": dispatch_id, "nos": chunks, "since": since})


def send_again(dispatch_id: UUID) -> None:
    """Messages came back into its queue: it is not at its end, or they are to be taken back. Locks it."""
    session().execute(SEND_AGAIN, {"id": dispatch_id})
    enqueue("sintalk.messages.jobs.drain")
    enqueue("sintalk.messages.jobs.take_back")
    enqueue("sintalk.campaigns.jobs.close_finished")  # which opens a completed one again


def take_back() -> int:
    """Take back the rest of what was canceled, as far as no worker holds it; how many chunks that were.

    After a few seconds it makes room for others in its queue, where there are any, and rings for itself.
    """
    done, began = 0, monotonic()
    for dispatch_id in canceling():
        while not stopping.is_set() and _take_back_one(dispatch_id):
            done += 1
            if monotonic() - began > TURN_S and waiting("default"):
                enqueue("sintalk.messages.jobs.take_back")
                return done
        _close(dispatch_id)
    return done


def canceling() -> list[UUID]:
    """Dispatches that were canceled and have not ended."""
    open_ = Dispatch.status == "canceled", Dispatch.finished_at.is_(None)
    return list(session().scalars(select(Dispatch.id).where(*open_).order_by(Dispatch.id)))


def _turn(dispatch: Dispatch, after: str, *before: str) -> bool:
    with atomic() as current:
        turned = current.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch.id, Dispatch.status.in_(before))
            .values(status=after, updated_at=now())
            .execution_options(synchronize_session=False)
        )
        current.refresh(dispatch)
    return bool(turned.rowcount)  # type: ignore[attr-defined]


def _take_back_one(dispatch_id: UUID) -> bool:
    with atomic() as current:
        chunk = current.scalar(
            select(Chunk)
            .where(Chunk.dispatch_id == dispatch_id, Chunk.status == "open", Chunk.lease_until.is_(None))
            .order_by(Chunk.due_at, Chunk.no)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if chunk is None:
            return False
        where = {
            "dispatch_id": dispatch_id,
            "first_id": chunk.first_id,
            "last_id": chunk.last_id,
            "no": chunk.no,
        }
        moved = current.execute(TAKE_BACK, where).all()
        chunk.status, chunk.fence = "done", chunk.fence + 1
        chunk.held = chunk.held_version = None
        current.flush()
        # what never left is in the campaign's numbers; of what was tried something may have been told
        tried = [row.id for row in moved if row.status != "canceled" or row.attempts]
        telling.tell(chunk.tenant_id, tried)
        if current.scalar(select(Dispatch.ready_at).where(Dispatch.id == dispatch_id)):
            results.settle_later(dispatch_id, [chunk.no])
        counted = Counter(row.status for row in moved)
        tally.move(dispatch_id, [("queued", status) for status in counted.elements()])
        crashpoint("chunk_taken_back")
    return True


def _close(dispatch_id: UUID) -> None:
    with atomic() as current:
        if current.execute(CLOSE, {"id": dispatch_id}).scalar_one_or_none():
            enqueue("sintalk.campaigns.jobs.close_finished")
