"""What was done with a campaign, by whom and why, step by step and in plain words. Reads only."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from sintalk.accounts import trail
from sintalk.accounts.models import AuditEvent
from sintalk.auth import service as auth
from sintalk.campaigns.models import Campaign
from sintalk.messages import service as messages
from sintalk.messages.timeline import Step
from sintalk.web.filters import moment

#: What people do, with `who`; icon and tone.
DONE = {
    "campaign.scheduled": (_l("%(who)s scheduled it for %(time)s."), "calendar", "info"),
    "campaign.rescheduled": (_l("%(who)s moved it to %(time)s."), "calendar", "info"),
    "campaign.unscheduled": (_l("%(who)s took it back from its time."), "pencil", "plain"),
    "campaign.launched": (_l("%(who)s sent it off."), "send", "info"),
    "campaign.paused": (_l("%(who)s paused it."), "player-pause", "warn"),
    "campaign.resumed": (_l("%(who)s let it go on."), "player-play", "info"),
    "campaign.canceled": (_l("%(who)s canceled it."), "ban", "warn"),
}
#: What happens by itself, by its reason.
BY_ITSELF = {
    ("campaign.launched", None): (_l("Its time came, and it was sent off."), "send", "info"),
    ("campaign.resumed", None): (
        _l("The balance was topped up, and it went on by itself."),
        "player-play",
        "info",
    ),
    ("campaign.paused", "insufficient_balance"): (
        _l("It was held back: the balance did not cover it."),
        "player-pause",
        "warn",
    ),
    ("campaign.paused", "overdue"): (
        _l("It was held back: too late to go by itself."),
        "player-pause",
        "warn",
    ),
    ("campaign.paused", "canary_failed"): (
        _l("It was held back: too many of the first few did not get it."),
        "player-pause",
        "bad",
    ),
    ("campaign.paused", "too_many_failures"): (
        _l("It was held back: too many people did not get it."),
        "player-pause",
        "bad",
    ),
    ("campaign.failed", "empty_audience"): (
        _l("It could not be sent: there was nobody left to send to."),
        "alert-circle",
        "bad",
    ),
}
#: What has no words of its own yet.
OTHERWISE = {
    "campaign.paused": (_l("It was held back."), "player-pause", "warn"),
    "campaign.failed": (_l("It could not be sent."), "alert-circle", "bad"),
}


def of(campaign: Campaign) -> list[Step]:
    """From its making to its end, oldest first."""
    events = trail.of(campaign.tenant_id, campaign.id)
    names = trail.names(events) | auth.key_names(campaign.tenant_id, {event.actor_id for event in events})
    steps = [Step(campaign.created_at, _("It was drafted."), "pencil", "plain")]
    steps += filter(None, (_step(event, names.get(event.actor_id)) for event in events))
    if campaign.completed_at:
        steps.append(_end(campaign))
    return steps


def _step(event: AuditEvent, name: str | None) -> Step | None:
    reason = event.data.get("reason")
    if event.actor_kind == "schedule":
        said = BY_ITSELF.get((event.action, reason)) or OTHERWISE.get(event.action)
        return Step(event.created_at, said[0], *said[1:]) if said else None
    done = DONE.get(event.action)
    if done is None:
        return None
    words, icon, tone = done
    return Step(event.created_at, str(words) % {"who": _who(event, name), "time": _time(event)}, icon, tone)


def _who(event: AuditEvent, name: str | None) -> str:
    if event.actor_kind == "api_key":
        return _("The API key “%(name)s”", name=name) if name else _("The API")
    return name or _("Somebody")


def _time(event: AuditEvent) -> str:
    at = event.data.get("scheduled_at")
    return moment(datetime.fromisoformat(at)) if at else ""


def _end(campaign: Campaign) -> Step:
    if campaign.status == "canceled":
        return Step(
            campaign.completed_at,
            _("What had not left was taken back, and its money."),
            "circle-check",
            "plain",
        )
    if campaign.status == "failed":
        return Step(campaign.completed_at, _("It ended without sending anything."), "circle-x", "plain")
    dispatch = messages.dispatch_of(campaign.tenant_id, campaign.id)
    if dispatch is not None and dispatch.suppressed == dispatch.total:
        return Step(campaign.completed_at, _("Everybody was left out, so nothing left."), "circle-x", "warn")
    return Step(campaign.completed_at, _("The last message had left."), "circle-check", "ok")
