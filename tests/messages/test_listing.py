"""What a list of messages shows, and that its totals are kept, not counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from sintalk.db import atomic, first_id_at, made_at, new_id, now, session
from sintalk.messages import listing, tally
from sintalk.messages.models import Notification
from sintalk.messages.states import MARKED, STATUSES
from sintalk.web.schemas import PageQuery
from tests.factories import money
from tests.pipeline import drafts, ready_dispatch

WHOLE = PageQuery(limit=200)


@pytest.fixture
def dispatch(alice):
    money(alice.tenant_id, 100)
    return ready_dispatch(alice.tenant_id, drafts("1111", each=40))


def become(dispatch, status: str, *, every: int = 1, start: int = 0) -> list:
    """Every so many of its messages stands in this status now; their ids, newest first."""
    ids = session().scalars(
        select(Notification.id).where(Notification.dispatch_id == dispatch.id).order_by(Notification.id)
    )
    chosen = list(ids)[start::every]
    with atomic() as current:
        befores = current.execute(
            text(
                "UPDATE notifications n SET status = :status FROM (SELECT id, status FROM notifications) o "
                "WHERE o.id = n.id AND n.id = ANY(:ids) RETURNING o.status"
            ),
            {"status": status, "ids": chosen},
        ).scalars()
        tally.move(dispatch.id, [(before, status) for before in befores])
    return chosen[::-1]


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_found_page_by_page_wherever_it_is(alice, dispatch, monkeypatch, status):
    monkeypatch.setattr(listing, "LOOK_AT", 7)  # the newest seven are too few to find them
    others = ready_dispatch(alice.tenant_id, drafts("2222", each=30))
    become(others, "delivered" if status != "delivered" else "sent")
    become(dispatch, "delivered" if status != "delivered" else "sent")
    wanted = become(dispatch, status, every=5)
    seen, after = [], None
    while True:
        page = listing.page(
            alice.tenant_id, listing.Wanted(status=status), PageQuery(limit=3, offset=0, after=after)
        )
        assert (page.total, page.total_is_exact) == (len(wanted), True)
        seen += [row.id for row in page.data]
        if not page.has_more:
            break
        after = seen[-1]
    assert seen == wanted
    second = listing.page(alice.tenant_id, listing.Wanted(status=status), PageQuery(limit=3, offset=2))
    assert [row.id for row in second.data] == wanted[2:5] and second.has_more


def test_where_many_dispatches_have_some_they_are_found_all_the_same(alice, dispatch, monkeypatch):
    monkeypatch.setattr(listing, "LOOK_AT", 2)
    monkeypatch.setattr(listing, "ONE_BY_ONE", 1)
    others = ready_dispatch(alice.tenant_id, drafts("2222", each=10))
    wanted = become(others, "sent", every=4, start=1) + become(dispatch, "sent", every=10)
    page = listing.page(alice.tenant_id, listing.Wanted(status="sent", channel="sms"), WHOLE)
    assert [row.id for row in page.data] == wanted and page.total == len(wanted)


def test_what_goes_well_moves_no_index(alice, dispatch):
    """Every change of status on the usual way is a HOT update; only what is marked pays for its index."""

    def updates() -> tuple[int, int]:
        with atomic() as current:
            current.execute(text("SELECT pg_stat_force_next_flush()"))
        row = session().execute(
            text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'notifications'")
        )
        found = row.one()
        session().rollback()
        return found.n_tup_upd, found.n_tup_hot_upd

    before = updates()
    one = session().scalars(select(Notification.id).where(Notification.dispatch_id == dispatch.id)).first()
    for status in ("sending", "sent", "delivered"):
        with atomic() as current:
            current.execute(
                text("UPDATE notifications SET status = :status WHERE id = :id"),
                {"status": status, "id": one},
            )
    after = updates()
    assert (after[0] - before[0], after[1] - before[1]) == (3, 3)
    assert not {"queued", "sending", "sent", "delivered"} & set(MARKED)


def test_filters_by_time_go_by_the_time_in_the_id_which_is_the_time_that_is_shown(alice, dispatch):
    rows = session().scalars(select(Notification).order_by(Notification.id)).all()
    assert all(row.created_at == made_at(row.id) for row in rows)
    third = rows[20].created_at
    since = listing.page(alice.tenant_id, listing.Wanted(start=third), WHOLE)
    until = listing.page(alice.tenant_id, listing.Wanted(end=third), WHOLE)
    assert {row.id for row in since.data} == {row.id for row in rows if row.created_at >= third}
    assert {row.id for row in until.data} == {row.id for row in rows if row.created_at < third}
    assert (since.total, until.total) == (len(since.data), len(until.data))


def test_the_first_id_of_a_moment_is_above_all_older_ones_and_below_all_newer_ones():
    made = new_id()
    assert first_id_at(made_at(made)) < made
    assert first_id_at(made_at(made) + timedelta(microseconds=1)) > made
    assert first_id_at(now() + timedelta(seconds=1)) > new_id() > first_id_at(now() - timedelta(seconds=1))


def test_totals_by_channel_status_and_campaign_are_sums_of_counters(alice, charlie, dispatch):
    become(dispatch, "error", every=10)
    for wanted, total in (
        (listing.Wanted(), 40),
        (listing.Wanted(channel="sms"), 40),
        (listing.Wanted(channel="voice"), 0),
        (listing.Wanted(status="error"), 4),
        (listing.Wanted(status="error", channel="rcs"), 0),
        (listing.Wanted(campaign_id=new_id()), 0),
    ):
        page = listing.page(alice.tenant_id, wanted, PageQuery())
        assert (page.total, len(page.data)) == (total, total), wanted
        assert listing.page(charlie.tenant_id, wanted, PageQuery()).total == 0
