from __future__ import annotations

from decimal import Decimal, InvalidOperation
from uuid import uuid4

from babel.numbers import NumberFormatError, parse_decimal
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, StringField
from wtforms.validators import InputRequired

from sintalk.errors import Detail, Invalid
from sintalk.web.filters import MICROS
from sintalk.web.forms import Form, typed

FILL_IN = _l("Fill this in.")
MOST = 10**9


class CreditForm(Form):
    amount = StringField(_l("Amount in R$"), [InputRequired(FILL_IN)])
    reason = StringField(
        _l("Reason"), [InputRequired(FILL_IN)], description=_l("It stands in the company's statement.")
    )
    #: Made with the page, so that pressing twice puts the money in once.
    key = HiddenField(default=lambda: f"page:{uuid4()}")

    def micros(self) -> int:
        """The amount in micro-units, written as the person's language writes numbers. Raises `Invalid`."""
        try:
            amount = Decimal(parse_decimal(typed(self.amount).strip(), locale=get_locale(), strict=True))
        except (NumberFormatError, InvalidOperation):
            raise Invalid(
                Detail("amount", "invalid_amount", _l("Write an amount, such as 1.000,00."))
            ) from None
        if not amount.is_finite() or not Decimal("0.01") <= amount <= MOST:
            raise Invalid(Detail("amount", "out_of_range", _l("This number is too small or too large.")))
        return int(amount * MICROS)


class CompanyForm(Form):
    name = StringField(_l("Company"), [InputRequired(FILL_IN)])
    owner_name = StringField(_l("Name of its first owner"), [InputRequired(FILL_IN)])
    owner_email = EmailField(_l("E-mail of its first owner"), [InputRequired(FILL_IN)])


class OwnerForm(Form):
    owner_name = StringField(_l("Name"), [InputRequired(FILL_IN)])
    owner_email = EmailField(_l("E-mail"), [InputRequired(FILL_IN)])


class RatesForm(Form):
    """Messages a second at the most, by channel; an empty field is no limit."""

    sms = StringField("SMS")
    rcs = StringField("RCS")
    voice = StringField(_l("Voice"))

    def checked(self) -> dict[str, float | None]:
        """The limits, None where there is none. Raises `Invalid` with all faults."""
        rates, faults = {}, []
        for field in (self.sms, self.rcs, self.voice):
            try:
                rates[field.name] = _rate(typed(field).strip())
            except (NumberFormatError, InvalidOperation):
                faults.append(Detail(field.name, "out_of_range", _l("Write a number from 0.1 to 100,000.")))
        if faults:
            raise Invalid(*faults)
        return rates


def _rate(written: str) -> float | None:
    if not written:
        return None
    rate = Decimal(parse_decimal(written, locale=get_locale(), strict=True))
    if not rate.is_finite() or not Decimal("0.1") <= rate <= 100_000:
        raise InvalidOperation
    return float(rate)
