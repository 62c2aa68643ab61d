"""Words of the content schemas: texts that may hold placeholders, addresses, and rules over several fields.

A limit at save counts what surely stands there, that is the text without its placeholders; after rendering it
is counted again for each person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import phonenumbers
from flask import has_app_context
from flask_babel import gettext as _
from pydantic import (
    AfterValidator,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from sintalk.files import media
from sintalk.message_templates import links, placeholders
from sintalk.web.schemas import Body

#: No text of any channel is longer than this as it is written, placeholders and defaults included.
RAW_LIMIT = 10_000
#: Items of a list that are looked at one by one, be they too many.
SANE = 100


def fault(loc: tuple[str | int, ...], code: str, message: str) -> InitErrorDetails:
    """A fault of a rule over several fields, at the field that is to be changed."""
    return InitErrorDetails(type=PydanticCustomError(code, message), loc=loc, input=None)


class Content(Body):
    """A part of a content. Its `rules` are told together with the faults of its fields, never after them."""

    @classmethod
    def rules(cls, given: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """Faults over several fields of what was given, which may be of any shape."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_together(cls, given: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        found = list(cls.rules(given)) if isinstance(given, Mapping) else []
        try:
            made = handler(given)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, [*_kept(error), *found]) from None
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return made

    @model_serializer(mode="wrap")
    def _without_gaps(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]
        # no return annotation: it would replace this model's schema in the API's document
        return {key: value for key, value in handler(self).items() if value is not None}


def exactly(given: Mapping[str, Any], chosen: Any, names: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    """Of these fields the chosen one must be there, and no other."""
    if chosen not in names:
        return
    for name in names:
        if name == chosen and given.get(name) is None:
            yield fault((name,), "required", _("Fill this in."))
        if name != chosen and given.get(name) is not None:
            yield fault(
                (name,), "not_allowed", _("This does not go together with %(chosen)s.", chosen=chosen)
            )


def counted(given: Mapping[str, Any], name: str, most: int, least: int = 0) -> Iterator[InitErrorDetails]:
    """A list of `least` to `most` items; a rule and no constraint, so that its items are looked at too."""
    found = given.get(name)
    if not isinstance(found, list) or len(found) > SANE:
        return
    if len(found) > most:
        yield fault(
            (name,), "too_long", _("At most %(most)s; these are %(count)s.", most=most, count=len(found))
        )
    if len(found) < least:
        yield fault((name,), "too_short", _("At least %(least)s.", least=least))


def items(most: int, least: int = 0) -> dict[str, Any]:
    """The limits of a list for the API's document; `counted` keeps them."""
    return {"minItems": least, "maxItems": most}


def _kept(error: ValidationError) -> list[InitErrorDetails]:
    """The faults of a validation as they were, to be raised again together with others."""
    return [
        InitErrorDetails(
            type=PydanticCustomError(found["type"], "{sentence}", {"sentence": found["msg"]}),
            loc=found["loc"],
            input=found["input"],
        )
        for found in error.errors(include_url=False, include_context=False)
    ]


def _checked(limit: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        compiled = placeholders.compile(text)
        if compiled.faults:
            raise _placeholder_fault(compiled.faults[0])
        if not text:
            raise PydanticCustomError("string_too_short", _("Write something here."))
        if not text.strip():
            raise PydanticCustomError("blank", _("Blanks alone are no text."))
        if len(compiled.fixed) > limit or len(text) > max(limit, RAW_LIMIT):
            sentence = _(
                "At most %(limit)s characters; these are %(count)s.", limit=limit, count=len(compiled.fixed)
            )
            raise PydanticCustomError("string_too_long", sentence)
        return text

    return check


def _placeholder_fault(slip: placeholders.Fault) -> PydanticCustomError:
    sentences = {
        "unclosed_placeholder": _(
            "The placeholder %(excerpt)s is not closed. Write {{name}}, or \\{{ for two plain braces.",
            excerpt=slip.excerpt,
        ),
        "empty_placeholder": _("The placeholder %(excerpt)s has no name.", excerpt=slip.excerpt),
        "placeholder_too_long": _(
            "A placeholder's name has at most %(limit)s characters.", limit=placeholders.NAME_LIMIT
        ),
    }
    return PydanticCustomError(slip.code, sentences[slip.code])


def text_of(limit: int) -> Any:
    """A text of 1 to `limit` characters that may hold placeholders; not blanks alone."""
    document = {"type": "string", "minLength": 1, "maxLength": limit}
    return Annotated[str, AfterValidator(_checked(limit)), WithJsonSchema(document)]


def https_url(limit: int) -> Any:
    """An address that begins with `https://`, at most `limit` long; placeholders may stand after that, or one for
    the whole address (see `links`)."""

    def check(url: str) -> str:
        url = _checked(limit)(url)
        compiled = placeholders.compile(url)
        whole = len(compiled.holes) == 1 and not compiled.fixed
        given = compiled.holes[0].default or "https://x" if whole else compiled.filled_with("x")
        if not links.is_https(given):
            sentence = _("Write an address that begins with https://.")
            raise PydanticCustomError("invalid_url", sentence)
        return url

    document = {"type": "string", "format": "uri", "pattern": r"^(https://|\{\{)", "maxLength": limit}
    return Annotated[str, AfterValidator(check), WithJsonSchema(document)]


def media_url(limit: int) -> Any:
    """As `https_url`, or the address of an uploaded medium, which is http on an installation without TLS."""
    https = https_url(limit)
    check = next(part.func for part in https.__metadata__ if isinstance(part, AfterValidator))

    def own_or_checked(url: str) -> str:
        own = has_app_context() and url.startswith(media.base()) and len(url) <= limit and "{{" not in url
        return url if own else check(url)  # type: ignore[call-arg]

    return Annotated[str, AfterValidator(own_or_checked), *https.__metadata__[1:]]


def _dialable(phone: str) -> str:
    compiled = placeholders.compile(phone)
    if compiled.faults:
        raise _placeholder_fault(compiled.faults[0])
    if compiled.holes:
        return phone
    try:
        number = phonenumbers.parse(phone, "BR")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not phonenumbers.is_valid_number(number):
        sentence = _("This is not a phone number that can be dialled.")
        raise PydanticCustomError("invalid_phone", sentence)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


#: A number to dial, in any Brazilian spelling, kept as E.164; or a placeholder.
Phone = Annotated[
    str,
    AfterValidator(_dialable),
    WithJsonSchema({"type": "string", "maxLength": 40, "examples": ["+551140041234"]}),
]
