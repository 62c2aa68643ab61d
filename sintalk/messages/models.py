"""The pipeline's tables.

A `Dispatch` is everything that one launch puts on its way: its counters are its notifications', counted in
the same transaction as every change of theirs. Its notifications are worked through in `Chunk`s of up to
1,000, and each chunk has a `Settlement`, the money side of it, in a row of its own: so receipts never wait
for the worker that sends.

Lock order: chunk, notifications (by id), settlement, dispatch; where money moves, account and hold first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now
from sintalk.messages.states import MARKED, STATUSES


class Dispatch(Identified, Base):
    """One launch on its way. `filling` while rows are written, `ready` once its money is held.

    Single sends have dispatches of their own, the lanes (see `lanes`): `campaign_id` is None, `lane` their
    number, `float_micros` the money held for them so far, used up to `price_micros`.

    `turn_at` is its place among those that are `ready`, later than now while it has nothing due (see `turns`).
    `marketing`: it keeps to the company's sending hours and frequency cap; `waited`: some of it was held by them.
    `chunk_size`, `spread_minutes`, `canary` and `canary_until` are how its chunks leave (see `spreading`); `halted`
    says why it was paused by itself. What is due, and of which nothing left for `max_delay_minutes` (`left_at` is
    when something did), waits for somebody's word; None: late is fine.
    """

    __tablename__ = "dispatches"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "campaign_id"),
        ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),
        CheckConstraint("status IN ('filling', 'paused', 'ready', 'canceled', 'finished')", name="status"),
        CheckConstraint(f"total = {' + '.join(STATUSES)}", name="counters_add_up"),
        CheckConstraint(" AND ".join(f"{name} >= 0" for name in STATUSES), name="counters"),
        CheckConstraint("price_micros <= float_micros", name="float"),
        Index(
            "ix_dispatches_bulk", "turn_at", "id", postgresql_where=text("status = 'ready' AND lane IS NULL")
        ),
        Index(
            "ix_dispatches_single",
            "turn_at",
            "id",
            postgresql_where=text("status = 'ready' AND lane IS NOT NULL"),
        ),
        Index("ix_dispatches_canary", "canary_until", postgresql_where=text("canary_until IS NOT NULL")),
        Index(
            "ix_dispatches_halted",
            "id",
            postgresql_where=text("status = 'paused' AND halted IS NOT NULL"),
        ),
        Index(
            "ix_dispatches_lanes",
            "tenant_id",
            "channel",
            "lane",
            "id",
            postgresql_where=text("lane IS NOT NULL"),
        ),
        Index(
            "ix_dispatches_canceling",
            "id",
            postgresql_where=text("status = 'canceled' AND finished_at IS NULL"),
        ),
        Index("ix_dispatches_unknown", "id", postgresql_where=text("unknown > 0")),
        {"postgresql_with": {"fillfactor": 50}},
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    campaign_id: Mapped[UUID | None]
    channel: Mapped[str]
    carrier: Mapped[str]
    status: Mapped[str] = mapped_column(default="filling")
    chunks: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    queued: Mapped[int] = mapped_column(default=0)
    sending: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    read: Mapped[int] = mapped_column(default=0)
    not_delivered: Mapped[int] = mapped_column(default=0)
    error: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    suppressed: Mapped[int] = mapped_column(default=0)
    canceled: Mapped[int] = mapped_column(default=0)
    segments: Mapped[int] = mapped_column(BigInteger, default=0)
    price_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    cost_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    released_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    lane: Mapped[int | None] = mapped_column(SmallInteger)
    float_micros: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None] = mapped_column(doc="the last request to this lane")
    turn_at: Mapped[datetime] = mapped_column(server_default=text("'epoch'"), deferred=True)
    marketing: Mapped[bool] = mapped_column(default=False, server_default="false")
    waited: Mapped[bool] = mapped_column(default=False, server_default="false")
    chunk_size: Mapped[int] = mapped_column(SmallInteger, default=1_000, server_default=text("1000"))
    spread_minutes: Mapped[int | None]
    canary: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    canary_until: Mapped[datetime | None]
    halted: Mapped[str | None]
    max_delay_minutes: Mapped[int | None]
    ready_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None] = mapped_column(
        doc="when something of it was last taken from the queue"
    )
    left_at: Mapped[datetime | None] = mapped_column(doc="when a carrier last answered for something of it")
    finished_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def reserved_micros(self) -> int:
        """What is still held for it."""
        return self.price_micros - self.cost_micros - self.released_micros if self.ready_at else 0


class Chunk(Base):
    """Up to 1,000 notifications that one worker takes at a time, under a lease and a fence.

    Its rows lie between `first_id` and `last_id` and carry its number. `due_at` is later than now while the
    carrier wants to be left alone, or while its people's hours have not begun: `held` says how many wait until
    when, by the rules of `held_version` (see `holding`). `since`: when it was to leave, where that is not `due_at`
    (see `lateness`).
    """

    __tablename__ = "chunks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "dispatch_id"], ["dispatches.tenant_id", "dispatches.id"]),
        Index(
            "ix_chunks_due",
            "dispatch_id",
            "due_at",
            "no",
            postgresql_where=text("status = 'open' AND lease_until IS NULL"),
        ),
        Index("ix_chunks_lease", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
        Index("ix_chunks_held", "dispatch_id", postgresql_where=text("held IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 50}},
    )

    dispatch_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="open")
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(default=now)
    since: Mapped[datetime | None]
    setbacks: Mapped[int] = mapped_column(SmallInteger, default=0)
    held: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    held_version: Mapped[int | None]


class Settlement(Base):
    """The money of one chunk: its price, and what of it was captured and released so far."""

    __tablename__ = "settlements"
    __table_args__ = (
        ForeignKeyConstraint(["dispatch_id", "no"], ["chunks.dispatch_id", "chunks.no"]),
        CheckConstraint("captured >= 0 AND released >= 0 AND captured + released <= price", name="bound"),
        Index("ix_settlements_due", "dispatch_id", "no", postgresql_where=text("due")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    dispatch_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    price: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    released: Mapped[int] = mapped_column(BigInteger, default=0)
    times: Mapped[int] = mapped_column(default=0)
    due: Mapped[bool] = mapped_column(default=False)


class Notification(Identified, Base):
    """One message to one person, with all that became of it.

    `price_micros` is what is held for it: the most that it can cost. Of that `fallback_micros` are for the SMS
    that takes over where an RCS message does not arrive; `minute_micros` is what a minute of a call costs.
    `charged_micros` and `released_micros` only grow, by the rules of `charging`, which also says what `decided`
    is. `via` is "sms" once the SMS took over. `keys` are those pressed in the call, in order.

    No index holds the status, so that every change of it on the way to `delivered` is a HOT update. `marked`
    is the status where it is none of that way, and nothing otherwise: so its indexes are small, cost nothing
    where all goes well, and find three errors among five million messages. `created_at` is the time in the id:
    filters by time look at the id. `addressable` is true for people of a campaign who were not left out from the
    start: each number is written to once a campaign. Single sends may write to a number often; `request_key` and
    `request_no` make each of them one, where the request had a key. What was not handed over by `expires_at`
    never is. `answers_id` is the inbound message that this one confirms: it goes out although the number has
    just opted out, once. `trail` is what befell it on its way, if anything did (see `messages.trail`).
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "dispatch_id"], ["dispatches.tenant_id", "dispatches.id"]),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint(
            "charged_micros >= 0 AND released_micros >= 0 AND charged_micros + released_micros <= price_micros",
            name="money",
        ),
        Index("ix_notifications_dispatch_id_id", "dispatch_id", "id"),
        Index(
            "uq_notifications_recipient",
            "dispatch_id",
            "phone",
            unique=True,
            postgresql_where=text("addressable"),
        ),
        Index("ix_notifications_tenant_id_phone_id", "tenant_id", "phone", "id"),
        Index("ix_notifications_tenant_id_channel_id", "tenant_id", "channel", "id"),
        Index(
            "ix_notifications_tenant_id_external_id_id",
            "tenant_id",
            "external_id",
            "id",
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        Index(
            "uq_notifications_request",
            "tenant_id",
            "request_key",
            "request_no",
            unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index(
            "ix_notifications_tenant_id_marked_id",
            "tenant_id",
            "marked",
            "id",
            postgresql_where=text("marked IS NOT NULL"),
        ),
        Index(
            "ix_notifications_dispatch_id_marked_id",
            "dispatch_id",
            "marked",
            "id",
            postgresql_where=text("marked IS NOT NULL"),
        ),
        Index(
            "uq_notifications_answers",
            "tenant_id",
            "answers_id",
            unique=True,
            postgresql_where=text("answers_id IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    tenant_id: Mapped[UUID]
    dispatch_id: Mapped[UUID]
    chunk_no: Mapped[int]
    contact_id: Mapped[UUID | None]
    template_id: Mapped[UUID | None]
    channel: Mapped[str]
    phone: Mapped[str | None]
    name: Mapped[str | None]
    addressable: Mapped[bool] = mapped_column(default=True)
    text: Mapped[str]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    encoding: Mapped[str | None]
    segments: Mapped[int] = mapped_column(SmallInteger)
    price_micros: Mapped[int] = mapped_column(BigInteger)
    fallback_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    minute_micros: Mapped[int | None] = mapped_column(BigInteger)
    charged_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    released_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    decided: Mapped[bool] = mapped_column(default=False, server_default="false")
    status: Mapped[str] = mapped_column(default="queued")
    marked: Mapped[str | None] = mapped_column(
        Computed(f"CASE WHEN status IN {MARKED} THEN status END", persisted=True), deferred=True
    )
    via: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    unclear: Mapped[bool] = mapped_column(
        server_default="false", default=False, doc="queued again, and the carrier may have it already"
    )
    fence: Mapped[int] = mapped_column(default=0)
    carrier: Mapped[str | None]
    carrier_message_id: Mapped[str | None]
    error_code: Mapped[str | None]
    trail: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    external_id: Mapped[str | None]
    request_key: Mapped[str | None]
    request_no: Mapped[int | None] = mapped_column(SmallInteger)
    answers_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    call_result: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_seconds: Mapped[int | None]
    billed_seconds: Mapped[int | None]
    keys: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def cost_micros(self) -> int:
        """What this message cost so far (see `charging`)."""
        return self.charged_micros


class RawReceipt(Identified, Base):
    """A carrier's callback as it came, kept before it is answered and applied after. `hash` makes it one."""

    __tablename__ = "raw_receipts"
    __table_args__ = (
        UniqueConstraint("carrier", "hash"),
        Index("ix_raw_receipts_waiting", "id", postgresql_where=text("applied_at IS NULL")),
    )

    carrier: Mapped[str]
    hash: Mapped[bytes]
    events: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    applied_at: Mapped[datetime | None]
    unmatched: Mapped[int] = mapped_column(default=0)


class InboundMessage(Identified, Base):
    """What a person did: wrote (`inbound`), tapped a chip (`tap`) or pressed a key in a call (`key`).

    `text` is what they wrote, the words on the chip, or the key; `data` a chip's postback. It belongs to the
    message that it answers, or to the last one that went to that number.
    """

    __tablename__ = "inbound_messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "notification_id"], ["notifications.tenant_id", "notifications.id"]
        ),
        CheckConstraint("kind IN ('inbound', 'tap', 'key')", name="kind"),
        Index("ix_inbound_messages_tenant_id_phone_id", "tenant_id", "phone", "id"),
        Index("ix_inbound_messages_tenant_id_notification_id", "tenant_id", "notification_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    notification_id: Mapped[UUID]
    kind: Mapped[str]
    channel: Mapped[str]
    phone: Mapped[str]
    text: Mapped[str]
    data: Mapped[str | None]
    carrier: Mapped[str]
    at: Mapped[datetime]


class OwedReply(Base):
    """Somebody wrote a word that opts out or back in, and is still to be told that it was understood."""

    __tablename__ = "owed_replies"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "inbound_id"], ["inbound_messages.tenant_id", "inbound_messages.id"]
        ),
        CheckConstraint("kind IN ('opted_out', 'opted_in')", name="kind"),
    )

    inbound_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DispatchTurn(Base):
    """When a tenant last had its turn, with its single sends or with its campaigns: chunks go round the tenants,
    whatever the size of their campaigns.
    """

    __tablename__ = "dispatch_turns"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    single: Mapped[bool] = mapped_column(primary_key=True)
    last_turn_at: Mapped[datetime]


class CarrierState(Base):
    """A carrier that is left alone until then, and why (see `breaker`). One that is well has no row."""

    __tablename__ = "carrier_states"

    carrier: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    times: Mapped[int]
