from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.contacts import phones
from sintalk.errors import DomainError
from sintalk.message_templates import service as templates
from sintalk.messages import inbound, listing, sending, service, waiting
from sintalk.messages.schemas import RecipientIn
from sintalk.messages.states import STATUSES
from sintalk.messages.timeline import steps
from sintalk.web import words
from sintalk.web.htmx import paging
from sintalk.web.validation import check

bp = Blueprint("messages", __name__)
CHANNELS = ("sms", "rcs", "voice")
#: The id of nothing.
NIL = UUID(int=0)


@bp.get("/messages")
def index() -> ResponseReturnValue:
    """Every message, filtered by phone, status, channel and campaign."""
    tenant_id, wanted = g.actor.tenant_id, _wanted()
    page = listing.page(tenant_id, wanted, paging())
    return render_template("messages/index.html", page=page, campaign_id=wanted.campaign_id)


@bp.get("/messages/<uuid:message_id>")
def show(message_id: UUID) -> ResponseReturnValue:
    """One message: what was written, to whom, and what became of it."""
    message = service.get(g.actor.tenant_id, message_id)
    campaign_id = service.campaign_ids([message]).get(message.dispatch_id)
    answers = inbound.answers_to(g.actor.tenant_id, message_id)
    life = steps(message, answers, wait=waiting.of(message))
    return render_template("messages/show.html", message=message, steps=life, campaign_id=campaign_id)


@bp.get("/messages/latest")
def latest() -> ResponseReturnValue:
    """What was sent to one number lately, and why something was not: a part of a person's page."""
    rows = service.latest_to(g.actor.tenant_id, phones.read(request.args.get("phone", "")).phone)
    return render_template("messages/_latest.html", rows=rows, phone=request.args.get("phone", ""))


@bp.post("/messages/test")
def send_test() -> ResponseReturnValue:
    """One message of a saved template to one's own number, with the values of the made-up person."""
    template = templates.get(g.actor.tenant_id, request.form.get("template_id", type=UUID) or NIL)
    values = templates.made_up(template.content)
    sent = {"phone": request.form.get("phone", ""), "name": values["nome"], "variables": values}
    try:
        recipient = check(RecipientIn, sent)
        answer = sending.send(
            g.actor.tenant_id,
            channel=template.channel,
            template_id=template.id,
            recipients=[recipient],
            by=g.actor,
        ).data[0]
    except DomainError as error:
        flash(str(error.details[0].message if error.details else error.message), "error")
        return redirect(url_for("message_templates.show", template_id=template.id), 303)
    if answer.error_code:
        flash(str(words.REASON.get(answer.error_code, answer.error_code)), "error")
        return redirect(url_for("message_templates.show", template_id=template.id), 303)
    flash(_("The test is on its way."), "success")
    return redirect(url_for(".show", message_id=answer.id), 303)


def _wanted() -> listing.Wanted:
    """The wishes of the address; what is no wish of ours is none."""
    args = request.args
    return listing.Wanted(
        channel=args.get("channel") if args.get("channel") in CHANNELS else None,
        status=args.get("status") if args.get("status") in STATUSES else None,
        campaign_id=args.get("campaign_id", type=UUID),
        phone=_phone(args.get("phone", "")),
    )


def _phone(written: str) -> str | None:
    written = written.replace("\x00", "").strip()
    return (phones.read(written).phone or written[:32]) if written else None
