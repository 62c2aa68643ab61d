from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from sintalk.web.forms import Form
from sintalk.web.i18n import DEFAULT_TIMEZONE, LANGUAGES

FILL_IN = _l("Fill this in.")
#: The zones of Brazil by their largest cities, then those that its companies deal with.
TIMEZONES = [
    SelectChoice("America/Sao_Paulo", _l("Brasília, São Paulo, Rio de Janeiro")),
    SelectChoice("America/Bahia", _l("Salvador")),
    SelectChoice("America/Fortaleza", _l("Fortaleza, Natal, São Luís")),
    SelectChoice("America/Recife", _l("Recife")),
    SelectChoice("America/Belem", _l("Belém")),
    SelectChoice("America/Cuiaba", _l("Cuiabá")),
    SelectChoice("America/Campo_Grande", _l("Campo Grande")),
    SelectChoice("America/Manaus", _l("Manaus")),
    SelectChoice("America/Porto_Velho", _l("Porto Velho")),
    SelectChoice("America/Boa_Vista", _l("Boa Vista")),
    SelectChoice("America/Rio_Branco", _l("Rio Branco")),
    SelectChoice("America/Noronha", _l("Fernando de Noronha")),
    SelectChoice("Europe/Lisbon", _l("Lisbon")),
    SelectChoice("America/Argentina/Buenos_Aires", _l("Buenos Aires")),
    SelectChoice("America/New_York", _l("New York")),
    SelectChoice("UTC", "UTC"),
]


class SettingsForm(Form):
    company = StringField(_l("Company"), [InputRequired(FILL_IN)])
    locale = SelectField(
        _l("Language"),
        choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()],
        description=_l("Where neither the person nor the browser asks for another."),
    )
    timezone = SelectField(
        _l("Time zone"),
        choices=TIMEZONES,
        default=DEFAULT_TIMEZONE,
        description=_l("Of all times on these pages."),
    )

    def offer(self, timezone: str) -> None:
        """Keep a zone selectable that is not among the usual ones."""
        if timezone not in {zone.value for zone in TIMEZONES}:
            self.timezone.choices = [*TIMEZONES, SelectChoice(timezone, timezone)]


#: What people may do, the most first; a form offers what the person who asks may give.
ROLES = [
    SelectChoice("owner", _l("Owner: everything, also other owners")),
    SelectChoice("admin", _l("Admin: everything but owners")),
    SelectChoice("member", _l("Member: lists, templates, campaigns")),
    SelectChoice("viewer", _l("Viewer: looks, changes nothing")),
]


class InviteForm(Form):
    name = StringField(_l("Name"), [InputRequired(FILL_IN)])
    email = EmailField(_l("E-mail"), [InputRequired(FILL_IN)], description=_l("The person signs in with it."))
    role = SelectField(_l("What the person may do"), choices=ROLES, default="member")


class JoinForm(Form):
    name = StringField(_l("Your name"), [InputRequired(FILL_IN)])
    password = PasswordField(
        _l("Password"),
        [InputRequired(FILL_IN)],
        description=_l("10 characters or more. A short sentence is a good one."),
    )


class FirstRunForm(SettingsForm):
    name = StringField(_l("Your name"), [InputRequired(FILL_IN)])
    email = EmailField(_l("E-mail"), [InputRequired(FILL_IN)], description=_l("You sign in with it."))
    password = PasswordField(
        _l("Password"),
        [InputRequired(FILL_IN)],
        description=_l("10 characters or more. A short sentence is a good one."),
    )
    demo = BooleanField(_l("Fill in something to play with"), default=True)
