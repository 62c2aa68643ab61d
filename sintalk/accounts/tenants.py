"""The companies of this installation, for its platform admins."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select

from sintalk.accounts import service
from sintalk.accounts.models import Tenant
from sintalk.db import atomic, session
from sintalk.errors import Forbidden, NotFound
from sintalk.tenancy import Actor


def every(by: Actor) -> Select[Tenant]:
    """All companies. Raises 403 for anybody else than a platform admin."""
    _only_platform_admins(by)
    return select(Tenant)


def get(tenant_id: UUID, *, by: Actor) -> Tenant:
    """One company. Raises 403, NotFound."""
    _only_platform_admins(by)
    tenant = session().get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound
    return tenant


def create(*, name: str, locale: str, timezone: str, by: Actor) -> Tenant:
    """A new company without people yet. Raises 403, 422 as `service.create_tenant`."""
    _only_platform_admins(by)
    with atomic():
        tenant = service.create_tenant(name=name, locale=locale, timezone=timezone)
        service.record(by, "tenant.created", tenant.id, name=tenant.name)
    return tenant


def _only_platform_admins(by: Actor) -> None:
    if not by.platform_admin:
        raise Forbidden
