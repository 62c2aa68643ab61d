"""A call: how long it says its words, how long it may last, what that costs. Pure: no database, no Flask.

Calls in Brazil are billed in the cadence 30/6 (domain.md 4.1; ligou.me, sinpecpf.org.br): what lasted up to
3 seconds is free, 30 seconds are the least, and then every 6 seconds begun count. What is billed is the time
from the answer to the end, so that a call costs what it lasted; before it, the estimate is the longest that
the content lets it last, since a hold must cover it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

#: The cadence, in seconds: free to here, the least that is billed, and the step after that.
FREE, LEAST, STEP = 3, 30, 6
#: How fast a machine reads Portuguese at rate 1: espeak-ng at 160 words a minute says 13.0 characters a second
#: (measured on a reminder of 175 characters); one less, so that estimates are seldom too low.
CHARACTERS_A_SECOND = 12
#: A digit is read as a word: "4" is "quatro".
CHARACTERS_A_DIGIT = 6
#: The longest audio that is taken (domain.md 4.3), in milliseconds.
LONGEST_MS = 180_000
#: The longest text that is read aloud, as written and as rendered (AWS SendVoiceMessage: 3000 plain, 6000 SSML).
TEXT_LIMIT = 3000


class Length(NamedTuple):
    """How long a call is, in milliseconds: what is said once, and the longest that it can last.

    Somebody who hears it to the end and presses no key waits after the message, and hears it again as often
    as `dtmf.repeat` says: that is the longest.
    """

    spoken_ms: int
    longest_ms: int

    @property
    def billed(self) -> int:
        """Billed seconds of somebody who hears it once, to the end."""
        return billed_seconds(self.spoken_ms / 1000)

    @property
    def most_billed(self) -> int:
        """Billed seconds of the longest call."""
        return billed_seconds(self.longest_ms / 1000)


def billed_seconds(answered: float) -> int:
    """The billed seconds of a call that lasted `answered` seconds from the answer on: 30/6, nothing to 3 s."""
    if answered <= FREE:
        return 0
    if answered <= LEAST:
        return LEAST
    return LEAST + ceil((answered - LEAST) / STEP) * STEP


def price(rate_micros: int, billed: int) -> int:
    """What so many billed seconds cost, in micro-units, at this price a minute; rounded up to the micro."""
    return -(-rate_micros * billed // 60)


def speech_ms(text: str, rate: float = 1.0) -> int:
    """About how long a machine reads this text, in milliseconds; never shorter than a second."""
    digits = sum(letter.isdigit() for letter in text)
    weight = len(text) + digits * (CHARACTERS_A_DIGIT - 1)
    return max(1000, ceil(1000 * weight / (CHARACTERS_A_SECOND * rate)))


def length(content: Mapping[str, Any]) -> Length:
    """How long a call of this rendered content is.

    Audio lasts what it was measured to last (`duration_ms`; the longest allowed where nobody has measured
    it); speech is estimated by its characters.
    """
    speech = content.get("tts")
    if speech:
        spoken = speech_ms(speech.get("text") or "", speech.get("rate") or 1.0)
    else:
        spoken = content.get("duration_ms") or LONGEST_MS
    keys = content.get("dtmf")
    if not keys:
        return Length(spoken, spoken)
    times = 1 + keys.get("repeat", 1)
    return Length(spoken, times * (spoken + 1000 * keys.get("timeout_s", 5)))


def fault_of(content: Mapping[str, Any]) -> str | None:
    """Why a rendered content may not be called with: `empty_message`, `too_long`, or None."""
    speech = content.get("tts")
    if not speech:
        return None
    text = speech.get("text") or ""
    if not text.strip():
        return "empty_message"
    return "too_long" if len(text) > TEXT_LIMIT else None
