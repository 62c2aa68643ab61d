from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice

from sintalk.campaigns.schemas import CampaignIn
from sintalk.web.forms import Form, typed
from sintalk.web.schemas import Body, Id, Name
from sintalk.web.validation import check


class Who(Body):
    """What the first step of the builder asks."""

    name: Name
    contact_list_id: Id


class WhoForm(Form):
    """A name, and the people."""

    name = StringField(_l("Name of the campaign"))
    contact_list_id = RadioField(_l("Who shall get it?"), validate_choice=False)

    def offer(self, lists: Sequence[Any]) -> WhoForm:
        """The lists to choose from."""
        self.contact_list_id.choices = [SelectChoice(str(it.id), it.name) for it in lists]
        return self

    def checked(self) -> Who:
        """The answers. Raises Invalid with all faults."""
        return check(Who, {"name": typed(self.name), "contact_list_id": self.contact_list_id.data or ""})


class WhatForm(Form):
    """The template."""

    template_id = RadioField(_l("What shall they get?"), validate_choice=False)

    def offer(self, templates: Sequence[Any]) -> WhatForm:
        """The templates to choose from."""
        self.template_id.choices = [SelectChoice(str(it.id), it.name) for it in templates]
        return self

    def checked(self, who: Who, channels: Mapping[str, str]) -> CampaignIn:
        """The campaign as the contract takes it, its channel that of the template. Raises Invalid with all faults.

        `channels`: template -> channel, of those that were offered; any other is refused by what is made of it.
        """
        chosen = self.template_id.data or ""
        given = {**who.model_dump(), "channel": channels.get(chosen, "sms"), "template_id": chosen}
        return check(CampaignIn, given)
