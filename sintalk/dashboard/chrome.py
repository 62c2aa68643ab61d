"""What every signed-in page shows around its own content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g

from sintalk.billing import service as billing
from sintalk.web.htmx import is_fragment


@dataclass(frozen=True)
class Chrome:
    """The top bar's figures."""

    balance: billing.Balance


def words() -> dict[str, Any]:
    """`chrome` for the templates of signed-in people; fragments have no top bar."""
    if getattr(g, "user", None) is None or is_fragment():
        return {}
    return {"chrome": Chrome(billing.balance(g.actor.tenant_id))}
