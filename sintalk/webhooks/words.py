"""Events and states in people's words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from sintalk.web.words import Word

EVENTS = {
    "notification.status": _l("Each change of a message: sent, delivered, read, failed"),
    "campaign.finished": _l("A campaign is done"),
    "campaign.paused": _l("A campaign was held back, because too much of it failed"),
    "import.finished": _l("An import is done"),
    "balance.low": _l("The balance falls below R$ 50.00"),
}
#: Short, for a table.
KINDS = {
    "notification.status": _l("Message changed"),
    "campaign.finished": _l("Campaign done"),
    "campaign.paused": _l("Campaign held back"),
    "import.finished": _l("Import done"),
    "balance.low": _l("Low balance"),
    "webhook.test": _l("Test"),
}
ENDPOINT = {
    "active": Word(_l("On"), "circle-check", "ok"),
    "paused": Word(_l("On pause"), "player-pause", "warn"),
    "disabled": Word(_l("Switched off"), "alert-circle", "bad"),
}
DELIVERY = {
    "pending": Word(_l("On its way"), "clock", "info"),
    "delivered": Word(_l("Arrived"), "circle-check", "ok"),
    "failed": Word(_l("Given up"), "alert-circle", "bad"),
}
#: Why no answer came.
ERRORS = {
    "timeout": _l("It did not answer within 10 seconds."),
    "connection": _l("The connection could not be made."),
    "certificate": _l("Its certificate is not valid."),
    "name_not_found": _l("There is no server of this name."),
    "not_public": _l("The name leads to an address that is not on the public network."),
}
