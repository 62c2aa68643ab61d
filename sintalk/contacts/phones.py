"""Any spelling of a phone number that a Brazilian file holds, read as E.164 or refused with a reason. Pure.

Numbers of Brazil are decided by the numbering plan itself, which is small: 67 area codes (DDD), mobiles are
nine digits starting with 9, fixed lines eight digits starting with 2 to 5 (Anatel's plan, as in
libphonenumber's metadata; the tests compare both). Other countries, written with `+` or `00`, go through
libphonenumber. It is not asked about Brazil because it reads `0055 11 ...` as a number of the USA, keeps old
eight-digit mobiles without their ninth digit, and takes 4004 numbers as reachable.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

Kind = Literal["mobile", "fixed", "other"]

#: Time zone of each DDD. Brazil has kept no daylight saving time since 2019, but the zones stay distinct.
#: 81 is Recife: libphonenumber's own table puts it on Fernando de Noronha, an hour off.
_ZONES = {
    "America/Sao_Paulo": "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 "
    "41 42 43 44 45 46 47 48 49 51 53 54 55 61 62 64",
    "America/Araguaina": "63",
    "America/Cuiaba": "65 66",
    "America/Campo_Grande": "67",
    "America/Rio_Branco": "68",
    "America/Porto_Velho": "69",
    "America/Bahia": "71 73 74 75 77",
    "America/Maceio": "79 82",
    "America/Recife": "81 87",
    "America/Fortaleza": "83 84 85 86 88 89 98 99",
    "America/Belem": "91 93 94 96",
    "America/Manaus": "92 97",
    "America/Boa_Vista": "95",
}
DDD_ZONES = {ddd: zone for zone, ddds in _ZONES.items() for ddd in ddds.split()}


class Reading(NamedTuple):
    """What a cell says: `phone` in E.164 with its `kind`, or None with the `reason`.

    Reasons: `missing_phone` (an empty cell), `invalid_phone`, `phone_missing_area_code`,
    `phone_scientific_notation` (a spreadsheet rounded digits away). Flags say what was repaired:
    `ninth_digit_added`, `several_numbers` (the first usable one was taken).
    """

    phone: str | None = None
    kind: Kind = "other"
    flags: tuple[str, ...] = ()
    reason: str | None = None


MISSING = Reading(reason="missing_phone")
INVALID = Reading(reason="invalid_phone")
NO_AREA_CODE = Reading(reason="phone_missing_area_code")
ROUNDED = Reading(reason="phone_scientific_notation")

_DECORATION = str.maketrans("", "", " ()-.\t\xa0'")
_PLAIN = re.compile(r"(?:\+?55)?0?([1-9][1-9])(9[0-9]{8}|[2-9][0-9]{7})")
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_FLOAT = re.compile(r"(\+?[0-9]{8,})[.,]0+")
_CARRIER_BLANK = re.compile(r"\b0\s*[xX]{2}\s*")
_BETWEEN_NUMBERS = re.compile(r"[/;,|&\n]|[^\W\d_]+")
#: A number of Brazil with its area code, where several stand in a row with nothing but spaces between.
_IN_A_ROW = re.compile(
    r"(?<![0-9])\+?(?:55[ ().-]*)?\(?0?[1-9]{2}[ ).-]*9?[ .-]?[0-9]{4}[ .-]?[0-9]{4}(?![0-9])"
)
#: What people and programs write into a cell that holds nothing; the last ones are a spreadsheet's errors.
_EMPTY_WORDS = (
    "- -- --- . n/a na n/d nd nan null none nil (vazio) (blank) 0 "
    "#n/d #n/a #ref! #valor! #value! #div/0! #nome? #name? #nulo! #null! #núm! #num!"
)
_NOTHING = frozenset(_EMPTY_WORDS.split())
#: Of any number in the world, with its country.
_MOST_DIGITS = 15
_AREA_PIECE = re.compile(r"0?[0-9]{2}")
_NATIONWIDE = re.compile(r"(?:[34]00[0-9]|4020)[0-9]{4}")


def read(text: str, *, ddd: str = "", default_ddd: str | None = None) -> Reading:
    """Read one cell. `ddd` is the row's own area-code cell, `default_ddd` what the rows without one get."""
    if text[-1:] == "0" and (whole := _FLOAT.fullmatch(text.strip(" '"))):
        text = whole[1]  # before the point is taken for decoration, and its zero for a digit
    plain = _PLAIN.fullmatch(text.translate(_DECORATION))
    if plain and plain[1] in DDD_ZONES:
        return _subscriber(plain[1], plain[2])
    text = _cleaned(text)
    if not text or text.casefold() in _NOTHING:
        return MISSING
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific:
        return _scientific(scientific, ddd, default_ddd)
    return _first_usable(text, ddd, default_ddd)


def is_ddd(text: str) -> bool:
    """Whether this is one of the 67 area codes, as two digits."""
    return text in DDD_ZONES


def time_zone(phone: str) -> str | None:
    """The IANA zone of a Brazilian number by its DDD; None for other countries."""
    return DDD_ZONES.get(phone[3:5]) if phone.startswith("+55") else None


def is_fixed(phone: str) -> bool:
    """Whether this E.164 number is a Brazilian landline (eight digits after the DDD), which takes no SMS."""
    return phone.startswith("+55") and len(phone) == len("+551133334444")


