"""The companies of this installation, for its platform admins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Select, select

from sintalk.accounts import people, service
from sintalk.accounts.models import Invitation, Tenant
from sintalk.db import atomic, session
from sintalk.errors import Forbidden, Invalid, NotFound
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


@dataclass(frozen=True)
class Owner:
    """Who is to be the first owner of a new company."""

    email: str
    name: str


@dataclass(frozen=True)
class Made:
    """A new company, and the invitation of its first owner with the token of its link, which exists only here."""

    tenant: Tenant
    invitation: Invitation | None = None
    token: str | None = None


def create(*, name: str, locale: str, timezone: str, owner: Owner | None = None, by: Actor) -> Made:
    """A new company; nobody is in it until the owner takes up the invitation.

    Raises 403, 422 as `service.create_tenant`, and with `owner.email`, `owner.name`: there is no company then.
    """
    _only_platform_admins(by)
    with atomic():
        tenant = service.create_tenant(name=name, locale=locale, timezone=timezone)
        service.record(by, "tenant.created", tenant.id, name=tenant.name)
        return _with_owner(tenant, owner, by) if owner else Made(tenant)


def invite_owner(tenant_id: UUID, owner: Owner, *, by: Actor) -> Made:
    """Another link for a company's (first) owner, where the one before got lost. Raises 403, NotFound, 422."""
    return _with_owner(get(tenant_id, by=by), owner, by)


def set_rates(tenant_id: UUID, rates: dict[str, float | None], *, by: Actor) -> Tenant:
    """Let a company send so many messages a second on these channels at the most; None lifts a limit. Raises 403."""
    with atomic():
        tenant = get(tenant_id, by=by)
        tenant.rates = {channel: rate for channel, rate in {**tenant.rates, **rates}.items() if rate}
        service.record(by, "tenant.rates", tenant.id, rates=tenant.rates)
    return tenant


def _with_owner(tenant: Tenant, owner: Owner, by: Actor) -> Made:
    try:
        return Made(
            tenant, *people.invite(tenant.id, email=owner.email, name=owner.name, role="owner", by=by)
        )
    except Invalid as error:
        raise Invalid(*[replace(fault, field=f"owner.{fault.field}") for fault in error.details]) from None


def _only_platform_admins(by: Actor) -> None:
    if not by.platform_admin:
        raise Forbidden
