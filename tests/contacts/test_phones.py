"""Every spelling that files really hold, and what it must become."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sintalk.contacts import phones

MOBILE = "+5511999998888"

SPELLINGS = [
    "11999998888",
    "(11) 99999-8888",
    "(011) 99999-8888",
    "11 9 9999-8888",
    "11.99999.8888",
    "+55 11 99999-8888",
    "+55 (11) 99999-8888",
    "(+55) 11 99999-8888",
    "5511999998888",
    "55 011 99999-8888",
    "055 11 99999-8888",
    "005511999998888",
    "+0055 11 99999-8888",
    "+55 55 11 99999-8888",
    "5555 11 99999-8888",
    "0 15 11 99999-8888",
    "021 11 99999 8888",
    "0xx11 99999-8888",
    "0XX 11 99999-8888",
    "tel:+55-11-99999-8888",
    "=+5511999998888",
    '="11999998888"',
    "'11999998888",
    "11999998888.0",
    "5511999998888,0",
    "1,1999998888E+10",
    "1.1999998888E10",
    "5,511999998888E+12",
    "5.511999998888e+12",
    "11/99999-8888",
    "55/11/99999-8888",
    "011 / 99999-8888",
    "11999998888 ramal 12",
    "(11) 99999-8888 / João",
    "Celular: 11 99999-8888",
    "\u200b11\u00a099999\u20118888\ufeff",
    "１１９９９９９８８８８",
    "  11999998888\t",
    "https://wa.me/5511999998888",
    "+55+5511999998888",
    "90 11 99999-8888",
    "0 41 (11) 99999-8888",
    "+55 (0xx11) 99999-8888",
    "11*99999*8888",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_of_a_mobile_is_the_same_number(text):
    assert phones.read(text) == phones.Reading(MOBILE, "mobile")


@pytest.mark.parametrize(
    ("text", "phone", "kind", "flags"),
    [
        ("1199998888", "+5511999998888", "mobile", ("ninth_digit_added",)),
        ("551199998888", "+5511999998888", "mobile", ("ninth_digit_added",)),
        ("+55 11 7888-1111", "+5511978881111", "mobile", ("ninth_digit_added",)),
        ("11 3333-4444", "+551133334444", "fixed", ()),
        ("+55 (11) 2345 6789", "+551123456789", "fixed", ()),
        ("55999998888", "+5555999998888", "mobile", ()),
        ("5533334444", "+555533334444", "fixed", ()),
        ("11999998888;11988887777", "+5511999998888", "mobile", ("several_numbers",)),
        ("11 3333-4444 / 11 99999-8888", "+551133334444", "fixed", ("several_numbers",)),
        ("11999998888 ou 11988887777", "+5511999998888", "mobile", ("several_numbers",)),
        ("11999998888 11988887777", "+5511999998888", "mobile", ("several_numbers",)),
        ("(11)99999-8888(11)98888-7777", "+5511999998888", "mobile", ("several_numbers",)),
        ("+55 11 99999-8888 +55 21 98888-7777", "+5511999998888", "mobile", ("several_numbers",)),
        ("11 99999-8888 / 97777-6666", "+5511999998888", "mobile", ("several_numbers",)),
        ("1199998888.0", "+5511999998888", "mobile", ("ninth_digit_added",)),
        ("1133334444,00", "+551133334444", "fixed", ()),
        ("123 / 11988887777", "+5511988887777", "mobile", ()),
        ("11999998888/11999998888", "+5511999998888", "mobile", ()),
        ("+351 912 345 678", "+351912345678", "mobile", ()),
        ("00351912345678", "+351912345678", "mobile", ()),
        ("+1 (202) 555-0143", "+12025550143", "mobile", ()),
        ("+351 21 123 4567", "+351211234567", "fixed", ()),
    ],
)
def test_it_repairs_what_can_be_repaired_and_says_so(text, phone, kind, flags):
    assert phones.read(text) == phones.Reading(phone, kind, flags)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing_phone"),
        ("   ", "missing_phone"),
        ("'", "missing_phone"),
        ("99999-8888", "phone_missing_area_code"),
        ("3333-4444", "phone_missing_area_code"),
        ("5,51199999E+12", "phone_scientific_notation"),
        ("1,1E+10", "phone_scientific_notation"),
        ("+55 11 70000-1111", "invalid_phone"),
        ("+55 11 88888-7777", "invalid_phone"),
        ("+5520999998888", "invalid_phone"),
        ("2399999-8888", "invalid_phone"),
        ("0800 123 4567", "invalid_phone"),
        ("4004-1234", "invalid_phone"),
        ("190", "invalid_phone"),
        ("sem telefone", "invalid_phone"),
        ("#N/D", "missing_phone"),
        ("#REF!", "missing_phone"),
        ("-", "missing_phone"),
        ("NaN", "missing_phone"),
        ("11999998888 119888877", "invalid_phone"),
        ("119999988887777666655554444", "invalid_phone"),
        ("+11999998888", "invalid_phone"),
        ("+999999999999", "invalid_phone"),
        ("1134567", "invalid_phone"),
    ],
)
def test_it_says_why_a_number_cannot_be_used(text, reason):
    assert phones.read(text) == phones.Reading(reason=reason)


@pytest.mark.parametrize(
    ("text", "ddd", "default", "phone"),
    [
        ("99999-8888", "", "11", "+5511999998888"),
        ("99999-8888", "21", "11", "+5521999998888"),
        ("99999-8888", "(021)", None, "+5521999998888"),
        ("99999-8888", "21.0", None, "+5521999998888"),
        ("987654321.0", "11.0", None, "+5511987654321"),
        ("9999-8888", "21", None, "+5521999998888"),
        ("3333-4444", "", "51", "+555133334444"),
        ("31 99999-8888", "21", "11", "+5531999998888"),
        ("99999-8888", "20", "11", None),
        ("4004-1234", "", "11", None),
    ],
)
def test_the_area_code_comes_from_the_number_then_its_column_then_the_default(text, ddd, default, phone):
    assert phones.read(text, ddd=ddd, default_ddd=default).phone == phone


def test_there_are_67_area_codes_with_real_time_zones():
    assert len(phones.DDD_ZONES) == 67
    for zone in set(phones.DDD_ZONES.values()):
        assert ZoneInfo(zone)
    assert phones.time_zone("+5581999998888") == "America/Recife"
    assert phones.time_zone("+5568999998888") == "America/Rio_Branco"
    assert phones.time_zone("+351912345678") is None


def test_numbers_are_shown_as_people_write_them():
    assert phones.shown("+5511999998888") == "(11) 99999-8888"
    assert phones.shown("+551133334444") == "(11) 3333-4444"
    assert phones.shown("+351912345678") == "+351 912 345 678"
    assert phones.shown("nonsense") == "nonsense"


@given(st.integers(10, 99), st.integers(20_000_000, 999_999_999))
def test_libphonenumber_agrees_on_every_number_with_its_digits_complete(area, subscriber):
    ours = phones.read(f"{area}{subscriber}")
    if "ninth_digit_added" in ours.flags:
        return
    theirs = phonenumbers.parse(f"+55{area}{subscriber}")
    assert (ours.phone is not None) == phonenumbers.is_valid_number(theirs)


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_what_it_accepts_is_e164_and_stable(text):
    reading = phones.read(text)
    assert (reading.phone is None) == (reading.reason is not None)
    if reading.phone:
        assert reading.phone[0] == "+" and 9 <= len(reading.phone) <= 16
        assert phones.read(reading.phone).phone == reading.phone
