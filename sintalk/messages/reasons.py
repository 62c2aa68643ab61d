"""Why people of a dispatch did not get it, counted: by what its messages say, up to MOST of each outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import text

from sintalk.db import session
from sintalk.messages.models import Dispatch

#: Outcomes that have a reason.
TOLD = ("unknown", "not_delivered", "error", "suppressed")
#: So many of each are looked at, the first of them: a page asks every second.
MOST = 5_000
WHY = text("""
    SELECT o.status, n.error_code, count(*) AS people
      FROM unnest(CAST(:statuses AS text[])) AS o(status) CROSS JOIN LATERAL (
        SELECT error_code FROM notifications
         WHERE dispatch_id = :id AND marked = o.status ORDER BY id LIMIT :most) AS n
     WHERE n.error_code IS NOT NULL
     GROUP BY 1, 2 ORDER BY 3 DESC, 2
""")


def of(dispatch: Dispatch) -> Mapping[str, list[tuple[str, int]]]:
    """Outcome -> reason and people, the most frequent first. Where an outcome has over MOST, of its first so many."""
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    statuses = [status for status in TOLD if getattr(dispatch, status)]
    if statuses:
        asked = {"id": dispatch.id, "statuses": statuses, "most": MOST}
        for row in session().execute(WHY, asked):
            found[row.status].append((row.error_code, row.people))
    return found
