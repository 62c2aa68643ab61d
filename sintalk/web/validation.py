"""From bytes to a checked schema, and from a failed check to faults that name their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from flask import request
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ValidationError

from sintalk.errors import Detail, DomainError, Invalid

Schema = TypeVar("Schema", bound=BaseModel)

#: pydantic's words for a fault -> the wire's. What is not here keeps pydantic's word.
CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "too_short": "too_few",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "greater_than": "out_of_range",
    "less_than": "out_of_range",
    "string_type": "wrong_type",
    "int_type": "wrong_type",
    "int_parsing": "wrong_type",
    "int_from_float": "wrong_type",
    "int_parsing_size": "out_of_range",
    "bool_type": "wrong_type",
    "bool_parsing": "wrong_type",
    "float_type": "wrong_type",
    "list_type": "wrong_type",
    "dict_type": "wrong_type",
    "model_type": "wrong_type",
    "model_attributes_type": "wrong_type",
    "none_required": "not_allowed",
}
#: The same faults as sentences, with pydantic's own figures in them. What is not here brings its own sentence.
SENTENCES = {
    "missing": _l("This field is required."),
    "extra_forbidden": _l("There is no such field."),
    "string_too_long": _l("At most %(max_length)s characters."),
    "string_too_short": _l("At least %(min_length)s characters."),
    "too_long": _l("At most %(max_length)s of them."),
    "too_short": _l("At least %(min_length)s of them."),
    "literal_error": _l("One of these: %(expected)s."),
    "greater_than_equal": _l("A number from %(ge)s on."),
    "less_than_equal": _l("A number up to %(le)s."),
    "greater_than": _l("A number above %(gt)s."),
    "less_than": _l("A number below %(lt)s."),
    "string_type": _l("This must be a text."),
    "int_type": _l("This must be a whole number."),
    "int_parsing": _l("This must be a whole number."),
    "int_parsing_size": _l("This number is too large."),
    "int_from_float": _l("This must be a whole number."),
    "float_type": _l("This must be a number."),
    "bool_type": _l("This must be true or false."),
    "bool_parsing": _l("This must be true or false."),
    "list_type": _l("This must be a list."),
    "dict_type": _l("This must be an object."),
    "model_type": _l("This must be an object."),
    "model_attributes_type": _l("This must be an object."),
}
SURROGATES = re.compile("[\ud800-\udfff]")


def read_body(schema: type[Schema]) -> Schema:
    """The request's JSON as this schema.

    Raises 415 for another content type, 400 for what is no JSON, 422 with the path of every fault.
    """
    if getattr(schema, "may_be_missing", False) and not request.get_data(cache=True):
        return schema()
    if request.mimetype != "application/json":
        raise DomainError(
            415, "unsupported_media_type", _l("Send JSON, with Content-Type: application/json.")
        )
    raw = request.get_data(cache=True)
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise DomainError(400, "malformed_json", _l("The body is not JSON.")) from None
    return check(schema, _cleaned(body, raw))


def read_query(schema: type[Schema]) -> Schema:
    """The query string as this schema; of a repeated parameter the first counts. Raises 422."""
    given = request.args.to_dict(flat=True)
    for name, value in given.items():
        if "\x00" in value:
            _refuse_null(name)
    return check(schema, given)


def check(schema: type[Schema], data: Any) -> Schema:
    """The data as this schema. Raises `Invalid` with all faults."""
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise Invalid(*faults(error)) from None


def faults(error: ValidationError, *, prefix: str = "") -> list[Detail]:
    """The faults of a failed validation as details of the wire contract."""
    return [
        Detail(prefix + path_of(fault["loc"]), CODES.get(fault["type"], fault["type"]), _sentence(fault))
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _sentence(fault: Any) -> str:
    """For people, in their language."""
    figures = dict(fault.get("ctx", ()))
    if "expected" in figures:
        figures["expected"] = figures["expected"].replace("'", "").replace(" or ", ", ")
    try:
        return str(SENTENCES[fault["type"]]) % figures
    except KeyError:  # a rule of our own, which brings its sentence
        return str(fault["msg"])


def path_of(loc: tuple[int | str, ...]) -> str:
    """`("cards", 2, "title")` -> `cards[2].title`"""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "body"


def _cleaned(body: Any, raw: bytes) -> Any:
    """Strings without lone surrogates (no database can hold them); U+0000 is refused at its field."""
    if b"\\u0000" not in raw and b"\\ud" not in raw.lower() and b"\x00" not in raw:
        return body
    return _walk(body, "")


def _walk(value: Any, path: str) -> Any:
    if isinstance(value, str):
        if "\x00" in value:
            _refuse_null(path or "body")
        return SURROGATES.sub("", value)
    if isinstance(value, list):
        return [_walk(item, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _walk(key, path): _walk(item, f"{path}.{key}" if path else key) for key, item in value.items()
        }
    return value


def _refuse_null(field: str) -> NoReturn:
    raise Invalid(Detail(field.replace("\x00", ""), "null_character", _l("Text cannot contain U+0000.")))


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)
