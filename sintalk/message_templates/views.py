from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.counts import kept
from sintalk.errors import Conflict, Invalid
from sintalk.message_templates import (
    placeholders,
    rcs_editor,
    rcs_files,
    rcs_typed,
    samples,
    service,
    sms,
    trial,
)
from sintalk.message_templates.content import CHANNELS
from sintalk.message_templates.faults import Faults
from sintalk.message_templates.forms import SmsForm
from sintalk.message_templates.models import Template
from sintalk.message_templates.rcs_editor import RcsForm
from sintalk.web.forms import show_faults
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate

bp = Blueprint("message_templates", __name__)


@bp.url_value_preprocessor
def _take_whole_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Without script a medium comes in the form of the editor. Said here, before anybody reads the form."""
    if request.endpoint in ("message_templates.create_rcs", "message_templates.update"):
        request.max_content_length = rcs_files.FORM


@bp.get("/templates")
def index() -> ResponseReturnValue:
    """All templates, by channel and by name."""
    channel, search = request.args.get("channel"), request.args.get("search", "").replace("\x00", "")
    channel = channel if channel in CHANNELS else None
    rows = service.templates_of(g.actor.tenant_id, channel=channel, search=search)
    total = None if channel or search else kept(g.actor.tenant_id, "templates")
    page = paginate(rows, paging(), by=Template.id, total=total)
    return render_template("message_templates/index.html", page=page)


@bp.get("/templates/new")
def new() -> ResponseReturnValue:
    """An empty SMS editor, or one with a sample in it."""
    form = SmsForm(formdata=None, data=_sample() if "sample" in request.args else None)
    return _editor(form)


@bp.post("/templates")
def create() -> ResponseReturnValue:
    """Keep a new SMS template, or only show what it would look like."""
    form = SmsForm()
    if "preview" in request.form:
        return _editor(form)
    try:
        template = service.create(g.actor.tenant_id, form.checked(), by=g.actor)
    except Invalid as error:
        show_faults(form, error, fields=form.FIELDS)
        return _editor(form), 422
    flash(_("The template “%(name)s” is saved.", name=template.name), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/templates/rcs/new")
def new_rcs() -> ResponseReturnValue:
    """An empty RCS editor."""
    return rcs_editor.page(RcsForm("", rcs_typed.EMPTY))


@bp.get("/templates/rcs")
def rcs_again() -> ResponseReturnValue:
    """The address that a form was sent to, opened by itself: the empty editor, which offers the draft."""
    return redirect(url_for(".new_rcs"), 303)


@bp.post("/templates/rcs")
def create_rcs() -> ResponseReturnValue:
    """Keep a new RCS template, or do what a button of the form says and show it again."""
    return _save_rcs()


@bp.post("/templates/people")
def people() -> ResponseReturnValue:
    """What is written, tried on the people of the chosen list: the fragment beside the phone."""
    channel = "rcs" if "rcs.type" in request.form else "sms"
    content = RcsForm.sent().content if channel == "rcs" else SmsForm().content()
    return render_template("message_templates/_people.html", **trial.of_request(channel, content))


@bp.get("/templates/<uuid:template_id>")
def show(template_id: UUID) -> ResponseReturnValue:
    """The editor with this template."""
    template = service.get(g.actor.tenant_id, template_id)
    if template.channel == "sms":
        return _editor(SmsForm.of(template), template)
    if template.channel == "voice":
        return redirect(url_for("voice_templates.show", template_id=template_id))
    return rcs_editor.page(RcsForm.of(template), template)


@bp.post("/templates/<uuid:template_id>")
def update(template_id: UUID) -> ResponseReturnValue:
    """Keep the changes of a template, or only show them."""
    template = service.get(g.actor.tenant_id, template_id)
    if template.channel == "rcs":
        return _save_rcs(template)
    form = SmsForm()
    if "preview" in request.form:
        return _editor(form, template)
    try:
        service.update(g.actor.tenant_id, template_id, form.checked(), by=g.actor)
    except Invalid as error:
        show_faults(form, error, fields=form.FIELDS)
        return _editor(form, template), 422
    flash(_("The template “%(name)s” is saved.", name=form.name.data), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/templates/<uuid:template_id>/duplicate")
def duplicate(template_id: UUID) -> ResponseReturnValue:
    """A copy, opened."""
    copy = service.duplicate(g.actor.tenant_id, template_id, by=g.actor)
    flash(_("This is the copy. The original stays as it is."), "success")
    return redirect(url_for(".show", template_id=copy.id), 303)


@bp.post("/templates/<uuid:template_id>/delete")
def delete(template_id: UUID) -> ResponseReturnValue:
    """Take it away."""
    try:
        template = service.delete(g.actor.tenant_id, template_id, by=g.actor)
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for(".show", template_id=template_id), 303)
    flash(_("The template “%(name)s” is deleted.", name=template.name), "success")
    return redirect(url_for(".index"), 303)


def _editor(form: SmsForm, template: Template | None = None) -> str:
    written = form.content()
    tried = trial.of_request("sms", written)
    shown = (
        service.preview("sms", written, tried["values"])
        if tried["values"]
        else service.sample("sms", written)
    )
    gsm7 = {**written, "encoding": "gsm7"}
    plain = service.preview("sms", gsm7, tried["values"]) if tried["values"] else service.sample("sms", gsm7)
    return render_template(
        "message_templates/sms_editor.html",
        form=form,
        template=template,
        shown=shown,
        without_accents=plain,
        left=sms.measure(shown.text, form.content()["encoding"]).left,
        slip=placeholders.compile(form.content()["text"]).faults,
        tables=service.counting_tables(),
        placeholders=service.placeholders_in_use(g.actor.tenant_id),
        lists=trial.lists(),
        **tried,
    )


def _save_rcs(template: Template | None = None) -> ResponseReturnValue:
    taken, wrong = rcs_files.take(g.actor.tenant_id, request.files)
    form = RcsForm.sent(taken)
    if wrong:
        return rcs_editor.page(form, template, bad=Faults(Invalid(*wrong), rcs_editor.where)), 422
    if deed := request.form.get("do"):
        return rcs_editor.page(form.after(deed), template, deed=deed)
    try:
        given = form.checked()
    except Invalid as error:
        return rcs_editor.page(form, template, bad=Faults(error, rcs_editor.where)), 422
    if template is None:
        service.create(g.actor.tenant_id, given, by=g.actor)
    else:
        service.update(g.actor.tenant_id, template.id, given, by=g.actor)
    flash(_("The template “%(name)s” is saved.", name=given.name), "success")
    return redirect(url_for(".index"), 303)


def _sample() -> dict[str, Any]:
    sample = samples.SAMPLES[0]
    return {"name": sample["name"], **sample["sms"]}
