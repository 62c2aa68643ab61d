"""The counters of a dispatch move in the same transaction as its rows, by relative updates only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from sintalk.db import straight
from sintalk.messages.states import STATUSES
from sintalk.queue import enqueue

#: On its way, or held back with its money held: what was paused with its last messages in the air ends by itself.
_OUT = "(status = 'ready' OR (status = 'paused' AND ready_at IS NOT NULL))"
#: Finished is what has nothing queued or sending any more; said by the very update that makes it true.
MOVE = (
    "UPDATE dispatches SET "  # noqa: S608 - the names are our own
    + ", ".join(f"{name} = {name} + CAST(%({name})s AS integer)" for name in STATUSES)
    + f""", total = total + CAST(%(total)s AS integer), updated_at = clock_timestamp(),
       served_at = CASE WHEN %(served)s THEN clock_timestamp() ELSE served_at END,
       left_at = CASE WHEN %(taken)s THEN clock_timestamp() ELSE left_at END,
       status = CASE WHEN {_OUT} AND queued + CAST(%(queued)s AS integer) = 0
                          AND sending + CAST(%(sending)s AS integer) = 0 THEN 'finished' ELSE status END,
       finished_at = CASE WHEN {_OUT} AND queued + CAST(%(queued)s AS integer) = 0
                          AND sending + CAST(%(sending)s AS integer) = 0 THEN clock_timestamp() ELSE finished_at END
     WHERE id = %(id)s RETURNING status, campaign_id"""
)
#: The same for what is let go on with nothing left.
FINISH = text("""
    UPDATE dispatches SET status = 'finished', finished_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = :id AND status = 'ready' AND queued = 0 AND sending = 0
""")


def move(dispatch_id: UUID, steps: Iterable[tuple[str | None, str]]) -> None:
    """Count steps (status before, status after); `None` before is a new row.

    The last statement of its transaction: it takes the lock that every worker of this dispatch needs.
    """
    change: Counter[str] = Counter()
    total = 0
    served = taken = False
    for before, after in steps:
        change[after] += 1
        if before is None:
            total += 1
        else:
            change[before] -= 1
            served = served or before == "queued"
            taken = taken or (before == "sending" and after not in ("queued", "unknown"))
    if not total and not any(change.values()):
        return
    values = {name: change[name] for name in STATUSES}
    moved = straight(MOVE, {**values, "total": total, "served": served, "taken": taken, "id": dispatch_id})
    if moved.status == "finished" and moved.campaign_id is not None:
        enqueue("sintalk.campaigns.jobs.close_finished")
