from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField, URLField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from sintalk.web.forms import Form, typed
from sintalk.web.validation import check
from sintalk.webhooks.schemas import WebhookIn
from sintalk.webhooks.words import EVENTS

FILL_IN = _l("Fill this in.")


class EndpointForm(Form):
    url = URLField(
        _l("Address"),
        [InputRequired(FILL_IN)],
        description=_l("A public https address of yours. What happens here is sent there as it happens."),
    )
    events = SelectMultipleField(
        _l("What it wants to hear of"),
        choices=[SelectChoice(kind, word) for kind, word in EVENTS.items()],
        default=["notification.status"],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    description = StringField(
        _l("Note"), description=_l("What is behind this address, so that you know it again.")
    )

    def wish(self) -> WebhookIn:
        """The form in the words of the API. Raises `Invalid`."""
        wanted = {
            "url": typed(self.url),
            "events": self.events.data or [],
            "description": typed(self.description),
        }
        return check(WebhookIn, wanted)
