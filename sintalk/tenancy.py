"""Whose is it? The tenant comes from the credential only, and every look-up by id goes through here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from sintalk.db import session
from sintalk.errors import NotFound

T = TypeVar("T")

#: Roles from most to least powerful. `member` works, but makes no keys, moves no money, changes no settings.
ROLES = ("owner", "admin", "member", "viewer")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something: a person in a browser or an API key. `mode` is live or test (keys only).

    `requests_per_minute` is a key's own limit; None means the usual one.
    """

    tenant_id: UUID
    kind: str
    id: UUID
    name: str
    role: str
    mode: str = "live"
    platform_admin: bool = False
    requests_per_minute: int | None = None

    @property
    def admin(self) -> bool:
        return self.role in ("owner", "admin")

    @property
    def writes(self) -> bool:
        return self.role != "viewer"


def owned(model: type[T], tenant_id: UUID, row_id: UUID, *, lock: bool = False) -> T:
    """The tenant's row with this id. Raises NotFound, also for another tenant's and for a deleted one."""
    columns: Any = model
    query = select(model).where(columns.tenant_id == tenant_id, columns.id == row_id)
    if hasattr(model, "deleted_at"):
        query = query.where(columns.deleted_at.is_(None))
    if lock:
        # FOR NO KEY UPDATE: rows that refer to this one may come meanwhile. Stronger, two launches over one list,
        # each with its campaign's reference to it, waited for each other.
        query = query.with_for_update(of=model, key_share=True).execution_options(populate_existing=True)
    row = session().scalars(query).one_or_none()
    if row is None:
        raise NotFound
    return row
