"""The ledger's tables.

Double entry, in micro-units. A tenant's money stands in two ledger accounts, `available` and `reserved`;
the platform's in `cash`, `adjustments` and `revenue_<channel>`. The entries of a transaction sum to zero.
`accounts` keeps what the entries add up to, so that a balance is one row: posted = available + reserved,
held = reserved. Nothing in the ledger is ever updated or deleted: triggers refuse it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, Identified, now

#: Prices of a new installation, in micro-units: SMS a segment, RCS basic and single a message, voice a minute.
DEFAULT_PRICES = {"sms": 80_000, "rcs_basic": 100_000, "rcs_single": 150_000, "voice_minute": 120_000}


class Account(Base):
    """A tenant's balance. `version` counts its changes: every ledger transaction carries the one it made."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("posted - held >= -overdraft_limit", name="bound"),
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("overdraft_limit >= 0", name="overdraft_limit"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    posted: Mapped[int] = mapped_column(BigInteger, default=0)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    overdraft_limit: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Price(Base):
    """What a tenant pays for one unit, where it differs from the default."""

    __tablename__ = "prices"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True)
    micros: Mapped[int] = mapped_column(BigInteger)


class LedgerTransaction(Identified, Base):
    """One movement of a tenant's money: `kind` is credit, hold, capture, release or refund.

    `key` makes it happen once. `seq` is the account's version, so the history has an order without gaps;
    `available_after` and `overdraft_limit` let the bound be checked at every point of it.
    """

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "key"),
        UniqueConstraint("tenant_id", "seq"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("kind IN ('credit', 'hold', 'capture', 'release', 'refund')", name="kind"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    key: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    amount_micros: Mapped[int] = mapped_column(BigInteger)
    available_after: Mapped[int] = mapped_column(BigInteger)
    reserved_after: Mapped[int] = mapped_column(BigInteger)
    overdraft_limit: Mapped[int] = mapped_column(BigInteger)
    reference_id: Mapped[UUID | None] = mapped_column(doc="the hold it belongs to")
    memo: Mapped[str] = mapped_column(default="")


class LedgerEntry(Base):
    """One side of a transaction: a signed amount on a ledger account. Money of the tenant counts positive."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "transaction_id"], ["ledger_transactions.tenant_id", "ledger_transactions.id"]
        ),
    )

    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    ledger_account: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    amount_micros: Mapped[int] = mapped_column(BigInteger)


class Hold(Identified, Base):
    """Money set aside for one launch. It is open until all of it was captured or released."""

    __tablename__ = "holds"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "subject_id"),
        CheckConstraint("captured >= 0 AND released >= 0 AND captured + released <= amount", name="bound"),
        Index("ix_holds_open", "tenant_id", postgresql_where="closed_at IS NULL"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    subject_id: Mapped[UUID] = mapped_column(doc="what it pays for: a dispatch")
    memo: Mapped[str] = mapped_column(default="")
    unit: Mapped[str] = mapped_column(doc="whose revenue it becomes: sms, rcs or voice")
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    released: Mapped[int] = mapped_column(BigInteger, default=0)
    closed_at: Mapped[datetime | None]

    @property
    def open_micros(self) -> int:
        """What is still set aside."""
        return self.amount - self.captured - self.released


IMMUTABLE = """
CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME;
END $$
"""
event.listen(Base.metadata, "before_create", DDL(IMMUTABLE.replace("%", "%%")))
for _table in ("ledger_transactions", "ledger_entries"):
    event.listen(
        Base.metadata.tables[_table],
        "after_create",
        DDL(
            f"CREATE TRIGGER {_table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
        ),
    )
