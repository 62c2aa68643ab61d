"""Numbers that want nothing more: of a tenant, on one channel or on all. They outlive contacts and lists.

Whatever changes them is written into their history (`ConsentEvent`) in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.contacts import phones
from sintalk.contacts.models import ConsentEvent, OptOut
from sintalk.db import atomic, compact, new_id, now, session, straight_all
from sintalk.tenancy import Actor, owned

#: So much of what a person wrote is kept in the history.
WORDS_KEPT = 200
#: Events that a person's page shows.
LATEST = 20

OPTED_OUT = compact("""
    SELECT phone FROM opt_outs
     WHERE tenant_id = %(tenant_id)s AND phone = ANY(CAST(%(phones)s AS text[]))
       AND (CAST(%(channel)s AS text) IS NULL OR channel IS NULL OR channel = %(channel)s)
""")
#: Rows written by one statement.
_PORTION = 1_000


def opt_outs_of(tenant_id: UUID, *, phone: str | None = None, channel: str | None = None) -> Select[OptOut]:
    """The tenant's opt-outs, to be paged; `phone` in any spelling."""
    rows = select(OptOut).where(OptOut.tenant_id == tenant_id)
    if phone:
        rows = rows.where(OptOut.phone == (phones.read(phone).phone or phone))
    return rows.where(OptOut.channel == channel) if channel else rows


def history_of(tenant_id: UUID, phone: str | None = None) -> Select[ConsentEvent]:
    """Who opted out and came back, of one number (in any spelling) or of all; to be paged."""
    rows = select(ConsentEvent).where(ConsentEvent.tenant_id == tenant_id)
    return rows.where(ConsentEvent.phone == (phones.read(phone).phone or phone)) if phone else rows


def latest_of(tenant_id: UUID, phone: str) -> list[ConsentEvent]:
    """What this number (E.164) wished lately, newest first."""
    rows = history_of(tenant_id, phone).order_by(ConsentEvent.id.desc()).limit(LATEST)
    return list(session().scalars(rows))


def channels_of(tenant_id: UUID, phone: str) -> list[str | None]:
    """What this number (E.164) may not be reached on; None is every channel, and comes first."""
    rows = select(OptOut.channel).where(OptOut.tenant_id == tenant_id, OptOut.phone == phone)
    return list(session().scalars(rows.order_by(OptOut.channel.nulls_first())))


def opt_out(
    tenant_id: UUID,
    *,
    phone: str,
    channel: str | None = None,
    source: str = "api",
    words: str | None = None,
    by: Actor | None = None,
) -> tuple[OptOut, bool]:
    """The number (E.164) wants nothing more on this channel, or on any. Also whether that is new."""
    values = {
        "id": new_id(),
        "created_at": now(),
        "tenant_id": tenant_id,
        "phone": phone,
        "channel": channel,
        "source": source,
    }
    with atomic() as current:
        made = current.execute(
            upsert(OptOut)
            .values(values)
            .on_conflict_do_nothing(constraint="uq_opt_outs_tenant_id_phone_channel")
            .returning(OptOut.id)
        ).one_or_none()
        standing = current.scalars(
            select(OptOut).where(
                OptOut.tenant_id == tenant_id,
                OptOut.phone == phone,
                OptOut.channel.is_not_distinct_from(channel),
            )
        ).one()
        if made:
            _note(tenant_id, "opted_out", [(phone, channel)], source=source, words=words, by=by)
    return standing, made is not None


def opt_out_all(
    tenant_id: UUID, phones_: Iterable[str], *, channels: Iterable[str] = (), source: str = "api"
) -> int:
    """These numbers (E.164, each once) want nothing more on these channels, none meaning all of them.

    How many of the numbers have something new by that.
    """
    rows = [
        {
            "id": new_id(),
            "created_at": now(),
            "tenant_id": tenant_id,
            "phone": phone,
            "channel": channel,
            "source": source,
        }
        for phone in phones_
        for channel in tuple(channels) or (None,)
    ]
    new: set[str] = set()
    with atomic() as current:
        for start in range(0, len(rows), _PORTION):
            made = current.execute(
                upsert(OptOut)
                .values(rows[start : start + _PORTION])
                .on_conflict_do_nothing(constraint="uq_opt_outs_tenant_id_phone_channel")
                .returning(OptOut.phone, OptOut.channel)
            ).all()
            _note(tenant_id, "opted_out", [(row.phone, row.channel) for row in made], source=source)
            new.update(row.phone for row in made)
    return len(new)


def take_back(tenant_id: UUID, opt_out_id: UUID, *, source: str = "api", by: Actor | None = None) -> None:
    """The number wants to hear from us again. Raises NotFound."""
    with atomic() as current:
        standing = owned(OptOut, tenant_id, opt_out_id, lock=True)
        current.delete(standing)
        _note(tenant_id, "opted_in", [(standing.phone, standing.channel)], source=source, by=by)


def take_back_number(
    tenant_id: UUID,
    phone: str,
    *,
    besides: str | None = None,
    source: str = "page",
    words: str | None = None,
    by: Actor | None = None,
) -> bool:
    """The number (E.164) wants to hear from us again, on every channel; whether it had opted out of any.

    What holds for the channel `besides` alone stays.
    """
    gone = delete(OptOut).where(OptOut.tenant_id == tenant_id, OptOut.phone == phone)
    if besides:
        gone = gone.where(OptOut.channel.is_distinct_from(besides))
    with atomic() as current:
        channels = current.scalars(gone.returning(OptOut.channel)).all()
        _note(
            tenant_id,
            "opted_in",
            [(phone, channel) for channel in channels],
            source=source,
            words=words,
            by=by,
        )
    return bool(channels)


def _note(
    tenant_id: UUID,
    kind: str,
    what: Iterable[tuple[str, str | None]],
    *,
    source: str,
    words: str | None = None,
    by: Actor | None = None,
) -> None:
    """Write these numbers, each with its channel, into the history."""
    rows = [
        {
            "id": new_id(),
            "created_at": now(),
            "tenant_id": tenant_id,
            "phone": phone,
            "channel": channel,
            "kind": kind,
            "source": source,
            "words": words and words[:WORDS_KEPT],
            "actor_id": by.id if by else None,
            "actor_name": by.name if by else None,
        }
        for phone, channel in what
    ]
    if rows:
        session().execute(insert(ConsentEvent), rows)


def opted_out_phones(tenant_id: UUID, channel: str | None, phones_: Iterable[str]) -> set[str]:
    """Which of these numbers (E.164) may not be reached on this channel; None asks for any channel."""
    asked = list(phones_)
    if not asked:
        return set()
    rows = straight_all(OPTED_OUT, {"tenant_id": tenant_id, "channel": channel, "phones": asked})
    return {row.phone for row in rows}


def is_opted_out(tenant_id: UUID, channel: str | None, phone: str) -> bool:
    """Whether this number (E.164) may not be reached on this channel."""
    return phone in opted_out_phones(tenant_id, channel, [phone])
