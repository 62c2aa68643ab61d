"""The words every JSON schema is made of.

Bodies are strict and refuse unknown fields (a typo must not vanish); queries are lax in type, since a URL
knows only strings; answers read their values from rows. Ids are UUIDv7 strings, times RFC 3339 in UTC with
`Z` and milliseconds, money integers in micro-units (1 BRL = 1 000 000).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

T = TypeVar("T")


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T10:43:37.120Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: Any) -> Any:
    """Only strings with an offset are times on the wire: a bare number would be read as seconds since 1970."""
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise PydanticCustomError(
        "invalid_timestamp", "A time is written as RFC 3339, e.g. 2026-11-22T10:43:37Z."
    )


def _uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise PydanticCustomError("invalid_id", "An id is a UUID string.") from None


Id = Annotated[UUID, BeforeValidator(_uuid)]
Timestamp = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Body(BaseModel):
    """A request body: exact types, no unknown field. `may_be_missing`: no body at all says as much as `{}`."""

    may_be_missing: ClassVar[bool] = False
    model_config = ConfigDict(strict=True, extra="forbid")


class Query(BaseModel):
    """A query string: strings are read as numbers where numbers are due; no unknown parameter."""

    model_config = ConfigDict(extra="forbid")


class Path(BaseModel):
    """The ids in a path."""


class Answer(BaseModel):
    """A response, read from the attributes of a row or a dataclass."""

    model_config = ConfigDict(from_attributes=True)


class PageQuery(Query):
    """Paging of every list: newest first, by offset, or by `after` (the last id seen), which stays flat."""

    limit: int = Field(default=50, ge=1, le=200, description="How many at the most, 1 to 200")
    offset: int = Field(
        default=0,
        ge=0,
        le=1_000_000_000,
        description="How many to leave out; all of them are walked over, so use `after` for depth",
    )
    after: Id | None = Field(
        default=None, description="Keyset paging: the id of the last row of the page before"
    )


class PageOf(Answer, Generic[T]):
    """One page. `total` is exact unless `total_is_exact` says otherwise (a filtered count stops at 10 000)."""

    data: list[T]
    total: int = Field(examples=[1])
    limit: int = Field(examples=[50])
    offset: int = Field(examples=[0])
    has_more: bool
    total_is_exact: bool = True


class Fault(Answer):
    """One fault of a request, at its field."""

    field: str = Field(examples=["rcs.carousel.cards[2].title"])
    code: str = Field(examples=["too_long"])
    message: str = Field(examples=["At most 200 characters."])


class Problem(Answer):
    """Every answer that is not a success."""

    error_code: str = Field(examples=["validation_failed"], description="For programs; it stays as it is")
    error: str = Field(
        examples=["Some fields are wrong; see details."], description="For people, in their language"
    )
    details: list[Fault] = Field([], description="Every fault by its field, where that helps")
    needed_micros: int | None = Field(None, description="402: what it costs at least, in micro-units")
    spendable_micros: int | None = Field(None, description="402: what the balance and its overdraft cover")
    request_id: Id
