"""Templates on the wire: exactly the object of the channel is present, and all faults are told together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic_core import InitErrorDetails

from sintalk.message_templates.content import CHANNELS
from sintalk.message_templates.fields import Content, exactly
from sintalk.message_templates.rcs_schemas import RcsContent
from sintalk.message_templates.sms_schemas import SmsContent
from sintalk.message_templates.voice_schemas import VoiceContent
from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, PageQuery, Path, Timestamp

Channel = Literal["sms", "rcs", "voice"]

#: One of each kind, for the API's document.
EXAMPLES: list[Any] = [
    {
        "name": "Aviso de entrega",
        "channel": "sms",
        "sms": {"text": "Olá {{nome|cliente}}, seu pedido chegou."},
    },
    {
        "name": "Novidades",
        "channel": "rcs",
        "rcs": {
            "type": "text",
            "text": {"body": "Olá {{nome}}, temos novidades!"},
            "suggestions": [{"type": "reply", "text": "Quero ver", "postback_data": "ver"}],
        },
    },
    {
        "name": "Oferta",
        "channel": "rcs",
        "rcs": {
            "type": "card",
            "card": {
                "orientation": "vertical",
                "title": "Pão de queijo",
                "description": "Hoje com 20 % de desconto",
                "media": {"file_url": "https://exemplo.com.br/pao.jpg", "height": "medium"},
            },
        },
    },
    {
        "name": "Lembrete",
        "channel": "voice",
        "voice": {"source": "tts", "tts": {"text": "Olá {{nome}}, sua consulta é amanhã."}},
    },
]


class TemplateIn(Content):
    """A template to be made, or what one becomes. Its channel stays what it was made for."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})

    name: Name = Field(examples=["Aviso de entrega"])
    channel: Channel
    sms: SmsContent | None = None
    rcs: RcsContent | None = None
    voice: VoiceContent | None = None

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        yield from exactly(given, given.get("channel"), CHANNELS)

    def content(self) -> dict[str, Any]:
        """The channel's object as it is kept."""
        part: Content = getattr(self, self.channel)
        return part.model_dump(mode="json")


class TemplateOut(Content):
    """A template; `variables` are the names of its placeholders, each once, as first written."""

    model_config = Answer.model_config

    id: Id
    name: str = Field(examples=["Aviso de entrega"])
    channel: Channel
    sms: SmsContent | None = Field(default=None, examples=[EXAMPLES[0]["sms"]])
    rcs: RcsContent | None = None
    voice: VoiceContent | None = None
    variables: list[str] = Field(examples=[["nome"]])
    created_at: Timestamp
    updated_at: Timestamp


class TemplatePage(PageOf[TemplateOut]):
    """The tenant's templates."""


class TemplateQuery(PageQuery):
    """Paging, and templates of one channel only."""

    channel: Channel | None = None


class TemplatePath(Path):
    template_id: Id


Value = Annotated[str, StringConstraints(max_length=2000)]


class PreviewIn(Body):
    """Values for the placeholders, by name, without regard to case and accents."""

    variables: dict[str, Value] = Field(default_factory=dict, max_length=200, examples=[{"nome": "João"}])


class Preview(Content):
    """What one person would get.

    `fault` says why it would not be sent: `missing_variable`, `empty_message`, `too_long`, `invalid_link`.
    For SMS, encoding, segments, characters and the letters that force UCS-2; for RCS and voice, the content with
    its values; for RCS also the billing class, `basic` or `single`; for voice, how many seconds are said (of
    speech, about: by its characters), and the billed seconds (30/6) of somebody who hears it once and of the
    longest call.
    """

    model_config = Answer.model_config

    text: str = Field(examples=["Olá João, seu pedido chegou."])
    missing: list[str] = Field(examples=[[]])
    fault: str | None = None
    encoding: str | None = Field(default=None, examples=["ucs2"])
    segments: int | None = Field(default=None, examples=[1])
    characters: int | None = Field(default=None, examples=[28])
    ucs2_letters: list[str] | None = Field(default=None, examples=[["ã"]])
    billing_class: str | None = None
    spoken_seconds: int | None = None
    billed_seconds: int | None = None
    most_billed_seconds: int | None = None
    content: dict[str, Any] | None = None
