"""What a text costs as an SMS: its encoding and its parts. Pure: no database, no Flask.

Sources: GSM 03.38 / 3GPP TS 23.038 for the alphabets, 3GPP TS 23.040 for the parts with an 8-bit reference
(6 octets of header leave 153 septets or 67 UTF-16 units of 160 or 70). An escape pair of the extension table
and a surrogate pair each stay within one part, so the count is not a mere division.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal, NamedTuple

Alphabet = Literal["gsm7", "ucs2"]
Encoding = Literal["auto", "gsm7", "ucs2"]

#: The basic table without the escape, in the order of its codes, and the extension table (2 septets each).
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"

#: Units in a message of one part, and in each part of a longer one.
ROOM: dict[Alphabet, tuple[int, int]] = {"gsm7": (160, 153), "ucs2": (70, 67)}

#: Carriers stop at ten parts (Telnyx: 10; Twilio and AWS: 1,600 characters).
MAX_PARTS = 10

#: What transliteration writes where taking the accents off (NFKD) is not enough.
REPLACEMENTS = {
    **dict.fromkeys("‘’‚‛′`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\t\u00a0\u2028\u2029", " "),
    **{"…": "...", "º": "o", "ª": "a", "°": "o", "•": "*", "·": ".", "⁄": "/", "×": "x", "÷": "/", "¢": "c"},
    **{
        "©": "(c)",
        "®": "(r)",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "→": "->",
        "←": "<-",
        "ı": "i",
        "ł": "l",
        "Ł": "L",
    },
    **{"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "œ": "oe", "Œ": "OE"},
}

_NOT_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_NOT_GSM = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_WIDE: dict[Alphabet, re.Pattern[str]] = {
    "gsm7": re.compile(f"[{re.escape(EXTENSION)}]"),
    "ucs2": re.compile("[\U00010000-\U0010ffff]"),
}
_GSM = frozenset(BASIC + EXTENSION)
#: Stands before every character that takes two units; no text holds it, being half of a surrogate pair.
_MARK = "\udc00"


class Measured(NamedTuple):
    """A text as it goes out: code points, units (septets, or UTF-16 units) and parts."""

    text: str
    encoding: Alphabet
    characters: int
    units: int
    segments: int

    @property
    def left(self) -> int:
        """Units that still fit without another part."""
        single, per_part = ROOM[self.encoding]
        if self.units <= single:
            return single - self.units
        last = split(self.text, self.encoding)[-1]
        return per_part - len(last) - len(_WIDE[self.encoding].findall(last))


def measure(text: str, encoding: Encoding = "auto") -> Measured:
    """The text as it goes out in this encoding, and its size.

    Line ends become LF. `auto` leaves the text as it is (composed, NFC) and takes GSM-7 where every character
    is in it, else UCS-2; `gsm7` transliterates what is not; `ucs2` is always UCS-2. No text, no part.
    """
    text = line_feeds(text)
    plain = _NOT_BASIC.search(text) is None
    if plain and encoding != "ucs2":
        length = len(text)
        parts = 1 if 0 < length <= 160 else -(-length // 153)
        return Measured(text, "gsm7", length, length, parts)
    if not plain:
        text = transliterate(text) if encoding == "gsm7" else unicodedata.normalize("NFC", text)
    alphabet: Alphabet = "gsm7" if encoding != "ucs2" and _NOT_GSM.search(text) is None else "ucs2"
    if _WIDE[alphabet].search(text) is None:  # nothing that a part could cut in two: a division will do
        single, per_part = ROOM[alphabet]
        parts = 1 if 0 < len(text) <= single else -(-len(text) // per_part)
        return Measured(text, alphabet, len(text), len(text), parts)
    units = len(text) + len(_WIDE[alphabet].findall(text))
    return Measured(text, alphabet, len(text), units, len(split(text, alphabet)))


def split(text: str, alphabet: Alphabet) -> list[str]:
    """The text part by part, as the phone puts it together again; no part ends within a pair."""
    single, per_part = ROOM[alphabet]
    units = _WIDE[alphabet].sub(lambda found: _MARK + found[0], text)
    if len(units) <= single:
        return [text] if text else []
    parts, start = [], 0
    while start < len(units):
        end = start + per_part
        if units[end - 1 : end] == _MARK:
            end -= 1
        parts.append(units[start:end].replace(_MARK, ""))
        start = end
    return parts


def outside_gsm(text: str) -> list[str]:
    """The characters that push a text from 160 to 70 to a message, each once, in order of appearance."""
    return list(dict.fromkeys(_NOT_GSM.findall(unicodedata.normalize("NFC", text.replace("\r", "")))))


def line_feeds(text: str) -> str:
    """CRLF and a lone CR as LF: phones show one line end for it, carriers charge two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def transliterate(text: str) -> str:
    """The text in GSM-7's alphabet: accents off, plain quotes and dashes, emoji and signs out, else `?`."""
    return _NOT_GSM.sub(lambda found: _plain(found[0]), text)


@cache
def _plain(letter: str) -> str:
    if letter in _GSM:
        return letter
    if letter in REPLACEMENTS:
        return REPLACEMENTS[letter]
    if unicodedata.category(letter)[0] in "MCZ":
        return " " if unicodedata.category(letter) == "Zs" else ""
    parts = unicodedata.normalize("NFKD", letter)
    if parts != letter:
        return "".join(_plain(part) for part in parts)
    return "" if unicodedata.category(letter) in ("So", "Sk") else "?"
