"""Whose turn it is: fair, in bounded work, and nothing that is due is ever out of the line."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from sintalk.db import atomic, db, new_id, now, session
from sintalk.messages import service, turns
from sintalk.messages.models import Chunk, Dispatch
from tests.factories import money
from tests.pipeline import drafts, ready_dispatch

DISPATCHES = text("""
    INSERT INTO dispatches (id, created_at, updated_at, tenant_id, channel, carrier, status, chunks, total, queued,
                            sending, sent, delivered, read, not_delivered, error, unknown, suppressed, canceled,
                            segments, price_micros, cost_micros, released_micros, lane, float_micros, ready_at)
    SELECT id, now(), now(), tenant_id, 'sms', 'simulator', 'ready', :chunks, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 0, 0, :lane, CASE WHEN CAST(:lane AS smallint) IS NOT NULL THEN 0 END, now()
      FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[])) AS u(id, tenant_id)
""")
CHUNKS = text("""
    INSERT INTO chunks (dispatch_id, no, tenant_id, first_id, last_id, status, fence, due_at, setbacks)
    SELECT d.id, no, d.tenant_id, d.id, d.id, 'open', 0, :due_at, 0
      FROM dispatches d, generate_series(0, :chunks - 1) no WHERE d.id = ANY(:ids)
