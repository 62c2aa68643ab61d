"""What campaigns and both doors ask of messages: open a dispatch, fill it, hold its money, let it go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, text, update

from sintalk.billing import ledger
from sintalk.db import atomic, new_id, now, session
from sintalk.messages import tally
from sintalk.messages.models import Chunk, Dispatch, Notification, Settlement
from sintalk.messages.states import STATUSES
from sintalk.queue import enqueue
from sintalk.tenancy import owned

#: Rows a chunk: what one worker takes at a time.
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Draft:
    """One recipient as the expansion made it. `error_code` says why somebody is left out; it costs nothing then."""

    contact_id: UUID | None
    phone: str | None
    name: str | None
    text: str
    encoding: str | None
    segments: int
    price_micros: int
    payload: dict[str, Any] | None = None
    error_code: str | None = None
    external_id: str | None = None


def open_dispatch(tenant_id: UUID, *, campaign_id: UUID | None, channel: str, carrier: str) -> Dispatch:
    """An empty dispatch, to be filled."""
    with atomic() as current:
        dispatch = Dispatch(tenant_id=tenant_id, campaign_id=campaign_id, channel=channel, carrier=carrier)
        current.add(dispatch)
        current.flush()
    return dispatch


def fill(dispatch: Dispatch, drafts: Sequence[Draft], *, template_id: UUID | None) -> None:
    """Write one chunk of recipients, its settlement and its counts. At most CHUNK of them.

    A number that the dispatch has already is left out as `duplicate`. The caller holds the dispatch's cursor
    in the same transaction, so that a page is written once.
    """
    assert 0 < len(drafts) <= CHUNK
    with atomic() as current:
        drafts = _without_duplicates(dispatch, drafts)
        no, ids = dispatch.chunks, [new_id() for _ in drafts]
        price = sum(draft.price_micros for draft in drafts)
        waiting = sum(1 for draft in drafts if draft.error_code is None)
        current.execute(
            insert(Chunk).values(
                dispatch_id=dispatch.id,
                no=no,
                tenant_id=dispatch.tenant_id,
                first_id=ids[0],
                last_id=ids[-1],
                status="open" if waiting else "done",
            )
        )
        current.execute(
            insert(Settlement).values(
                dispatch_id=dispatch.id, no=no, tenant_id=dispatch.tenant_id, price=price
            )
        )
        _copy(dispatch, no, template_id, zip(ids, drafts, strict=True))
        current.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch.id)
            .values(
                chunks=Dispatch.chunks + 1,
                segments=Dispatch.segments
                + sum(draft.segments for draft in drafts if draft.error_code is None),
                price_micros=Dispatch.price_micros + price,
            )
        )
        tally.move(dispatch.id, [(None, "suppressed" if draft.error_code else "queued") for draft in drafts])


def reserve(dispatch: Dispatch, *, memo: str) -> None:
    """Hold the money for all of a filled dispatch and open it to the workers.

    Raises InsufficientBalance: nothing is held then, and nothing goes out.
    """
    with atomic() as current:
        current.refresh(dispatch)
        ledger.reserve(
            dispatch.tenant_id, dispatch.id, dispatch.price_micros, unit=dispatch.channel, memo=memo
        )
        current.refresh(dispatch, with_for_update=True)
        moment = now()
        empty = dispatch.queued == 0
        dispatch.status, dispatch.ready_at = ("finished" if empty else "ready"), moment
        if empty:
            dispatch.finished_at = moment
        if dispatch.price_micros == 0:
            dispatch.settled_at = moment
        current.flush()
        enqueue("sintalk.campaigns.jobs.close_finished" if empty else "sintalk.messages.jobs.drain")


def pause(dispatch: Dispatch) -> None:
    """Keep the workers away from it."""
    with atomic() as current:
        current.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch.id, Dispatch.status != "finished")
            .values(status="paused")
        )


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


def notifications(tenant_id: UUID, wanted: Wanted) -> Select[Notification]:
    """The tenant's notifications that are wanted."""
    rows = select(Notification).where(Notification.tenant_id == tenant_id)
    if wanted.channel:
        rows = rows.where(Notification.channel == wanted.channel)
    if wanted.status:
        rows = rows.where(Notification.status == wanted.status)
    if wanted.start:
        rows = rows.where(Notification.created_at >= wanted.start)
    if wanted.end:
        rows = rows.where(Notification.created_at < wanted.end)
    if wanted.phone:
        rows = rows.where(Notification.phone == wanted.phone)
    if wanted.external_id:
        rows = rows.where(Notification.external_id == wanted.external_id)
    if wanted.campaign_id:
        dispatch = dispatch_of(tenant_id, wanted.campaign_id)
        rows = rows.where(Notification.dispatch_id == (dispatch.id if dispatch else None))
    return rows


