from __future__ import annotations

from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sintalk.contacts import cleaning, keywords, phones
from sintalk.web.schemas import Answer, Body, Id, PageOf, PageQuery, Path, Timestamp

Channel = Literal["sms", "rcs", "voice"]


def phone_sentence(reason: str | None) -> str:
    """A reason of `contacts.phones` in words for people."""
    return {
        "missing_phone": _("There is no phone number."),
        "phone_missing_area_code": _("The phone number lacks its area code (DDD)."),
        "phone_scientific_notation": _("A spreadsheet rounded this phone number; some digits are lost."),
    }.get(reason or "", _("This is not a phone number that can be reached."))


def _e164(value: str) -> str:
    reading = phones.read(value)
    if reading.phone is None:
        raise PydanticCustomError("invalid_phone", "{sentence}", {"sentence": phone_sentence(reading.reason)})
    return reading.phone


def _address(value: str) -> str:
    address = cleaning.email(value)
    if address is None:
        raise PydanticCustomError(
            "invalid_email", "{sentence}", {"sentence": _("This is not an e-mail address.")}
        )
    return address


def _empty_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _one_line(value: Any) -> Any:
    return cleaning.one_line(value) if isinstance(value, str) else value


def _attributes(value: dict[str, str]) -> dict[str, str]:
    cleaned = {cleaning.one_line(key): cleaning.storable(text) for key, text in value.items()}
    if "" in cleaned:
        raise PydanticCustomError(
            "string_too_short", "{sentence}", {"sentence": _("An attribute needs a name.")}
        )
    return cleaned


OneLine = Annotated[
    str, StringConstraints(min_length=1, max_length=cleaning.MAX_NAME), BeforeValidator(_one_line)
]
Phone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_e164)]
OptionalPhone = Annotated[Phone | None, BeforeValidator(_empty_is_none)]
OptionalEmail = Annotated[
    Annotated[str, StringConstraints(max_length=320), AfterValidator(_address)] | None,
    BeforeValidator(_empty_is_none),
]
Attributes = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=cleaning.MAX_ATTRIBUTE_NAME)],
        Annotated[str, StringConstraints(max_length=cleaning.MAX_ATTRIBUTE_VALUE)],
    ],
    Field(max_length=cleaning.MAX_ATTRIBUTES),
    AfterValidator(_attributes),
]


class ListIn(Body):
    name: OneLine = Field(examples=["Clientes de novembro"])


class ListOut(Answer):
    id: Id
    name: str = Field(examples=["Clientes de novembro"])
    contact_count: int = Field(examples=[1200])
    created_at: Timestamp
    updated_at: Timestamp


class ListPage(PageOf[ListOut]):
    pass


class ListPath(Path):
    list_id: Id


class ContactIn(Body):
    """`phone` takes any common spelling; `attributes` are the variables of templates."""

    name: OneLine = Field(examples=["João da Silva"])
    email: OptionalEmail = Field(None, examples=["joao@exemplo.com.br"])
    phone: OptionalPhone = Field(None, examples=["(11) 99999-9999"])
    attributes: Attributes = Field(default_factory=dict, examples=[{"cidade": "São Paulo"}])


class ContactChange(Body):
    """Replaces name, e-mail and phone; null clears. Attributes stay as they are where they are left out."""

    name: OneLine = Field(examples=["João da Silva"])
    email: OptionalEmail = Field(None, examples=["joao@exemplo.com.br"])
    phone: OptionalPhone = Field(None, examples=["+5511999999999"])
    attributes: Attributes | None = None


class ContactOut(Answer):
    id: Id
    contact_list_id: Id
    name: str = Field(examples=["João da Silva"])
    email: str | None = Field(examples=["joao@exemplo.com.br"])
    phone: str | None = Field(examples=["+5511999999999"])
    attributes: dict[str, str] = Field(examples=[{"cidade": "São Paulo"}])
    opted_out: bool
    created_at: Timestamp
    updated_at: Timestamp


