from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from sintalk.contacts.keywords import Words
from sintalk.contacts.models import Contact
from sintalk.contacts.schemas import ContactIn, ListIn, ReplyWordsIn
from sintalk.errors import Detail, Invalid
from sintalk.web.filters import phone as shown
from sintalk.web.forms import Form, typed
from sintalk.web.validation import check


class ListForm(Form):
    """The name of a list."""

    name = StringField(_l("Name of the list"))

    def checked(self) -> ListIn:
        """As the contract takes it. Raises Invalid."""
        return check(ListIn, {"name": self.name.data or ""})


class ContactForm(Form):
    """One person."""

    name = StringField(_l("Name"))
    phone = StringField(_l("Phone"))
    email = StringField(_l("E-mail"))
    attributes = TextAreaField(_l("Other data"))

    @classmethod
    def of(cls, contact: Contact) -> ContactForm:
        """The form as it stands for this person."""
        lines = [f"{name}: {' '.join(value.split())}" for name, value in contact.attributes.items()]
        return cls(
            formdata=None,
            data={
                "name": contact.name,
                "phone": shown(contact.phone),
                "email": contact.email,
                "attributes": "\n".join(lines),
            },
        )

    def checked(self) -> ContactIn:
        """As the contract takes it. Raises Invalid with all faults."""
        given = {name: getattr(self, name).data or "" for name in ("name", "phone", "email")}
        return check(ContactIn, {**given, "attributes": self._attributes()})

    def _attributes(self) -> dict[str, str]:
        """`Cidade: São Paulo`, one a line."""
        found = {}
        for line in (self.attributes.data or "").splitlines():
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not (name.strip() and colon):
                raise Invalid(
                    Detail("attributes", "malformed", _("Write one per line, as in “City: Recife”."))
                )
            found[name.strip()] = value.strip()
        return found


class ReplyWordsForm(Form):
    """Words that opt out and back in, one a line, and what is answered."""

    out_words = TextAreaField(_l("Words"))
    out_reply = TextAreaField(_l("Answer"))
    back_words = TextAreaField(_l("Words"))
    back_reply = TextAreaField(_l("Answer"))

    @classmethod
    def of(cls, words: Words) -> ReplyWordsForm:
        """The form as it stands."""
        return cls(
            formdata=None,
            data={
                "out_words": "\n".join(words.out_words),
                "back_words": "\n".join(words.back_words),
                "out_reply": words.out_reply,
                "back_reply": words.back_reply,
            },
        )

    def checked(self) -> ReplyWordsIn:
        """As the contract takes it. Raises Invalid with all faults."""
        lists = {
            name: [line.strip() for line in typed(self[name]).splitlines() if line.strip()]
            for name in ("out_words", "back_words")
        }
        replies = {name: " ".join(typed(self[name]).split()) for name in ("out_reply", "back_reply")}
        return check(ReplyWordsIn, {**lists, **replies})
