"""How often one person hears from a company: at most so many marketing messages in so many days.

Counted are messages of marketing campaigns, on any channel, that were handed over in that time and may have arrived;
what did not arrive or was refused does not count. The count is made twice: when a campaign is expanded, so that its
price and its pre-flight say who is left out, and again when a message leaves. There it is exact: whoever marks messages
of a company with a cap holds its lock until that is committed, so two campaigns cannot both give somebody their last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from sintalk.db import first_id_at, now, session
from sintalk.policies.hours import Cap

#: Of the phones asked for. The index by number begins at `oldest`, an id; `since` is what counts.
COUNT = text("""
    SELECT n.phone FROM notifications n
      JOIN dispatches d ON d.tenant_id = n.tenant_id AND d.id = n.dispatch_id AND d.marketing
     WHERE n.tenant_id = :tenant_id AND n.phone = ANY(CAST(:phones AS text[])) AND n.id >= :oldest
       AND n.status IN ('sending', 'sent', 'delivered', 'read', 'unknown') AND n.sending_at > :since
     GROUP BY n.phone HAVING count(*) >= :messages
""")
#: A message leaves at most so long after it was written, or it is missed here: paused, or waiting for its hours.
LONGEST_WAIT = timedelta(days=30)
#: The first half of the advisory lock's key.
LOCK = 5_711


def capped_phones(tenant_id: UUID, cap: Cap | None, phones: Iterable[str]) -> set[str]:
    """Which of these numbers (E.164) have had as many marketing messages as the cap allows."""
    asked = list(phones)
    if cap is None or not asked:
        return set()
    since = now() - timedelta(days=cap.days)
    values = {
        "tenant_id": tenant_id,
        "phones": asked,
        "since": since,
        "oldest": first_id_at(since - LONGEST_WAIT),
        "messages": cap.messages,
    }
    return set(session().scalars(COUNT, values))


def lock(tenant_id: UUID) -> None:
    """Until this transaction ends nobody else marks marketing messages of this company as leaving.

    Comes after chunk and notifications and before settlement and dispatch; who holds it waits for no notification.
    """
    session().execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(str(tenant_id)))))
