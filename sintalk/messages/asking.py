"""What is `unknown` is looked up at the carriers that can say what they have of ours. Asking sends nothing.

What the carrier has was sent. What it has not is no answer at first: bytes that we gave up on may still be on their
way to it. After NEVER_CAME they are not, and then it is a definite no: the message is queued again under the same id,
and taken back from there where its dispatch was canceled. So each message is asked about soon after it became
unknown, and once more when the answer is final.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text

from sintalk.carriers import registry
from sintalk.carriers.base import Carrier, Found, Outcome, SubmitResult
from sintalk.config import ConfigError
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, release, session
from sintalk.messages import attempts, results, steering, tally
from sintalk.messages.models import Dispatch
from sintalk.messages.settling import FINAL_AFTER
from sintalk.messages.trail import noted
from sintalk.queue import stopping

#: A call begins within seconds of its intent or not at all (`dispatcher.CALL_WITHIN_S`) and gives up after 20 s
#: without a byte; what was written by then Linux tries to hand over for 924 s more (tcp(7), tcp_retries2).
NEVER_CAME = timedelta(minutes=20)
#: Asked from so long to so long after it became unknown: what the carrier has, it has by then.
SOON, AT_FIRST = timedelta(seconds=15), timedelta(minutes=2)
#: Messages read at once.
AT_ONCE = 200

UNKNOWN = text("""
    SELECT n.id, n.via, n.tenant_id, n.dispatch_id, n.chunk_no, d.carrier, n.sending_at,
           n.sending_at <= :gone AS gone
      FROM dispatches d JOIN notifications n ON n.dispatch_id = d.id AND n.marked = 'unknown'
     WHERE d.unknown > 0 AND d.carrier = ANY(CAST(:carriers AS text[])) AND n.id > :after
       AND (n.updated_at BETWEEN :first AND :soon OR n.sending_at BETWEEN :final AND :gone)
     ORDER BY n.id LIMIT :most
""")
#: It counts as never begun. What is older than FINAL_AFTER has its money back already and stays as it is.
QUEUE_AGAIN = text(f"""
    WITH mine AS (
      SELECT id FROM notifications
       WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'unknown' AND sending_at BETWEEN :final AND :gone
       ORDER BY id FOR UPDATE
    )
    UPDATE notifications n
       SET status = 'queued', unclear = false, error_code = NULL, sending_at = NULL, updated_at = clock_timestamp(),
           trail = {noted("'never_came'")}
      FROM mine WHERE n.id = mine.id
 RETURNING n.id
""")  # noqa: S608 - the only thing put in is our own


def ask() -> int:
    """Look up everything that is to be looked up now; how many messages were settled by it."""
    settled, after = 0, UUID(int=0)
    carriers = _carriers()
    while carriers and not stopping.is_set() and (rows := _unknown(list(carriers), after)):
        release()  # nothing is held while a carrier is asked
        for name in {row.carrier for row in rows}:
            mine = [row for row in rows if row.carrier == name]
            found = _asked(carriers[name], mine)
            if not found:
                del carriers[name]  # it says nothing now, so it is asked again later
            settled += _settle(mine, found)
        after = rows[-1].id
    return settled


def anything_to_ask() -> bool:
    """Whether there is a message to look up, and a carrier that can tell."""
    carriers = _carriers()
    return bool(carriers) and bool(_unknown(list(carriers), UUID(int=0), most=1))


def _carriers() -> dict[str, Carrier]:
    """Those that have messages of which nobody is sure, and can tell."""
    found = {}
    for name in session().scalars(select(Dispatch.carrier).where(Dispatch.unknown > 0).distinct()):
        with suppress(registry.UnknownCarrier, ConfigError):  # it is not set up here any more
            carrier = registry.get(name, current_app.config["SETTINGS"])
            if carrier.info.answers_queries:
                found[name] = carrier
    return found


def _unknown(carriers: Sequence[str], after: UUID, *, most: int = AT_ONCE) -> Sequence[Any]:
    asked = {
        **_bounds(),
        "first": now() - AT_FIRST,
        "soon": now() - SOON,
        "carriers": carriers,
        "after": after,
        "most": most,
    }
    return session().execute(UNKNOWN, asked).all()


def _bounds() -> dict[str, Any]:
    return {"gone": now() - NEVER_CAME, "final": now() - FINAL_AFTER}


def _asked(carrier: Carrier, rows: Sequence[Any]) -> dict[UUID, Found]:
    """What the carrier says of these messages, by their ids; empty where it says nothing."""
    ids = [attempts.id_of(row.id, second=row.via is not None) for row in rows]
    most = carrier.limits.max_batch
    found = [each for start in range(0, len(ids), most) for each in carrier.query(ids[start : start + most])]
    return {attempts.read(each.attempt_id)[0]: each for each in found}


def _settle(rows: Sequence[Any], found: dict[UUID, Found]) -> int:
    settled = 0
    for dispatch_id in sorted({row.dispatch_id for row in rows}):
        mine = [row for row in rows if row.dispatch_id == dispatch_id and row.id in found]
        settled += _taken(dispatch_id, [row for row in mine if found[row.id].has], found)
        settled += _never_came(dispatch_id, [row for row in mine if row.gone and not found[row.id].has])
    return settled


def _taken(dispatch_id: UUID, rows: Sequence[Any], found: dict[UUID, Found]) -> int:
    if not rows:
        return 0
    said = [found[row.id] for row in rows]
    answers = [SubmitResult(each.attempt_id, Outcome.ACCEPTED, each.carrier_message_id) for each in said]
    with atomic():
        # no fence is below 0: only what is still unknown moves
        steps = results.write(answers, tenant_id=rows[0].tenant_id, fence=-1, idempotent=False)
        results.settle_later(dispatch_id, {row.chunk_no for row in rows})
        tally.move(dispatch_id, steps)
        crashpoint("looked_up")
    return len(steps)


def _never_came(dispatch_id: UUID, rows: Sequence[Any]) -> int:
    if not rows:
        return 0
    with atomic() as current:
        since = min(row.sending_at for row in rows) + NEVER_CAME  # nobody could know it sooner
        steering.open_again(dispatch_id, {row.chunk_no for row in rows}, since=since)
        queued = current.execute(QUEUE_AGAIN, {**_bounds(), "ids": [row.id for row in rows]}).all()
        if queued:
            steering.send_again(dispatch_id)
        tally.move(dispatch_id, [("unknown", "queued")] * len(queued))
        crashpoint("looked_up")
    return len(queued)
