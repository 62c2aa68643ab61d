"""The verbs about tenants and people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from sintalk.accounts import passwords, zones
from sintalk.accounts.models import AuditEvent, Tenant, User
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, Invalid, NotFound
from sintalk.tenancy import Actor

LOCALES = ("pt_BR", "es", "en")
#: Serialises the very first run: two browsers cannot both become the owner.
FIRST_RUN_LOCK = 5_711_001
# Self-hosters have addresses of their own network, owner@sintalk.local the first of them.
if "local" in SPECIAL_USE_DOMAIN_NAMES:
    SPECIAL_USE_DOMAIN_NAMES.remove("local")


def installed() -> bool:
    """Whether this installation has a tenant already."""
    return session().scalar(select(Tenant.id).limit(1)) is not None


def first_run(
    *,
    name: str,
    email: str,
    password: str,
    company: str,
    locale: str = "pt_BR",
    timezone: str = "America/Sao_Paulo",
) -> User:
    """The first person and company of an empty installation; the person is its platform admin.

    Raises 409 `already_installed`, 422 with the faults of the fields.
    """
    with atomic() as current:
        current.execute(select(func.pg_advisory_xact_lock(FIRST_RUN_LOCK)))
        if installed():
            raise Conflict("already_installed", _l("This installation has an owner already. Sign in."))
        tenant = create_tenant(name=company, locale=locale, timezone=timezone)
        return create_user(
            tenant.id, name=name, email=email, password=password, role="owner", platform_admin=True
        )


def create_tenant(*, name: str, locale: str = "pt_BR", timezone: str = "America/Sao_Paulo") -> Tenant:
    """A new company. Raises 422 where name, language or time zone is unusable."""
    _check_settings(name, locale, timezone)
    with atomic() as current:
        tenant = Tenant(name=name.strip(), locale=locale, timezone=timezone)
        current.add(tenant)
        current.flush()
    return tenant


def update_tenant(tenant_id: UUID, *, name: str, locale: str, timezone: str, by: Actor) -> Tenant:
    """Change what a company is called, its language and its time zone. Raises 422."""
    _check_settings(name, locale, timezone)
    with atomic() as current:
        tenant = current.get_one(Tenant, tenant_id, with_for_update=True)
        tenant.name, tenant.locale, tenant.timezone = name.strip(), locale, timezone
        record(by, "tenant.updated", tenant.id, name=tenant.name, locale=locale, timezone=timezone)
    return tenant


def create_user(
    tenant_id: UUID,
    *,
    name: str,
    email: str,
    password: str,
    role: str = "member",
    platform_admin: bool = False,
) -> User:
    """A new person. Raises 422: `email` invalid or taken, `password` shorter than 10 characters."""
    faults = []
    try:
        email = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        faults.append(Detail("email", "invalid_email", _l("This is not an e-mail address.")))
    if weakness := passwords.weakness(password):
        faults.append(Detail("password", "weak_password", weakness))
    if not name.strip():
        faults.append(Detail("name", "required", _l("Tell us a name.")))
    if faults:
        raise Invalid(*faults)
    with atomic() as current:
        if current.scalar(select(User.id).where(User.email == email)):
            raise Invalid(Detail("email", "email_taken", _l("Somebody signs in with this e-mail already.")))
        user = User(
            tenant_id=tenant_id,
            name=name.strip(),
            email=email,
            password_hash=passwords.hashed(password),
            role=role,
            platform_admin=platform_admin,
        )
        current.add(user)
        current.flush()
    return user


def set_locale(user: User, locale: str) -> None:
    """The language a person reads. Raises 422."""
    if locale not in LOCALES:
        raise Invalid(Detail("locale", "not_allowed", _l("We do not speak this language yet.")))
    with atomic() as current:
        current.get_one(User, user.id).locale = locale


def user_by_credentials(email: str, password: str) -> User | None:
    """The person with this e-mail and password; takes the same time where there is none."""
    user = session().scalar(
        select(User).where(User.email == email.strip().lower(), User.deleted_at.is_(None))
    )
    if not passwords.matches(user.password_hash if user else None, password):
        return None
    assert user is not None
    if passwords.outdated(user.password_hash):
        with atomic():
            user.password_hash = passwords.hashed(password)
    return user


def set_password(email: str, password: str) -> User:
    """Another password for this person. Raises NotFound, 422 `password` where it is too weak."""
    if fault := passwords.weakness(password):
        raise Invalid(Detail("password", "weak_password", fault))
    with atomic() as current:
        user = current.scalar(
            select(User)
            .where(User.email == email.strip().lower(), User.deleted_at.is_(None))
            .with_for_update(of=User)
        )
        if user is None:
            raise NotFound(_l("Nobody signs in with this e-mail."))
        user.password_hash = passwords.hashed(password)
    return user


def signed_in(user: User) -> None:
    """Remember when."""
    with atomic():
        user.last_sign_in_at = now()


def rate_of(tenant_id: UUID, channel: str) -> float | None:
    """So many messages a second the platform lets a company send on a channel; None where it set no limit."""
    rates = session().scalar(select(Tenant.rates).where(Tenant.id == tenant_id)) or {}
    return rates.get(channel) or None


def record(by: Actor, action: str, subject_id: UUID | None = None, **data: Any) -> None:
    """Put a line into the tenant's audit trail, in the surrounding transaction. No secrets, no phones in `data`."""
    with atomic() as current:
        current.add(
            AuditEvent(
                tenant_id=by.tenant_id,
                actor_kind=by.kind,
                actor_id=by.id,
                action=action,
                subject_id=subject_id,
                data=data,
            )
        )


def _check_settings(name: str, locale: str, timezone: str) -> None:
    faults = []
    if not 1 <= len(name.strip()) <= 200:
        faults.append(Detail("company", "required", _l("Tell us the company's name, up to 200 characters.")))
    if locale not in LOCALES:
        faults.append(Detail("locale", "not_allowed", _l("We do not speak this language yet.")))
    if timezone not in zones.known():
        faults.append(Detail("timezone", "not_allowed", _l("There is no such time zone.")))
    if faults:
        raise Invalid(*faults)
