from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from pydantic import Field
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget

from sintalk.campaigns.references import LEAVES_NOBODY
from sintalk.campaigns.schemas import CampaignIn, FollowUp, ListIds
from sintalk.errors import Detail, Invalid
from sintalk.web.forms import Form, typed
from sintalk.web.schemas import Body, Id, Name
from sintalk.web.validation import check

#: The outcomes that a follow-up may go by, as people say them.
FOLLOW_UPS = {
    "delivered": _l("who received it"),
    "not_delivered": _l("whose phone did not receive it"),
    "sent": _l("whose phone has not answered yet"),
    "error": _l("whom the carrier refused"),
}
#: How late a scheduled campaign may leave by itself, in minutes.
DELAYS = {15: _l("15 minutes"), 60: _l("1 hour"), 240: _l("4 hours"), 1440: _l("1 day")}
#: For how long a campaign leaves, in minutes.
SPREADS = {
    60: _l("over 1 hour"),
    120: _l("over 2 hours"),
    240: _l("over 4 hours"),
    480: _l("over 8 hours"),
    720: _l("over 12 hours"),
    1440: _l("over 1 day"),
}


def _choices(words: Mapping[Any, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, word) for value, word in words.items()]


class Who(Body):
    """What the first step of the builder asks: a list, or those with an outcome of another campaign."""

    name: Name
    contact_list_id: Id | None = None
    exclude_list_ids: ListIds = Field(default_factory=list)
    parent_campaign_id: Id | None = None
    follow_up_on_status: FollowUp | None = None

    @classmethod
    def read(cls, given: dict[str, Any]) -> Who:
        """The answers. Raises Invalid with all faults, also where nobody was chosen."""
        follows = given.get("parent_campaign_id")
        given = {**given, "follow_up_on_status": given.get("follow_up_on_status") if follows else None}
        given["contact_list_id"] = None if follows else given.get("contact_list_id")
        who = check(cls, {name: value for name, value in given.items() if value or name == "name"})
        if not (who.contact_list_id or (who.parent_campaign_id and who.follow_up_on_status)):
            raise Invalid(Detail("contact_list_id", "required", _l("Choose one of the lists.")))
        if who.contact_list_id in who.exclude_list_ids:
            raise Invalid(Detail("exclude_list_ids", "own_list", LEAVES_NOBODY))
        return who

    @property
    def as_query(self) -> dict[str, Any]:
        """The answers for an address."""
        return {name: value for name, value in self.model_dump().items() if value}


class WhoForm(Form):
    """A name, and the people."""

    name = StringField(_l("Name of the campaign"))
    contact_list_id = RadioField(_l("Who shall get it?"), validate_choice=False)
    parent_campaign_id = SelectField(_l("The campaign before"), validate_choice=False)
    follow_up_on_status = SelectField(_l("To those"), validate_choice=False, choices=_choices(FOLLOW_UPS))
    exclude_list_ids = SelectMultipleField(
        _l("Leave out whoever is in these lists"),
        validate_choice=False,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def offer(self, lists: Sequence[Any], campaigns: Sequence[Any]) -> WhoForm:
        """The lists and the campaigns to choose from."""
        choices = [SelectChoice(str(it.id), it.name) for it in lists]
        self.contact_list_id.choices = self.exclude_list_ids.choices = choices
        self.parent_campaign_id.choices = [
            SelectChoice("", "—"),
            *(SelectChoice(str(it.id), it.name) for it in campaigns),
        ]
        return self

    def checked(self) -> Who:
        """The answers. Raises Invalid with all faults."""
        return Who.read({**self.data, "name": typed(self.name)})


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
        given: dict[str, Any] = {
            **who.model_dump(),
            "channel": channels.get(chosen, "sms"),
            "template_id": chosen,
        }
        return check(CampaignIn, given)


class WhenForm(Form):
    """Now, or at a time of the company's own clock."""

    when = RadioField(
        _l("When shall it leave?"),
        choices=[SelectChoice("now", _l("At once")), SelectChoice("at", _l("At a time"))],
        validate_choice=False,
        default="now",
    )
    at = StringField(_l("Day and time"), widget=DateTimeLocalInput())
    max_delay_minutes = SelectField(
        _l("At most this late"), choices=_choices(DELAYS), coerce=int, validate_choice=False, default=60
    )
    spread_minutes = SelectField(
        _l("How fast?"),
        choices=_choices({0: _l("as fast as it can"), **SPREADS}),
        coerce=int,
        validate_choice=False,
        default=0,
    )
    canary = BooleanField(_l("Try it on a few people first"))
    notice = BooleanField(_l("It is a notice that people wait for, and no advertising"))

    def of(self, campaign: Any, zone: ZoneInfo) -> WhenForm:
        """What stands so far."""
        if campaign.scheduled_at is not None:
            self.when.data = "at"
            self.at.data = campaign.scheduled_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
        self.canary.data = campaign.canary
        self.notice.data = campaign.category == "transactional"
        self.spread_minutes.data = campaign.spread_minutes or 0
        self.max_delay_minutes.data = campaign.max_delay_minutes
        return self.offer(campaign)

    def offer(self, campaign: Any) -> WhenForm:
        """The delays and paces to choose from, with those that the API gave it."""
        known = dict(DELAYS) | {campaign.max_delay_minutes: DELAYS.get(campaign.max_delay_minutes)}
        self.max_delay_minutes.choices = [
            SelectChoice(minutes, words or _l("%(count)s minutes", count=minutes))
            for minutes, words in sorted(known.items())
        ]
        mine = campaign.spread_minutes
        if mine and mine not in SPREADS:
            words = _l("over %(count)s minutes", count=mine)
            self.spread_minutes.choices = [*self.spread_minutes.choices, SelectChoice(mine, words)]
        return self

    def checked(self, zone: ZoneInfo) -> dict[str, Any]:
        """`scheduled_at` (None: at once), `max_delay_minutes`, `category`, and the pace. Raises Invalid."""
        offered = {int(choice.value) for choice in self.spread_minutes.choices if choice.value}
        spread = self.spread_minutes.data if self.spread_minutes.data in offered else None
        category = "transactional" if self.notice.data else "marketing"
        pace = {"spread_minutes": spread, "canary": self.canary.data, "category": category}
        if self.when.data != "at":
            return {"scheduled_at": None, **pace}
        try:
            at = datetime.fromisoformat(self.at.data or "").replace(tzinfo=zone)
        except ValueError:
            raise Invalid(Detail("at", "invalid_timestamp", _l("Write a day and a time."))) from None
        delays = {int(choice.value) for choice in self.max_delay_minutes.choices}
        delay = self.max_delay_minutes.data if self.max_delay_minutes.data in delays else 60
        return {"scheduled_at": at.astimezone(UTC), "max_delay_minutes": delay, **pace}
