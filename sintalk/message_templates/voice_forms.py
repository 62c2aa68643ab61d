from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    FileField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice

from sintalk.errors import Invalid
from sintalk.message_templates.models import Template
from sintalk.message_templates.schemas import TemplateIn
from sintalk.message_templates.sms import line_feeds
from sintalk.message_templates.voice_speech import VOICES
from sintalk.web.forms import Form, show_faults, typed
from sintalk.web.validation import check

SOURCES = [
    SelectChoice("audio", _l("A recording")),
    SelectChoice("tts", _l("A text that is read aloud")),
]
RATES = [SelectChoice("0.8", _l("Slow")), SelectChoice("1.0", _l("Normal")), SelectChoice("1.2", _l("Brisk"))]
SPEAKERS = [SelectChoice(name, word) for name, word in VOICES.items()]
MACHINES = [
    SelectChoice("off", _l("Speak all the same")),
    SelectChoice("detect", _l("Speak, and note it")),
    SelectChoice("hangup", _l("Hang up")),
]
REASONS = [
    SelectChoice("busy", _l("the line is busy")),
    SelectChoice("no_answer", _l("nobody answers")),
    SelectChoice("failed", _l("the call does not come through")),
]
ACTIONS = [("record", _l("Note the answer")), ("opt_out", _l("No more calls to this number"))]
KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"]


class VoiceForm(Form):
    """The voice editor. With script the audio is in the store already and only its id comes here."""

    name = StringField(_l("Name of the template"))
    source = RadioField(_l("What the call plays"), choices=SOURCES, default="audio")
    file = FileField(_l("Audio file"))
    file_id = HiddenField()
    text = TextAreaField(_l("Text to read aloud"))
    voice = SelectField(_l("Voice"), choices=SPEAKERS, validate_choice=False)
    rate = SelectField(_l("Speed"), choices=RATES, default="1.0", validate_choice=False)
    timeout_s = IntegerField(_l("Seconds to wait for a key"), default=5)
    repeat = IntegerField(_l("Say it again, if no key is pressed"), default=1)
    amd = RadioField(_l("When an answering machine picks up"), choices=MACHINES, default="off")
    ring_timeout_s = IntegerField(_l("Seconds to let it ring"), default=30)
    max_attempts = IntegerField(_l("Attempts"), default=3)
    retry_minutes = IntegerField(_l("Minutes between attempts"), default=3)
    retry_on = SelectMultipleField(
        _l("Call again when"), choices=REASONS, default=["busy", "no_answer"], validate_choice=False
    )
    caller_id = StringField(_l("Number that is shown"))

    #: Where the faults of the contract are shown.
    FIELDS = {  # noqa: RUF012
        "voice.file_id": "file",
        "voice.tts.text": "text",
        "voice.tts.voice": "voice",
        "voice.tts.rate": "rate",
        "voice.dtmf.timeout_s": "timeout_s",
        "voice.dtmf.repeat": "repeat",
        "voice.retry_interval_s": "retry_minutes",
        **{
            f"voice.{name}": name
            for name in ("ring_timeout_s", "max_attempts", "retry_on", "caller_id", "amd")
        },
    }
    #: Folded away, since their defaults are good: opened where one of them is wrong.
    FOLDED = (
        "timeout_s",
        "repeat",
        "amd",
        "ring_timeout_s",
        "max_attempts",
        "retry_minutes",
        "retry_on",
        "caller_id",
    )

    digits: list[dict[str, str]]

    def __init__(self, *arguments: Any, digits: list[dict[str, str]] | None = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.digits = digits if digits is not None else _sent_digits()
        self.digit_errors: dict[int, str] = {}

    @classmethod
    def of(cls, template: Template) -> VoiceForm:
        """The form as it stands for this template."""
        return cls.filled(template.name, template.content)

    @classmethod
    def filled(cls, name: str, content: dict[str, Any]) -> VoiceForm:
        """The form with this content in it."""
        speech, keys = content.get("tts") or {}, content.get("dtmf") or {}
        data = {**content, **speech, **keys, "name": name, "rate": str(float(speech.get("rate", 1.0)))}
        data["retry_minutes"] = content.get("retry_interval_s", 180) // 60
        return cls(formdata=None, data=data, digits=[dict(digit) for digit in keys.get("digits", [])])

    def content(self) -> dict[str, Any]:
        """The content as it is typed, in the shape of the contract."""
        content: dict[str, Any] = {
            "source": self.source.data,
            "amd": self.amd.data,
            "ring_timeout_s": self.ring_timeout_s.data,
            "max_attempts": self.max_attempts.data,
            "retry_interval_s": None if self.retry_minutes.data is None else self.retry_minutes.data * 60,
            "retry_on": self.retry_on.data or [],
            "caller_id": typed(self.caller_id).strip() or None,
        }
        if self.source.data == "audio":
            content["file_id"] = self.file_id.data or None
        else:
            content["tts"] = self.speech()
        if self.digits:
            content["dtmf"] = {
                "digits": self.digits,
                "timeout_s": self.timeout_s.data,
                "repeat": self.repeat.data,
            }
        return content

    def speech(self) -> dict[str, Any]:
        """What is read aloud, and how."""
        try:
            rate = float(self.rate.data or 1)
        except ValueError:
            rate = 1.0
        return {"text": line_feeds(typed(self.text)), "voice": self.voice.data or None, "rate": rate}

    def checked(self) -> TemplateIn:
        """The template as the contract takes it. Raises Invalid with all faults."""
        return check(TemplateIn, {"name": typed(self.name), "channel": "voice", "voice": self.content()})

    def show(self, error: Invalid) -> None:
        """Each fault beside its field; a key's beside its key."""
        others = []
        for fault in error.details:
            row = fault.field.removeprefix("voice.dtmf.digits[").partition("]")[0]
            if fault.field.startswith("voice.dtmf.digits[") and row.isdigit():
                self.digit_errors[int(row)] = str(fault.message)
            elif fault.field == "voice.file_id" and fault.code == "required":
                self.file.errors = [_("Record something, or choose a file.")]
            else:
                others.append(fault)
        show_faults(self, Invalid(*others), fields=self.FIELDS)

    @property
    def unfolded(self) -> bool:
        """Whether something that is folded away is wrong."""
        return any(self[name].errors for name in self.FOLDED)


def _sent_digits() -> list[dict[str, str]]:
    """The keys of a sent form, in the order of their rows; a row without key and words is none, nor is the one
    that the button `drop` names by its place, where no script takes it away."""
    rows = zip(*(request.form.getlist(name) for name in ("key", "label", "effect")), strict=False)
    dropped = request.form.get("drop", type=int)
    return [
        {"key": key, "label": label.replace("\x00", "").strip(), "action": action}
        for at, (key, label, action) in enumerate(rows)
        if (key or label.strip()) and at != dropped
    ]
