"""What befell a message on its way, kept with it: `[{"at", "what"}]`, only where something did.

Written by the statements that move the row, so that it costs nothing where all goes well. The same thing many times in
a row stands once, and no more than MOST stand.
"""

from __future__ import annotations

#: What there is to be said, and who says it.
WHATS = (
    "hours",  # dispatcher: it had waited for its person's sending hours
    "too_fast",  # results: the carrier wanted to be asked more slowly
    "not_taken",  # results: the carrier took nothing just then
    "no_answer",  # results: the carrier may have it or not
    "took_over",  # results, receipts: an SMS took over from RCS
    "worker_lost",  # reaper: who was handing it over was cut off
    "looked_up",  # asking: the carrier was asked, and has it
    "never_came",  # asking: the carrier was asked, and never had it
)
MOST = 20


def noted(what: str) -> str:
    """SQL for the new `trail` of a notification `n`; `what` is SQL too, and where it is NULL nothing is noted."""
    return f"""CASE
      WHEN {what} IS NULL OR jsonb_array_length(coalesce(n.trail, '[]')) >= {MOST}
           OR n.trail -> -1 ->> 'what' = {what} THEN n.trail
      ELSE coalesce(n.trail, '[]') || jsonb_build_object('at', clock_timestamp(), 'what', {what}) END"""
