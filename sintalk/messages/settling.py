"""Money after the fact: a chunk is captured for what was accepted, released for what was not.

What is `unknown` stays held. Later answers settle as further keyed deltas, so each settlement may run twice.
"""

from __future__ import annotations

import logging
from uuid import UUID

from sqlalchemy import or_, select, text, update

from sintalk.billing import ledger
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session
from sintalk.messages import results
from sintalk.messages.charging import FINAL_AFTER
from sintalk.messages.models import Chunk, Dispatch, Settlement
from sintalk.messages.states import REFUSED
from sintalk.queue import stopping

log = logging.getLogger(__name__)

#: The rows say what of their price was charged and what goes back (`charging`); what was refused goes back whole.
_SUMS = """
    SELECT coalesce(sum(charged_micros), 0) AS captured,
           coalesce(sum(CASE WHEN status = ANY(:refused) THEN price_micros - charged_micros
                             ELSE released_micros END), 0) AS released
      FROM notifications
"""
SUMS = text(f"""
    {_SUMS} WHERE dispatch_id = :dispatch_id AND id BETWEEN :first_id AND :last_id AND chunk_no = :no
""")
#: What rows are charged and that this is to be settled is one transaction, so whoever looks sees both or neither.
SLEPT_THROUGH = text(f"""
    UPDATE settlements SET due = true
      FROM (SELECT s.dispatch_id, s.no
              FROM dispatches d JOIN settlements s ON s.dispatch_id = d.id
              JOIN chunks c ON c.dispatch_id = s.dispatch_id AND c.no = s.no
             CROSS JOIN LATERAL ({_SUMS} WHERE dispatch_id = s.dispatch_id AND id BETWEEN c.first_id AND c.last_id
                                           AND chunk_no = s.no) AS sums
             WHERE d.settled_at IS NULL AND NOT s.due AND s.captured + s.released < s.price AND c.status = 'done'
               AND (sums.captured, sums.released) <> (s.captured, s.released)
             ORDER BY s.dispatch_id, s.no LIMIT 1000) AS found
     WHERE settlements.dispatch_id = found.dispatch_id AND settlements.no = found.no
 RETURNING settlements.dispatch_id, settlements.no
""")  # noqa: S608 - the only thing put in is our own
#: Dispatches are looked through for money that nobody will ever say more about, the longest waiting first.
WAITING = text("""
    SELECT s.dispatch_id, s.no, c.first_id, c.last_id
      FROM dispatches d JOIN settlements s ON s.dispatch_id = d.id
      JOIN chunks c ON c.dispatch_id = s.dispatch_id AND c.no = s.no
     WHERE d.settled_at IS NULL AND s.captured + s.released < s.price AND c.first_id < :oldest AND c.due_at < :before
     ORDER BY d.id, s.no LIMIT 1000
""")
#: An RCS message may be delivered until its time is over, which can be later than that.
GIVE_UP = text("""
    WITH over AS (
      SELECT id FROM notifications
       WHERE dispatch_id = :dispatch_id AND id BETWEEN :first_id AND :last_id AND chunk_no = :no
         AND status NOT IN ('queued', 'sending', 'error', 'suppressed', 'canceled')
         AND charged_micros + released_micros < price_micros
         AND greatest(sending_at, sent_at) < :before
             - make_interval(secs => CASE WHEN channel = 'rcs' AND status = 'sent'
                                          THEN coalesce(CAST(payload ->> 'ttl_seconds' AS integer), 0) ELSE 0 END)
       ORDER BY id FOR UPDATE
    )
    UPDATE notifications n
       SET released_micros = price_micros - charged_micros, decided = true, updated_at = clock_timestamp()
      FROM over WHERE n.id = over.id
 RETURNING n.id
""")


def give_up_waiting() -> int:
    """Give back what is held for messages that nobody said a last word about within 72 hours; how many those were.

    Their status stays what it is, `unknown` or `sent`: it is final, and cost nothing.
    """
    given_up = 0
    before = now() - FINAL_AFTER
    oldest = UUID(int=int(before.timestamp() * 1000) << 80)  # ids begin with the milliseconds of their making
    for chunk in session().execute(WAITING, {"oldest": oldest, "before": before}).mappings().all():
        if stopping.is_set():
            break
        with atomic() as current:
            ids = current.scalars(GIVE_UP, {**chunk, "before": before}).all()
            if ids:
                results.settle_later(chunk["dispatch_id"], [chunk["no"]])
        given_up += len(ids)
    return given_up


def reconcile() -> int:
    """Mark settlements as due that say another sum than their rows; how many those were. There are none.

    The last net below money: should a settlement ever be slept through, its hold is open for an hour and not for ever.
    """
    with atomic() as current:
        found = current.execute(SLEPT_THROUGH, {"refused": list(REFUSED)}).all()
    for dispatch_id, no in found:
        log.error("the settlement of chunk %s/%s was slept through", dispatch_id, no)
    return len(found)


def settle_due(*, unfinished_too: bool = False) -> int:
    """Settle all chunks that are due; how many that were.

    Chunks still being worked on are left for later, unless `unfinished_too`: money does not move in driblets.
    """
    settled = 0
    query = (
        select(Settlement.tenant_id, Settlement.dispatch_id, Settlement.no)
        .join(Chunk, (Chunk.dispatch_id == Settlement.dispatch_id) & (Chunk.no == Settlement.no))
        .join(Dispatch, Dispatch.id == Settlement.dispatch_id)
        .where(Settlement.due)
        .order_by(Settlement.dispatch_id, Settlement.no)
        .limit(1_000)
    )
    if not unfinished_too:
        query = query.where(or_(Chunk.status == "done", Dispatch.status == "finished"))
    for tenant_id, dispatch_id, no in session().execute(query).all():
        if stopping.is_set():
            break
        _settle(tenant_id, dispatch_id, no)
        settled += 1
    return settled


def _settle(tenant_id: UUID, dispatch_id: UUID, no: int) -> None:
    with atomic() as current:
        ledger.lock_account(tenant_id)
        due = current.scalar(
            select(Settlement)
            .where(Settlement.dispatch_id == dispatch_id, Settlement.no == no, Settlement.due)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if due is None:
            return
        chunk = current.get_one(Chunk, (dispatch_id, no))
        sums = current.execute(
            SUMS,
            {
                "dispatch_id": dispatch_id,
                "first_id": chunk.first_id,
                "last_id": chunk.last_id,
                "no": no,
                "refused": list(REFUSED),
            },
        ).one()
        capture, release = int(sums.captured) - due.captured, int(sums.released) - due.released
        due.due, due.times = False, due.times + 1
        if not capture and not release:
            return
        due.captured, due.released = due.captured + capture, due.released + release
        current.flush()
        hold = ledger.settle(
            due.tenant_id,
            due.dispatch_id,
            capture=capture,
            release=release,
            key=f"{dispatch_id}:{no}:{due.times}",
        )
        current.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch_id)
            .values(
                cost_micros=Dispatch.cost_micros + capture,
                released_micros=Dispatch.released_micros + release,
                settled_at=now() if hold.closed_at else None,
                updated_at=now(),
            )
        )
        crashpoint("chunk_settled")
