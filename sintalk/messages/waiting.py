"""Why a queued message has not left yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sintalk.db import now, session
from sintalk.messages import holding, service
from sintalk.messages.models import Chunk, Dispatch, Notification
from sintalk.messages.turns import NEVER


@dataclass(frozen=True)
class Wait:
    """`why`: `preparing`, `paused`, `canceling`, `canary`, `hours`, `time` or `carrier`; `until`: when it is due at
    last, where that is known.
    """

    why: str
    until: datetime | None = None


#: What the state of its dispatch says by itself.
OF_DISPATCH = {"filling": "preparing", "paused": "paused", "canceled": "canceling"}


def of(message: Notification) -> Wait | None:
    """What a message waits for; None where it is just its turn that it waits for, or where it waits no more."""
    if message.status != "queued":
        return None
    dispatch = session().get_one(Dispatch, message.dispatch_id, populate_existing=True)
    if why := OF_DISPATCH.get(dispatch.status):
        return Wait(why)
    chunk = session().get_one(Chunk, (message.dispatch_id, message.chunk_no), populate_existing=True)
    if chunk.due_at == NEVER:
        return Wait("canary")
    due = chunk.due_at if chunk.due_at > now() else None
    opening = holding.opens_at(message)
    if opening is not None:
        return Wait("hours", max(opening, due or opening))
    if back_at := service.carrier_back_at(dispatch):
        return Wait("carrier", max(back_at, due or back_at))
    return Wait("time", due) if due else None
