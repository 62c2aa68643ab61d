from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import refresh
from werkzeug.wrappers import Response

from sintalk.accounts import service
from sintalk.accounts.forms import SettingsForm
from sintalk.auth.guards import admin_only, public
from sintalk.errors import Invalid
from sintalk.web.filters import THEMES
from sintalk.web.forms import show_faults
from sintalk.web.htmx import local
from sintalk.web.i18n import LANGUAGES

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


def _keep(answer: Response, name: str, value: str) -> None:
    secure = current_app.config["SETTINGS"].secure
    answer.set_cookie(name, value, max_age=A_YEAR, secure=secure, httponly=True, samesite="Lax")
