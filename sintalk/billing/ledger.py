"""The only hands that touch the ledger.

Every movement is one relative, guarded UPDATE of the account's row, whose RETURNING gives the history its
order and its running balance, then one INSERT of the transaction and one of its entries. Reading first and
writing after is what let playSMS go negative; here the bound is checked by the statement that moves the money.

Lock order, everywhere: account, hold, chunk.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from sintalk.billing.models import Account, Hold, LedgerEntry, LedgerTransaction
from sintalk.db import atomic, new_id, now, session
from sintalk.errors import InsufficientBalance

MOVE = text("""
    UPDATE accounts
       SET posted = posted + CAST(:posted AS bigint), held = held + CAST(:held AS bigint),
           version = version + 1, updated_at = now()
     WHERE tenant_id = :tenant_id
       AND (CAST(:posted AS bigint) >= CAST(:held AS bigint)
            OR posted + CAST(:posted AS bigint) - held - CAST(:held AS bigint) >= -overdraft_limit)
 RETURNING version, posted - held AS available, held AS reserved, overdraft_limit
""")


def credit(tenant_id: UUID, amount_micros: int, *, key: str, memo: str = "", source: str = "cash") -> bool:
    """Put money in (or, negative, take it back); False where this key did it already.

    Raises InsufficientBalance where taking back would break the bound.
    """
    with atomic():
        lock_account(tenant_id)
        if done(tenant_id, "credit", key):
            return False
        _move(
            tenant_id,
            "credit",
            key,
            amount_micros,
            {"available": amount_micros, source: -amount_micros},
            memo=memo,
        )
    return True


def reserve(tenant_id: UUID, subject_id: UUID, amount_micros: int, *, unit: str, memo: str = "") -> Hold:
    """Set aside all of it or nothing; the hold of a subject is made once.

    Raises InsufficientBalance where the balance and overdraft do not cover it: nothing has changed then.
    """
    with atomic() as current:
        lock_account(tenant_id)
        existing = current.scalar(
            select(Hold).where(Hold.tenant_id == tenant_id, Hold.subject_id == subject_id)
        )
        if existing is not None:
            return existing
        hold = Hold(tenant_id=tenant_id, subject_id=subject_id, amount=amount_micros, unit=unit, memo=memo)
        if amount_micros == 0:
            hold.closed_at = now()
        else:
            _move(
                tenant_id,
                "hold",
                str(subject_id),
                amount_micros,
                {"available": -amount_micros, "reserved": amount_micros},
                reference_id=hold.id,
                memo=memo,
            )
        current.add(hold)
        current.flush()
    return hold


def extend(tenant_id: UUID, subject_id: UUID, amount_micros: int, *, unit: str, memo: str = "") -> Hold:
    """Set aside more for this subject, all of it or nothing; a hold that was used up opens again.

    Unlike `reserve` it adds at every call: for callers who keep, in the same transaction, what they were given.
    Raises InsufficientBalance.
    """
    assert amount_micros > 0
    with atomic() as current:
        lock_account(tenant_id)
        hold = current.scalar(
            select(Hold)
            .where(Hold.tenant_id == tenant_id, Hold.subject_id == subject_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if hold is None:
            return reserve(tenant_id, subject_id, amount_micros, unit=unit, memo=memo)
        _move(
            tenant_id,
            "hold",
            f"{subject_id}:{hold.amount}",  # it only grows
            amount_micros,
            {"available": -amount_micros, "reserved": amount_micros},
            reference_id=hold.id,
            memo=memo,
        )
        hold.amount += amount_micros
        hold.closed_at = None
        current.flush()
    return hold


def settle(
    tenant_id: UUID, subject_id: UUID, *, capture: int, release: int, key: str, memo: str = ""
) -> Hold:
    """Turn a part of a hold into revenue and give another part back, once for this key; the hold after it.

    The hold closes with its last micro-unit. Raises AssertionError where more is asked than is held.
    """
    assert capture >= 0 and release >= 0
    with atomic() as current:
        lock_account(tenant_id)
        hold = current.scalars(
            select(Hold)
            .where(Hold.tenant_id == tenant_id, Hold.subject_id == subject_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        capture = 0 if capture and done(tenant_id, "capture", key) else capture
        release = 0 if release and done(tenant_id, "release", key) else release
        assert capture + release <= hold.open_micros, (hold.id, capture, release)
        if capture:
            _move(
                tenant_id,
                "capture",
                key,
                capture,
                {"reserved": -capture, f"revenue_{hold.unit}": capture},
                reference_id=hold.id,
                memo=memo or hold.memo,
            )
            hold.captured += capture
        if release:
            _move(
                tenant_id,
                "release",
                key,
                release,
                {"reserved": -release, "available": release},
                reference_id=hold.id,
                memo=memo or hold.memo,
            )
            hold.released += release
        if hold.open_micros == 0 and hold.closed_at is None:
            hold.closed_at = now()
        current.flush()
    return hold


def refund(tenant_id: UUID, subject_id: UUID, amount_micros: int, *, key: str, memo: str = "") -> bool:
    """Give back what was captured for this subject; False where this key did it already.

    The hold keeps what it captured: a refund is a movement of its own. Raises AssertionError where more is asked than
    was captured and not refunded before.
    """
    assert amount_micros > 0
    with atomic() as current:
        lock_account(tenant_id)
        if done(tenant_id, "refund", key):
            return False
        hold = current.scalars(
            select(Hold)
            .where(Hold.tenant_id == tenant_id, Hold.subject_id == subject_id)
            .execution_options(populate_existing=True)
        ).one()
        assert amount_micros <= refundable(hold), (hold.id, amount_micros)
        _move(
            tenant_id,
            "refund",
            key,
            amount_micros,
            {f"revenue_{hold.unit}": -amount_micros, "available": amount_micros},
            reference_id=hold.id,
            memo=memo or hold.memo,
        )
    return True


def refundable(hold: Hold) -> int:
    """What was captured of it and not refunded, in micro-units. Final while the account is locked."""
    refunded = select(func.coalesce(func.sum(LedgerTransaction.amount_micros), 0)).where(
        LedgerTransaction.tenant_id == hold.tenant_id,
        LedgerTransaction.kind == "refund",
        LedgerTransaction.reference_id == hold.id,
    )
    return hold.captured - int(session().scalar(refunded) or 0)


def lock_account(tenant_id: UUID) -> Account:
    """The account's row, locked until the transaction ends: the first lock wherever money moves."""
    session().execute(upsert(Account).values(tenant_id=tenant_id).on_conflict_do_nothing())
    return (
        session()
        .scalars(
            select(Account)
            .where(Account.tenant_id == tenant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .one()
    )


def done(tenant_id: UUID, kind: str, key: str) -> bool:
    """Whether a movement of this kind was made under this key."""
    found = select(LedgerTransaction.id).where(
        LedgerTransaction.tenant_id == tenant_id, LedgerTransaction.kind == kind, LedgerTransaction.key == key
    )
    return session().scalar(found) is not None


def _move(
    tenant_id: UUID,
    kind: str,
    key: str,
    amount: int,
    entries: dict[str, int],
    *,
    reference_id: UUID | None = None,
    memo: str = "",
) -> None:
    assert sum(entries.values()) == 0
    held = entries.get("reserved", 0)
    posted = entries.get("available", 0) + held
    current = session()
    after = current.execute(MOVE, {"tenant_id": tenant_id, "posted": posted, "held": held}).one_or_none()
    if after is None:
        account = current.execute(
            select(Account.posted - Account.held, Account.overdraft_limit).where(
                Account.tenant_id == tenant_id
            )
        ).one()
        raise InsufficientBalance(needed_micros=amount, spendable_micros=account[0] + account[1])
    transaction_id = new_id()
    current.execute(
        insert(LedgerTransaction).values(
            id=transaction_id,
            tenant_id=tenant_id,
            kind=kind,
            key=key,
            seq=after.version,
            amount_micros=amount,
            available_after=after.available,
            reserved_after=after.reserved,
            overdraft_limit=after.overdraft_limit,
            reference_id=reference_id,
            memo=memo,
        )
    )
    current.execute(
        insert(LedgerEntry),
        [
            {
                "transaction_id": transaction_id,
                "ledger_account": name,
                "tenant_id": tenant_id,
                "amount_micros": value,
            }
            for name, value in entries.items()
        ],
    )
