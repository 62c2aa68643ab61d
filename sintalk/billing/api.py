from __future__ import annotations

from flask import g

from sintalk.billing import service
from sintalk.billing.models import LedgerTransaction
from sintalk.billing.schemas import BalanceOut, BalanceQuery, Statement
from sintalk.web.api import blueprint, refuses
from sintalk.web.paging import paginate
from sintalk.web.schemas import PageQuery

api = blueprint("billing", tag="billing", description="The prepaid balance")


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
