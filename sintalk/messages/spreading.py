"""Not all at once: a campaign that leaves evenly over some hours, and one that a few people get first.

Both are a matter of when its chunks are due. `spread_minutes`: the chunks are due one after the other, each small
enough that there are two a minute, where there are so many people. Canary: the first chunks hold one in a hundred,
FEW at least; the others are due NEVER, until the sweeper has judged those (`judge`): when all of them are answered,
or after WAIT. With a part of FAILURES that did not get it the campaign is held back, with the figures in `canary`:
`{"chunks", "people", "failed"?, "passed"?}`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from sintalk.db import atomic, now, session
from sintalk.messages.filling import CHUNK, Draft, Piece, piece
from sintalk.messages.models import Dispatch
from sintalk.messages.turns import NEVER
from sintalk.queue import enqueue

#: Chunks a minute, where the people are enough.
A_MINUTE = 2
#: One in a hundred people are tried first, and so many at least; with fewer than ENOUGH people there is no point.
SHARE, FEW, ENOUGH = 100, 20, 100
#: How long receipts of the first are waited for.
WAIT = timedelta(minutes=5)
#: More of them than this part, and than so many, who did not get it: the others are not tried.
FAILURES, FAILED_AT_LEAST = 0.2, 3

#: The chunks from `first` on, evenly over so many seconds.
STAGGER = text("""
    UPDATE chunks c
       SET due_at = CAST(:begin AS timestamptz)
           + make_interval(secs => CAST(:seconds AS double precision)
                                   * (c.no - :first) / greatest(d.chunks - :first, 1))
      FROM dispatches d
     WHERE d.id = :id AND c.dispatch_id = d.id AND c.no >= :first AND c.status = 'open'
""")
#: What should have left while nothing could does not leave in one go: the rest keeps its distances.
SHIFT = text("""
    UPDATE chunks c SET due_at = c.due_at + (clock_timestamp() - first.due_at)
      FROM (SELECT min(due_at) AS due_at FROM chunks
             WHERE dispatch_id = :id AND status = 'open' AND lease_until IS NULL AND held IS NULL) AS first
     WHERE c.dispatch_id = :id AND c.status = 'open' AND c.lease_until IS NULL AND c.held IS NULL
       AND c.due_at < :never
       AND first.due_at < clock_timestamp()
""")
#: What became of the first so many chunks' people.
FIRST = text("""
    SELECT count(*) FILTER (WHERE status IN ('not_delivered', 'error', 'unknown')) AS failed,
           count(*) FILTER (WHERE status IN ('queued', 'sending')) AS waiting,
           count(*) FILTER (WHERE status = 'sent') AS unanswered,
           count(*) FILTER (WHERE status NOT IN ('suppressed', 'canceled')) AS people
      FROM notifications
     WHERE dispatch_id = :id AND chunk_no < :chunks
       AND id <= (SELECT last_id FROM chunks WHERE dispatch_id = :id AND no = :chunks - 1)
""")
JUDGED = text("""
    UPDATE dispatches
       SET canary_until = NULL, canary = canary || CAST(:figures AS jsonb), updated_at = clock_timestamp(),
           status = CASE WHEN :passed THEN status ELSE 'paused' END,
           halted = CASE WHEN :passed THEN halted ELSE 'canary_failed' END
     WHERE id = :id AND status = 'ready' AND canary_until IS NOT NULL
 RETURNING id
