"""The phones page: who got something by the simulator, and one phone of theirs to hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sintalk.errors import Conflict
from sintalk.messages.models import Notification
from sintalk.phones import service
from sintalk.phones.service import Phone
from sintalk.web.security import with_pictures

bp = Blueprint("phones", __name__)
#: How often the screen is looked at again after something was done, for its effect to come back.
LOOKS = 8


@bp.get("/phones")
def index() -> ResponseReturnValue:
    """The phones of those who got something, of one campaign or of all; the newest is shown."""
    campaign_id = request.args.get("campaign_id", type=UUID)
    people = service.people(g.actor.tenant_id, campaign_id)
    phone = service.phone_of(g.actor.tenant_id, people[0].id) if people else None
    return _page(people, phone, people[0].id if people else None, campaign_id)


@bp.get("/phones/<uuid:message_id>")
def show(message_id: UUID) -> ResponseReturnValue:
    """The phone that this message went to."""
    campaign_id = request.args.get("campaign_id", type=UUID)
    phone = service.phone_of(g.actor.tenant_id, message_id)
    return _page(service.people(g.actor.tenant_id, campaign_id), phone, message_id, campaign_id)


@bp.get("/phones/<uuid:message_id>/screen")
def screen(message_id: UUID) -> ResponseReturnValue:
    """The phone alone, looked at again while something is on its way."""
    phone = service.phone_of(g.actor.tenant_id, message_id)
    looks = max(0, min(request.args.get("looks", 0, type=int), LOOKS) - 1)
    return render_template("phones/_screen.html", phone=phone, message_id=message_id, looks=looks)


@bp.post("/phones/<uuid:message_id>/power")
def power(message_id: UUID) -> ResponseReturnValue:
    """Switch it on or off."""
    return _done(message_id, lambda: service.switch(g.actor.tenant_id, message_id, on=_said("on") == "1"))


@bp.post("/phones/<uuid:message_id>/reply")
def reply(message_id: UUID) -> ResponseReturnValue:
    """Answer with words."""
    text = _said("text")[:1600].strip()
    return _done(message_id, lambda: service.write(g.actor.tenant_id, message_id, text) if text else None)


@bp.post("/phones/<uuid:message_id>/tap")
def tap(message_id: UUID) -> ResponseReturnValue:
    """Tap a chip."""
    return _done(message_id, lambda: service.tap(g.actor.tenant_id, message_id, _said("chip")))


@bp.post("/phones/<uuid:message_id>/read")
def read(message_id: UUID) -> ResponseReturnValue:
    """Look at a message."""
    return _done(message_id, lambda: service.read(g.actor.tenant_id, message_id))


@bp.post("/phones/<uuid:message_id>/key")
def key(message_id: UUID) -> ResponseReturnValue:
    """Press a key in a call."""
    return _done(message_id, lambda: service.press(g.actor.tenant_id, message_id, _said("key")))


def _said(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "")


def _done(message_id: UUID, do: Callable[[], None]) -> ResponseReturnValue:
    try:
        do()
    except Conflict as error:
        flash(str(error.message), "error")
    campaign_id = request.args.get("campaign_id", type=UUID)
    return redirect(url_for(".show", message_id=message_id, campaign_id=campaign_id, looks=LOOKS), 303)


def _page(
    people: Sequence[Notification], phone: Phone | None, message_id: UUID | None, campaign_id: UUID | None
) -> Response:
    looks = max(0, min(request.args.get("looks", 0, type=int), LOOKS))
    page = render_template(
        "phones/index.html",
        people=people,
        phone=phone,
        message_id=message_id,
        campaign_id=campaign_id,
        looks=looks,
    )
    return with_pictures(page)
