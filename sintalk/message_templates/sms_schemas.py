"""SMS content as JSON. At most ten parts (Telnyx: 10; Twilio and AWS: 1,600 characters)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from flask_babel import gettext as _
from pydantic import Field
from pydantic_core import InitErrorDetails

from sintalk.message_templates import placeholders, sms
from sintalk.message_templates.fields import RAW_LIMIT, Content, fault, text_of


class SmsContent(Content):
    """A text. `auto` sends it as it is, `gsm7` takes its accents off, `ucs2` is always UCS-2."""

    text: text_of(RAW_LIMIT) = Field(examples=["Olá {{nome|cliente}}, seu pedido chegou."])  # type: ignore[valid-type]
    encoding: Literal["auto", "gsm7", "ucs2"] = "auto"

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        text, encoding = given.get("text"), given.get("encoding", "auto")
        if not isinstance(text, str) or len(text) > RAW_LIMIT or encoding not in ("auto", "gsm7", "ucs2"):
            return
        compiled = placeholders.compile(text)
        measured = sms.measure(compiled.fixed, encoding)
        if measured.segments > sms.MAX_PARTS:
            sentence = _(
                "This makes %(parts)s parts; at most %(most)s are sent.", parts=measured.segments, most=10
            )
            yield fault(("text",), "string_too_long", sentence)
        if text.strip() and not compiled.holes and not measured.text.strip():
            yield fault(("text",), "blank", _("Without accents and signs nothing is left of this text."))
