"""Nothing is burned against what is broken: a carrier that fails is left alone, a campaign that fails is held back.

A carrier: each worker counts its own calls of the last WINDOW_S seconds. Where at least CALLS of them failed, and
half of all, or none went well for STUCK_S (a carrier that hangs lets nobody fail often), the carrier is paused for
everybody (a row of `carrier_states`): 2 s, then twice as long each time, up to half a minute. A refusal of our account
(`config`) pauses it at once, half a minute at a time. When the pause is over one worker probes with a few messages:
taken, the pause ends for all; not, it goes on. The operator is told by the log and by `/health/ready`. A call failed
where most of it was `unknown`, `retryable` or `config`: what a person's phone or number is at fault for does not count.

A campaign: of what was handed over lately, MESSAGES at least, more than half was refused (an unclear answer is the
carrier's fault, and pauses that), or of all that was handed over more than half did not arrive, as the receipts say
(`look`): its dispatch is paused and says so in `halted`; the tenant decides (see `campaigns.halting`). Once somebody
has let it go on it is not stopped again.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from time import monotonic
from uuid import UUID

from sqlalchemy import delete, func, text, update

from sintalk.carriers.base import Outcome, SubmitResult
from sintalk.db import atomic, now, session
from sintalk.messages.models import CarrierState, Dispatch
from sintalk.queue import enqueue

log = logging.getLogger(__name__)

#: A carrier: calls that failed, in so many seconds.
CALLS, WINDOW_S = 5, 60.0
#: And none that went well, for so long: two calls that nobody answered are more.
STUCK_S = 15.0
#: A campaign: messages that were handed over, and the part of them that fails.
MESSAGES, PART = 200, 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0
#: How many messages a probe takes.
PROBE = 10

BROKEN = (Outcome.UNKNOWN, Outcome.RETRYABLE, Outcome.CONFIG)
FAILED = (Outcome.PERMANENT,)
#: Dispatches that a process counts for at the most.
KNOWN = 1_000

#: Nothing where it was paused by somebody else meanwhile.
OPEN = text("""
    INSERT INTO carrier_states AS s (carrier, reason, since, until, times)
    VALUES (:carrier, :reason, clock_timestamp(), clock_timestamp() + make_interval(secs => :first), 1)
        ON CONFLICT (carrier) DO UPDATE SET reason = excluded.reason, times = s.times + 1,
           until = clock_timestamp() + make_interval(secs => least(:longest, :first * power(2, least(s.times, 10))))
     WHERE s.until <= clock_timestamp() OR :probing
 RETURNING until
""")
GO_ON = text("""
    UPDATE dispatches SET turn_at = clock_timestamp()
     WHERE id IN (SELECT id FROM dispatches WHERE carrier = :carrier AND status = 'ready'
                     AND turn_at > clock_timestamp() AND turn_at <= :latest FOR NO KEY UPDATE SKIP LOCKED)
""")

#: What more than this part of did not arrive, and which may still be stopped.
FAILING = text("""
    SELECT id FROM dispatches
     WHERE status = 'ready' AND lane IS NULL AND queued > 0 AND coalesce(halted, 'overdue') = 'overdue'
       AND sent + delivered + read + not_delivered + error + unknown >= :messages
       AND not_delivered + error > (sent + delivered + read + not_delivered + error + unknown) * :part
     ORDER BY id
