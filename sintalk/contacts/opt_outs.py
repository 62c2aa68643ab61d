"""Numbers that want nothing more: of a tenant, on one channel or on all. They outlive contacts and lists."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, Text, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from sintalk.contacts import phones
from sintalk.contacts.models import OptOut
from sintalk.db import atomic, new_id, now, session
from sintalk.tenancy import owned

#: Rows written by one statement.
_PORTION = 1_000


def opt_outs_of(tenant_id: UUID, *, phone: str | None = None, channel: str | None = None) -> Select[OptOut]:
    """The tenant's opt-outs, to be paged; `phone` in any spelling."""
    rows = select(OptOut).where(OptOut.tenant_id == tenant_id)
    if phone:
        rows = rows.where(OptOut.phone == (phones.read(phone).phone or phone))
    return rows.where(OptOut.channel == channel) if channel else rows


def opt_out(
    tenant_id: UUID, *, phone: str, channel: str | None = None, source: str = "api"
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
            insert(OptOut)
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
            made = current.scalars(
                insert(OptOut)
                .values(rows[start : start + _PORTION])
                .on_conflict_do_nothing(constraint="uq_opt_outs_tenant_id_phone_channel")
                .returning(OptOut.phone)
            )
            new.update(made)
    return len(new)


def take_back(tenant_id: UUID, opt_out_id: UUID) -> None:
    """The number wants to hear from us again. Raises NotFound."""
    with atomic() as current:
        current.delete(owned(OptOut, tenant_id, opt_out_id, lock=True))


def take_back_number(tenant_id: UUID, phone: str) -> None:
    """The number (E.164) wants to hear from us again, on every channel."""
    with atomic() as current:
        current.execute(delete(OptOut).where(OptOut.tenant_id == tenant_id, OptOut.phone == phone))


def opted_out_phones(tenant_id: UUID, channel: str | None, phones_: Iterable[str]) -> set[str]:
    """Which of these numbers (E.164) may not be reached on this channel; None asks for any channel."""
    asked = list(phones_)
    if not asked:
        return set()
    any_of_them = OptOut.phone == func.any(cast(asked, ARRAY(Text)))
    rows = select(OptOut.phone).where(OptOut.tenant_id == tenant_id, any_of_them)
    if channel is not None:
        rows = rows.where(or_(OptOut.channel.is_(None), OptOut.channel == channel))
    return set(session().scalars(rows))


def is_opted_out(tenant_id: UUID, channel: str | None, phone: str) -> bool:
    """Whether this number (E.164) may not be reached on this channel."""
    return phone in opted_out_phones(tenant_id, channel, [phone])
