"""After a worker's death: its chunks go back, and what it may have sent is marked so.

A message in `sending` under a lease that ran out may or may not be with the carrier. Where the carrier takes
our id only once, it is queued again under the same id; anywhere else, and where its dispatch was canceled
meanwhile, it becomes `unknown` and waits for a receipt or a look-up (`asking`). It is never sent again blindly.
"""

from __future__ import annotations

from uuid import UUID

from flask import current_app
from sqlalchemy import select, text, update

from sintalk.carriers import registry
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session
from sintalk.messages import results, tally, telling
from sintalk.messages.models import Chunk, Dispatch
from sintalk.messages.trail import noted
from sintalk.queue import enqueue

FREE = text(f"""
    WITH lost AS (
      SELECT id FROM notifications
       WHERE dispatch_id = :dispatch_id AND id BETWEEN :first_id AND :last_id AND chunk_no = :no
         AND status = 'sending'
       ORDER BY id FOR UPDATE
    )
    UPDATE notifications n
       SET status = :status, error_code = :error, unclear = true, updated_at = clock_timestamp(),
           trail = {noted("'worker_lost'")}
      FROM lost WHERE n.id = lost.id
 RETURNING n.id
""")  # noqa: S608 - the only thing put in is our own


def reap() -> int:
    """Free all chunks whose lease ran out; how many that were."""
    freed = 0
    while _reap_one():
        freed += 1
    return freed


def _reap_one() -> bool:
    with atomic() as current:
        chunk = current.scalar(
            select(Chunk)
            .where(Chunk.lease_until < now())
            .order_by(Chunk.lease_until)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if chunk is None:
            return False
        status, error = ("queued", None) if _may_ask_again(chunk.dispatch_id) else ("unknown", "worker_lost")
        freed = current.scalars(
            FREE,
            {
                "dispatch_id": chunk.dispatch_id,
                "first_id": chunk.first_id,
                "last_id": chunk.last_id,
                "no": chunk.no,
                "status": status,
                "error": error,
            },
        ).all()
        telling.tell(chunk.tenant_id, freed)
        current.execute(
            update(Chunk)
            .where(Chunk.dispatch_id == chunk.dispatch_id, Chunk.no == chunk.no)
            .values(lease_until=None, fence=Chunk.fence + 1)
        )
        results.settle_later(chunk.dispatch_id, [chunk.no])
        tally.move(chunk.dispatch_id, [("sending", status)] * len(freed))
        enqueue("sintalk.messages.jobs.drain")
        crashpoint("chunk_freed")
    return True


def _may_ask_again(dispatch_id: UUID) -> bool:
    carrier, status = (
        session().execute(select(Dispatch.carrier, Dispatch.status).where(Dispatch.id == dispatch_id)).one()
    )
    info = registry.get(carrier, current_app.config["SETTINGS"]).info
    return bool(info.idempotency == "client_id" and status != "canceled")
