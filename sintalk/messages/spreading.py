"""Not all at once: a campaign that leaves evenly over some hours, and one that a few people get first.

Both are a matter of when its chunks are due. `spread_minutes`: the chunks are due one after the other, each small
enough that there are two a minute, where there are so many people. Canary: the first chunks hold one in a hundred,
FEW at least; the others are due NEVER, until the sweeper has judged those (`judge`): when all of them are answered,
or WAIT after the last of them left, whenever their hours or somebody's word let it. With a part of FAILURES that did
not get it the campaign is held back, with the figures in `canary`: `{"chunks", "people", "failed"?, "passed"?}`.

What was due while nothing could leave (hours, a pause) does not leave in one go afterwards: the chunks keep their
distance from there on, by their place among those that are left, whatever their numbers.
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
from sintalk.messages.models import Chunk, Dispatch
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

#: The first chunk of a dispatch `d` that is spread: those of a canary leave before.
FROM = """(CASE WHEN CAST(d.canary ->> 'chunks' AS integer) < d.chunks
                THEN CAST(d.canary ->> 'chunks' AS integer) ELSE 0 END)"""
#: Seconds from one of those to the next.
STEP = f"(d.spread_minutes * 60.0 / greatest(1, d.chunks - {FROM}))"
#: The chunks from `first` on, one after the other.
STAGGER = text(f"""
    UPDATE chunks c
       SET due_at = CAST(:begin AS timestamptz) + make_interval(secs => {STEP} * (c.no - :first)), since = NULL
      FROM dispatches d
     WHERE d.id = :id AND c.dispatch_id = d.id AND c.no >= :first AND c.status = 'open'
""")  # noqa: S608 - the only thing put in is our own
#: All that wait for their time, one after the other and none earlier than it is due already, the first of them
#: `place` steps after `begin`; not chunk `but`. Who works on one of them sees to it himself.
SPACE = f"""
    WITH mine AS (
      SELECT c.no, c.due_at FROM chunks c JOIN dispatches d ON d.id = c.dispatch_id
       WHERE d.id = :id AND c.no >= {FROM} AND c.no <> :but AND c.status = 'open' AND c.lease_until IS NULL
         AND c.due_at < :never
       ORDER BY c.no FOR UPDATE OF c SKIP LOCKED
    ), line AS (
      SELECT no, row_number() OVER (ORDER BY greatest(due_at, CAST(:begin AS timestamptz)), no) - 1 AS place FROM mine
    )
    UPDATE chunks c
       SET due_at = greatest(c.due_at,
             CAST(:begin AS timestamptz) + make_interval(secs => {STEP} * (line.place + :place))), since = NULL
           {{more}}
      FROM dispatches d, line
     WHERE d.id = :id AND c.dispatch_id = d.id AND c.no = line.no
"""  # noqa: S608 - the only thing put in is our own
GO_ON = text(SPACE.format(more=""))
#: Held with all the others, though nobody looked at them: so that other rules let them go as well (`holding.wake`).
HELD_TOO = text(SPACE.format(more=", held = coalesce(c.held, '{}'), held_version = :version"))
#: How far a chunk that waits for this opening comes after the first one that does, in seconds; and whether others
#: would be tried before it in vain.
BEHIND = text(f"""
    SELECT {STEP} * (SELECT count(*) FROM chunks
                      WHERE dispatch_id = d.id AND held IS NOT NULL AND status = 'open' AND held ? :opening
                        AND no >= {FROM} AND no < :no) AS seconds,
           EXISTS (SELECT FROM chunks
                    WHERE dispatch_id = d.id AND no <> :no AND status = 'open' AND lease_until IS NULL
                      AND due_at < CAST(:opening AS timestamptz)) AS in_vain
      FROM dispatches d WHERE d.id = :id AND d.spread_minutes IS NOT NULL
""")  # noqa: S608 - the only thing put in is our own
#: What became of the first so many chunks' people.
FIRST = text("""
    SELECT count(*) FILTER (WHERE status IN ('not_delivered', 'error', 'unknown')) AS failed,
           count(*) FILTER (WHERE status IN ('queued', 'sending')) AS waiting,
           count(*) FILTER (WHERE status = 'sent') AS unanswered,
           count(*) FILTER (WHERE status NOT IN ('suppressed', 'canceled')) AS people,
           max(sending_at) AS last_at
      FROM notifications
     WHERE dispatch_id = :id AND chunk_no < :chunks
       AND id <= (SELECT last_id FROM chunks WHERE dispatch_id = :id AND no = :chunks - 1)
""")
WAIT_ON = text("UPDATE dispatches SET canary_until = :until WHERE id = :id AND canary_until < :until")
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
    chunks = ceil(first / size)
    tried = (
        {"chunks": chunks, "people": chunks * ceil(first / chunks)} if canary and people >= ENOUGH else None
    )
    return {"chunk_size": size, "canary": tried, "spread_minutes": spread_minutes}


def cut(dispatch: Dispatch, drafts: Sequence[Draft], *, no: int, template_id: UUID | None) -> list[Piece]:
    """A page of recipients in chunks of the dispatch's size, the first of them its chunk `no`. Touches nothing."""
    pieces = []
    place = 0
    while place < len(drafts):
        some = drafts[place : place + dispatch.chunk_size]
        if dispatch.canary and no < dispatch.canary["chunks"]:
            some = _tried(some, dispatch.canary["people"] // dispatch.canary["chunks"])
        pieces.append(piece(dispatch, no, some, template_id=template_id))
        place, no = place + len(some), no + 1
    return pieces


def _tried(drafts: Sequence[Draft], people: int) -> Sequence[Draft]:
    """The first of these with so many who are written to: who is left out shows nothing."""
    good = [place for place, draft in enumerate(drafts) if draft.error_code is None]
    return drafts[: good[people - 1] + 1] if len(good) >= people else drafts


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
    untried = select(Chunk.no).where(Chunk.dispatch_id == dispatch.id, Chunk.due_at == NEVER)
    if dispatch.halted == "canary_failed" and session().scalar(untried.limit(1)) is not None:
        _let_go(dispatch)
    elif dispatch.spread_minutes:
        session().execute(GO_ON, {"id": dispatch.id, "but": -1, "begin": now(), "place": 0, "never": NEVER})


def after_opening(chunk: Chunk, opening: datetime, *, version: int, nobody: bool) -> datetime:
    """When a chunk whose people's hours begin then is due: as far after it as its place among the others wants.

    `nobody`: nobody at all may be written to before then, by the rules of this version; so the chunks after it wait
    as well. In the caller's transaction, the chunk locked.
    """
    asked = {"id": chunk.dispatch_id, "no": chunk.no, "opening": opening.isoformat()}
    behind = session().execute(BEHIND, asked).one_or_none()
    if behind is None:
        return opening
    due = opening + timedelta(seconds=float(behind.seconds))
    if nobody and behind.in_vain:
        then = {"id": chunk.dispatch_id, "but": chunk.no, "begin": due, "place": 1, "never": NEVER}
        session().execute(HELD_TOO, {**then, "version": version})
    return due


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
        until = dispatch.canary_until
        if seen.last_at is not None:
            until = max(until, seen.last_at + WAIT)
        answered = not seen.waiting and (not seen.unanswered or now() >= until)
        if not (failed or answered):
            if until > dispatch.canary_until:
                current.execute(WAIT_ON, {"id": dispatch_id, "until": until})
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
    session().execute(STAGGER, {"id": dispatch.id, "begin": moment, "first": first})
