"""Pages of a list: newest first, by offset or by keyset, with totals that never scan a big table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, any_, cast, func, literal, select, tuple_

from sintalk.db import session
from sintalk.web.schemas import PageQuery

#: A filtered total is counted no further than this.
COUNT_STOPS_AT = 10_000
#: How many of the newest rows are looked at before a search asks an index that knows no order.
LOOK_AT = 2_000


@dataclass(frozen=True)
class Window:
    """One page of rows, in the shape that `PageOf` answers with."""

    data: Sequence[Any]
    total: int
    limit: int
    offset: int
    has_more: bool
    total_is_exact: bool = True

    def showing(self, data: Sequence[Any]) -> dict[str, Any]:
        """The fields of a `PageOf` with these in place of the rows."""
        return {
            "data": data,
            "total": self.total,
            "limit": self.limit,
            "offset": self.offset,
            "has_more": self.has_more,
            "total_is_exact": self.total_is_exact,
        }


#: A column and its value: whose rows a page shows.
Owner = tuple[Any, Any]


def paginate(
    rows: Select[Any],
    query: PageQuery,
    *,
    by: Any,
    of: Owner | None = None,
    total: int | None = None,
    few: bool = False,
) -> Window:
    """The page of `rows` that the query asks for, ordered by the id column `by`, newest first.

    `total` is the kept count where there is one; otherwise it is counted, up to `COUNT_STOPS_AT`. For big tables
    `of` says whose rows these are, so that `rows` need not: see `newest_first`. `few` rows are sorted as the text
    of their ids, which has the same order and no index: nobody walks all others to find them sorted.
    """
    exact = True
    if total is None:
        exact, total = counted(newest_first(rows, by=by, of=of) if of else rows, by)
    wanted = newest_first(rows, by=by, of=of, after=query.after).limit(query.limit + 1).offset(query.offset)
    if few:
        wanted = wanted.order_by(None).order_by(cast(by, Text).desc())
    found = session().scalars(wanted).all() if total else []
    return window(found, query, total=total, exact=exact)


def newest_first(
    rows: Select[Any],
    *,
    by: Any,
    of: Owner | None = None,
    after: UUID | None = None,
    since: UUID | None = None,
) -> Select[Any]:
    """Rows below `after`, from `since` on, newest first; with `of` only the owner's, by the index over (owner, id).

    Said as an equation, the owner would leave the planner free to walk the primary key instead, past millions of
    newer rows of others. As a range, only the index over (owner, id) has the order that is asked for.
    """
    if of is None:
        rows = rows if after is None else rows.where(by < after)
        return rows.order_by(by.desc())
    column, value = of
    first = tuple_(column, by) >= tuple_(value, since) if since is not None else column >= value
    last = tuple_(column, by) < tuple_(value, after) if after is not None else column <= value
    return rows.where(first, last).order_by(column.desc(), by.desc())


def counted(rows: Select[Any], by: Any) -> tuple[bool, int]:
    """Whether the count is exact, and the count: no further than `COUNT_STOPS_AT`."""
    capped = rows.with_only_columns(by).limit(COUNT_STOPS_AT + 1).subquery()
    found = session().scalar(select(func.count()).select_from(capped)) or 0
    return found <= COUNT_STOPS_AT, min(found, COUNT_STOPS_AT)


def search(
    rows: Select[Any], matching: ColumnElement[bool], query: PageQuery, *, by: Any, of: Owner, within: int
) -> Window:
    """As `paginate` for those of the owner's rows (`within` in all) that match, where the index that knows what
    matches knows no order.

    What is common is found among the newest, and counted only there; what is rare there is asked of the index,
    sorted and counted.
    """
    theirs = rows.where(of[0] == of[1])
    if within <= LOOK_AT:
        return paginate(theirs.where(matching), query, by=by, few=True)
    newest = newest_first(rows, by=by, of=of, after=query.after).limit(LOOK_AT)
    looked = newest.with_only_columns(by.label("id"), matching.label("fits")).subquery()
    ids = session().scalars(select(looked.c.id).where(looked.c.fits).order_by(looked.c.id.desc())).all()
    wanted = query.offset + query.limit + 1
    if len(ids) < wanted:
        return paginate(theirs.where(matching), query, by=by, few=True)
    found = by_ids(theirs, ids[query.offset : wanted], by)
    return window(found, query, total=len(ids), exact=False)


def by_ids(rows: Select[Any], ids: Sequence[UUID], by: Any) -> Sequence[Any]:
    """The rows with these ids, newest first."""
    wanted = rows.where(by == any_(literal(list(ids), ARRAY(Uuid))))
    return session().scalars(wanted.order_by(by.desc())).all() if ids else []


def window(found: Sequence[Any], query: PageQuery, *, total: int, exact: bool = True) -> Window:
    """The page that was asked for, of up to one row more than its limit."""
    return Window(
        data=found[: query.limit],
        total=total,
        limit=query.limit,
        offset=query.offset,
        has_more=len(found) > query.limit,
        total_is_exact=exact,
    )
