"""How many rows a tenant has of what lists show: kept by the database, never counted.

Triggers on the tables of `COUNTED` move a row of `tenant_counts` in the transaction of the rows themselves,
whoever writes them; `sintalk check` compares. A list without a filter takes its total from here.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from sintalk.db import Base, session

#: Tables whose rows are counted, and whether a row leaves softly (`deleted_at`) or for good.
COUNTED = {
    "contact_lists": "softly",
    "templates": "softly",
    "campaigns": "softly",
    "files": "for good",
    "opt_outs": "for good",
    "api_keys": "for good",
}


class TenantCount(Base):
    """So many rows of `kind`, a table of `COUNTED`, are the tenant's now."""

    __tablename__ = "tenant_counts"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[int] = mapped_column(BigInteger)


def kept(tenant_id: UUID, kind: str) -> int:
    """How many rows of this table the tenant has."""
    assert kind in COUNTED, kind
    counted = select(TenantCount.total).where(TenantCount.tenant_id == tenant_id, TenantCount.kind == kind)
    return session().scalar(counted) or 0
