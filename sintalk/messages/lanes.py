"""Lanes: the rolling dispatches that single sends go out on, and the money that is held for them ahead.

One row takes about 2,100 guarded updates a second, and a ledger movement for every request would lock the
account for the time of an fsync each. So a request draws on the float of a lane: one guarded UPDATE of one
row, which counts, prices and refuses at once. Only where the float is short, the lane is given more by a
ledger hold, in larger steps while the lane is busy; what stands idle goes back within 2 s (the sweeper), and at
once where another lane would otherwise refuse for lack of it. So the balance refuses exactly what it does
not cover, however many lanes there are.

Lanes are taken from 0 up, the first that no other thread of this process is using: a quiet tenant has one,
a busy one as many as it has requests at a time. A lane's dispatch is followed by another one at the tenant's
midnight and after 100,000 messages, so that counting and checking stay cheap.

Lock order as everywhere: account, hold, chunk, dispatch.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from sintalk.accounts.models import Tenant
from sintalk.billing import ledger
from sintalk.billing.models import Account, Hold
from sintalk.db import after_commit, atomic, now, session
from sintalk.messages.models import Dispatch

#: Held ahead for a busy lane, but never more than a part of what may still be spent.
STEP, PART = 20_000_000, 4
#: A lane is busy while its last request is not older than this; after it, its float is idle.
BUSY = timedelta(seconds=1)
#: Messages a dispatch takes before another one follows.
MOST = 100_000
#: Lanes that a process remembers.
KNOWN_AT_MOST = 10_000
#: The statement's words for it (pages translate them: `sintalk.web.words`).
MEMO = "Single messages"


@dataclass(frozen=True)
class Lane:
    """Where a request is written: one of its tenant's lanes on a channel, as this process knows it."""

    tenant_id: UUID
    channel: str
    carrier: str
    number: int
    dispatch_id: UUID
    until: datetime


Key = tuple[UUID, str, str]

_lock = threading.Lock()
_known: dict[tuple[Key, int], Lane] = {}
_in_use: defaultdict[Key, dict[int, int]] = defaultdict(dict)


@contextmanager
def taken(tenant_id: UUID, channel: str, carrier: str) -> Iterator[Lane]:
    """A lane that no other thread of this process uses, until the transaction around is committed."""
    key = (tenant_id, channel, carrier)
    me = threading.get_ident()
    with _lock:
        users = _in_use[key]
        for number in [number for number, user in users.items() if user == me]:
            del users[number]  # left over by a transaction that was rolled back
        number = next(number for number in range(len(users) + 1) if number not in users)
        users[number] = me
    try:
        lane = _known.get((key, number))
        if lane is None or lane.until <= now():
            lane = _found(key, number)
        yield lane
    except BaseException:
        _give_up(key, number, me)
        raise
    after_commit(lambda: _give_up(key, number, me))