""")


def plan(people: int, *, spread_minutes: int | None, canary: bool) -> dict[str, Any]:
    """How a dispatch for about so many people is cut: `chunk_size`, `canary`, `spread_minutes`."""
    size = CHUNK
    if spread_minutes:
        pieces = ceil(CHUNK / max(1, min(CHUNK, ceil(people / (spread_minutes * A_MINUTE)))))
        size = ceil(CHUNK / pieces)  # so that a page of the audience makes equal chunks
    first = max(FEW, ceil(people / SHARE))
    tried = {"chunks": max(1, first // size), "people": first} if canary and people >= ENOUGH else None
    return {"chunk_size": size, "canary": tried, "spread_minutes": spread_minutes}


def cut(dispatch: Dispatch, drafts: Sequence[Draft], *, no: int, template_id: UUID | None) -> list[Piece]:
    """A page of recipients in chunks of the dispatch's size, the first of them its chunk `no`. Touches nothing."""
    pieces = []
    place = 0
    while place < len(drafts):
        size = dispatch.chunk_size
        if dispatch.canary and no < dispatch.canary["chunks"]:
            size = min(size, dispatch.canary["people"])
        pieces.append(piece(dispatch, no, drafts[place : place + size], template_id=template_id))
        place, no = place + size, no + 1
    return pieces


def begin(dispatch: Dispatch, moment: datetime) -> None:
    """Its money is held: say when each chunk is due. In the caller's transaction, the dispatch locked."""
    if dispatch.canary and dispatch.canary["chunks"] < dispatch.chunks:
        hold = text(
            "UPDATE chunks SET due_at = :never WHERE dispatch_id = :id AND no >= :first AND status = 'open'"
        )
        asked = {"id": dispatch.id, "first": dispatch.canary["chunks"], "never": NEVER}
        session().execute(hold, asked)
        dispatch.canary_until = moment + WAIT
    elif dispatch.spread_minutes:
        _stagger(dispatch, moment, first=0)


def resume(dispatch: Dispatch) -> None:
    """Somebody lets it go on. In the caller's transaction."""
    if dispatch.halted == "canary_failed":
        _let_go(dispatch)
    elif dispatch.spread_minutes:
        session().execute(SHIFT, {"id": dispatch.id, "never": NEVER})


def judge() -> int:
    """Look at the campaigns that a few people got first; how many were decided. For the sweeper."""
    waiting = select(Dispatch.id).where(Dispatch.canary_until.is_not(None), Dispatch.status == "ready")
    return sum(_judge(dispatch_id) for dispatch_id in session().scalars(waiting.limit(100)).all())


def _judge(dispatch_id: UUID) -> bool:
    with atomic() as current:
        dispatch = current.get_one(Dispatch, dispatch_id, populate_existing=True)
        if dispatch.canary is None or dispatch.canary_until is None:
            return False
        seen = current.execute(FIRST, {"id": dispatch_id, "chunks": dispatch.canary["chunks"]}).one()
        failed = seen.failed >= FAILED_AT_LEAST and seen.failed > FAILURES * seen.people
        answered = not seen.waiting and (not seen.unanswered or now() >= dispatch.canary_until)
        if not (failed or answered):
            return False
        figures = json.dumps({"people": seen.people, "failed": seen.failed, "passed": not failed})
        judged = {"id": dispatch_id, "figures": figures, "passed": not failed}
        if current.scalar(JUDGED, judged) is None:
            return False
        if failed:
            enqueue("sintalk.campaigns.jobs.hold_halted")
        else:
            _let_go(dispatch)
            enqueue("sintalk.messages.jobs.drain")
    return True


def _let_go(dispatch: Dispatch) -> None:
    assert dispatch.canary is not None
    first = dispatch.canary["chunks"]
    if dispatch.spread_minutes:
        _stagger(dispatch, now(), first=first)
        return
    go = text(
        "UPDATE chunks SET due_at = clock_timestamp() WHERE dispatch_id = :id AND no >= :first AND due_at = :never"
    )
    session().execute(go, {"id": dispatch.id, "first": first, "never": NEVER})


def _stagger(dispatch: Dispatch, moment: datetime, *, first: int) -> None:
    assert dispatch.spread_minutes is not None
    seconds = dispatch.spread_minutes * 60
    session().execute(STAGGER, {"id": dispatch.id, "begin": moment, "seconds": seconds, "first": first})
