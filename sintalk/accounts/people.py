"""The people of a company: invited by a link, given roles, taken off. A company always has an owner."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, select

from sintalk.accounts import service
from sintalk.accounts.models import Invitation, Tenant, User
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from sintalk.tenancy import ROLES, Actor, owned

#: An invitation that nobody took up within this time has to be made again.
VALID_FOR = timedelta(days=7)


def people_of(tenant_id: UUID) -> Sequence[User]:
    """Everybody who signs in for this company, by name. People are typed in one by one: never many."""
    mine = select(User).where(User.tenant_id == tenant_id, User.deleted_at.is_(None))
    return session().scalars(mine.order_by(func.lower(User.name), User.id)).all()


def open_invitations(tenant_id: UUID) -> Sequence[Invitation]:
    """Invitations that can still be taken up, newest first."""
    mine = select(Invitation).where(Invitation.tenant_id == tenant_id, *_open())
    return session().scalars(mine.order_by(Invitation.id.desc())).all()


def invite(tenant_id: UUID, *, email: str, name: str, role: str, by: Actor) -> tuple[Invitation, str]:
    """An invitation and the token of its link, which exists only here. One before it for this e-mail ends.

    Raises 403 for anybody but admins (owners are invited by owners), 422 `email`, `name`, `role`.
    """
    _may_give(role, by)
    email = _checked(email, name)
    token = secrets.token_urlsafe(32)
    with atomic() as current:
        _lock(tenant_id)
        for before in current.scalars(
            select(Invitation).where(Invitation.tenant_id == tenant_id, Invitation.email == email, *_open())
        ):
            before.withdrawn_at = now()
        invitation = Invitation(
            tenant_id=tenant_id,
            email=email,
            name=name.strip(),
            role=role,
            token_hash=_hash(token),
            made_by=by.id,
            expires_at=now() + VALID_FOR,
        )
        current.add(invitation)
        service.record(by, "person.invited", invitation.id, role=role)
    return invitation, token


def invitation_of(token: str) -> Invitation:
    """The invitation that this link is for. Raises NotFound where it was taken up, withdrawn or is too old."""
    found = session().scalar(select(Invitation).where(Invitation.token_hash == _hash(token), *_open()))
    if found is None:
        raise NotFound(_l("This invitation was used already, or is too old. Ask for a new one."))
    return found


def accept(token: str, *, name: str, password: str) -> User:
    """The person comes in with a password of their own; the link is used up. Raises NotFound, 422."""
    with atomic() as current:
        invitation = current.scalar(
            select(Invitation)
            .where(Invitation.token_hash == _hash(token), *_open())
            .with_for_update(of=Invitation)
            .execution_options(populate_existing=True)
        )
        if invitation is None:
            raise NotFound(_l("This invitation was used already, or is too old. Ask for a new one."))
        user = service.create_user(
            invitation.tenant_id, name=name, email=invitation.email, password=password, role=invitation.role
        )
        invitation.accepted_at = now()
        service.record(user.actor(), "person.joined", user.id, role=user.role)
    return user


def withdraw(tenant_id: UUID, invitation_id: UUID, *, by: Actor) -> None:
    """The link works no more. Raises 403, NotFound."""
    _admin(by)
    with atomic():
        invitation = owned(Invitation, tenant_id, invitation_id, lock=True)
        if invitation.accepted_at is None and invitation.withdrawn_at is None:
            invitation.withdrawn_at = now()
            service.record(by, "person.invitation_withdrawn", invitation.id)


def change_role(tenant_id: UUID, user_id: UUID, role: str, *, by: Actor) -> User:
    """Give somebody another role. Raises 403, NotFound, 409 `last_owner`, 422 `role`."""
    _may_give(role, by)
    with atomic():
        _lock(tenant_id)
        user = owned(User, tenant_id, user_id, lock=True)
        if user.role != role:
            _may_touch(user, by)
            if user.role == "owner":
                _refuse_last_owner(tenant_id)
            user.role = role
            service.record(by, "person.role_changed", user.id, role=role)
    return user


def remove(tenant_id: UUID, user_id: UUID, *, by: Actor) -> User:
    """Somebody signs in no more, from the next click on; their e-mail is free again. What they made stays.

    Raises 403, NotFound, 409 `last_owner`.
    """
    _admin(by)
    with atomic():
        _lock(tenant_id)
        user = owned(User, tenant_id, user_id, lock=True)
        _may_touch(user, by)
        if user.role == "owner":
            _refuse_last_owner(tenant_id)
        user.deleted_at, user.email = now(), f"{user.id}@removed.invalid"
        service.record(by, "person.removed", user.id)
    return user


def _open() -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
        Invitation.expires_at > now(),
    )


def _lock(tenant_id: UUID) -> None:
    """Changes of a company's people take turns: two owners cannot both be the last but one."""
    session().execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True))


def _admin(by: Actor) -> None:
    if not by.admin:
        raise Forbidden(_l("Only owners and admins look after the people of a company."))


def _may_give(role: str, by: Actor) -> None:
    _admin(by)
    if role not in ROLES:
        raise Invalid(Detail("role", "not_allowed", _l("Choose one of the options.")))
    if role == "owner" and by.role != "owner" and not by.platform_admin:
        raise Forbidden(_l("Only an owner can make somebody an owner."))


def _may_touch(user: User, by: Actor) -> None:
    if user.role == "owner" and by.role != "owner":
        raise Forbidden(_l("Only an owner can change or remove an owner."))


def _refuse_last_owner(tenant_id: UUID) -> None:
    owners = select(func.count()).where(
        User.tenant_id == tenant_id, User.role == "owner", User.deleted_at.is_(None)
    )
    if (session().scalar(owners) or 0) <= 1:
        raise Conflict("last_owner", _l("A company keeps one owner. Make somebody else an owner first."))


def _checked(email: str, name: str) -> str:
    faults = []
    try:
        email = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
        if session().scalar(select(User.id).where(User.email == email)):
            faults.append(Detail("email", "email_taken", _l("Somebody signs in with this e-mail already.")))
    except EmailNotValidError:
        faults.append(Detail("email", "invalid_email", _l("This is not an e-mail address.")))
    if not 1 <= len(name.strip()) <= 200:
        faults.append(Detail("name", "required", _l("Tell us a name.")))
    if faults:
        raise Invalid(*faults)
    return email


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
