from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import TemplateIn
from sintalk.message_templates.sms import line_feeds
from sintalk.web.forms import Form, typed
from sintalk.web.validation import check

ENCODINGS = [
    SelectChoice("auto", _l("As written")),
    SelectChoice("gsm7", _l("Without accents")),
    SelectChoice("ucs2", _l("All letters (UCS-2)")),
]


class SmsForm(Form):
    """The SMS editor."""

    name = StringField(_l("Name of the template"))
    text = TextAreaField(_l("Message"))
    encoding = RadioField(_l("Letters"), choices=ENCODINGS, default="auto")

    #: Where the faults of the contract are shown.
    FIELDS = {"sms.text": "text", "sms.encoding": "encoding"}  # noqa: RUF012

    @classmethod
    def of(cls, template: Template) -> SmsForm:
        """The form as it stands for this template."""
        return cls(formdata=None, data={"name": template.name, **template.content})

    def content(self) -> dict[str, Any]:
        """The SMS as it is typed. Browsers send line ends as CRLF."""
        return {"text": line_feeds(typed(self.text)), "encoding": self.encoding.data or "auto"}

    def checked(self) -> TemplateIn:
        """The template as the contract takes it. Raises Invalid with all faults."""
        return check(TemplateIn, {"name": typed(self.name), "channel": "sms", "sms": self.content()})
