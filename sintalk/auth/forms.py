from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from sintalk.auth.schemas import ApiKeyIn
from sintalk.db import now
from sintalk.web.forms import Form
from sintalk.web.schemas import rfc3339
from sintalk.web.validation import check

FILL_IN = _l("Fill this in.")


class SignInForm(Form):
    email = EmailField(_l("E-mail"), [InputRequired(FILL_IN)])
    password = PasswordField(_l("Password"), [InputRequired(FILL_IN)])


class KeyForm(Form):
    name = StringField(
        _l("Name"),
        [InputRequired(FILL_IN)],
        description=_l("Where the key is used, so that you know it again."),
    )
    mode = RadioField(
        _l("What it sends"),
        choices=[SelectChoice("live", _l("Real messages")), SelectChoice("test", _l("Test messages"))],
        default="live",
    )
    role = SelectField(
        _l("What it may do"),
        choices=[
            SelectChoice("member", _l("Work: lists, templates, campaigns, sending")),
            SelectChoice("admin", _l("Everything, also keys and settings")),
        ],
        default="member",
    )
    lifetime = SelectField(
        _l("How long it works"),
        choices=[
            SelectChoice("", _l("Until it is revoked")),
            SelectChoice("30", _l("30 days")),
            SelectChoice("90", _l("90 days")),
            SelectChoice("365", _l("A year")),
        ],
        default="",
    )

    def wish(self) -> ApiKeyIn:
        """The form in the words of the API. Raises `Invalid`."""
        wanted = {"name": self.name.data, "role": self.role.data, "mode": self.mode.data}
        return check(ApiKeyIn, {**wanted, "expires_at": _after(self.lifetime.data)})


def _after(days: str | None) -> str | None:
    moment: datetime | None = now() + timedelta(days=int(days)) if days else None
    return rfc3339(moment) if moment else None
