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
from sintalk.web.paging import Owner, Window
from sintalk.web.schemas import PageQuery

#: So many of the newest messages are looked at for a status that is none of `MARKED`.
LOOK_AT = 2_000
#: Up to so many dispatches are asked one by one.
ONE_BY_ONE = 100
#: The id of no dispatch.
NOBODY = UUID(int=0)


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
    total = None
    if wanted.by_counters:
        total = total_of(tenant_id, wanted)
        if total and wanted.status and wanted.status not in MARKED:
            ids = _on_the_way(tenant_id, wanted, query)
            rows = select(Notification).where(Notification.tenant_id == tenant_id)
            return paging.window(paging.by_ids(rows, ids, Notification.id), query, total=total)
    exact = True
    if total is None:
        exact, total = paging.counted(newest(tenant_id, wanted), Notification.id)
    rows = newest(tenant_id, wanted, query.after).limit(query.limit + 1).offset(query.offset)
    found = session().scalars(rows).all() if total else []
    return paging.window(found, query, total=total, exact=exact)


def _scoped(tenant_id: UUID, wanted: Wanted) -> tuple[Select[Notification], Owner]:
    """The rows by all wishes but time and one, and that one: the last column before the id in the index to use."""
    narrow: list[Owner] = [(Notification.tenant_id, tenant_id)]
    if wanted.campaign_id:
        mine = _dispatches(tenant_id, Wanted(campaign_id=wanted.campaign_id))
        narrow.append((Notification.dispatch_id, session().scalar(mine) or NOBODY))
    if wanted.channel:
        narrow.insert(1 if wanted.campaign_id else 2, (Notification.channel, wanted.channel))
    if wanted.status in MARKED:
        narrow.append((Notification.marked, wanted.status))
    if wanted.phone:
        narrow.append((Notification.phone, wanted.phone))
    if wanted.external_id:
        narrow.append((Notification.external_id, wanted.external_id))
    rows = select(Notification).where(*(column == value for column, value in narrow[:-1]))
    if wanted.status and wanted.status not in MARKED:
        rows = rows.where(Notification.status == wanted.status)
    return rows, narrow[-1]


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


def _on_the_way(tenant_id: UUID, wanted: Wanted, query: PageQuery) -> Sequence[UUID]:
    """The ids of a page of a status that no index holds, and of one message more."""
    assert wanted.status
    most = query.offset + query.limit + 1
    fits = Notification.status == wanted.status
    rows = newest(tenant_id, replace(wanted, status=None), query.after)
    looked = rows.with_only_columns(Notification.id, fits.label("fits")).limit(LOOK_AT).subquery()
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
        return newest(tenant_id, wanted, query.after).with_only_columns(Notification.id).limit(most)
    one = select(func.unnest(literal(candidates, ARRAY(Uuid))).label("id")).subquery()
    theirs = (Notification.dispatch_id, one.c.id)
    mine = select(Notification).where(
        Notification.tenant_id == tenant_id, Notification.status == wanted.status
    )
    rows = paging.newest_first(mine, by=Notification.id, of=theirs, after=query.after)
    each = rows.with_only_columns(Notification.id).limit(most).lateral()
    return select(each.c.id).select_from(one.join(each, true())).order_by(each.c.id.desc()).limit(most)


def newest(tenant_id: UUID, wanted: Wanted, after: UUID | None = None) -> Select[Any]:
    """The tenant's notifications that are wanted, newest first, below `after`."""
    rows, whose = _scoped(tenant_id, wanted)
    ends = [end for end in (after, first_id_at(wanted.end) if wanted.end else None) if end]
    return paging.newest_first(
        rows,
        by=Notification.id,
        of=whose,
        after=min(ends, default=None),
        since=first_id_at(wanted.start) if wanted.start else None,
    )
