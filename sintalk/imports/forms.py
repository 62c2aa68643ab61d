from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FileField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from sintalk.imports.schemas import ImportIn
from sintalk.web.forms import Form
from sintalk.web.validation import check

ON_DUPLICATE = [
    SelectChoice("update", _l("Update them")),
    SelectChoice("skip", _l("Leave them as they are")),
]


class ImportForm(Form):
    """A file, and what to do with it. With script the file goes to the store and only its id comes here."""

    file = FileField(_l("CSV file"))
    file_id = HiddenField()
    on_duplicate = RadioField(
        _l("People who are in the list already"), choices=ON_DUPLICATE, default="update"
    )
    default_ddd = StringField(_l("Area code (DDD) for numbers without one"))

    def checked(self, file_id: Any) -> ImportIn:
        """As the contract takes it. Raises Invalid."""
        ddd = (self.default_ddd.data or "").strip().lstrip("0")
        return check(
            ImportIn,
            {"file_id": file_id, "on_duplicate": self.on_duplicate.data, "default_ddd": ddd or None},
        )
