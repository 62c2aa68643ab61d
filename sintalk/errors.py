"""Everything that can be said no to, with its JSON and its HTML face.

Services raise `DomainError` or one of its kinds; they know no HTTP beyond the number. The API answers with
the error body of the wire contract, a page with `errors/error.html` or, where a form is shown, with the
message beside its field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Detail:
    """One fault of a body: `field` as a path (`rcs.carousel.cards[2].title`), `code` for programs, a sentence."""

    field: str
    code: str
    message: Any

    def as_json(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "message": str(self.message)}


@dataclass(eq=False)
class DomainError(Exception):
    """A refusal: HTTP status, stable code, a sentence for people (may be lazily translated), faults by field."""

    status: int
    code: str
    message: Any
    details: list[Detail] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def as_json(self, request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {"error_code": self.code, "error": str(self.message), "request_id": request_id}
        if self.details:
            body["details"] = [detail.as_json() for detail in self.details]
        return body


class NotFound(DomainError):
    """The thing does not exist, or belongs to somebody else: the answer is the same for both."""

    def __init__(self, message: Any = None) -> None:
        super().__init__(404, "not_found", message or _l("There is nothing here, or it is not yours."))


class Forbidden(DomainError):
    """Known, but without the right."""

    def __init__(self, message: Any = None) -> None:
        super().__init__(403, "forbidden", message or _l("You are not allowed to do this."))


class Unauthorized(DomainError):
    """No credential, or one that is wrong, expired or revoked."""

    def __init__(self, message: Any = None) -> None:
        super().__init__(
            401,
            "unauthorized",
            message or _l("A valid API key is needed, as X-API-Key or as a Bearer token."),
            headers={"WWW-Authenticate": 'Bearer realm="sintalk"'},
        )


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""

    def __init__(self, code: str, message: Any) -> None:
        super().__init__(409, code, message)


class Invalid(DomainError):
    """The request's content is wrong; every fault is named at its field, all of them together."""

    def __init__(self, *details: Detail, message: Any = None) -> None:
        super().__init__(
            422, "validation_failed", message or _l("Some fields are wrong; see details."), list(details)
        )


def unknown_reference(name: str, message: Any = None) -> Invalid:
    """A body names an id that does not exist for this tenant."""
    return Invalid(Detail(name, "not_found", message or _l("There is no such thing, or it is not yours.")))


class InsufficientBalance(DomainError):
    """The money does not reach; nothing was sent and nothing is held. Amounts in micro-units."""

    def __init__(self, *, needed_micros: int, spendable_micros: int) -> None:
        super().__init__(
            402, "insufficient_balance", _l("The balance does not cover this. Top it up and try again.")
        )
        self.needed_micros = needed_micros
        self.spendable_micros = spendable_micros

    def as_json(self, request_id: str) -> dict[str, Any]:
        amounts = {"needed_micros": self.needed_micros, "spendable_micros": self.spendable_micros}
        return {**super().as_json(request_id), **amounts}
