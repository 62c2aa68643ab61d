"""All campaigns, and the page of each."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sintalk.campaigns import exporting, pages, service, story, trying
from sintalk.campaigns.forms import FOLLOW_UPS
from sintalk.campaigns.models import STATUSES, Campaign
from sintalk.counts import kept
from sintalk.errors import Conflict, InsufficientBalance
from sintalk.messages.states import STATUSES as NOTIFICATION_STATUSES
from sintalk.web import words
from sintalk.web.htmx import paging
from sintalk.web.paging import paginate
from sintalk.web.security import with_pictures

bp = Blueprint("campaigns", __name__)


@bp.get("/campaigns")
def index() -> ResponseReturnValue:
    """All campaigns, by status."""
    status = request.args.get("status") if request.args.get("status") in STATUSES else None
    rows = service.campaigns(g.actor.tenant_id, status=status)
    total = None if status else kept(g.actor.tenant_id, "campaigns")
    page = paginate(rows, paging(), by=Campaign.id, total=total)
    return render_template(
        "campaigns/index.html", page=page, dispatches=pages.dispatches(g.actor.tenant_id, page.data)
    )


@bp.get("/campaigns/<uuid:campaign_id>")
def show(campaign_id: UUID) -> ResponseReturnValue:
    """The campaign: its progress, its outcomes and what was sent. A draft goes on where it stood."""
    progress = pages.progress(g.actor.tenant_id, campaign_id)
    if progress.campaign.status == "draft":
        return redirect(url_for("campaign_builder.review", campaign_id=campaign_id), 303)
    parts = pages.ingredients(progress.campaign)
    page = render_template(
        "campaigns/show.html",
        progress=progress,
        parts=parts,
        follow_ups=FOLLOW_UPS,
        chosen=pages.chosen(progress.campaign),
        story=story.of(progress.campaign),
    )
    return with_pictures(page)


@bp.post("/campaigns/<uuid:campaign_id>/test")
def test(campaign_id: UUID) -> ResponseReturnValue:
    """The campaign on one's own phone."""
    try:
        phone = request.form.get("phone", "")[:100]
        sent = trying.test(g.actor.tenant_id, campaign_id, phones=[phone], by=g.actor).data[0]
        if sent.error_code:
            flash(str(words.REASON.get(sent.error_code, sent.error_code)), "error")
        else:
            flash(_("The test is on its way."), "success")
    except (InsufficientBalance, Conflict) as error:
        flash(str(error.message), "error")
    return redirect(url_for(".show", campaign_id=campaign_id), 303)


@bp.get("/campaigns/<uuid:campaign_id>/people.csv")
def people(campaign_id: UUID) -> ResponseReturnValue:
    """Everybody, or those of one outcome, as a file."""
    status = request.args.get("status") if request.args.get("status") in NOTIFICATION_STATUSES else None
    return exporting.download(g.actor.tenant_id, campaign_id, status=status)


@bp.get("/campaigns/<uuid:campaign_id>/progress")
def progress(campaign_id: UUID) -> ResponseReturnValue:
    """The live part of the campaign's page."""
    found = pages.progress(g.actor.tenant_id, campaign_id)
    return render_template("campaigns/_progress.html", progress=found, is_fragment=True)


@bp.post("/campaigns/<uuid:campaign_id>/pause")
def pause(campaign_id: UUID) -> ResponseReturnValue:
    """Nothing more goes out."""
    return _steered(service.pause, campaign_id)


@bp.post("/campaigns/<uuid:campaign_id>/resume")
def resume(campaign_id: UUID) -> ResponseReturnValue:
    """Go on with a campaign that was paused, waited for money, or was too late."""
    return _steered(service.resume, campaign_id)


@bp.post("/campaigns/<uuid:campaign_id>/cancel")
def cancel(campaign_id: UUID) -> ResponseReturnValue:
    """End it before its time."""
    return _steered(service.cancel, campaign_id)


@bp.post("/campaigns/<uuid:campaign_id>/delete")
def delete(campaign_id: UUID) -> ResponseReturnValue:
    """Throw a draft away."""
    service.delete_draft(g.actor.tenant_id, campaign_id, by=g.actor)
    flash(_("The draft is thrown away."), "success")
    return redirect(url_for(".index"), 303)


def _steered(verb: Callable[..., Campaign], campaign_id: UUID) -> ResponseReturnValue:
    try:
        verb(g.actor.tenant_id, campaign_id, by=g.actor)
    except (InsufficientBalance, Conflict) as error:
        flash(str(error.message), "error")
    return redirect(url_for(".show", campaign_id=campaign_id), 303)
