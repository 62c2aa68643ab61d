"""Writing a dispatch's recipients, chunks at a time: one COPY for a page, and what its chunks, settlements and counts
need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import ARRAY, String, any_, insert, literal, select, update

from sintalk.db import atomic, made_at, new_id, now, session
from sintalk.messages import tally
from sintalk.messages.models import Chunk, Dispatch, Notification, Settlement

#: Rows a chunk: what one worker takes at a time.
CHUNK = 1_000


class Draft(NamedTuple):
    """One recipient as the expansion made it. `error_code` says why somebody is left out; it costs nothing then."""

    contact_id: UUID | None
    phone: str | None
    name: str | None
    text: str
    encoding: str | None
    segments: int
    price_micros: int
    fallback_micros: int = 0
    minute_micros: int | None = None
    payload: dict[str, Any] | None = None
    error_code: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk's recipients, with their rows as COPY takes them. `no` is the chunk's number in its dispatch."""

    no: int
    ids: list[UUID]
    drafts: Sequence[Draft]
    block: bytes

    @property
    def good(self) -> list[Draft]:
        """Those who are written to."""
        return [draft for draft in self.drafts if draft.error_code is None]


def piece(dispatch: Dispatch, no: int, drafts: Sequence[Draft], *, template_id: UUID | None) -> Piece:
    """Make a chunk of at most CHUNK recipients ready to be written. Touches nothing: any thread may do it."""
    assert 0 < len(drafts) <= CHUNK
    common = Common(dispatch.tenant_id, dispatch.id, no, template_id, dispatch.channel, dispatch.carrier)
    ids = [new_id() for _ in drafts]
    return Piece(no, ids, drafts, block(common, zip(ids, drafts, strict=True)))


def write(dispatch: Dispatch, pieces: Sequence[Piece], *, template_id: UUID | None) -> None:
    """Write the dispatch's next chunks: one COPY for all, one statement each for chunks, settlements and counts.

    A number that the dispatch has already is left out as `duplicate`. The caller holds the dispatch's cursor in the
    same transaction, so that a page is written once.
    """
    assert pieces[0].no == dispatch.chunks
    with atomic() as current:
        try:
            with atomic(alone=True):
                copy(*(each.block for each in pieces))
        except UniqueViolation:  # rare: the lists that people come from have no number twice
            pieces = [
                piece(dispatch, each.no, drafts, template_id=template_id)
                for each, drafts in zip(pieces, _without_duplicates(dispatch, pieces), strict=True)
            ]
            copy(*(each.block for each in pieces))
        chunks = [_chunk(dispatch, each) for each in pieces]
        current.execute(insert(Chunk), chunks)
        prices = [sum(draft.price_micros for draft in each.drafts) for each in pieces]
        named = ("dispatch_id", "no", "tenant_id")
        current.execute(
            insert(Settlement),
            [
                {name: chunk[name] for name in named} | {"price": price}
                for chunk, price in zip(chunks, prices, strict=True)
            ],
        )
        current.execute(
            update(Dispatch)
            .where(Dispatch.id == dispatch.id)
            .values(
                chunks=Dispatch.chunks + len(pieces),
                segments=Dispatch.segments + sum(draft.segments for each in pieces for draft in each.good),
                price_micros=Dispatch.price_micros + sum(prices),
            )
        )
        steps = ["suppressed" if draft.error_code else "queued" for each in pieces for draft in each.drafts]
        tally.move(dispatch.id, [(None, status) for status in steps])


def _chunk(dispatch: Dispatch, piece: Piece) -> dict[str, Any]:
    return {
        "dispatch_id": dispatch.id,
        "no": piece.no,
        "tenant_id": dispatch.tenant_id,
        "first_id": min(piece.ids),
        "last_id": max(piece.ids),
        "status": "open" if piece.good else "done",
    }


