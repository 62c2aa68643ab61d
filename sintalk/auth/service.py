"""The verbs about credentials."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, delete, select, update

from sintalk.accounts import service as accounts
from sintalk.accounts.models import User
from sintalk.auth import keys, throttle
from sintalk.auth.models import ApiKey, SignedIn, actor, usable
from sintalk.db import EPOCH, atomic, now, session, straight
from sintalk.errors import Detail, Forbidden, Invalid, Unauthorized
from sintalk.tenancy import Actor, owned

#: A browser is signed out after this long without a click, and after a working day in any case.
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
#: How fresh `last seen` and `last used` are kept: one write a minute, not one a request.
FRESHNESS = timedelta(minutes=1)

#: Keys that a process remembers.
REMEMBERED_AT_MOST = 10_000

#: A key's row, asked for with every request of the API.
KEY = f"SELECT {', '.join(ApiKey.__table__.c.keys())} FROM api_keys WHERE hash = %(hash)s"  # noqa: S608 - our own names

#: By hash: whose key it was, and until when it is presumed that it still is, for `presume`.
_remembered: dict[bytes, tuple[Actor, datetime]] = {}


def check_password(email: str, password: str, *, ip: str) -> User:
    """The person with these credentials. Raises 401 for any mistake, 429 after five of them in a minute."""
    throttle.before(email, ip)
    user = accounts.user_by_credentials(email, password)
    if user is None:
        throttle.failed(email, ip)
        raise Unauthorized(_l("E-mail or password is wrong."))
    return user


def sign_in(email: str, password: str, *, ip: str) -> str:
    """Begin a session; the token for the cookie. Raises as `check_password`."""
    user = check_password(email, password, ip=ip)
    return begin(user, ip=ip)


def begin(user: User, *, ip: str) -> str:
    """A fresh session for this person; the token for the cookie."""
    token = secrets.token_urlsafe(32)
    with atomic() as current:
        current.add(SignedIn(user_id=user.id, token_hash=_hash(token), ip=ip))
        accounts.signed_in(user)
    return token


def person(token: str, *, prolong: bool) -> User | None:
    """Who this session's token belongs to, if it has not run out. `prolong` counts as a sign of life."""
    found = (
        session()
        .execute(
            select(SignedIn, User)
            .join(User, User.id == SignedIn.user_id)
            .where(SignedIn.token_hash == _hash(token), User.deleted_at.is_(None))
        )
        .one_or_none()
    )
    if found is None:
        return None
    signed_in, user = found
    moment = now()
    if moment - signed_in.last_seen_at > IDLE or moment - signed_in.created_at > LONGEST:
        return None
    if prolong and moment - signed_in.last_seen_at > FRESHNESS:
        with atomic():
            signed_in.last_seen_at = moment
    return user


def sign_out(token: str) -> None:
    """End this session everywhere at once."""
    with atomic() as current:
        for row in current.scalars(select(SignedIn).where(SignedIn.token_hash == _hash(token))):
            current.delete(row)


def replace_password(email: str, password: str) -> None:
    """Another password, and every session of this person ends. Raises as `accounts.service.set_password`."""
    with atomic() as current:
        user = accounts.set_password(email, password)
        current.execute(delete(SignedIn).where(SignedIn.user_id == user.id))


def forget_sessions() -> int:
    """Drop the rows of sessions that ran out; how many that were. For the sweeper."""
    with atomic() as current:
        gone = current.execute(delete(SignedIn).where(SignedIn.created_at < now() - LONGEST))
    return gone.rowcount  # type: ignore[attr-defined]


def create_key(
    tenant_id: UUID,
    *,
    name: str,
    role: str = "member",
    mode: str = "live",
    expires_at: datetime | None = None,
    by: Actor,
) -> tuple[ApiKey, str]:
    """A new API key and its plain text, which exists only here. Raises 403 for non-admins, 422."""
    if not by.admin:
        raise Forbidden(_l("Only owners and admins make API keys."))
    if expires_at is not None and expires_at <= now():
        raise Invalid(Detail("expires_at", "in_the_past", _l("Choose a time that is still to come.")))
    plain = keys.make(mode)
    with atomic() as current:
        key = ApiKey(
            tenant_id=tenant_id,
            name=name,
            role=role,
            mode=mode,
            prefix=plain[: keys.PREFIX_LENGTH],
            hash=keys.hashed(plain),
            platform_admin=by.platform_admin and role == "admin",
            made_by=by.id,
            expires_at=expires_at,
        )
        current.add(key)
        current.flush()
        accounts.record(by, "api_key.created", key.id, name=name, role=role, mode=mode)
    return key, plain


def keys_of(tenant_id: UUID) -> Select[ApiKey]:
    """The tenant's keys, revoked ones too."""
    return select(ApiKey).where(ApiKey.tenant_id == tenant_id)


def key_names(tenant_id: UUID, key_ids: Collection[UUID]) -> dict[UUID, str]:
    """What these keys are called, revoked ones too."""
    rows = select(ApiKey.id, ApiKey.name).where(ApiKey.tenant_id == tenant_id, ApiKey.id.in_(key_ids))
    return {row.id: row.name for row in session().execute(rows)} if key_ids else {}


def revoke_key(tenant_id: UUID, key_id: UUID, *, by: Actor) -> None:
    """The key stops working with the next request. Raises 403 for non-admins, NotFound."""
    if not by.admin:
        raise Forbidden(_l("Only owners and admins revoke API keys."))
    with atomic():
        key = owned(ApiKey, tenant_id, key_id, lock=True)
        if key.revoked_at is None:
            key.revoked_at = now()
            accounts.record(by, "api_key.revoked", key.id, name=key.name)


def authenticate(plain: str) -> Actor:
    """Who presents this key. Raises 401 for unknown, expired and revoked ones alike."""
    if not keys.well_formed(plain):
        raise Unauthorized
    hashed = keys.hashed(plain)
    key = straight(KEY, {"hash": hashed})
    if key is None or not usable(key):
        _remembered.pop(hashed, None)
        raise Unauthorized
    moment = now()
    if key.last_used_at is None or moment - key.last_used_at > FRESHNESS:
        with atomic() as current:
            current.execute(
                update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=moment),
                execution_options={"synchronize_session": False},
            )
    if len(_remembered) >= REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[hashed] = actor(key), (key.last_used_at or moment) + FRESHNESS
    return actor(key)


def presume(plain: str) -> Actor:
    """Who this key belonged to when it was last asked for, up to a minute ago; raises as `authenticate`.

    For those who make sure themselves, before anything is done or said, that the key still stands.
    """
    who, until = _remembered.get(keys.hashed(plain), (None, EPOCH))
    return who if who is not None and now() < until else authenticate(plain)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
