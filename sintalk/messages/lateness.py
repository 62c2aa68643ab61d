"""Nothing scheduled leaves late after an outage without somebody's word.

Late is what stood still: of a dispatch that was scheduled, nothing left for longer than its maker wants to be late
(`Dispatch.max_delay_minutes`), although it was its time. Whatever stopped it, this machine or the carrier, it is
held back then (`breaker.halt`), and goes on when somebody says that late is fine. A campaign that is slow is not
late, since something of it leaves all the time; nor is what waits for its people's hours, for its turn of a spread
or of a canary, since its time had not come.

So a chunk knows since when it ought to leave, apart from when it is to be tried again: `Chunk.since`, where that is
not `due_at`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sintalk.db import now
from sintalk.messages.models import Chunk


def late(chunk: Any, dispatch: Any) -> bool:
    """Whether nothing of this dispatch left for too long though this chunk was to leave. `chunk.since`: since when;
    `dispatch.left_at`: when a carrier last took something of it, or when it became ready.
    """
    if dispatch.max_delay_minutes is None:
        return False
    latest = max(chunk.since, dispatch.left_at) + timedelta(minutes=dispatch.max_delay_minutes)
    return bool(now() > latest)


def try_again(chunk: Chunk, moment: datetime) -> None:
    """It could not leave though it was its time: it is due again then, and late since when it was."""
    chunk.since, chunk.due_at = chunk.since or chunk.due_at, moment
