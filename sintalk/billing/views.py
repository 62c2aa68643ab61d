from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.accounts import people, tenants
from sintalk.accounts.models import Tenant
from sintalk.auth.guards import platform_only
from sintalk.billing import service
from sintalk.billing.models import LedgerTransaction
from sintalk.billing.platform_forms import CompanyForm, CreditForm, OwnerForm, RatesForm
from sintalk.errors import Conflict, Invalid
from sintalk.web.filters import money, number
from sintalk.web.forms import show_faults, typed
from sintalk.web.htmx import paging
from sintalk.web.links import public_url
from sintalk.web.paging import paginate

bp = Blueprint("billing", __name__)
platform = Blueprint("platform", __name__, url_prefix="/platform")
OWNER_FIELDS = {"owner.name": "owner_name", "owner.email": "owner_email"}


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


@platform.get("/tenants")
@platform_only
def companies() -> ResponseReturnValue:
    """Every company of this installation with its balance, and a form for one more."""
    return _companies(CompanyForm(formdata=None))


@platform.post("/tenants")
@platform_only
def make_company() -> ResponseReturnValue:
    """A new company; the link for its first owner is shown this once."""
    form = CompanyForm()
    if not form.validate():
        return _companies(form), 422
    wish = {"name": typed(form.name), "locale": g.tenant.locale, "timezone": g.tenant.timezone}
    try:
        made = tenants.create(**wish, owner=_owner(form), by=g.actor)
    except Invalid as error:
        show_faults(form, error, fields={**OWNER_FIELDS, "company": "name"})
        return _companies(form), 422
    return _invited(made)


@platform.get("/tenants/<uuid:tenant_id>")
@platform_only
def company(tenant_id: UUID) -> ResponseReturnValue:
    """One company: its people, its balance, and putting money in."""
    return _company(tenant_id, CreditForm(formdata=None), OwnerForm(formdata=None))


@platform.post("/tenants/<uuid:tenant_id>/credits")
@platform_only
def add_credit(tenant_id: UUID) -> ResponseReturnValue:
    """Put money into a company's balance, once for each page that was opened."""
    form = CreditForm()
    if not form.validate():
        return _company(tenant_id, form, OwnerForm(formdata=None)), 422
    try:
        micros, reason = form.micros(), typed(form.reason)[:200]
        service.credit(tenant_id, micros, reason=reason, key=form.key.data or None, by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _company(tenant_id, form, OwnerForm(formdata=None)), 422
    except Conflict:
        flash(_("This was put in already; nothing was put in twice."), "success")
    else:
        flash(_("%(amount)s was put in.", amount=money(micros)), "success")
    return redirect(url_for(".company", tenant_id=tenant_id), 303)


@platform.post("/tenants/<uuid:tenant_id>/rates")
@platform_only
def set_rates(tenant_id: UUID) -> ResponseReturnValue:
    """How fast a company may send at the most."""
    form = RatesForm()
    try:
        tenants.set_rates(tenant_id, form.checked(), by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _company(tenant_id, CreditForm(formdata=None), OwnerForm(formdata=None), form), 422
    flash(_("Saved; it holds from the next message on."), "success")
    return redirect(url_for(".company", tenant_id=tenant_id), 303)


@platform.post("/tenants/<uuid:tenant_id>/owners")
@platform_only
def invite_owner(tenant_id: UUID) -> ResponseReturnValue:
    """Another link for an owner of this company, where the first one got lost."""
    form = OwnerForm()
    if not form.validate():
        return _company(tenant_id, CreditForm(formdata=None), form), 422
    try:
        made = tenants.invite_owner(tenant_id, _owner(form), by=g.actor)
    except Invalid as error:
        show_faults(form, error, fields=OWNER_FIELDS)
        return _company(tenant_id, CreditForm(formdata=None), form), 422
    return _invited(made)


def _owner(form: CompanyForm | OwnerForm) -> tenants.Owner:
    return tenants.Owner(email=typed(form.owner_email), name=typed(form.owner_name))


def _invited(made: tenants.Made) -> ResponseReturnValue:
    link = public_url("accounts.invitation", token=made.token)
    back = (url_for(".company", tenant_id=made.tenant.id), made.tenant.name)
    return render_template("accounts/invited.html", invitation=made.invitation, link=link, back=back), 201


def _companies(form: CompanyForm) -> str:
    page = paginate(tenants.every(g.actor), paging(), by=Tenant.id)
    balances = service.balances([tenant.id for tenant in page.data])
    return render_template("platform/tenants.html", page=page, balances=balances, form=form)


def _company(tenant_id: UUID, credit: CreditForm, owner: OwnerForm, rates: RatesForm | None = None) -> str:
    tenant = tenants.get(tenant_id, by=g.actor)
    written = {channel: number(rate) for channel, rate in tenant.rates.items()}
    return render_template(
        "platform/tenant.html",
        tenant=tenant,
        balance=service.balance(tenant_id),
        prices=service.prices(tenant_id),
        people=people.people_of(tenant_id),
        invitations=people.open_invitations(tenant_id),
        credit=credit,
        owner=owner,
        rates=rates or RatesForm(formdata=None, data=written),
    )
