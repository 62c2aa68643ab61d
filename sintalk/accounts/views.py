from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import refresh
from werkzeug.wrappers import Response

from sintalk.accounts import people, service
from sintalk.accounts.forms import ROLES, InviteForm, JoinForm, SettingsForm
from sintalk.auth import service as auth
from sintalk.auth.guards import admin_only, public
from sintalk.auth.views import remember
from sintalk.errors import Conflict, Forbidden, Invalid
from sintalk.web.filters import THEMES
from sintalk.web.forms import show_faults, typed
from sintalk.web.htmx import local
from sintalk.web.i18n import LANGUAGES
from sintalk.web.links import public_url

bp = Blueprint("accounts", __name__)
A_YEAR = 365 * 24 * 3600


@bp.get("/settings")
@admin_only
def settings() -> ResponseReturnValue:
    """The company's name, language and time zone."""
    tenant = g.tenant
    form = SettingsForm(data={"company": tenant.name, "locale": tenant.locale, "timezone": tenant.timezone})
    form.offer(tenant.timezone)
    return render_template("accounts/settings.html", form=form)


@bp.post("/settings")
@admin_only
def save_settings() -> ResponseReturnValue:
    """Change them, or say at its field what is wrong."""
    form = SettingsForm()
    form.offer(g.tenant.timezone)
    if not form.validate():
        return render_template("accounts/settings.html", form=form), 422
    wish = {"name": form.company.data or "", "locale": form.locale.data, "timezone": form.timezone.data}
    try:
        service.update_tenant(g.actor.tenant_id, **wish, by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return render_template("accounts/settings.html", form=form), 422
    refresh()
    flash(_("The settings are saved."), "success")
    return redirect(url_for("accounts.settings"), 303)


@bp.get("/settings/people")
@admin_only
def people_page() -> ResponseReturnValue:
    """Who signs in for this company, who is invited, and a form for one more."""
    return _people(InviteForm(formdata=None))


@bp.post("/settings/people")
@admin_only
def invite() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    form = InviteForm()
    if not form.validate():
        return _people(form), 422
    wish = {"email": typed(form.email), "name": typed(form.name), "role": form.role.data}
    try:
        made, token = people.invite(g.actor.tenant_id, **wish, by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _people(form), 422
    link = public_url("accounts.invitation", token=token)
    return render_template("accounts/invited.html", invitation=made, link=link), 201


@bp.post("/settings/people/<uuid:user_id>/role")
@admin_only
def change_role(user_id: UUID) -> ResponseReturnValue:
    """Give somebody another role."""
    try:
        changed = people.change_role(g.actor.tenant_id, user_id, request.form.get("role", ""), by=g.actor)
    except (Conflict, Forbidden, Invalid) as error:
        flash(str(error.message), "error")
    else:
        flash(_("%(name)s has another role now.", name=changed.name), "success")
    return redirect(url_for("accounts.people_page"), 303)


@bp.post("/settings/people/<uuid:user_id>/remove")
@admin_only
def remove_person(user_id: UUID) -> ResponseReturnValue:
    """Somebody signs in no more."""
    try:
        gone = people.remove(g.actor.tenant_id, user_id, by=g.actor)
    except (Conflict, Forbidden) as error:
        flash(str(error.message), "error")
    else:
        flash(_("%(name)s can no longer sign in.", name=gone.name), "success")
    return redirect(url_for("accounts.people_page"), 303)


@bp.post("/settings/invitations/<uuid:invitation_id>/withdraw")
@admin_only
def withdraw_invitation(invitation_id: UUID) -> ResponseReturnValue:
    """The link works no more."""
    people.withdraw(g.actor.tenant_id, invitation_id, by=g.actor)
    flash(_("The invitation is withdrawn. Its link works no more."), "success")
    return redirect(url_for("accounts.people_page"), 303)


@bp.get("/invitation/<token>")
@public
def invitation(token: str) -> ResponseReturnValue:
    """Where an invitation's link leads: a name and a password, and one is in."""
    found = people.invitation_of(token)
    return render_template(
        "accounts/join.html", form=JoinForm(formdata=None, data={"name": found.name}), invitation=found
    )


@bp.post("/invitation/<token>")
@public
def join(token: str) -> ResponseReturnValue:
    """Take the invitation up and sign in; whoever was signed in here is so no more."""
    found, form = people.invitation_of(token), JoinForm()
    if not form.validate():
        return render_template("accounts/join.html", form=form, invitation=found), 422
    try:
        user = people.accept(token, name=typed(form.name), password=form.password.data or "")
    except Invalid as error:
        show_faults(form, error)
        return render_template("accounts/join.html", form=form, invitation=found), 422
    remember(auth.begin(user, ip=request.remote_addr or ""))
    return redirect("/", 303)


@bp.post("/preferences")
@public
def preferences() -> ResponseReturnValue:
    """A browser's language and light or dark, in cookies; the language stays with the person too."""
    answer = redirect(local(request.form.get("next"), "/"), 303)
    language, theme = request.form.get("language"), request.form.get("theme")
    if language in LANGUAGES:
        _keep(answer, "language", language)
        if getattr(g, "user", None) is not None:
            service.set_locale(g.user, language)
    if theme in THEMES:
        _keep(answer, "theme", theme)
    elif theme == "auto":
        answer.delete_cookie("theme")
    return answer


def _people(form: InviteForm) -> str:
    tenant_id = g.actor.tenant_id
    if g.actor.role != "owner":
        form.role.choices = [choice for choice in ROLES if choice.value != "owner"]
    return render_template(
        "accounts/people.html",
        form=form,
        people=people.people_of(tenant_id),
        invitations=people.open_invitations(tenant_id),
        roles=ROLES,
    )


def _keep(answer: Response, name: str, value: str) -> None:
    secure = current_app.config["SETTINGS"].secure
    answer.set_cookie(name, value, max_age=A_YEAR, secure=secure, httponly=True, samesite="Lax")
