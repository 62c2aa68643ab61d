from __future__ import annotations

from dataclasses import asdict

from flask import g, request

from sintalk.billing import service
from sintalk.billing.models import LedgerTransaction
from sintalk.billing.schemas import (
    BalanceOut,
    BalanceQuery,
    CreditIn,
    CreditOut,
    CreditPath,
    RefundIn,
    RefundOut,
    Statement,
)
from sintalk.web.api import blueprint, demands_idempotency_key, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint("billing", tag="billing", description="The prepaid balance")
credits = blueprint("credits", tag="tenants")


@api.get("/billing/balance", summary="Get tenant balance", responses={"200": BalanceOut})
@refuses(403, "forbidden", "You are not allowed to do this.")
@refuses(404, "not_found", "There is nothing here, or it is not yours.")
def get_billing_balance(query: BalanceQuery) -> BalanceOut:
    """The tenant's available balance, reserved balance and overdraft limit."""
    return BalanceOut.model_validate(service.balance_for(g.actor, query.tenant_id))


@api.get("/billing/statement", summary="Get the statement", responses={"200": Statement})
def get_statement(query: PageQuery) -> Statement:
    """Every movement of the balance with the balance after it, newest first. An extension of the index."""
    movements = service.statement(g.actor.tenant_id)
    total = service.movements(g.actor.tenant_id)
    return Statement.model_validate(paginate(movements, query, by=LedgerTransaction.id, total=total))


@credits.post("/tenants/<uuid:tenant_id>/credits", summary="Credit a tenant", responses={"201": CreditOut})
@refuses(403, "forbidden", "You are not allowed to do this.")
@demands_idempotency_key
def create_tenant_credit(path: CreditPath, body: CreditIn) -> tuple[CreditOut, int]:
    """Put money into a company's balance: platform admins only, and never without an idempotency key.

    The key counts for ever here: the same one never puts money in twice. An extension of the index.
    """
    key = request.headers.get("Idempotency-Key")
    balance = service.credit(path.tenant_id, body.amount_micros, reason=body.reason, key=key, by=g.actor)
    return CreditOut.model_validate({**asdict(balance), **body.model_dump()}), 201


@credits.post("/tenants/<uuid:tenant_id>/refunds", summary="Refund a charge", responses={"201": RefundOut})
@refuses(403, "forbidden", "You are not allowed to do this.")
@refuses(404, "not_found", "There is nothing here, or it is not yours.")
@refuses(409, "refund_exceeds_charge", "No more can be refunded than was charged.")
@demands_idempotency_key
def create_tenant_refund(path: CreditPath, body: RefundIn) -> tuple[RefundOut, int]:
    """Give back what was charged for a campaign or for single sends: platform admins only, and never without an
    idempotency key, which counts for ever here. An extension of the index.
    """
    key = request.headers.get("Idempotency-Key")
    wish = {"amount_micros": body.amount_micros, "reason": body.reason, "key": key, "by": g.actor}
    balance = service.refund(path.tenant_id, body.reference_id, **wish)
    return RefundOut.model_validate({**asdict(balance), **body.model_dump()}), 201
