from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    FileField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.choices import SelectChoice

from sintalk.errors import Detail, Invalid
from sintalk.imports import pasting
from sintalk.imports.mapping import FIELDS
from sintalk.imports.models import ImportCheck
from sintalk.imports.schemas import ImportIn
from sintalk.imports.wishes import Wishes
from sintalk.web.forms import Form, typed
from sintalk.web.validation import check

PURPOSE = [
    SelectChoice("contacts", _l("People for this list")),
    SelectChoice("opt_outs", _l("Numbers that want no more messages")),
]
ON_DUPLICATE = [
    SelectChoice("update", _l("Update them")),
    SelectChoice("skip", _l("Leave them as they are")),
]
HEADER = [
    SelectChoice("yes", _l("It names the columns")),
    SelectChoice("no", _l("It is somebody already")),
]
CHANNELS = [
    SelectChoice("sms", "SMS"),
    SelectChoice("rcs", "RCS"),
    SelectChoice("voice", _l("Voice")),
]
#: What a column may be taken for, beside the fields of a person.
KEEP, IGNORE = "keep", "ignore"


class SourceForm(Form):
    """A file, or text that was pasted. With script the file goes to the store and only its id comes here."""

    file = FileField(_l("File"))
    file_id = HiddenField()
    pasted = TextAreaField(_l("Numbers or rows"))
    purpose = RadioField(_l("What is in it?"), choices=PURPOSE, default="contacts")

    def checked(self, file_id: Any) -> ImportIn:
        """As the contract takes it. Raises Invalid."""
        return check(ImportIn, {"file_id": file_id, "purpose": self.purpose.data})

    def pasted_text(self) -> str:
        """What was pasted, empty where nothing was. Raises Invalid."""
        text = typed(self.pasted).strip()
        if len(text) > pasting.MAX:
            raise Invalid(
                Detail("pasted", "too_long", _("This is too long to be pasted. Save it as a file."))
            )
        return text


class WishesForm(Form):
    """How a file is to be read. The columns are asked for beside it, one select each: `column-0`, ..."""

    has_header = SelectField(_l("First row"), choices=HEADER)
    default_ddd = StringField(_l("Area code (DDD) for numbers without one"))
    on_duplicate = RadioField(_l("People who are in the list already"), choices=ON_DUPLICATE)
    channels = SelectMultipleField(
        _l("They want nothing more by"),
        choices=CHANNELS,
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )

    @classmethod
    def of(cls, look: ImportCheck) -> WishesForm:
        """With what was wished so far."""
        return cls(
            formdata=None,
            has_header="yes" if look.head["survey"]["has_header"] else "no",
            default_ddd=look.default_ddd or "",
            on_duplicate=look.on_duplicate,
            channels=look.channels or ["sms", "rcs", "voice"],
        )

    def wishes(self, look: ImportCheck) -> Wishes:
        """What is wished now. Raises Invalid."""
        survey = look.head["survey"]
        has_header = {"yes": True, "no": False}.get(self.has_header.data or "", survey["has_header"])
        ddd = typed(self.default_ddd).strip().lstrip("0")
        channels = [] if len(self.channels.data or ()) in (0, len(CHANNELS)) else self.channels.data
        body: dict[str, Any] = {
            "file_id": look.file_id,
            "purpose": look.purpose,
            "on_duplicate": self.on_duplicate.data or look.on_duplicate,
            "default_ddd": ddd or None,
            "has_header": has_header if has_header != survey["has_header"] else look.has_header,
            "channels": channels,
        }
        if has_header == survey["has_header"]:  # else the columns have other names now
            body["mapping"] = _mapping(survey["header"], request.form) or look.mapping or None
        return check(ImportIn, body).wishes


def _mapping(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, Any]:
    """The selects of the columns as a mapping; {} where none was sent. Raises Invalid where two are the same."""
    if not any(name.startswith("column-") for name in chosen):
        return {}
    told: dict[str, Any] = dict.fromkeys(FIELDS)
    kept: dict[str, str] = {}
    for i, name in enumerate(header):
        what = chosen.get(f"column-{i}", KEEP)
        if what == KEEP:
            kept[name] = name
        elif what in told:
            if told[what] is not None:
                raise Invalid(Detail("mapping", "taken", _("Two columns cannot be the same. Choose one.")))
            told[what] = name
    return {**told, "attributes": kept}
