"""Writing down what a carrier answered, in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sintalk.carriers.base import Outcome, SubmitResult
from sintalk.db import compact, straight_all
from sintalk.messages import attempts, telling
from sintalk.messages.states import ATTEMPTS_AT_UNKNOWN, after_submit
from sintalk.messages.trail import noted

#: Only rows still in the `sending` of our own fence. An acceptance also settles an `unknown`: it may come late.
#: An RCS message that was refused goes back to the queue where an SMS can take over; money as in `charging`.
#: What the carrier said it did not take counts as never begun: `sending_at` is cleared, unless an attempt before may
#: have come through; where it only was too fast, it was no attempt.
WRITE = compact(f"""
    WITH answer AS (
      SELECT n.id, n.status AS before, a.ref, a.error, a.unclear, a.throttled, t.takes_over,
             n.price_micros - n.charged_micros - n.released_micros AS held,
             CASE WHEN t.takes_over THEN 'queued'
                  WHEN a.unclear AND a.status = 'queued' AND n.attempts >= {ATTEMPTS_AT_UNKNOWN} THEN 'unknown'
                  WHEN a.status = 'error' AND n.via IS NOT NULL AND NOT n.decided THEN 'not_delivered'
                  ELSE a.status END AS status,
             CASE WHEN t.takes_over THEN 'took_over'
                  WHEN a.unclear THEN 'no_answer'
                  WHEN a.throttled THEN 'too_fast'
                  WHEN a.status = 'queued' THEN 'not_taken'
                  WHEN n.status = 'unknown' AND %(fence)s < 0 THEN 'looked_up' END AS what
        FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(second)s AS boolean[]), CAST(%(statuses)s AS text[]),
                    CAST(%(refs)s AS text[]), CAST(%(errors)s AS text[]), CAST(%(unclear)s AS boolean[]),
                    CAST(%(throttled)s AS boolean[]))
               AS a(id, second, status, ref, error, unclear, throttled)
        JOIN notifications n ON n.id = a.id AND (n.via IS NOT NULL) = a.second
       CROSS JOIN LATERAL (
         SELECT n.channel = 'rcs' AND n.via IS NULL AND a.status IN ('error', 'not_delivered')
                AND coalesce(n.payload ? 'fallback', false)) AS t(takes_over)
       WHERE (n.status = 'sending' AND n.fence = %(fence)s) OR (n.status = 'unknown' AND a.status = 'sent')
       ORDER BY n.id FOR UPDATE OF n
    )
    UPDATE notifications n
       SET status = answer.status, error_code = answer.error, trail = {noted("answer.what")},
           carrier_message_id = coalesce(answer.ref, n.carrier_message_id),
           sent_at = CASE WHEN answer.status = 'sent' THEN clock_timestamp() ELSE n.sent_at END,
           via = CASE WHEN takes_over THEN 'sms' ELSE n.via END,
           attempts = CASE WHEN takes_over THEN 0 WHEN answer.throttled THEN greatest(n.attempts - 1, 0)
                           ELSE n.attempts END,
           unclear = NOT takes_over AND (n.unclear OR answer.unclear),
           decided = n.decided OR takes_over,
           charged_micros = n.charged_micros + CASE
             WHEN answer.status <> 'sent' THEN 0
             WHEN n.channel = 'sms' THEN held
             WHEN n.via = 'sms' THEN least(n.fallback_micros, held)
             ELSE 0 END,
           released_micros = n.released_micros + CASE
             WHEN takes_over THEN least(n.price_micros - n.fallback_micros, held)
             WHEN answer.status <> 'not_delivered' THEN 0
             WHEN n.via = 'sms' AND NOT n.decided THEN least(n.fallback_micros, held)
             ELSE held END,
           sending_at = CASE WHEN answer.status = 'queued' AND NOT (n.unclear OR answer.unclear) OR takes_over THEN NULL
                             ELSE n.sending_at END,
           updated_at = clock_timestamp()
      FROM answer WHERE n.id = answer.id
 RETURNING n.id, answer.before, answer.status
""")  # noqa: S608 - the only things put in are our own

#: Also where it is due already: that is being settled perhaps, from rows that did not show this yet, and then it is due
#: no more when that commits. So whoever settles is waited for.
SETTLE_LATER = compact("""
    UPDATE settlements SET due = true
     WHERE dispatch_id = %(dispatch_id)s AND no = ANY(CAST(%(nos)s AS integer[]))
""")


def write(
    answers: Sequence[SubmitResult], *, tenant_id: UUID, fence: int, idempotent: bool
) -> list[tuple[str | None, str]]:
    """Move the rows of these answers on; the steps that were taken, for the counters."""
    read = [attempts.read(answer.attempt_id) for answer in answers]
    parameters = {
        "ids": [message_id for message_id, _ in read],
        "second": [second for _, second in read],
        "statuses": [after_submit(answer.outcome, idempotent=idempotent) for answer in answers],
        "refs": [answer.carrier_message_id for answer in answers],
        "errors": [_error(answer) for answer in answers],
        "unclear": [answer.outcome is Outcome.UNKNOWN for answer in answers],
        "throttled": [answer.outcome is Outcome.THROTTLED for answer in answers],
        "fence": fence,
    }
    moved = straight_all(WRITE, parameters)
    telling.tell(tenant_id, [row.id for row in moved])
    return [(row.before, row.status) for row in moved]


def settle_later(dispatch_id: UUID, nos: Iterable[int]) -> None:
    """The money of these chunks is to be looked at again."""
    straight_all(SETTLE_LATER, {"dispatch_id": dispatch_id, "nos": sorted(nos)})


def _error(answer: SubmitResult) -> str | None:
    if answer.outcome is Outcome.ACCEPTED:
        return None
    return answer.error_code or str(answer.outcome)
