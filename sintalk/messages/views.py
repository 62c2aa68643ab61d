from __future__ import annotations

from uuid import UUID

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from sintalk.contacts import phones
from sintalk.messages import inbound, service
from sintalk.messages.models import Notification
from sintalk.messages.states import STATUSES
from sintalk.messages.timeline import steps
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate

bp = Blueprint("messages", __name__)
CHANNELS = ("sms", "rcs", "voice")


@bp.get("/messages")
def index() -> ResponseReturnValue:
    """Every message, filtered by phone, status, channel and campaign."""
    tenant_id, wanted = g.actor.tenant_id, _wanted()
    total = service.total(tenant_id) if wanted == service.Wanted() else None
    page = paginate(service.notifications(tenant_id, wanted), paging(), by=Notification.id, total=total)
    return render_template("messages/index.html", page=page, campaign_id=wanted.campaign_id)


@bp.get("/messages/<uuid:message_id>")
def show(message_id: UUID) -> ResponseReturnValue:
    """One message: what was written, to whom, and what became of it."""
    message = service.get(g.actor.tenant_id, message_id)
    campaign_id = service.campaign_ids([message]).get(message.dispatch_id)
    answers = inbound.answers_to(g.actor.tenant_id, message_id)
    life = list(steps(message, answers, leaves_at=service.leaves_at(message)))
    return render_template("messages/show.html", message=message, steps=life, campaign_id=campaign_id)


def _wanted() -> service.Wanted:
    """The wishes of the address; what is no wish of ours is none."""
    args = request.args
    written = args.get("phone", "").replace("\x00", "").strip()
    return service.Wanted(
        channel=args.get("channel") if args.get("channel") in CHANNELS else None,
        status=args.get("status") if args.get("status") in STATUSES else None,
        campaign_id=args.get("campaign_id", type=UUID),
        phone=(phones.read(written).phone or written[:32]) if written else None,
    )
