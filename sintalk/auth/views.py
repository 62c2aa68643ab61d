from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.accounts import service as accounts
from sintalk.auth import service
from sintalk.auth.forms import KeyForm, SignInForm
from sintalk.auth.guards import SESSION_KEY, admin_only, public
from sintalk.auth.models import ApiKey, usable
from sintalk.counts import kept
from sintalk.errors import DomainError, Invalid
from sintalk.web.forms import show_faults
from sintalk.web.htmx import local, paging
from sintalk.web.paging import paginate

bp = Blueprint("auth", __name__)


def remember(token: str) -> None:
    """Begin a browser session with this token; nothing of the one before is kept."""
    session.clear()
    session[SESSION_KEY] = token


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """E-mail and password; to the first-run page where nobody is here yet."""
    if getattr(g, "user", None) is not None:
        return redirect("/", 303)
    if not accounts.installed():
        return redirect(url_for("dashboard.first_run"), 303)
    return render_template("auth/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
@public
def sign_in_post() -> ResponseReturnValue:
    """One sentence for every mistake; the e-mail stays where it was typed."""
    form = SignInForm()
    if not form.validate():
        return render_template("auth/sign_in.html", form=form), 422
    try:
        token = service.sign_in(form.email.data or "", form.password.data or "", ip=request.remote_addr or "")
    except DomainError as error:
        form.form_errors.append(error.message)
        return render_template("auth/sign_in.html", form=form), error.status
    remember(token)
    return redirect(local(request.args.get("next"), "/"), 303)


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End this session everywhere at once."""
    if token := session.get(SESSION_KEY):
        service.sign_out(token)
    session.clear()
    flash(_("You are signed out."), "success")
    return redirect(url_for("auth.sign_in"), 303)


@bp.get("/developers/keys")
@admin_only
def keys() -> ResponseReturnValue:
    """The tenant's API keys."""
    return _keys_page(KeyForm())


@bp.post("/developers/keys")
@admin_only
def make_key() -> ResponseReturnValue:
    """Make a key and show it, this once: it is on no other page and in no cookie."""
    form = KeyForm()
    if not form.validate():
        return _keys_page(form), 422
    try:
        wish = form.wish()
        key, plain = service.create_key(
            g.actor.tenant_id,
            name=wish.name,
            role=wish.role,
            mode=wish.mode,
            expires_at=wish.expires_at,
            by=g.actor,
        )
    except Invalid as error:
        show_faults(form, error)
        return _keys_page(form), 422
    return render_template("auth/key_made.html", key=key, plain=plain), 201


@bp.post("/developers/keys/<uuid:key_id>/revoke")
@admin_only
def revoke_key(key_id: UUID) -> ResponseReturnValue:
    """The key stops working with the next request."""
    service.revoke_key(g.actor.tenant_id, key_id, by=g.actor)
    flash(_("The key is revoked. It stopped working at once."), "success")
    return redirect(url_for("auth.keys"), 303)


def _keys_page(form: KeyForm) -> str:
    rows, total = service.keys_of(g.actor.tenant_id), kept(g.actor.tenant_id, "api_keys")
    page = paginate(rows, paging(), by=ApiKey.id, total=total)
    return render_template("auth/keys.html", page=page, form=form, usable=usable)
