"""Pages of a list: newest first, by offset or by keyset, with totals that never scan a big table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from sintalk.db import session
from sintalk.web.schemas import PageQuery

#: A filtered total is counted no further than this.
COUNT_STOPS_AT = 10_000


@dataclass(frozen=True)
class Window:
    """One page of rows, in the shape that `PageOf` answers with."""

    data: Sequence[Any]
    total: int
    limit: int
    offset: int
    has_more: bool
    total_is_exact: bool = True


def paginate(rows: Select[Any], query: PageQuery, *, by: Any, total: int | None = None) -> Window:
    """The page of `rows` that the query asks for, ordered by the id column `by`, newest first.

    `total` is the kept count where there is one; otherwise it is counted, up to `COUNT_STOPS_AT`.
    """
    exact = True
    if total is None:
        capped = rows.with_only_columns(by).order_by(None).limit(COUNT_STOPS_AT + 1).subquery()
        counted = session().scalar(select(func.count()).select_from(capped)) or 0
        exact, total = counted <= COUNT_STOPS_AT, min(counted, COUNT_STOPS_AT)
    if query.after is not None:
        rows = rows.where(by < query.after)
    found = session().scalars(rows.order_by(by.desc()).limit(query.limit + 1).offset(query.offset)).all()
    return Window(
        data=found[: query.limit],
        total=total,
        limit=query.limit,
        offset=query.offset,
        has_more=len(found) > query.limit,
        total_is_exact=exact,
    )