def get(tenant_id: UUID, notification_id: UUID) -> Notification:
    """One notification. Raises NotFound."""
    return owned(Notification, tenant_id, notification_id)


def campaign_ids(rows: Iterable[Notification]) -> dict[UUID, UUID | None]:
    """The campaign of each of these notifications' dispatches."""
    wanted = {row.dispatch_id for row in rows}
    found = session().execute(select(Dispatch.id, Dispatch.campaign_id).where(Dispatch.id.in_(wanted)))
    return {row.id: row.campaign_id for row in found}


def total(tenant_id: UUID) -> int:
    """How many notifications the tenant has: its dispatches count them."""
    counted = text("SELECT coalesce(sum(total), 0) FROM dispatches WHERE tenant_id = :tenant_id")
    return int(session().execute(counted, {"tenant_id": tenant_id}).scalar_one())


def _without_duplicates(dispatch: Dispatch, drafts: Sequence[Draft]) -> list[Draft]:
    phones = {draft.phone for draft in drafts if draft.error_code is None}
    taken = set(
        session().scalars(
            select(Notification.phone).where(
                Notification.dispatch_id == dispatch.id,
                Notification.addressable,
                Notification.phone.in_(phones),
            )
        )
    )
    kept = []
    for draft in drafts:
        if draft.error_code is None:
            if draft.phone in taken:
                draft = _left_out(draft, "duplicate")  # noqa: PLW2901 - the same person, marked
            else:
                taken.add(draft.phone)
        kept.append(draft)
    return kept


def _left_out(draft: Draft, reason: str) -> Draft:
    return Draft(
        contact_id=draft.contact_id,
        phone=draft.phone,
        name=draft.name,
        text=draft.text,
        encoding=draft.encoding,
        segments=draft.segments,
        price_micros=0,
        payload=draft.payload,
        error_code=reason,
        external_id=draft.external_id,
    )


COLUMNS = (
    "id, tenant_id, dispatch_id, chunk_no, contact_id, template_id, channel, phone, name, addressable, text,"
    " payload, encoding, segments, price_micros, status, attempts, fence, carrier, error_code, external_id,"
    " created_at, updated_at"
)


def _copy(dispatch: Dispatch, no: int, template_id: UUID | None, rows: Iterable[tuple[UUID, Draft]]) -> None:
    from psycopg.types.json import Jsonb

    moment = now()
    driver: Any = session().connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY notifications ({COLUMNS}) FROM STDIN") as copy:
        for row_id, draft in rows:
            copy.write_row(
                (
                    row_id,
                    dispatch.tenant_id,
                    dispatch.id,
                    no,
                    draft.contact_id,
                    template_id,
                    dispatch.channel,
                    draft.phone,
                    draft.name,
                    draft.error_code is None,
                    draft.text,
                    Jsonb(draft.payload) if draft.payload is not None else None,
                    draft.encoding,
                    draft.segments,
                    draft.price_micros,
                    "suppressed" if draft.error_code else "queued",
                    0,
                    0,
                    dispatch.carrier,
                    draft.error_code,
                    draft.external_id,
                    moment,
                    moment,
                )
            )
