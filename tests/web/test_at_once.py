"""One statement as a verb by itself."""

from __future__ import annotations

import pytest
from psycopg.errors import DivisionByZero, OperationalError
from sqlalchemy import text

from sintalk.db import at_once, atomic, db, session

ADD = "INSERT INTO dispatch_turns (tenant_id, single, last_turn_at) VALUES (%(id)s, true, now()) RETURNING single"


def _seen_by_others():
    with db.engine.connect() as other:
        return other.scalar(text("SELECT count(*) FROM dispatch_turns"))


def test_it_is_committed_when_it_returns(alice):
    assert at_once(ADD, {"id": alice.tenant_id}).single is True
    assert _seen_by_others() == 1


def test_within_a_verb_it_is_a_part_of_it(alice):
    with pytest.raises(LookupError), atomic():
        assert at_once(ADD, {"id": alice.tenant_id}).single is True
        assert _seen_by_others() == 0
        raise LookupError
    assert _seen_by_others() == 0


def test_a_connection_that_it_failed_on_is_nobodys(app, alice):
    for _ in range(30):  # more than the pool has
        with pytest.raises(DivisionByZero):
            at_once("SELECT 1 / 0", {})
    with pytest.raises(OperationalError):
        at_once("SELECT pg_terminate_backend(pg_backend_pid())", {})
    assert at_once("SELECT 1 AS one", {}).one == 1


def test_a_connection_it_used_begins_transactions_again(alice):
    """Where it were still committing by itself, what a verb takes back would stay."""
    at_once("SELECT 1 AS one", {})
    with pytest.raises(LookupError), atomic():
        session().execute(text(ADD.replace("%(id)s", ":id")), {"id": alice.tenant_id})
        raise LookupError
    assert _seen_by_others() == 0
