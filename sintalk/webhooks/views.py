"""Webhooks for people who would rather click than curl: the same verbs as the API's."""

from __future__ import annotations

import json
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.auth.guards import admin_only
from sintalk.errors import Conflict, Invalid
from sintalk.web.forms import show_faults
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate
from sintalk.webhooks import delivering, service, words
from sintalk.webhooks.forms import EndpointForm
from sintalk.webhooks.models import STATES, WebhookEndpoint

bp = Blueprint("webhooks", __name__, url_prefix="/developers/webhooks")

ONE = "/<uuid:webhook_id>"
ONE_DELIVERY = f"{ONE}/deliveries/<uuid:delivery_id>"


@bp.context_processor
def in_words() -> dict[str, object]:
    """What the templates say about events and states."""
    return {"hook_words": words}


@bp.get("")
@admin_only
def index() -> ResponseReturnValue:
    """All endpoints, and a form for one more."""
    return _index(EndpointForm(formdata=None))


@bp.post("")
@admin_only
def create() -> ResponseReturnValue:
    """Make an endpoint and show its secret, this once."""
    form = EndpointForm()
    if not form.validate():
        return _index(form), 422
    try:
        made = service.create(g.actor.tenant_id, **form.wish().model_dump(), by=g.actor)
    except Invalid as error:
        show_faults(form, error)
        return _index(form), 422
    except Conflict as error:
        form.form_errors.append(error.message)
        return _index(form), error.status
    return render_template("webhooks/secret.html", endpoint=made, new=True), 201


@bp.get(ONE)
@admin_only
def show(webhook_id: UUID) -> ResponseReturnValue:
    """One endpoint and what was sent to it, newest first."""
    tenant_id = g.actor.tenant_id
    state = request.args.get("state") if request.args.get("state") in STATES else None
    page = service.page_of_deliveries(tenant_id, webhook_id, paging(), state=state)
    return render_template(
        "webhooks/show.html",
        endpoint=service.get(tenant_id, webhook_id),
        page=page,
        events=service.events_of(page.data),
    )


@bp.get(ONE_DELIVERY)
@admin_only
def delivery(webhook_id: UUID, delivery_id: UUID) -> ResponseReturnValue:
    """One delivery: what was sent, and every answer."""
    tenant_id = g.actor.tenant_id
    row = service.delivery(tenant_id, webhook_id, delivery_id)
    event = service.events_of([row])[row.event_id]
    body = json.loads(delivering.body_of(event.id, event.kind, event.created_at, event.payload))
    return render_template(
        "webhooks/delivery.html",
        endpoint=service.get(tenant_id, webhook_id),
        delivery=row,
        event=event,
        body=json.dumps(body, indent=2, ensure_ascii=False),
        attempts=service.attempts_of(tenant_id, [row])[row.id],
    )


@bp.post(f"{ONE}/rotate-secret")
@admin_only
def rotate_secret(webhook_id: UUID) -> ResponseReturnValue:
    """A new secret, shown this once; for a day the old one signs as well."""
    endpoint = service.rotate_secret(g.actor.tenant_id, webhook_id, by=g.actor)
    return render_template("webhooks/secret.html", endpoint=endpoint, new=False)


@bp.post(f"{ONE}/test")
@admin_only
def test(webhook_id: UUID) -> ResponseReturnValue:
    """A test event, and the page that tells what becomes of it."""
    sent = service.send_test(g.actor.tenant_id, webhook_id, by=g.actor)
    flash(_("A test event is on its way."), "success")
    return redirect(url_for(".delivery", webhook_id=webhook_id, delivery_id=sent.id), 303)


@bp.post(f"{ONE}/pause")
@admin_only
def pause(webhook_id: UUID) -> ResponseReturnValue:
    """Events wait from now on."""
    service.pause(g.actor.tenant_id, webhook_id, by=g.actor)
    flash(_("Events wait from now on; nothing is lost."), "success")
    return redirect(url_for(".show", webhook_id=webhook_id), 303)


@bp.post(f"{ONE}/resume")
@admin_only
def resume(webhook_id: UUID) -> ResponseReturnValue:
    """Deliver again, what waited first."""
    service.resume(g.actor.tenant_id, webhook_id, by=g.actor)
    flash(_("Events are sent again, what waited first."), "success")
    return redirect(url_for(".show", webhook_id=webhook_id), 303)


@bp.post(f"{ONE}/delete")
@admin_only
def delete(webhook_id: UUID) -> ResponseReturnValue:
    """Nothing more is sent there."""
    service.delete(g.actor.tenant_id, webhook_id, by=g.actor)
    flash(_("The webhook is deleted."), "success")
    return redirect(url_for(".index"), 303)


@bp.post(f"{ONE_DELIVERY}/replay")
@admin_only
def replay(webhook_id: UUID, delivery_id: UUID) -> ResponseReturnValue:
    """Send it once more, under the same event id."""
    service.replay(g.actor.tenant_id, webhook_id, delivery_id, by=g.actor)
    flash(_("It is sent once more."), "success")
    return redirect(url_for(".delivery", webhook_id=webhook_id, delivery_id=delivery_id), 303)


def _index(form: EndpointForm) -> str:
    page = paginate(service.endpoints(g.actor.tenant_id), paging(), by=WebhookEndpoint.id)
    return render_template("webhooks/index.html", page=page, form=form, most=service.MOST)
