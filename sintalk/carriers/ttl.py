"""How long a carrier may try to deliver an RCS message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ttl_of(content: Mapping[str, Any], *, most: int | None = None) -> int | None:
    """Seconds until the message is taken back; None for content that says none (a call).

    Where an SMS follows after a while, the carrier gives up by then, so that nobody gets both. `most` is what
    the carrier takes at the longest.
    """
    after = (content.get("fallback") or {}).get("after_seconds")
    named = [seconds for seconds in (content.get("ttl_seconds"), after) if seconds is not None]
    if not named:
        return None
    return min([*named, most] if most is not None else named)
