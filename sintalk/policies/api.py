from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import g

from sintalk.db import now
from sintalk.policies import service
from sintalk.policies.hours import Rules
from sintalk.policies.schemas import SendingRulesIn, SendingRulesOut
from sintalk.web.api import blueprint, refuses

api = blueprint("sending_rules", tag="settings", description="When and how often to send (extension)")


@api.get("/settings/sending", summary="Get the sending rules", responses={"200": SendingRulesOut})
def get_sending_rules() -> SendingRulesOut:
    """The hours in which marketing may reach people, by channel, the holidays, and how often one person is
    written to. An extension of the index."""
    return _shown(service.rules_of(g.actor.tenant_id))


@api.put("/settings/sending", summary="Change the sending rules", responses={"200": SendingRulesOut})
@refuses(403, "forbidden", "Only owners and admins change settings.")
def change_sending_rules(body: SendingRulesIn) -> SendingRulesOut:
    """Kept by campaigns of the category `marketing`; transactional ones, `POST /send` and test keys are exempt.

    The hours are those of the recipient: of the area code in Brazil, of your own time zone abroad. Out of them a
    message waits as `queued` and leaves at the next opening; over `frequency_cap` it is `suppressed`. What waits is
    looked at anew when the rules change. An extension of the index.
    """
    rules = body.as_rules(service.rules_of(g.actor.tenant_id).zone)
    return _shown(service.set_rules(g.actor.tenant_id, rules, by=g.actor))


def _shown(rules: Rules) -> SendingRulesOut:
    return SendingRulesOut.of(rules, now().astimezone(ZoneInfo(rules.zone)).date())
