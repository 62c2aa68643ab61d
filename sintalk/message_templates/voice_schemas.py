"""Voice content as JSON: an audio file or text to speech, keys to press, ringing and trying again.

Limits (domain.md 4.1 and 4.2): text to speech 3000 characters (AWS SendVoiceMessage); a call is hung up after
one key (TotalVoice `resposta_usuario`), and a telephone has twelve; ring 10..60 s (seven.io 5..60, Twilio 60 by
default); three attempts, three minutes apart, are Directcall's defaults; `amd: hangup` is TotalVoice's
`detecta_caixa`, `detect` only says who answered (Asterisk AMDSTATUS, Twilio MachineDetection).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from flask_babel import gettext as _
from pydantic import Field, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from sintalk.message_templates import voice as calls
from sintalk.message_templates.fields import SANE, Content, counted, fault, items, text_of
from sintalk.web.schemas import Id

Key = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"]


class Speech(Content):
    """Words that a machine says."""

    text: text_of(calls.TEXT_LIMIT)  # type: ignore[valid-type]
    voice: str | None = Field(None, min_length=1, max_length=100)
    rate: float = Field(1.0, ge=0.5, le=2.0, allow_inf_nan=False)


class Digit(Content):
    """A key and what pressing it means; `opt_out` takes the number off all calls."""

    key: Key
    label: text_of(100)  # type: ignore[valid-type]
    action: Literal["record", "opt_out"] = "record"


class Keys(Content):
    """The keys that are listened to, each once; how long, and how often the message is said again."""

    digits: list[Digit] = Field(max_length=SANE, json_schema_extra=items(12, least=1))
    timeout_s: int = Field(5, ge=1, le=30)
    repeat: int = Field(1, ge=0, le=3)

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        yield from counted(given, "digits", 12, least=1)
        seen, digits = [], given.get("digits")
        for index, digit in enumerate(digits if isinstance(digits, list) else []):
            key = digit.get("key") if isinstance(digit, Mapping) else None
            if key is not None and key in seen:
                yield fault(("digits", index, "key"), "duplicate", _("This key has a meaning already."))
            seen.append(key)


class VoiceContent(Content):
    """`source` says which of `file_id` and `tts` is there. `duration_ms` is the audio's, read from the file:
    what is sent there is not looked at, so that an answer can be sent back as it came.
    """

    source: Literal["audio", "tts"]
    file_id: Id | None = None
    duration_ms: int | None = Field(None, ge=0, json_schema_extra={"readOnly": True})
    tts: Speech | None = None
    dtmf: Keys | None = None
    amd: Literal["off", "detect", "hangup"] = "off"
    ring_timeout_s: int = Field(30, ge=10, le=60)
    max_attempts: int = Field(3, ge=1, le=5)
    retry_interval_s: int = Field(180, ge=60, le=86_400)
    retry_on: list[Literal["busy", "no_answer", "failed"]] = Field(["busy", "no_answer"], max_length=3)
    caller_id: str | None = Field(None, pattern=r"^\+?[0-9]{3,15}$", examples=["+551140041234"])

    @field_validator("retry_on")
    @classmethod
    def _each_once(cls, reasons: list[str]) -> list[str]:
        if len(set(reasons)) < len(reasons):
            raise PydanticCustomError("duplicate", _("Name each reason once."))
        return reasons

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        needed, other = {"audio": ("file_id", "tts"), "tts": ("tts", "file_id")}.get(
            str(given.get("source")), (None, None)
        )
        if needed and given.get(needed) is None:
            yield fault((needed,), "required", _("Fill this in."))
        if other and given.get(other) is not None:
            yield fault((other,), "not_allowed", _("This does not go together with the chosen source."))
