"""What campaigns and both doors ask of messages: open a dispatch, fill it, hold its money, let it go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, func, literal, select

from sintalk.billing import ledger
from sintalk.crashpoints import crashpoint
from sintalk.db import atomic, now, session
from sintalk.errors import InsufficientBalance
from sintalk.messages import lanes, spreading
from sintalk.messages.filling import CHUNK, Draft, Piece, write
from sintalk.messages.lanes import give_back as give_back_floats
from sintalk.messages.models import CarrierState, Chunk, Dispatch, Notification
from sintalk.messages.spreading import ENOUGH as CANARY_ENOUGH
from sintalk.messages.spreading import WAIT as CANARY_WAIT
from sintalk.messages.spreading import cut, plan
from sintalk.messages.states import STATUSES
from sintalk.messages.steering import cancel, go_on, pause
from sintalk.messages.turns import NEVER
from sintalk.queue import enqueue
from sintalk.tenancy import owned

__all__ = [
    "CANARY_ENOUGH",
    "CANARY_WAIT",
    "CHUNK",
    "Draft",
    "Piece",
    "campaign_ids",
    "cancel",
    "carrier_back_at",
    "cut",
    "dispatch_of",
    "get",
    "give_back_floats",
    "go_on",
    "last_due",
    "latest_to",
    "nothing_yet",
    "open_dispatch",
    "pause",
    "plan",
    "reserve",
    "write",
]

#: Messages that a person's page shows.
LATEST = 10


def open_dispatch(
    tenant_id: UUID,
    *,
    campaign_id: UUID | None,
    channel: str,
    carrier: str,
    marketing: bool = False,
    **plan: Any,
) -> Dispatch:
    """An empty dispatch, to be filled; one of `marketing` keeps to the sending hours and the frequency cap. Its
    pace as `spreading.plan` has it.
    """
    with atomic() as current:
        dispatch = Dispatch(
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            channel=channel,
            carrier=carrier,
            marketing=marketing,
            **plan,
        )
        current.add(dispatch)
        current.flush()
    return dispatch


def reserve(dispatch: Dispatch, *, memo: str, max_delay_minutes: int | None = None) -> None:
    """Hold the money for all of a filled dispatch and open it to the workers. `max_delay_minutes`: see `Dispatch`.

    Raises InsufficientBalance: nothing is held then, and nothing goes out.
    """
    with atomic() as current:
        current.refresh(dispatch)
        _hold(dispatch, memo)
        crashpoint("money_held")
        current.refresh(dispatch, with_for_update=True)
        moment = now()
        empty = dispatch.queued == 0
        dispatch.status, dispatch.ready_at = ("finished" if empty else "ready"), moment
        dispatch.max_delay_minutes = max_delay_minutes
        if empty:
            dispatch.finished_at = moment
        else:
            spreading.begin(dispatch, moment)
        if dispatch.price_micros == 0:
            dispatch.settled_at = moment
        current.flush()
        enqueue("sintalk.campaigns.jobs.close_finished" if empty else "sintalk.messages.jobs.drain")


def _hold(dispatch: Dispatch, memo: str) -> None:
    """What is held ahead for single sends and not used is no reason to refuse."""
    asked = dispatch.tenant_id, dispatch.id, dispatch.price_micros
    try:
        ledger.reserve(*asked, unit=dispatch.channel, memo=memo)
    except InsufficientBalance:
        if not lanes.give_back(dispatch.tenant_id):
            raise
        ledger.reserve(*asked, unit=dispatch.channel, memo=memo)


def dispatch_of(tenant_id: UUID, campaign_id: UUID) -> Dispatch | None:
    """The campaign's dispatch as it stands now; None before its launch."""
    return session().scalar(
        select(Dispatch)
        .where(Dispatch.tenant_id == tenant_id, Dispatch.campaign_id == campaign_id)
        .execution_options(populate_existing=True)
    )


def nothing_yet(tenant_id: UUID, campaign_id: UUID) -> Dispatch:
    """The counters of what was not launched: all zero. Belongs to no session."""
    zeros = dict.fromkeys(
        (*STATUSES, "total", "segments", "price_micros", "cost_micros", "released_micros"), 0
    )
    return Dispatch(tenant_id=tenant_id, campaign_id=campaign_id, updated_at=now(), **zeros)


def get(tenant_id: UUID, notification_id: UUID) -> Notification:
    """One notification. Raises NotFound."""
    return owned(Notification, tenant_id, notification_id)


def latest_to(tenant_id: UUID, phone: str | None) -> list[Notification]:
    """The last messages to this number (E.164), newest first."""
    rows = select(Notification).where(Notification.tenant_id == tenant_id, Notification.phone == phone)
    return list(session().scalars(rows.order_by(Notification.id.desc()).limit(LATEST))) if phone else []


def last_due(dispatch: Dispatch) -> datetime | None:
    """When the last open chunk of a dispatch is due; None where all are, or where nobody can tell yet."""
    due = select(func.max(Chunk.due_at)).where(
        Chunk.dispatch_id == dispatch.id, Chunk.status == "open", Chunk.lease_until.is_(None)
    )
    last = session().scalar(due)
    return last if last and now() < last < NEVER else None


def carrier_back_at(dispatch: Dispatch) -> datetime | None:
    """When its carrier, that takes nothing just now, is asked again; None where it is well."""
    until = session().scalar(select(CarrierState.until).where(CarrierState.carrier == dispatch.carrier))
    return max(until, now()) if until else None


def campaign_ids(rows: Iterable[Notification]) -> dict[UUID, UUID | None]:
    """The campaign of each of these notifications' dispatches."""
    wanted = {row.dispatch_id for row in rows}
    found = session().execute(
        select(Dispatch.id, Dispatch.campaign_id).where(
            Dispatch.id == any_(literal(list(wanted), ARRAY(Uuid)))
        )
    )
    return {row.id: row.campaign_id for row in found}
