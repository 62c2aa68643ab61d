"""What other slices and both doors ask of the balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from sintalk.accounts import service as accounts
from sintalk.accounts.models import Tenant
from sintalk.billing import ledger
from sintalk.billing.models import DEFAULT_PRICES, Account, Hold, LedgerTransaction, Price
from sintalk.db import atomic, now, session
from sintalk.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from sintalk.tenancy import Actor, owned


@dataclass(frozen=True)
class Balance:
    """In micro-units. `available` may be negative down to `-overdraft_limit`; `reserved` is what open holds keep."""

    tenant_id: UUID
    currency: str
    available: int
    reserved: int
    overdraft_limit: int
    updated_at: datetime

    @property
    def spendable(self) -> int:
        """What the next launch may cost."""
        return self.available + self.overdraft_limit


def balance(tenant_id: UUID) -> Balance:
    """The tenant's balance: one row, whatever the history's length. Raises NotFound for no such tenant."""
    found = (
        session()
        .execute(
            select(Tenant, Account)
            .outerjoin(Account, Account.tenant_id == Tenant.id)
            .where(Tenant.id == tenant_id)
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound
    tenant, account = found
    if account is not None:
        session().refresh(account)
    return _balance(tenant, account)


def _balance(tenant: Tenant, account: Account | None) -> Balance:
    if account is None:
        return Balance(tenant.id, tenant.currency, 0, 0, 0, now())
    return Balance(
        tenant.id,
        tenant.currency,
        account.posted - account.held,
        account.held,
        account.overdraft_limit,
        account.updated_at,
    )


def balances(tenant_ids: Sequence[UUID]) -> dict[UUID, Balance]:
    """The balances of these tenants, by their id."""
    rows = session().execute(
        select(Tenant, Account)
        .outerjoin(Account, Account.tenant_id == Tenant.id)
        .where(Tenant.id.in_(tenant_ids))
        .execution_options(populate_existing=True)
    )
    return {tenant.id: _balance(tenant, account) for tenant, account in rows.all()}


def balance_for(actor: Actor, tenant_id: UUID | None) -> Balance:
    """The actor's own balance, or another tenant's for a platform admin. Raises Forbidden, NotFound."""
    if tenant_id not in (None, actor.tenant_id) and not actor.platform_admin:
        raise Forbidden
    return balance(tenant_id or actor.tenant_id)


def top_up(tenant_id: UUID, amount_micros: int, *, key: str, memo: str, by: Actor | None = None) -> bool:
    """Credit a tenant; False where this key did so already."""
    with atomic():
        credited = ledger.credit(tenant_id, amount_micros, key=key, memo=memo)
        if credited and by is not None:
            accounts.record(by, "balance.credited", tenant_id, amount_micros=amount_micros)
    return credited


def credit(tenant_id: UUID, amount_micros: int, *, reason: str, key: str | None, by: Actor) -> Balance:
    """A platform admin tops a tenant up, once for this key of theirs; the balance after it.

    Raises Forbidden, 422 without a key, NotFound, 409 `idempotency_key_reused` where the key did so already,
    however long ago.
    """
    if not by.platform_admin:
        raise Forbidden
    if key is None:
        raise Invalid(Detail("Idempotency-Key", "required", _l("Money moves only with an idempotency key.")))
    with atomic():
        balance(tenant_id)
        if not top_up(tenant_id, amount_micros, key=f"api:{by.tenant_id}:{key}", memo=reason, by=by):
            raise Conflict("idempotency_key_reused", _l("This key was used with another request."))
        return balance(tenant_id)


def refund(
    tenant_id: UUID, hold_id: UUID, amount_micros: int, *, reason: str, key: str | None, by: Actor
) -> Balance:
    """A platform admin gives back what was charged out of a hold, once for this key; the balance after it.

    Raises Forbidden, 422 without a key, NotFound, 409 `idempotency_key_reused`, 409 `refund_exceeds_charge`.
    """
    if not by.platform_admin:
        raise Forbidden
    if key is None:
        raise Invalid(Detail("Idempotency-Key", "required", _l("Money moves only with an idempotency key.")))
    with atomic():
        hold = owned(Hold, tenant_id, hold_id)
        ledger.lock_account(tenant_id)
        session().refresh(hold)
        key = f"api:{by.tenant_id}:{key}"
        if ledger.done(tenant_id, "refund", key):
            raise Conflict("idempotency_key_reused", _l("This key was used with another request."))
        if amount_micros > ledger.refundable(hold):
            raise Conflict("refund_exceeds_charge", _l("No more can be refunded than was charged."))
        ledger.refund(tenant_id, hold.subject_id, amount_micros, key=key, memo=reason)
        accounts.record(by, "balance.refunded", tenant_id, amount_micros=amount_micros)
        return balance(tenant_id)


def prices(tenant_id: UUID) -> dict[str, int]:
    """What this tenant pays, in micro-units by unit: sms, rcs_basic, rcs_single, voice_minute."""
    own = session().execute(select(Price.unit, Price.micros).where(Price.tenant_id == tenant_id)).all()
    return {**DEFAULT_PRICES, **dict(own)}


def statement(tenant_id: UUID) -> Select[LedgerTransaction]:
    """The tenant's ledger transactions; ids and `seq` rise together."""
    return select(LedgerTransaction).where(LedgerTransaction.tenant_id == tenant_id)


def movements(tenant_id: UUID) -> int:
    """How many transactions the statement has: the account's version counts them."""
    return session().scalar(select(Account.version).where(Account.tenant_id == tenant_id)) or 0


def captured_between(tenant_id: UUID, start: datetime, end: datetime) -> int:
    """Micro-units spent in this time."""
    spent = select(func.coalesce(func.sum(LedgerTransaction.amount_micros), 0)).where(
        LedgerTransaction.tenant_id == tenant_id,
        LedgerTransaction.kind == "capture",
        LedgerTransaction.created_at.between(start, end),
    )
    return int(session().scalar(spent) or 0)
