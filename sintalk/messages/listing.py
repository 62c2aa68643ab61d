"""Which messages a list shows, at the same cost for five thousand messages and for five million.

Totals by channel, status and campaign are sums over the dispatches' counters; any other is counted up to a
bound. `marked` statuses have an index of their own. Of the others (queued, sending, sent, delivered) no index
may know (see models.Notification): they are found by looking at the newest messages, and where they are rare
among those, in the dispatches that say they have some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, func, literal, select, true

from sintalk.db import first_id_at, session
from sintalk.messages.models import Dispatch, Notification
from sintalk.messages.states import MARKED
from sintalk.web import paging
from sintalk.web.paging import Window
from sintalk.web.schemas import PageQuery

#: So many of the newest messages are looked at for a status that is none of `MARKED`.
LOOK_AT = 10_000
#: Up to so many dispatches are asked one by one.
ONE_BY_ONE = 100


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which notifications a list shows; None is no wish."""

    channel: str | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    campaign_id: UUID | None = None
    phone: str | None = None
    external_id: str | None = None

    @property
    def by_counters(self) -> bool:
        """Whether the dispatches have counted these."""
        return (self.start, self.end, self.phone, self.external_id) == (None, None, None, None)


def page(tenant_id: UUID, wanted: Wanted, query: PageQuery) -> Window:
    """The page of the tenant's notifications that is asked for."""
    rows = notifications(tenant_id, wanted)
    if not wanted.by_counters:
        return paging.paginate(rows, query, by=Notification.id)
    total = total_of(tenant_id, wanted)
    if total == 0 or wanted.status is None or wanted.status in MARKED:
        return paging.paginate(rows, query, by=Notification.id, total=total)
    ids = _on_the_way(tenant_id, wanted, query)
    return paging.window(paging.by_ids(rows, ids, Notification.id), query, total=total)


def notifications(tenant_id: UUID, wanted: Wanted) -> Select[Notification]:
    """The tenant's notifications that are wanted."""
    rows = select(Notification).where(Notification.tenant_id == tenant_id)
    if wanted.channel:
        rows = rows.where(Notification.channel == wanted.channel)
    if wanted.status:
        column = Notification.marked if wanted.status in MARKED else Notification.status
        rows = rows.where(column == wanted.status)
    if wanted.start:
        rows = rows.where(Notification.id >= first_id_at(wanted.start))
    if wanted.end:
        rows = rows.where(Notification.id < first_id_at(wanted.end))
    if wanted.phone:
        rows = rows.where(Notification.phone == wanted.phone)
    if wanted.external_id:
        rows = rows.where(Notification.external_id == wanted.external_id)
    if wanted.campaign_id:
        rows = rows.where(Notification.dispatch_id == _dispatch_id(tenant_id, wanted.campaign_id))
    return rows


def total_of(tenant_id: UUID, wanted: Wanted) -> int:
    """How many these are, as the dispatches count them."""
    counter = getattr(Dispatch, wanted.status or "total")
    counted = _dispatches(tenant_id, wanted).with_only_columns(func.coalesce(func.sum(counter), 0))
    return int(session().scalar(counted) or 0)


def _dispatches(tenant_id: UUID, wanted: Wanted) -> Select[Any]:
    rows = select(Dispatch.id).where(Dispatch.tenant_id == tenant_id)
    if wanted.channel:
        rows = rows.where(Dispatch.channel == wanted.channel)
    return rows.where(Dispatch.campaign_id == wanted.campaign_id) if wanted.campaign_id else rows


def _dispatch_id(tenant_id: UUID, campaign_id: UUID) -> UUID | None:
    mine = select(Dispatch.id).where(Dispatch.tenant_id == tenant_id, Dispatch.campaign_id == campaign_id)
    return session().scalar(mine)


def _on_the_way(tenant_id: UUID, wanted: Wanted, query: PageQuery) -> Sequence[UUID]:
    """The ids of a page of a status that no index holds, and of one message more."""
    assert wanted.status
    most = query.offset + query.limit + 1
    fits = Notification.status == wanted.status
    newest = _after(notifications(tenant_id, replace(wanted, status=None)), query)
    looked = newest.with_only_columns(Notification.id, fits.label("fits")).limit(LOOK_AT).subquery()
    near = select(looked.c.id).where(looked.c.fits).order_by(looked.c.id.desc()).limit(most)
    ids = session().scalars(near).all()
    if len(ids) < most:
        ids = session().scalars(_far(tenant_id, wanted, query, most)).all()
    return ids[query.offset :]


def _far(tenant_id: UUID, wanted: Wanted, query: PageQuery, most: int) -> Select[Any]:
    """Where they are rare: in the dispatches that have some, or, where too many do, wherever they are."""
    assert wanted.status
    having = _dispatches(tenant_id, wanted).where(getattr(Dispatch, wanted.status) > 0)
    candidates = session().scalars(having.limit(ONE_BY_ONE + 1)).all()
    if len(candidates) > ONE_BY_ONE:
        rows = _after(notifications(tenant_id, wanted), query)
        return rows.with_only_columns(Notification.id).limit(most)
    one = select(func.unnest(literal(candidates, ARRAY(Uuid))).label("id")).subquery()
    theirs = _after(select(Notification.id).where(Notification.dispatch_id == one.c.id), query)
    each = theirs.where(Notification.status == wanted.status).limit(most).lateral()
    return select(each.c.id).select_from(one.join(each, true())).order_by(each.c.id.desc()).limit(most)


def _after(rows: Select[Any], query: PageQuery) -> Select[Any]:
    if query.after is not None:
        rows = rows.where(Notification.id < query.after)
    return rows.order_by(Notification.id.desc())
