"""How long a call is and what it costs: the cadence 30/6, and the longest call that a content allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sintalk.message_templates import voice
from sintalk.message_templates.content import prepare
from sintalk.messages import composing

JOAO = {"nome": "João"}
MINUTE = 120_000


def speech(text: str, **more):
    return {"source": "tts", "tts": {"text": text, "rate": 1.0}, **more}


def audio(duration_ms: int | None, **more):
    return {"source": "audio", "file_id": "x", "duration_ms": duration_ms, **more}


def keys(timeout_s: int = 5, repeat: int = 1):
    return {"digits": [{"key": "1", "label": "Sim"}], "timeout_s": timeout_s, "repeat": repeat}


@pytest.mark.parametrize(
    ("answered", "billed"),
    [
        *[(second, 0) for second in (0, 0.5, 1, 2, 3)],
        *[(second, 30) for second in (3.001, 4, 5, 29, 29.9, 30)],
        *[(second, 36) for second in (30.001, 31, 35, 36)],
        *[(second, 42) for second in (36.001, 37, 42)],
        (59, 60),
        (60, 60),
        (60.5, 66),
        (61, 66),
        (66, 66),
        (67, 72),
        (180, 180),
        (181, 186),
    ],
)
def test_calls_are_billed_in_30_and_6(answered, billed):
    assert voice.billed_seconds(answered) == billed


@given(st.integers(0, 100_000))
def test_what_is_billed_covers_what_was_spoken_and_never_a_whole_step_more(seconds):
    billed = voice.billed_seconds(seconds)
    if seconds > voice.LEAST:
        assert 0 <= billed - seconds < voice.STEP
    assert billed >= seconds or seconds <= voice.FREE
    assert billed == 0 or (billed - voice.LEAST) % voice.STEP == 0
    assert voice.billed_seconds(seconds + 1) >= billed


@pytest.mark.parametrize(
    ("rate", "billed", "micros"),
    [
        (120_000, 0, 0),
        (120_000, 30, 60_000),
        (120_000, 36, 72_000),
        (100_000, 36, 60_000),
        (1, 30, 1),
        (7, 66, 8),
    ],
)
def test_a_call_costs_its_billed_seconds_rounded_up_to_the_micro(rate, billed, micros):
    assert voice.price(rate, billed) == micros


@pytest.mark.parametrize(
    ("content", "spoken", "longest"),
    [
        (audio(12_340), 12_340, 12_340),
        (audio(12_340, dtmf=keys(timeout_s=5, repeat=0)), 12_340, 17_340),
        (audio(12_340, dtmf=keys(timeout_s=5, repeat=1)), 12_340, 34_680),
        (audio(180_000, dtmf=keys(timeout_s=30, repeat=3)), 180_000, 840_000),
        (audio(None), 180_000, 180_000),
        (speech("a" * 120), 10_000, 10_000),
        (speech("a" * 120, dtmf=keys(repeat=2)), 10_000, 45_000),
        (speech("Oi"), 1_000, 1_000),
    ],
)
def test_the_longest_call_is_the_one_in_which_nobody_presses_a_key(content, spoken, longest):
    assert voice.length(content) == (spoken, longest)


def test_digits_are_read_as_words_and_a_faster_voice_is_done_sooner():
    assert voice.speech_ms("4" * 24) == 6 * voice.speech_ms("a" * 24)
    assert voice.speech_ms("a" * 240, rate=2.0) * 2 == voice.speech_ms("a" * 240)


def test_each_person_pays_for_the_longest_call_with_their_own_words():
    prepared = prepare("voice", speech("Olá {{nome}}. " + "a" * 340, dtmf=keys(repeat=0)))
    short, long = prepared.render(JOAO), prepared.render({"nome": "J" * 100})
    assert (short.billed_seconds, long.billed_seconds) == (36, 48)
    prices = {"voice_minute": MINUTE}
    assert [composing.price("voice", prices, each) for each in (short, long)] == [72_000, 96_000]
    assert composing.cheapest("voice", prices) == 60_000


@pytest.mark.parametrize(
    ("text", "values", "fault"),
    [
        ("Olá {{nome}}", {}, "missing_variable"),
        ("{{nome|}}", {}, "empty_message"),
        ("{{nome}}", {"nome": "a" * 2999}, None),
        ("{{nome}}", {"nome": "a" * 3000}, None),
        ("{{nome}}", {"nome": "a" * 3001}, "too_long"),
    ],
)
def test_limits_are_looked_at_again_with_each_persons_values(text, values, fault):
    assert prepare("voice", speech(text)).render(values).fault == fault
