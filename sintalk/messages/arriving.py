"""The way of nearly every receipt: an SMS that the carrier took, and that was charged with that, has arrived.

Nothing has to be weighed then, so one statement does it for a whole set. All other receipts, and those of messages
that stand anywhere else, go by `standing`, which would write the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sintalk.db import compact, straight_all
from sintalk.messages import attempts

#: All are locked first, by id, as everywhere; what is plain is asked after that, lest the planner begin with it: no
#: row was `sent` when the table was last looked at.
ARRIVE = compact("""
    WITH mine AS (
      SELECT id, status = 'sent' AND channel = 'sms' AND charged_micros + released_micros = price_micros AS plain
        FROM notifications WHERE id = ANY(CAST(%(ids)s AS uuid[])) ORDER BY id FOR UPDATE
    ), told AS (
      SELECT mine.id, t.at, t.ref
        FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(ats)s AS timestamptz[]), CAST(%(refs)s AS text[])) AS t(id, at, ref)
        JOIN mine ON mine.id = t.id WHERE mine.plain
    ), moved AS (
      UPDATE notifications n
         SET status = 'delivered', error_code = NULL, updated_at = clock_timestamp(),
             carrier_message_id = coalesce(n.carrier_message_id, told.ref),
             sent_at = coalesce(n.sent_at, told.at), delivered_at = coalesce(n.delivered_at, told.at)
        FROM told WHERE n.id = told.id
   RETURNING n.id, n.tenant_id, n.dispatch_id
    )
    SELECT tenant_id, dispatch_id, array_agg(CAST(id AS text)) AS ids FROM moved GROUP BY tenant_id, dispatch_id
""")


class Arrived(NamedTuple):
    """Messages of one dispatch that went from `sent` to `delivered`, by their ids as the events name them."""

    tenant_id: UUID
    dispatch_id: UUID
    ids: list[str]


def arrive(events: Sequence[dict[str, Any]]) -> list[Arrived]:
    """Apply those of these receipts that say nothing else, and only one thing of their message."""
    times = Counter([event["id"] for event in events])
    plain = [event for event in events if _plain(event) and times[event["id"]] == 1]
    if not plain:
        return []
    told = {
        "ids": [event["id"] for event in plain],
        "ats": [event["at"] for event in plain],
        "refs": [event["ref"] for event in plain],
    }
    return [Arrived(row.tenant_id, row.dispatch_id, row.ids) for row in straight_all(ARRIVE, told)]


def _plain(event: dict[str, Any]) -> bool:
    return (
        event["status"] == "delivered"
        and event["error"] is None
        and event.get("call") is None
        and bool(event["id"])
        and not attempts.is_second(event["id"])
    )
