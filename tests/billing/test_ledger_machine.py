"""Hypothesis plays with the ledger on the real PostgreSQL, and a dictionary of integers says what must come out.

Every example is a tenant of its own in one database. The invariants are asked for after each example, and
the balance after each rule. `crash` lets the database connection die after any statement of any verb: what
was begun must leave no trace, and the same verb with the same key must work afterwards, once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, text

from sintalk import checks
from sintalk.accounts import service as accounts
from sintalk.billing import ledger, service
from sintalk.db import atomic, db
from sintalk.errors import InsufficientBalance

#: 1,000 in the long form.
EXAMPLES = int(os.environ.get("SINTALK_LEDGER_EXAMPLES", "25"))
LOOK_EVERY = max(1, EXAMPLES // 50)
HURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)

amounts = st.integers(1, 50) | st.integers(1, 10**15)
shares = st.fractions(0, 1)


class Died(Exception):
    """The process went away in the middle."""


@dataclass
class Held:
    """What the model knows of a hold."""

    open: int
    captured: int = 0
    refunded: int = 0
    times: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """Money of one tenant, moved by every verb there is, repeated, and cut short anywhere."""

    played = 0

    def __init__(self) -> None:
        super().__init__()
        self.tenant_id: UUID = accounts.create_tenant(name="Hypothesis").id
        self.available = self.overdraft = 0
        self.holds: dict[UUID, Held] = {}
        self.last: Callable[[], object] | None = None

    def teardown(self) -> None:
        """Everything must add up; every example's rows stay, so in the long form not each of them looks at all."""
        type(self).played += 1
        if self.played % LOOK_EVERY == 0:
            assert checks.run() == []
        db.session.remove()

    # --- the verbs ----------------------------------------------------------------------------------------

    @rule(amount=amounts)
    def top_up(self, amount: int) -> None:
        key = uuid4().hex
        self._do(lambda: ledger.credit(self.tenant_id, amount, key=key))
        self.available += amount

    @rule(amount=amounts)
    def take_back(self, amount: int) -> None:
        key = uuid4().hex
        if self._covered(amount):
            self._do(lambda: ledger.credit(self.tenant_id, -amount, key=key))
            self.available -= amount
        else:
            self._refused(lambda: ledger.credit(self.tenant_id, -amount, key=key))

    @rule(limit=st.integers(0, 10**12))
    def set_overdraft(self, limit: int) -> None:
        if self.available < -limit:
            return
        with atomic() as current:
            ledger.lock_account(self.tenant_id).overdraft_limit = limit
            current.flush()
        self.overdraft = limit

    @rule(amount=amounts, all_of_it=st.booleans())
    def launch(self, amount: int, all_of_it: bool) -> None:
        """Hold money; with `all_of_it` to the last micro-unit."""
        if all_of_it:
            amount = max(self.available + self.overdraft, 0)
        subject = uuid4()
        if self._covered(amount):
            self._do(lambda: ledger.reserve(self.tenant_id, subject, amount, unit="sms"))
            self.available -= amount
            self.holds[subject] = Held(amount)
        else:
            self._refused(lambda: ledger.reserve(self.tenant_id, subject, amount, unit="sms"))

    @precondition(lambda self: any(held.open for held in self.holds.values()))
    @rule(data=st.data(), captured=shares, released=shares)
    def settle(self, data: st.DataObject, captured: Any, released: Any) -> None:
        subject = data.draw(st.sampled_from([it for it, held in self.holds.items() if held.open]))
        held = self.holds[subject]
        capture = int(held.open * captured)
        release = int((held.open - capture) * released)
        held.times += 1
        key = f"{subject}:{held.times}"
        self._do(lambda: ledger.settle(self.tenant_id, subject, capture=capture, release=release, key=key))
        held.open -= capture + release
        held.captured += capture
        self.available += release

    @precondition(lambda self: any(held.open for held in self.holds.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """All that is still held goes back."""
        subject = data.draw(st.sampled_from([it for it, held in self.holds.items() if held.open]))
        held = self.holds[subject]
        rest, key = held.open, f"{subject}:cancel"
        self._do(lambda: ledger.settle(self.tenant_id, subject, capture=0, release=rest, key=key))
        self.available += rest
        held.open = 0

    @precondition(lambda self: any(held.captured for held in self.holds.values()))
    @rule(data=st.data(), part=shares)
    def refund(self, data: st.DataObject, part: Any) -> None:
        """Some of what was captured goes back to the balance; it stays captured, and can go back once."""
        subject = data.draw(st.sampled_from([it for it, held in self.holds.items() if held.captured]))
        held = self.holds[subject]
        left = held.captured - held.refunded
        amount = max(int(left * part), 1)
        key = uuid4().hex
        if amount > left:
            with pytest.raises(AssertionError):
                ledger.refund(self.tenant_id, subject, amount, key=key)
            return
        self._do(lambda: ledger.refund(self.tenant_id, subject, amount, key=key))
        held.refunded += amount
        self.available += amount

    @precondition(lambda self: any(held.open for held in self.holds.values()))
    @rule(data=st.data(), more=st.integers(1, 10))
    def settle_more_than_is_held(self, data: st.DataObject, more: int) -> None:
        subject = data.draw(st.sampled_from([it for it, held in self.holds.items() if held.open]))
        asked = self.holds[subject].open + more
        with pytest.raises(AssertionError):
            ledger.settle(self.tenant_id, subject, capture=asked, release=0, key=uuid4().hex)

    # --- what goes wrong ----------------------------------------------------------------------------------

    @precondition(lambda self: self.last is not None)
    @rule()
    def retry(self) -> None:
        """The last verb again, under its key: its answer got lost."""
        assert self.last is not None
        self.last()

    @precondition(lambda self: self.available + self.overdraft >= 7)
    @rule(at=st.integers(1, 8))
    def crash(self, at: int) -> None:
        """A launch that dies after its n-th statement, or has ended before that."""
        subject = uuid4()
        try:
            with dying(at):
                ledger.reserve(self.tenant_id, subject, 7, unit="sms")
        except Died:
            self._do(lambda: ledger.reserve(self.tenant_id, subject, 7, unit="sms"))
        self.available -= 7
        self.holds[subject] = Held(7)

    @precondition(lambda self: any(held.open for held in self.holds.values()))
    @rule(data=st.data(), at=st.integers(1, 12))
    def crash_while_settling(self, data: st.DataObject, at: int) -> None:
        subject = data.draw(st.sampled_from([it for it, held in self.holds.items() if held.open]))
        held = self.holds[subject]
        capture = (held.open + 1) // 2
        rest = held.open - capture
        held.times += 1
        key = f"{subject}:{held.times}"
        settle = lambda: ledger.settle(self.tenant_id, subject, capture=capture, release=rest, key=key)  # noqa: E731
        try:
            with dying(at):
                settle()
        except Died:
            self._do(settle)
        held.open, held.captured = 0, held.captured + capture
        self.available += rest

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def the_balance_is_what_it_should_be(self) -> None:
        balance = service.balance(self.tenant_id)
        assert balance.available == self.available
        assert balance.reserved == sum(held.open for held in self.holds.values())
        assert balance.available >= -balance.overdraft_limit

    def _covered(self, amount: int) -> bool:
        return self.available - amount >= -self.overdraft

    def _do(self, verb: Callable[[], object]) -> None:
        verb()
        self.last = verb

    def _refused(self, verb: Callable[[], object]) -> None:
        with pytest.raises(InsufficientBalance):
            verb()


@contextmanager
def dying(at: int) -> Iterator[None]:
    """The process dies before the statement number `at` that it sends."""
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1
        if sent >= at:
            raise Died

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def test_the_ledger_does_what_a_dictionary_of_integers_does(app: Flask) -> None:
    run_state_machine_as_test(
        LedgerMachine, settings=settings(HURRIED, max_examples=EXAMPLES, stateful_step_count=25)
    )
    assert checks.run() == []


def test_the_machine_notices_money_that_comes_from_nowhere(app: Flask) -> None:
    """The control: a verb that moves the balance behind the ledger's back turns it red."""

    class Crooked(LedgerMachine):
        @rule()
        def steal(self) -> None:
            with atomic() as current:
                ledger.lock_account(self.tenant_id)
                sql = "UPDATE accounts SET posted = posted + 1 WHERE tenant_id = :tenant_id"
                current.execute(text(sql), {"tenant_id": self.tenant_id})

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Crooked, settings=settings(HURRIED, max_examples=10, phases=[Phase.generate], database=None)
        )
