"""Writing down what the endpoints answered, and deciding when to ask again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, text, update

from sintalk.db import atomic, now, session
from sintalk.webhooks.calling import Answer
from sintalk.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

if TYPE_CHECKING:
    from sintalk.webhooks.delivering import Call

#: Seconds before each further attempt: eleven in all, over a day.
WAITS_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
#: From so many failed rounds in a row on, an endpoint rests between calls: 2 s, doubled each time, up to a minute.
PATIENCE, LONGEST_REST_S = 5, 60
#: One that took longer than this rests for so many times as long, whatever it answered: the worker is everybody's.
SLOW_S, SLOW_TIMES = 2.0, 6
#: An endpoint that answered nothing well for so long is disabled.
DISABLED_AFTER = timedelta(days=3)

NEXT = text("""
    UPDATE webhook_deliveries SET next_attempt_at = clock_timestamp()
     WHERE endpoint_id = :endpoint_id AND subject_id = :subject_id AND state = 'pending' AND claim IS NULL
       AND attempts = 0
""")


def write(answered: Sequence[tuple[Call, Answer]]) -> None:
    """Log all of these attempts and move their deliveries on; endpoints last, in one order."""
    with atomic() as current:
        for call, answer in sorted(answered, key=lambda pair: pair[0].delivery_id):
            current.add(
                WebhookAttempt(
                    tenant_id=call.tenant_id,
                    delivery_id=call.delivery_id,
                    number=call.number,
                    url=call.url,
                    status_code=answer.status_code,
                    answer=answer.start,
                    error=answer.error,
                    duration_ms=answer.duration_ms,
                )
            )
            _move(call, answer)
        current.flush()
        for endpoint_id in sorted({call.endpoint_id for call, _ in answered}):
            _judge(endpoint_id, [answer for call, answer in answered if call.endpoint_id == endpoint_id])


def next_attempt(number: int) -> datetime | None:
    """When to try again after attempt `number` (from 1) failed; None: give it up."""
    if number > len(WAITS_S):
        return None
    jitter = random.uniform(0.9, 1.1)  # noqa: S311 - only so that not all come back at once
    return now() + timedelta(seconds=WAITS_S[number - 1] * jitter)


def _move(call: Call, answer: Answer) -> None:
    again = None if answer.success else next_attempt(call.number)
    if answer.success:
        values = {"state": "delivered", "delivered_at": now(), "claim": None}
    elif again is None:
        values = {"state": "failed", "claim": None}
    else:
        values = {"next_attempt_at": again, "claim": None}
    moved = session().execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == call.delivery_id, WebhookDelivery.claim == call.claim)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if again is None and moved.rowcount:  # type: ignore[attr-defined]
        session().execute(NEXT, {"endpoint_id": call.endpoint_id, "subject_id": call.subject_id})


def _judge(endpoint_id: UUID, answers: Sequence[Answer]) -> None:
    """Count failed rounds in a row; rest, and in the end give the endpoint up."""
    endpoint = (
        session()
        .scalars(
            select(WebhookEndpoint)
            .where(WebhookEndpoint.id == endpoint_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        .one()
    )
    slowest = max(answer.duration_ms for answer in answers) / 1000
    rest = min(SLOW_TIMES * slowest, LONGEST_REST_S) if slowest > SLOW_S else 0
    endpoint.resting_until = now() + timedelta(seconds=rest) if rest else None
    if any(answer.success for answer in answers):
        endpoint.failures, endpoint.failing_since = 0, None
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now()
    if endpoint.failures >= PATIENCE:
        rest = max(rest, min(2 ** min(endpoint.failures - PATIENCE + 1, 10), LONGEST_REST_S))
        endpoint.resting_until = now() + timedelta(seconds=rest)
    if endpoint.disabled_at is None:
        gone = any(answer.status_code == 410 for answer in answers)
        if gone or endpoint.failing_since < now() - DISABLED_AFTER:
            endpoint.disabled_at, endpoint.disabled_reason = now(), "gone" if gone else "failing"
