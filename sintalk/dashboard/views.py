from __future__ import annotations

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sintalk.accounts import service as accounts
from sintalk.accounts.forms import FirstRunForm
from sintalk.accounts.models import User
from sintalk.auth import service as auth
from sintalk.auth.guards import public
from sintalk.auth.views import remember
from sintalk.billing import service as billing
from sintalk.dashboard import demo, service
from sintalk.db import atomic
from sintalk.errors import Conflict, Invalid
from sintalk.web.forms import show_faults
from sintalk.web.i18n import locale

bp = Blueprint("dashboard", __name__)


@bp.get("/")
def home() -> ResponseReturnValue:
    """Balance, what is running, what came out lately, and the first steps of a new company."""
    tenant_id = g.actor.tenant_id
    return render_template(
        "dashboard/home.html",
        balance=billing.balance(tenant_id),
        running=service.running(tenant_id),
        latest=service.latest(tenant_id),
        outcomes=service.outcomes(tenant_id),
        days=service.by_day(tenant_id, g.tenant.timezone),
        steps=service.first_steps(tenant_id),
    )


@bp.get("/home/running")
def running() -> ResponseReturnValue:
    """The part of the home page that moves."""
    return render_template("dashboard/_running.html", running=service.running(g.actor.tenant_id))


@bp.get("/home/balance")
def balance() -> ResponseReturnValue:
    """The balance in the top bar."""
    return render_template("dashboard/_balance.html", balance=billing.balance(g.actor.tenant_id))


@bp.get("/setup")
@public
def first_run() -> ResponseReturnValue:
    """An empty installation asks who its first person is."""
    if accounts.installed():
        return redirect(url_for("auth.sign_in"), 303)
    return render_template("setup/first_run.html", form=FirstRunForm(data={"locale": locale(), "demo": True}))


@bp.post("/setup")
@public
def first_run_post() -> ResponseReturnValue:
    """Make the first person and company, sign them in, and fill in the demo where wanted."""
    form = FirstRunForm()
    if not form.validate():
        return render_template("setup/first_run.html", form=form), 422
    try:
        user = _begin(form)
    except Conflict:
        return redirect(url_for("auth.sign_in"), 303)
    except Invalid as error:
        show_faults(form, error)
        return render_template("setup/first_run.html", form=form), 422
    remember(auth.begin(user, ip=request.remote_addr or ""))
    return redirect(url_for("dashboard.home"), 303)


def _begin(form: FirstRunForm) -> User:
    with atomic():
        user = accounts.first_run(
            name=form.name.data or "",
            email=form.email.data or "",
            password=form.password.data or "",
            company=form.company.data or "",
            locale=form.locale.data,
            timezone=form.timezone.data,
        )
        accounts.set_locale(user, form.locale.data)
        if form.demo.data:
            demo.seed(user.tenant_id)
    current_app.logger.info("the installation has its first owner")
    return user
