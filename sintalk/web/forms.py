"""Forms for the pages: they gather words and hand them to the same schemas and verbs as the API."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from sintalk.errors import Invalid

#: The wire's code of a fault -> a sentence beside the field. Codes not named here bring their own sentence.
SENTENCES: dict[str, Any] = {
    "required": _l("Fill this in."),
    "too_long": _l("This is too long."),
    "too_short": _l("Fill this in."),
    "too_many": _l("These are too many."),
    "too_few": _l("These are too few."),
    "out_of_range": _l("This number is too small or too large."),
    "wrong_type": _l("This is not what is expected here."),
    "not_allowed": _l("Choose one of the options."),
    "invalid_id": _l("Choose one of the options."),
    "invalid_timestamp": _l("Write a day and a time."),
}


class Form(FlaskForm):
    """A form of a page. The guard has already asked for the CSRF token."""

    class Meta:
        csrf = False


def show_faults(form: Form, error: Invalid, *, fields: dict[str, str] | None = None) -> None:
    """Put each fault beside its field; what has no field here stands above the form.

    `fields` maps paths of the contract to field names: `{"sms.text": "text"}`.
    """
    names = fields or {}
    for fault in error.details:
        name = names.get(fault.field, fault.field)
        sentence = SENTENCES.get(fault.code, fault.message)
        if name in form._fields:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)


def typed(field: Any) -> str:
    """What was typed into a text field. Browsers can send U+0000, the database cannot hold it."""
    return (field.data or "").replace("\x00", "")
