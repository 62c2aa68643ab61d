from __future__ import annotations

from typing import Literal

from pydantic import Field

from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, Path, Query, Timestamp


class BalanceQuery(Query):
    tenant_id: Id | None = Field(None, description="Another tenant's balance: platform admins only")


class BalanceOut(Answer):
    """A prepaid balance; amounts in micro-units, 1 BRL = 1 000 000."""

    tenant_id: Id
    currency: str = Field(examples=["BRL"])
    available: int = Field(
        examples=[1_000_000_000],
        description="Spendable before overdraft; may be negative down to -overdraft_limit",
    )
    reserved: int = Field(description="What open holds keep")
    overdraft_limit: int
    updated_at: Timestamp


class CreditIn(Body):
    """Money to be put in."""

    amount_micros: int = Field(ge=1, le=10**15, examples=[100_000_000])
    reason: Name = Field(examples=["Pix de 22/11"])


class CreditOut(BalanceOut):
    """What was put in, and the balance after it."""

    amount_micros: int = Field(examples=[100_000_000])
    reason: str = Field(examples=["Pix de 22/11"])


class CreditPath(Path):
    tenant_id: Id


class RefundIn(Body):
    """Money that was charged, to be given back."""

    reference_id: Id = Field(description="As the charge has it in the statement")
    amount_micros: int = Field(ge=1, le=10**15, examples=[80_000])
    reason: Name = Field(examples=["Link errado na mensagem"])


class RefundOut(BalanceOut):
    """What was given back, and the balance after it."""

    reference_id: Id
    amount_micros: int = Field(examples=[80_000])
    reason: str = Field(examples=["Link errado na mensagem"])


class MovementOut(Answer):
    """One line of the statement."""

    id: Id
    kind: Literal["credit", "hold", "capture", "release", "refund"]
    amount_micros: int = Field(examples=[1_000_000_000])
    available_after: int = Field(examples=[1_000_000_000])
    reserved_after: int
    memo: str = Field(examples=["Pix"])
    reference_id: Id | None = Field(description="What holds, charges, releases and refunds belong together")
    created_at: Timestamp


class Statement(PageOf[MovementOut]):
    """The history of a balance, newest first."""
