from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sintalk.web.limits import PER_MINUTE
from sintalk.web.schemas import Answer, Body, Id, Name, PageOf, Path, Timestamp


def _usual(value: Any) -> Any:
    return PER_MINUTE if value is None else value


RateLimit = Annotated[
    int,
    BeforeValidator(_usual),
    Field(description="Requests in a minute; other answers are 429", examples=[PER_MINUTE]),
]


class ApiKeyIn(Body):
    """A key to be made."""

    name: Name = Field(examples=["Loja online"])
    role: Literal["admin", "member"] = "member"
    mode: Literal["live", "test"] = Field(
        "live", description="What test keys send reaches no carrier but the simulator and costs nothing"
    )
    expires_at: Timestamp | None = None


class ApiKeyOut(Answer):
    """A key as it can be shown at any time."""

    id: Id
    name: str = Field(examples=["Loja online"])
    role: Literal["admin", "member"]
    mode: Literal["live", "test"]
    prefix: str = Field(examples=["stk_live_4fK2xQ"])
    created_at: Timestamp
    expires_at: Timestamp | None
    rate_limit_per_minute: RateLimit
    last_used_at: Timestamp | None
    revoked_at: Timestamp | None


class ApiKeyMade(Answer):
    """A key right after it was made; `key` appears here only (and not in a replayed answer)."""

    id: Id
    name: str = Field(examples=["Loja online"])
    role: Literal["admin", "member"]
    mode: Literal["live", "test"]
    prefix: str = Field(examples=["stk_live_4fK2xQ"])
    key: str | None = Field(None, examples=["stk_live_4fK2xQ8vZ1nYb7Wc3RtL5mHs9PdJ6gAe_0x4KqT"])
    created_at: Timestamp
    expires_at: Timestamp | None
    rate_limit_per_minute: RateLimit


class ApiKeyPage(PageOf[ApiKeyOut]):
    """The tenant's keys."""


class ApiKeyPath(Path):
    api_key_id: Id
