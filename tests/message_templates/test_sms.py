"""SMS: which alphabet, how many parts; counted by smsutil too, which is somebody else's work."""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from sintalk.message_templates import sms
from sintalk.message_templates.sms import measure, outside_gsm, split, transliterate


def parts(text: str, encoding: sms.Encoding = "auto") -> int:
    return measure(text, encoding).segments


@pytest.mark.parametrize(
    ("letter", "single", "per_part"),
    [("a", 160, 153), ("€", 80, 76), ("ã", 70, 67), ("😀", 35, 33)],
)
def test_the_limits_of_one_two_three_and_ten_parts(letter, single, per_part):
    assert parts(letter * (single - 1)) == parts(letter * single) == 1
    assert parts(letter * (single + 1)) == 2
    for count in (2, 3, 10):
        assert parts(letter * (per_part * count - 1)) == count
        assert parts(letter * (per_part * count)) == count
        assert parts(letter * (per_part * count + 1)) == count + 1


def test_an_escape_pair_is_never_split():
    text = "a" * 152 + "€" + "a" * 152
    assert measure(text).units == 306
    assert split(text, "gsm7") == ["a" * 152, "€" + "a" * 151, "a"]
    assert parts(text) == 3


def test_a_surrogate_pair_is_never_split():
    text = "ã" * 66 + "😀" + "ã" * 66
    assert measure(text).units == 134
    assert split(text, "ucs2") == ["ã" * 66, "😀" + "ã" * 65, "ã"]
    assert parts(text) == 3


@pytest.mark.parametrize("letter", "àéüÉÜÇ" + sms.EXTENSION)
def test_letters_of_the_tables_keep_gsm7(letter):
    assert measure(letter).encoding == "gsm7"
    assert outside_gsm(letter) == []


@pytest.mark.parametrize("letter", "áãâêíóôõúçÁÀÃÂÊÍÓÔÕÚºª“”‘’–…`\t\u00a0😀")
def test_letters_outside_the_tables_force_ucs2_and_are_named(letter):
    assert measure("bom dia " + letter).encoding == "ucs2"
    assert outside_gsm(letter + "a" + letter) == [letter]


def test_the_forcing_letters_are_named_in_order_of_appearance():
    assert outside_gsm("Promoção: não perca é só hoje\r\n") == ["ç", "ã", "ó"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Promoção só hoje", "Promocao so hoje"),
        ("É você, José?", "É voce, José?"),
        ("“aspas” ‘simples’ – travessão — fim…", "\"aspas\" 'simples' - travessao - fim..."),
        ("1º lugar, 2ª via, 30°", "1o lugar, 2a via, 30o"),
        ("a\u00a0b\tc", "a b c"),
        ("Oi 😀👍🏽 tudo bem ✅", "Oi  tudo bem "),
        ("½ ™ ﬁ ①", "1/2 TM fi 1"),
        ("Привет", "??????"),
        ("€ [ok] {sim} ~", "€ [ok] {sim} ~"),
        ("zero\u200bwidth e\u0301", "zerowidth e"),
    ],
)
def test_transliteration_writes_plain_letters(text, plain):
    assert transliterate(text) == plain


def test_only_gsm7_transliterates():
    text = "Promoção"
    assert measure(text, "auto")[:2] == (text, "ucs2")
    assert measure(text, "ucs2")[:2] == (text, "ucs2")
    assert measure(text, "gsm7")[:2] == ("Promocao", "gsm7")
    assert measure("plain", "ucs2")[:2] == ("plain", "ucs2")


def test_a_decomposed_accent_is_composed_before_counting():
    assert measure("jose\u0301")[:3] == ("josé", "gsm7", 4)


def test_line_ends_become_one_character():
    assert measure("a\r\nb\rc\nd") == measure("a\nb\nc\nd")
    assert parts("a" * 158 + "\r\n" + "b") == 1


def test_no_text_is_no_part():
    assert parts("") == parts("", "gsm7") == parts("", "ucs2") == 0


LETTERS = st.sampled_from([*"aé€ã😀\n^ç", "[", "}"])


@given(st.text(alphabet=LETTERS, min_size=1, max_size=700) | st.text(min_size=1, max_size=200))
def test_parts_are_those_of_smsutil(text):
    measured = measure(text)
    theirs = smsutil.split(measured.text)
    assert (measured.encoding == "gsm7") == (theirs.encoding == "gsm0338")
    assert measured.segments == len(theirs.parts)
    assert split(measured.text, measured.encoding) == [part.content for part in theirs.parts]


@given(st.text(alphabet=LETTERS, max_size=700))
def test_the_parts_put_together_are_the_text(text):
    measured = measure(text)
    assert "".join(split(measured.text, measured.encoding)) == measured.text
    assert len(split(measured.text, measured.encoding)) == measured.segments


@given(st.text(max_size=200))
def test_transliterated_text_is_always_gsm7_and_stays_as_it_is(text):
    measured = measure(text, "gsm7")
    assert measured.encoding == "gsm7"
    assert measure(measured.text, "gsm7") == measured