def shown(phone: str) -> str:
    """The number as its people write it: (11) 99999-9999 in Brazil, international elsewhere."""
    if phone.startswith("+55") and phone[3:5] in DDD_ZONES:
        return f"({phone[3:5]}) {phone[5:-4]}-{phone[-4:]}"
    try:
        return phonenumbers.format_number(phonenumbers.parse(phone), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return phone


def _cleaned(text: str) -> str:
    """Compatibility forms folded (full-width digits), invisible characters, quotes and `=` gone."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if c in "\n" or unicodedata.category(c)[0] not in "CM")
    return text.strip(" \n\t'\"=`´’‘“”")


def _scientific(match: re.Match[str], ddd: str, default_ddd: str | None) -> Reading:
    """1,1999998888E+10: all digits are there where the mantissa is as long as the exponent says."""
    digits = match[1] + (match[2] or "")
    exponent = int(match[3])
    if len(digits) - 1 < exponent:
        return ROUNDED
    if digits[exponent + 1 :].strip("0"):
        return INVALID
    return _one_number(digits[: exponent + 1], False, ddd, default_ddd)


def _first_usable(text: str, ddd: str, default_ddd: str | None) -> Reading:
    readings = [
        _one_number(digits, plus, ddd, default_ddd)
        for digits, plus in _candidates(_CARRIER_BLANK.sub("0", text))
    ]
    usable = [reading for reading in readings if reading.phone]
    if not usable:
        return readings[0] if readings else INVALID
    local = sum(reading is NO_AREA_CODE for reading in readings)
    if len({reading.phone for reading in usable}) + local == 1:
        return usable[0]
    return Reading(usable[0].phone, usable[0].kind, (*usable[0].flags, "several_numbers"))


def _candidates(text: str) -> list[tuple[str, bool]]:
    """The numbers in a cell as (digits, has a plus). A short first piece is an area code: 11/99999-8888."""
    found: list[tuple[str, bool]] = []
    head, head_plus = "", False
    for piece in _BETWEEN_NUMBERS.split(text):
        digits = _digits(piece)
        if len(digits) > _MOST_DIGITS and _digits("".join(numbers := _IN_A_ROW.findall(piece))) == digits:
            found += [(_digits(number), number.startswith("+")) for number in numbers]
            continue
        plus = head_plus or piece.strip(" (").startswith("+")
        if not digits:
            continue
        if not found and _AREA_PIECE.fullmatch(digits) and len(head) <= 2:
            head, head_plus = head + digits, plus
            continue
        found.append((head + digits, plus))
        head, head_plus = "", False
    if head:
        found.append((head, head_plus))
    return found


def _digits(text: str) -> str:
    return "".join(c for c in text if c in "0123456789")


def _one_number(digits: str, plus: bool, ddd: str, default_ddd: str | None) -> Reading:
    if digits.startswith("00") and len(digits) > 11:
        rest = digits.lstrip("0")
        abroad = _abroad(rest)
        return abroad if abroad.phone else _national(rest, ddd, default_ddd)
    if plus and not digits.startswith("0"):
        return _abroad(digits)
    return _national(digits, ddd, default_ddd)


def _abroad(digits: str) -> Reading:
    """A number that says its country. Ours may say it twice, or keep the trunk zero after it."""
    if digits.startswith("55"):
        return _national(
            digits[4:] if digits.startswith("5555") and len(digits) > 13 else digits[2:], "", None
        )
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return INVALID
    if not phonenumbers.is_valid_number(number):
        return INVALID
    return Reading(phonenumbers.format_number(number, PhoneNumberFormat.E164), _kind_abroad(number))


def _kind_abroad(number: phonenumbers.PhoneNumber) -> Kind:
    kind = phonenumbers.number_type(number)
    if kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        return "mobile"
    return "fixed" if kind == PhoneNumberType.FIXED_LINE else "other"


def _national(digits: str, ddd: str, default_ddd: str | None) -> Reading:
    """Digits without a plus: with or without 55 (once or twice), trunk zero, carrier code, area code."""
    if digits.startswith("0"):
        digits = digits.lstrip("0")
        if len(digits) in (12, 13) and not digits.startswith("55"):
            digits = digits[2:]
    if digits.startswith("90") and len(digits) in (12, 13):
        digits = digits[2:]  # called collect
    if digits.startswith("55") and len(digits) in (12, 13, 14, 15, 16):
        rest = digits[4:] if digits.startswith("5555") and len(digits) > 13 else digits[2:]
        return _national(rest, "", None)
    if len(digits) in (10, 11):
        return _subscriber(digits[:2], digits[2:])
    if len(digits) in (8, 9):
        return _local(digits, ddd, default_ddd)
    return INVALID


def _local(digits: str, ddd: str, default_ddd: str | None) -> Reading:
    if _NATIONWIDE.fullmatch(digits):
        return INVALID
    area = "".join(c for c in ddd.removesuffix(".0").removesuffix(",0") if c in "0123456789").lstrip("0")
    area = area or default_ddd or ""
    return _subscriber(area, digits) if area else NO_AREA_CODE


def _subscriber(area: str, digits: str) -> Reading:
    if area not in DDD_ZONES:
        return INVALID
    if len(digits) == 9:
        return Reading(f"+55{area}{digits}", "mobile") if digits[0] == "9" else INVALID
    if digits[0] in "2345":
        return Reading(f"+55{area}{digits}", "fixed")
    if digits[0] in "6789":
        return Reading(f"+55{area}9{digits}", "mobile", ("ninth_digit_added",))
    return INVALID