class ContactPage(PageOf[ContactOut]):
    pass


class ContactPath(Path):
    list_id: Id
    contact_id: Id


class ContactQuery(PageQuery):
    search: str | None = Field(None, max_length=200, description="Words of the name, an address, or a phone")
    phone: str | None = Field(None, max_length=100, description="This number, in any spelling")
    email: str | None = Field(None, max_length=320, description="This address, whatever its case")


class OptOutIn(Body):
    """Without a channel, the number wants nothing more on any."""

    phone: Phone = Field(examples=["+5511999999999"])
    channel: Channel | None = None


class OptOutOut(Answer):
    id: Id
    phone: str = Field(examples=["+5511999999999"])
    channel: Channel | None = Field(description="null: on all channels")
    source: str = Field(examples=["api"])
    created_at: Timestamp


class OptOutPage(PageOf[OptOutOut]):
    pass


class OptOutQuery(PageQuery):
    phone: str | None = Field(None, max_length=100)
    channel: Channel | None = None


class OptOutPath(Path):
    opt_out_id: Id


class ConsentOut(Answer):
    """A number opted out, or came back."""

    id: Id
    phone: str = Field(examples=["+5511999999999"])
    channel: Channel | None = Field(description="null: on all channels")
    kind: Literal["opted_out", "opted_in"]
    source: str = Field(examples=["reply"], description="api, page, reply (a word), key (in a call), import")
    words: str | None = Field(examples=["SAIR"], description="What the person wrote, or the key pressed")
    actor_name: str | None = Field(examples=["Alice"], description="Who of the company did it, or which key")
    created_at: Timestamp


class ConsentPage(PageOf[ConsentOut]):
    pass


class ConsentQuery(PageQuery):
    phone: str | None = Field(None, max_length=100, description="This number, in any spelling")


def _word(value: str) -> str:
    if not keywords.folded(value):
        raise PydanticCustomError(
            "malformed", "{sentence}", {"sentence": _("A word needs a letter or a digit.")}
        )
    return value


def _no_placeholders(value: str) -> str:
    if "{{" in value:
        sentence = _("There is nobody's data to fill in here: write it without {{…}}.")
        raise PydanticCustomError("placeholder", "{sentence}", {"sentence": sentence})
    return value


Word = Annotated[
    str, StringConstraints(min_length=1, max_length=40), AfterValidator(_word), BeforeValidator(_one_line)
]
Reply = Annotated[
    Annotated[str, StringConstraints(max_length=160), AfterValidator(_no_placeholders)] | None,
    BeforeValidator(_empty_is_none),
]


class ReplyWordsIn(Body):
    """Words count as a whole message, whatever their case, accents, spaces and punctuation."""

    out_words: list[Word] = Field(min_length=1, max_length=50, examples=[["SAIR", "PARE"]])
    back_words: list[Word] = Field(max_length=50, examples=[["VOLTAR"]])
    out_reply: Reply = Field(None, examples=["Você não receberá mais mensagens."], description="null: none")
    back_reply: Reply = Field(None, examples=["Você voltará a receber mensagens."], description="null: none")

    @model_validator(mode="after")
    def _of_one_meaning(self) -> ReplyWordsIn:
        both = {keywords.folded(word) for word in self.out_words} & {
            keywords.folded(word) for word in self.back_words
        }
        if both:
            sentence = _("“%(word)s” cannot mean both: it stands in both lists.", word=min(both))
            raise PydanticCustomError("ambiguous_word", "{sentence}", {"sentence": sentence})
        return self


class ReplyWordsOut(Answer):
    """What is listened for, and answered."""

    out_words: list[str] = Field(examples=[["SAIR", "PARE"]])
    back_words: list[str] = Field(examples=[["VOLTAR"]])
    out_reply: str | None = Field(examples=["Você não receberá mais mensagens."])
    back_reply: str | None = Field(examples=["Você voltará a receber mensagens."])