""")


def on_their_way(tenants: list[UUID], *, chunks: int = 1, lane: int | None = None, later_s: float = -1.0):
    """A dispatch for each of these tenants, with chunks and no messages, by two statements. Their ids."""
    ids = [new_id() for _ in tenants]
    with atomic() as current:
        current.execute(DISPATCHES, {"ids": ids, "tenants": tenants, "chunks": chunks, "lane": lane})
        due = now() + timedelta(seconds=later_s)
        current.execute(CHUNKS, {"ids": ids, "chunks": chunks, "due_at": due})
    return ids


def companies(count: int) -> list[UUID]:
    """So many tenants."""
    ids = [new_id() for _ in range(count)]
    with atomic() as current:
        current.execute(
            text(
                "INSERT INTO tenants (id, created_at, name, locale, timezone, currency)"
                " SELECT id, now(), 'Loja', 'pt_BR', 'America/Sao_Paulo', 'BRL' FROM unnest(CAST(:ids AS uuid[])) id"
            ),
            {"ids": ids},
        )
    return ids


def next_turns(count: int) -> list[UUID]:
    """Whose the next so many chunks are."""
    return [claim.tenant_id for claim in (turns.claim() for _ in range(count)) if claim]


def place(dispatch_id: UUID):
    return session().scalar(select(Dispatch.turn_at).where(Dispatch.id == dispatch_id))


@pytest.fixture
def in_order(app, monkeypatch):
    """Single sends first at every claim."""
    monkeypatch.setattr(turns, "BULK_FIRST", 10**9)


def test_a_campaign_of_a_million_lets_everybody_else_have_their_turn(in_order):
    big, small, other = companies(3)
    on_their_way([big], chunks=1_000)
    assert next_turns(3) == [big] * 3
    on_their_way([small])
    on_their_way([other], lane=0)
    assert next_turns(2) == [other, small]
    on_their_way([small], chunks=2)
    assert sorted(next_turns(4)) == sorted([big, small, big, small])
    assert next_turns(2) == [big] * 2


def test_turns_go_by_company_however_many_campaigns_each_has(in_order):
    """One has more campaigns on their way than a look reads of the line."""
    many, one = companies(2)
    on_their_way([many] * (3 * turns.WINDOW), chunks=2)
    on_their_way([one], chunks=20)
    taken = next_turns(40)
    assert sum(1 for tenant in taken if tenant == one) in (19, 20)
    assert not any(taken[n : n + 3] == [many] * 3 for n in range(38))


def test_single_sends_go_first_and_do_not_stop_campaigns(app):
    talker, marketer = companies(2)
    on_their_way([talker], chunks=100, lane=0)
    on_their_way([marketer], chunks=100)
    taken = next_turns(40)
    assert taken.count(marketer) == 10
    assert taken.count(talker) == 30


def test_singles_and_campaigns_of_one_company_have_turns_of_their_own(in_order):
    both, other = companies(2)
    on_their_way([both], chunks=30, lane=0)
    assert next_turns(30) == [both] * 30
    on_their_way([both])
    on_their_way([other])
    assert next_turns(2) == [both, other]


def test_ten_thousand_that_wait_for_their_time_cost_nothing(in_order):
    tenants = companies(10_000)
    on_their_way(tenants, later_s=3_600)
    while session().scalar(select(func.count()).where(Dispatch.turn_at <= now())):
        assert turns.claim() is None  # each is looked at once, and then not any more
    on_their_way([tenants[5]])
    assert rows_read(single=False) <= 2
    assert next_turns(2) == [tenants[5]]


def test_ten_thousand_that_are_due_cost_what_fifty_cost(in_order):
    on_their_way(companies(10_000))
    with atomic() as current:
        current.execute(text("ANALYZE dispatches, chunks"))
    assert rows_read(single=False) <= turns.WINDOW
    taken = next_turns(300)
    assert len(set(taken)) == 300


def test_a_dispatch_comes_back_when_its_next_chunk_is_due(in_order):
    [tenant] = companies(1)
    [dispatch_id] = on_their_way([tenant], chunks=2, later_s=3_600)
    assert turns.claim() is None and not turns.anything_due()
    due = session().scalar(select(func.min(Chunk.due_at)))
    assert place(dispatch_id) == due
    with atomic() as current:
        current.execute(update(Chunk).where(Chunk.no == 1).values(due_at=now()))
    assert turns.anything_due()
    assert turns.claim().no == 1


def test_a_chunk_that_is_given_back_is_found_again(in_order):
    [tenant] = companies(1)
    [dispatch_id] = on_their_way([tenant])
    turns.claim()
    assert turns.claim() is None and place(dispatch_id) == turns.NEVER
    with atomic() as current:
        current.execute(update(Chunk).values(lease_until=None))
    assert turns.anything_due() and turns.claim().fence == 2


def test_what_was_paused_lines_up_again(app, alice):
    money(alice.tenant_id, 10)
    dispatch = ready_dispatch(alice.tenant_id, drafts("1111"))
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now() + timedelta(hours=1)))
    assert turns.claim() is None
    service.pause(dispatch)
    with atomic() as current:
        current.execute(update(Chunk).values(due_at=now()))
    assert turns.claim() is None
    service.go_on(dispatch)
    assert turns.claim().dispatch_id == dispatch.id


def test_what_comes_while_nobody_finds_it_is_not_put_off(in_order, app):
    """A chunk that is written and not committed yet while a claim looks; whatever the claim does, it is found."""
    [tenant] = companies(1)
    [dispatch_id] = on_their_way([tenant])
    turns.claim()  # nothing else is due
    written, looked = threading.Event(), threading.Event()

    def write() -> None:
        with app.app_context(), atomic() as current:
            current.execute(update(Dispatch).values(total=1, queued=1, updated_at=now()))
            current.execute(
                text(
                    "INSERT INTO chunks (dispatch_id, no, tenant_id, first_id, last_id, status, fence, due_at,"
                    " setbacks)"
                    " SELECT dispatch_id, 7, tenant_id, first_id, last_id, 'open', 0, now(), 0 FROM chunks"
                )
            )
            current.flush()
            written.set()
            assert looked.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    assert turns.claim() is None
    looked.set()
    writer.join()
    assert turns.claim().no == 7
    assert place(dispatch_id) <= now()


def test_many_who_write_and_many_who_claim_lose_nothing(in_order, app):
    """Writers add chunks to a few dispatches while workers claim them: in the end every chunk was claimed once."""
    ids = on_their_way(companies(4), lane=0)
    each, writers, workers = 40, 4, 4
    got: list[tuple[UUID, int]] = []
    done = threading.Event()

    def write(number: int) -> None:
        with app.app_context():
            for place in range(each):
                dispatch_id = ids[(number + place) % len(ids)]
                with atomic() as current:
                    current.execute(
                        text("""
                            WITH lane AS (
                              UPDATE dispatches SET chunks = chunks + 1, total = total + 1, queued = queued + 1,
                                                    updated_at = clock_timestamp()
                               WHERE id = :id RETURNING id, tenant_id, chunks - 1 AS no)
                            INSERT INTO chunks (dispatch_id, no, tenant_id, first_id, last_id, status, fence,
                                                due_at, setbacks)
                            SELECT id, no, tenant_id, id, id, 'open', 0, clock_timestamp(), 0 FROM lane
                        """),
                        {"id": dispatch_id},
                    )
            db.session.remove()

    def work() -> None:
        with app.app_context():
            while not done.is_set():
                if claim := turns.claim():
                    got.append((claim.dispatch_id, claim.no))
                    with atomic() as current:
                        mine = Chunk.dispatch_id == claim.dispatch_id, Chunk.no == claim.no
                        current.execute(update(Chunk).where(*mine).values(status="done", lease_until=None))
            db.session.remove()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    claimers = [threading.Thread(target=work) for _ in range(workers)]
    for thread in [*threads, *claimers]:
        thread.start()
    for thread in threads:
        thread.join()
    done.wait(1.5)
    done.set()
    for thread in claimers:
        thread.join()
    assert len(got) == len(set(got)) == each * writers + len(ids)


def rows_read(*, single: bool) -> int:
    """How many dispatches a claim reads, as the database says."""
    asked = {"single": single, "moment": now(), "lease_until": now()}
    with atomic() as current:
        [plan] = current.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {turns.CLAIM[single].text}"), asked)
        current.rollback()
    return sum(
        node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
        for node in nodes(plan["Plan"])
        if node.get("Relation Name") == "dispatches"
    )


def nodes(plan):
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)
