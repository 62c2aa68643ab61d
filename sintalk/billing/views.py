from __future__ import annotations

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from sintalk.billing import service
from sintalk.billing.models import LedgerTransaction
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate

bp = Blueprint("billing", __name__)


@bp.get("/balance")
def index() -> ResponseReturnValue:
    """The balance in figures and as a bar, its history, and the prices."""
    tenant_id = g.actor.tenant_id
    page = paginate(
        service.statement(tenant_id),
        paging(),
        by=LedgerTransaction.id,
        total=service.movements(tenant_id),
    )
    return render_template(
        "billing/index.html", balance=service.balance(tenant_id), page=page, prices=service.prices(tenant_id)
    )