def _without_duplicates(dispatch: Dispatch, pieces: Sequence[Piece]) -> list[list[Draft]]:
    """Each chunk's recipients, those left out whose number came before."""
    phones = [draft.phone for each in pieces for draft in each.good]
    taken = set(
        session().scalars(
            select(Notification.phone).where(
                Notification.dispatch_id == dispatch.id,
                Notification.addressable,
                Notification.phone == any_(literal(phones, ARRAY(String))),
            )
        )
    )
    return [[_once(draft, taken) for draft in each.drafts] for each in pieces]


def _once(draft: Draft, taken: set[str | None]) -> Draft:
    if draft.error_code is not None:
        return draft
    if draft.phone in taken:
        return _left_out(draft)
    taken.add(draft.phone)
    return draft


def _left_out(draft: Draft) -> Draft:
    return draft._replace(price_micros=0, fallback_micros=0, error_code="duplicate")


@dataclass(frozen=True, slots=True)
class Common:
    """What rows that are written together have in common. `once`: a number may stand in the dispatch only once."""

    tenant_id: UUID
    dispatch_id: UUID
    no: int
    template_id: UUID | None
    channel: str
    carrier: str
    expires_at: datetime | None = None
    request_key: str | None = None
    once: bool = True


#: In the order of `copy` and `_line`.
COLUMNS = (
    "tenant_id, dispatch_id, chunk_no, template_id, channel, carrier, attempts, fence, updated_at,"
    " expires_at, request_key, request_no,"
    " created_at, id, contact_id, phone, name, addressable, text, payload, encoding, segments, price_micros,"
    " fallback_micros, minute_micros, status, error_code, external_id"
)
#: How COPY's text form writes NULL.
NOTHING = "\\N"
COPY = f"COPY notifications ({COLUMNS}) FROM STDIN"
#: What COPY's text form wants escaped, and whether there is any of it.
SPECIAL = re.compile(r"[\\\t\n\r]")
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def copy(*blocks: bytes) -> None:
    """Write these blocks' rows: text is much less work than handing over value by value."""
    driver: Any = session().connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(COPY) as copying:
        for each in blocks:
            copying.write(each)


def block(common: Common, rows: Iterable[tuple[UUID, Draft]]) -> bytes:
    """These rows as COPY takes them."""
    moment = now().isoformat()
    cells = (
        common.tenant_id,
        common.dispatch_id,
        common.no,
        common.template_id or NOTHING,
        common.channel,
        common.carrier,
        0,
        0,
        moment,
        common.expires_at.isoformat() if common.expires_at else NOTHING,
        _cell(common.request_key),
    )
    start, keyed = "\t".join(map(str, cells)), common.request_key is not None
    lines = (
        f"{start}\t{place if keyed else NOTHING}\t{_line(row_id, draft, once=common.once)}\n"
        for place, (row_id, draft) in enumerate(rows)
    )
    return "".join(lines).encode()


@lru_cache(maxsize=64)
def _time(milliseconds: int) -> str:
    """The time in an id, which is the message's own."""
    return made_at(UUID(int=milliseconds << 80)).isoformat()


def _line(row_id: UUID, draft: Draft, *, once: bool) -> str:
    reason = draft.error_code
    payload = _as_json(draft.payload) if draft.payload is not None else None
    return "\t".join(
        (
            _time(row_id.int >> 80),
            row_id.hex,
            draft.contact_id.hex if draft.contact_id else NOTHING,
            draft.phone or NOTHING,
            _cell(draft.name),
            "t" if once and not reason else "f",
            _cell(draft.text),
            _cell(payload),
            _cell(draft.encoding),
            str(draft.segments),
            str(draft.price_micros),
            str(draft.fallback_micros),
            NOTHING if draft.minute_micros is None else str(draft.minute_micros),
            "suppressed" if reason else "queued",
            _cell(reason),
            _cell(draft.external_id),
        )
    )


def _cell(text: str | None) -> str:
    if text is None:
        return NOTHING
    return text.translate(ESCAPES) if SPECIAL.search(text) else text
