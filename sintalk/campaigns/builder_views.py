"""The builder: who -> what -> when -> check -> send.

Until both questions are answered there is no row: the first answer travels in the address, so that Back,
reload and a shared link work. From then on the draft keeps everything.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from sintalk.campaigns import pages, preflight, service
from sintalk.campaigns.forms import FOLLOW_UPS, WhatForm, WhenForm, Who, WhoForm
from sintalk.campaigns.models import Campaign
from sintalk.contacts import service as contacts
from sintalk.contacts.models import ContactList
from sintalk.db import now, session
from sintalk.errors import Conflict, InsufficientBalance, Invalid, NotFound, unknown_reference
from sintalk.message_templates import service as templates
from sintalk.message_templates.models import Template
from sintalk.web import i18n
from sintalk.web.filters import number
from sintalk.web.forms import show_faults
from sintalk.web.htmx import go
from sintalk.web.security import with_pictures

bp = Blueprint("campaign_builder", __name__)
#: How many lists and templates a step offers, the newest.
OFFERED = 100


@bp.get("/campaigns/new")
def new() -> ResponseReturnValue:
    """Step 1 of a new campaign; `parent_campaign_id` and `follow_up_on_status` make it a follow-up."""
    return _who(WhoForm(formdata=None, data=_answered()))


@bp.post("/campaigns/new")
def new_who() -> ResponseReturnValue:
    """Answer step 1; on to step 2, the answers in the address."""
    form = WhoForm()
    try:
        who = _checked_who(form)
    except Invalid as error:
        show_faults(form, error)
        return _who(form), 422
    return redirect(url_for(".new_what", **who.as_query), 303)


@bp.route("/campaigns/new/message", methods=["GET", "POST"])
def new_what() -> ResponseReturnValue:
    """Step 2 of a new campaign; answered, there is a draft."""
    given = _answered()
    back = url_for(".new", **{name: value for name, value in given.items() if value})
    try:
        who = Who.read(given)
    except Invalid:
        return redirect(back, 303)
    if request.method == "GET":
        return _what(WhatForm(formdata=None, data={"template_id": request.args.get("template_id")}), back)
    form = WhatForm()
    try:
        made = form.checked(who, _channels())
        campaign = service.create(g.actor.tenant_id, **made.model_dump(), by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _what(form, back), 422
    return redirect(url_for(".when", campaign_id=campaign.id), 303)


@bp.get("/campaigns/<uuid:campaign_id>/who")
def who(campaign_id: UUID) -> ResponseReturnValue:
    """Step 1 of a draft."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    given = {
        "name": campaign.name,
        "contact_list_id": str(campaign.contact_list_id or ""),
        "parent_campaign_id": str(campaign.parent_campaign_id or ""),
        "follow_up_on_status": campaign.follow_up_on_status,
        "exclude_list_ids": [str(each) for each in campaign.exclude_list_ids],
    }
    return _who(WhoForm(formdata=None, data=given), campaign)


@bp.post("/campaigns/<uuid:campaign_id>/who")
def change_who(campaign_id: UUID) -> ResponseReturnValue:
    """Another name or other people."""
    campaign, form = service.get(g.actor.tenant_id, campaign_id), WhoForm()
    try:
        wishes = _checked_who(form).model_dump()
        service.update(g.actor.tenant_id, campaign_id, **wishes, by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _who(form, campaign), 422
    return redirect(url_for(".what", campaign_id=campaign_id), 303)


@bp.get("/campaigns/<uuid:campaign_id>/message")
def what(campaign_id: UUID) -> ResponseReturnValue:
    """Step 2 of a draft."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    form = WhatForm(formdata=None, data={"template_id": str(campaign.template_id)})
    return _what(form, url_for(".who", campaign_id=campaign_id), campaign)


@bp.post("/campaigns/<uuid:campaign_id>/message")
def change_what(campaign_id: UUID) -> ResponseReturnValue:
    """Another template."""
    campaign, form = service.get(g.actor.tenant_id, campaign_id), WhatForm()
    kept = Who.model_construct(**{name: getattr(campaign, name) for name in Who.model_fields})
    try:
        made = form.checked(kept, _channels())
        wishes = {"template_id": made.template_id, "channel": made.channel}
        service.update(g.actor.tenant_id, campaign_id, **wishes, by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _what(form, url_for(".who", campaign_id=campaign_id), campaign), 422
    return redirect(url_for(".when", campaign_id=campaign_id), 303)


@bp.get("/campaigns/<uuid:campaign_id>/when")
def when(campaign_id: UUID) -> ResponseReturnValue:
    """Step 3: now, or at a time. For a scheduled campaign, another time."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    if not campaign.may_be_scheduled:
        return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)
    return _when(WhenForm(formdata=None).of(campaign, _zone()), campaign)


@bp.post("/campaigns/<uuid:campaign_id>/when")
def change_when(campaign_id: UUID) -> ResponseReturnValue:
    """Another time. Without one, a scheduled campaign is a draft again."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    form = WhenForm().offer(campaign)
    try:
        service.update(g.actor.tenant_id, campaign_id, **form.checked(_zone()), by=g.actor)
    except Invalid as error:
        show_faults(form, error, fields={"scheduled_at": "at"})
        return _when(form, campaign), 422
    except Conflict as error:
        flash(str(error.message), "error")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


@bp.post("/campaigns/<uuid:campaign_id>/unschedule")
def unschedule(campaign_id: UUID) -> ResponseReturnValue:
    """Take the schedule back: a draft again, that goes at once when it goes."""
    try:
        service.update(g.actor.tenant_id, campaign_id, scheduled_at=None, by=g.actor)
        flash(_("It is a draft again, and goes nowhere by itself."), "success")
    except Conflict as error:
        flash(str(error.message), "error")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


@bp.get("/campaigns/<uuid:campaign_id>/check")
def review(campaign_id: UUID) -> ResponseReturnValue:
    """Step 4: what the launch would do, and the button that does it."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    if campaign.status != "draft":
        return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)
    return _review(campaign, "campaigns/check.html")


