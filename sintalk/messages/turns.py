"""Whose turn it is: the next chunk to send, taken by one statement whose work does not grow with what waits.

Tenants take turns, whatever the size of their campaigns: the one whose last turn is longest ago is next, and of its
campaigns the one that was longest not served. The dispatches that are `ready` stand in line by `turn_at` (an index).
One that has no chunk due, because its chunks wait for their time or are all with workers, is put off: its `turn_at`
is when the first of them is due, or NEVER. Two triggers (migration 0013) take it back into the line: where it has
more queued or becomes ready, and where a chunk comes back or is due earlier. Nobody else needs to know of the line.

What is read of the line is its first WINDOW dispatches. Where a tenant had its turn since one of them lined up, that
one's place is later than it says (`key`); where the window is full of such, they are moved back there, and the next
are read. Putting off skips whatever somebody holds or has touched since it was read, so nobody waits for it and
nothing that just came is missed.

Single sends come before campaigns, but for one claim in BULK_FIRST.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from sintalk.db import atomic, now, session

#: Longer than any carrier call may take, since nothing renews it meanwhile.
LEASE = timedelta(seconds=30)
#: How much of the line one look reads, and how many looks a claim takes where nothing of it can be had.
WINDOW, LOOKS = 50, 10
#: Every so many claims of a process campaigns come before single sends, so that these do not stop them.
BULK_FIRST = 4
#: Not before somebody says so.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_claims = count(1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that is ours until its lease ends or its fence moves on."""

    dispatch_id: UUID
    no: int
    tenant_id: UUID
    first_id: UUID
    last_id: UUID
    fence: int
    setbacks: int
    channel: str
    carrier: str
    single: bool


def _claim_statement(kind: str) -> str:
    # The outer order is kept: a LATERAL that depends on each row is a nested loop, which the LIMIT stops.
    return f"""
    WITH heads AS MATERIALIZED (
      SELECT d.id, d.tenant_id, d.channel, d.carrier, d.turn_at, d.updated_at AS seen, d.served_at,
             greatest(d.turn_at, t.last_turn_at) AS key
        FROM dispatches d LEFT JOIN dispatch_turns t ON t.tenant_id = d.tenant_id AND t.single = :single
       WHERE d.status = 'ready' AND d.lane {kind} AND d.turn_at <= :moment
       ORDER BY d.turn_at, d.id LIMIT {WINDOW}
    ), line AS MATERIALIZED (
      SELECT *, row_number() OVER (ORDER BY key, served_at NULLS FIRST, id) AS place FROM heads
       WHERE key <= (SELECT CASE WHEN count(*) = {WINDOW} THEN max(turn_at) ELSE 'infinity' END FROM heads)
    ), found AS MATERIALIZED (
      SELECT line.id, line.place, c.no FROM (SELECT * FROM line ORDER BY place) AS line CROSS JOIN LATERAL (
        SELECT no FROM chunks
         WHERE dispatch_id = line.id AND status = 'open' AND lease_until IS NULL AND due_at <= :moment
         ORDER BY due_at, no LIMIT 1 FOR UPDATE SKIP LOCKED) AS c
       LIMIT 1
    ), taken AS (
      UPDATE chunks c SET fence = c.fence + 1, lease_until = :lease_until
        FROM found WHERE c.dispatch_id = found.id AND c.no = found.no
   RETURNING c.dispatch_id, c.no, c.tenant_id, c.first_id, c.last_id, c.fence, c.setbacks
    ), turned AS (
      INSERT INTO dispatch_turns AS t (tenant_id, single, last_turn_at)
      SELECT tenant_id, :single, :moment FROM taken
          ON CONFLICT (tenant_id, single) DO UPDATE SET last_turn_at = greatest(t.last_turn_at, excluded.last_turn_at)
    )
    SELECT heads.id, heads.seen, heads.key, heads.key > heads.turn_at AS behind,
           line.place IS NOT NULL AND line.place < coalesce((SELECT place FROM found), {WINDOW + 1}) AS idle,
           heads.channel, heads.carrier,
           taken.no, taken.tenant_id, taken.first_id, taken.last_id, taken.fence, taken.setbacks
      FROM heads LEFT JOIN line ON line.id = heads.id LEFT JOIN taken ON taken.dispatch_id = heads.id
     ORDER BY heads.id
    """  # noqa: S608 - the only things put in are our own words and numbers


CLAIM = {single: text(_claim_statement(f"IS {'NOT ' * single}NULL")) for single in (True, False)}
PUT_OFF = text("""
    WITH mine AS (
      SELECT d.id, l.key, l.idle FROM dispatches d
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:seen AS timestamptz[]), CAST(:keys AS timestamptz[]),
                    CAST(:idle AS boolean[])) AS l(id, seen, key, idle) ON l.id = d.id
       WHERE d.status = 'ready' AND (NOT l.idle OR d.updated_at = l.seen)
       ORDER BY d.id FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    UPDATE dispatches d
       SET turn_at = CASE WHEN mine.idle THEN coalesce((
             SELECT min(c.due_at) FROM chunks c
              WHERE c.dispatch_id = d.id AND c.status = 'open' AND c.lease_until IS NULL), :never)
           ELSE greatest(d.turn_at, mine.key) END
      FROM mine WHERE d.id = mine.id
""")
LEAVE_ALONE = text("""
    UPDATE dispatches SET turn_at = :until, updated_at = clock_timestamp() WHERE id = :id AND status = 'ready'
""")
ANYTHING_DUE = text("""
    SELECT EXISTS (
      SELECT FROM dispatches d
       WHERE d.status = 'ready' AND d.turn_at <= :moment AND EXISTS (
         SELECT FROM chunks c WHERE c.dispatch_id = d.id AND c.status = 'open' AND c.lease_until IS NULL
            AND c.due_at <= :moment))
""")


def claim() -> Claim | None:
    """Take the next due chunk, of the tenant whose last turn is longest ago. None where nothing is due."""
    single_first = next(_claims) % BULK_FIRST != 0
    return _claim(single=single_first) or _claim(single=not single_first)


def anything_due() -> bool:
    """Whether a worker would find a chunk now."""
    return bool(session().scalar(ANYTHING_DUE, {"moment": now()}))


def leave_alone(dispatch_id: UUID, until: datetime) -> None:
    """Nothing of it can leave before then, whatever is due. The last statement of its transaction."""
    session().execute(LEAVE_ALONE, {"id": dispatch_id, "until": until})


def _claim(*, single: bool) -> Claim | None:
    for _ in range(LOOKS):
        with atomic() as current:
            moment = now()
            asked = {"single": single, "moment": moment, "lease_until": moment + LEASE}
            heads = current.execute(CLAIM[single], asked).all()
            _put_off(heads)
        for head in heads:
            if head.no is not None:
                return Claim(
                    head.id,
                    head.no,
                    head.tenant_id,
                    head.first_id,
                    head.last_id,
                    head.fence,
                    head.setbacks,
                    head.channel,
                    head.carrier,
                    single,
                )
        if len(heads) < WINDOW:
            break
    return None


def _put_off(heads: list[Row[Any]] | Any) -> None:
    full = len(heads) == WINDOW
    moved = [head for head in heads if head.idle or (full and head.behind)]
    if moved:
        asked = {
            "ids": [head.id for head in moved],
            "seen": [head.seen for head in moved],
            "keys": [head.key for head in moved],
            "idle": [head.idle for head in moved],
            "never": NEVER,
        }
        session().execute(PUT_OFF, asked)
