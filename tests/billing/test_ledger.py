"""Money: all or nothing, once, and never below the bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from sintalk import checks
from sintalk.billing import ledger, service
from sintalk.billing.models import Account, LedgerTransaction
from sintalk.db import atomic, db, session
from sintalk.errors import InsufficientBalance
from tests.factories import BRL, money

PRICE = 80_000


def test_a_credit_counts_once_for_its_key(tenant):
    assert service.top_up(tenant.id, 5 * BRL, key="pix-1", memo="PIX") is True
    assert service.top_up(tenant.id, 5 * BRL, key="pix-1", memo="PIX") is False
    assert service.balance(tenant.id).available == 5 * BRL


def test_a_hold_sets_money_aside_and_settling_turns_it_into_revenue_or_gives_it_back(tenant):
    money(tenant.id, 10)
    subject = uuid4()
    ledger.reserve(tenant.id, subject, 8 * BRL, unit="sms", memo="campaign")
    held = service.balance(tenant.id)
    assert (held.available, held.reserved) == (2 * BRL, 8 * BRL)

    hold = ledger.settle(tenant.id, subject, capture=5 * BRL, release=2 * BRL, key="chunk 0")
    assert hold.closed_at is None
    hold = ledger.settle(tenant.id, subject, capture=1 * BRL, release=0, key="chunk 1")
    assert hold.closed_at is not None

    after = service.balance(tenant.id)
    assert (after.available, after.reserved) == (4 * BRL, 0)
    assert checks.run() == []


def test_settling_with_the_same_key_again_moves_nothing(tenant):
    money(tenant.id, 10)
    subject = uuid4()
    ledger.reserve(tenant.id, subject, 8 * BRL, unit="sms")
    for _ in range(3):
        ledger.settle(tenant.id, subject, capture=2 * BRL, release=1 * BRL, key="chunk 0")
    assert service.balance(tenant.id).reserved == 5 * BRL
    assert checks.run() == []


def test_a_hold_that_the_balance_does_not_cover_changes_nothing(tenant):
    money(tenant.id, 1)
    with pytest.raises(InsufficientBalance) as refused:
        ledger.reserve(tenant.id, uuid4(), 1 * BRL + 1, unit="sms")
    assert (refused.value.needed_micros, refused.value.spendable_micros) == (BRL + 1, BRL)
    assert service.balance(tenant.id).reserved == 0
    assert service.movements(tenant.id) == 1


def test_the_overdraft_can_be_used_to_its_last_micro_unit(tenant):
    money(tenant.id, 1)
    with atomic() as current:
        current.get_one(Account, tenant.id).overdraft_limit = 2 * BRL
    ledger.reserve(tenant.id, uuid4(), 3 * BRL, unit="sms")
    assert service.balance(tenant.id).available == -2 * BRL
    with pytest.raises(InsufficientBalance):
        ledger.reserve(tenant.id, uuid4(), 1, unit="sms")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_transactions SET amount_micros = 0",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
    ],
)
def test_history_cannot_be_rewritten(tenant, statement):
    money(tenant.id, 1)
    with pytest.raises(DBAPIError, match="append-only"), atomic() as current:
        current.execute(text(statement))


def test_the_statement_carries_the_balance_after_each_movement(tenant):
    money(tenant.id, 10)
    ledger.reserve(tenant.id, uuid4(), 3 * BRL, unit="sms")
    rows = session().scalars(service.statement(tenant.id).order_by(LedgerTransaction.seq)).all()
    assert [(row.kind, row.available_after, row.reserved_after) for row in rows] == [
        ("credit", 10 * BRL, 0),
        ("hold", 7 * BRL, 3 * BRL),
    ]


def test_sixty_four_threads_reserve_exactly_what_the_money_covers(app: Flask, tenant):
    covered = 150
    money(tenant.id, covered * PRICE / BRL)

    def reserve_some(_: int) -> int:
        with app.app_context():
            granted = 0
            for _ in range(5):
                try:
                    ledger.reserve(tenant.id, uuid4(), PRICE, unit="sms")
                    granted += 1
                except InsufficientBalance:
                    pass
            db.session.remove()
            return granted

    with ThreadPoolExecutor(64) as pool:
        granted = sum(pool.map(reserve_some, range(64)))
    assert granted == covered
    assert checks.run() == []


def test_reading_first_and_writing_after_would_have_overdrawn(app: Flask, tenant):
    """The control: without the guarded update the same crowd gets more than the money covers."""
    covered = 20
    money(tenant.id, covered * PRICE / BRL)

    def naive(_: int) -> int:
        with app.app_context(), db.engine.connect() as connection:
            row = connection.execute(select(Account.posted, Account.held)).one()
            connection.commit()
            if row.posted - row.held < PRICE:
                return 0
            connection.execute(text("SELECT pg_sleep(0.02)"))
            connection.execute(text("UPDATE accounts SET held = :held"), {"held": row.held + PRICE})
            connection.commit()
            return 1

    with ThreadPoolExecutor(16) as pool:
        granted = sum(pool.map(naive, range(128)))
    assert granted > covered


def test_checks_find_money_that_does_not_add_up(tenant):
    money(tenant.id, 1)
    with atomic() as current:
        current.get_one(Account, tenant.id).posted += 1
    assert [violation.sentence for violation in checks.run()] == [
        "posted is the sum of the tenant's entries, held the sum of the reserved ones"
    ]
