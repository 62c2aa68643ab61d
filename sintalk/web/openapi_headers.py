"""The headers of answers, as the document tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sintalk.web.examples import ID

Json = dict[str, Any]
HEADERS: Json = {
    "RateLimit-Limit": ("How many requests a minute this key may make", 6000),
    "RateLimit-Remaining": ("How many of them are left", 5999),
    "RateLimit-Reset": ("Seconds until they are all there again", 60),
    "Retry-After": ("Seconds to wait before the next try", 12),
}


def always() -> Iterable[str]:
    """The names of those that every answer has."""
    return ("X-Request-Id", *(name for name in HEADERS if name.startswith("RateLimit")))


def refs(names: Iterable[str]) -> Json:
    """These headers, as an answer refers to them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def component() -> Json:
    """What they refer to."""
    numbers = {
        name: {"description": about, "schema": {"type": "integer", "minimum": 0}, "example": example}
        for name, (about, example) in HEADERS.items()
    }
    return {
        "X-Request-Id": {
            "description": "The id of this request, also in every line of the log about it",
            "schema": {"type": "string", "format": "uuid"},
            "example": ID,
        },
        "Idempotency-Replayed": {
            "description": "There where this answer was given before",
            "schema": {"type": "string", "enum": ["true"]},
            "example": "true",
        },
        **numbers,
    }
