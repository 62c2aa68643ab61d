"""The invariants, each a query that returns no row: `sintalk check`, and after every chaos round.

They read what is committed and change nothing; run them while the product works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from sintalk.counts import COUNTED
from sintalk.db import release, session

#: sentence -> query for what contradicts it
INVARIANTS = {
    "every ledger transaction sums to zero": """
        SELECT transaction_id, sum(amount_micros) FROM ledger_entries
         GROUP BY transaction_id HAVING sum(amount_micros) <> 0""",
    "every ledger transaction has entries": """
        SELECT t.id FROM ledger_transactions t
         WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transaction_id = t.id)""",
    "posted is the sum of the tenant's entries, held the sum of the reserved ones": """
        SELECT a.tenant_id, a.posted, a.held, e.posted, e.held FROM accounts a
          LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount_micros), 0) AS posted,
                   coalesce(sum(amount_micros) FILTER (WHERE ledger_account = 'reserved'), 0) AS held
              FROM ledger_entries WHERE tenant_id = a.tenant_id AND ledger_account IN ('available', 'reserved')
          ) e ON true
         WHERE a.posted <> e.posted OR a.held <> e.held""",
    "held is the sum of open holds": """
        SELECT a.tenant_id, a.held, coalesce(sum(h.amount - h.captured - h.released), 0) FROM accounts a
          LEFT JOIN holds h ON h.tenant_id = a.tenant_id AND h.closed_at IS NULL
         GROUP BY a.tenant_id, a.held HAVING a.held <> coalesce(sum(h.amount - h.captured - h.released), 0)""",
    "a closed hold is used up, an open one is not": """
        SELECT id FROM holds WHERE (closed_at IS NULL) = (amount = captured + released)""",
    "what is due stands in the line of those who send": """
        SELECT c.dispatch_id, c.no FROM chunks c JOIN dispatches d ON d.id = c.dispatch_id
         WHERE d.status = 'ready' AND c.status = 'open' AND c.lease_until IS NULL AND c.due_at <= now()
           AND d.turn_at > now()""",
    "a hold is the sum of its chunks' prices, captures and releases": """
        SELECT h.id FROM holds h JOIN settlements s ON s.dispatch_id = h.subject_id
          JOIN dispatches d ON d.id = h.subject_id AND d.float_micros IS NULL
         GROUP BY h.id HAVING sum(s.price) <> h.amount OR sum(s.captured) <> h.captured
                           OR sum(s.released) <> h.released""",
    "a float covers its chunks, and the hold has all of it but what went back idle": """
        SELECT d.id, d.float_micros, d.price_micros, s.price, h.amount, h.released FROM dispatches d
          LEFT JOIN holds h ON h.tenant_id = d.tenant_id AND h.subject_id = d.id
          LEFT JOIN LATERAL (
            SELECT coalesce(sum(price), 0) AS price, coalesce(sum(captured), 0) AS captured,
                   coalesce(sum(released), 0) AS released
              FROM settlements WHERE dispatch_id = d.id
          ) s ON true
         WHERE d.float_micros IS NOT NULL
           AND (d.price_micros <> s.price OR d.float_micros < s.price OR coalesce(h.captured, 0) <> s.captured
                OR coalesce(h.amount - h.released, 0) <> d.float_micros - s.released)""",
    "what a settled chunk captured and released is what its messages say": """
        SELECT s.dispatch_id, s.no, s.captured, s.released FROM settlements s
          JOIN notifications n ON n.dispatch_id = s.dispatch_id AND n.chunk_no = s.no
          JOIN dispatches d ON d.id = s.dispatch_id
         WHERE NOT s.due AND d.ready_at IS NOT NULL
         GROUP BY s.dispatch_id, s.no, s.captured, s.released
        HAVING s.captured <> sum(n.charged_micros)
            OR s.released <> sum(CASE WHEN n.status IN ('error', 'suppressed', 'canceled')
                                      THEN n.price_micros - n.charged_micros ELSE n.released_micros END)""",
    "an SMS costs its price once it was accepted, and nothing before": """
        SELECT id, status, charged_micros FROM notifications
         WHERE channel = 'sms' AND charged_micros <> CASE
               WHEN sent_at IS NOT NULL AND released_micros = 0
                    AND status NOT IN ('error', 'suppressed', 'canceled') THEN price_micros ELSE 0 END""",
    "an RCS message costs its price once it was delivered, the SMS that took over its own": """
        SELECT id, status, charged_micros FROM notifications
         WHERE channel = 'rcs' AND CASE
               WHEN via IS NULL THEN charged_micros <> CASE
                 WHEN status IN ('delivered', 'read') AND released_micros = fallback_micros
                 THEN price_micros - fallback_micros ELSE 0 END
               ELSE charged_micros NOT IN (0, fallback_micros, price_micros - fallback_micros, price_micros)
                    OR (charged_micros > 0 AND sent_at IS NULL) END""",
    "a call costs its billed seconds once it is over, and no more than was held": """
        SELECT id, status, charged_micros, billed_seconds FROM notifications
         WHERE channel = 'voice' AND charged_micros <> CASE
               WHEN status NOT IN ('delivered', 'read') OR released_micros = price_micros THEN 0
               WHEN billed_seconds IS NULL THEN price_micros
               ELSE least(price_micros, ceil(minute_micros * billed_seconds / 60.0)) END""",
    "a dispatch's counters are its rows": """
        SELECT d.id, d.status FROM dispatches d
          LEFT JOIN LATERAL (
            SELECT count(*) AS total,
                   count(*) FILTER (WHERE status = 'queued') AS queued,
                   count(*) FILTER (WHERE status = 'sending') AS sending,
                   count(*) FILTER (WHERE status = 'sent') AS sent,
                   count(*) FILTER (WHERE status = 'delivered') AS delivered,
                   count(*) FILTER (WHERE status = 'read') AS read,
                   count(*) FILTER (WHERE status = 'not_delivered') AS not_delivered,
                   count(*) FILTER (WHERE status = 'error') AS error,
                   count(*) FILTER (WHERE status = 'unknown') AS unknown,
                   count(*) FILTER (WHERE status = 'suppressed') AS suppressed,
                   count(*) FILTER (WHERE status = 'canceled') AS canceled
              FROM notifications WHERE dispatch_id = d.id
          ) n ON true
         WHERE (d.total, d.queued, d.sending, d.sent, d.delivered, d.read, d.not_delivered, d.error, d.unknown,
                d.suppressed, d.canceled)
            <> (n.total, n.queued, n.sending, n.sent, n.delivered, n.read, n.not_delivered, n.error, n.unknown,
                n.suppressed, n.canceled)""",
    "a completed campaign has nothing queued or sending but what came back later": """
        SELECT c.id FROM campaigns c JOIN dispatches d ON d.tenant_id = c.tenant_id AND d.campaign_id = c.id
         WHERE c.status = 'completed' AND d.queued + d.sending > 0
           AND (d.status <> 'ready'
                OR EXISTS (SELECT FROM notifications n WHERE n.dispatch_id = d.id AND n.via IS NULL
                            AND n.status IN ('queued', 'sending') AND n.attempts = 0))""",
    "what is unknown was begun at a time, so that it can be looked up and given up": """
        SELECT n.id FROM dispatches d JOIN notifications n ON n.dispatch_id = d.id AND n.marked = 'unknown'
         WHERE d.unknown > 0 AND n.sending_at IS NULL""",
    "a settled dispatch has no open hold": """
        SELECT d.id FROM dispatches d JOIN holds h ON h.subject_id = d.id
         WHERE d.settled_at IS NOT NULL AND h.closed_at IS NULL""",
    "the bound held at every point of history": """
        SELECT id, available_after FROM ledger_transactions WHERE available_after < -overdraft_limit""",
    "the history has no gap, and ends at the balance": """
        SELECT a.tenant_id, a.version, count(t.id), max(t.seq) FROM accounts a
          LEFT JOIN ledger_transactions t ON t.tenant_id = a.tenant_id
         GROUP BY a.tenant_id, a.version HAVING a.version <> count(t.id) OR a.version <> coalesce(max(t.seq), 0)""",
    **{
        f"the kept count of {table} is their number": f"""
        SELECT coalesce(k.tenant_id, c.tenant_id), k.total, c.total
          FROM (SELECT * FROM tenant_counts WHERE kind = '{table}') k
          FULL JOIN (SELECT tenant_id, count(*) AS total FROM {table}
                      {"WHERE deleted_at IS NULL" if leaving == "softly" else ""} GROUP BY tenant_id) c
            ON c.tenant_id = k.tenant_id
         WHERE coalesce(k.total, 0) <> coalesce(c.total, 0)"""  # noqa: S608 - the names are our own
        for table, leaving in COUNTED.items()
    },
    "a list counts its contacts": """
        SELECT l.id, l.contact_count FROM contact_lists l
          LEFT JOIN contacts c ON c.contact_list_id = l.id AND c.deleted_at IS NULL
         WHERE l.deleted_at IS NULL
         GROUP BY l.id, l.contact_count HAVING l.contact_count <> count(c.id)""",
}


@dataclass(frozen=True)
class Violation:
    """A sentence that is not true, and the first rows that say so."""

    sentence: str
    rows: list[tuple[Any, ...]]


#: Planned for all rows: for a few of many it would look each up where it has to read everything in the end.
FEW = "WITH found AS MATERIALIZED ({query}) SELECT * FROM found LIMIT 10"


def run() -> list[Violation]:
    """All sentences that are not true now. Reads one snapshot, so work under way does not look like a violation."""
    current = session()
    release()
    current.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    found = []
    try:
        for sentence, query in INVARIANTS.items():
            rows = current.execute(text(FEW.format(query=query))).all()
            if rows:
                found.append(Violation(sentence, [tuple(row) for row in rows]))
    finally:
        release()
    return found
