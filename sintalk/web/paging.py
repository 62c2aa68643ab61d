"""Pages of a list: newest first, by offset or by keyset, with totals that never scan a big table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, any_, func, literal, select

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


def paginate(rows: Select[Any], query: PageQuery, *, by: Any, total: int | None = None) -> Window:
    """The page of `rows` that the query asks for, ordered by the id column `by`, newest first.

    `total` is the kept count where there is one; otherwise it is counted, up to `COUNT_STOPS_AT`.
    """
    exact = True
    if total is None:
        exact, total = counted(rows, by)
    found = session().scalars(_asked_for(rows, query, by)).all() if total else []
    return window(found, query, total=total, exact=exact)


def counted(rows: Select[Any], by: Any) -> tuple[bool, int]:
    """Whether the count is exact, and the count: no further than `COUNT_STOPS_AT`."""
    capped = rows.with_only_columns(by).order_by(None).limit(COUNT_STOPS_AT + 1).subquery()
    found = session().scalar(select(func.count()).select_from(capped)) or 0
    return found <= COUNT_STOPS_AT, min(found, COUNT_STOPS_AT)


def search(
    rows: Select[Any], matching: ColumnElement[bool], query: PageQuery, *, by: Any, within: int
) -> Window:
    """As `paginate` for those of `rows` (`within` in all) that match, where the index that knows what matches
    knows no order.

    What is common is found among the newest, and counted only there; what is rare there is asked of the index,
    sorted and counted.
    """
    if within <= LOOK_AT:
        return paginate(rows.where(matching), query, by=by)
    newest = rows.with_only_columns(by.label("id"), matching.label("fits")).order_by(by.desc()).limit(LOOK_AT)
    if query.after is not None:
        newest = newest.where(by < query.after)
    looked = newest.subquery()
    ids = session().scalars(select(looked.c.id).where(looked.c.fits).order_by(looked.c.id.desc())).all()
    wanted = query.offset + query.limit + 1
    if len(ids) < wanted:
        return paginate(rows.where(matching), query, by=by)
    found = by_ids(rows, ids[query.offset : wanted], by)
    return window(found, query, total=len(ids), exact=False)


def by_ids(rows: Select[Any], ids: Sequence[UUID], by: Any) -> Sequence[Any]:
    """The rows with these ids, newest first."""
    wanted = rows.where(by == any_(literal(list(ids), ARRAY(Uuid))))
    return session().scalars(wanted.order_by(by.desc())).all() if ids else []


def _asked_for(rows: Select[Any], query: PageQuery, by: Any) -> Select[Any]:
    if query.after is not None:
        rows = rows.where(by < query.after)
    return rows.order_by(by.desc()).limit(query.limit + 1).offset(query.offset)


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
