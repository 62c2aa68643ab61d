from __future__ import annotations

from pydantic import Field

from sintalk.web.schemas import Answer, Id, PageOf, Query, Timestamp


class BalanceQuery(Query):
    tenant_id: Id | None = Field(None, description="Another tenant's balance: platform admins only")


class BalanceOut(Answer):
    """A prepaid balance; amounts in micro-units, 1 BRL = 1 000 000."""

    tenant_id: Id
    currency: str = Field(examples=["BRL"])
    available: int = Field(description="Spendable before overdraft; may be negative down to -overdraft_limit")
    reserved: int = Field(description="What open holds keep")
    overdraft_limit: int
    updated_at: Timestamp


class MovementOut(Answer):
    """One line of the statement."""

    id: Id
    kind: str = Field(description="credit, hold, capture, release or refund")
    amount_micros: int
    available_after: int
    reserved_after: int
    memo: str
    created_at: Timestamp


class Statement(PageOf[MovementOut]):
    """The history of a balance, newest first."""