def with_room(lane: Lane, price_micros: int) -> Lane:
    """The lane, or the one after it, with a float that covers this. Raises InsufficientBalance.

    Waits for whoever moves this tenant's money, and keeps others waiting until the transaction ends.
    """
    ledger.lock_account(lane.tenant_id)
    lane = _found((lane.tenant_id, lane.channel, lane.carrier), lane.number)
    dispatch = (
        session()
        .scalars(
            select(Dispatch)
            .where(Dispatch.id == lane.dispatch_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        .one()
    )
    assert dispatch.float_micros is not None
    short = dispatch.price_micros + price_micros - dispatch.float_micros
    if short > 0:
        busy = dispatch.used_at is not None and now() - dispatch.used_at < BUSY
        spendable = _spendable(lane.tenant_id)
        if spendable < short:
            give_back(lane.tenant_id, besides=dispatch.id)
            spendable = _spendable(lane.tenant_id)
        more = max(short, min(STEP, spendable // PART)) if busy else short
        ledger.extend(lane.tenant_id, dispatch.id, more, unit=lane.channel, memo=MEMO)
        dispatch.float_micros += more
        dispatch.settled_at = None
        session().flush()
    return lane


def give_back(tenant_id: UUID, *, unused_since: datetime | None = None, besides: UUID | None = None) -> int:
    """Give idle floats of this tenant back to its balance; micro-units. `besides`: not this dispatch's."""
    freed = 0
    with atomic() as current:
        ledger.lock_account(tenant_id)
        for dispatch in current.scalars(
            _idle(unused_since)
            .with_only_columns(Dispatch)
            .where(Dispatch.tenant_id == tenant_id, Dispatch.id != besides)
            .order_by(Dispatch.id)
            .with_for_update(of=Dispatch, key_share=True)
            .execution_options(populate_existing=True)
        ).all():
            assert dispatch.float_micros is not None
            idle = dispatch.float_micros - dispatch.price_micros
            # At one price there is something to give back only once: more comes only with a higher price.
            key = f"{dispatch.id}:idle:{dispatch.price_micros}"
            hold = ledger.settle(tenant_id, dispatch.id, capture=0, release=idle, key=key)
            dispatch.float_micros -= idle
            dispatch.settled_at = now() if hold.closed_at else None
            freed += idle
    return freed


def give_back_idle() -> int:
    """Give back what no request has drawn on for a second, of all tenants; micro-units. For the sweeper."""
    since = now() - BUSY
    tenants = session().scalars(_idle(since).with_only_columns(Dispatch.tenant_id).distinct()).all()
    return sum(give_back(tenant_id, unused_since=since) for tenant_id in sorted(tenants))


def _idle(unused_since: datetime | None) -> Select[Any]:
    rows = (
        select(Dispatch.id)
        .join(Hold, (Hold.tenant_id == Dispatch.tenant_id) & (Hold.subject_id == Dispatch.id))
        .where(Hold.closed_at.is_(None), Dispatch.float_micros > Dispatch.price_micros)
    )
    return rows.where(Dispatch.used_at < unused_since) if unused_since else rows


def _found(key: Key, number: int) -> Lane:
    """The lane's dispatch of today, or a new one; remembered once it is committed."""
    tenant_id, channel, carrier = key
    begins, ends = _today(tenant_id)
    dispatch_id = session().scalar(
        select(Dispatch.id)
        .where(
            Dispatch.tenant_id == tenant_id,
            Dispatch.channel == channel,
            Dispatch.lane == number,
            Dispatch.carrier == carrier,
            Dispatch.created_at >= begins,
            Dispatch.total < MOST,
        )
        .order_by(Dispatch.id.desc())
        .limit(1)
    )
    lane = Lane(*key, number, dispatch_id or _opened(key, number), ends)
    after_commit(lambda: _remember(lane))
    return lane


def _opened(key: Key, number: int) -> UUID:
    tenant_id, channel, carrier = key
    with atomic() as current:
        dispatch = Dispatch(
            tenant_id=tenant_id,
            channel=channel,
            carrier=carrier,
            status="finished",
            lane=number,
            float_micros=0,
            ready_at=now(),
        )
        current.add(dispatch)
        current.flush()
    return dispatch.id


def _remember(lane: Lane) -> None:
    with _lock:
        if len(_known) >= KNOWN_AT_MOST:
            _known.clear()
        _known[(lane.tenant_id, lane.channel, lane.carrier), lane.number] = lane


def _today(tenant_id: UUID) -> tuple[datetime, datetime]:
    """The tenant's day: its midnight, and the next one."""
    zone = ZoneInfo(session().scalars(select(Tenant.timezone).where(Tenant.id == tenant_id)).one())
    today = now().astimezone(zone).date()
    midnight = datetime.combine(today, time(), zone)
    return midnight.astimezone(UTC), datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC)


def _spendable(tenant_id: UUID) -> int:
    spendable = select(Account.posted - Account.held + Account.overdraft_limit)
    return session().scalar(spendable.where(Account.tenant_id == tenant_id)) or 0


def _give_up(key: Key, number: int, user: int) -> None:
    with _lock:
        users = _in_use[key]
        if users.get(number) == user:
            del users[number]
        if not users:
            del _in_use[key]
