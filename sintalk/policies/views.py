"""The settings page of sending hours, holidays and the frequency cap."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from sintalk.auth.guards import admin_only
from sintalk.db import now
from sintalk.errors import Invalid
from sintalk.policies import service
from sintalk.policies.calendar import upcoming
from sintalk.policies.forms import SendingRulesForm, field_of
from sintalk.policies.hours import PRESETS
from sintalk.web.forms import show_faults

bp = Blueprint("sending_rules", __name__, url_prefix="/settings/sending")
#: Rows of the page: kinds of days as people say them.
KINDS = {
    "weekdays": _l("Monday to Friday"),
    "saturday": _l("Saturday"),
    "sunday": _l("Sunday"),
    "holidays": _l("Holidays"),
}
CHANNELS = {"sms": "SMS", "rcs": "RCS", "voice": _l("Calls")}
#: National holidays that the page names.
NEXT = 5


@bp.get("")
@admin_only
def show() -> ResponseReturnValue:
    """The rules as they are; `?fill=usual` fills usual hours in, to be looked at and saved."""
    fill = request.args.get("fill", "")
    form = SendingRulesForm.of(service.rules_of(g.actor.tenant_id), PRESETS.get(fill))
    return _page(form, filled=fill in PRESETS)


@bp.post("")
@admin_only
def save() -> ResponseReturnValue:
    """Keep to these from now on, or say at its field what is wrong."""
    form = SendingRulesForm()
    try:
        wish = form.checked()
    except Invalid as error:
        show_faults(form, error, fields={fault.field: field_of(fault.field) for fault in error.details})
        return _page(form), 422
    rules = wish.as_rules(service.rules_of(g.actor.tenant_id).zone)
    service.set_rules(g.actor.tenant_id, rules, by=g.actor)
    flash(_("The settings are saved."), "success")
    return redirect(url_for(".show"), 303)


def _page(form: SendingRulesForm, *, filled: bool = False) -> str:
    today = now().astimezone(ZoneInfo(service.rules_of(g.actor.tenant_id).zone)).date()
    return render_template(
        "policies/sending.html",
        form=form,
        filled=filled,
        channels=CHANNELS,
        kinds=KINDS,
        next_holidays=upcoming(today, NEXT),
    )