@bp.get("/campaigns/<uuid:campaign_id>/count")
def count(campaign_id: UUID) -> ResponseReturnValue:
    """The check while a large audience is being counted."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    if campaign.status != "draft":
        return go(url_for("campaigns.show", campaign_id=campaign_id))
    return _review(campaign, "campaigns/_check.html")


@bp.post("/campaigns/<uuid:campaign_id>/launch")
def launch(campaign_id: UUID) -> ResponseReturnValue:
    """Step 5: send, or let it wait for its time, if it is still what was shown."""
    campaign = service.get(g.actor.tenant_id, campaign_id)
    at_once = request.form.get("now") == "1"
    if campaign.status == "draft" and pages.seal(campaign) != request.form.get("seal"):
        flash(_("Something of it has changed since. Look once more, then send."), "warning")
        return redirect(url_for(".review", campaign_id=campaign_id), 303)
    try:
        service.launch(g.actor.tenant_id, campaign_id, at_once=at_once, by=g.actor)
    except InsufficientBalance as error:
        flash(str(error.message), "error")
        return redirect(url_for(".review", campaign_id=campaign_id), 303)
    except Invalid as error:
        flash(str(error.details[0].message), "error")
        at_fault = error.details[0].field
        step = ".when" if at_fault == "scheduled_at" else ".review"
        return redirect(url_for(step, campaign_id=campaign_id), 303)
    except Conflict as error:
        flash(str(error.message), "error")
    return redirect(url_for("campaigns.show", campaign_id=campaign_id), 303)


def _answered() -> dict[str, Any]:
    """What the address says of step 1."""
    plain = ("name", "contact_list_id", "parent_campaign_id", "follow_up_on_status")
    given: dict[str, Any] = {name: request.args.get(name, "") for name in plain}
    return {**given, "exclude_list_ids": request.args.getlist("exclude_list_ids")}


def _checked_who(form: WhoForm) -> Who:
    who = form.checked()
    named = [("contact_list_id", who.contact_list_id)]
    named += [("exclude_list_ids", each) for each in who.exclude_list_ids]
    for field, list_id in named:
        try:
            if list_id:
                contacts.get_list(g.actor.tenant_id, list_id)
        except NotFound:
            raise unknown_reference(field, _("Choose one of the lists.")) from None
    try:
        if who.parent_campaign_id:
            service.get(g.actor.tenant_id, who.parent_campaign_id)
    except NotFound:
        raise unknown_reference("parent_campaign_id", _("Choose one of the campaigns.")) from None
    return who


def _who(form: WhoForm, campaign: Campaign | None = None) -> str:
    lists = _newest(contacts.lists_of(g.actor.tenant_id), ContactList)
    launched = service.campaigns(g.actor.tenant_id).where(Campaign.launched_at.is_not(None))
    notes = {str(it.id): _("People: %(count)s", count=number(it.contact_count)) for it in lists}
    form.offer(lists, _newest(launched, Campaign))
    return render_template("campaigns/who.html", form=form, notes=notes, campaign=campaign)


def _when(form: WhenForm, campaign: Campaign) -> str:
    city = get_timezone_location(_zone(), locale=get_locale(), return_city=True)
    return render_template("campaigns/when.html", form=form, campaign=campaign, zone=city)


def _zone() -> ZoneInfo:
    return ZoneInfo(i18n.timezone())


def _what(form: WhatForm, back: str, campaign: Campaign | None = None) -> str:
    found = _templates()
    notes = {str(it.id): it.words for it in found}
    return render_template(
        "campaigns/what.html",
        form=form.offer(found),
        notes=notes,
        channels={str(it.id): it.channel for it in found},
        campaign=campaign,
        back=back,
    )


def _templates() -> list[Any]:
    return _newest(templates.templates_of(g.actor.tenant_id), Template)


def _channels() -> dict[str, str]:
    return {str(it.id): it.channel for it in _templates()}


def _newest(rows: Any, model: Any) -> list[Any]:
    return list(session().scalars(rows.order_by(model.id.desc()).limit(OFFERED)))


def _review(campaign: Campaign, template: str) -> ResponseReturnValue:
    parts = pages.ingredients(campaign)
    if not parts.complete:
        flash(_("The list or the template of this draft was deleted. Choose another."), "warning")
        step = ".who" if parts.template is not None else ".what"
        return redirect(url_for(step, campaign_id=campaign.id), 303)
    found = preflight.preflight(campaign.tenant_id, campaign.id, mode=g.actor.mode)
    page = render_template(
        template,
        campaign=campaign,
        parts=parts,
        found=found,
        seal=pages.seal(campaign, found.seal),
        gone_by=campaign.scheduled_at is not None and campaign.scheduled_at <= now(),
        reasons=pages.LEFT_OUT,
        follow_ups=FOLLOW_UPS,
        chosen=pages.chosen(campaign, found.count.people if found.complete else None),
    )
    return with_pictures(page)
