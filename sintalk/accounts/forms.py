from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from sintalk.web.forms import Form
from sintalk.web.i18n import DEFAULT_TIMEZONE, LANGUAGES

FILL_IN = _l("Fill this in.")
#: The zones of Brazil by their largest cities, then those that its companies deal with.
TIMEZONES = [
    ("America/Sao_Paulo", _l("Brasília, São Paulo, Rio de Janeiro")),
    ("America/Bahia", _l("Salvador")),
    ("America/Fortaleza", _l("Fortaleza, Natal, São Luís")),
    ("America/Recife", _l("Recife")),
    ("America/Belem", _l("Belém")),
    ("America/Cuiaba", _l("Cuiabá")),
    ("America/Campo_Grande", _l("Campo Grande")),
    ("America/Manaus", _l("Manaus")),
    ("America/Porto_Velho", _l("Porto Velho")),
    ("America/Boa_Vista", _l("Boa Vista")),
    ("America/Rio_Branco", _l("Rio Branco")),
    ("America/Noronha", _l("Fernando de Noronha")),
    ("Europe/Lisbon", _l("Lisbon")),
    ("America/Argentina/Buenos_Aires", _l("Buenos Aires")),
    ("America/New_York", _l("New York")),
    ("UTC", "UTC"),
]


class SettingsForm(Form):
    company = StringField(_l("Company"), [InputRequired(FILL_IN)])
    locale = SelectField(
        _l("Language"),
        choices=list(LANGUAGES.items()),
        description=_l("For people who have not chosen their own."),
    )
    timezone = SelectField(
        _l("Time zone"),
        choices=TIMEZONES,
        default=DEFAULT_TIMEZONE,
        description=_l("Of all times on these pages."),
    )

    def offer(self, timezone: str) -> None:
        """Keep a zone selectable that is not among the usual ones."""
        if timezone not in dict(TIMEZONES):
            self.timezone.choices = [*TIMEZONES, (timezone, timezone)]


class FirstRunForm(SettingsForm):
    name = StringField(_l("Your name"), [InputRequired(FILL_IN)])
    email = EmailField(_l("E-mail"), [InputRequired(FILL_IN)], description=_l("You sign in with it."))
    password = PasswordField(
        _l("Password"),
        [InputRequired(FILL_IN)],
        description=_l("10 characters or more. A short sentence is a good one."),
    )
    demo = BooleanField(_l("Fill in something to play with"), default=True)