""")

_lock = threading.Lock()
_calls: defaultdict[str, deque[tuple[float, bool]]] = defaultdict(deque)
_counted: OrderedDict[UUID, tuple[int, int]] = OrderedDict()


def note(carrier: str, answers: Sequence[SubmitResult], *, probing: bool) -> None:
    """A call of the carrier came back with this. No transaction is open."""
    refused = any(answer.outcome is Outcome.CONFIG for answer in answers)
    broken = sum(1 for answer in answers if answer.outcome in BROKEN) * 2 > len(answers)
    if probing and not broken and not refused:
        _close(carrier)
    elif refused or probing or _too_many(carrier, broken):
        reason = next((a.error_code for a in answers if a.outcome in BROKEN and a.error_code), "no_word")
        _open(carrier, reason, at_once=refused, probing=probing)


def note_of(dispatch_id: UUID, answers: Sequence[SubmitResult]) -> None:
    """A campaign's messages were answered so. No transaction is open."""
    bad = sum(1 for answer in answers if answer.outcome in FAILED)
    told = sum(1 for answer in answers if answer.outcome in FAILED or answer.outcome is Outcome.ACCEPTED)
    with _lock:
        failed, total = _counted.pop(dispatch_id, (0, 0))
        failed, total = failed + bad, total + told
        stop = total >= MESSAGES and failed > total * PART
        if total < 2 * MESSAGES and not stop:  # then it begins anew: what is old says nothing of now
            _counted[dispatch_id] = failed, total
        if len(_counted) > KNOWN:
            _counted.popitem(last=False)
    if stop:
        halt(dispatch_id, "too_many_failures")


def look() -> int:
    """Hold back the campaigns whose receipts say that they fail; how many those were. For the sweeper."""
    failing = session().scalars(FAILING, {"messages": MESSAGES, "part": PART}).all()
    for dispatch_id in failing:
        halt(dispatch_id, "too_many_failures")
    return len(failing)


def halt(dispatch_id: UUID, reason: str) -> None:
    """Hold a campaign back until somebody says that it may go on; for what became of its messages, once."""
    halting = update(Dispatch).where(Dispatch.id == dispatch_id, Dispatch.status == "ready")
    if reason != "overdue":  # and an outage said nothing of failures
        halting = halting.where(func.coalesce(Dispatch.halted, "overdue") == "overdue")
    halting = halting.values(status="paused", halted=reason, updated_at=now())
    with atomic() as current:
        halted = current.execute(halting.execution_options(synchronize_session=False))
        if halted.rowcount:  # type: ignore[attr-defined]
            log.warning("dispatch %s is held back: %s", dispatch_id, reason)
            enqueue("sintalk.campaigns.jobs.hold_halted")


def may_probe(carrier: str) -> bool:
    """The pause is over: whether it is for us to see if the carrier is well. The others wait for what comes of it."""
    with atomic() as current:
        mine = current.execute(
            update(CarrierState)
            .where(CarrierState.carrier == carrier, CarrierState.until <= now())
            .values(until=now() + timedelta(seconds=LONGEST_PAUSE_S))
        )
    return bool(mine.rowcount)  # type: ignore[attr-defined]


def forget() -> None:
    """What this process has counted so far. For tests."""
    with _lock:
        _calls.clear()
        _counted.clear()


def _too_many(carrier: str, broken: bool) -> bool:
    moment = monotonic()
    with _lock:
        calls = _calls[carrier]
        calls.append((moment, broken))
        while calls[0][0] < moment - WINDOW_S:
            calls.popleft()
        failed = sum(1 for _, bad in calls if bad)
        in_a_row = [since for since, _ in takewhile(lambda call: call[1], reversed(calls))]
        stuck = broken and moment - in_a_row[-1] >= STUCK_S
        tripped = stuck or (broken and failed >= CALLS and failed * 2 >= len(calls))
        if tripped:
            calls.clear()
    return tripped


def _open(carrier: str, reason: str, *, at_once: bool, probing: bool) -> None:
    first = LONGEST_PAUSE_S if at_once else FIRST_PAUSE_S
    asked = {
        "carrier": carrier,
        "reason": reason,
        "first": first,
        "probing": probing,
        "longest": LONGEST_PAUSE_S,
    }
    with atomic() as current:
        until = current.scalar(OPEN, asked)
    if until is not None:
        log.error("carrier %s is left alone until %s: %s", carrier, until, reason)


def _close(carrier: str) -> None:
    with atomic() as current:
        gone = current.execute(delete(CarrierState).where(CarrierState.carrier == carrier))
        current.execute(GO_ON, {"carrier": carrier, "latest": now() + timedelta(seconds=LONGEST_PAUSE_S)})
        enqueue("sintalk.messages.jobs.drain")
    if gone.rowcount:  # type: ignore[attr-defined]
        log.warning("carrier %s is well again", carrier)
